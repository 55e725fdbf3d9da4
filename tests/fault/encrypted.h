/*
 * encrypted.h - encrypted repositories in memory, and the people and hosts that have to do with
 * them.
 *
 * Each person has a key pair in a scratch directory.  A host is a state directory: what it
 * remembers of a repository's epochs.
 */
#ifndef TESTS_FAULT_ENCRYPTED_H
#define TESTS_FAULT_ENCRYPTED_H

#include "tests/fault/damage.h"

#include "core/crypto/hash.h"
#include "core/json.h"
#include "storage/format/chunkname.h"
#include "storage/format/object.h"
#include "storage/keys/epoch_begin.h"
#include "storage/keys/signed.h"
#include "storage/keys/trust.h"
#include "tests/support/drivers.h"

enum person { OPS, ESCROW, ADMIN, HOST, MALLORY, PEOPLE };
enum { HOSTS = 2, OPTIONS_MAX = 6 };

static struct {
    char             *dir;
    struct secret_key keys[PEOPLE];
    char             *identity[PEOPLE], *encrypt_to[PEOPLE], *sign_key[PEOPLE]; /* --repo-options */
    char             *trust_admin, *trust_backup;
    char             *encrypt_to_both;
    char             *hosts[HOSTS];
} cast;

static inline void
on_host(int n)
{
    assert_int_equal(setenv("PGASSAY_STATE_DIR", cast.hosts[n], 1), 0);
}

static inline void
make_person(int i)
{
    static const char *const names[PEOPLE] = {"ops", "escrow", "admin", "host", "mallory"};
    char                    *path = xasprintf("%s/%s", cast.dir, names[i]);
    char                    *pub = xasprintf("%s.pub", path);
    struct err               e = ERR_INIT;

    secret_key_make(&cast.keys[i], names[i]);
    assert_ok(secret_key_write(&cast.keys[i], NULL, path, &e), &e);
    assert_ok(public_key_write(&cast.keys[i].pub, pub, &e), &e);
    cast.identity[i] = xasprintf("identity=%s", path);
    cast.encrypt_to[i] = xasprintf("encrypt-to=%s", pub);
    cast.sign_key[i] = xasprintf("sign-key=%s", path);
    free(path);
    free(pub);
}

static inline int
make_cast(void **state)
{
    (void)state;
    log_init("test", LOG_ERROR);
    cast.dir = fixture_dir();
    for (int i = 0; i < PEOPLE; i++) {
        make_person(i);
    }
    cast.encrypt_to_both = xasprintf("encrypt-to=%s/ops.pub,%s/escrow.pub", cast.dir, cast.dir);
    cast.trust_admin = xasprintf("trust-admin=%s/admin.pub", cast.dir);
    cast.trust_backup = xasprintf("trust-backup=%s/host.pub", cast.dir);
    return 0;
}

static inline int
free_cast(void **state)
{
    (void)state;
    for (int i = 0; i < PEOPLE; i++) {
        secret_key_free(&cast.keys[i]);
        free(cast.identity[i]);
        free(cast.encrypt_to[i]);
        free(cast.sign_key[i]);
    }
    free(cast.encrypt_to_both);
    free(cast.trust_admin);
    free(cast.trust_backup);
    fixture_remove(cast.dir);
    return 0;
}

/* Hosts that remember nothing, for each test. */
static inline int
make_hosts(void **state)
{
    (void)state;
    for (int i = 0; i < HOSTS; i++) {
        cast.hosts[i] = fixture_dir();
    }
    on_host(0);
    return 0;
}

static inline int
free_hosts(void **state)
{
    (void)state;
    for (int i = 0; i < HOSTS; i++) {
        fixture_remove(cast.hosts[i]);
    }
    return 0;
}

/* ---- opening ---- */

/* --repo-options: up to OPTIONS_MAX, NULL ends them. */
typedef const char *const options[OPTIONS_MAX];

/* Takes st, also on failure. */
static inline struct repo *
try_open(struct storage *st, options o, struct err *e)
{
    struct strlist          list = {0};
    struct storage_location place = {.location = "memory", .given.options = &list};
    struct repo            *r;

    for (int i = 0; i < OPTIONS_MAX && o[i] != NULL; i++) {
        strlist_add(&list, o[i]);
    }
    r = repo_open_storage_at(st, &place, e);
    strlist_free(&list);
    return r;
}

static inline struct repo *
open_storage(struct storage *st, options o)
{
    struct err   e = ERR_INIT;
    struct repo *r = try_open(st, o, &e);

    if (r == NULL) {
        fail_msg("%s", e.text);
    }
    return r;
}

struct cloning {
    struct storage *from, *to;
};

static inline int
clone_object(void *ctx, const struct object_info *info, struct err *e)
{
    struct cloning *c = ctx;
    struct buf      b = BUF_INIT(BUF_NO_LIMIT);
    int             rc = storage_get(c->from, info->key, &b, e);

    if (rc == 0) {
        rc = storage_put(c->to, info->key, b.data, b.len, e);
    }
    buf_free(&b);
    return rc;
}

