/*
 * load_lo.c - large objects: first all of them, empty, with owner, privileges and comment; then
 * their pages.
 *
 * The rows' shapes are those of pg/rows/largeobject.h.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "restore/load.h"

static const char metadata_table[] =
    "CREATE TEMPORARY TABLE IF NOT EXISTS pgassay_lo (oid pg_catalog.oid, owner pg_catalog.text, "
    "acl pg_catalog.text, "
    "comment pg_catalog.text, labels pg_catalog.text[])";

static const char pages_table[] =
    "CREATE TEMPORARY TABLE IF NOT EXISTS pgassay_lo_pages (loid pg_catalog.oid, pageno "
    "pg_catalog.int4, data pg_catalog.bytea)";

/* Statements for what is set, made by the server and run one by one, so that one that fails is
 * named. */

/* A role's name as an aclitem prints it, as an identifier. */
#define ACL_ROLE(part)                                                                             \
    "pg_catalog.quote_ident(CASE WHEN " part                                                       \
    " LIKE '\"%' THEN pg_catalog.replace(pg_catalog.substr(" part                                  \
    ", 2, "                                                                                        \
    "pg_catalog.length(" part ") - 2), '\"\"', '\"') ELSE " part " END)"

/*
 * Grants are read as text: a cast to aclitem fails as a whole where one role is missing.  Whoever
 * was given a grant option gives as himself, after he got it: n counts the steps from the owner.
 */
static const char grants[] =
    "WITH RECURSIVE item AS (SELECT l.oid, pg_catalog.quote_ident(l.owner) AS owner, p[1] AS "
    "letter, p[2] <> '' AS grantable, "
    "CASE WHEN m[1] = '' THEN 'PUBLIC' ELSE " ACL_ROLE("m[1]") " END AS grantee, "
    "" ACL_ROLE("m[3]") " AS grantor "
    "FROM pg_temp.pgassay_lo l, LATERAL pg_catalog.unnest(l.acl::pg_catalog.text[]) a, "
    "LATERAL pg_catalog.regexp_match(a, '^(\"(?:[^\"]|\"\")*\"|[^=\"]*)=([a-zA-Z*]*)/(.*)$') m, "
    "LATERAL pg_catalog.regexp_matches(m[2], '([a-zA-Z])(\\*?)', 'g') p), "
    "chain AS (SELECT i.*, 1 AS n FROM item i WHERE i.grantor = i.owner UNION "
    "SELECT i.*, c.n + 1 FROM item i JOIN chain c ON c.oid = i.oid AND c.letter = i.letter AND "
    "c.grantee = i.grantor "
    "WHERE c.grantable AND i.grantor <> i.owner AND c.n < 1000), "
    "ordered AS (SELECT oid, owner, letter, grantable, grantee, grantor, pg_catalog.min(n) AS n "
    "FROM chain GROUP BY 1, 2, 3, 4, 5, 6) "
    "SELECT oid, pg_catalog.format('REVOKE ALL ON LARGE OBJECT %s FROM PUBLIC, %s', oid, "
    "pg_catalog.quote_ident(owner)), 0 "
    "FROM pg_temp.pgassay_lo WHERE acl IS NOT NULL UNION ALL "
    "SELECT oid, CASE WHEN n > 1 THEN pg_catalog.format('SET LOCAL ROLE %s; ', grantor) ELSE '' "
    "END || "
    "pg_catalog.format('GRANT %s ON LARGE OBJECT %s TO %s%s', CASE letter WHEN 'r' THEN 'SELECT' "
    "WHEN 'w' THEN 'UPDATE' ELSE 'ALL' END, "
    "oid, grantee, CASE WHEN grantable THEN ' WITH GRANT OPTION' ELSE '' END), n FROM ordered "
    "ORDER BY 1, 3";

static const char comments[] =
    "SELECT oid, pg_catalog.format('COMMENT ON LARGE OBJECT %s IS %L', oid, comment) FROM "
    "pg_temp.pgassay_lo "
    "WHERE comment IS NOT NULL ORDER BY 1";

static const char labels[] =
    "SELECT l.oid, pg_catalog.format('SECURITY LABEL FOR %I ON LARGE OBJECT %s IS %L', "
    "l.labels[i], l.oid, l.labels[i + 1]) "
    "FROM pg_temp.pgassay_lo l, LATERAL pg_catalog.generate_series(1, "
    "pg_catalog.cardinality(l.labels) - 1, 2) i "
    "WHERE l.labels IS NOT NULL ORDER BY 1";

/* An error that concerns large objects only; fatal ones stay -1. */
static int
lo_problem(struct restore *r, struct worker *w, const char *name, struct err *e)
{
    if (problem_is_fatal(w->conn, e)) {
        return err_wrap(e, "large objects");
    }
    problem_add(&r->problems, "LARGE OBJECT", NULL, name, e);
    err_clear(e);
    return 0;
}

