/* What is wrong with tables and indexes of the database that the session is in. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/human.h"
#include "verify/health/checks.h"

static void
judge_indexes(struct health *h, const PGresult *res)
{
    for (int i = 0; i < PQntuples(res); i++) {
        bool half = cell_true(res, i, "half_made"), partitioned = cell_true(res, i, "partitioned");

        watch_find(h->report,
                   (struct watch_finding){
                       .severity = WATCH_WARNING,
                       .object = watch_text(h->report, "index %s of %s", cell_text(res, i, "index"),
                                            cell_text(res, i, "table")),
                       .what = "is invalid",
                       .means = partitioned ? "not every partition has its part of it"
                           : cell_true(res, i, "is_unique") ? "no query uses it, every write pays "
                                                              "for it, "
                                                              "and it keeps nothing unique"
                                                            : "no query uses it, and every write "
                                                              "pays for "
                                                              "it",
                       .action = partitioned ? "make the missing ones, and attach them"
                           : half            ? "a REINDEX CONCURRENTLY that was broken off left it"
                                             : "build it again (or drop it)",
                       .command = partitioned ? "ALTER INDEX … ATTACH PARTITION …"
                                              : watch_text(h->report,
                                                           half ? "DROP INDEX CONCURRENTLY %s"
                                                                : "REINDEX INDEX CONCURRENTLY %s",
                                                           cell_text(res, i, "index"))});
    }
}

static void
judge_constraints(struct health *h, const PGresult *res)
{
    for (int i = 0; i < PQntuples(res); i++)
        watch_find(h->report,
                   (struct watch_finding){.severity = WATCH_WARNING,
                                          .object = watch_text(h->report, "constraint %s of %s",
                                                               cell_text(res, i, "name"),
                                                               cell_text(res, i, "table")),
                                          .what = "has never been validated",
                                          .means = "older rows may break it",
                                          .action = "let it look at them (writes go on "
                                                    "meanwhile)",
                                          .command = cell_text(res, i, "sql")});
}

static void
judge_vacuum(struct health *h, const PGresult *res)
{
    if (cell_true(res, 0, "off"))
        watch_find(h->report,
                   (struct watch_finding){.severity = WATCH_WARNING,
                                          .object = "autovacuum",
                                          .what = "is off",
                                          .means = "tables bloat, plans go by old statistics, "
                                                   "and XIDs age",
                                          .action = "turn it on",
                                          .command = "ALTER SYSTEM SET autovacuum = on; ALTER "
                                                     "SYSTEM "
                                                     "SET track_counts = "
                                                     "on; SELECT pg_reload_conf()"});
    for (int i = 0; i < PQntuples(res); i++) {
        char rows[48];

        if (cell_null(res, i, "name"))
            continue;
        watch_find(h->report,
                   (struct watch_finding){
                       .severity = WATCH_WARNING,
                       .object = watch_text(h->report, "table %s", cell_text(res, i, "name")),
                       .what = watch_text(h->report, "has %s and was never analyzed or vacuumed",
                                          count_human((uint64_t)cell_int(res, i, "live"), "row",
                                                      rows, sizeof rows)),
                       .means = "the planner guesses",
                       .action = "do it once; after a restore: vacuumdb --all --analyze-in-stages",
                       .command = watch_text(h->report, "VACUUM (ANALYZE) %s",
                                             cell_text(res, i, "name"))});
    }
}

#define NAME(n, c) "format('%I.%I', " n ".nspname, " c ".relname)"
#define CONSTRAINTS(more)                                                                          \
    "SELECT format('%I', x.conname) AS name, " NAME("n", "c") " AS table, format('ALTER TABLE "    \
    "%I.%I VALIDATE CONSTRAINT %I', n.nspname, c.relname, x.conname) AS sql"                       \
    " FROM pg_constraint x JOIN pg_class c ON c.oid = x.conrelid JOIN pg_namespace n"              \
    " ON n.oid = c.relnamespace WHERE NOT x.convalidated AND x.conparentid = 0" more               \
    " ORDER BY 2, 1 LIMIT 50"

const struct health_check objects_checks[] = {
    {.name = "indexes",
     /* One that is being built just now is not valid yet. */
     .queries = {{0,
                  "SELECT " NAME("n", "i") " AS index, " NAME("m", "t") " AS table, x.indisunique "
                                                                        "AS is_unique, i.relkind = "
                                                                        "'I' AS partitioned,"
                                                                        " i.relname ~ "
                                                                        "'_cc(new|old)[0-9]*$' AS "
                                                                        "half_made"
                                                                        " FROM pg_index x JOIN "
                                                                        "pg_class i ON i.oid = "
                                                                        "x.indexrelid JOIN "
                                                                        "pg_namespace n"
                                                                        " ON n.oid = "
                                                                        "i.relnamespace JOIN "
                                                                        "pg_class t ON t.oid = "
                                                                        "x.indrelid JOIN"
                                                                        " pg_namespace m ON m.oid "
                                                                        "= t.relnamespace WHERE "
                                                                        "NOT (x.indisvalid AND "
                                                                        "x.indisready) AND NOT "
                                                                        "EXISTS (SELECT FROM "
                                                                        "pg_locks l WHERE "
                                                                        "l.locktype = "
                                                                        "'relation' AND l.relation "
                                                                        "= t.oid AND l.mode = "
                                                                        "'ShareUpdateExclusiveLock'"
                                                                        " AND "
                                                                        "l.granted AND l.database "
                                                                        "= (SELECT oid FROM "
                                                                        "pg_database WHERE datname "
                                                                        "= "
                                                                        "current_database()))"
                                                                        " ORDER BY 2, 1 LIMIT 50"}},
     .judge = judge_indexes},
    {.name = "constraints",
     .queries = {{180000, CONSTRAINTS(" AND x.conenforced")}, {0, CONSTRAINTS("")}},
     .judge = judge_constraints},
    {.name = "vacuum",
     .queries = {{0,
                  "SELECT current_setting('autovacuum') = 'off' OR current_setting("
                  "'track_counts') = 'off' AS off, t.name, t.live FROM (SELECT 1) one LEFT JOIN "
                  "(SELECT format('%I.%I', schemaname, relname) AS name, n_live_tup AS live"
                  " FROM pg_stat_user_tables u WHERE n_live_tup >= 10000 AND last_vacuum IS NULL"
                  " AND last_autovacuum IS NULL AND last_analyze IS NULL AND last_autoanalyze IS "
                  "NULL AND NOT EXISTS (SELECT FROM pg_stats s WHERE s.schemaname = u.schemaname "
                  "AND s.tablename = u.relname) ORDER BY n_live_tup DESC, 1 LIMIT 20) t ON true "
                  "ORDER BY t.live DESC"}},
     .judge = judge_vacuum},
    {0},
};
