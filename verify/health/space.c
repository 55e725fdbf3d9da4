/* Room, and what the disks say: sizes, pg_wal, free space, checksums, cache. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "core/human.h"
#include "verify/health/checks.h"

/* Below this share of hits the disks do the cache's work (a runbook's limit); counted only when
 * enough was read to say so. */
enum { CACHE_WARNING = 90, CACHE_READS_MIN = 100000 };
/* pg_wal may be larger than max_wal_size for a while, after a burst. */
enum { WAL_TIMES = 2 };
enum { LARGEST_SHOWN = 3 };

static void
judge_databases(struct health *h, const PGresult *res)
{
    json_t  *list = json_array();
    uint64_t all = 0;
    char     size[16], count[48];

    for (int i = 0; i < PQntuples(res); i++) {
        all += (uint64_t)cell_int(res, i, "bytes");
        json_array_append_new(list,
                              json_pack("{s:s, s:I}", "name", cell_text(res, i, "name"), "bytes",
                                        (json_int_t)cell_int(res, i, "bytes")));
    }
    json_object_set_new(h->report->facts, "databases", list);
    watch_metric(h->report, (struct watch_metric){"databases_size", "B", (double)all, NAN, NAN});
    if (PQntuples(res) == 0)
        return;
    watch_line(h->report, "databases", "%s, %s",
               count_human((uint64_t)PQntuples(res), "database", count, sizeof count),
               size_human(all, size, sizeof size));
    for (int i = 0; i < PQntuples(res) && i < LARGEST_SHOWN; i++)
        watch_line(h->report, "", "%s %s", cell_text(res, i, "name"),
                   size_human((uint64_t)cell_int(res, i, "bytes"), size, sizeof size));
}

static void
judge_tables(struct health *h, const PGresult *res)
{
    json_t *list = json_array();
    char    size[16];

    for (int i = 0; i < PQntuples(res); i++) {
        json_array_append_new(list,
                              json_pack("{s:s, s:s, s:I}", "schema", cell_text(res, i, "schema"),
                                        "name", cell_text(res, i, "name"), "bytes",
                                        (json_int_t)cell_int(res, i, "bytes")));
        if (i < LARGEST_SHOWN)
            watch_line(h->report, i == 0 ? "largest tables" : "", "%s.%s %s",
                       cell_text(res, i, "schema"), cell_text(res, i, "name"),
                       size_human((uint64_t)cell_int(res, i, "bytes"), size, sizeof size));
    }
    json_object_set_new(h->report->facts, "tables", list);
}

static void
judge_wal(struct health *h, const PGresult *res)
{
    double bytes = cell_real(res, 0, "bytes"), max = cell_real(res, 0, "max") * WAL_TIMES;
    char   size[16], limit[16];

    watch_metric(h->report, (struct watch_metric){"pg_wal", "B", bytes, max, NAN});
    json_object_set_new(h->report->facts, "pg_wal_bytes", json_integer((json_int_t)bytes));
    watch_line(h->report, "pg_wal", "%s", size_human((uint64_t)bytes, size, sizeof size));
    if (bytes > max)
        watch_find(
            h->report,
            (struct watch_finding){
                .severity = WATCH_WARNING,
                .object = "pg_wal",
                .what = watch_text(h->report, "holds %s, max_wal_size is %s", size,
                                   size_human((uint64_t)(max / WAL_TIMES), limit, sizeof limit)),
                .means = "something keeps WAL: a slot, a failing archive_command, or "
                         "checkpoints that do not come round",
                .action = "look at the slots and at the archiver; never remove files there",
                .command = "SELECT slot_name, active, restart_lsn FROM pg_replication_slots"});
}

/* Through a socket of the file system the server is on this machine; over TCP that cannot be
 * known. */
static bool
is_local(PGconn *conn)
{
    const char *host = PQhost(conn);

    return host != NULL && (host[0] == '/' || host[0] == '@');
}

static void
judge_one_disk(struct health *h, const char *what, const char *path)
{
    struct statvfs       fs;
    double               share;
    char                 free_text[16];
    struct watch_finding f = {.object = watch_text(h->report, "%s (%s)", what, path)};

    if (statvfs(path, &fs) != 0 || fs.f_blocks == 0) {
        f.severity = WATCH_UNKNOWN;
        f.what = watch_text(h->report, "could not be checked: %s", strerror(errno));
        f.action =
            "run this where the server's directories can be seen, or watch its disks "
            "otherwise";
        watch_find(h->report, f);
        return;
    }
    share = 100.0 * (double)fs.f_bavail / (double)fs.f_blocks;
    size_human((uint64_t)fs.f_bavail * fs.f_frsize, free_text, sizeof free_text);
    watch_metric(
        h->report,
        (struct watch_metric){watch_text(h->report, "free %s", what), "%", share, NAN, NAN});
    watch_line(h->report, "free", "%.0f %% (%s) for the %s", share, free_text, what);
    if (share >= h->limits->disk_free)
        return;
    f.severity = share < h->limits->disk_free / 2.0 ? WATCH_CRITICAL : WATCH_WARNING;
    f.what = watch_text(h->report, "has %.0f %% of its disk free, %s", share, free_text);
    f.means = "the server stops when it is full";
    f.action =
        "make room: old logs, old backups beside it; look at pg_wal, slots and temporary "
        "files; enlarge the disk";
    f.command =
        "SELECT datname, pg_size_pretty(pg_database_size(datname)) FROM pg_database ORDER BY "
        "pg_database_size(datname) DESC";
    watch_find(h->report, f);
}

