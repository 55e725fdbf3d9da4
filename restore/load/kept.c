#include "restore/load/kept.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/crypto/hash.h"
#include "core/host/outfile.h"
#include "core/json.h"

enum { ID_HEX = 32, SHORT_HEX = 16 };
#define FILE_MAX (512 * MIB)

/* ---- what things are ---- */

static void
sum_text(struct sha256_sum *sum, const char *text)
{
    sha256_sum_more(sum, text == NULL ? "" : text, text == NULL ? 1 : strlen(text) + 1);
}

static void
sum_number(struct sha256_sum *sum, uint64_t n)
{
    sha256_sum_more(sum, &n, sizeof n);
}

static void
sum_segment(struct sha256_sum *sum, const struct manifest *m, const struct manifest_segment *s)
{
    const struct manifest_delta *delta = manifest_delta_at(m, s->chunk);

    if (delta != NULL) {
        sum_text(sum, delta->sha256);
    } else {
        sha256_sum_more(sum, m->chunks[s->chunk].name.id, SHA256_BYTES);
    }
    sum_number(sum, s->offset);
    sum_number(sum, s->length);
}

static void
sum_range(struct sha256_sum *sum, const struct manifest *m, const struct manifest_table *t,
          const struct manifest_range *range)
{
    sum_number(sum, t->format);
    sum_number(sum, range->rows);
    for (size_t i = 0; i < range->n; i++) {
        sum_segment(sum, m, &range->segments[i]);
    }
}

static void
range_id(struct sha256_sum *sum, const struct manifest *m, const struct manifest_table *t,
         const struct manifest_range *range, char id[ID_HEX + 1])
{
    char hex[SHA256_HEX + 1];

    sum_range(sum, m, t, range);
    sha256_sum_hex(sum, hex);
    memcpy(id, hex, ID_HEX);
    id[ID_HEX] = '\0';
}

/* What an object is called, and what it is. */
static void
object_line(struct sha256_sum *sum, const struct manifest_object *o, char line[2 * SHORT_HEX + 2])
{
    char name[SHA256_HEX + 1], text[SHA256_HEX + 1];

    sum_text(sum, o->kind);
    sum_text(sum, o->schema);
    sum_text(sum, o->name);
    sha256_sum_hex(sum, name);
    sum_text(sum, o->owner);
    sum_text(sum, o->digest);
    sha256_sum_hex(sum, text);
    (void)snprintf(line, 2 * SHORT_HEX + 2, "%.*s %.*s", SHORT_HEX, name, SHORT_HEX, text);
}

static void
describe(struct kept *k, struct sha256_sum *sum, const struct manifest *m)
{
    const struct manifest_table *lo[] = {&m->lo_metadata, &m->lo_pages};
    char                         line[2 * SHORT_HEX + 2];

    for (size_t i = 0; i < m->n_objects; i++) {
        object_line(sum, &m->objects[i], line);
        strlist_add(&k->objects, line);
    }
    strlist_sort(&k->objects);
    for (size_t i = 0; i < k->objects.n; i++) {
        sum_text(sum, k->objects.v[i]);
    }
    sha256_sum_hex(sum, k->definitions);
    for (size_t i = 0; i < 2; i++) {
        for (size_t r = 0; r < lo[i]->n_ranges; r++) {
            sum_range(sum, m, lo[i], &lo[i]->ranges[r]);
        }
    }
    sha256_sum_hex(sum, k->large_objects);
}

void
kept_begin(struct restore *r)
{
    struct kept       *k = r->kept = xcalloc(1, sizeof *k);
    struct sha256_sum *sum = sha256_sum_new();

    k->n_tables = r->n_tables;
    k->tables = xcalloc(k->n_tables + 1, sizeof *k->tables);
    describe(k, sum, r->manifest);
    for (size_t i = 0; i < k->n_tables; i++) {
        const struct manifest_table *t = r->tables[i].table;
        struct kept_table           *x = &k->tables[i];

        x->n = t->n_ranges;
        x->ranges = xcalloc(x->n + 1, sizeof *x->ranges);
        x->missing = xcalloc(x->n + 1, sizeof *x->missing);
        for (size_t n = 0; n < x->n; n++) {
            range_id(sum, r->manifest, t, &t->ranges[n], x->ranges[n].id);
            x->missing[n] = n;
        }
    }
    sha256_sum_free(sum);
}

