/*
 * fixture.h - repositories to break: scratch directories, and small backups whose every byte is
 * known.
 */
#ifndef TESTS_FAULT_FIXTURE_H
#define TESTS_FAULT_FIXTURE_H

#include "tests/unit/check.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/log.h"
#include "core/mem.h"
#include "storage/read/parts.h"
#include "storage/read/place.h"
#include "storage/read/reader.h"
#include "storage/repo/label_load.h"
#include "storage/write/fanout.h"
#include "tests/support/drivers.h"

enum {
    FIXTURE_CHUNKS = 4,
    FIXTURE_CHUNK_BYTES = 3000,
    FIXTURE_OBJECTS = 4, /* of a backup beside its chunks: label, list, manifest, repo.json */
};

static inline int
fixture_unlink(const char *path, const struct stat *sb, int flag, struct FTW *ftw)
{
    (void)sb;
    (void)flag;
    (void)ftw;
    return remove(path);
}

static inline void
fixture_remove(char *path)
{
    (void)nftw(path, fixture_unlink, 16, FTW_DEPTH | FTW_PHYS);
    free(path);
}

/* A new directory that belongs to this test; free it with fixture_remove(). */
static inline char *
fixture_dir(void)
{
    const char *tmp = getenv("TMPDIR");
    char       *path = xasprintf("%s/pgassay-test-XXXXXX", tmp != NULL ? tmp : "/tmp");

    assert_non_null(mkdtemp(path));
    return path;
}

/* A directory for journals, set for this process. */
static inline char *
fixture_state(void)
{
    char *path = fixture_dir();

    assert_int_equal(setenv("PGASSAY_STATE_DIR", path, 1), 0);
    log_init("test", LOG_ERROR);
    return path;
}

/* Plaintext of chunk i of the backup numbered seed: the first chunk is the same in all of them. */
static inline void
fixture_fill(unsigned seed, size_t i, char *out)
{
    for (size_t k = 0; k < FIXTURE_CHUNK_BYTES; k++) {
        out[k] = (char)('a' + (k * 7 + i * 31 + k / 50) % 26);
    }
    (void)snprintf(out, FIXTURE_CHUNK_BYTES, "%zu of %u", i, i == 0 ? 0 : seed);
}

/* A new repository has an earlier one's id: what this host knows of that one goes. */
static inline void
fixture_forget(unsigned number)
{
    const char *state = getenv("PGASSAY_STATE_DIR");

    if (state != NULL) {
        fixture_remove(xasprintf("%s/%02x112233445566778899aabbccddeeff", state, number));
    }
}

/* Each number is another repository, with keys of its own (0 to 255). */
static inline struct repo *
fixture_repo_number(unsigned number)
{
    struct err      e = ERR_INIT;
    struct storage *st = storage_memory_new();
    char           *line;
    struct repo    *r;

    fixture_forget(number);
    line = xasprintf(
        "{\"format\":1,\"needs\":[],\"type\":\"repo\","
        "\"repo_id\":\"%02x112233445566778899aabbccddeeff\",\"epoch\":1,"
        "\"created\":\"2026-11-21T02:15:00Z\",\"tool\":\"test\","
        "\"id_key\":\"%02x0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\","
        "\"fingerprint_key\":\"%02x0102030405060708090a0b0c0d0e0f\"}\n",
        number, number, number);
    assert_ok(storage_put(st, "repo.1.json", line, strlen(line), &e), &e);
    free(line);
    r = repo_open_storage(st, &e);
    assert_non_null(r);
    return r;
}

/* The keys that contents are named with in the current epoch: NAMING_KEYS bytes, to look at or
 * to spoil. */
static inline uint8_t *
fixture_naming(struct repo *r)
{
    struct err          e = ERR_INIT;
    const struct epoch *ep = keyring_epoch(r->keys, r->epoch, &e);

    assert_non_null(ep);
    return ep->naming.data;
}

static inline struct repo *
fixture_repo_in_memory(void)
{
    return fixture_repo_number(0);
}

