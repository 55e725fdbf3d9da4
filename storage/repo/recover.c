#include "storage/repo/recover.h"

#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "core/log.h"
#include "storage/drivers/open.h"
#include "storage/format/backupid.h"
#include "storage/format/label.h"
#include "storage/format/object.h"
#include "storage/keys/trust.h"

enum { NUMBER_MAX = 1000 };

/* A copy, and its original number. */
struct copy {
    unsigned   n;
    char      *key;
    struct buf raw;
};

struct search {
    struct storage *st;
    struct trust   *trust;
    char            id[33];  /* the repository's, once known from a copy */
    const char     *db;      /* as in keys */
    struct strlist  backups; /* of db */
    struct copy    *v;       /* the newest backup's of each number */
    size_t          n, cap;
    unsigned        top;                        /* the highest number mentioned */
    struct copy     nameless;                   /* the newest with an unknown number */
    char            nameless_of[BACKUP_ID_MAX]; /* ... and its backup */
};

static const struct copy *
copy_of(const struct search *s, unsigned n)
{
    for (size_t i = 0; i < s->n; i++) {
        if (s->v[i].n == n) {
            return &s->v[i];
        }
    }
    return NULL;
}

/* ---- finding the copies ---- */

/* All copies must be of one repository. */
static int
take_id(struct search *s, const char *key, const struct buf *raw, struct err *e)
{
    json_t     *o = object_parse(raw->data, raw->len, "repo", e);
    const char *id = NULL;
    int         rc = o == NULL ? -1 : json_get_str(o, "repo_id", &id, e);

    if (rc == 0 && s->id[0] == '\0') {
        (void)snprintf(s->id, sizeof s->id, "%s", id);
        trust_bind(s->trust, s->id);
    } else if (rc == 0 && strcmp(s->id, id) != 0) {
        rc = err_set(e, ERR_CORRUPT, "it is of repository %s, and others are of %s", id, s->id);
    }
    json_decref(o);
    return rc == 0 ? 0 : err_wrap(e, "\"%s\"", key);
}

static bool
holds_as(struct search *s, const struct buf *raw, unsigned n)
{
    struct err doubt = ERR_INIT;
    char       name[32];

    (void)snprintf(name, sizeof name, "repo.%u.json", n);
    return trust_check(s->trust, "repo", name, raw->data, raw->len, &doubt) == 0;
}

/* The number in the backup's label, if that is trusted; 0: none. */
static unsigned
number_in_label(struct search *s, const char *backup)
{
    char         *key = xasprintf("%s/backups/%s/label.json", s->db, backup);
    struct buf    raw = BUF_INIT(LABEL_BYTES_MAX);
    struct err    e = ERR_INIT;
    struct label *l = NULL;
    unsigned      n = 0;

    if (storage_get(s->st, key, &raw, &e) == 0 &&
        trust_check(s->trust, "label", key, raw.data, raw.len, &e) == 0 &&
        (l = label_parse(raw.data, raw.len, &e)) != NULL) {
        n = l->settings <= NUMBER_MAX ? l->settings : 0;
    }
    label_free(l);
    buf_free(&raw);
    free(key);
    return n;
}

/* The number of a copy; 0: unknown. */
static unsigned
number_of(struct search *s, const struct buf *raw, unsigned label)
{
    if (!trust_asks(s->trust, "repo") || (label > 0 && holds_as(s, raw, label))) {
        return label;
    }
    for (unsigned n = 1; n <= NUMBER_MAX; n++) {
        if (holds_as(s, raw, n)) {
            return n;
        }
    }
    return 0;
}

static void
keep(struct copy *c, char *key, unsigned n, struct buf *raw)
{
    *c = (struct copy){.n = n, .key = xstrdup(key), .raw = *raw};
    *raw = (struct buf)BUF_INIT(OBJECT_BYTES_MAX);
}

static int
look_at(struct search *s, const char *backup, struct err *e)
{
    char      *key = xasprintf("%s/backups/%s/repo.json", s->db, backup);
    struct buf raw = BUF_INIT(OBJECT_BYTES_MAX);
    int        rc = storage_get(s->st, key, &raw, e);

    if (rc == 0) {
        rc = take_id(s, key, &raw, e);
    } else if (e->kind == ERR_NOT_FOUND) {
        err_clear(e);
        rc = 1;
    }
    if (rc == 0) {
        unsigned label = number_in_label(s, backup);
        unsigned n = number_of(s, &raw, label);

        s->top = label > s->top ? label : s->top;
        s->top = n > s->top ? n : s->top;
        if (n > 0 && copy_of(s, n) == NULL) {
            VEC_GROW(s->v, s->n, s->cap);
            keep(&s->v[s->n++], key, n, &raw);
        } else if (n == 0 && !trust_asks(s->trust, "repo") && strcmp(backup, s->nameless_of) > 0) {
            free(s->nameless.key);
            buf_free(&s->nameless.raw);
            keep(&s->nameless, key, 1, &raw);
            memcpy(s->nameless_of, backup, strlen(backup) + 1);
        }
    }
    buf_free(&raw);
    free(key);
    return rc < 0 ? -1 : 0;
}

static int
see_backup(void *ctx, const char *name, struct err *e)
{
    struct search *s = ctx;

    (void)e;
    if (backup_id_valid(name)) {
        strlist_add(&s->backups, name);
    }
    return 0;
}

