/*
 * damage.h - doing to stored objects what disks and people do.
 */
#ifndef TESTS_FAULT_DAMAGE_H
#define TESTS_FAULT_DAMAGE_H

#include "storage/read/parts.h"
#include "storage/repo/label_load.h"
#include "tests/fault/fixture.h"

struct fixture_keys {
    const char    *contains;
    struct strlist keys;
};

static inline int
fixture_add_key(void *ctx, const struct object_info *info, struct err *e)
{
    struct fixture_keys *k = ctx;

    (void)e;
    if (strstr(info->key, k->contains) != NULL) {
        strlist_add(&k->keys, info->key);
    }
    return 0;
}

/* Keys below prefix that contain these characters. */
static inline struct strlist
fixture_keys_with(struct repo *r, const char *prefix, const char *contains)
{
    struct fixture_keys k = {.contains = contains};
    struct err          e = ERR_INIT;

    assert_ok(storage_list(r->st, prefix, fixture_add_key, &k, &e), &e);
    return k.keys;
}

static inline size_t
fixture_count_keys(struct repo *r, const char *prefix)
{
    struct strlist keys = fixture_keys_with(r, prefix, "");
    size_t         n = keys.n;

    strlist_free(&keys);
    return n;
}

static inline void
fixture_take_away(struct repo *r, const char *key)
{
    struct err e = ERR_INIT;

    assert_ok(storage_remove(r->st, &key, 1, &e), &e);
}

/* The object's bytes are now these. */
static inline void
fixture_replace(struct repo *r, const char *key, const void *data, size_t n)
{
    struct err e = ERR_INIT;

    fixture_take_away(r, key);
    assert_ok(storage_put(r->st, key, data, n, &e), &e);
}

static inline void
fixture_get(struct repo *r, const char *key, struct buf *out)
{
    struct err e = ERR_INIT;

    assert_ok(storage_get(r->st, key, out, &e), &e);
}

/* One bit in the middle; a second time undoes it. */
static inline void
fixture_flip(struct repo *r, const char *key)
{
    struct buf b = BUF_INIT(100 * MIB);

    fixture_get(r, key, &b);
    b.data[b.len / 2] ^= 0x10;
    fixture_replace(r, key, b.data, b.len);
    buf_free(&b);
}

static inline void
fixture_cut(struct repo *r, const char *key)
{
    struct buf b = BUF_INIT(100 * MIB);

    fixture_get(r, key, &b);
    fixture_replace(r, key, b.data, b.len / 2);
    buf_free(&b);
}

/* The key of a backup's i-th chunk, allocated. */
static inline char *
fixture_chunk(struct repo *r, const char *id, size_t i)
{
    struct err       e = ERR_INIT;
    struct label    *l = label_load(r, "shop", id, &e);
    struct manifest *m = manifest_load(r, l, &e);
    char            *key = chunk_key("shop", &m->chunks[i].name);

    manifest_free(m);
    label_free(l);
    return key;
}

#endif
