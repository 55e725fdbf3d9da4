/* How far databases and tables are on their way to wraparound, and what holds VACUUM back. */
#include "verify/health/xid.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/human.h"
#include "core/quote.h"
#include "verify/health/checks.h"

/* Shares of XID_SPACE are of the same size for multixacts. */
enum { XID_WARNING = 1000000000, XID_CRITICAL = 1600000000 };
/* An anti-wraparound VACUUM begins at autovacuum_freeze_max_age and takes its time: behind is who
 * is this much beyond, in percent.  And who holds the horizon is named from this share of it on. */
enum { BEHIND_PERCENT = 110, HOLDER_PERCENT = 50 };

static enum watch_severity
severity_of(double age, double freeze)
{
    return age >= XID_CRITICAL                 ? WATCH_CRITICAL
        : age >= XID_WARNING                   ? WATCH_WARNING
        : age * 100 >= freeze * BEHIND_PERCENT ? WATCH_WARNING
                                               : WATCH_OK;
}

/* "1,100,000,000 transactions old, 51 % of the way to wraparound and 550 % of
 * autovacuum_freeze_max_age". */
static const char *
age_text(struct health *h, double age, double freeze, bool multi)
{
    char count[48];

    return watch_text(h->report, "is %s %s old, %.0f %% of the way to wraparound and %.0f %% of %s",
                      count_human((uint64_t)age, NULL, count, sizeof count),
                      multi ? "multixacts" : "transactions", 100 * age / (double)XID_SPACE,
                      100 * age / freeze,
                      multi ? "autovacuum_multixact_freeze_max_age" : "autovacuum_freeze_max_age");
}

static void
find_old(struct health *h, const PGresult *res, int row, bool multi, struct watch_finding f)
{
    double age = cell_real(res, row, multi ? "mxid_age" : "age"),
           freeze = cell_real(res, row, multi ? "mxid_freeze" : "freeze");

    f.severity = severity_of(age, freeze);
    if (f.severity == WATCH_OK)
        return;
    f.what = age_text(h, age, freeze, multi);
    f.means = age >= XID_WARNING ? "at 100 % the server takes no more writes"
                                 : "autovacuum is behind, or is held back";
    watch_find(h->report, f);
}

static void
judge_databases(struct health *h, const PGresult *res)
{
    json_t *list = json_array();
    double  oldest = 0, oldest_multi = 0;
    char    age[48], multi[48];

    for (int i = 0; i < PQntuples(res); i++) {
        const char          *name = cell_text(res, i, "name");
        char                *command = quote_command("pgassay", "verify", "xid", QUOTE_ARG(name));
        struct watch_finding f = {
            .object = watch_text(h->report, "database %s", name),
            .action = "deal with what holds it back (check horizon), then freeze its oldest tables",
            .command = watch_text(h->report, "%s", command)};

        free(command);
        if (!cell_true(res, i, "open")) {
            f.action =
                "only autovacuum can freeze it, as it takes no connections: look why it does "
                "not (its log, autovacuum_max_workers, the check horizon)";
            f.command =
                "SELECT pid, query FROM pg_stat_activity WHERE backend_type = 'autovacuum "
                "worker'";
        }
        find_old(h, res, i, false, f);
        find_old(h, res, i, true, f);
        oldest = fmax(oldest, cell_real(res, i, "age"));
        oldest_multi = fmax(oldest_multi, cell_real(res, i, "mxid_age"));
        json_array_append_new(
            list,
            json_pack("{s:s, s:I, s:I, s:f, s:f}", "name", name, "age",
                      (json_int_t)cell_int(res, i, "age"), "multixact_age",
                      (json_int_t)cell_int(res, i, "mxid_age"), "of_freeze_max_age",
                      cell_real(res, i, "age") / cell_real(res, i, "freeze"), "of_wraparound",
                      cell_real(res, i, "age") / (double)XID_SPACE));
    }
    json_object_set_new(h->report->facts, "xid_databases", list);
    json_object_set_new(h->report->facts, "xid_age", json_integer((json_int_t)oldest));
    watch_metric(h->report,
                 (struct watch_metric){"xid_age", "", oldest, XID_WARNING, XID_CRITICAL});
    watch_metric(
        h->report,
        (struct watch_metric){"multixact_age", "", oldest_multi, XID_WARNING, XID_CRITICAL});
    watch_line(h->report, "oldest", "%s of %s transactions (database %s), %s multixacts",
               count_human((uint64_t)oldest, NULL, age, sizeof age), "2,147,483,648",
               PQntuples(res) > 0 ? cell_text(res, 0, "name") : "?",
               count_human((uint64_t)oldest_multi, NULL, multi, sizeof multi));
}