static int
see_database(void *ctx, const char *name, struct err *e)
{
    struct search *s = ctx;
    char          *prefix = xasprintf("%s/backups/", name);
    int            rc = storage_dirs(s->st, prefix, see_backup, s, e);

    s->db = name;
    for (size_t i = s->backups.n; rc == 0 && i-- > 0;) { /* the newest first */
        rc = look_at(s, s->backups.v[i], e);
    }
    strlist_free(&s->backups);
    free(prefix);
    return rc;
}

/* ---- putting them back ---- */

/* The object for this number.  *from: the copy that it is made from. */
static int
make(struct search *s, unsigned n, const char *name, struct buf *out, const char **from,
     struct err *e)
{
    const struct copy *c = copy_of(s, n);
    const struct copy *newest = copy_of(s, s->top);
    const uint8_t     *end;

    *from = c != NULL ? c->key : newest->key;
    if (c != NULL) {
        return buf_append(out, c->raw.data, c->raw.len, e);
    }
    if (trust_may(s->trust, "repo", e) != 0) {
        err_wrap(e, "there is no copy of \"%s\", and its place must be filled", name);
        return err_hint(e, "run this where the administrator's key is (sign-key)");
    }
    end = memchr(newest->raw.data, '\n', newest->raw.len);
    return end == NULL ? err_set(e, ERR_CORRUPT, "\"%s\" has no end", newest->key)
        : buf_append(out, newest->raw.data, (size_t)(end - newest->raw.data) + 1, e) != 0
        ? -1
        : trust_sign(s->trust, "repo", name, out, e);
}

/* An object in the place of the newest must be equal to it. */
static int
check_there(struct search *s, unsigned n, const char *name, struct err *e)
{
    struct buf raw = BUF_INIT(OBJECT_BYTES_MAX);
    struct err doubt = ERR_INIT;
    int        rc = storage_get(s->st, name, &raw, e);

    if (rc == 0 && n == s->top &&
        trust_check(s->trust, "repo", name, raw.data, raw.len, &doubt) != 0) {
        rc = err_set(e, ERR_EXISTS, "\"%s\" is there, and not to be trusted: %s", name, doubt.text);
        err_hint(e, "look whose it is, take it away, and run this again");
    }
    buf_free(&raw);
    return rc;
}

/* write false: only tried. */
static int
put_back(struct search *s, bool write, struct recovery *out, struct err *e)
{
    int rc = 0;

    for (unsigned n = 1; rc == 0 && n <= s->top; n++) {
        struct buf         line = BUF_INIT(OBJECT_BYTES_MAX);
        struct object_info info;
        const char        *from;
        char               name[32];

        (void)snprintf(name, sizeof name, "repo.%u.json", n);
        rc = storage_head(s->st, name, &info, e);
        if (rc == 0) {
            rc = check_there(s, n, name, e);
        } else if (e->kind == ERR_NOT_FOUND) {
            err_clear(e);
            rc = make(s, n, name, &line, &from, e);
            if (rc == 0 && write) {
                rc = storage_put(s->st, name, line.data, line.len, e);
            }
            if (rc == 0 && out != NULL) {
                VEC_GROW(out->v, out->n, out->cap);
                out->v[out->n++] = (struct recovered){xstrdup(name), xstrdup(from)};
            }
        }
        buf_free(&line);
    }
    return rc;
}

static int
choose(struct search *s, struct err *e)
{
    if (s->n == 0 && s->nameless.key != NULL) {
        VEC_GROW(s->v, s->n, s->cap);
        s->v[s->n++] = s->nameless;
        s->nameless = (struct copy){.n = 0};
        s->top = s->top == 0 ? 1 : s->top;
    }
    if (s->n == 0) {
        return err_set(e, ERR_NOT_FOUND, "no backup has a copy of the settings that can be used");
    }
    if (copy_of(s, s->top) == NULL) {
        (void)err_set(e, ERR_NOT_FOUND,
                      "labels speak of a \"repo.%u.json\", and no backup has a copy of it that can "
                      "be used",
                      s->top);
        return err_hint(e, "it must come from another copy of this repository");
    }
    return 0;
}

static void
search_free(struct search *s)
{
    for (size_t i = 0; i < s->n; i++) {
        free(s->v[i].key);
        buf_free(&s->v[i].raw);
    }
    free(s->v);
    free(s->nameless.key);
    buf_free(&s->nameless.raw);
    strlist_free(&s->backups);
    trust_free(s->trust);
    storage_close(s->st);
}

int
recover_settings(const struct storage_location *place, bool dry_run, struct recovery *out,
                 struct err *e)
{
    struct search s = {.st = storage_open(place, false, e)};
    int           rc = -1;

    *out = (struct recovery){.n = 0};
    /* Everything is tried before anything is written. */
    if (s.st != NULL && trust_open(place, &s.trust, e) == 0 &&
        storage_dirs(s.st, "", see_database, &s, e) == 0 && choose(&s, e) == 0 &&
        put_back(&s, false, out, e) == 0 && (dry_run || put_back(&s, true, NULL, e) == 0)) {
        rc = 0;
    }
    search_free(&s);
    return rc;
}

void
recovery_free(struct recovery *r)
{
    for (size_t i = 0; i < r->n; i++) {
        free(r->v[i].object);
        free(r->v[i].from);
    }
    free(r->v);
    *r = (struct recovery){.n = 0};
}
