#include "storage/repo/repo.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/crypto/hash.h"
#include "core/enc.h"
#include "core/human.h"
#include "core/json.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/pool.h"
#include "core/quote.h"
#include "core/similar.h"
#include "storage/contract/location.h"
#include "storage/drivers/open.h"
#include "storage/format/backupid.h"
#include "storage/format/object.h"
#include "storage/keys/epoch_begin.h"
#include "storage/keys/pinned.h"
#include "storage/keys/signed.h"
#include "storage/keys/trust.h"
#include "storage/repo/settings.h"

static json_t *
first_object(void)
{
    json_t *o = object_new("repo");
    char    hex[65];

    random_hex(16, hex);
    (void)json_object_set_new(o, "repo_id", json_string(hex));
    (void)json_object_set_new(o, "epoch", json_integer(1));
    (void)json_object_set_new(o, "created", json_string(time_rfc3339(time(NULL), hex, sizeof hex)));
    (void)json_object_set_new(o, "tool", json_string("pgassay " PGASSAY_VERSION));
    return o;
}

/* Only of an unencrypted repository: they are stored beside the chunks that are named with them. */
static void
add_plain_keys(json_t *o)
{
    char hex[2 * ID_KEY + 1];

    random_hex(ID_KEY, hex);
    (void)json_object_set_new(o, "id_key", json_string(hex));
    random_hex(FINGERPRINT_KEY, hex);
    (void)json_object_set_new(o, "fingerprint_key", json_string(hex));
    sodium_memzero(hex, sizeof hex);
}

static int
write_first(struct signed_store in, const struct keyring *keys, struct err *e)
{
    json_t                  *o = first_object();
    const char              *id = json_opt_str(o, "repo_id", "");
    struct epoch             made = {0};
    size_t                   n;
    const struct public_key *readers = keyring_encrypt_to(keys, &n);
    int                      rc = 0;

    trust_bind(in.trust, id);
    if (n > 0) {
        rc = epoch_begin(
            in, o,
            &(struct epoch_plan){.number = 1, .readers = readers, .n_readers = n, .made = &made},
            e);
    } else if (keyring_must_encrypt(keys)) {
        err_set(e, ERR_USAGE, "must-encrypt is set, and no reader is named");
        rc = err_hint(e, "use --encrypt-to FILE, the public key of a reader");
    } else {
        add_plain_keys(o);
    }
    if (rc == 0) {
        rc = object_put(in, "repo.1.json", o, e);
    }
    if (rc == 0 && n > 0) {
        rc = pinned_remember(id, &made, e);
    }
    epoch_deinit(&made);
    json_decref(o);
    return rc;
}

static int
found_something(void *ctx, const struct object_info *info, struct err *e)
{
    (void)ctx;
    err_set(e, ERR_EXISTS, "holds \"%s\"", info->key);
    if (strncmp(info->key, "keys.", 5) == 0) {
        err_hint(e,
                 "without a repo.1.json it was left by an init that was killed: look what else is "
                 "there, remove it, and run this again");
    }
    return -1;
}

int
repo_init(const struct storage_location *place, struct err *e)
{
    struct storage *st;
    struct trust   *trust = NULL;
    struct keyring *keys = NULL;
    int             rc = -1;

    if (trust_open(place, &trust, e) != 0 || keyring_open(place, &keys, e) != 0 ||
        (st = storage_open(place, true, e)) == NULL) {
        trust_free(trust);
        keyring_free(keys);
        return err_wrap(e, "could not make a repository");
    }
    if (storage_list(st, "", found_something, NULL, e) == 0) {
        rc = write_first((struct signed_store){st, trust}, keys, e);
    }
    if (rc != 0) {
        err_wrap(e, "could not make a repository in \"%s\"", place->location);
    }
    trust_free(trust);
    keyring_free(keys);
    storage_close(st);
    return rc;
}

static int
take(struct repo *r, const json_t *o, struct err *e)
{
    int64_t epoch;

    if (keyring_bind(r->keys, repo_signed(r), o, r->id, e) != 0 ||
        json_get_int(o, "epoch", &epoch, e) != 0) {
        return -1;
    }
    r->epoch = (unsigned)epoch;
    return 0;
}

/* The first object says which repository everything belongs to, signatures included; after a change
 * of that no signature is valid. */
