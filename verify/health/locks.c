/* Who waits for whom, and deadlocks. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/human.h"
#include "verify/health/checks.h"

/* What waits and what it waits for, as a list of edges, is a graph: mostly a tree, whose root waits
 * for nobody.  Each root is a finding, with its tree below it; each session is named once, below
 * the first that it waits for.  In a circle (a deadlock that the server has not broken yet) nobody
 * is a root, and the first that is left becomes one. */
struct tree {
    const PGresult *edges;
    bool           *shown; /* of each edge */
    struct buf      text;
    int             waiting;
    double          longest;
};

enum { DEPTH_MAX = 20 };

static bool
waits(const struct tree *t, const char *pid)
{
    for (int i = 0; i < PQntuples(t->edges); i++)
        if (strcmp(cell_text(t->edges, i, "pid"), pid) == 0)
            return true;
    return false;
}

static bool
named(const struct tree *t, const char *pid)
{
    for (int i = 0; i < PQntuples(t->edges); i++)
        if (t->shown[i] && strcmp(cell_text(t->edges, i, "pid"), pid) == 0)
            return true;
    return false;
}

static void
show_below(struct tree *t, const char *pid, int depth)
{
    struct err never = ERR_INIT;
    char       took[32];

    for (int i = 0; i < PQntuples(t->edges) && depth < DEPTH_MAX; i++) {
        const char *waiter = cell_text(t->edges, i, "pid");
        double      waited = cell_real(t->edges, i, "waited");

        if (strcmp(cell_text(t->edges, i, "blocker"), pid) != 0 || named(t, waiter))
            continue;
        t->shown[i] = true;
        t->waiting++;
        t->longest = waited > t->longest ? waited : t->longest;
        (void)buf_printf(&t->text, &never, "%s%*s%s waits for %s, for %s",
                         t->text.len > 0 ? "\n" : "", 2 * depth, "", cell_text(t->edges, i, "who"),
                         cell_text(t->edges, i, "what"), duration_human(waited, took, sizeof took));
        show_below(t, waiter, depth + 1);
    }
}

static void
find_root(struct health *h, struct tree *t, int edge)
{
    const char          *pid = cell_text(t->edges, edge, "blocker");
    bool                 prepared = strcmp(pid, "0") == 0;
    char                 took[32];
    struct watch_finding f = {.object = prepared ? "a prepared transaction"
                                                 : cell_text(t->edges, edge, "blocker_who")};

    t->waiting = 0;
    t->longest = 0;
    t->text.len = 0;
    show_below(t, pid, 0);
    if (t->waiting == 0 || t->longest < (double)h->limits->blocked_after_s)
        return;
    f.severity = t->longest >= (double)h->limits->long_after_s ? WATCH_CRITICAL : WATCH_WARNING;
    f.what = watch_text(h->report, "%sblocks %d session%s, the longest for %s",
                        cell_text(t->edges, edge, "state"), t->waiting, t->waiting == 1 ? "" : "s",
                        duration_human(t->longest, took, sizeof took));
    f.detail = watch_text(h->report, "%s", buf_str(&t->text));
    f.action = prepared ? "find it, then commit it or roll it back"
                        : "let it end; if it will not, cancel its statement, then end it";
    f.command = prepared ? "SELECT gid, database, prepared FROM pg_prepared_xacts ORDER BY prepared"
                         : watch_text(h->report,
                                      cell_true(t->edges, edge, "open") ? "SELECT "
                                                                          "pg_terminate_backend(%s)"
                                                                        : "SELECT "
                                                                          "pg_cancel_backend(%s)",
                                      pid);
    watch_find(h->report, f);
}

