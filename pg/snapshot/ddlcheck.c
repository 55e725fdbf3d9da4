#include "pg/snapshot/ddlcheck.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "pg/conn/wait.h"
#include "pg/snapshot/exported.h"

/*
 * The catalogs that pg_get_*(), format_type() and the like read, and others that hold parts of
 * definitions.  Other sessions' temporary objects come and go all the time, TOAST tables are
 * swapped by REFRESH: neither is in a dump.  pg_class is compared only by its defining columns, as
 * statistics and relfilenode change without DDL (and a locked table's relfilenode cannot).
 *
 * In the others the numbers of the transactions that wrote the rows are enough: a row that is new
 * to the snapshot was written by a transaction that the snapshot does not see, whose number no row
 * of the snapshot has; and where no row is new, one that is gone is missed in the count.  There are
 * few different numbers (initdb writes a catalog in one transaction or two), so they are counted.
 */
#define PASSING                                                                                    \
    "WITH spaces AS MATERIALIZED (SELECT n.oid FROM pg_catalog.pg_namespace n WHERE n.nspname ~ "  \
    "'^pg_(toast|temp_|toast_temp_)'), rels AS MATERIALIZED (SELECT r.oid FROM "                   \
    "pg_catalog.pg_class r WHERE r.relpersistence = 't' OR r.relkind = 't' OR r.relnamespace = "   \
    "99) "
#define NOT_TEMP(col) col " NOT IN (SELECT s.oid FROM spaces s)"
#define OF_REL(col)   col " NOT IN (SELECT s.oid FROM rels s)"

static const struct {
    const char *catalog;
    const char *filter; /* NULL: all rows */
    const char *objid;  /* for pg_describe_object(), or NULL */
    const char *objsubid;
} catalogs[] = {
    {"pg_namespace", NOT_TEMP("x.oid"), "x.oid", "0"},
    {"pg_class", OF_REL("x.oid"), "x.oid", "0"},
    {"pg_attribute", OF_REL("x.attrelid"), "x.attrelid", "x.attnum"},
    {"pg_attrdef", OF_REL("x.adrelid"), "x.oid", "0"},
    {"pg_type", NOT_TEMP("x.typnamespace"), "x.oid", "0"},
    {"pg_enum", NULL, NULL, NULL},
    {"pg_range", NULL, NULL, NULL},
    {"pg_proc", NOT_TEMP("x.pronamespace"), "x.oid", "0"},
    {"pg_aggregate", NULL, NULL, NULL},
    {"pg_operator", NOT_TEMP("x.oprnamespace"), "x.oid", "0"},
    {"pg_opclass", NOT_TEMP("x.opcnamespace"), "x.oid", "0"},
    {"pg_opfamily", NOT_TEMP("x.opfnamespace"), "x.oid", "0"},
    {"pg_collation", NOT_TEMP("x.collnamespace"), "x.oid", "0"},
    {"pg_cast", NULL, "x.oid", "0"},
    {"pg_rewrite", OF_REL("x.ev_class"), "x.oid", "0"},
    {"pg_constraint", NOT_TEMP("x.connamespace"), "x.oid", "0"},
    {"pg_index", OF_REL("x.indrelid"), NULL, NULL},
    {"pg_trigger", OF_REL("x.tgrelid"), "x.oid", "0"},
    {"pg_event_trigger", NULL, "x.oid", "0"},
    {"pg_policy", OF_REL("x.polrelid"), "x.oid", "0"},
    {"pg_inherits", OF_REL("x.inhrelid"), NULL, NULL},
    {"pg_partitioned_table", OF_REL("x.partrelid"), NULL, NULL},
    {"pg_sequence", OF_REL("x.seqrelid"), NULL, NULL},
    {"pg_statistic_ext", NOT_TEMP("x.stxnamespace"), "x.oid", "0"},
    {"pg_ts_config", NOT_TEMP("x.cfgnamespace"), "x.oid", "0"},
    {"pg_ts_dict", NOT_TEMP("x.dictnamespace"), "x.oid", "0"},
    {"pg_publication", NULL, "x.oid", "0"},
    {"pg_publication_rel", NULL, "x.oid", "0"},
    {"pg_extension", NULL, "x.oid", "0"},
    {"pg_foreign_server", NULL, "x.oid", "0"},
    {"pg_default_acl", NULL, "x.oid", "0"},
    {"pg_description", NULL, NULL, NULL},
    {"pg_seclabel", NULL, NULL, NULL},
};
enum { N_CATALOGS = sizeof catalogs / sizeof *catalogs };

