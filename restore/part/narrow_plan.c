/*
 * narrow_plan.c - the leaves that hold the live rows, and the ranges to read of them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "restore/part/narrow_impl.h"

/* The tables that hold the live rows.  A leaf that this role may not read by itself, or whose own
 * policies would count, is only read through the table that it belongs to. */
static const char leaves_sql[] =
    "SELECT n.nspname, c.relname, pg_catalog.pg_relation_size(c.oid) / "
    "pg_catalog.current_setting('block_size')::int8, pg_catalog.pg_table_size(c.oid), a.amname = "
    "'heap', c.relkind = 'r' AND (c.oid = $1::pg_catalog.oid OR NOT c.relrowsecurity AND "
    "pg_catalog.has_table_privilege(c.oid, 'SELECT')), c.oid = $1::pg_catalog.oid FROM "
    "pg_catalog.pg_class c JOIN "
    "pg_catalog.pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_catalog.pg_am a ON a.oid = "
    "c.relam WHERE c.relkind <> 'p' AND (c.oid = $1::pg_catalog.oid OR c.oid IN (SELECT relid FROM "
    "pg_catalog.pg_partition_tree($1::pg_catalog.regclass)))";

enum { C_SCHEMA, C_NAME, C_BLOCKS, C_BYTES, C_HEAP, C_READABLE, C_ITSELF };

static const struct manifest_table *
in_backup(const struct live_table *t, const char *schema, const char *name)
{
    for (size_t i = 0; i < t->n_leaves; i++) {
        if (strcmp(t->leaves[i]->schema, schema) == 0 && strcmp(t->leaves[i]->name, name) == 0) {
            return t->leaves[i];
        }
    }
    return NULL;
}

static bool
is_key(const struct live_table *t, const char *name)
{
    bool is = false;

    for (size_t i = 0; !is && i < t->n_columns; i++) {
        is = t->columns[i].key && strcmp(t->columns[i].name, name) == 0;
    }
    return is;
}

static void
set_columns(struct leaf *leaf, const struct narrow *n, const struct manifest_table *table)
{
    struct columns *all = &leaf->columns[BACKUP], *live = &leaf->columns[LIVE];

    all->v = xcalloc(table->n_columns + 1, sizeof *all->v);
    live->v = xcalloc(table->n_columns + 1, sizeof *live->v);
    leaf->places = xcalloc(table->n_columns + 1, sizeof *leaf->places);
    for (size_t i = 0; i < table->n_columns; i++) {
        const char *name = table->columns[i].name;

        if (table->columns[i].generated) {
            continue;
        }
        if (!n->by_key || is_key(n->t, name)) {
            leaf->places[live->n] = all->n;
            live->v[live->n++] = name;
        }
        all->v[all->n++] = name;
    }
}

static void
leaf_init(struct leaf *leaf, const struct narrow *n, uint64_t cached_blocks, const PGresult *res,
          int row)
{
    const struct manifest_table *table;

    leaf->schema = xstrdup(PQgetvalue(res, row, C_SCHEMA));
    leaf->name = xstrdup(PQgetvalue(res, row, C_NAME));
    leaf->table = in_backup(n->t, leaf->schema, leaf->name);
    table = leaf->table != NULL ? leaf->table : n->t->table;
    set_columns(leaf, n, table);
    leaf->scan = (struct scan_table){
        .copy = {.schema = leaf->schema,
                 .name = leaf->name,
                 .columns = leaf->columns[LIVE].v,
                 .n_columns = leaf->columns[LIVE].n,
                 .binary = leaf->table != NULL && leaf->table->format == COPY_BINARY},
        .heap_blocks = strtoull(PQgetvalue(res, row, C_BLOCKS), NULL, 10),
        .bytes = strtoull(PQgetvalue(res, row, C_BYTES), NULL, 10),
        .rangeable = *PQgetvalue(res, row, C_HEAP) == 't',
    };
    leaf->scan.parts_by_scan = leaf->scan.heap_blocks <= cached_blocks;
    leaf->scan.splittable = leaf->scan.parts_by_scan || pg_version(n->conn) >= 140000;
}

static void
add_piece(struct narrow *n, struct leaf *leaf, const struct manifest_range *range,
          struct scan_item item)
{
    struct scan_plan *p = &n->plan;
    size_t            cap = p->cap;

