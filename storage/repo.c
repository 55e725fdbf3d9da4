#include "storage/repo.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/enc.h"
#include "core/hash.h"
#include "core/json.h"
#include "core/log.h"
#include "storage/object.h"
#include "storage/signet.h"

enum { EPOCH_MAX = 1000000 };

static int
write_first(struct storage *st, struct signet *signet, struct err *e)
{
    json_t *o = object_new("repo");
    uint8_t key[32];
    char    hex[65];
    int     rc;

    random_hex(16, hex);
    (void)json_object_set_new(o, "repo_id", json_string(hex));
    (void)json_object_set_new(o, "epoch", json_integer(1));
    (void)json_object_set_new(o, "created", json_string(time_rfc3339(time(NULL), hex, sizeof hex)));
    (void)json_object_set_new(o, "tool", json_string("pgassay " PGASSAY_VERSION));
    random_bytes(key, sizeof key);
    hex_encode(key, 32, hex);
    (void)json_object_set_new(o, "id_key", json_string(hex));
    random_bytes(key, sizeof key);
    hex_encode(key, 16, hex);
    (void)json_object_set_new(o, "fingerprint_key", json_string(hex));
    sodium_memzero(key, sizeof key);
    signet_bind(signet, json_string_value(json_object_get(o, "repo_id")));
    st->signet = signet;
    rc = object_put(st, "repo.1.json", o, e);
    st->signet = NULL;
    json_decref(o);
    return rc;
}

static int
found_something(void *ctx, const struct object_info *info, struct err *e)
{
    (void)ctx;
    return err_set(e, ERR_EXISTS, "holds \"%s\"", info->key);
}

int
repo_init(const struct storage_place *place, struct err *e)
{
    struct storage *st;
    struct signet  *signet;
    int             rc = -1;

    if (signet_open(place, &signet, e) != 0 || (st = storage_open(place, true, e)) == NULL) {
        signet_free(signet);
        return err_wrap(e, "could not make a repository");
    }
    if (storage_list(st, "", found_something, NULL, e) == 0) {
        rc = write_first(st, signet, e);
    }
    if (rc != 0) {
        err_wrap(e, "could not make a repository in \"%s\"", place->location);
    }
    signet_free(signet);
    storage_close(st);
    return rc;
}

static int
get_key(const json_t *o, const char *name, uint8_t *key, size_t n, struct err *e)
{
    const char *hex;

    if (json_get_str(o, name, &hex, e) != 0) {
        return -1;
    }
    return hex_decode(hex, strlen(hex), key, n) == 0
               ? 0
               : err_set(e, ERR_CORRUPT, "key \"%s\" is not %zu hex digits", name, 2 * n);
}

static int
take(struct repo *r, const json_t *o, struct err *e)
{
    uint8_t id[16];
    int64_t epoch;

    if (get_key(o, "repo_id", id, sizeof id, e) != 0 || json_get_int(o, "epoch", &epoch, e) != 0 ||
        get_key(o, "id_key", r->id_key, sizeof r->id_key, e) != 0 ||
        get_key(o, "fingerprint_key", r->fingerprint_key, sizeof r->fingerprint_key, e) != 0) {
        return -1;
    }
    if (epoch < 1 || epoch > EPOCH_MAX) {
        return err_set(e, ERR_CORRUPT, "key \"epoch\" is out of range");
    }
    hex_encode(id, sizeof id, r->id);
    r->epoch = (unsigned)epoch;
    return 0;
}

/* NULL: not there, or not to be read. */
static json_t *
read_one(struct repo *r, const char *key, struct buf *raw, struct err *e)
{
    json_t *o = NULL;

    if (storage_get(r->st, key, raw, e) == 0 && (o = object_parse(raw->data, raw->len, "repo", e)) == NULL) {
        err_wrap(e, "\"%s\"", key);
    }
    return o;
}

/* Of which repository the signatures are, the first object says; whoever changes that has signed nothing. */
static int
trusted(struct repo *r, const json_t *o, const char *key, const struct buf *raw, struct err *e)
{
    if (r->generation == 1) {
        signet_bind(r->signet, json_opt_str(o, "repo_id", ""));
    }
    return signet_check(r->signet, "repo", key, raw->data, raw->len, e);
}

