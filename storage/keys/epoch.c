#include "storage/keys/epoch.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "core/crypto/hash.h"
#include "core/enc.h"
#include "core/human.h"
#include "core/json.h"
#include "core/log.h"
#include "core/mem.h"
#include "storage/format/object.h"
#include "storage/keys/signed.h"
#include "storage/keys/trust.h"

/* They are found by counting: at most this many may be missing in between. */
enum { GAP_MAX = 4 };

enum { BOX_MAX = 1024, EPOCH_MAX = 10000, RECIPIENTS_MAX = 256 };

static const char *const role_keys[] = {[EPOCH_READER] = "readers", [EPOCH_WRITER] = "writers"};
static const char *const role_types[] = {
    [EPOCH_READER] = "epoch-reader", [EPOCH_WRITER] = "epoch-writer"};

void
epoch_deinit(struct epoch *ep)
{
    secret_free(&ep->secret);
    secret_free(&ep->naming);
}

void
epoch_make(struct epoch *ep, unsigned number)
{
    *ep = (struct epoch){.number = number, .sealed = true};
    seal_keypair(ep->public, &ep->secret);
    secret_new(&ep->naming, NAMING_KEYS);
    random_bytes(ep->naming.data, ep->naming.n);
}

static void
recipient_free(struct epoch_recipient *r)
{
    free(r->name);
    buf_free(&r->box);
}

void
epoch_keys_free(struct epoch_keys *o)
{
    for (size_t i = 0; i < o->count; i++) {
        recipient_free(&o->v[i]);
    }
    free(o->v);
    *o = (struct epoch_keys){0};
}

struct epoch_recipient *
epoch_keys_find(const struct epoch_keys *o, enum epoch_role role, const char *id)
{
    for (size_t i = 0; i < o->count; i++) {
        if (o->v[i].role == role && strcmp(o->v[i].id, id) == 0) {
            return &o->v[i];
        }
    }
    return NULL;
}

bool
epoch_keys_drop(struct epoch_keys *o, const char *id)
{
    size_t n = 0;
    size_t before = o->count;

    for (size_t i = 0; i < before; i++) {
        if (strcmp(o->v[i].id, id) == 0) {
            recipient_free(&o->v[i]);
        } else {
            o->v[n++] = o->v[i];
        }
    }
    o->count = n;
    return n < before;
}

/* ---- boxes ---- */

/* What is sealed to a recipient belongs to this epoch, which its public key identifies. */
static struct sealed_as
box_as(enum epoch_role role, const uint8_t read[READ_PUBLIC], const uint8_t epoch[SEAL_PUBLIC])
{
    return (struct sealed_as){
        .type = role_types[role], .public = read, .what = epoch, .what_n = SEAL_PUBLIC};
}

static size_t
payload_size(enum epoch_role role)
{
    return role == EPOCH_READER ? SEAL_SECRET + NAMING_KEYS : NAMING_KEYS;
}

static struct epoch_recipient *
new_recipient(struct epoch_keys *o, enum epoch_role role, const char *id)
{
    struct epoch_recipient *r;

    VEC_GROW(o->v, o->count, o->cap);
    r = &o->v[o->count++];
    *r = (struct epoch_recipient){.role = role, .box = BUF_INIT(BOX_MAX)};
    (void)snprintf(r->id, sizeof r->id, "%s", id);
    return r;
}