static void
judge_tables(struct health *h, const PGresult *res)
{
    json_t *list = json_array();
    json_t *all = json_object_get(h->report->facts, "xid_tables");

    for (int i = 0; i < PQntuples(res); i++) {
        const char          *name = cell_text(res, i, "name");
        struct watch_finding f = {
            .object = watch_text(h->report, "table %s%s of %s", name,
                                 cell_true(res, i, "toast") ? " (its TOAST table)" : "",
                                 cell_text(res, i, "database")),
            .action = "freeze it, when nothing holds the horizon back",
            .command = watch_text(h->report, "VACUUM (FREEZE, VERBOSE) %s", name)};

        find_old(h, res, i, false, f);
        find_old(h, res, i, true, f);
        json_array_append_new(
            list,
            json_pack("{s:s, s:s, s:s, s:b, s:I, s:I}", "database", cell_text(res, i, "database"),
                      "schema", cell_text(res, i, "schema"), "name", cell_text(res, i, "table"),
                      "toast", (int)cell_true(res, i, "toast"), "age",
                      (json_int_t)cell_int(res, i, "age"), "multixact_age",
                      (json_int_t)cell_int(res, i, "mxid_age")));
    }
    if (all == NULL)
        json_object_set_new(h->report->facts, "xid_tables", list);
    else {
        json_array_extend(all, list);
        json_decref(list);
    }
}

static void
judge_horizon(struct health *h, const PGresult *res)
{
    json_t *list = json_array();
    char    count[48];

    for (int i = 0; i < PQntuples(res); i++) {
        double age = cell_real(res, i, "age"), freeze = cell_real(res, i, "freeze");

        count_human((uint64_t)age, NULL, count, sizeof count);
        if (i == 0)
            watch_line(h->report, "horizon", "%s transactions back, held by %s", count,
                       cell_text(res, i, "who"));
        json_array_append_new(list,
                              json_pack("{s:s, s:s, s:I, s:s}", "kind", cell_text(res, i, "kind"),
                                        "who", cell_text(res, i, "who"), "age",
                                        (json_int_t)cell_int(res, i, "age"), "sql",
                                        cell_text(res, i, "sql")));
        if (age * 100 < freeze * HOLDER_PERCENT)
            continue;
        watch_find(h->report,
                   (struct watch_finding){.severity = WATCH_WARNING,
                                          .object = cell_text(res, i, "who"),
                                          .what = watch_text(h->report,
                                                             "holds the horizon back by %s "
                                                             "transactions, %.0f %% of "
                                                             "autovacuum_freeze_max_age",
                                                             count, 100 * age / freeze),
                                          .means = "VACUUM freezes nothing that is newer",
                                          .action = cell_text(res, i, "action"),
                                          .command = cell_text(res, i, "sql")});
    }
    json_object_set_new(h->report->facts, "horizon", list);
}

#define LIMITS                                                                                     \
    "current_setting('autovacuum_freeze_max_age')::int8 AS freeze,"                                \
    " current_setting('autovacuum_multixact_freeze_max_age')::int8 AS mxid_freeze"

