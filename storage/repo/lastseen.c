#include "storage/repo/lastseen.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/enc.h"
#include "core/host/statedir.h"
#include "core/human.h"
#include "core/json.h"
#include "core/log.h"
#include "storage/format/label_heads.h"
#include "storage/format/object.h"
#include "storage/repo/lastseen_impl.h"

bool
lastseen_is_past(const struct repo *r)
{
    return strcmp(r->st->ops->scheme, "as-of") == 0;
}

/* ---- the file ---- */

/* suffix: "seen" or "seen.lock".  NULL: there is no place for it; a warning was given. */
static char *
path_of(const struct repo *r, const char *db, const char *suffix)
{
    struct err e = ERR_INIT;
    char      *enc = name_encode(db);
    char      *file = xasprintf("%s.%s", enc, suffix);
    char      *path = state_file(r->id, file, &e);

    if (path == NULL) {
        log_info("%s; this host remembers no backups", e.text);
    }
    free(file);
    free(enc);
    return path;
}

static int
read_signers(const json_t *o, struct lastseen *s, struct err *e)
{
    json_t     *signers;
    const char *id;
    json_t     *value;
    uint8_t     bytes[8];

    if (json_get_object(o, "signers", &signers, e) != 0) {
        return -1;
    }
    if (json_object_size(signers) > LASTSEEN_SIGNERS_MAX) {
        return err_set(e, ERR_CORRUPT, "key \"signers\" has more than %d members",
                       LASTSEEN_SIGNERS_MAX);
    }
    json_object_foreach (signers, id, value) {
        json_int_t n = json_is_integer(value) ? json_integer_value(value) : 0;

        if (hex_decode(id, strlen(id), bytes, sizeof bytes) != 0 || n < 1 ||
            n > CHAIN_SEQUENCE_MAX) {
            return err_set(e, ERR_CORRUPT,
                           "key \"signers\" holds something else than sequences of signers");
        }
        VEC_GROW(s->v, s->n, s->cap);
        s->v[s->n].sequence = (uint64_t)n;
        (void)snprintf(s->v[s->n++].id, sizeof s->v->id, "%s", id);
    }
    return 0;
}

static int
read_backup(const json_t *o, struct lastseen *s, struct err *e)
{
    const char *id;
    const char *digest;
    const char *snapshot;
    uint8_t     bytes[SHA256_BYTES];

    if (json_object_get(o, "backup") == NULL) {
        return 0;
    }
    if (json_get_str(o, "backup", &id, e) != 0 ||
        json_get_str(o, "label_sha256", &digest, e) != 0 ||
        json_get_str(o, "snapshot", &snapshot, e) != 0 ||
        time_parse(snapshot, &s->snapshot, e) != 0) {
        return -1;
    }
    if (!backup_id_valid(id) || hex_decode(digest, strlen(digest), bytes, sizeof bytes) != 0) {
        return err_set(e, ERR_CORRUPT, "key \"backup\" or \"label_sha256\" is malformed");
    }
    (void)snprintf(s->backup, sizeof s->backup, "%s", id);
    (void)snprintf(s->sha256, sizeof s->sha256, "%s", digest);
    return 0;
}

static int
parse(const struct buf *text, struct lastseen *s, struct err *e)
{
    json_t *o = object_parse(text->data, text->len, "seen", e);
    int     rc = o == NULL || read_backup(o, s, e) != 0 || read_signers(o, s, e) != 0 ? -1 : 0;

    json_decref(o);
    return rc;
}

/* Warns once, and keeps the file for inspection. */
static void
set_aside(const char *path)
{
    char *bad = xasprintf("%s.bad", path);

    if (rename(path, bad) != 0) {
        log_info("\"%s\" stays where it is: %s", path, strerror(errno));
    }
    free(bad);
}

void
lastseen_load(const struct repo *r, const char *db, struct lastseen *s)
{
    char      *path = lastseen_is_past(r) ? NULL : path_of(r, db, "seen");
    struct buf text = BUF_INIT(LASTSEEN_BYTES_MAX);
    struct err e = ERR_INIT;

    *s = (struct lastseen){0};
    if (path != NULL &&
        (state_read(path, &text, &e) != 0 || (text.len > 0 && parse(&text, s, &e) != 0))) {
        log_warn(
            "\"%s\", what this host has seen of \"%s\", cannot be read: %s; it is started anew",
            path, db, e.text);
        set_aside(path);
        lastseen_free(s);
    }
    buf_free(&text);
    free(path);
}

void
lastseen_free(struct lastseen *s)
{
    free(s->v);
    *s = (struct lastseen){0};
}

static int
format(const struct lastseen *s, struct buf *out, struct err *e)
{
    json_t *o = object_new("seen");
    json_t *signers = json_object();
    char    at[32];
    int     rc;

    if (s->backup[0] != '\0') {
        (void)json_object_set_new(o, "backup", json_string(s->backup));
        (void)json_object_set_new(o, "label_sha256", json_string(s->sha256));
        (void)json_object_set_new(o, "snapshot",
                                  json_string(time_rfc3339(s->snapshot, at, sizeof at)));
    }
    for (size_t i = 0; i < s->n; i++) {
        (void)json_object_set_new(signers, s->v[i].id, json_integer((json_int_t)s->v[i].sequence));
    }
    (void)json_object_set_new(o, "signers", signers);
    rc = object_format(o, out, e);
    json_decref(o);
    return rc;
}

