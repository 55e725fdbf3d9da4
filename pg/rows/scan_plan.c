/*
 * scan_plan.c - cutting tables into tasks.
 *
 * The same database must be cut the same way every night, or unchanged rows give new chunks.  A
 * task's rows begin a new chunk, so borders of tasks are borders of chunks; and a change inside a
 * task changes all chunks of it that follow.  Hence:
 *
 *   - No border depends on the number of workers, on the order in which they finish, or on the size
 *     of the database.
 *   - A table is cut at multiples of a fixed number of blocks (its width, a step of 4 from 2048
 *     down). A table that grows gets new ranges at its end; those before stay.  The last range has
 *     no upper bound, so that it does not matter when the size was read.
 *   - The width depends on the mean size of a block with its TOAST, not on the table's size, and
 *     the steps are coarse, so that a table does not change its width as it grows
 *     (scan_range_width()).
 *   - Small tables are packed, in the order of names, since a chunk for each would cost more than
 *     it holds.  A pack ends before a table whose name has hash mod 8 = 0, so that a new or a grown
 *     table shifts the borders only up to the next such table; of tables of a few blocks it is mod
 *     64, as even eight of those hold less than a chunk costs.
 *
 * Which of a table's ranges are read by one COPY is decided later (scan_share.h).  A table is cut
 * only if a Seq Scan with ctid as first column can read it: not one of another access method or
 * with a condition of an extension.  It can be split among workers if each can go past the others'
 * blocks, since the whole table fits into what the server takes for its and the system's cache
 * (effective_cache_size); or if a part is a Tid Range Scan, from PostgreSQL 14 on.
 */
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "pg/rows/scan_task.h"

enum {
    BLOCKS_MAX = 2048, /* 16 MiB of 8 KiB blocks */
    WIDTH_STEP = 4,
    WIDTH_MIN = 2,
};
#define RANGE_BYTES_MAX (32 * MIB)
#define SMALL_BYTES     (1 * MIB)
#define TINY_BYTES      (64 * KIB)
#define PACK_BYTES_MAX  (4 * MIB)

uint64_t
scan_range_width(uint64_t heap_blocks, uint64_t bytes)
{
    uint64_t mean = heap_blocks > 0 ? bytes / heap_blocks : 0, width = BLOCKS_MAX;

    while (width > WIDTH_MIN && mean > RANGE_BYTES_MAX / width) {
        width /= WIDTH_STEP;
    }
    return width;
}

static struct scan_task *
add_task(struct scan_plan *p)
{
    VEC_GROW(p->v, p->n, p->cap);
    p->v[p->n] = (struct scan_task){0};
    return &p->v[p->n++];
}

static void
add_item(struct scan_task *t, struct scan_item item, uint64_t bytes)
{
    VEC_GROW(t->items, t->n, t->cap);
    t->items[t->n++] = item;
    t->bytes += bytes;
}

static void
add_ranges(struct scan_plan *p, struct scan_table *t, uint64_t width)
{
    uint64_t share = t->bytes / t->heap_blocks * width;

    for (uint64_t first = 0; first < t->heap_blocks; first += width) {
        bool last = first + width >= t->heap_blocks;

        add_item(add_task(p),
                 (struct scan_item){.table = t,
                                    .ranged = true,
                                    .first_block = first,
                                    .end_block = last ? 0 : first + width},
                 share);
    }
}

/* Whether its plan with this setting is such a scan.  *planned: it has a plan; if not, a plain COPY
 * will show whether the table can be read. */
static int
explain_says(PGconn *conn, const struct copy_spec *c, const char *setting, const char *scan,
             bool *planned, bool *yes, struct err *e)
{
    PGresult *r;
    char     *select, *sql;

    if (pg_exec(conn, e, "SAVEPOINT plan") != 0 || pg_exec(conn, e, setting) != 0) {
        return -1;
    }
    select = copy_out_select(c);
    sql = xasprintf("EXPLAIN (COSTS off) %s", select);
    r = pg_query(conn, e, sql, 0, NULL);
    free(select);
    free(sql);
    *planned = r != NULL;
    *yes = PQntuples(r) > 0 && strncmp(PQgetvalue(r, 0, 0), scan, strlen(scan)) == 0;
    PQclear(r);
    if (!*planned && (e->kind != ERR_PG || PQstatus(conn) != CONNECTION_OK)) {
        return -1;
    }
    return pg_exec(conn, e, "ROLLBACK TO SAVEPOINT plan; RELEASE SAVEPOINT plan");
}

/* Of all ranges as one, and of the first, whose plan holds for each: only constants differ. */
static int
explain(PGconn *conn, struct scan_table *t, uint64_t width, bool *planned, bool *cut, struct err *e)
{
    struct copy_spec c = t->copy;

    c.ctid = true;
    if (explain_says(conn, &c, SCAN_ALL_OF_IT, "Seq Scan", planned, cut, e) != 0) {
        return -1;
    }
    c.ranged = true;
    c.end_block = width;
    if (*cut && t->parts_by_scan) {
        return explain_says(conn, &c, SCAN_ALL_OF_IT, "Seq Scan", planned, &t->splittable, e);
    }
    return !*cut || pg_version(conn) < 140000
        ? 0
        : explain_says(conn, &c, SCAN_RANGES_ONLY, "Tid Range Scan", planned, &t->splittable, e);
}