/* The object with the highest n that is trusted; they are written one after another and never removed. */
static json_t *
newest(struct repo *r, struct err *e)
{
    struct buf raw = BUF_INIT(OBJECT_BYTES_MAX);
    json_t    *found = NULL;
    struct err doubt = ERR_INIT;

    for (;;) {
        char    key[32];
        json_t *o;

        (void)snprintf(key, sizeof key, "repo.%u.json", r->generation + 1);
        o = read_one(r, key, &raw, e);
        if (o == NULL) {
            break;
        }
        r->generation++;
        if (trusted(r, o, key, &raw, &doubt) == 0) {
            json_decref(found);
            found = o;
            continue;
        }
        log_warn("\"%s\" of repository \"%s\" is passed over: %s", key, r->st->location, doubt.text);
        json_decref(o);
    }
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

/* Takes both. */
static struct repo *
open_with(struct storage *st, struct signet *signet, struct err *e)
{
    struct repo *r = xcalloc(1, sizeof *r);
    json_t      *o;

    r->st = st;
    r->signet = signet;
    o = r->object = newest(r, e);
    if (o != NULL && take(r, o, e) == 0) {
        st->signet = signet;
        return r;
    }
    if (o != NULL) {
        err_wrap(e, "\"repo.%u.json\"", r->generation);
    }
    if (e->kind == ERR_NOT_FOUND) {
        err_set(e, ERR_NOT_FOUND, "\"%s\" is not a repository: it has no repo.1.json", st->location);
        err_hint(e, "is it mounted?  a new one is made by: pgassay storage init %s", st->location);
    } else {
        err_wrap(e, "repository \"%s\"", st->location);
    }
    repo_close(r);
    return NULL;
}

struct repo *
repo_open_storage(struct storage *st, struct err *e)
{
    return open_with(st, NULL, e);
}

void
repo_allow_unsigned(struct repo *r)
{
    signet_allow_unsigned(r->signet);
}

/* A word that is no path was rather meant for a name of the configuration. */
static void
hint_missing(const struct storage_place *place, struct err *e)
{
    bool word = place->section == NULL && place->config != NULL && strchr(place->location, '/') == NULL;

    if (word && config_section(place->config, "repo", 0) != NULL) {
        err_hint(e, "there is no [repo %s] in %s either", place->location, config_path(place->config));
    } else {
        err_hint(e, "is it mounted?  a new repository is made by: pgassay storage init %s", place->location);
    }
}

static struct repo *
open_at(const struct storage_place *place, struct err *e)
{
    struct storage *st = storage_open(place, false, e);
    struct signet  *signet;

    if (st == NULL) {
        if (e->kind == ERR_NOT_FOUND) {
            hint_missing(place, e);
        }
        return NULL;
    }
    if (signet_open(place, &signet, e) != 0) {
        err_wrap(e, "repository \"%s\"", place->location);
        storage_close(st);
        return NULL;
    }
    return open_with(st, signet, e);
}

struct repo *
repo_open(const struct storage_place *place, struct err *e)
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
    signet_free(r->signet);
    json_decref(r->object);
    sodium_memzero(r, sizeof *r);
    free(r);
}

/* Asked for first: a store that overwrites would not refuse. */
int
repo_change(struct repo *r, const json_t *object, struct err *e)
{
    struct object_info info;
    char               key[32];
    int                rc;

    (void)snprintf(key, sizeof key, "repo.%u.json", r->generation + 1);
    rc = storage_head(r->st, key, &info, e);
    if (rc != 0 && e->kind == ERR_NOT_FOUND) {
        err_clear(e);
        rc = object_put(r->st, key, object, e);
    } else if (rc == 0) {
        rc = err_set(e, ERR_EXISTS, "it is there already");
    }
    if (rc != 0 && e->kind == ERR_EXISTS) {
        err_set(e, ERR_EXISTS, "somebody else changed the repository's settings at this moment (\"%s\")", key);
        return err_hint(e, "look at what they are now, and run this again");
    }
    if (rc != 0) {
        return err_wrap(e, "could not change the repository's settings");
    }
    r->generation++;
    json_decref(r->object);
    r->object = json_deep_copy(object);
    return 0;
}

struct databases {
    struct repo    *repo;
    struct strlist *names;
};

static int
add_database(void *ctx, const char *segment, struct err *e)
{
    struct databases  *d = ctx;
    struct object_info info;
    char              *name = name_decode(segment);
    char              *key;
    int                rc;

    if (name == NULL) {
        return 0;       /* no name that this program gave */
    }
    key = xasprintf("%s/source.json", segment);
    rc = storage_head(d->repo->st, key, &info, e);
    if (rc == 0) {
        strlist_add(d->names, name);
    } else if (e->kind == ERR_NOT_FOUND) {
        err_clear(e);
        rc = 0;
    }
    free(key);
    free(name);
    return rc;
}

int
repo_databases(struct repo *r, struct strlist *names, struct err *e)
{
    struct databases d = {r, names};

    if (storage_dirs(r->st, "", add_database, &d, e) != 0) {
        return -1;
    }
    strlist_sort(names);
    return 0;
}
