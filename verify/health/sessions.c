/* Who is connected, and who has been forgotten. */
#include <stdlib.h>

#include "core/human.h"
#include "verify/health/checks.h"

/* Shares of the connections that ordinary roles may have, and how many idle ones are too many (the
 * limits of the runbooks that this comes from: docs/monitoring.md). */
enum { FULL_WARNING = 80, FULL_CRITICAL = 90, IDLE_MANY = 10 };

/* An open transaction is worse the longer it lasts: it holds locks, and dead rows of all tables. */
enum { OPEN_CRITICAL_TIMES = 12 };

static void
judge_connections(struct health *h, const PGresult *res)
{
    int64_t used = cell_int(res, 0, "used"), max = cell_int(res, 0, "max"),
            reserved = cell_int(res, 0, "reserved");
    double ordinary = (double)(max - reserved), share = 100.0 * (double)used / ordinary;

    watch_metric(h->report,
                 (struct watch_metric){"connections", "", (double)used,
                                       floor(ordinary * FULL_WARNING / 100),
                                       floor(ordinary * FULL_CRITICAL / 100)});
    watch_line(h->report, "connections", "%lld of %lld (and %lld reserved)", (long long)used,
               (long long)(max - reserved), (long long)reserved);
    json_object_set_new(h->report->facts, "connections",
                        json_pack("{s:I, s:I, s:I}", "used", (json_int_t)used, "max",
                                  (json_int_t)max, "reserved", (json_int_t)reserved));
    if (share < FULL_WARNING)
        return;
    watch_find(h->report,
               (struct watch_finding){
                   .severity = share >= FULL_CRITICAL ? WATCH_CRITICAL : WATCH_WARNING,
                   .object = watch_text(h->report, "%.0f %%", share),
                   .what = watch_text(h->report, "of the connections are taken: %lld of %lld",
                                      (long long)used, (long long)(max - reserved)),
                   .means = watch_text(h->report, "most by %s", cell_text(res, 0, "most")),
                   .action = "end what is idle (pgassay verify health --terminate-idle), put a "
                             "pooler in "
                             "front, or raise max_connections",
                   .command = "SELECT application_name, usename, state, count(*) FROM "
                              "pg_stat_activity GROUP "
                              "BY 1, 2, 3 ORDER BY 4 DESC"});
}

static void
judge_idle(struct health *h, const PGresult *res)
{
    int64_t     n = 0;
    char        since[32], oldest[32];
    const char *most = "";

    for (int i = 0; i < PQntuples(res); i++) {
        n += cell_int(res, i, "n");
        if (i < 3)
            most = watch_text(h->report, "%s%s%s: %lld, the longest for %s", most,
                              i > 0 ? "\n" : "", cell_text(res, i, "whose"),
                              (long long)cell_int(res, i, "n"),
                              duration_human(cell_real(res, i, "oldest"), oldest, sizeof oldest));
    }
    watch_metric(h->report, (struct watch_metric){"idle_sessions", "", (double)n, IDLE_MANY, NAN});
    if (n <= IDLE_MANY)
        return;
    watch_find(h->report,
               (struct watch_finding){
                   .severity = WATCH_WARNING,
                   .object = watch_text(h->report, "%lld sessions", (long long)n),
                   .what = watch_text(
                       h->report, "have been idle for more than %s",
                       duration_human((double)h->limits->idle_after_s, since, sizeof since)),
                   .means = "an application leaks connections, or its pool is too large",
                   .detail = most,
                   .action = "correct the pool; meanwhile: pgassay verify health --terminate-idle "
                             "30min"});
}

static void
judge_open(struct health *h, const PGresult *res)
{
    char took[32];

    watch_metric(h->report,
                 (struct watch_metric){"idle_in_transaction", "", PQntuples(res), 0, NAN});
    for (int i = 0; i < PQntuples(res); i++) {
        double age = cell_real(res, i, "age");

        watch_find(h->report,
                   (struct watch_finding){
                       .severity = age >= (double)h->limits->idle_after_s * OPEN_CRITICAL_TIMES
                           ? WATCH_CRITICAL
                           : WATCH_WARNING,
                       .object = cell_text(res, i, "who"),
                       .what = watch_text(h->report, "has been idle in a transaction for %s",
                                          duration_human(age, took, sizeof took)),
                       .means = "it keeps its locks, and no dead row since then can be removed",
                       .action = "end it, and set idle_in_transaction_session_timeout for the "
                                 "role",
                       .command = watch_text(h->report, "SELECT pg_terminate_backend(%s)",
                                             cell_text(res, i, "pid"))});
    }
}

