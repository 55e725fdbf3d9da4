/* capacity.c - what the server has a limited number of: connections and locks; and WAL. */
#include <inttypes.h>
#include <stdlib.h>

#include "core/human.h"
#include "restore/load/load.h"
#include "restore/preflight/checks.h"

/* Besides the one that we have: the new database's, the workers', those of the loaders. */
static int
connections_needed(const struct restore *r)
{
    return 1 + r->o->jobs * (r->o->isolated ? 2 : 1);
}

/* Sessions are counted by pg_stat_database, which shows those of all roles to each. */
static const char left_on_server[] =
    "SELECT pg_catalog.current_setting('max_connections')::int - CASE WHEN rolsuper THEN 0 ELSE "
    "pg_catalog.current_setting('superuser_reserved_connections')::int + "
    "COALESCE(pg_catalog.current_setting('reserved_connections', true)::int, 0) END - (SELECT "
    "sum(numbackends) FROM pg_catalog.pg_stat_database WHERE datid <> 0) FROM pg_catalog.pg_roles "
    "WHERE rolname = session_user";
/* NULL: a role without a limit. */
static const char left_of_role[] =
    "SELECT rolconnlimit - (SELECT count(*) FROM pg_catalog.pg_stat_activity WHERE usename = "
    "rolname) FROM pg_catalog.pg_roles WHERE rolname = session_user AND NOT rolsuper AND "
    "rolconnlimit >= 0";

/* *left stays as it is where there is no limit. */
static int
ask_left(struct restore *r, const char *sql, int *left, struct err *e)
{
    char *value = pg_value(r->maintenance, e, sql, 0, NULL);

    if (value == NULL && e->kind != ERR_NOT_FOUND) {
        return err_wrap(e, "looking at the target server");
    }
    err_clear(e);
    *left = value == NULL ? *left : atoi(value);
    free(value);
    return 0;
}

static char *
fewer_jobs(const struct restore *r, int left)
{
    int jobs = (left - 1) / (r->o->isolated ? 2 : 1);

    return jobs < 1 ? xstrdup("end other sessions") : xasprintf("--jobs %d does with fewer", jobs);
}

static void
stop_connections(struct restore *r, const char *who, int left, char *sql)
{
    preflight_add(&r->preflight,
                  (struct preflight_finding){.kind = PREFLIGHT_STOP,
                                             .text = xasprintf("the restore needs %d more "
                                                               "connections, and %s has %d left",
                                                               connections_needed(r), who,
                                                               left < 0 ? 0 : left),
                                             .hint = fewer_jobs(r, left),
                                             .sql = sql});
}

int
check_connections(struct restore *r, struct err *e)
{
    const int needed = connections_needed(r);
    int       left = needed, of_role = needed;

    if (ask_left(r, left_on_server, &left, e) != 0 || ask_left(r, left_of_role, &of_role, e) != 0) {
        return -1;
    }
    if (left < needed) {
        stop_connections(r, "the server (max_connections)", left, NULL);
    }
    if (of_role < needed) {
        char *ident = pg_ident(PQuser(r->maintenance));
        char *who = xasprintf("role \"%s\" (CONNECTION LIMIT)", PQuser(r->maintenance));

        stop_connections(r, who, of_role, xasprintf("ALTER ROLE %s CONNECTION LIMIT -1;", ident));
        free(ident);
        free(who);
    }
    return 0;
}

/* As the manual has it. */
static const char lock_table[] =
    "SELECT pg_catalog.current_setting('max_locks_per_transaction')::bigint * "
    "(pg_catalog.current_setting('max_connections')::bigint + "
    "pg_catalog.current_setting('max_prepared_transactions')::bigint)";

/* Only rows of small tables take many locks: many in one transaction, each worker one.  Statements
 * of the schema go in batches of 64, and CREATE DATABASE, indexes, keys and ANALYZE take a few. */
int
check_locks(struct restore *r, struct err *e)
{
    uint64_t tables = r->n_tables < LOAD_PACK_TABLES ? r->n_tables : LOAD_PACK_TABLES;
    uint64_t needed = tables * (uint64_t)r->o->jobs, have, each;
    char    *value = pg_value(r->maintenance, e, lock_table, 0, NULL);

    if (value == NULL) {
        return err_wrap(e, "looking at the target server");
    }
    have = strtoull(value, NULL, 10);
    free(value);
    if (have < needed) {
        each = needed / (have / 10 + 1) + 10; /* at least 10 are the server's own minimum */
        preflight_add(&r->preflight,
                      (struct preflight_finding){.kind = PREFLIGHT_WARNING,
                                                 .text = xasprintf("the server's lock table has "
                                                                   "room for "
                                                                   "%" PRIu64 ", and the restore "
                                                                   "takes up to "
                                                                   "%" PRIu64 " locks at a time "
                                                                   "(max_locks_per_"
                                                                   "transaction)",
                                                                   have, needed),
                                                 .hint = xstrdup("fewer --jobs take fewer; else "
                                                                 "set it, and "
                                                                 "restart the server"),
                                                 .sql = xasprintf("ALTER SYSTEM SET "
                                                                  "max_locks_per_transaction = "
                                                                  "%" PRIu64 ";",
                                                                  each < 64 ? 64 : each)});
    }
    return 0;
}

static const char wal_kept[] =
    "SELECT pg_catalog.concat_ws(' and ', "
    "CASE WHEN pg_catalog.current_setting('archive_mode') <> 'off' THEN 'is archived' END, "
    "CASE WHEN n > 0 THEN 'is kept for ' || n || ' replication slot' || CASE WHEN n > 1 THEN 's' "
    "ELSE '' END END) FROM (SELECT count(*) AS n FROM pg_catalog.pg_replication_slots) s "
    "WHERE pg_catalog.current_setting('wal_level') <> 'minimal'";

/* Each row is written there once, and so is each index. */
int
check_wal(struct restore *r, struct err *e)
{
    char  size[32];
    char *who = pg_value(r->maintenance, e, wal_kept, 0, NULL);

    if (who == NULL && e->kind != ERR_NOT_FOUND) {
        return err_wrap(e, "looking at the target server");
    }
    err_clear(e);
    if (who != NULL && *who != '\0') {
        preflight_note(&r->preflight,
                       xasprintf("about %s of WAL will be written, which %s",
                                 size_human(preflight_disk_bytes(r), size, sizeof size), who));
    }
    free(who);
    return 0;
}
