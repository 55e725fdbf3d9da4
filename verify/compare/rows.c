#include "verify/compare/rows.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "verify/compare/rows_tell.h"

enum { EXPLAINED_MAX = 20 }; /* tables whose rows are looked for: each is read again */

/* In the manifest's order, as the fingerprints are of rows as they were read then.  Virtual
 * generated columns are in no COPY and have no stored values: they count on neither side. */
static void
name_columns(struct row_check *check)
{
    const struct manifest_table *want = check->want;
    size_t                       copied = 0;

    for (size_t i = 0; i < want->n_columns; i++)
        copied += !want->columns[i].generated;
    check->columns = xcalloc(want->n_columns + 1, sizeof *check->columns);
    for (size_t i = 0; i < want->n_columns; i++) {
        const char *name = want->columns[i].name;

        if (!want->columns[i].generated)
            check->columns[check->n_columns++] = name;
        else if (table_column(check->have, name)->generated)
            check->columns[copied + check->n_generated++] = name;
    }
}

/* A table may be estimated from this size on; smaller ones are counted as quickly. */
#define ESTIMATE_BYTES ((uint64_t)8 * MIB)

static void
note(struct compare *c, const struct manifest_table *t, enum finding_class class, const char *what,
     const char *have)
{
    char *object = finding_object(t->schema, t->name);

    findings_add(&c->result->findings,
                 (struct finding){.class = class,
                                  .group = "rows",
                                  .object = object,
                                  .what = what,
                                  .have = have,
                                  .fold = have == NULL ? what : NULL});
    free(object);
}

static enum rows_how
how_to_read(struct compare *c, const struct row_check *check)
{
    static const char unknown[] =
        "contents: the baseline has only their number (a table that is declared static when it is "
        "recorded is read)";
    bool exact = check->allowed.said && check->allowed.kind == TOLERANCE_EXACT;
    bool big = check->have->table_bytes >= ESTIMATE_BYTES && check->want->condition == NULL;

    if (check->allowed.kind == TOLERANCE_IGNORE) {
        note(c, check->want, FINDING_NOTE, "not compared, as the configuration says",
             check->allowed.reason);
        return ROWS_LEFT;
    }
    if (!c->contents && check->allowed.kind != TOLERANCE_STATIC)
        return c->estimates && big && !exact ? ROWS_ESTIMATED : ROWS_COUNTED;
    if (!check->want->counted && !check->want->estimated)
        return ROWS_SUMMED;
    note(c, check->want, FINDING_UNCOMPARED, unknown, NULL);
    return ROWS_COUNTED;
}

void
row_checks_make(struct compare *c, struct row_checks *checks)
{
    *checks = (struct row_checks){.v = xcalloc(c->man->n_tables + 1, sizeof *checks->v)};
    for (size_t i = 0; i < c->man->n_tables; i++) {
        const struct manifest_table *want = &c->man->tables[i];
        const struct cat_table      *have = comparable(c, want);
        struct row_check            *check = &checks->v[checks->n];
        struct tolerance allowed = tolerances_of(c->tolerances, want->schema, want->name);

        if (have == NULL || want->kind != 'r' || want->skipped != NULL)
            continue;
        *check = (struct row_check){.want = want, .have = have, .allowed = allowed};
        check->how = how_to_read(c, check);
        name_columns(check);
        checks->n++;
    }
}

int
row_checks_read(struct compare *c, struct row_checks *checks, struct err *e)
{
    return contents_read(c, checks, e) != 0 || estimates_read(c, checks, e) != 0 ||
            counts_read(c, checks, e) != 0
        ? -1
        : 0;
}

int
compare_table_rows(struct compare *c, struct err *e)
{
    struct row_checks checks;
    int               rc;

    row_checks_make(c, &checks);
    rc = row_checks_read(c, &checks, e);
    if (rc == 0)
        rc = row_checks_report(c, &checks, e);
    row_checks_free(&checks);
    return rc;
}

void
row_checks_free(struct row_checks *checks)
{
    for (size_t i = 0; i < checks->n; i++)
        free(checks->v[i].columns);
    free(checks->v);
    *checks = (struct row_checks){0};
}