void
kept_note(struct restore *r, const struct table_job *job, size_t first, size_t n, const char *xid)
{
    struct kept_table *t = r->kept == NULL ? NULL : &r->kept->tables[job - r->tables];

    for (size_t i = first; t != NULL && i < first + n; i++) {
        t->ranges[t->missing[i]].xid = xid == NULL ? 0 : strtoull(xid, NULL, 10);
    }
}

/* ---- the file ---- */

/* Names are bytes: by their digest. */
static void
table_key(const struct manifest_table *t, char key[SHA256_HEX + 1])
{
    struct sha256_sum *sum = sha256_sum_new();

    sum_text(sum, t->schema);
    sum_text(sum, t->name);
    sha256_sum_hex(sum, key);
    key[ID_HEX] = '\0';
    sha256_sum_free(sum);
}

static json_t *
ranges_json(const struct kept_table *t)
{
    json_t *list = json_array();
    char    text[64];

    for (size_t i = 0; i < t->n; i++) {
        (void)snprintf(text, sizeof text, "%s %" PRIu64, t->ranges[i].id, t->ranges[i].xid);
        (void)json_array_append_new(list, json_string(text));
    }
    return list;
}

/* What the order of its indexes and the code of its extensions come from: a new copy would have
 * those of now. */
static const char server_sql[] =
    "SELECT pg_catalog.concat_ws(' ', pg_catalog.current_setting('server_version'), "
    "(SELECT pg_catalog.string_agg(v, ',' ORDER BY v) FROM (SELECT DISTINCT "
    "collprovider::text || pg_catalog.pg_collation_actual_version(oid) AS v "
    "FROM pg_catalog.pg_collation) c), "
    "(SELECT pg_catalog.string_agg(name || '-' || default_version, ',' ORDER BY name) "
    "FROM pg_catalog.pg_available_extensions WHERE installed_version IS NOT NULL))";

int
kept_note_server(struct restore *r, struct err *e)
{
    free(r->kept->server);
    r->kept->server = pg_value(r->conn, e, server_sql, 0, NULL);
    return r->kept->server == NULL ? -1 : 0;
}

static json_t *
file_json(const struct restore *r)
{
    const struct kept *k = r->kept;
    json_t            *tables = json_object(), *objects = json_array();
    char               key[SHA256_HEX + 1];

    for (size_t i = 0; i < k->n_tables; i++) {
        table_key(r->tables[i].table, key);
        (void)json_object_set_new(tables, key, ranges_json(&k->tables[i]));
    }
    for (size_t i = 0; i < k->objects.n; i++) {
        (void)json_array_append_new(objects, json_string(k->objects.v[i]));
    }
    return json_pack("{s:s, s:s, s:s, s:s, s:o, s:o}", "backup", r->label->id, "server", k->server,
                     "definitions", k->definitions, "large_objects", k->large_objects, "objects",
                     objects, "tables", tables);
}

int
kept_write(struct restore *r, struct err *e)
{
    json_t         *o = file_json(r);
    struct buf      text = BUF_INIT(FILE_MAX);
    struct outfile *out = NULL;
    int             rc = -1;

    if (json_write(o, &text, e) == 0 && (out = outfile_open(r->o->kept, true, e)) != NULL &&
        outfile_write(out, text.data, text.len, e) == 0) {
        rc = outfile_publish(out, e);
    }
    outfile_close(out);
    buf_free(&text);
    json_decref(o);
    return rc;
}

bool
kept_is_there(const struct restore *r)
{
    return access(r->o->kept, F_OK) == 0;
}

static json_t *
read_file(const char *path, struct err *e)
{
    struct buf text = BUF_INIT(FILE_MAX);
    json_t    *o = NULL;
    FILE      *f = fopen(path, "re");
    char       part[16384];
    size_t     n;
    bool       good = f != NULL;

    if (f == NULL) {
        (void)err_errno(e, "\"%s\"", path);
    }
    while (good && (n = fread(part, 1, sizeof part, f)) > 0) {
        good = buf_append(&text, part, n, e) == 0;
    }
    if (good) {
        o = json_read(text.data, text.len, e);
    }
    if (f != NULL) {
        (void)fclose(f);
    }
    buf_free(&text);
    if (o == NULL) {
        (void)err_wrap(e, "what is kept");
    }
    return o;
}