static void
save(const struct repo *r, const char *db, const struct lastseen *s)
{
    char      *path = path_of(r, db, "seen");
    struct buf text = BUF_INIT(LASTSEEN_BYTES_MAX);
    struct err e = ERR_INIT;

    if (path != NULL && (format(s, &text, &e) != 0 || state_write(path, &text, &e) != 0)) {
        log_info("%s; this host does not remember the newest backup of \"%s\"", e.text, db);
    }
    buf_free(&text);
    free(path);
}

int
lastseen_lock(const struct repo *r, const char *db)
{
    char *path = path_of(r, db, "seen.lock");
    int   fd = state_lock(path);

    free(path);
    return fd;
}

void
lastseen_unlock(int lock)
{
    if (lock >= 0) {
        (void)close(lock);
    }
}

void
lastseen_databases(const struct repo *r, struct strlist *names)
{
    static const char suffix[] = ".seen";
    struct err        ignored = ERR_INIT;
    char             *path = lastseen_is_past(r) ? NULL : state_file(r->id, "", &ignored);
    DIR              *dir = path == NULL ? NULL : opendir(path);

    for (struct dirent *d; dir != NULL && (d = readdir(dir)) != NULL;) {
        size_t n = strlen(d->d_name);
        char  *name = NULL;

        if (n > sizeof suffix - 1 && strcmp(d->d_name + n - (sizeof suffix - 1), suffix) == 0) {
            d->d_name[n - (sizeof suffix - 1)] = '\0';
            name = name_decode(d->d_name);
        }
        if (name != NULL && !strlist_has(names, name)) {
            strlist_add(names, name);
        }
        free(name);
    }
    if (dir != NULL) {
        (void)closedir(dir);
    }
    free(path);
}

/* ---- what is remembered ---- */

uint64_t
lastseen_sequence(const struct lastseen *s, const char *signer)
{
    for (size_t i = 0; i < s->n; i++) {
        if (strcmp(s->v[i].id, signer) == 0) {
            return s->v[i].sequence;
        }
    }
    return 0;
}

/* True: the memory has changed.  Only the signer of a label can raise its own number. */
static bool
note_sequence(struct lastseen *s, const struct label *l)
{
    size_t i = 0;

    if (l->sequence == 0 || strcmp(l->signer, l->signed_by) != 0) {
        return false;
    }
    while (i < s->n && strcmp(s->v[i].id, l->signer) != 0) {
        i++;
    }
    if (i == LASTSEEN_SIGNERS_MAX || (i < s->n && s->v[i].sequence >= l->sequence)) {
        return false;
    }
    if (i == s->n) {
        VEC_GROW(s->v, s->n, s->cap);
        memcpy(s->v[s->n++].id, l->signer, sizeof s->v->id);
    }
    s->v[i].sequence = l->sequence;
    return true;
}

static bool
note_backup(struct lastseen *s, const struct label *l, bool also_older)
{
    int  newer = strcmp(l->id, s->backup);
    bool healed = newer == 0 && l->copied_repo[0] != '\0' && strcmp(l->sha256, s->sha256) != 0;

    if (label_is_partial(l) || (newer < 0 && !also_older) || (newer == 0 && !healed)) {
        return false;
    }
    memcpy(s->backup, l->id, sizeof s->backup);
    memcpy(s->sha256, l->sha256, sizeof s->sha256);
    s->snapshot = l->snapshot;
    return true;
}

static bool
note_list(struct lastseen *s, const struct backup_list *list)
{
    bool changed = false;

    for (size_t i = 0; i < list->n; i++) {
        const struct label *l = list->v[i].label;

        if (l != NULL && note_sequence(s, l)) {
            changed = true;
        }
        if (l != NULL && list->v[i].state == BACKUP_COMMITTED && note_backup(s, l, false)) {
            changed = true;
        }
    }
    return changed;
}

/* Read again under the lock: another run of this host may have written meanwhile. */
void
lastseen_update(const struct repo *r, const char *db, const struct backup_list *list,
                const struct label *l, bool also_older, int lock)
{
    int             own = lock >= 0 ? -1 : lastseen_lock(r, db);
    struct lastseen s;
    bool            changed;

    lastseen_load(r, db, &s);
    changed = list != NULL && note_list(&s, list);
    if (l != NULL) {
        changed |= note_sequence(&s, l);
        changed |= note_backup(&s, l, also_older);
    }
    if (changed) {
        save(r, db, &s);
    }
    lastseen_free(&s);
    lastseen_unlock(own);
}

void
lastseen_remember(const struct repo *r, const char *db, const struct label *l, int lock)
{
    if (!lastseen_is_past(r)) {
        lastseen_update(r, db, NULL, l, false, lock);
    }
}

void
lastseen_remember_list(const struct repo *r, const char *db, const struct backup_list *list)
{
    if (!lastseen_is_past(r)) {
        lastseen_update(r, db, list, NULL, false, -1);
    }
}
