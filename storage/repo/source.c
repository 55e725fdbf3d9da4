#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/enc.h"
#include "core/human.h"
#include "core/json.h"
#include "core/log.h"
#include "storage/format/object.h"
#include "storage/keys/signed.h"
#include "storage/repo/repo.h"
#include "storage/repo/source.h"

static char *
source_key(const char *db, unsigned n)
{
    char *name = name_encode(db);
    char *key = n == 1 ? xasprintf("%s/source.json", name)
                       : xasprintf("%s/source.%u.json", name, n);

    free(name);
    return key;
}

static int
parse(const json_t *o, struct repo_source *s, struct err *e)
{
    int64_t oid;

    if (json_get_hex64(o, "system_identifier", &s->system_identifier, e) != 0 ||
        json_get_int(o, "database_oid", &oid, e) != 0) {
        return -1;
    }
    if (oid > UINT32_MAX) {
        return err_set(e, ERR_CORRUPT, "key \"database_oid\" is out of range");
    }
    s->database_oid = (uint32_t)oid;
    s->dbname = object_text(o, "dbname", e);
    return s->dbname != NULL ? 0 : -1;
}

/* One of the objects; an error says which. */
static int
load_one(struct repo *r, const char *db, unsigned n, struct repo_source *s, struct err *e)
{
    char   *key = source_key(db, n);
    json_t *o = object_get(repo_signed(r), key, "source", OBJECT_BYTES_MAX, e);
    int     rc = o == NULL ? -1 : parse(o, s, e);

    if (o != NULL && rc != 0) {
        err_wrap(e, "\"%s\"", key);
    }
    free(key);
    json_decref(o);
    return rc;
}

/* The binding in force, and the highest number in use (0: none yet).  One that no trusted key has
 * signed is passed over, unless there is no other: whoever can write to the repository would stop
 * all work on the database with it. */
static int
load(struct repo *r, const char *db, struct repo_source *s, unsigned *n, struct err *e)
{
    struct err doubt = ERR_INIT;
    unsigned   in_force = 0;

    *n = 0;
    *s = (struct repo_source){0};
    for (;;) {
        struct repo_source next = {0};

        if (load_one(r, db, *n + 1, &next, e) == 0) {
            source_free(s);
            *s = next;
            in_force = *n + 1;
        } else if (e->untrusted) {
            doubt = *e;
            err_clear(e);
        } else {
            break;
        }
        (*n)++;
    }
    if (e->kind != ERR_NOT_FOUND || (in_force == 0 && *n > 0)) {
        if (e->kind == ERR_NOT_FOUND) {
            *e = doubt;
        }
        source_free(s);
        return -1;
    }
    err_clear(e);
    /* Those that were superseded do not matter any more. */
    if (in_force < *n) {
        log_warn("source of \"%s\" in repository \"%s\" is passed over: %s", db, r->st->location,
                 doubt.text);
    }
    return 0;
}

int
source_load(struct repo *r, const char *db, struct repo_source *s, struct err *e)
{
    unsigned n;

    if (load(r, db, s, &n, e) != 0) {
        return -1;
    }
    return n > 0
        ? 0
        : err_set(e, ERR_NOT_FOUND, "no database \"%s\" in repository \"%s\"", db, r->st->location);
}

int
source_look(struct repo *r, const char *db, struct repo_source *s, struct strlist *sentences,
            struct err *e)
{
    static const char unknown[] =
        "of which database the backups are is not known (the next backup needs --adopt)";
    int rc = source_load(r, db, s, e);

    if (rc != 0 && !e->newer && (e->kind == ERR_NOT_FOUND || e->kind == ERR_CORRUPT)) {
        strlist_take(sentences,
                     e->kind == ERR_NOT_FOUND
                         ? xasprintf("its source.json is gone: %s", unknown)
                         : xasprintf("its source.json cannot be used (%s): %s", e->text, unknown));
        *s = (struct repo_source){0};
        err_clear(e);
        rc = 0;
    }
    return rc;
}