static const char defining[] =
    "x.oid, x.relname, x.relnamespace, x.reloftype, x.relowner, x.relam, x.reltablespace, "
    "x.relkind, x.relhasrules, x.relrowsecurity, x.relforcerowsecurity, x.relreplident, "
    "x.relispartition, x.relacl, x.reloptions, x.relpartbound";

static bool
by_columns(size_t i)
{
    return strcmp(catalogs[i].catalog, "pg_class") == 0;
}

/* One query over all: (index, digest), in order; a catalog without rows is left out.  The digest is
 * a sum, so that the order of rows does not matter. */
static int
digests_sql(struct buf *sql, struct err *e)
{
    int rc = buf_puts(sql,
                      PASSING
                      "SELECT y.i, pg_catalog.sum(y.n) || ':' || "
                      "pg_catalog.sum(pg_catalog.hashtextextended(y.what || ' ' || "
                      "y.n, 0)) FROM (SELECT w.i, w.x::text AS what, "
                      "pg_catalog.count(*) AS n FROM (",
                      e);

    for (size_t i = 0; rc == 0 && i < N_CATALOGS; i++) {
        if (!by_columns(i)) {
            rc = buf_printf(sql, e, "%sSELECT %zu AS i, x.xmin AS x FROM pg_catalog.%s x%s%s",
                            i == 0 ? "" : " UNION ALL ", i, catalogs[i].catalog,
                            catalogs[i].filter == NULL ? "" : " WHERE ",
                            catalogs[i].filter == NULL ? "" : catalogs[i].filter);
        }
    }
    rc = rc != 0 ? rc : buf_puts(sql, ") w GROUP BY w.i, w.x", e);
    for (size_t i = 0; rc == 0 && i < N_CATALOGS; i++) {
        if (by_columns(i)) {
            rc = buf_printf(sql, e,
                            " UNION ALL SELECT %zu, ROW(%s)::text, 1 FROM pg_catalog.%s x WHERE %s",
                            i, defining, catalogs[i].catalog, catalogs[i].filter);
        }
    }
    return rc != 0 ? rc : buf_puts(sql, ") y GROUP BY y.i ORDER BY y.i", e);
}

/* Of both sessions, which work at the same time. */
static int
digests(PGconn *snap, PGconn *now, PGresult **then_r, PGresult **now_r, struct err *e)
{
    struct buf sql = BUF_INIT(64 * KIB);
    int        rc = digests_sql(&sql, e);

    if (rc == 0 && !PQsendQuery(now, buf_str(&sql))) {
        rc = pg_error(now, NULL, e);
    }
    if (rc == 0 && (*then_r = pg_query(snap, e, buf_str(&sql), 0, NULL)) == NULL) {
        pg_cancel_drain(now);
        rc = -1;
    }
    if (rc == 0) {
        *now_r = pg_finish(now, e);
        rc = *now_r == NULL ? -1 : 0;
    }
    buf_free(&sql);
    return rc;
}

/* The digest of a catalog in what digests() gave; "" when that has no rows. */
static const char *
digest_of(const PGresult *r, size_t i)
{
    for (int row = 0; row < PQntuples(r); row++) {
        if (strtoull(PQgetvalue(r, row, 0), NULL, 10) == i) {
            return PQgetvalue(r, row, 1);
        }
    }
    return "";
}

/* "pg_proc: function public.f()", for rows written since the snapshot; only "pg_proc" when there
 * are none (a drop). */