/* A table whose relfrozenxid is 0 has no rows of its own. */
#define TABLES                                                                                     \
    "SELECT current_database() AS database, format('%I.%I', n.nspname, m.relname) AS name,"        \
    " n.nspname AS schema, m.relname AS table, c.relkind = 't' AS toast, age(c.relfrozenxid) AS "  \
    "age, mxid_age(c.relminmxid) AS mxid_age, " LIMITS                                             \
    " FROM pg_class c LEFT JOIN pg_class p ON p.reltoastrelid = c.oid AND c.relkind = 't'"         \
    " JOIN pg_class m ON m.oid = coalesce(p.oid, c.oid) JOIN pg_namespace n"                       \
    " ON n.oid = m.relnamespace WHERE c.relkind IN ('r', 'm', 't') AND c.relfrozenxid <> "         \
    "'0'::xid ORDER BY greatest(age(c.relfrozenxid), mxid_age(c.relminmxid)) DESC,"                \
    " c.relpages DESC, 2, 5 LIMIT 5"

#define XID_AGES                                                                                   \
    {                                                                                              \
        .name = "xid",                                                                             \
        .queries = {{0,                                                                            \
                     "SELECT datname AS name, datallowconn AS open, age(datfrozenxid) AS age, "    \
                     "mxid_age(datminmxid) AS "                                                    \
                     "mxid_age, " LIMITS " FROM pg_database ORDER BY age(datfrozenxid) DESC, 1"}}, \
        .judge = judge_databases                                                                   \
    }

const struct health_check xid_ages[] = {XID_AGES, {0}};
const struct health_check xid_checks[] = {
    XID_AGES,
    /* Whatever keeps a transaction's rows from being frozen. */
    {.name = "horizon",
     .right = RIGHT_STATS,
     .queries = {{0,
                  "SELECT x.*, " LIMITS " FROM ("
                  "SELECT 'session' AS kind, " WHO("a") " AS who, greatest(age(a.backend_xid), "
                                                        "age(a.backend_xmin)) AS age, 'let its "
                                                        "transaction end, or end it' AS action,"
                                                        " format('SELECT "
                                                        "pg_terminate_backend(%s)', a.pid) AS sql"
                                                        " FROM pg_stat_activity a WHERE a.pid <> "
                                                        "pg_backend_pid()"
                                                        " AND a.backend_type <> 'walsender'"
                                                        " UNION ALL SELECT 'standby', format('the "
                                                        "feedback of standby %s', "
                                                        "coalesce(nullif(application_name, ''), "
                                                        "'no name')), age(backend_xmin),"
                                                        " 'look at long queries there "
                                                        "(hot_standby_feedback)', 'SELECT pid, "
                                                        "xact_start, "
                                                        "query FROM pg_stat_activity ORDER BY "
                                                        "xact_start' FROM pg_stat_replication"
                                                        " UNION ALL SELECT 'slot', format('slot "
                                                        "%s%s', slot_name, CASE WHEN active THEN "
                                                        "'' ELSE ', which nobody uses,' END), "
                                                        "greatest(age(xmin), age(catalog_xmin)),"
                                                        " 'bring its reader back or, when it is "
                                                        "gone for good', format('SELECT "
                                                        "pg_drop_replication_slot(%L)', slot_name) "
                                                        "FROM pg_replication_slots"
                                                        " UNION ALL SELECT 'prepared', "
                                                        "format('prepared transaction %s in %s', "
                                                        "gid, "
                                                        "database), age(transaction), 'commit it "
                                                        "or roll it back, in that database',"
                                                        " format('ROLLBACK PREPARED %L', gid) FROM "
                                                        "pg_prepared_xacts) x"
                                                        " WHERE x.age IS NOT NULL ORDER BY x.age "
                                                        "DESC, x.who LIMIT 20"}},
     .judge = judge_horizon},
    {0},
};

void
xid_tables(struct health *h, const char *database)
{
    const struct health_check check[] = {
        {.name = watch_text(h->report, "tables of %s", database),
         .queries = {{0, TABLES}},
         .judge = judge_tables},
        {0},
    };

    (void)checks_run(h, check);
}
