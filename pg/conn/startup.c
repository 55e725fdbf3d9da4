#include "pg/conn/startup.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "pg/conn/tools.h"

/* Known to every server since 13.  Children (pg_dump) have them, too: settings of a role or
 * database could end them before they make their own, and they do not reset quote_all_identifiers,
 * or the TimeZone and lc_monetary with which constants of definitions are printed.  Their hundreds
 * of small queries are not worth JIT or parallel workers. */
#define PLAIN                                                                                      \
    "-c statement_timeout=0 -c lock_timeout=0 -c idle_in_transaction_session_timeout=0"            \
    " -c quote_all_identifiers=off -c standard_conforming_strings=on -c TimeZone=UTC"              \
    " -c lc_monetary=C -c jit=off -c max_parallel_workers_per_gather=0"
#define QUIET " -c event_triggers=off"

/* The first version that has login event triggers, and the setting. */
enum { QUIET_VERSION = 170000 };

static pthread_mutex_t    lock = PTHREAD_MUTEX_INITIALIZER;
static struct strlist     servers;    /* servers connected to */
static enum startup_level levels[16]; /* and the level of each; further ones are tried again */
static int                newest_pg_dump = -1;

/* An attempt that an old server refuses is a line in its log.  If no program of 17 or later is
 * installed, servers of 17 cannot be backed up, and no attempt is made.  The caller holds the
 * lock. */
static bool
may_be_quiet(void)
{
    struct pg_tool t = {0};
    struct err     ignored = ERR_INIT;

    if (newest_pg_dump < 0) {
        newest_pg_dump = pg_tool_find("pg_dump", 0, &t, &ignored) == 0 ? t.version_num : 0;
        pg_tool_free(&t);
    }
    return newest_pg_dump >= QUIET_VERSION || PQlibVersion() >= QUIET_VERSION;
}

static size_t
find(const char *server)
{
    size_t i = 0;

    while (i < servers.n && strcmp(servers.v[i], server) != 0) {
        i++;
    }
    return i;
}

enum startup_level
startup_first(const char *server, int version)
{
    enum startup_level level;
    size_t             i;

    (void)pthread_mutex_lock(&lock);
    i = find(server);
    if (i < servers.n) {
        level = levels[i];
    } else if (version > 0 ? version >= QUIET_VERSION : may_be_quiet()) {
        level = STARTUP_QUIET;
    } else {
        level = STARTUP_PLAIN;
    }
    (void)pthread_mutex_unlock(&lock);
    return level;
}

/* Servers translate the message, but not the setting's name: "unrecognized configuration
 * parameter "event_triggers"", "permission denied to set parameter "event_triggers"".  PgBouncer
 * says "unsupported startup parameter: options", from 1.20 on "unsupported startup parameter in
 * options: jit". */
bool
startup_refused(const char *text, enum startup_level *level)
{
    if (*level > STARTUP_NOTHING && strstr(text, "startup parameter") != NULL) {
        *level = STARTUP_NOTHING;
        return true;
    }
    if (*level == STARTUP_QUIET && strstr(text, "event_triggers") != NULL) {
        *level = STARTUP_PLAIN;
        return true;
    }
    return false;
}

void
startup_took(const char *server, int version, enum startup_level level, bool refused)
{
    if (level == STARTUP_PLAIN && !refused && version >= QUIET_VERSION) {
        level = STARTUP_QUIET; /* unexpected: later connections may try */
    }
    (void)pthread_mutex_lock(&lock);
    if (find(server) == servers.n && servers.n < sizeof levels / sizeof levels[0]) {
        levels[servers.n] = level;
        strlist_add(&servers, server);
    }
    (void)pthread_mutex_unlock(&lock);
}

char *
startup_options(const char *given, enum startup_level level)
{
    bool any = given != NULL && *given != '\0';

    if (level == STARTUP_NOTHING) {
        return any ? xstrdup(given) : NULL;
    }
    return xasprintf("%s%s" PLAIN "%s", any ? given : "", any ? " " : "",
                     level == STARTUP_QUIET ? QUIET : "");
}

enum startup_level
startup_level_of(const PGconn *conn)
{
    const char *options = PQoptions(conn);

    if (options == NULL || strstr(options, PLAIN) == NULL) {
        return STARTUP_NOTHING;
    }
    return strstr(options, PLAIN QUIET) != NULL ? STARTUP_QUIET : STARTUP_PLAIN;
}