int
epoch_keys_add(struct epoch_keys *o, enum epoch_role role, const struct public_key *k,
               const struct epoch *ep, struct err *e)
{
    struct sealed_as        as = box_as(role, k->read, ep->public);
    struct secret           payload = SECRET_INIT;
    struct epoch_recipient *r = epoch_keys_find(o, role, k->id);
    size_t                  secret_n = role == EPOCH_READER ? SEAL_SECRET : 0;
    int                     rc;

    if (ep->naming.data == NULL || (role == EPOCH_READER && ep->secret.data == NULL)) {
        return err_set(e, ERR_AUTH, "the keys of epoch %u are not known here", ep->number);
    }
    if (r == NULL) {
        r = new_recipient(o, role, k->id);
    }
    free(r->name);
    r->name = xstrdup(k->name);
    memcpy(r->read, k->read, sizeof r->read);
    secret_new(&payload, payload_size(role));
    if (secret_n > 0) {
        memcpy(payload.data, ep->secret.data, secret_n);
    }
    memcpy(payload.data + secret_n, ep->naming.data, NAMING_KEYS);
    rc = seal(&as, payload.data, payload.n, &r->box, e);
    secret_free(&payload);
    return rc != 0 ? err_wrap(e, "key %s (%s)", k->id, k->name) : 0;
}

/* The secret must match the epoch's public key: otherwise a foreign one would be accepted. */
static int
take_payload(enum epoch_role role, const uint8_t *data, struct epoch *ep, struct err *e)
{
    uint8_t public[SEAL_PUBLIC];

    if (role == EPOCH_READER) {
        secret_set(&ep->secret, data, SEAL_SECRET);
        seal_public(&ep->secret, public);
        if (memcmp(public, ep->public, sizeof public) != 0) {
            secret_free(&ep->secret);
            return err_set(e, ERR_CORRUPT, "it holds the secret of another epoch's key");
        }
        data += SEAL_SECRET;
    }
    if (ep->naming.data == NULL) {
        secret_set(&ep->naming, data, NAMING_KEYS);
    } else if (sodium_memcmp(ep->naming.data, data, NAMING_KEYS) !=
               0) { /* other threads read them now: they stay */
        secret_free(role == EPOCH_READER ? &ep->secret : &(struct secret)SECRET_INIT);
        return err_set(e, ERR_CORRUPT, "its naming keys are not those that this host knows");
    }
    return 0;
}

int
epoch_recipient_open(const struct epoch_recipient *r, const struct secret_key *k, struct epoch *ep,
                     struct err *e)
{
    struct sealed_as as = box_as(r->role, k->pub.read, ep->public);
    struct secret    box = SECRET_INIT;
    const uint8_t   *data;
    size_t           n;
    int              rc = -1;

    secret_set(&box, r->box.data, r->box.len); /* opened in place, in protected memory */
    if (unseal(&as, &k->read, box.data, box.n, &data, &n, e) == 0) {
        rc = n == payload_size(r->role)
            ? take_payload(r->role, data, ep, e)
            : err_set(e, ERR_CORRUPT, "the sealed keys have %zu bytes", n);
    }
    secret_free(&box);
    return rc != 0
        ? err_wrap(e, "keys of epoch %u for key %s (%s)", ep->number, k->pub.id, k->pub.name)
        : 0;
}

/* ---- as JSON ---- */

static json_t *
recipients_json(const struct epoch_keys *o, enum epoch_role role)
{
    json_t *list = json_array();

    for (size_t i = 0; i < o->count; i++) {
        const struct epoch_recipient *r = &o->v[i];
        json_t                       *one;

        if (r->role != role) {
            continue;
        }
        one = json_object();
        (void)json_object_set_new(one, "key", json_string(r->id));
        object_set_text(one, "name", r->name);
        json_set_hex(one, "read", r->read, sizeof r->read);
        json_set_hex(one, "box", r->box.data, r->box.len);
        (void)json_array_append_new(list, one);
    }
    return list;
}

static json_t *
to_json(const struct epoch_keys *o)
{
    json_t *j = object_new("keys");
    char    at[32];

    object_need_encryption(j);
    (void)json_object_set_new(j, "epoch", json_integer(o->epoch));
    (void)json_object_set_new(j, "n", json_integer(o->n));
    (void)json_object_set_new(j, "created", json_string(time_rfc3339(time(NULL), at, sizeof at)));
    (void)json_object_set_new(j, "tool", json_string("pgassay " PGASSAY_VERSION));
    json_set_hex(j, "public", o->public, sizeof o->public);
    (void)json_object_set_new(j, role_keys[EPOCH_READER], recipients_json(o, EPOCH_READER));
    (void)json_object_set_new(j, role_keys[EPOCH_WRITER], recipients_json(o, EPOCH_WRITER));
    return j;
}

