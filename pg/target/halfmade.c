#include "pg/target/halfmade.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/crypto/hash.h"
#include "core/host/procid.h"
#include "core/human.h"
#include "core/log.h"
#include "core/when.h"

enum { RANDOM_BYTES = 4, OLD_SECONDS = 24 * 3600 };

static const char restoring[] = "_restoring_";
static const char kept[] = "pgassay-restore: kept";
static const char half_made[] = "pgassay-restore: half made";

char *
halfmade_name(const char *of, const char *what)
{
    char suffix[32];

    (void)snprintf(suffix, sizeof suffix, "_%s_", what);
    random_hex(RANDOM_BYTES, suffix + strlen(suffix));
    return pg_name_with(of, suffix);
}

/* "shop" + "_restoring_" + eight hexadecimal digits.  of NULL: of any name. */
static bool
is_name(const char *name, const char *of)
{
    size_t n = strlen(name), tail = sizeof restoring - 1 + 2 * RANDOM_BYTES;
    char  *its;
    bool   is;

    if (n <= tail || strncmp(name + n - tail, restoring, sizeof restoring - 1) != 0 ||
        strspn(name + n - 2 * RANDOM_BYTES, "0123456789abcdef") != 2 * RANDOM_BYTES) {
        return false;
    }
    its = of == NULL ? NULL : pg_name_with(of, name + n - tail);
    is = its == NULL || strcmp(its, name) == 0;
    free(its);
    return is;
}

bool
halfmade_lock(PGconn *conn, const char *name)
{
    struct err  ignored = ERR_INIT;
    const char *params[] = {name};
    char       *got = pg_value(conn, &ignored,
                               "SELECT pg_catalog.pg_try_advisory_lock(pg_catalog.hashtextextended("
                                     "'pgassay-restore ' || $1, 0))",
                               1, params);
    bool        locked = got != NULL && *got == 't';

    free(got);
    return locked;
}

int
halfmade_holder(PGconn *conn, const char *name, char **doing)
{
    static const char sql[] =
        "SELECT l.pid, CASE WHEN a.state = 'active' THEN pg_catalog.left("
        "pg_catalog.regexp_replace(a.query, '\\s+', ' ', 'g'), 60) END, pg_catalog.date_part("
        "'epoch', pg_catalog.clock_timestamp() - a.query_start) FROM pg_catalog.pg_locks l LEFT "
        "JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid WHERE l.locktype = 'advisory' AND "
        "l.granted AND l.objsubid = 1 AND l.database = (SELECT oid FROM pg_catalog.pg_database "
        "WHERE datname = pg_catalog.current_database()) AND (l.classid::pg_catalog.int8 << 32) | "
        "l.objid::pg_catalog.int8 = pg_catalog.hashtextextended('pgassay-restore ' || $1, 0)";
    struct err  ignored = ERR_INIT;
    const char *params[] = {name};
    PGresult   *res = pg_query(conn, &ignored, sql, 1, params);
    char        age[32];
    int         pid = 0;

    *doing = NULL;
    if (res != NULL && PQntuples(res) == 1) {
        pid = atoi(PQgetvalue(res, 0, 0));
        *doing = PQgetisnull(res, 0, 1)
            ? xasprintf("server process %d", pid)
            : xasprintf("server process %d, at \"%s\" for %s", pid, PQgetvalue(res, 0, 1),
                        duration_human(strtod(PQgetvalue(res, 0, 2), NULL), age, sizeof age));
    }
    PQclear(res);
    return pid;
}

int
halfmade_busy(PGconn *conn, const char *name, struct err *e)
{
    char *doing;
    int   pid = halfmade_holder(conn, name, &doing);

    err_set(e, ERR_BUSY, "another restore of database \"%s\" is under way on this server%s%s%s",
            name, pid == 0 ? "" : " (", pid == 0 ? "" : doing, pid == 0 ? "" : ")");
    free(doing);
    return pid == 0 ? err_hint(e, "wait for it, or end it; --status shows what it has made")
                    : err_hint(e,
                               "wait for it, or end it; if it was killed, the server ends its "
                               "session "
                               "after that statement, or at once by SELECT "
                               "pg_terminate_backend(%d); "
                               "--status shows what it has made",
                               pid);
}