    VEC_GROW(p->v, p->n, p->cap);
    if (cap != p->cap) {
        n->pieces = xreallocarray(n->pieces, p->cap, sizeof *n->pieces);
    }
    p->v[p->n] = (struct scan_task){.items = xcalloc(1, sizeof item), .n = 1, .cap = 1};
    for (size_t i = 0; range != NULL && i < range->n; i++) {
        p->v[p->n].bytes += range->segments[i].length;
    }
    p->v[p->n].items[0] = item;
    n->pieces[p->n++] = (struct piece){leaf, range};
}

/* The ranges of the backup, and behind them as many more of the usual width as there are blocks
 * now.  Without ranges: the table as a whole. */
static void
add_pieces(struct narrow *n, struct leaf *leaf)
{
    const struct manifest_table *t = leaf->table;
    size_t                       n_ranges = t == NULL ? 0 : t->n_ranges;
    struct scan_table           *s = &leaf->scan;
    uint64_t                     width = scan_range_width(s->heap_blocks, s->bytes), first = 0, end;
    bool                         ranged = s->rangeable && (n_ranges > 1 || s->heap_blocks > width);

    for (size_t i = 0; i == 0 || i < n_ranges || (ranged && first < s->heap_blocks);
         i++, first = end) {
        end = i + 1 < n_ranges ? t->ranges[i + 1].first_block : first + width;
        if (i + 1 >= n_ranges && end >= s->heap_blocks) {
            end = 0; /* to the end, whatever that is */
        }
        add_piece(n, leaf, i < n_ranges ? &t->ranges[i] : NULL,
                  (struct scan_item){
                      .table = s, .ranged = ranged, .first_block = first, .end_block = end});
        if (!ranged || (end == 0 && i + 1 >= n_ranges)) {
            break;
        }
    }
}

static size_t
count_keys(const struct live_table *t)
{
    size_t n = 0;

    for (size_t i = 0; i < t->n_columns; i++) {
        n += t->columns[i].key;
    }
    return n;
}

/* Partitioned as it was, or not, and readable by ranges where the backup has some; all of its key
 * is stored. */
static bool
usable(const struct narrow *n, const struct leaf *leaf, const PGresult *res, int row)
{
    return *PQgetvalue(res, row, C_READABLE) == 't' &&
        (*PQgetvalue(res, row, C_ITSELF) == 't') == (n->t->table->kind == 'r') &&
        (leaf->table == NULL || leaf->table->n_ranges <= 1 || leaf->scan.rangeable) &&
        (!n->by_key || leaf->columns[LIVE].n == count_keys(n->t));
}

static bool
plan_leaves(struct narrow *n, uint64_t cached_blocks, const PGresult *res)
{
    n->n_leaves = (size_t)PQntuples(res);
    n->leaves = xcalloc(n->n_leaves + 1, sizeof *n->leaves);
    for (size_t i = 0; i < n->n_leaves; i++) {
        struct leaf *leaf = &n->leaves[i];

        leaf_init(leaf, n, cached_blocks, res, (int)i);
        if (!usable(n, leaf, res, (int)i)) {
            return false;
        }
        add_pieces(n, leaf);
    }
    return true;
}

int
narrow_plan(struct narrow *n, bool *possible, struct err *e)
{
    char        oid[16];
    const char *params[] = {oid};
    uint64_t    cached_blocks;
    PGresult   *res;

    if (scan_cached_blocks(n->conn, &cached_blocks, e) != 0) {
        return -1;
    }
    (void)snprintf(oid, sizeof oid, "%u", n->t->oid);
    res = pg_query(n->conn, e, leaves_sql, 1, params);
    *possible = res != NULL && plan_leaves(n, cached_blocks, res);
    PQclear(res);
    return res == NULL ? -1 : 0;
}

bool
narrow_by_key_possible(const struct restore *r, const struct live_table *t)
{
    for (size_t i = 0; i < t->n_leaves; i++) {
        if (t->leaves[i]->format != COPY_BINARY) {
            return false;
        }
    }
    return t->has_key && !r->repo->st->distant;
}

bool
narrow_possible(const struct live_table *t)
{
    for (size_t i = 0; i < t->n_leaves; i++) {
        if (t->leaves[i]->condition != NULL) {
            return false;
        }
    }
    return t->same_types;
}