static int
parse_recipient(const json_t *j, struct epoch_recipient *r, struct err *e)
{
    uint8_t     id[KEY_ID_HEX / 2];
    const char *box;
    size_t      n;

    if (json_get_hex(j, "key", id, sizeof id, e) != 0 ||
        json_get_hex(j, "read", r->read, sizeof r->read, e) != 0 ||
        json_get_str(j, "box", &box, e) != 0 || (r->name = object_text(j, "name", e)) == NULL) {
        return -1;
    }
    hex_encode(id, sizeof id, r->id);
    n = strlen(box) / 2;
    if (n == 0 || buf_reserve(&r->box, n, e) != 0 ||
        hex_decode(box, strlen(box), r->box.data, n) != 0) {
        return err_set(e, ERR_CORRUPT, "key \"box\" is not hex digits of at most %d bytes",
                       BOX_MAX);
    }
    r->box.len = n;
    return 0;
}

static int
parse_recipients(const json_t *j, enum epoch_role role, struct epoch_keys *o, struct err *e)
{
    json_t *list;

    if (json_get_array(j, role_keys[role], &list, e) != 0) {
        return -1;
    }
    if (json_array_size(list) > RECIPIENTS_MAX) {
        return err_set(e, ERR_CORRUPT, "key \"%s\" has more than %d elements", role_keys[role],
                       RECIPIENTS_MAX);
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (parse_recipient(json_array_get(list, i), new_recipient(o, role, ""), e) != 0) {
            return err_wrap(e, "\"%s\" element %zu", role_keys[role], i);
        }
    }
    return 0;
}

int
epoch_keys_parse(const void *text, size_t n, struct epoch_keys *o, struct err *e)
{
    json_t *j = object_parse(text, n, "keys", e);
    int64_t epoch;
    int64_t number;
    int     rc = -1;

    *o = (struct epoch_keys){0};
    if (j == NULL || json_get_int(j, "epoch", &epoch, e) != 0 ||
        json_get_int(j, "n", &number, e) != 0 ||
        json_get_hex(j, "public", o->public, sizeof o->public, e) != 0 ||
        parse_recipients(j, EPOCH_READER, o, e) != 0 ||
        parse_recipients(j, EPOCH_WRITER, o, e) != 0) {
        goto out;
    }
    if (epoch < 1 || epoch > EPOCH_MAX || number < 1 || number > INT32_MAX) {
        err_set(e, ERR_CORRUPT, "key \"%s\" is out of range",
                epoch < 1 || epoch > EPOCH_MAX ? "epoch" : "n");
        goto out;
    }
    o->epoch = (unsigned)epoch;
    o->n = (unsigned)number;
    rc = 0;
out:
    json_decref(j);
    if (rc != 0) {
        epoch_keys_free(o);
    }
    return rc;
}

/* ---- in the repository ---- */

static char *
object_key(unsigned epoch, unsigned n)
{
    return xasprintf("keys.%u.%u.json", epoch, n);
}

/* raw, read under any name, is an object that was written as keys.<epoch>.<n>.json for this epoch.
 * n: it must be that one, since an older one that was put back under a newer name must not count;
 * 0: any. */
static int
accept(struct trust *trust, const struct epoch *ep, unsigned n, const struct buf *raw,
       struct epoch_keys *o, struct err *e)
{
    char *key;
    int   rc;

    if (epoch_keys_parse(raw->data, raw->len, o, e) != 0) {
        return -1;
    }
    key = object_key(o->epoch, o->n);
    rc = trust_check(trust, "keys", key, raw->data, raw->len, e);
    if (rc == 0 &&
        (o->epoch != ep->number || memcmp(o->public, ep->public, sizeof o->public) != 0)) {
        rc = err_set(e, ERR_CORRUPT, "is about another epoch's key");
    }
    if (rc == 0 && n > 0 && o->n != n) {
        rc = err_set(e, ERR_CORRUPT, "it was written as \"%s\"", key);
    }
    if (rc != 0) {
        epoch_keys_free(o);
    }
    free(key);
    return rc;
}

