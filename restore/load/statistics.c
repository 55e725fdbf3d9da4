#include "restore/load/statistics.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/log.h"
#include "pg/snapshot/statistics.h"
#include "restore/load/load.h"

enum { NAMES = 64 };
#define ANALYZE_BYTES (4 * MIB) /* of tables in one statement */
#define TAKEN_BYTES   (4 * MIB) /* of statistics in one statement */
#define DOCUMENT_MAX  (16 * MIB)

/* ---- ANALYZE ---- */

/* Not partitions (their parent's ANALYZE includes them), tables that involve a foreign server, or
 * tables that are always empty. */
#define TO_ANALYZE(relation, which)                                                                \
    "SELECT " relation                                                                             \
    ", CASE WHEN c.relkind = 'p' THEN "                                                            \
    "(SELECT pg_catalog.sum(pg_catalog.pg_relation_size(p.relid)) FROM "                           \
    "pg_catalog.pg_partition_tree(c.oid) p) "                                                      \
    "ELSE pg_catalog.pg_relation_size(c.oid) END FROM pg_catalog.pg_class c JOIN "                 \
    "pg_catalog.pg_namespace n ON n.oid = c.relnamespace "                                         \
    "WHERE c.relkind IN ('r', 'p') AND " which                                                     \
    " AND c.relpersistence <> 't' AND "                                                            \
    "n.nspname NOT LIKE 'pg\\_%' "                                                                 \
    "AND n.nspname <> 'information_schema' "                                                       \
    "AND NOT EXISTS (SELECT FROM pg_catalog.pg_partition_tree(c.oid) p JOIN pg_catalog.pg_class "  \
    "f ON f.oid = p.relid "                                                                        \
    "WHERE f.relkind = 'f') ORDER BY 2 DESC NULLS LAST"

static const char all[] = TO_ANALYZE("pg_catalog.format('%I.%I', n.nspname, c.relname)",
                                     "NOT c.relispartition");
/* Each by itself, since its partitions, or its parent, may be among those that need none. */
static const char others[] = TO_ANALYZE("pg_catalog.format('ONLY %I.%I', n.nspname, c.relname)",
                                        "(n.nspname::text, c.relname::text) NOT IN (SELECT u.s, "
                                        "u.t FROM "
                                        "unnest($1::text[], $2::text[]) u(s, t))");

static struct statistics_task *
add_task(struct statistics_plan *p)
{
    VEC_GROW(p->v, p->n, p->cap);
    p->v[p->n] = (struct statistics_task){0};
    return &p->v[p->n++];
}

/* Large tables one by one, small ones many in a statement. */
static void
plan_analyze(struct statistics_plan *p, const PGresult *res)
{
    struct buf names = BUF_INIT(BUF_NO_LIMIT);
    struct err never = ERR_INIT;
    uint64_t   bytes = 0;
    int        n = 0;

    for (int i = 0; i < PQntuples(res); i++) {
        (void)buf_printf(&names, &never, "%s%s", n++ == 0 ? "ANALYZE " : ", ",
                         PQgetvalue(res, i, 0));
        bytes += strtoull(PQgetvalue(res, i, 1), NULL, 10);
        if (bytes >= ANALYZE_BYTES || n == NAMES || i + 1 == PQntuples(res)) {
            struct statistics_task *t = add_task(p);

            t->sql = xstrdup(buf_str(&names));
            t->bytes = bytes;
            buf_clear(&names);
            bytes = 0;
            n = 0;
        }
    }
    buf_free(&names);
}

static int
analyze(struct restore *r, PGconn *conn, const char *sql, struct err *e)
{
    if (pg_exec(conn, e, sql) == 0) {
        return 0;
    }
    if (problem_is_fatal(conn, e)) {
        return err_wrap(e, "collecting statistics");
    }
    problem_add(&r->problems, "ANALYZE", NULL, sql + strlen("ANALYZE "), e);
    err_clear(e);
    return 0;
}

/* ---- taken over ---- */