static int
take_id(struct repo *r, const json_t *o, struct err *e)
{
    uint8_t id[16];
    char    hex[2 * sizeof id + 1];

    if (json_get_hex(o, "repo_id", id, sizeof id, e) != 0) {
        return -1;
    }
    hex_encode(id, sizeof id, hex);
    if (r->generation == 1) {
        memcpy(r->id, hex, sizeof r->id);
        trust_bind(r->trust, hex);
    }
    return strcmp(hex, r->id) == 0
        ? 0
        : err_set(e, ERR_CORRUPT, "is of repository %s, and \"repo.1.json\" of %s", hex, r->id);
}

/* ---- contents of the repository, by names only ---- */

static int
see_backup(void *ctx, const char *name, struct err *e)
{
    char *last = ctx;

    (void)e;
    if (backup_id_valid(name)) {
        memcpy(last, name, strlen(name) + 1);
    }
    return 0;
}

/* 1: the database has directories of backups, 0: it has none.  last (BACKUP_ID_MAX, or NULL) gets
 * the newest. */
static int
has_backups(struct storage *st, const char *segment, char *last, struct err *e)
{
    char  newest[BACKUP_ID_MAX] = "";
    char *prefix = xasprintf("%s/backups/", segment);
    int   rc = storage_dirs(st, prefix, see_backup, newest, e);

    free(prefix);
    if (last != NULL) {
        memcpy(last, newest, sizeof newest);
    }
    return rc != 0 ? -1 : newest[0] != '\0';
}

struct lost {
    struct storage *st;
    char            db[256]; /* as in keys; empty: none found */
    char            backup[BACKUP_ID_MAX];
    bool            copy;  /* that backup has a copy of repo.<n>.json */
    bool            other; /* there is something that is not a database */
};

static int
see_database(void *ctx, const char *segment, struct err *e)
{
    struct lost       *l = ctx;
    struct object_info info;
    char               last[BACKUP_ID_MAX];
    int                rc;

    l->other = true;
    if (l->copy || strlen(segment) >= sizeof l->db) {
        return 0;
    }
    rc = has_backups(l->st, segment, last, e);
    if (rc > 0) {
        char *key = xasprintf("%s/backups/%s/repo.json", segment, last);

        memcpy(l->db, segment, strlen(segment) + 1);
        memcpy(l->backup, last, sizeof last);
        l->copy = storage_head(l->st, key, &info, e) == 0;
        free(key);
    }
    err_clear(e);
    return 0;
}

/* No repo.1.json: not a repository, or one that lost it?  A new identity would make every backup
 * unreadable, so "init" is only suggested where there is nothing. */
static void
no_repository(struct storage *st, struct err *e)
{
    struct lost l = {.st = st};
    struct err  ignored = ERR_INIT;

    (void)storage_dirs(st, "", see_database, &l, &ignored);
    if (l.db[0] == '\0') {
        err_set(e, ERR_NOT_FOUND, "\"%s\" is not a repository: it has no repo.1.json",
                st->location);
        if (l.other) {
            err_hint(e, "it holds something else: is the name right?");
        } else {
            quote_hint(e, "is it mounted?  a new one is made by: ", "pgassay", "storage", "init",
                       QUOTE_ARG(st->location));
        }
        return;
    }
    err_set(e, ERR_CORRUPT,
            "repository \"%s\" has lost its repo.1.json: there are backups of \"%s\"", st->location,
            l.db);
    if (l.copy) {
        err_hint(e,
                 "do not make a new one, which could not read them: pgassay storage recover brings "
                 "it back from the copies beside backups (\"%s/backups/%s/repo.json\")",
                 l.db, l.backup);
    } else {
        err_hint(e,
                 "do not make a new one, which could not read them: bring repo.1.json back from "
                 "another copy of this repository");
    }
}

/* Reads repo.<generation>.json.  NULL: no trusted key has signed it, as doubt says, or it cannot be
 * used.  An untrusted one is not examined further, except for the id in the first, without which
 * nothing can be checked. */
static json_t *
candidate(struct repo *r, const char *key, const struct buf *raw, struct err *doubt, struct err *e)
{
    bool    first = r->generation == 1;
    json_t *o = NULL;

    if (!first && trust_check(r->trust, "repo", key, raw->data, raw->len, doubt) != 0) {
        return NULL;
    }
    o = object_parse(raw->data, raw->len, "repo", e);
    if (o == NULL || take_id(r, o, e) != 0) {
        err_wrap(e, "\"%s\"", key);
    } else if (!first || trust_check(r->trust, "repo", key, raw->data, raw->len, doubt) == 0) {
        return o;
    }
    json_decref(o);
    return NULL;
}

/* The object with the highest n that is trusted; they are written one after another and never
 * removed. */
