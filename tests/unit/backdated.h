/*
 * backdated.h - backups of another day: real ones, whose label says so.
 */
#ifndef TESTS_UNIT_BACKDATED_H
#define TESTS_UNIT_BACKDATED_H

#include "tests/fault/fixture.h"

#include <jansson.h>

#include "core/human.h"
#include "core/json.h"

struct backdated {
    const char *scope; /* NULL: full */
    time_t      at;
    uint64_t    rows;
};

static inline void
backdated_put(struct repo *r, const char *key, const struct buf *bytes)
{
    struct err e = ERR_INIT;

    assert_ok(storage_put(r->st, key, bytes->data, bytes->len, &e), &e);
}

static inline void
backdated_move(struct repo *r, const char *from, const char *to, const char *object)
{
    struct err  e = ERR_INIT;
    struct buf  bytes = BUF_INIT(BUF_NO_LIMIT);
    char       *old = backup_key("shop", from, object), *new = backup_key("shop", to, object);
    const char *gone = old;

    assert_ok(storage_get(r->st, old, &bytes, &e), &e);
    backdated_put(r, new, &bytes);
    assert_ok(storage_remove(r->st, &gone, 1, &e), &e);
    buf_free(&bytes);
    free(old);
    free(new);
}

static inline void
backdated_label(struct repo *r, const char *from, const char *to, const struct backdated *b)
{
    struct err e = ERR_INIT;
    struct buf bytes = BUF_INIT(LABEL_BYTES_MAX);
    char *old = backup_key("shop", from, "label.json"), *new = backup_key("shop", to, "label.json");
    const char *gone = old;
    char        at[32];
    json_t     *o;

    assert_ok(storage_get(r->st, old, &bytes, &e), &e);
    o = json_read(bytes.data, bytes.len - 1, &e);
    assert_non_null(o);
    (void)time_rfc3339(b->at, at, sizeof at);
    (void)json_object_set_new(o, "backup", json_string(to));
    (void)json_object_set_new(o, "snapshot", json_string(at));
    (void)json_object_set_new(o, "scope", json_string(b->scope != NULL ? b->scope : "full"));
    (void)json_object_set_new(o, "rows", json_integer((json_int_t)b->rows));
    buf_clear(&bytes);
    assert_ok(json_write(o, &bytes, &e), &e);
    assert_ok(buf_puts(&bytes, "\n", &e), &e);
    backdated_put(r, new, &bytes);
    assert_ok(storage_remove(r->st, &gone, 1, &e), &e);
    json_decref(o);
    buf_free(&bytes);
    free(old);
    free(new);
}

/* A backup of "shop" of that time; seed as fixture_backup(). id: BACKUP_ID_MAX. */
static inline void
backdated_backup(struct repo *r, unsigned seed, const struct backdated *b, char *id)
{
    struct err e = ERR_INIT;
    char       now[BACKUP_ID_MAX], at[20];

    assert_ok(fixture_backup(r, seed, now, NULL, &e), &e);
    (void)snprintf(id, BACKUP_ID_MAX, "%s-%04x", time_compact(b->at, at, sizeof at), seed & 0xffff);
    backdated_move(r, now, id, "chunks.zst");
    backdated_move(r, now, id, "manifest.json.zst");
    backdated_label(r, now, id, b);
}

#endif