static inline int
fixture_put(struct fanout *f, struct manifest *m, unsigned seed, struct err *e)
{
    struct manifest_table *t = manifest_add_table(m);

    t->schema = xstrdup("public");
    t->name = xstrdup("events");
    t->kind = 'r';
    t->persistence = 'p';
    t->ranges = xcalloc(1, sizeof *t->ranges);
    t->n_ranges = t->cap_ranges = 1;
    for (size_t i = 0; i < FIXTURE_CHUNKS; i++) {
        char                    raw[FIXTURE_CHUNK_BYTES];
        struct manifest_segment s = {.length = sizeof raw};
        struct chunk_number     chunk;

        fixture_fill(seed, i, raw);
        if (fanout_put(f, 0, raw, sizeof raw, &chunk, e) != 0) {
            return -1;
        }
        s.chunk = manifest_add_chunk(m, chunk);
        segment_add(&t->ranges[0].segments, &t->ranges[0].n, &t->ranges[0].cap, &s);
        t->bytes += sizeof raw;
    }
    return 0;
}

static inline struct label *
fixture_label(void)
{
    struct label *l = label_new();

    l->dbname = xstrdup("shop");
    l->scope = xstrdup("full");
    l->server_version = xstrdup("15.20");
    l->server_version_num = 150020;
    l->started = l->snapshot = time(NULL);
    return l;
}

/* A backup into the n repositories of v; end it with fanout_end(). */
static inline struct fanout *
fixture_begin(struct fanout_repo *v, size_t n, int workers, struct err *e)
{
    struct fanout_options o = {.db = "shop", .codec = CODEC_DEFAULT, .workers = workers};

    return fanout_begin(v, n, &o, e);
}

/* Commits what the manifest says. */
static inline int
fixture_commit(struct fanout *f, struct manifest *m, const struct label *l, struct err *e)
{
    struct draft draft = manifest_draft(m);

    return fanout_commit(f, &draft, l, e);
}

/* One whole backup. note, id (BACKUP_ID_MAX) and stats may be NULL. */
static inline int
fixture_backup_noted(struct repo *r, unsigned seed, const char *note, char *id,
                     struct writer_stats *stats, struct err *e)
{
    struct fanout_repo to = {.repo = r};
    struct fanout     *f = fixture_begin(&to, 1, 1, e);
    struct manifest   *m = manifest_new();
    struct label      *l = fixture_label();
    int                rc = -1;

    l->note = note == NULL ? NULL : xstrdup(note);
    if (f != NULL && fixture_put(f, m, seed, e) == 0) {
        rc = fixture_commit(f, m, l, e);
        if (stats != NULL) {
            *stats = to.stats;
        }
    }
    if (rc == 0 && id != NULL) {
        memcpy(id, to.label->id, BACKUP_ID_MAX);
    }
    fanout_end(f);
    manifest_free(m);
    label_free(l);
    label_free(to.label);
    return rc;
}

static inline int
fixture_backup(struct repo *r, unsigned seed, char *id, struct writer_stats *stats, struct err *e)
{
    return fixture_backup_noted(r, seed, NULL, id, stats, e);
}

/* 0 when every byte of it reads back as fixture_fill() made it. */
static inline int
fixture_read(struct repo *r, const char *id, unsigned seed, struct err *e)
{
    struct label    *l = label_load(r, "shop", id, e);
    struct manifest *m = l == NULL ? NULL : manifest_load(r, l, e);
    struct buf       out = BUF_INIT(MIB);
    int              rc = -1;

    if (m != NULL &&
        segments_read(r, "shop", m, m->tables[0].ranges[0].segments, m->tables[0].ranges[0].n, &out,
                      e) == 0) {
        rc = 0;
        for (size_t i = 0; i < FIXTURE_CHUNKS; i++) {
            char want[FIXTURE_CHUNK_BYTES];

            fixture_fill(seed, i, want);
            if (out.len != FIXTURE_CHUNKS * sizeof want ||
                memcmp(out.data + i * sizeof want, want, sizeof want) != 0) {
                rc = err_set(e, ERR_CORRUPT, "backup %s does not hold what was written", id);
                break;
            }
        }
    }
    buf_free(&out);
    manifest_free(m);
    label_free(l);
    return rc;
}

/* How many backups are in this state. */
static inline size_t
fixture_count(struct repo *r, enum backup_state state)
{
    struct backup_list list;
    struct err         e = ERR_INIT;
    size_t             n = 0;

    assert_ok(backup_list_load(r, "shop", &list, &e), &e);
    for (size_t i = 0; i < list.n; i++) {
        n += list.v[i].state == state;
    }
    backup_list_free(&list);
    return n;
}

#endif