static void
judge_long(struct health *h, const PGresult *res)
{
    char took[32];

    watch_metric(h->report, (struct watch_metric){"long_queries", "", PQntuples(res), 0, NAN});
    for (int i = 0; i < PQntuples(res); i++)
        watch_find(
            h->report,
            (struct watch_finding){
                .severity = WATCH_WARNING,
                .object = cell_text(res, i, "who"),
                .what = watch_text(h->report, "has been running one statement for %s%s%s",
                                   duration_human(cell_real(res, i, "age"), took, sizeof took),
                                   cell_null(res, i, "wait") ? "" : ", and now waits for ",
                                   cell_text(res, i, "wait")),
                .action = watch_text(h->report,
                                     "look at it (SELECT query FROM pg_stat_activity WHERE pid = "
                                     "%s); "
                                     "cancel it, and only then terminate it",
                                     cell_text(res, i, "pid")),
                .command = watch_text(h->report, "SELECT pg_cancel_backend(%s)",
                                      cell_text(res, i, "pid"))});
}

static void
judge_prepared(struct health *h, const PGresult *res)
{
    char took[32];

    for (int i = 0; i < PQntuples(res); i++)
        watch_find(
            h->report,
            (struct watch_finding){
                .severity = WATCH_WARNING,
                .object = watch_text(h->report, "prepared transaction %s of %s in %s",
                                     cell_text(res, i, "gid"), cell_text(res, i, "owner"),
                                     cell_text(res, i, "database")),
                .what = watch_text(h->report, "has waited %s for its end",
                                   duration_human(cell_real(res, i, "age"), took, sizeof took)),
                .means = "its locks and its dead rows stay, over restarts too",
                .action = "if its coordinator has forgotten it, in that database",
                .command = cell_text(res, i, "sql")});
}

#define AGE(since) "extract(epoch FROM clock_timestamp() - " since ")::float8"
#define IDLE_AFTER "current_setting('pgassay.idle_after')::int8 * interval '1 second'"
#define LONG_AFTER "current_setting('pgassay.long_after')::int8 * interval '1 second'"

const struct health_check sessions_checks[] = {
    {.name = "connections",
     .right = RIGHT_STATS,
     .queries = {{0,
                  "SELECT count(*) AS used, current_setting('max_connections')::int AS max,"
                  " current_setting('superuser_reserved_connections')::int"
                  " + coalesce(current_setting('reserved_connections', true), '0')::int AS "
                  "reserved,"
                  " (SELECT string_agg(format('%s as %s, %s: %s', coalesce(nullif("
                  "application_name, ''), 'no name'), usename, coalesce(state, '?'), n), '; ')"
                  " FROM (SELECT application_name, usename, state, count(*) AS n FROM"
                  " pg_stat_activity WHERE backend_type = 'client backend' AND pid <> "
                  "pg_backend_pid() GROUP BY 1, 2, 3"
                  " ORDER BY 4 DESC, 1, 2, 3 LIMIT 3) x) AS most"
                  " FROM pg_stat_activity WHERE backend_type = 'client backend'"}},
     .judge = judge_connections},
    {.name = "idle",
     .right = RIGHT_STATS,
     .queries = {{0,
                  "SELECT format('%s as %s from %s', coalesce(nullif(application_name, ''), "
                  "'no name'), usename, coalesce(host(client_addr), 'this machine')) AS whose,"
                  " count(*) AS n, max(" AGE("state_change") ") AS oldest"
                                                             " FROM pg_stat_activity WHERE "
                                                             "backend_type = 'client backend' AND "
                                                             "state = 'idle'"
                                                             " AND state_change <= "
                                                             "clock_timestamp() - " IDLE_AFTER
                                                             " GROUP BY 1 ORDER BY 2 DESC, 1"}},
     .judge = judge_idle},
    {.name = "idle-in-transaction",
     .right = RIGHT_STATS,
     .queries = {{0,
                  "SELECT a.pid, " WHO("a") " AS who, " AGE(
                      "a.state_change") " AS age"
                                        " FROM pg_stat_activity a WHERE a.backend_type = 'client "
                                        "backend'"
                                        " AND a.state LIKE 'idle in transaction%'"
                                        " AND a.state_change <= clock_timestamp() - " IDLE_AFTER
                                        " AND" NOT_OURS("a") " ORDER BY a.state_change LIMIT 20"}},
     .judge = judge_open},
    {.name = "long-queries",
     .right = RIGHT_STATS,
     .queries = {{0,
                  "SELECT a.pid, " WHO("a") " AS who, " AGE(
                      "a.query_start") " AS age,"
                                       " a.wait_event_type || ' ' || a.wait_event AS wait"
                                       " FROM pg_stat_activity a WHERE a.backend_type = 'client "
                                       "backend'"
                                       " AND a.state = 'active' AND a.query_start <= "
                                       "clock_timestamp() - " LONG_AFTER
                                       " AND" NOT_OURS("a") " ORDER BY a.query_start LIMIT 20"}},
     .judge = judge_long},
    {.name = "prepared",
     .queries = {{0,
                  "SELECT gid, owner, database, " AGE("prepared") " AS age,"
                                                                  " format('ROLLBACK PREPARED %L', "
                                                                  "gid) AS sql FROM "
                                                                  "pg_prepared_xacts"
                                                                  " WHERE prepared <= "
                                                                  "clock_timestamp() - " LONG_AFTER
                                                                  " ORDER BY prepared LIMIT 20"}},
     .judge = judge_prepared},
    {0},
};
