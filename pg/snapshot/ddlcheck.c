#include "pg/snapshot/ddlcheck.h"

#include <stdlib.h>
#include <string.h>

/*
 * The catalogs that pg_get_*(), format_type() and the like read, and others that hold parts of
 * definitions.  Other sessions' temporary objects come and go all the time, TOAST tables are
 * swapped by REFRESH: neither is in a dump.  pg_class is compared only by its defining columns, as
 * statistics and relfilenode change without DDL (and a locked table's relfilenode cannot).
 */
#define NOT_TEMP(col)                                                                              \
    col " NOT IN (SELECT n.oid FROM pg_catalog.pg_namespace n WHERE n.nspname ~ "                  \
        "'^pg_(toast|temp_|toast_temp_)')"
#define OF_REL(col)                                                                                \
    col " IN (SELECT r.oid FROM pg_catalog.pg_class r WHERE r.relpersistence <> 't' AND "          \
        "r.relkind <> 't'"                                                                         \
        " AND r.relnamespace <> 99)"
#define XMIN "x.xmin::text"

static const struct {
    const char *catalog;
    const char *key;    /* what identifies and dates a row */
    const char *filter; /* NULL: all rows */
    const char *objid;  /* for pg_describe_object(), or NULL */
    const char *objsubid;
} catalogs[] = {
    {"pg_namespace", "x.oid, " XMIN, NOT_TEMP("x.oid"), "x.oid", "0"},
    {"pg_class",
     "x.oid, x.relname, x.relnamespace, x.reloftype, x.relowner, x.relam, x.reltablespace, "
     "x.relkind, x.relhasrules,"
     " x.relrowsecurity, x.relforcerowsecurity, x.relreplident, x.relispartition, x.relacl, "
     "x.reloptions, "
     "x.relpartbound",
     "x.relpersistence <> 't' AND x.relkind <> 't' AND x.relnamespace <> 99", "x.oid", "0"},
    {"pg_attribute", "x.attrelid, x.attnum, " XMIN, OF_REL("x.attrelid"), "x.attrelid", "x.attnum"},
    {"pg_attrdef", "x.oid, " XMIN, OF_REL("x.adrelid"), "x.oid", "0"},
    {"pg_type", "x.oid, " XMIN, NOT_TEMP("x.typnamespace"), "x.oid", "0"},
    {"pg_enum", "x.oid, " XMIN, NULL, NULL, NULL},
    {"pg_range", "x.rngtypid, " XMIN, NULL, NULL, NULL},
    {"pg_proc", "x.oid, " XMIN, NOT_TEMP("x.pronamespace"), "x.oid", "0"},
    {"pg_aggregate", "x.aggfnoid::oid, " XMIN, NULL, NULL, NULL},
    {"pg_operator", "x.oid, " XMIN, NOT_TEMP("x.oprnamespace"), "x.oid", "0"},
    {"pg_opclass", "x.oid, " XMIN, NOT_TEMP("x.opcnamespace"), "x.oid", "0"},
    {"pg_opfamily", "x.oid, " XMIN, NOT_TEMP("x.opfnamespace"), "x.oid", "0"},
    {"pg_collation", "x.oid, " XMIN, NOT_TEMP("x.collnamespace"), "x.oid", "0"},
    {"pg_cast", "x.oid, " XMIN, NULL, "x.oid", "0"},
    {"pg_rewrite", "x.oid, " XMIN, OF_REL("x.ev_class"), "x.oid", "0"},
    {"pg_constraint", "x.oid, " XMIN, NOT_TEMP("x.connamespace"), "x.oid", "0"},
    {"pg_index", "x.indexrelid, " XMIN, OF_REL("x.indrelid"), NULL, NULL},
    {"pg_trigger", "x.oid, " XMIN, OF_REL("x.tgrelid"), "x.oid", "0"},
    {"pg_event_trigger", "x.oid, " XMIN, NULL, "x.oid", "0"},
    {"pg_policy", "x.oid, " XMIN, OF_REL("x.polrelid"), "x.oid", "0"},
    {"pg_inherits", "x.inhrelid, x.inhseqno, " XMIN, OF_REL("x.inhrelid"), NULL, NULL},
    {"pg_partitioned_table", "x.partrelid, " XMIN, OF_REL("x.partrelid"), NULL, NULL},
    {"pg_sequence", "x.seqrelid, " XMIN, OF_REL("x.seqrelid"), NULL, NULL},
    {"pg_statistic_ext", "x.oid, " XMIN, NOT_TEMP("x.stxnamespace"), "x.oid", "0"},
    {"pg_ts_config", "x.oid, " XMIN, NOT_TEMP("x.cfgnamespace"), "x.oid", "0"},
    {"pg_ts_dict", "x.oid, " XMIN, NOT_TEMP("x.dictnamespace"), "x.oid", "0"},
    {"pg_publication", "x.oid, " XMIN, NULL, "x.oid", "0"},
    {"pg_publication_rel", "x.oid, " XMIN, NULL, "x.oid", "0"},
    {"pg_extension", "x.oid, " XMIN, NULL, "x.oid", "0"},
    {"pg_foreign_server", "x.oid, " XMIN, NULL, "x.oid", "0"},
    {"pg_default_acl", "x.oid, " XMIN, NULL, "x.oid", "0"},
    {"pg_description", "x.objoid, x.classoid, x.objsubid, " XMIN, NULL, NULL, NULL},
    {"pg_seclabel", "x.objoid, x.classoid, x.objsubid, x.provider, " XMIN, NULL, NULL, NULL},
};
enum { N_CATALOGS = sizeof catalogs / sizeof *catalogs };

