/* Recovery, standbys, slots, the archive. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/human.h"
#include "verify/health/checks.h"

/* Seconds that a standby may be behind. */
enum { LAG_WARNING = 5, LAG_CRITICAL = 30, ARCHIVE_LAG = 3600 };

static void
judge_recovery(struct health *h, const PGresult *res)
{
    char up[32];

    watch_line(h->report, "server", "PostgreSQL %s, %s, up for %s", cell_text(res, 0, "version"),
               h->standby ? "a standby" : "a primary",
               duration_human(cell_real(res, 0, "up"), up, sizeof up));
    json_object_set_new(h->report->facts, "version", json_text(cell_text(res, 0, "version")));
    json_object_set_new(h->report->facts, "standby", json_boolean(h->standby));
    json_object_set_new(h->report->facts, "up_seconds", json_real(cell_real(res, 0, "up")));
    if (cell_true(res, 0, "paused"))
        watch_find(h->report,
                   (struct watch_finding){.severity = WATCH_WARNING,
                                          .object = "the standby",
                                          .what = "has its replay paused",
                                          .means = "it falls behind, and WAL piles up",
                                          .action = "go on, when whoever paused it is done",
                                          .command = "SELECT pg_wal_replay_resume()"});
}

static enum watch_severity
lag_severity(double seconds)
{
    return seconds >= LAG_CRITICAL ? WATCH_CRITICAL
        : seconds >= LAG_WARNING   ? WATCH_WARNING
                                   : WATCH_OK;
}

/* The last commit's age is a lag only while there is something to replay; and what has just arrived
 * after a quiet hour is replayed in a moment. */
static void
judge_standby(struct health *h, const PGresult *res)
{
    double    lag = cell_real(res, 0, "lag");
    char      text[32];
    PGresult *again;
    bool      receives = cell_true(res, 0, "receives"),
         behind = cell_true(res, 0, "behind") && lag_severity(lag) != WATCH_OK;

    if (!receives && !cell_null(res, 0, "primary"))
        watch_find(h->report,
                   (struct watch_finding){.severity = WATCH_CRITICAL,
                                          .object = "the standby",
                                          .what = "receives nothing from its primary",
                                          .means = "it stays where it is",
                                          .action = "look at its log for why (network, "
                                                    "pg_hba.conf, WAL that is gone: "
                                                    "\"requested WAL segment has already been "
                                                    "removed\")",
                                          .command = "SHOW primary_conninfo"});
    /* Fed from an archive alone: how much there is to replay, nobody says. */
    if (!receives && cell_null(res, 0, "primary") && lag >= ARCHIVE_LAG)
        watch_find(
            h->report,
            (struct watch_finding){
                .severity = WATCH_WARNING,
                .object = "the standby",
                .what = watch_text(h->report, "has replayed nothing newer than %s from its archive",
                                   duration_human(lag, text, sizeof text)),
                .means = "either nothing was written, or its restore_command fails",
                .action = "look at its log, and at the newest file of the archive",
                .command = "SHOW restore_command"});
    if (behind) {
        if ((again = check_query(h,
                                 "SELECT pg_last_wal_replay_lsn()::text AS lsn FROM "
                                 "pg_sleep(1)")) == NULL)
            return;
        behind = strcmp(cell_text(again, 0, "lsn"), cell_text(res, 0, "replayed")) == 0;
        PQclear(again);
    }
    watch_metric(
        h->report,
        (struct watch_metric){"replay_lag", "s", behind ? lag : 0, LAG_WARNING, LAG_CRITICAL});
    if (behind)
        watch_find(h->report,
                   (struct watch_finding){
                       .severity = lag_severity(lag),
                       .object = "the standby",
                       .what = watch_text(h->report, "is behind by %s, %" PRId64 " bytes",
                                          duration_human(lag, text, sizeof text),
                                          cell_int(res, 0, "bytes")),
                       .action = "look at long queries here that hold the replay back, and at the "
                                 "disks",
                       .command = "SELECT pid, query FROM pg_stat_activity WHERE state <> 'idle'"});
}