static char *
describe(PGconn *now, size_t i, const char *snapshot_xmin)
{
    struct err ignored = ERR_INIT;
    char      *sql, *names = NULL, *text;

    if (catalogs[i].objid != NULL) {
        sql = xasprintf(
            PASSING
            "SELECT pg_catalog.string_agg(d, ', ') FROM (SELECT pg_catalog.pg_describe_object("
            "'pg_catalog.%s'::pg_catalog.regclass, %s, %s) AS d FROM pg_catalog.%s x WHERE "
            "pg_catalog.age(x.xmin) <= pg_catalog.age($1::pg_catalog.xid)%s%s LIMIT 3) s HAVING "
            "pg_catalog.count(d) > 0",
            strcmp(catalogs[i].catalog, "pg_attribute") == 0 ? "pg_class" : catalogs[i].catalog,
            catalogs[i].objid, catalogs[i].objsubid, catalogs[i].catalog,
            catalogs[i].filter == NULL ? "" : " AND ",
            catalogs[i].filter == NULL ? "" : catalogs[i].filter);
        names = pg_value(now, &ignored, sql, 1, &snapshot_xmin);
        free(sql);
    }
    text = names == NULL ? xstrdup(catalogs[i].catalog)
                         : xasprintf("%s: %s", catalogs[i].catalog, names);
    free(names);
    return text;
}

/* The snapshot's xmin; NULL on failure. */
static char *
xmin_of(PGconn *snap, struct err *e)
{
    /* The low 32 bits of a 64-bit transaction number are its xid. */
    return pg_value(snap, e,
                    "SELECT (pg_catalog.txid_snapshot_xmin(pg_catalog.txid_current_snapshot()) & "
                    "4294967295)::text",
                    0, NULL);
}

static void
compare(PGconn *now, const PGresult *then_r, const PGresult *now_r, const char *xmin,
        struct strlist *what)
{
    for (size_t i = 0; i < N_CATALOGS; i++) {
        if (strcmp(digest_of(then_r, i), digest_of(now_r, i)) != 0) {
            strlist_take(what, describe(now, i, xmin));
        }
    }
}

int
ddl_moved(PGconn *snap, PGconn *now, struct strlist *what, struct err *e)
{
    PGresult *then_r = NULL, *now_r = NULL;
    char     *xmin = NULL;

    if (digests(snap, now, &then_r, &now_r, e) == 0 && (xmin = xmin_of(snap, e)) != NULL) {
        compare(now, then_r, now_r, xmin, what);
    } else {
        err_wrap(e, "look for changed definitions");
    }
    PQclear(then_r);
    PQclear(now_r);
    if (xmin == NULL) {
        return -1;
    }
    free(xmin);
    return 0;
}

int
ddl_look_begin(struct ddl_look *l, PGconn *now, const char *id, struct err *e)
{
    struct buf sql = BUF_INIT(64 * KIB);
    int        rc = -1;

    *l = (struct ddl_look){.now = now};
    if (digests_sql(&sql, e) == 0 && exported_begin(now, id, e) == 0 &&
        (l->xmin = xmin_of(now, e)) != NULL) {
        rc = PQsendQuery(now, buf_str(&sql)) ? 0 : pg_error(now, NULL, e);
    }
    buf_free(&sql);
    return rc == 0 ? 0 : err_wrap(e, "look for changed definitions");
}

int
ddl_look_end(struct ddl_look *l, struct strlist *what, struct err *e)
{
    struct buf sql = BUF_INIT(64 * KIB);
    PGresult  *then_r = pg_finish(l->now, e), *now_r = NULL;

    if (then_r != NULL && pg_exec(l->now, e, "COMMIT") == 0 && digests_sql(&sql, e) == 0 &&
        (now_r = pg_query(l->now, e, buf_str(&sql), 0, NULL)) != NULL) {
        compare(l->now, then_r, now_r, l->xmin, what);
    }
    buf_free(&sql);
    free(l->xmin);
    l->xmin = NULL;
    PQclear(then_r);
    if (now_r == NULL) {
        return err_wrap(e, "look for changed definitions");
    }
    PQclear(now_r);
    return 0;
}

void
ddl_look_away(struct ddl_look *l)
{
    struct err ignored = ERR_INIT;

    pg_cancel_drain(l->now);
    (void)pg_exec(l->now, &ignored, "ROLLBACK");
    free(l->xmin);
    l->xmin = NULL;
}