/* Were generated columns summed, on both sides?  A backup that could not read them has zeroes. */
static bool
has_generated(const struct row_check *check)
{
    return !check->read.no_generated &&
        (check->want->rows == 0 || check->want->generated_fp.a != 0 ||
         check->want->generated_fp.b != 0);
}

/* Both sides of one table, or summed over several. */
struct both {
    uint64_t           want_rows, have_rows;
    struct fingerprint want, have, want_generated, have_generated;
    bool               unread, counted_only, estimated;
    struct tolerance   allowed; /* of the last */
};

static void
both_add(struct both *b, const struct row_check *check)
{
    b->want_rows += check->want->rows;
    b->have_rows += check->read.rows.rows;
    fingerprint_add(&b->want, &check->want->fp);
    fingerprint_add(&b->have, &(struct fingerprint){check->read.rows.a, check->read.rows.b});
    if (check->n_generated > 0 && has_generated(check)) {
        fingerprint_add(&b->want_generated, &check->want->generated_fp);
        fingerprint_add(&b->have_generated,
                        &(struct fingerprint){check->read.generated.a, check->read.generated.b});
    }
    b->unread |= check->unread;
    b->counted_only |= check->how != ROWS_SUMMED;
    b->estimated |= check->how == ROWS_ESTIMATED || check->want->estimated;
    b->allowed = check->allowed;
}

static bool
both_equal(const struct both *b)
{
    if (!tolerance_holds(&b->allowed, b->want_rows, b->have_rows, b->estimated))
        return false;
    /* With another number of rows that is allowed, contents differ for certain. */
    return b->counted_only || b->allowed.kind == TOLERANCE_GROWS ||
        b->allowed.kind == TOLERANCE_WITHIN || b->allowed.kind == TOLERANCE_IGNORE ||
        (fingerprint_equal(&b->want, &b->have) &&
         fingerprint_equal(&b->want_generated, &b->have_generated));
}

static void
report_difference(struct compare *c, const char *object, const struct both *b)
{
    struct finding f = {.group = "rows", .object = object};
    char           want[40], have[40], allowed[40], what[96];

    if (b->want_rows != b->have_rows) {
        (void)snprintf(what, sizeof what, "number of rows%s%s", b->estimated ? " (estimated)" : "",
                       tolerance_text(&b->allowed, allowed, sizeof allowed));
        f.what = what;
        findings_add_u64(&c->result->findings, f, b->want_rows, b->have_rows);
        return;
    }
    f.what = "contents (as many rows, other values): fingerprint";
    if (fingerprint_equal(&b->want, &b->have)) {
        f.what = "generated columns: fingerprint";
        snprintf(want, sizeof want, "%016" PRIx64 "%016" PRIx64, b->want_generated.a,
                 b->want_generated.b);
        snprintf(have, sizeof have, "%016" PRIx64 "%016" PRIx64, b->have_generated.a,
                 b->have_generated.b);
    } else {
        snprintf(want, sizeof want, "%016" PRIx64 "%016" PRIx64, b->want.a, b->want.b);
        snprintf(have, sizeof have, "%016" PRIx64 "%016" PRIx64, b->have.a, b->have.b);
    }
    f.want = want;
    f.have = have;
    findings_add(&c->result->findings, f);
}

static void
report_one(struct compare *c, const struct row_check *check)
{
    struct both b = {0};
    char       *object;

    both_add(&b, check);
    if (both_equal(&b) || check->unread)
        return;
    object = finding_object(check->want->schema, check->want->name);
    report_difference(c, object, &b);
    free(object);
}

/* Rows loaded through an ancestor (hash over an enum: hashes use OIDs) may be in another of its
 * leaves. */
static void
report_ancestor(struct compare *c, const struct row_checks *checks, size_t first)
{
    const char *ancestor = checks->v[first].want->load_via;
    struct both b = {0};

    for (size_t i = 0; i < checks->n; i++) {
        const char *via = checks->v[i].want->load_via;

        if (via == NULL || strcmp(via, ancestor) != 0)
            continue;
        if (i < first)
            return; /* was reported with that one */
        both_add(&b, &checks->v[i]);
    }
    if (!b.unread && !both_equal(&b))
        report_difference(c, ancestor, &b);
}

