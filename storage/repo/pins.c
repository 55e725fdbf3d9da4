#include "storage/repo/pins.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/crypto/hash.h"
#include "core/human.h"
#include "core/json.h"
#include "core/log.h"
#include "storage/format/object.h"
#include "storage/keys/signed.h"
#include "storage/repo/perbackup.h"

/* ---- pins and acceptances ---- */

static const struct {
    const char *dir, *type, *text;
} kinds[] = {
    [PINS_PINNED] = {"pins", "pin", "note"},
    [PINS_ACCEPTED] = {"accepted", "accept", "reason"},
};

static int
read_mark(struct repo *r, enum pins_kind kind, struct pin *m, struct err *e)
{
    json_t     *o = object_get(repo_signed(r), m->key, kinds[kind].type, OBJECT_BYTES_MAX, e);
    const char *created, *backup;
    int         rc = -1;

    if (o == NULL) {
        return -1;
    }
    if (json_get_str(o, "backup", &backup, e) == 0 &&
        json_get_str(o, "created", &created, e) == 0 && time_parse(created, &m->created, e) == 0 &&
        (m->text = object_text(o, kinds[kind].text, e)) != NULL &&
        (kind != PINS_ACCEPTED || (m->scope = object_text(o, "scope", e)) != NULL)) {
        rc = strcmp(backup, m->backup) == 0 ? 0
                                            : err_set(e, ERR_CORRUPT, "is about backup %s", backup);
    }
    json_decref(o);
    if (rc != 0) {
        e->kind = ERR_CORRUPT;
        err_wrap(e, "\"%s\"", m->key);
    }
    return rc;
}

static void
mark_free(struct pin *m)
{
    free(m->key);
    free(m->text);
    free(m->scope);
}

static int
load_mark(struct repo *r, enum pins_kind kind, const char *key, struct pins *out, struct err *e)
{
    struct pin m = {.key = xstrdup(key)};

    (void)perbackup_backup(key, m.backup);
    if (read_mark(r, kind, &m, e) != 0) {
        if (e->kind != ERR_CORRUPT) {
            mark_free(&m);
            if (e->kind != ERR_NOT_FOUND) {
                return -1;
            }
            err_clear(e); /* removed since the listing */
            return 0;
        }
        log_warn("%s; %s", e->text,
                 kind == PINS_PINNED ? "the backup counts as pinned" : "it is not counted");
        err_clear(e);
        free(m.text);
        m.text = NULL;
        if (kind == PINS_ACCEPTED) {
            mark_free(&m);
            return 0;
        }
    }
    VEC_GROW(out->v, out->n, out->cap);
    out->v[out->n++] = m;
    return 0;
}

int
pins_load(struct repo *r, const char *db, enum pins_kind kind, struct pins *out, struct err *e)
{
    struct strlist keys = {0};
    int            rc;

    *out = (struct pins){0};
    rc = perbackup_list(r, db, kinds[kind].dir, &keys, e);
    for (size_t i = 0; rc == 0 && i < keys.n; i++) {
        rc = load_mark(r, kind, keys.v[i], out, e);
    }
    strlist_free(&keys);
    if (rc != 0) {
        pins_free(out);
        return err_wrap(e, "%s of \"%s\"", kinds[kind].dir, db);
    }
    return 0;
}

void
pins_free(struct pins *m)
{
    for (size_t i = 0; i < m->n; i++) {
        mark_free(&m->v[i]);
    }
    free(m->v);
    *m = (struct pins){0};
}

int
pin_put(struct repo *r, const char *db, const char *backup, const char *note, struct err *e)
{
    json_t *o = perbackup_object("pin", backup);
    char    suffix[] = ".01234567";
    char   *key;
    int     rc;

    random_hex(4, suffix + 1);
    key = perbackup_key(db, "pins", backup, suffix);
    object_set_text(o, "note", note);
    rc = object_put(repo_signed(r), key, o, e);
    json_decref(o);
    free(key);
    return rc;
}

int
pin_remove(struct repo *r, const char *db, const char *backup, struct err *e)
{
    struct strlist keys = {0};
    char           id[BACKUP_ID_MAX];
    size_t         n = 0;
    int            rc = perbackup_list(r, db, "pins", &keys, e);

    for (size_t i = 0; rc == 0 && i < keys.n; i++) {
        if (perbackup_backup(keys.v[i], id) && strcmp(id, backup) == 0) {
            const char *key = keys.v[i];

            rc = storage_remove(r->st, &key, 1, e);
            n++;
        }
    }
    if (rc == 0 && n == 0) {
        rc = err_set(e, ERR_NOT_FOUND, "backup %s of \"%s\" is not pinned", backup, db);
    }
    strlist_free(&keys);
    return rc;
}

int
accept_put(struct repo *r, const char *db, const struct label *l, const char *reason, struct err *e)
{
    json_t            *o = perbackup_object("accept", l->id);
    char              *key = perbackup_key(db, "accepted", l->id, "");
    struct object_info info;
    int                rc;

    object_set_text(o, "scope", l->scope);
    object_set_text(o, "reason", reason);
    (void)json_object_set_new(o, "tables", json_integer((json_int_t)l->tables));
    (void)json_object_set_new(o, "rows", json_integer((json_int_t)l->rows));
    (void)json_object_set_new(o, "raw_bytes", json_integer((json_int_t)l->raw_bytes));
    rc = storage_head(r->st, key, &info, e);
    if (rc == 0) {
        rc = err_set(e, ERR_EXISTS, "backup %s of \"%s\" is accepted already", l->id, db);
    } else if (e->kind == ERR_NOT_FOUND) {
        err_clear(e);
        rc = object_put(repo_signed(r), key, o, e);
    }
    json_decref(o);
    free(key);
    return rc;
}