/* An element of an array that is sent as text. */
static void
array_add(struct buf *array, const void *bytes, size_t n)
{
    const char *s = bytes;
    struct err  never = ERR_INIT;

    (void)buf_puts(array, array->len == 0 ? "{\"" : ",\"", &never);
    for (size_t i = 0, from = 0; i <= n; i++) {
        if (i == n || s[i] == '"' || s[i] == '\\') {
            (void)buf_append(array, s + from, i - from, &never);
            (void)buf_puts(array, i == n ? "\"" : "\\", &never);
            from = i; /* the quoted character comes with what follows it */
        }
    }
}

static const char *
array_text(struct buf *array)
{
    struct err never = ERR_INIT;

    (void)buf_puts(array, array->len == 0 ? "{}" : "}", &never);
    return buf_str(array);
}

static bool
has_all_rows(const struct restore *r)
{
    for (size_t i = 0; i < r->problems.n; i++) {
        if (strcmp(r->problems.v[i].kind, "TABLE DATA") == 0) {
            return false;
        }
    }
    return true;
}

/* What a restore that goes on after another one knows of rows is only that they are there. */
static bool
takes_over(const struct restore *r)
{
    return pg_version(r->conn) >= 180000 && !r->is_part && !r->resumes && has_all_rows(r);
}

/* Through an ancestor, rows may have come into another partition than the source's. */
static bool
has_statistics(const struct table_job *job)
{
    return job->table->n_statistics > 0 && job->table->load_via == NULL;
}

static void
plan_taken(struct restore *r, struct statistics_plan *p, struct buf *schemas, struct buf *names)
{
    struct statistics_task *t = NULL;
    uint64_t                bytes = 0;

    for (size_t i = 0; i < r->n_tables; i++) {
        const struct table_job *job = &r->tables[i];

        if (!has_statistics(job)) {
            continue;
        }
        if (t == NULL || t->n == NAMES || bytes >= TAKEN_BYTES) {
            t = add_task(p);
            t->v = xcalloc(NAMES, sizeof *t->v);
            bytes = 0;
        }
        t->v[t->n++] = job;
        bytes += segments_bytes(job->table->statistics, job->table->n_statistics);
        array_add(schemas, job->table->schema, strlen(job->table->schema));
        array_add(names, job->table->name, strlen(job->table->name));
    }
}

int
statistics_plan(struct restore *r, struct statistics_plan *p, struct err *e)
{
    struct buf schemas = BUF_INIT(BUF_NO_LIMIT), names = BUF_INIT(BUF_NO_LIMIT);
    PGresult  *res;

    if (takes_over(r)) {
        plan_taken(r, p, &schemas, &names);
    }
    if (p->n == 0) {
        res = pg_query(r->conn, e, all, 0, NULL);
    } else {
        const char *params[] = {array_text(&schemas), array_text(&names)};

        res = pg_query(r->conn, e, others, 2, params);
    }
    buf_free(&schemas);
    buf_free(&names);
    if (res == NULL) {
        return -1;
    }
    plan_analyze(p, res);
    PQclear(res);
    return 0;
}

void
statistics_plan_free(struct statistics_plan *p)
{
    for (size_t i = 0; i < p->n; i++) {
        free(p->v[i].v);
        free(p->v[i].sql);
    }
    free(p->v);
    *p = (struct statistics_plan){0};
}

/*
 * $1 to $4: of each table schema, name, rows and its statistics; $5: version of the source.  The
 * answer: for each whether they were taken.  A column must be there, of a type whose values may be
 * read; an index must be the table's, the expression as the source had it.  And there must be about
 * as many rows as when the source analyzed the table, and as many as came out of the backup.
 */