static json_t *
newest(struct repo *r, struct err *e)
{
    struct buf raw = BUF_INIT(OBJECT_BYTES_MAX);
    json_t    *found = NULL;
    struct err doubt = ERR_INIT;
    char      *passed = NULL;

    err_clear(e);
    while (e->kind == ERR_NONE) {
        char    key[32];
        json_t *o;

        (void)snprintf(key, sizeof key, "repo.%u.json", r->generation + 1);
        if (storage_get(r->st, key, &raw, e) != 0) {
            break;
        }
        r->generation++;
        o = candidate(r, key, &raw, &doubt, e);
        if (o != NULL) {
            json_decref(found);
            found = o;
            r->in_force = r->generation;
            buf_clear(&r->line);
            (void)buf_append(&r->line, raw.data, raw.len, e);
            free(passed);
            passed = NULL;
        } else if (e->kind == ERR_NONE) {
            free(passed);
            passed = xasprintf("\"%s\" of repository \"%s\" is passed over: %s", key,
                               r->st->location, doubt.text);
        }
    }
    /* Faults of objects that were superseded do not matter any more. */
    if (passed != NULL) {
        log_warn("%s", passed);
    }
    free(passed);
    buf_free(&raw);
    if (e->kind != ERR_NOT_FOUND) {
        json_decref(found);
        return NULL;
    }
    if (found != NULL) {
        err_clear(e);
    } else if (doubt.kind != ERR_NONE) {
        *e = doubt;
    }
    return found;
}

/* Takes ownership of all three. */
static struct repo *
open_with(struct storage *st, struct trust *trust, struct keyring *keys, struct err *e)
{
    struct repo *r = xcalloc(1, sizeof *r);
    json_t      *o;

    r->st = st;
    r->trust = trust;
    r->keys = keys;
    r->line = (struct buf)BUF_INIT(OBJECT_BYTES_MAX);
    o = r->object = newest(r, e);
    if (o != NULL && take(r, o, e) == 0) {
        settings_recall(r);
        return r;
    }
    if (o != NULL) {
        err_wrap(e, "\"repo.%u.json\"", r->generation);
    }
    if (e->kind == ERR_NOT_FOUND) {
        no_repository(st, e);
    } else {
        err_wrap(e, "repository \"%s\"", st->location);
    }
    repo_close(r);
    return NULL;
}

struct repo *
repo_open_storage(struct storage *st, struct err *e)
{
    return repo_open_storage_at(st, NULL, e);
}

struct repo *
repo_open_storage_at(struct storage *st, const struct storage_location *place, struct err *e)
{
    struct trust   *trust = NULL;
    struct keyring *keys = NULL;

    if ((place != NULL && trust_open(place, &trust, e) != 0) ||
        keyring_open(place, &keys, e) != 0) {
        err_wrap(e, "repository \"%s\"", st->location);
        trust_free(trust);
        storage_close(st);
        return NULL;
    }
    return open_with(st, trust, keys, e);
}

void
repo_allow_unsigned(struct repo *r)
{
    trust_allow_unsigned(r->trust);
}

/* A word that is not a path was probably meant as a name in the configuration. */
static void
hint_missing(const struct storage_location *place, struct err *e)
{
    if (strncmp(place->location, "s3:", 3) == 0) {
        err_hint(e, "a bucket is written s3://BUCKET/PREFIX");
        return;
    }
    bool word = place->section == NULL && place->config != NULL &&
        strchr(place->location, '/') == NULL;

    if (word && config_section(place->config, "repo", 0) != NULL) {
        struct similar s = SIMILAR(place->location);
        const char    *name;

        for (size_t i = 0; (name = config_section(place->config, "repo", i)) != NULL; i++) {
            similar_try(&s, name);
        }
        (void)similar_say(s.best, e);
        err_hint(e, "there is no [repo %s] in %s either", place->location,
                 config_path(place->config));
    } else {
        quote_hint(e, "is it mounted?  a new repository is made by: ", "pgassay", "storage", "init",
                   QUOTE_ARG(place->location));
    }
}

static struct repo *
open_at(const struct storage_location *place, struct err *e)
{
    struct storage *st = storage_open(place, false, e);

    if (st == NULL) {
        if (e->kind == ERR_NOT_FOUND) {
            hint_missing(place, e);
        }
        return NULL;
    }
    return repo_open_storage_at(st, place, e);
}

struct repo *
repo_open(const struct storage_location *place, struct err *e)
{
    struct repo *r = open_at(place, e);

    if (r == NULL && place->others != NULL) {
        err_hint(e, "the same backups also go to %s: choose it with --repo", place->others);
    }
    return r;
}