static int
store(struct repo *r, const char *db, const struct repo_source *s, unsigned n, struct err *e)
{
    json_t *o = object_new("source");
    char   *key = source_key(db, n);
    char    at[32];
    int     rc;

    (void)json_object_set_new(o, "system_identifier", json_hex64(s->system_identifier));
    (void)json_object_set_new(o, "database_oid", json_integer(s->database_oid));
    (void)json_object_set_new(o, "dbname", json_text(s->dbname));
    (void)json_object_set_new(o, "bound", json_string(time_rfc3339(time(NULL), at, sizeof at)));
    rc = object_put(repo_signed(r), key, o, e);
    free(key);
    json_decref(o);
    return rc;
}

bool
source_is_bound(const struct repo_source *s)
{
    return s->system_identifier != 0; /* no server has this number */
}

static bool
took_its_place(const struct repo_source *s, const struct repo_source *bound)
{
    for (size_t i = 0; i < s->n_before; i++) {
        if (s->system_identifier == bound->system_identifier &&
            s->before[i] == bound->database_oid) {
            return true;
        }
    }
    return false;
}

/* 1: try again, as another host bound the name at the same time. */
static int
bind_once(struct repo *r, const char *db, const struct repo_source *s, bool adopt, struct err *e)
{
    struct repo_source is;
    unsigned           n;
    int                has = 0;
    int                rc = -1;

    if (load(r, db, &is, &n, e) != 0) {
        return -1;
    }
    if (n > 0 &&
        (!source_is_bound(s) ||
         (is.system_identifier == s->system_identifier && is.database_oid == s->database_oid))) {
        rc = 0;
    } else if (n == 0 && !adopt && (has = repo_has_backups(r, db, e)) != 0) {
        rc = -1;
        if (has > 0) {
            err_set(e, ERR_CORRUPT,
                    "\"%s\" in repository \"%s\" has backups, and its source.json is gone: their "
                    "database is not known",
                    db, r->st->location);
            err_hint(e, "if they are of this one, --adopt binds the name to it anew");
        }
    } else if (n == 0 || adopt || !source_is_bound(&is) || took_its_place(s, &is)) {
        rc = store(r, db, s, n + 1, e);
        rc = rc != 0 && e->kind == ERR_EXISTS ? 1 : rc;
    } else {
        err_set(e, ERR_EXISTS,
                "\"%s\" in repository \"%s\" is database \"%s\" (oid %" PRIu32
                ") of server %" PRIu64 ", not \"%s\" (oid %" PRIu32 ") of server %" PRIu64,
                db, r->st->location, is.dbname, is.database_oid, is.system_identifier, s->dbname,
                s->database_oid, s->system_identifier);
        err_hint(e,
                 "after a restore or an upgrade, --adopt makes the name stand for the new one; "
                 "otherwise choose "
                 "another name");
    }
    source_free(&is);
    return rc;
}

int
source_bind(struct repo *r, const char *db, const struct repo_source *s, bool adopt, struct err *e)
{
    enum { TRIES = 5 };

    for (int i = 1;; i++) {
        int rc = bind_once(r, db, s, adopt, e);

        if (rc <= 0 || i == TRIES) {
            return rc == 0 ? 0 : -1;
        }
        err_clear(e);
    }
}

int
source_retain(struct repo *r, const char *db, time_t until, struct err *e)
{
    for (unsigned n = 1;; n++) {
        char *key = source_key(db, n);
        int   rc = storage_retain(r->st, key, until, e);

        free(key);
        if (rc != 0 && e->kind == ERR_NOT_FOUND) {
            err_clear(e);
            return 0;
        }
        if (rc != 0) {
            return -1;
        }
    }
}

void
source_free(struct repo_source *s)
{
    free(s->dbname);
    free(s->before);
    s->dbname = NULL;
    s->before = NULL;
    s->n_before = s->cap_before = 0;
}