/* The root that each partition belongs to, "" for every other table; from the live catalog. */
static PGresult *
partition_roots(PGconn *conn, struct err *e)
{
    return pg_query(conn, e,
                    "SELECT n.nspname, c.relname, "
                    "pg_catalog.pg_partition_root(c.oid)::pg_catalog.oid "
                    "FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = "
                    "c.relnamespace "
                    "WHERE c.relispartition AND c.relkind = 'r'",
                    0, NULL);
}

static const char *
root_of(const PGresult *roots, const struct manifest_table *t)
{
    for (int i = 0; i < PQntuples(roots); i++)
        if (strcmp(PQgetvalue(roots, i, 0), t->schema) == 0 &&
            strcmp(PQgetvalue(roots, i, 1), t->name) == 0)
            return PQgetvalue(roots, i, 2);
    return "";
}

/* A copy whose leaf refused its rows (collations sort differently there) was loaded through the
 * root: then the whole is equal, and the leaves are not.  This is a note, not a difference. */
static bool
moved_within_root(struct compare *c, const struct row_checks *checks, size_t i,
                  const PGresult *roots)
{
    const char *root = root_of(roots, checks->v[i].want);
    struct both b = {0};
    char       *object;

    if (root[0] == '\0')
        return false;
    for (size_t k = 0; k < checks->n; k++)
        if (strcmp(root_of(roots, checks->v[k].want), root) == 0)
            both_add(&b, &checks->v[k]);
    if (b.unread || !both_equal(&b))
        return false;
    object = finding_object(checks->v[i].want->schema, checks->v[i].want->name);
    findings_add(&c->result->findings,
                 (struct finding){.class = FINDING_NOTE,
                                  .group = "rows",
                                  .object = object,
                                  .what = "rows lie in other partitions than at the source; the "
                                          "whole table is equal"});
    free(object);
    return true;
}

static bool
equal_alone(const struct row_check *check)
{
    struct both b = {0};

    both_add(&b, check);
    return both_equal(&b);
}

static void
note_generated(struct compare *c, const struct row_check *check)
{
    char *object;

    if (check->n_generated == 0 || check->how != ROWS_SUMMED || check->unread ||
        has_generated(check))
        return;
    object = finding_object(check->want->schema, check->want->name);
    findings_add(&c->result->findings,
                 (struct finding){.class = FINDING_NOTE,
                                  .group = "rows",
                                  .object = object,
                                  .what = "generated columns are not compared: functions in "
                                          "indexes or statistics of the table do not let them "
                                          "be read"});
    free(object);
}

static void
note_estimated(struct compare *c, const struct row_check *check)
{
    note(c, check->want, FINDING_NOTE,
         check->how == ROWS_ESTIMATED ? "its rows are estimated by the server's statistics"
                                      : "its rows were estimated when the baseline was recorded",
         NULL);
}

/* In how many tables rows that differ may be looked for.  A baseline has no rows to look at. */
static int
explained_max(const struct compare *c)
{
    return c->reads == NULL && c->options->explain > 0 && !c->label->baseline ? EXPLAINED_MAX : 0;
}

int
row_checks_report(struct compare *c, struct row_checks *checks, struct err *e)
{
    PGresult *roots = NULL;
    int       rc = 0, left = explained_max(c);

    for (size_t i = 0; rc == 0 && i < checks->n; i++) {
        const struct row_check *check = &checks->v[i];
        json_t                 *entry;

        if (check->how == ROWS_LEFT)
            continue;
        entry = rows_tell(c->result, check, equal_alone(check));
        if (check->how == ROWS_ESTIMATED || check->want->estimated)
            note_estimated(c, check);
        c->result->compared.rows += check->read.rows.rows;
        c->result->compared.bytes += check->read.rows.bytes;
        c->result->compared.static_tables += !c->contents && check->how == ROWS_SUMMED;
        note_generated(c, check);
        if (check->want->load_via != NULL) {
            report_ancestor(c, checks, i);
            continue;
        }
        if (equal_alone(check) || check->unread)
            continue;
        if (c->is_copy && roots == NULL && (roots = partition_roots(c->snap->conn, e)) == NULL)
            return -1;
        if (c->is_copy && moved_within_root(c, checks, i, roots))
            continue;
        report_one(c, check);
        if (left > 0 && rows_explainable(check)) {
            left--;
            rc = rows_explain(c, check, entry, e);
        }
    }
    PQclear(roots);
    return rc;
}