static const char take[] =
    "WITH given AS MATERIALIZED (SELECT u.s, u.t, u.rows, u.d::json AS d FROM "
    "unnest($1::text[], $2::text[], $3::float8[], $4::text[]) u(s, t, rows, d)),"
    " found AS MATERIALIZED (SELECT g.*, c.oid, c.relkind,"
    "   (g.d->>'rows')::float8 AS were,"
    "   c.relkind = 'p' OR (c.reltuples IN (-1, 0, g.rows::real)"
    "     AND abs(g.rows - (g.d->>'rows')::float8) <= 50 + 0.1 * g.rows) AS same"
    "   FROM given g JOIN pg_catalog.pg_namespace n ON n.nspname = g.s::name"
    "   JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = g.t::name"
    "   AND c.relkind IN ('r', 'p')),"
    " columns AS MATERIALIZED (SELECT f.s, f.t, x.*, COALESCE(x.index, f.t) AS relation,"
    "   COALESCE(f.same AND a.attnum IS NOT NULL"
    "     AND " STATISTICS_FINE("ty", "el") ", false) AS fine"
    "   FROM found f CROSS JOIN LATERAL pg_catalog.json_to_recordset(f.d->'columns') AS x("
    "     \"column\" text, index text, attnum int2, inherited bool, null_frac real, avg_width int4,"
    "     n_distinct real, most_common_vals text, most_common_freqs real[],"
    "     histogram_bounds text, correlation real, most_common_elems text,"
    "     most_common_elem_freqs real[], elem_count_histogram real[],"
    "     range_length_histogram text, range_empty_frac real, range_bounds_histogram text)"
    "   LEFT JOIN LATERAL (SELECT i.indexrelid FROM pg_catalog.pg_index i"
    "     JOIN pg_catalog.pg_class ic ON ic.oid = i.indexrelid"
    "     WHERE i.indrelid = f.oid AND ic.relname = x.index::name) i ON x.index IS NOT NULL"
    "   LEFT JOIN pg_catalog.pg_attribute a ON NOT a.attisdropped AND a.attnum > 0"
    "     AND CASE WHEN x.index IS NULL THEN a.attrelid = f.oid AND a.attname = x.\"column\"::name"
    "         ELSE a.attrelid = i.indexrelid AND a.attnum = x.attnum END"
    "   LEFT JOIN pg_catalog.pg_type ty ON ty.oid = a.atttypid"
    "   LEFT JOIN pg_catalog.pg_type el ON el.oid = ty.typelem),"
    " fit AS MATERIALIZED (SELECT s, t FROM columns GROUP BY s, t"
    "   HAVING pg_catalog.bool_and(fine)),"
    " taken AS MATERIALIZED (SELECT c.s, c.t, pg_catalog.pg_restore_attribute_stats("
    "   'schemaname', c.s, 'relname', c.relation,"
    "   'attname', CASE WHEN c.index IS NULL THEN c.\"column\" END,"
    "   'attnum', CASE WHEN c.index IS NOT NULL THEN c.attnum END,"
    "   'inherited', COALESCE(c.inherited, false), 'version', $5::int4,"
    "   'null_frac', c.null_frac, 'avg_width', c.avg_width, 'n_distinct', c.n_distinct,"
    "   'most_common_vals', c.most_common_vals, 'most_common_freqs', c.most_common_freqs,"
    "   'histogram_bounds', c.histogram_bounds, 'correlation', c.correlation,"
    "   'most_common_elems', c.most_common_elems,"
    "   'most_common_elem_freqs', c.most_common_elem_freqs,"
    "   'elem_count_histogram', c.elem_count_histogram,"
    "   'range_length_histogram', c.range_length_histogram,"
    "   'range_empty_frac', c.range_empty_frac,"
    "   'range_bounds_histogram', c.range_bounds_histogram) AS ok"
    "   FROM columns c JOIN fit USING (s, t)"
    "   UNION ALL SELECT f.s, f.t, pg_catalog.pg_restore_relation_stats("
    "   'schemaname', f.s, 'relname', f.t, 'version', $5::int4,"
    "   'relpages', CASE WHEN f.relkind = 'p' THEN -1 ELSE (pg_catalog.pg_relation_size(f.oid) / "
    "pg_catalog.current_setting('block_size')::int8)::int4 END,"
    "   'reltuples', CASE WHEN f.relkind = 'p' THEN f.were ELSE f.rows END::real)"
    "   FROM found f JOIN fit USING (s, t))"
    " SELECT COALESCE((SELECT pg_catalog.bool_and(k.ok) FROM taken k"
    "   WHERE k.s = g.s AND k.t = g.t), false) FROM unnest($1::text[], $2::text[])"
    "   WITH ORDINALITY g(s, t, nr) ORDER BY g.nr";

/* The tables' statistics as parameters. */
struct documents {
    struct buf schemas, names, rows, json;
};