static void
judge_senders(struct health *h, const PGresult *res)
{
    double worst = 0;
    bool   synchronous = PQntuples(res) > 0 && cell_true(res, 0, "must_wait"), any_sync = false;

    for (int i = 0; i < PQntuples(res); i++) {
        double              lag = cell_real(res, i, "lag");
        enum watch_severity severity = lag_severity(lag);
        bool                streams = strcmp(cell_text(res, i, "state"), "streaming") == 0;
        char                took[32], bytes[16];

        any_sync = any_sync || cell_true(res, i, "sync");
        if (cell_null(res, i, "who"))
            continue;
        worst = lag > worst ? lag : worst;
        if (severity == WATCH_OK && streams)
            continue;
        watch_find(h->report,
                   (struct watch_finding){
                       .severity = severity > WATCH_WARNING ? severity : WATCH_WARNING,
                       .object = cell_text(res, i, "who"),
                       .what = watch_text(
                           h->report, "is behind by %s, %s of WAL%s%s",
                           duration_human(lag, took, sizeof took),
                           size_human((uint64_t)cell_int(res, i, "bytes"), bytes, sizeof bytes),
                           streams ? "" : ", state ", streams ? "" : cell_text(res, i, "state")),
                       .means = "a failover now would lose that, or wait for it",
                       .action = "look at its log, its disks, its long queries, and at the "
                                 "network",
                       .command = "SELECT application_name, client_addr, state, sent_lsn, "
                                  "write_lsn, "
                                  "flush_lsn, replay_lsn FROM pg_stat_replication"});
    }
    watch_metric(h->report,
                 (struct watch_metric){"standby_lag", "s", worst, LAG_WARNING, LAG_CRITICAL});
    if (synchronous && !any_sync)
        watch_find(h->report,
                   (struct watch_finding){.severity = WATCH_CRITICAL,
                                          .object = "synchronous_standby_names",
                                          .what = "names standbys, and none of them is connected",
                                          .means = "every commit waits for ever",
                                          .action = "bring one back, or do without: change the "
                                                    "setting, then",
                                          .command = "SELECT pg_reload_conf()"});
}

static void
judge_slots(struct health *h, const PGresult *res)
{
    for (int i = 0; i < PQntuples(res); i++) {
        const char *status = cell_text(res, i, "wal_status");
        bool lost = strcmp(status, "lost") == 0, unreserved = strcmp(status, "unreserved") == 0,
             active = cell_true(res, i, "active");
        char                 held[16];
        struct watch_finding f = {
            .severity = lost || unreserved ? WATCH_CRITICAL : WATCH_WARNING,
            .object = watch_text(h->report, "slot %s", cell_text(res, i, "slot_name")),
            .command = watch_text(h->report, "SELECT pg_drop_replication_slot('%s')",
                                  cell_text(res, i, "slot_name"))};

        size_human((uint64_t)cell_int(res, i, "held"), held, sizeof held);
        if (active && !lost && !unreserved && strcmp(status, "extended") != 0)
            continue;
        if (lost) {
            f.what = "has lost WAL that it needs";
            f.means = "its standby or subscriber cannot go on";
            f.action = "build that anew; then";
        } else if (unreserved) {
            f.what = watch_text(h->report, "is about to lose WAL (%s behind)", held);
            f.means = "its standby or subscriber cannot go on after the next checkpoint";
            f.action = "let it catch up at once, or raise max_slot_wal_keep_size";
            f.command = NULL;
        } else if (!active) {
            f.what = watch_text(h->report, "is used by nobody, and holds %s of WAL", held);
            f.means = "pg_wal grows until the disk is full";
            f.action = "bring its reader back; or, when it is gone for good";
        } else {
            f.what = watch_text(h->report, "holds %s of WAL, more than max_wal_size", held);
            f.means = "pg_wal grows";
            f.action = "look why its reader is slow";
            f.command = "SELECT * FROM pg_stat_replication";
        }
        watch_find(h->report, f);
    }
}