/* ---- what is not in the rows ---- */

/* Tables whose rows may be refused, or become others, although they are the same: a check, a
 * generated column, the check of a domain or the key of partitions asks the clock, a setting, or
 * code of the database's own, which may read anything. */
static const char fickle_sql[] =
    "WITH RECURSIVE expression AS ("
    "SELECT conrelid::oid AS rel, contypid::oid AS typ, conbin::text AS e "
    "FROM pg_catalog.pg_constraint WHERE contype = 'c' AND convalidated "
    "UNION ALL SELECT d.adrelid, 0::oid, d.adbin::text FROM pg_catalog.pg_attrdef d "
    "JOIN pg_catalog.pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum "
    "WHERE a.attgenerated <> '' "
    "UNION ALL SELECT t.relid, 0::oid, p.partexprs::text FROM pg_catalog.pg_partitioned_table p, "
    "pg_catalog.pg_partition_tree(p.partrelid) t WHERE p.partexprs IS NOT NULL"
    "), fickle AS (SELECT rel, typ FROM expression WHERE e ~ 'SQLVALUEFUNCTION|COERCEVIAIO' OR "
    "EXISTS (SELECT FROM pg_catalog.regexp_matches(e, ':(?:op)?funcid (\\d+)', 'g') m "
    "LEFT JOIN pg_catalog.pg_proc f ON f.oid = m[1]::oid WHERE f.oid IS NULL OR "
    "f.provolatile <> 'i' OR (f.oid >= 16384 AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend x "
    "WHERE x.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND x.objid = f.oid AND "
    "x.deptype = 'e')))"
    "), part AS (SELECT typbasetype AS typ, oid AS of FROM pg_catalog.pg_type WHERE typbasetype <> "
    "0 "
    "UNION ALL SELECT typelem, oid FROM pg_catalog.pg_type WHERE typelem <> 0 "
    "UNION ALL SELECT rngsubtype, rngtypid FROM pg_catalog.pg_range "
    "UNION ALL SELECT a.atttypid, c.reltype FROM pg_catalog.pg_attribute a "
    "JOIN pg_catalog.pg_class c ON c.oid = a.attrelid WHERE c.reltype <> 0 AND a.attnum > 0"
    "), type AS (SELECT typ FROM fickle WHERE typ <> 0 "
    "UNION SELECT part.of FROM type JOIN part ON part.typ = type.typ"
    ") SELECT n.nspname, c.relname FROM pg_catalog.pg_class c "
    "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p') AND "
    "c.oid IN (SELECT rel FROM fickle UNION ALL SELECT a.attrelid FROM pg_catalog.pg_attribute a "
    "JOIN type ON type.typ = a.atttypid WHERE a.attnum > 0)";

static int
find_fickle(struct restore *r, struct err *e)
{
    PGresult *res = pg_query(r->conn, e, fickle_sql, 0, NULL);

    for (int i = 0; i < PQntuples(res); i++) {
        const struct manifest_table *t = manifest_find(r->manifest, PQgetvalue(res, i, 0),
                                                       PQgetvalue(res, i, 1));

        if (t != NULL) {
            r->kept->tables[t - r->manifest->tables].fickle = true;
        }
    }
    PQclear(res);
    return e->kind == ERR_NONE ? 0 : -1;
}

/* ---- this backup against it ---- */