static void
this_host(char out[HOST_NAME_MAX + 1])
{
    if (gethostname(out, HOST_NAME_MAX) != 0) {
        out[0] = '\0';
    }
    out[HOST_NAME_MAX] = '\0';
}

int
halfmade_comment(PGconn *conn, const char *name, const char *text, struct err *e)
{
    char *ident = pg_ident(name), *literal = pg_literal(conn, text);
    int   rc = literal == NULL ? err_set(e, ERR_PG, "cannot quote \"%s\"", text)
                               : pg_execf(conn, e,
                                          "SET LOCAL synchronous_commit = on; COMMENT ON DATABASE "
                                            "%s IS %s",
                                          ident, literal);

    free(ident);
    free(literal);
    return rc;
}

static bool
is_replacing(const char *text)
{
    return strncmp(text, HALFMADE_REPLACING, sizeof HALFMADE_REPLACING - 1) == 0;
}

enum halfmade
halfmade_read(const char *text, const char **rest)
{
    *rest = NULL;
    if (text != NULL &&
        (strncmp(text, half_made, sizeof half_made - 1) == 0 || is_replacing(text))) {
        return HALFMADE_IT_IS;
    }
    if (text == NULL || strncmp(text, kept, sizeof kept - 1) != 0) {
        return HALFMADE_NOT;
    }
    text += sizeof kept - 1;
    *rest = *text == '\n' ? text + 1 : NULL;
    return HALFMADE_KEPT;
}

int
halfmade_mark(PGconn *conn, const char *name, struct err *e)
{
    char          host[HOST_NAME_MAX + 1];
    struct procid self;
    char         *text;
    int           rc;

    this_host(host);
    procid_self(&self);
    text = xasprintf("%s, process %jd at %jd on %s, begun %jd in %s", half_made, (intmax_t)self.pid,
                     (intmax_t)time(NULL), host, (intmax_t)self.started, self.machine);
    rc = halfmade_comment(conn, name, text, e);
    free(text);
    return rc;
}

int
halfmade_mark_kept(PGconn *conn, const char *name, const char *its_own, struct err *e)
{
    char *text = its_own == NULL ? xstrdup(kept) : xasprintf("%s\n%s", kept, its_own);
    int   rc = halfmade_comment(conn, name, text, e);

    free(text);
    return rc;
}

bool
halfmade_is_marked(PGconn *conn, const char *name)
{
    struct err  ignored = ERR_INIT;
    const char *params[] = {name};
    char       *text = pg_value(conn, &ignored,
                                "SELECT pg_catalog.shobj_description(oid, 'pg_database') FROM "
                                      "pg_catalog.pg_database WHERE datname = $1",
                                1, params);
    bool        marked = text != NULL && strncmp(text, half_made, sizeof half_made - 1) == 0;

    free(text);
    return marked;
}

/* What a comment says of who makes it. */
struct maker {
    struct procid process;
    intmax_t      since;
    char          host[HOST_NAME_MAX + 1];
};

static bool
read_maker(const char *text, struct maker *m)
{
    enum { PLACES = 5 };
    intmax_t pid, started;

    *m = (struct maker){0};
    if (strncmp(text, half_made, sizeof half_made - 1) != 0 ||
        sscanf(text + sizeof half_made - 1,
               ", process %jd at %jd on %64[^,], begun %jd in %79[^\n]", &pid, &m->since, m->host,
               &started, m->process.machine) != PLACES) {
        return false;
    }
    m->process.pid = pid;
    m->process.started = started;
    return true;
}

/* By the comment alone.  Who the maker was is certain only on its own machine, since its boot;
 * otherwise age and sessions decide. */
static bool
maker_is_dead(const char *text, bool in_use)
{
    struct procid self;
    struct maker  maker;

    if (!read_maker(text, &maker)) {
        return false;
    }
    procid_self(&self);
    if (self.machine[0] != '\0' && strcmp(self.machine, maker.process.machine) == 0) {
        return procid_gone(&maker.process);
    }
    return !in_use && time(NULL) - maker.since > OLD_SECONDS;
}