static void
judge_archiver(struct health *h, const PGresult *res)
{
    char since[32];

    if (!cell_true(res, 0, "archives")) {
        watch_skip(h->report, "archive_mode is off");
        return;
    }
    watch_metric(h->report,
                 (struct watch_metric){"archive_failures", "c",
                                       (double)cell_int(res, 0, "failed_count"), NAN, NAN});
    if (!cell_true(res, 0, "failing"))
        return;
    watch_find(
        h->report,
        (struct watch_finding){
            .severity = WATCH_CRITICAL,
            .object = watch_text(h->report, "WAL file %s", cell_text(res, 0, "last_failed_wal")),
            .what = watch_text(h->report,
                               "could not be archived (%" PRId64 " failures, the last one %s ago)",
                               cell_int(res, 0, "failed_count"),
                               duration_human(cell_real(res, 0, "ago"), since, sizeof since)),
            .means = "recovery to a moment ends before it, and pg_wal grows",
            .action = "look at the server's log for what archive_command said, and at the "
                      "archive's disk",
            .command = "SHOW archive_command"});
}

#define HERE                                                                                       \
    "CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END"
#define SLOTS(more)                                                                                \
    "SELECT slot_name, active, wal_status, greatest(pg_wal_lsn_diff(" HERE                         \
    ", restart_lsn), 0)::int8 AS held FROM pg_replication_slots WHERE NOT temporary"               \
    " AND (restart_lsn IS NOT NULL OR wal_status = 'lost')" more " ORDER BY held DESC, slot_name"

const struct health_check replication_checks[] = {
    {.name = "recovery",
     .queries = {{0,
                  "SELECT current_setting('server_version') AS version,"
                  " extract(epoch FROM clock_timestamp() - pg_postmaster_start_time())::float8 AS "
                  "up, CASE WHEN pg_is_in_recovery() THEN pg_is_wal_replay_paused() END AS "
                  "paused"}},
     .judge = judge_recovery},
    {.name = "standby",
     .where = STANDBY_ONLY,
     .right = RIGHT_SETTINGS,
     .queries = {{0,
                  "SELECT EXISTS (SELECT FROM pg_stat_wal_receiver) AS receives,"
                  " nullif(current_setting('primary_conninfo'), '') AS primary,"
                  " pg_last_wal_receive_lsn() > pg_last_wal_replay_lsn() AS behind,"
                  " pg_last_wal_replay_lsn()::text AS replayed,"
                  " pg_wal_lsn_diff(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())::int8 AS "
                  "bytes, extract(epoch FROM clock_timestamp() - "
                  "coalesce(pg_last_xact_replay_timestamp(), pg_postmaster_start_time()))::float8 "
                  "AS lag"}},
     .judge = judge_standby},
    {.name = "replication",
     .right = RIGHT_STATS,
     /* One row, of nobody, when there is no standby. */
     .queries = {{0,
                  "SELECT s.who, s.state, s.sync, s.lag, s.bytes, NOT pg_is_in_recovery() AND "
                  "current_setting('synchronous_standby_names') <> '' AS must_wait"
                  " FROM (SELECT 1) one LEFT JOIN (SELECT format('standby %s at %s', "
                  "coalesce(nullif(application_name, ''), 'no name'), coalesce(host(client_addr), "
                  "'this machine')) AS who, state, sync_state IN ('sync', 'quorum') AS sync,"
                  " coalesce(extract(epoch FROM replay_lag), 0)::float8 AS lag,"
                  " greatest(pg_wal_lsn_diff(" HERE ", replay_lsn), 0)::int8 AS bytes"
                  " FROM pg_stat_replication WHERE state <> 'backup') s ON true ORDER BY s.who"}},
     .judge = judge_senders},
    {.name = "slots",
     .queries = {{170000, SLOTS(" AND NOT synced")}, {0, SLOTS("")}},
     .judge = judge_slots},
    {.name = "archiver",
     .queries = {{0,
                  "SELECT current_setting('archive_mode') <> 'off' AS archives, failed_count,"
                  " last_failed_wal, extract(epoch FROM clock_timestamp() - "
                  "last_failed_time)::float8 AS ago,"
                  " coalesce(last_failed_time > coalesce(last_archived_time, '-infinity'), false)"
                  " AS failing FROM pg_stat_archiver"}},
     .judge = judge_archiver},
    {0},
};