static int
refuse_definitions(const struct restore *r, const json_t *was, struct err *e)
{
    struct sha256_sum *sum = sha256_sum_new();
    struct strlist     old = {0};
    char               line[2 * SHORT_HEX + 2];
    const json_t      *one;
    size_t             i;

    json_array_foreach (was, i, one) {
        strlist_add(&old, json_string_value(one));
    }
    strlist_sort(&old);
    for (i = 0; i < r->manifest->n_objects && e->kind == ERR_NONE; i++) {
        const struct manifest_object *o = &r->manifest->objects[i];

        object_line(sum, o, line);
        if (strlist_find(&old, line) == 0) {
            (void)err_set(e, ERR_EXISTS, "definitions have changed: %s %s%s%s", o->kind,
                          o->schema == NULL ? "" : o->schema, o->schema == NULL ? "" : ".",
                          o->name);
        }
    }
    strlist_free(&old);
    sha256_sum_free(sum);
    return e->kind != ERR_NONE ? -1
                               : err_set(e, ERR_EXISTS, "definitions have changed: some are gone");
}

struct old_range {
    const char *id;  /* borrowed, ID_HEX */
    uint64_t    xid; /* 0: cannot be told apart */
    size_t      now; /* the range of this backup that it is; SIZE_MAX: none */
};

struct old_ranges {
    struct old_range *v;
    size_t            n;
};

static int
by_id(const void *a, const void *b)
{
    return strncmp(((const struct old_range *)a)->id, ((const struct old_range *)b)->id, ID_HEX);
}

static int
read_old(const json_t *list, struct old_ranges *old, struct err *e)
{
    const json_t *one;
    size_t        i;

    old->n = json_array_size(list);
    old->v = xcalloc(old->n + 1, sizeof *old->v);
    json_array_foreach (list, i, one) {
        const char *text = json_string_value(one);

        if (text == NULL || strlen(text) < ID_HEX + 2) {
            return err_set(e, ERR_CORRUPT, "what is kept: no range");
        }
        old->v[i] = (struct old_range){
            .id = text, .xid = strtoull(text + ID_HEX + 1, NULL, 10), .now = SIZE_MAX};
    }
    qsort(old->v, old->n, sizeof *old->v, by_id);
    return 0;
}

/* One of several with the same id is as good as another. */
static void
pair(struct old_ranges *old, struct kept_table *t)
{
    for (size_t i = 0; i < t->n; i++) {
        const struct old_range key = {.id = t->ranges[i].id};
        struct old_range      *at = bsearch(&key, old->v, old->n, sizeof *old->v, by_id);

        while (at != NULL && at > old->v && by_id(at - 1, &key) == 0) {
            at--;
        }
        while (at != NULL && at < old->v + old->n && by_id(at, &key) == 0 && at->now != SIZE_MAX) {
            at++;
        }
        if (at != NULL && at < old->v + old->n && by_id(at, &key) == 0) {
            at->now = i;
            t->ranges[i].xid = at->xid;
        }
    }
}

/* Of one transaction those that are gone come first. */
static int
by_xid(const void *a, const void *b)
{
    const struct old_range *x = a, *y = b;

    if (x->xid != y->xid) {
        return x->xid < y->xid ? -1 : 1;
    }
    return (x->now != SIZE_MAX) - (y->now != SIZE_MAX);
}

/* A transaction may have loaded several ranges: all of them stay, or none. */
static void
unpair(struct old_ranges *old, struct kept_table *t)
{
    qsort(old->v, old->n, sizeof *old->v, by_xid);
    for (size_t i = 1; i < old->n; i++) {
        struct old_range *x = &old->v[i];

        if (x->now == SIZE_MAX || x->xid != x[-1].xid || x[-1].now != SIZE_MAX) {
            continue;
        }
        t->ranges[x->now].xid = 0;
        x->now = SIZE_MAX;
    }
}

static void
list_stale(const struct old_ranges *old, struct kept_table *t)
{
    struct buf text = BUF_INIT(BUF_NO_LIMIT);
    struct err never = ERR_INIT;
    size_t     n = 0;

    for (size_t i = 0; i < old->n; i++) {
        if (old->v[i].now == SIZE_MAX) {
            (void)buf_printf(&text, &never, "%s%" PRIu64, n++ > 0 ? "," : "", old->v[i].xid);
        }
    }
    t->stale = n == 0 ? NULL : xstrdup(buf_str(&text));
    t->none_stays = n == old->n;
    buf_free(&text);
}