/* Another storage with the same objects, to break. */
static inline struct storage *
clone_storage(struct storage *from)
{
    struct cloning c = {from, storage_memory_new()};
    struct err     e = ERR_INIT;

    assert_ok(storage_list(from, "", clone_object, &c, &e), &e);
    return c.to;
}

/* The same storage, opened by somebody else. */
static inline struct repo *
reopen(struct repo *r, options o)
{
    struct storage *st = r->st;

    r->st = NULL;
    repo_close(r);
    return open_storage(st, o);
}

static inline struct repo *
open_clone(const struct repo *r, options o)
{
    return open_storage(clone_storage(r->st), o);
}

#define OPTIONS(...) ((options){__VA_ARGS__})

/* ---- making ---- */

static inline json_t *
new_repo_object(void)
{
    json_t *o = object_new("repo");
    char    id[33];

    random_hex(16, id);
    (void)json_object_set_new(o, "repo_id", json_string(id));
    (void)json_object_set_new(o, "epoch", json_integer(1));
    (void)json_object_set_new(o, "created", json_string("2026-11-21T02:15:00Z"));
    (void)json_object_set_new(o, "tool", json_string("test"));
    return o;
}

/* What `storage init --encrypt-to ops,escrow` makes, on the current host; o says who signs. */
static inline struct repo *
new_encrypted_as(options o)
{
    const struct public_key readers[] = {cast.keys[OPS].pub, cast.keys[ESCROW].pub};
    const struct epoch_plan plan = {.number = 1, .readers = readers, .n_readers = 2};
    struct storage         *st = storage_memory_new();
    struct strlist          list = {0};
    struct storage_location place = {.location = "memory", .given.options = &list};
    struct trust           *trust;
    struct signed_store     in;
    json_t                 *object = new_repo_object();
    struct err              e = ERR_INIT;

    for (int i = 0; i < OPTIONS_MAX && o[i] != NULL; i++) {
        strlist_add(&list, o[i]);
    }
    assert_ok(trust_open(&place, &trust, &e), &e);
    in = (struct signed_store){st, trust};
    trust_bind(trust, json_opt_str(object, "repo_id", ""));
    assert_ok(epoch_begin(in, object, &plan, &e), &e);
    assert_ok(object_put(in, "repo.1.json", object, &e), &e);
    trust_free(trust);
    strlist_free(&list);
    json_decref(object);
    return open_storage(st, o);
}

static inline struct repo *
new_encrypted(void)
{
    return new_encrypted_as(OPTIONS(NULL));
}

/* A backup of seed into r. */
static inline struct writer_stats
back_up(struct repo *r, unsigned seed, char *id)
{
    struct err          e = ERR_INIT;
    struct writer_stats stats = {0};

    assert_ok(fixture_backup(r, seed, id, &stats, &e), &e);
    return stats;
}

static inline void
assert_refused(struct repo *r, enum err_kind kind, const char *words)
{
    struct err e = ERR_INIT;

    assert_int_equal(fixture_backup(r, 9, NULL, NULL, &e), -1);
    assert_err(&e, kind, words);
}

static inline void
assert_reads(struct repo *r, const char *id, unsigned seed)
{
    struct err e = ERR_INIT;

    assert_ok(fixture_read(r, id, seed, &e), &e);
}

static inline void
assert_unread(struct repo *r, const char *id, enum err_kind kind, const char *words)
{
    struct err e = ERR_INIT;

    assert_int_equal(fixture_read(r, id, 1, &e), -1);
    assert_err(&e, kind, words);
}

/* The object's line, changed by somebody who keeps what stands behind it. */
static inline json_t *
get_json(struct repo *r, const char *key)
{
    struct buf b = BUF_INIT(MIB);
    struct err e = ERR_INIT;
    json_t    *o;

    fixture_get(r, key, &b);
    o = json_read(b.data, (size_t)((uint8_t *)memchr(b.data, '\n', b.len) - b.data), &e);
    assert_non_null(o);
    buf_free(&b);
    return o;
}

/* Takes o. */
static inline void
put_json(struct repo *r, const char *key, json_t *o)
{
    struct buf  b = BUF_INIT(MIB);
    struct buf  line = BUF_INIT(MIB);
    struct err  e = ERR_INIT;
    const char *second = "";

    if (storage_get(r->st, key, &b, &e) == 0) {
        second = strchr(buf_str(&b), '\n') + 1;
    }
    err_clear(&e);
    assert_ok(object_format(o, &line, &e), &e);
    assert_ok(buf_puts(&line, second, &e), &e);
    fixture_replace(r, key, line.data, line.len);
    json_decref(o);
    buf_free(&b);
    buf_free(&line);
}

#endif