/* One query over all: (index, digest).  The digest is a sum, so that the order of rows does not
 * matter. */
static PGresult *
digests(PGconn *conn, struct err *e)
{
    struct buf sql = BUF_INIT(64 * KIB);
    PGresult  *r = NULL;
    int        rc = 0;

    for (size_t i = 0; rc == 0 && i < N_CATALOGS; i++) {
        rc = buf_printf(&sql, e,
                        "%sSELECT %zu, pg_catalog.count(*) || ':' || "
                        "pg_catalog.sum(pg_catalog.hashtextextended(ROW(%s)::text, 0)) FROM "
                        "pg_catalog.%s x%s%s",
                        i == 0 ? "" : " UNION ALL ", i, catalogs[i].key, catalogs[i].catalog,
                        catalogs[i].filter == NULL ? "" : " WHERE ",
                        catalogs[i].filter == NULL ? "" : catalogs[i].filter);
    }
    if (rc == 0 && buf_puts(&sql, " ORDER BY 1", e) == 0) {
        r = pg_query(conn, e, buf_str(&sql), 0, NULL);
    }
    buf_free(&sql);
    return r;
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

int
ddl_moved(PGconn *snap, PGconn *now, struct strlist *what, struct err *e)
{
    PGresult *then_r = digests(snap, e);
    PGresult *now_r = then_r == NULL ? NULL : digests(now, e);
    char     *xmin = NULL;
    int       rc = -1;

    if (now_r == NULL) {
        goto out;
    }
    /* The low 32 bits of a 64-bit transaction number are its xid. */
    xmin = pg_value(snap, e,
                    "SELECT (pg_catalog.txid_snapshot_xmin(pg_catalog.txid_current_snapshot()) & "
                    "4294967295)::text",
                    0, NULL);
    if (xmin == NULL) {
        goto out;
    }
    for (int i = 0; i < PQntuples(then_r) && i < PQntuples(now_r); i++) {
        if (strcmp(PQgetvalue(then_r, i, 1), PQgetvalue(now_r, i, 1)) != 0) {
            strlist_take(what, describe(now, (size_t)i, xmin));
        }
    }
    rc = 0;
out:
    if (rc != 0) {
        err_wrap(e, "look for changed definitions");
    }
    free(xmin);
    PQclear(then_r);
    PQclear(now_r);
    return rc;
}