/* Leaves the ranges that are not there. */
static void
narrow(struct kept_table *x, const bool *there, struct manifest_table *t)
{
    size_t n = 0;

    t->rows = t->bytes = 0;
    for (size_t i = 0; i < t->n_ranges; i++) {
        struct manifest_range *range = &t->ranges[i];

        if (there[i]) {
            free(range->segments);
            continue;
        }
        t->bytes += segments_bytes(range->segments, range->n);
        t->rows += range->rows;
        x->missing[n] = i;
        t->ranges[n++] = *range;
    }
    t->n_ranges = n;
}

static int
match_table(struct restore *r, size_t number, const json_t *list, struct err *e)
{
    struct kept_table *x = &r->kept->tables[number];
    struct table_job  *job = &r->tables[number];
    /* The manifest is this restore's own. */
    struct manifest_table *t = (struct manifest_table *)(uintptr_t)job->table;
    struct old_ranges      old;
    bool                  *there = xcalloc(x->n + 1, sizeof *there);
    int                    rc = read_old(list, &old, e);

    if (rc == 0) {
        if (!x->fickle) {
            pair(&old, x);
        }
        unpair(&old, x);
        for (size_t i = 0; i < old.n; i++) {
            if (old.v[i].now != SIZE_MAX) {
                there[old.v[i].now] = true;
            } else if (old.v[i].xid == 0 && t->extension == NULL) {
                rc = err_set(e, ERR_EXISTS, "the rows of table %s cannot be told apart",
                             job->qualified);
            }
        }
        list_stale(&old, x);
    }
    for (size_t i = 0; i < x->n; i++) {
        x->changed = x->changed || !there[i];
    }
    x->changed = x->changed || x->stale != NULL;
    /* Those of a configuration table are removed by its condition, and loaded all. */
    if (x->changed && t->extension != NULL) {
        memset(there, 0, x->n * sizeof *there);
    }
    if (rc == 0) {
        narrow(x, there, t);
    }
    job->loaded = !x->changed;
    free(old.v);
    free(there);
    return rc;
}

static int
match_all(struct restore *r, const json_t *file, struct err *e)
{
    struct kept  *k = r->kept;
    const json_t *tables = json_object_get(file, "tables");
    char          key[SHA256_HEX + 1];

    if (strcmp(k->definitions, json_opt_str(file, "definitions", "")) != 0) {
        return refuse_definitions(r, json_object_get(file, "objects"), e);
    }
    k->lo_changed = strcmp(k->large_objects, json_opt_str(file, "large_objects", "")) != 0;
    for (size_t i = 0; i < k->n_tables; i++) {
        const json_t *list;

        table_key(r->tables[i].table, key);
        if ((list = json_object_get(tables, key)) == NULL) {
            return err_set(e, ERR_EXISTS, "table %s is not in it", r->tables[i].qualified);
        }
        if (match_table(r, i, list, e) != 0) {
            return -1;
        }
    }
    return 0;
}

static int
check_server(struct restore *r, const json_t *file, struct err *e)
{
    const char *was = json_opt_str(file, "server", "?");

    if (kept_note_server(r, e) != 0) {
        return -1;
    }
    return strcmp(was, r->kept->server) == 0 ? 0
                                             : err_set(e, ERR_EXISTS,
                                                       "the server, its collations or its "
                                                       "extensions have changed: %s, now %s",
                                                       was, r->kept->server);
}

int
kept_match(struct restore *r, struct err *e)
{
    json_t *file = read_file(r->o->kept, e);
    int     rc = file != NULL && check_server(r, file, e) == 0 && find_fickle(r, e) == 0
            ? match_all(r, file, e)
            : -1;

    json_decref(file);
    return rc;
}

size_t
kept_loaded(const struct restore *r)
{
    size_t n = 0;

    for (size_t i = 0; i < r->kept->n_tables; i++) {
        n += r->updates ? r->kept->tables[i].changed : r->kept->tables[i].n > 0;
    }
    return n;
}

void
kept_free(struct restore *r)
{
    struct kept *k = r->kept;

    for (size_t i = 0; k != NULL && i < k->n_tables; i++) {
        free(k->tables[i].ranges);
        free(k->tables[i].missing);
        free(k->tables[i].stale);
    }
    if (k != NULL) {
        strlist_free(&k->objects);
        free(k->tables);
        free(k->server);
    }
    free(k);
    r->kept = NULL;
}