static void
judge_locks(struct health *h, const PGresult *res)
{
    struct tree t = {.edges = res,
                     .shown = xcalloc((size_t)PQntuples(res) + 1, sizeof(bool)),
                     .text = BUF_INIT(BUF_NO_LIMIT)};
    double      waiting = 0;

    for (int i = 0; i < PQntuples(res); i++)
        if (!waits(&t, cell_text(res, i, "blocker")))
            find_root(h, &t, i);
    for (int i = 0; i < PQntuples(res); i++)
        if (!named(&t, cell_text(res, i, "pid")))
            find_root(h, &t, i);
    for (int i = 0; i < PQntuples(res); i++)
        waiting += t.shown[i];
    watch_metric(h->report, (struct watch_metric){"lock_waits", "", waiting, NAN, NAN});
    free(t.shown);
    buf_free(&t.text);
}

/* They are counted since the statistics were reset: a rate, not a number, says something. */
static void
judge_deadlocks(struct health *h, const PGresult *res)
{
    int64_t all = 0;
    char    since[32];

    for (int i = 0; i < PQntuples(res); i++) {
        int64_t n = cell_int(res, i, "deadlocks");
        double  seconds = cell_real(res, i, "since");

        all += n;
        if (n == 0 || (double)n < seconds / 3600)
            continue;
        watch_find(
            h->report,
            (struct watch_finding){
                .severity = WATCH_WARNING,
                .object = watch_text(h->report, "database %s", cell_text(res, i, "datname")),
                .what = watch_text(h->report, "had %" PRId64 " deadlock%s in %s", n,
                                   n == 1 ? "" : "s", duration_human(seconds, since, sizeof since)),
                .means = "each of them has cost a transaction",
                .action = "find the statements in the server's log (\"deadlock "
                          "detected\"), and let them lock in one order; to count anew, in "
                          "that database",
                .command = "SELECT pg_stat_reset()"});
    }
    watch_metric(h->report, (struct watch_metric){"deadlocks", "c", (double)all, NAN, NAN});
}

#define EDGES(since)                                                                               \
    "WITH w AS (SELECT DISTINCT ON (l.pid) l.* FROM pg_locks l WHERE NOT l.granted"                \
    " ORDER BY l.pid LIMIT 200), e AS (SELECT w.*, unnest(pg_blocking_pids(w.pid)) AS blocker"     \
    " FROM w)"                                                                                     \
    " SELECT e.pid, e.blocker, extract(epoch FROM clock_timestamp() - " since                      \
    ")::float8 AS waited, e.mode || ' on ' || CASE WHEN e.locktype = 'relation' AND e.database ="  \
    " (SELECT oid FROM pg_database WHERE datname = current_database())"                            \
    " THEN coalesce((SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c"                 \
    " JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = e.relation), 'a table')"         \
    " WHEN e.locktype = 'transactionid' THEN 'a row' ELSE 'a ' || e.locktype END AS what, " WHO(   \
        "a") " AS who, " WHO("b") " AS blocker_who, coalesce(b.state LIKE"                         \
    " 'idle in transaction%', false) AS open, CASE WHEN b.state LIKE 'idle in transaction%'"       \
    " THEN 'idle in a transaction, ' ELSE '' END AS state"                                         \
    " FROM e JOIN pg_stat_activity a ON a.pid = e.pid LEFT JOIN pg_stat_activity b"                \
    " ON b.pid = e.blocker ORDER BY waited DESC, e.pid, e.blocker"

const struct health_check locks_checks[] = {
    {.name = "locks",
     .right = RIGHT_STATS,
     .queries = {{140000, EDGES("coalesce(e.waitstart, a.query_start)")},
                 {0, EDGES("a.query_start")}},
     .judge = judge_locks},
    {.name = "deadlocks",
     .queries = {{0,
                  "SELECT datname, deadlocks, extract(epoch FROM now() - coalesce(stats_reset,"
                  " pg_postmaster_start_time()))::float8 AS since FROM pg_stat_database"
                  " WHERE datname IS NOT NULL ORDER BY deadlocks DESC, datname"}},
     .judge = judge_deadlocks},
    {0},
};