static int
read_document(struct worker *w, const struct manifest_table *t, struct buf *document, struct err *e)
{
    for (size_t i = 0; i < t->n_statistics; i++) {
        const uint8_t *bytes = load_segment(w->chunks, &t->statistics[i], e);

        if (bytes == NULL || buf_append(document, bytes, t->statistics[i].length, e) != 0) {
            return -1;
        }
    }
    return 0;
}

static int
read_documents(struct worker *w, const struct table_job *const *v, size_t n, struct documents *d,
               struct err *e)
{
    struct buf document = BUF_INIT(DOCUMENT_MAX);
    int        rc = 0;

    for (size_t i = 0; rc == 0 && i < n; i++) {
        const struct manifest_table *t = v[i]->table;
        char                         rows[24];

        (void)snprintf(rows, sizeof rows, "%" PRIu64, t->rows);
        buf_clear(&document);
        rc = read_document(w, t, &document, e);
        array_add(&d->schemas, t->schema, strlen(t->schema));
        array_add(&d->names, t->name, strlen(t->name));
        array_add(&d->rows, rows, strlen(rows));
        array_add(&d->json, document.data, document.len);
    }
    buf_free(&document);
    return rc;
}

/* In one statement; taken[i]: those of table i.  -1: of none. */
static int
take_over(struct restore *r, struct worker *w, const struct table_job *const *v, size_t n,
          bool *taken, struct err *e)
{
    struct documents d = {BUF_INIT(BUF_NO_LIMIT), BUF_INIT(BUF_NO_LIMIT), BUF_INIT(BUF_NO_LIMIT),
                          BUF_INIT(BUF_NO_LIMIT)};
    char             version[16];
    PGresult        *res = NULL;

    (void)snprintf(version, sizeof version, "%d", r->label->server_version_num);
    if (read_documents(w, v, n, &d, e) == 0) {
        const char *params[] = {array_text(&d.schemas), array_text(&d.names), array_text(&d.rows),
                                array_text(&d.json), version};

        res = pg_query(w->conn, e, take, 5, params);
    }
    for (size_t i = 0; res != NULL && i < n; i++) {
        taken[i] = (int)i < PQntuples(res) && *PQgetvalue(res, (int)i, 0) == 't';
    }
    buf_free(&d.schemas);
    buf_free(&d.names);
    buf_free(&d.rows);
    buf_free(&d.json);
    if (res == NULL) {
        return -1;
    }
    PQclear(res);
    return 0;
}

static int
analyze_table(struct restore *r, struct worker *w, const struct table_job *job, struct err *e)
{
    char *sql = xasprintf("ANALYZE ONLY %s", job->qualified);
    int   rc = analyze(r, w->conn, sql, e);

    free(sql);
    return rc;
}

/* One table's that the server refuses takes those of the others along: then each by itself. */
static int
take_tables(struct restore *r, struct worker *w, const struct table_job *const *v, size_t n,
            struct err *e)
{
    bool taken[NAMES] = {false};
    int  rc = 0;

    if (take_over(r, w, v, n, taken, e) != 0) {
        if (e->kind == ERR_INTERRUPTED || (e->kind == ERR_PG && problem_is_fatal(w->conn, e))) {
            return err_wrap(e, "taking over statistics");
        }
        if (n == 1) {
            log_info("statistics of table %s are not the backup's, but gathered: %s",
                     v[0]->qualified, e->text);
        }
        err_clear(e);
        for (size_t i = 0; rc == 0 && n > 1 && i < n; i++) {
            rc = take_tables(r, w, v + i, 1, e);
        }
        return n > 1 ? rc : analyze_table(r, w, v[0], e);
    }
    for (size_t i = 0; rc == 0 && i < n; i++) {
        if (!taken[i]) {
            log_info("statistics of table %s are not the backup's, but gathered: they do not fit",
                     v[i]->qualified);
            rc = analyze_table(r, w, v[i], e);
        }
    }
    return rc;
}

int
statistics_run(struct restore *r, struct worker *w, const struct statistics_task *t, struct err *e)
{
    return t->v != NULL ? take_tables(r, w, t->v, t->n, e) : analyze(r, w->conn, t->sql, e);
}