int
scan_cached_blocks(PGconn *conn, uint64_t *blocks, struct err *e)
{
    char *value = pg_value(conn, e,
                           "SELECT setting FROM pg_catalog.pg_settings WHERE name = "
                           "'effective_cache_size'",
                           0, NULL);

    if (value == NULL) {
        return -1;
    }
    *blocks = strtoull(value, NULL, 10);
    free(value);
    return 0;
}

/* The width of the table's ranges, 0 for whole. */
static int
choose_width(PGconn *conn, uint64_t cached_blocks, struct scan_table *t, uint64_t *width,
             struct err *e)
{
    uint64_t blocks = scan_range_width(t->heap_blocks, t->bytes);
    bool     cut = false, planned = true;

    *width = 0;
    if (!t->rangeable || t->sql != NULL || t->copy.condition != NULL || t->copy.plain ||
        t->heap_blocks <= blocks) {
        return 0;
    }
    t->parts_by_scan = t->heap_blocks <= cached_blocks;
    if (explain(conn, t, blocks, &planned, &cut, e) != 0) {
        return err_wrap(e, "table %s.%s", t->copy.schema, t->copy.name);
    }
    t->copy.plain = !planned;
    *width = planned && cut ? blocks : 0;
    return 0;
}

/* Other users' functions do not run as the reading role. */
static int
avoid_foreign_code(struct scan_table *t, struct err *e)
{
    if (!t->foreign_code) {
        return 0;
    }
    if (t->copy.condition != NULL) {
        err_set(e, ERR_PG,
                "table %s.%s: its extension wants a part of its rows, and an index or statistics "
                "of it call a function of another role, which would run as this one",
                t->copy.schema, t->copy.name);
        return err_hint(e, "look at the indexes of the table, and at who owns it");
    }
    t->copy.plain = true;
    return 0;
}

/* FNV-1a, 64 bits: any hash would do, but it must never change. */
static uint64_t
name_hash(const struct scan_table *t)
{
    const char *const part[] = {t->copy.schema, ".", t->copy.name};
    uint64_t          h = 0xcbf29ce484222325;

    for (size_t i = 0; i < 3; i++) {
        for (const char *s = part[i]; *s != '\0'; s++) {
            h = (h ^ (uint8_t)*s) * 0x100000001b3;
        }
    }
    return h ^ h >> 32; /* the low bits of FNV alone are weak */
}

/* It depends on the table alone, and on its size only coarsely. */
static bool
begins_pack(const struct scan_table *t)
{
    enum { AMONG = 8, AMONG_TINY = 64 };

    return name_hash(t) % (t->bytes <= TINY_BYTES ? AMONG_TINY : AMONG) == 0;
}

/* *pack: the current task for small tables; SIZE_MAX before the first.  Larger tables come between
 * them in the order of names, and do not end a pack.  To plan a query takes the server longer than
 * to send the rows of such a table, so it is read by a plain COPY wherever that can be: a sixth of
 * the time. */
static void
add_to_pack(struct scan_plan *p, size_t *pack, struct scan_table *t)
{
    t->copy.plain |= t->copy.condition == NULL && t->n_generated == 0;
    if (*pack == SIZE_MAX || begins_pack(t) || p->v[*pack].bytes + t->bytes > PACK_BYTES_MAX) {
        add_task(p);
        *pack = p->n - 1;
    }
    add_item(&p->v[*pack], (struct scan_item){.table = t}, t->bytes);
}

int
scan_plan(struct snapshot *s, struct scan_table *tables, size_t n, struct scan_plan *p,
          struct err *e)
{
    size_t   pack = SIZE_MAX;
    uint64_t width = 0, cached_blocks = 0;
    int      rc = scan_cached_blocks(s->conn, &cached_blocks, e);

    *p = (struct scan_plan){0};
    for (size_t i = 0; rc == 0 && i < n; i++) {
        struct scan_table *t = &tables[i];

        if ((rc = avoid_foreign_code(t, e)) != 0) {
            break;
        }
        if (t->sql == NULL && t->bytes < SMALL_BYTES) {
            add_to_pack(p, &pack, t);
        } else if ((rc = choose_width(s->conn, cached_blocks, t, &width, e)) == 0 && width > 0) {
            add_ranges(p, t, width);
        } else if (rc == 0) {
            add_item(add_task(p), (struct scan_item){.table = t}, t->bytes);
        }
    }
    if (rc != 0) {
        scan_plan_free(p);
    }
    return rc;
}

void
scan_plan_free(struct scan_plan *p)
{
    for (size_t i = 0; i < p->n; i++) {
        free(p->v[i].items);
    }
    free(p->v);
    *p = (struct scan_plan){0};
}