/* *n: their number.  best and raw get the highest that is accepted: best->n is 0 when none is. */
/* 0: it exists, and is the best if it is accepted; otherwise *doubt says why not.  1: missing. */
static int
look_at(struct signed_store in, const struct epoch *ep, unsigned n, struct epoch_keys *best,
        struct buf *raw, char **doubt, struct err *e)
{
    struct buf        one = BUF_INIT(OBJECT_BYTES_MAX);
    char             *key = object_key(ep->number, n);
    struct epoch_keys o = {0};
    int               rc = storage_get(in.st, key, &one, e);

    if (rc != 0 && e->kind == ERR_NOT_FOUND) {
        err_clear(e);
        rc = 1;
    } else if (rc == 0 && accept(in.trust, ep, n, &one, &o, e) == 0) {
        epoch_keys_free(best);
        *best = o;
        free(*doubt);
        *doubt = NULL;
        buf_clear(raw);
        rc = buf_append(raw, one.data, one.len, e);
    } else if (rc == 0) {
        free(*doubt);
        *doubt = xasprintf("\"%s\" of repository \"%s\" is passed over: %s", key, in.st->location,
                           e->text);
        err_clear(e);
    }
    free(key);
    buf_free(&one);
    return rc;
}

/* *n: the highest number.  best and raw get the highest that is accepted: best->n is 0
 * when none is. */
static int
find_newest(struct signed_store in, const struct epoch *ep, struct epoch_keys *best,
            struct buf *raw, unsigned *n, struct err *e)
{
    char    *doubt = NULL; /* about one newer than the best */
    unsigned missing = 0;
    int      rc = 0;

    *n = 0;
    for (unsigned at = 1; rc >= 0 && missing < GAP_MAX; at++) {
        rc = look_at(in, ep, at, best, raw, &doubt, e);
        missing = rc == 1 ? missing + 1 : 0;
        *n = rc == 0 ? at : *n;
    }
    if (rc >= 0 && doubt != NULL) {
        log_warn("%s", doubt);
    }
    free(doubt);
    return rc < 0 ? -1 : 0;
}

/* ---- copies that backups keep ---- */

struct copies {
    struct signed_store in;
    const struct epoch *epoch;
    struct epoch_keys  *best;
    struct buf         *raw;
    char               *from; /* the key of the copy that is used */
};

static int
try_copy(void *ctx, const struct object_info *info, struct err *e)
{
    static const char suffix[] = "/keys.json";
    struct copies    *c = ctx;
    size_t            n = strlen(info->key);
    struct buf        one = BUF_INIT(OBJECT_BYTES_MAX);
    struct epoch_keys o = {0};
    struct err        bad = ERR_INIT;

    if (n >= sizeof suffix && strcmp(info->key + n - (sizeof suffix - 1), suffix) == 0 &&
        storage_get(c->in.st, info->key, &one, &bad) == 0 &&
        accept(c->in.trust, c->epoch, 0, &one, &o, &bad) == 0) {
        if (c->best->n < o.n) {
            epoch_keys_free(c->best);
            *c->best = o;
            free(c->from);
            c->from = xstrdup(info->key);
            buf_clear(c->raw);
            (void)buf_append(c->raw, one.data, one.len, e);
        } else {
            epoch_keys_free(&o);
        }
    }
    buf_free(&one);
    return 0;
}

static int
in_database(void *ctx, const char *name, struct err *e)
{
    struct copies *c = ctx;
    char          *prefix = xasprintf("%s/backups/", name);
    int            rc = storage_list(c->in.st, prefix, try_copy, c, e);

    free(prefix);
    return rc;
}