void
repo_close(struct repo *r)
{
    if (r == NULL) {
        return;
    }
    storage_close(r->st);
    keyring_free(r->keys);
    buf_free(&r->line);
    trust_free(r->trust);
    json_decref(r->object);
    free(r->keys_known);
    free(r);
}

/* Checked first, since a store that overwrites would not refuse. */
int
repo_change(struct repo *r, const json_t *object, struct err *e)
{
    struct object_info info;
    char               key[32];
    int                rc;

    (void)snprintf(key, sizeof key, "repo.%u.json", r->generation + 1);
    if (settings_check(r, e) != 0) {
        return -1;
    }
    rc = storage_head(r->st, key, &info, e);
    if (rc != 0 && e->kind == ERR_NOT_FOUND) {
        err_clear(e);
        rc = object_put(repo_signed(r), key, object, e);
    } else if (rc == 0) {
        rc = err_set(e, ERR_EXISTS, "it is there already");
    }
    if (rc != 0 && e->kind == ERR_EXISTS) {
        err_set(e, ERR_EXISTS, "the repository's settings were changed at the same time (\"%s\")",
                key);
        return err_hint(e, "check them, and run this again");
    }
    if (rc != 0) {
        return err_wrap(e, "could not change the repository's settings");
    }
    r->generation++;
    r->in_force = r->generation;
    settings_recall(r);
    buf_clear(&r->line);
    json_decref(r->object);
    r->object = json_deep_copy(object);
    return 0;
}

/* ---- databases ---- */

/* Side by side in a store of which each answer takes its time. */
enum { ASKED_AT_ONCE = 16 };

/* A directory of the repository. */
struct candidate {
    char *segment;
    char *name; /* NULL: not a name that this program gave */
    bool  is_database;
};

struct candidates {
    struct candidate *v;
    size_t            n, cap;
};

static int
see_directory(void *ctx, const char *segment, struct err *e)
{
    struct candidates *c = ctx;

    (void)e;
    VEC_GROW(c->v, c->n, c->cap);
    c->v[c->n++] = (struct candidate){xstrdup(segment), name_decode(segment), false};
    return 0;
}

static int
ask_whether_database(void *st, void *task, int worker, struct err *e)
{
    struct candidate  *c = task;
    struct object_info info;
    char              *key;
    int                rc;

    (void)worker;
    if (c->name == NULL) {
        return 0;
    }
    key = xasprintf("%s/source.json", c->segment);
    rc = storage_head(st, key, &info, e);
    c->is_database = rc == 0;
    if (rc != 0 && e->kind == ERR_NOT_FOUND) {
        err_clear(e);
        rc = has_backups(st, c->segment, NULL, e);
        c->is_database = rc > 0; /* it lost its source.json but is a database */
        rc = rc < 0 ? -1 : 0;
    }
    free(key);
    return rc;
}

int
repo_databases(struct repo *r, struct strlist *names, struct err *e)
{
    struct candidates c = {0};
    int               rc = storage_dirs(r->st, "", see_directory, &c, e);

    if (rc == 0) {
        rc = pool_each(r->st->distant ? ASKED_AT_ONCE : 1, ask_whether_database, r->st, c.v,
                       sizeof *c.v, c.n, e);
    }
    for (size_t i = 0; i < c.n; i++) {
        if (rc == 0 && c.v[i].is_database) {
            strlist_add(names, c.v[i].name);
        }
        free(c.v[i].segment);
        free(c.v[i].name);
    }
    free(c.v);
    if (rc == 0) {
        strlist_sort(names);
    }
    return rc;
}

int
repo_has_backups(struct repo *r, const char *db, struct err *e)
{
    char *enc = name_encode(db);
    int   rc = has_backups(r->st, enc, NULL, e);

    free(enc);
    return rc;
}

int
repo_no_database(struct repo *r, const char *db, struct err *e)
{
    struct strlist names = {0};
    struct buf     text = BUF_INIT(400);
    struct err     ignored = ERR_INIT;

    if (repo_databases(r, &names, e) != 0) {
        strlist_free(&names);
        return -1;
    }
    for (size_t i = 0; i < names.n; i++) {
        if (buf_printf(&text, &ignored, "%s\"%s\"", i == 0 ? "" : ", ", names.v[i]) != 0) {
            break;
        }
    }
    err_set(e, ERR_NOT_FOUND, "no backup of \"%s\" in repository \"%s\"", db, r->st->location);
    (void)similar_say(similar_of(db, &names), e);
    err_hint(e, names.n == 0 ? "the repository is empty%s" : "it holds backups of %s",
             buf_str(&text));
    strlist_free(&names);
    buf_free(&text);
    return -1;
}