static int
run_statements(struct restore *r, struct worker *w, const char *query, struct err *e)
{
    PGresult *res;
    int       rc = 0;

    /* By a cursor: there may be millions. */
    if (pg_execf(w->conn, e, "DECLARE pgassay_lo_sql CURSOR WITH HOLD FOR %s", query) != 0) {
        return lo_problem(r, w, "all", e);
    }
    do {
        if ((res = pg_query(w->conn, e, "FETCH 1000 FROM pgassay_lo_sql", 0, NULL)) == NULL) {
            return err_wrap(e, "large objects");
        }
        for (int i = 0; rc == 0 && i < PQntuples(res); i++) {
            if (pg_exec(w->conn, e, PQgetvalue(res, i, 1)) != 0) {
                rc = lo_problem(r, w, PQgetvalue(res, i, 0), e);
            }
        }
        if (PQntuples(res) == 0) {
            PQclear(res);
            break;
        }
        PQclear(res);
    } while (rc == 0);
    return rc == 0 ? pg_exec(w->conn, e, "CLOSE pgassay_lo_sql") : rc;
}

/* As their owner, so that no ALTER is needed for each; as ourselves when that is not possible. */
static int
create_for(struct restore *r, struct worker *w, const char *owner, struct err *e)
{
    static const char create[] =
        "SELECT pg_catalog.count(pg_catalog.lo_create(oid)) FROM pg_temp.pgassay_lo WHERE owner = ";
    char *ident = pg_ident(owner), *literal = pg_literal(w->conn, owner);
    char *role = r->o->role == NULL ? xstrdup("NONE") : pg_ident(r->o->role);
    int   rc;

    if (r->o->no_owner ||
        pg_execf(w->conn, e, "BEGIN; SET LOCAL ROLE %s; %s%s; COMMIT", ident, create, literal) !=
            0) {
        rc = r->o->no_owner ? 0 : lo_problem(r, w, owner, e);
        if (rc == 0) {
            (void)pg_exec(w->conn, e, "ROLLBACK");
            rc = pg_execf(w->conn, e, "SET ROLE %s; %s%s", role, create, literal);
        }
        if (rc != 0 && e->kind == ERR_PG) {
            rc = lo_problem(r, w, owner, e);
        }
    } else {
        rc = 0;
    }
    free(role);
    free(ident);
    free(literal);
    return rc;
}

static int
create_all(struct restore *r, struct worker *w, struct err *e)
{
    PGresult *owners;
    int       rc = 0;

    owners = pg_query(w->conn, e, "SELECT DISTINCT owner FROM pg_temp.pgassay_lo ORDER BY 1", 0,
                      NULL);
    if (owners == NULL ||
        pg_exec(w->conn, e, "GRANT SELECT ON pg_temp.pgassay_lo TO PUBLIC") != 0) {
        PQclear(owners);
        return -1;
    }
    for (int i = 0; rc == 0 && i < PQntuples(owners); i++) {
        rc = create_for(r, w, PQgetvalue(owners, i, 0), e);
    }
    PQclear(owners);
    return rc;
}

int
load_lo_metadata(struct load_run *l, struct worker *w, const struct load_task *t, struct err *e)
{
    struct restore              *r = l->r;
    const struct manifest_table *m = &r->manifest->lo_metadata;

    (void)t;
    if (pg_exec(w->conn, e, metadata_table) != 0 ||
        load_copy(r, w, m, 0, m->n_ranges, "COPY pg_temp.pgassay_lo FROM STDIN", e) != 0 ||
        create_all(r, w, e) != 0) {
        return err_wrap(e, "large objects");
    }
    if ((!r->o->no_privileges && run_statements(r, w, grants, e) != 0) ||
        run_statements(r, w, comments, e) != 0 || run_statements(r, w, labels, e) != 0 ||
        pg_exec(w->conn, e, "DROP TABLE pg_temp.pgassay_lo") != 0) {
        return -1;
    }
    if (r->manifest->lo_pages.rows > 0) {
        load_plan_ranges(l, TASK_LO_PAGES, NULL, &r->manifest->lo_pages,
                         r->manifest->lo_pages.bytes);
    }
    return 0;
}

int
load_lo_pages(struct load_run *l, struct worker *w, const struct load_task *t, struct err *e)
{
    static const char put[] =
        "SELECT pg_catalog.count(pg_catalog.lo_put(loid, pageno::pg_catalog.int8 * 2048, "
        "data)::pg_catalog.text) "
        "FROM pg_temp.pgassay_lo_pages";
    struct restore              *r = l->r;
    const struct manifest_table *m = &r->manifest->lo_pages;

    if (pg_exec(w->conn, e, pages_table) != 0 ||
        load_copy(r, w, m, t->first, t->n,
                  "COPY pg_temp.pgassay_lo_pages FROM STDIN (FORMAT binary)", e) != 0) {
        return err_wrap(e, "pages of large objects");
    }
    if (pg_exec(w->conn, e, put) != 0 && lo_problem(r, w, "pages", e) != 0) {
        return -1;
    }
    return pg_exec(w->conn, e, "TRUNCATE pg_temp.pgassay_lo_pages");
}