static int
find_copy(struct signed_store in, const struct epoch *ep, struct epoch_keys *best, struct buf *raw,
          struct err *e)
{
    struct copies c = {.in = in, .epoch = ep, .best = best, .raw = raw};
    int           rc = storage_dirs(in.st, "", in_database, &c, e);

    if (rc == 0 && best->n > 0) {
        log_warn(
            "no \"keys.%u.<n>.json\" can be used; its copy \"%s\" is read instead: copy it to "
            "\"keys.%u.%u.json\"",
            ep->number, c.from, best->epoch, best->n);
    }
    free(c.from);
    return rc;
}

static int
load(struct signed_store in, const struct epoch *ep, struct epoch_keys *o, struct buf *raw,
     struct err *e)
{
    unsigned n;
    bool     copied;

    *o = (struct epoch_keys){0};
    if (find_newest(in, ep, o, raw, &n, e) != 0 ||
        ((copied = o->n == 0) && find_copy(in, ep, o, raw, e) != 0)) {
        epoch_keys_free(o);
        return err_wrap(e, "keys of epoch %u", ep->number);
    }
    o->there = n;
    o->copied = copied;
    if (o->n == 0) {
        /* Not ERR_NOT_FOUND: a caller that cannot open a backup must not take it for gone. */
        err_set(e, ERR_AUTH, "no usable \"keys.%u.<n>.json\", and no copy of one beside a backup",
                ep->number);
        return err_hint(e,
                        "without it nothing of this epoch can be read: look for it in other copies "
                        "of the repository");
    }
    return 0;
}

int
epoch_keys_load(struct signed_store in, const struct epoch *ep, struct epoch_keys *o, struct err *e)
{
    struct buf raw = BUF_INIT(OBJECT_BYTES_MAX);
    int        rc = load(in, ep, o, &raw, e);

    buf_free(&raw);
    return rc;
}

int
epoch_keys_raw(struct signed_store in, const struct epoch *ep, struct buf *raw, unsigned *n,
               struct err *e)
{
    struct epoch_keys o;
    int               rc = load(in, ep, &o, raw, e);

    if (rc == 0) {
        *n = o.n;
    }
    epoch_keys_free(&o);
    return rc;
}

/* Its number: after those that were loaded, or after all that a dead run left.  Checked first,
 * since a store that overwrites would not refuse. */
static int
find_place(struct storage *st, struct epoch_keys *o, struct err *e)
{
    struct object_info info;
    char              *key;
    int                rc;

    o->n = o->there;
    do {
        key = object_key(o->epoch, ++o->n);
        rc = storage_head(st, key, &info, e);
        free(key);
    } while (rc == 0 && o->there == 0);
    if (rc == 0) {
        return err_set(e, ERR_EXISTS, "it is there already");
    }
    if (e->kind != ERR_NOT_FOUND) {
        return -1;
    }
    err_clear(e);
    return 0;
}

int
epoch_keys_put(struct signed_store in, struct epoch_keys *o, struct err *e)
{
    int     rc = find_place(in.st, o, e);
    char   *key = object_key(o->epoch, o->n);
    json_t *j = to_json(o);

    if (rc == 0) {
        rc = object_put(in, key, j, e);
    }
    if (rc != 0 && e->kind == ERR_EXISTS) {
        err_set(e, ERR_EXISTS,
                "the readers and writers of epoch %u were changed at the same time (\"%s\")",
                o->epoch, key);
        err_hint(e, "see \"pgassay storage keys list\", and run this again");
    } else if (rc != 0) {
        err_wrap(e, "could not store the keys of epoch %u", o->epoch);
    } else {
        o->there = o->n;
    }
    json_decref(j);
    free(key);
    return rc;
}

int
epoch_keys_retain(struct storage *st, unsigned epoch, time_t until, struct err *e)
{
    int rc = 0;

    for (unsigned n = 1; rc == 0; n++) {
        char *key = object_key(epoch, n);

        rc = storage_retain(st, key, until, e);
        free(key);
    }
    if (e->kind != ERR_NOT_FOUND) {
        return -1;
    }
    err_clear(e);
    return 0;
}