static void
drop(PGconn *conn, const char *name)
{
    struct err why = ERR_INIT;
    char      *ident = pg_ident(name);

    if (pg_execf(conn, &why, "DROP DATABASE IF EXISTS %s WITH (FORCE)", ident) == 0) {
        log_info("removed database \"%s\", left over from a restore that was killed", name);
    } else {
        log_warn(
            "database \"%s\", left over from a restore that was killed, could not be removed: "
            "%s",
            name, why.text);
    }
    free(ident);
}

int
halfmade_remove_dead(PGconn *conn, const char *of, struct err *e)
{
    PGresult *res = pg_query(conn, e,
                             "SELECT d.datname, coalesce(pg_catalog.shobj_description(d.oid, "
                             "'pg_database'), ''), EXISTS (SELECT FROM pg_catalog.pg_stat_activity "
                             "a WHERE a.datid = "
                             "d.oid) FROM pg_catalog.pg_database d WHERE d.datname ~ "
                             "'_restoring_[0-9a-f]{8}$'",
                             0, NULL);

    for (int i = 0; res != NULL && i < PQntuples(res); i++) {
        const char *name = PQgetvalue(res, i, 0), *text = PQgetvalue(res, i, 1);
        bool        dead = maker_is_dead(text, PQgetvalue(res, i, 2)[0] == 't');

        if (strncmp(text, kept, sizeof kept - 1) != 0 && !is_replacing(text) &&
            is_name(name, NULL) && (dead || is_name(name, of)) && halfmade_lock(conn, name)) {
            drop(conn, name);
        }
    }
    PQclear(res);
    return res == NULL ? -1 : 0;
}

bool
halfmade_is_free(PGconn *conn, const char *name)
{
    struct err  ignored = ERR_INIT;
    const char *params[] = {name};

    if (!halfmade_lock(conn, name)) {
        return false;
    }
    PQclear(pg_query(conn, &ignored,
                     "SELECT pg_catalog.pg_advisory_unlock(pg_catalog.hashtextextended("
                     "'pgassay-restore ' || $1, 0))",
                     1, params));
    return true;
}

/* What became of one whose restore has not ended, or has died; allocated. */
static char *
fate(PGconn *conn, const char *name, const char *text)
{
    struct maker maker;
    char         at[32], *doing, *fate;

    if (halfmade_is_free(conn, name)) {
        return xstrdup(
            "its restore has died, and has changed nothing else: the same command once more begins "
            "anew, and removes it");
    }
    if (!read_maker(text, &maker)) {
        return xstrdup("a restore is making it");
    }
    (void)halfmade_holder(conn, name, &doing);
    if (doing != NULL && procid_gone(&maker.process)) {
        fate = xasprintf(
            "its restore has died (process %jd on %s), but its session is still at work: "
            "%s; then the same command once more begins anew, and removes it",
            (intmax_t)maker.process.pid, maker.host, doing);
    } else {
        fate = xasprintf("a restore is making it, since %s (process %jd on %s%s%s)",
                         when_local((time_t)maker.since, time(NULL), at, sizeof at),
                         (intmax_t)maker.process.pid, maker.host, doing == NULL ? "" : "; ",
                         doing == NULL ? "" : doing);
    }
    free(doing);
    return fate;
}

int
halfmade_list(PGconn *conn, const char *of, struct strlist *lines, struct err *e)
{
    PGresult *res = pg_query(conn, e,
                             "SELECT d.datname, pg_catalog.shobj_description(d.oid, "
                             "'pg_database') FROM pg_catalog.pg_database d WHERE " HALFMADE_SQL
                             " ORDER BY 1",
                             0, NULL);

    for (int i = 0; res != NULL && i < PQntuples(res); i++) {
        const char *name = PQgetvalue(res, i, 0), *text = PQgetvalue(res, i, 1);
        char       *state;

        if (is_replacing(text) || (of != NULL && !is_name(name, of))) {
            continue;
        }
        state = strncmp(text, kept, sizeof kept - 1) == 0 ? xstrdup(
                                                                "restored, but not switched to: "
                                                                "--switch-to takes it, DROP "
                                                                "DATABASE removes it")
                                                          : fate(conn, name, text);
        strlist_take(lines, xasprintf("%s: %s", name, state));
        free(state);
    }
    PQclear(res);
    return res == NULL ? -1 : 0;
}