static void
judge_disk(struct health *h, const PGresult *res)
{
    if (!is_local(h->conn)) {
        watch_skip(h->report,
                   "the connection is no local socket: the server may be on another machine");
        return;
    }
    for (int i = 0; i < PQntuples(res); i++)
        judge_one_disk(h, cell_text(res, i, "what"), cell_text(res, i, "path"));
}

static void
judge_checksums(struct health *h, const PGresult *res)
{
    char ago[32];

    for (int i = 0; i < PQntuples(res); i++)
        watch_find(
            h->report,
            (struct watch_finding){
                .severity = WATCH_CRITICAL,
                .object = cell_text(res, i, "whose"),
                .what = watch_text(h->report,
                                   "%" PRId64 " pages were not as they were "
                                   "written, the last %s ago",
                                   cell_int(res, i, "failures"),
                                   duration_human(cell_real(res, i, "ago"), ago, sizeof ago)),
                .means = "a disk, its controller or the memory loses data",
                .action = "find the relation in the server's log; prove the newest backup "
                          "(pgassay verify drill --amcheck); move to other hardware",
                .command = "SELECT datname, checksum_failures, checksum_last_failure FROM "
                           "pg_stat_database WHERE checksum_failures > 0"});
}

static void
judge_cache(struct health *h, const PGresult *res)
{
    double hit = cell_real(res, 0, "hit"), all = hit + cell_real(res, 0, "read"),
           share = all > 0 ? 100 * hit / all : 100;

    watch_metric(h->report, (struct watch_metric){"cache_hits", "%", share, NAN, NAN});
    watch_line(h->report, "cache hits", "%.1f %%", share);
    if (all < CACHE_READS_MIN || share >= CACHE_WARNING)
        return;
    watch_find(h->report,
               (struct watch_finding){.severity = WATCH_WARNING,
                                      .object = "the cache",
                                      .what = watch_text(h->report,
                                                         "served %.1f %% of the pages that were "
                                                         "read, "
                                                         "less than %d %%",
                                                         share, CACHE_WARNING),
                                      .means = "queries wait for disks",
                                      .action = "look for scans of whole tables where an index "
                                                "is missing; raise "
                                                "shared_buffers",
                                      .command = "SELECT relname, seq_scan, seq_tup_read FROM "
                                                 "pg_stat_user_tables ORDER "
                                                 "BY seq_tup_read DESC LIMIT 10"});
}

const struct health_check space_checks[] = {
    {.name = "databases",
     .right = RIGHT_STATS,
     .queries = {{0,
                  "SELECT datname AS name, pg_database_size(oid) AS bytes FROM pg_database"
                  " ORDER BY 2 DESC, 1"}},
     .judge = judge_databases},
    /* By what VACUUM and ANALYZE have written down: sizes of the files would need a lock on each
     * table, and one that somebody has locked would end this. */
    {.name = "tables",
     .queries = {{0,
                  "SELECT n.nspname AS schema, c.relname AS name, (c.relpages::int8 + "
                  "coalesce(t.relpages, 0)) * current_setting('block_size')::int8 AS bytes"
                  " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
                  " LEFT JOIN pg_class t ON t.oid = c.reltoastrelid"
                  " WHERE c.relkind IN ('r', 'm') AND n.nspname <> 'pg_catalog'"
                  " AND n.nspname <> 'information_schema' AND c.relpages > 0"
                  " ORDER BY 3 DESC, 1, 2 LIMIT 10"}},
     .judge = judge_tables},
    {.name = "pg-wal",
     .right = RIGHT_WAL_DIR,
     .queries = {{0,
                  "SELECT coalesce(sum(size), 0)::float8 AS bytes, greatest("
                  "pg_size_bytes(current_setting('max_wal_size')), "
                  "pg_size_bytes(current_setting('wal_keep_size')))::float8 AS max"
                  " FROM pg_ls_waldir()"}},
     .judge = judge_wal},
    {.name = "disk",
     .right = RIGHT_SETTINGS,
     .queries = {{0,
                  "SELECT 'data directory' AS what, current_setting('data_directory') AS path"
                  " UNION ALL (SELECT 'tablespace ' || spcname, pg_tablespace_location(oid)"
                  " FROM pg_tablespace WHERE pg_tablespace_location(oid) LIKE '/%'"
                  " ORDER BY spcname)"}},
     .judge = judge_disk},
    {.name = "checksums",
     .queries = {{0,
                  "SELECT coalesce('database ' || datname, 'shared tables') AS whose,"
                  " checksum_failures AS failures, extract(epoch FROM clock_timestamp() -"
                  " checksum_last_failure)::float8 AS ago FROM pg_stat_database"
                  " WHERE checksum_failures > 0 ORDER BY 2 DESC, 1"}},
     .judge = judge_checksums},
    {.name = "cache",
     .queries = {{0,
                  "SELECT coalesce(sum(blks_hit), 0)::float8 AS hit, coalesce(sum(blks_read), "
                  "0)::float8 AS read FROM pg_stat_database"}},
     .judge = judge_cache},
    {0},
};
