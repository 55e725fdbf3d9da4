/*
 * session.c - connecting, and the settings that every session runs with.
 */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

#include "core/cancel.h"
#include "core/human.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/runid.h"
#include "core/similar.h"
#include "pg/conn/conn.h"
#include "pg/conn/startup.h"
#include "pg/conn/target.h"
#include "pg/conn/wait.h"

/*
 * Settings that an operator or an application may have made for the role or the database, and their
 * effect here.  They are sent as one message, so a connection costs one round trip.
 */
static const char SETTINGS[] =
    /* Any of these ends a long COPY, or the coordinator while it waits for the others. */
    "SET statement_timeout = 0; SET lock_timeout = 0; SET idle_in_transaction_session_timeout = 0;"
    "SET default_transaction_read_only = off; SET default_transaction_deferrable = off;"
    "SET default_transaction_isolation = 'read committed';"
    /* Policies must raise an error, never filter rows silently. */
    "SET row_security = off;"
    "SELECT pg_catalog.set_config('search_path', '', false);"
    "SELECT pg_catalog.set_config('client_encoding', pg_catalog.getdatabaseencoding(), false);"
    /* One text for one value in every session: text COPY and fingerprints depend on it. */
    "SET DateStyle = ISO; SET IntervalStyle = postgres; SET TimeZone = 'UTC'; SET "
    "extra_float_digits = 3;"
    "SET bytea_output = hex; SET lc_monetary = 'C'; SET standard_conforming_strings = on;"
    "SET quote_all_identifiers = off;"
    /* Else content that is not a document is refused, and NULL elements become the string
     * 'NULL'. */
    "SET xmloption = content; SET array_nulls = on;"
    /* Rows in heap order from the first block: else unchanged tables give new chunks.  A range
     * must be a TID range scan.  A narrow table must not be read from a covering index. */
    "SET synchronize_seqscans = off; SET max_parallel_workers_per_gather = 0; SET enable_tidscan = "
    "on;"
    "SET enable_seqscan = on; SET enable_indexonlyscan = off; SET jit = off;"
    /* Else planning evaluates CHECK constraints: functions of a table's owner, run as the reading
     * role. */
    "SET constraint_exclusion = off;"
    "SET client_min_messages = warning;";

/* A damaged page is an error, not a page without rows (damage.h).  Roles without the right: see
 * note_damage_hidden() in snapshot.c. */
#define OFF(name, may)                                                                             \
    "SELECT pg_catalog.set_config('" name                                                          \
    "', 'off', false)"                                                                             \
    " WHERE pg_catalog.current_setting('" name "') = 'on' AND " may ";"
#define SUPERUSER          "pg_catalog.current_setting('is_superuser') = 'on'"
#define MAY_SET(parameter) "pg_catalog.has_parameter_privilege('" parameter "', 'SET')"
static const char SETTINGS_BELOW_15[] = OFF("zero_damaged_pages", SUPERUSER)
    OFF("ignore_checksum_failure", SUPERUSER);
static const char SETTINGS_15[] = OFF("zero_damaged_pages", MAY_SET("zero_damaged_pages"))
    OFF("ignore_checksum_failure", MAY_SET("ignore_checksum_failure"));
static const char SETTINGS_14[] = "SET idle_session_timeout = 0;";
/* Event triggers are meant for the database's users (startup.h; a role without the right cannot
 * turn them off). */
static const char SETTINGS_17[] =
    "SET transaction_timeout = 0;"
    "SELECT pg_catalog.set_config('event_triggers', 'off', false)"
    " WHERE pg_catalog.has_parameter_privilege('event_triggers', 'SET');";
/* A name that was a sequence's when it was listed may be a view's when it is read: the view's
 * functions would run as the reading role.  Known since the minor releases of August 2024. */
static const char SETTINGS_READING[] =
    "SELECT pg_catalog.set_config('restrict_nonsystem_relation_kind', 'view, foreign-table', false)"
    " WHERE pg_catalog.current_setting('restrict_nonsystem_relation_kind', true) IS NOT NULL;";
static const char SETTINGS_RESTORING[] =
    "SET check_function_bodies = off; SET synchronous_commit = off;";

/* One line each, without the context and the position in the server's source that libpq would
 * print. */
static void
on_notice(void *ctx, const PGresult *r)
{
    const char *severity = PQresultErrorField(r, PG_DIAG_SEVERITY);
    const char *primary = PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY);

    (void)ctx;
    if (severity != NULL && primary != NULL) {
        log_info("server: %s: %s", severity, primary);
    } else {
        log_info("server: %s", PQresultErrorMessage(r)); /* libpq's own notices have no fields */
    }
}

static int
apply_settings(PGconn *conn, const struct pg_target *t, enum pg_purpose purpose, struct err *e)
{
    enum { PATIENCE = 20 };
    int   version = PQserverVersion(conn);
    char *role = t->role != NULL ? pg_ident(t->role) : NULL;
    int   rc;

    for (int left = PATIENCE;; left--) {
        rc = pg_execf(conn, e, "%s%s%s%s%s%s%s", SETTINGS,
                      version >= 150000 ? SETTINGS_15 : SETTINGS_BELOW_15,
                      version >= 140000 ? SETTINGS_14 : "", version >= 170000 ? SETTINGS_17 : "",
                      purpose == PG_RESTORING ? SETTINGS_RESTORING : SETTINGS_READING,
                      role != NULL ? "SET ROLE " : "", role != NULL ? role : "");
        if (rc == 0 || left == 0 || strcmp(e->sqlstate, "57014") != 0) {
            break;
        }
        /* A role's statement_timeout of a few milliseconds ended it on a busy server: the statement
         * that lifts the timeout is short. */
        err_clear(e);
        (void)pg_exec(conn, e, "SET statement_timeout = 0");
        err_clear(e);
    }
    free(role);
    if (rc != 0) {
        err_wrap(e, "could not prepare the session");
    }
    return rc;
}

/* libpq quotes parts of a string that it cannot parse, and the part may be a password: so the
 * string is parsed beforehand, and libpq's message is not repeated. */
static int
check_conninfo(const char *text, struct err *e)
{
    PQconninfoOption *parsed;
    char             *why = NULL;
    bool uri = strncmp(text, "postgres://", 11) == 0 || strncmp(text, "postgresql://", 13) == 0;

    if (!uri && strchr(text, '=') == NULL) {
        return 0; /* a bare database name */
    }
    parsed = PQconninfoParse(text, &why);
    PQfreemem(why);
    if (parsed == NULL) {
        err_set(e, ERR_USAGE, "the connection string cannot be understood");
        return err_hint(e,
                        "write it as \"host=… port=… dbname=… user=…\" or "
                        "\"postgresql://user@host:port/dbname\"; "
                        "values with spaces need single quotes");
    }
    PQconninfoFree(parsed);
    return 0;
}

bool
pg_names_database(const char *conninfo)
{
    PQconninfoOption *parsed = strpbrk(conninfo, "=/") == NULL ? NULL
                                                               : PQconninfoParse(conninfo, NULL);
    bool              named = parsed == NULL;

    for (const PQconninfoOption *o = parsed; o != NULL && o->keyword != NULL; o++) {
        named = named ||
            (o->val != NULL && *o->val != '\0' &&
             (strcmp(o->keyword, "dbname") == 0 || strcmp(o->keyword, "service") == 0));
    }
    PQconninfoFree(parsed);
    return named;
}

char *
pg_application_name(const char *program)
{
    return *run_id() == '\0' ? xstrdup(program) : xasprintf("%s %s", program, run_id());
}

/* refuse: libpq only combines the settings, and does not connect. */
static PGconn *
start_connection(const struct pg_target *t, const char *application, const char *options,
                 bool refuse)
{
    const char *keys[12], *values[12];
    int         n = 0;
    /* A host that overrides the string is not at the string's address. */
    char   *moved = t->host != NULL ? pg_conninfo_without(t->conninfo, "hostaddr") : NULL;
    char   *name = application == NULL ? NULL : pg_application_name(application);
    PGconn *conn;
    const struct {
        const char *key, *value;
    } given[] = {
        /* The first dbname may be a whole connection string; later values override it. */
        {"dbname", moved != NULL ? moved : t->conninfo},
        {"host", t->host},
        {"port", t->port},
        {"user", t->user},
        {"dbname", t->dbname},
        {"fallback_application_name", name},
        /* Whatever $PGCLIENTENCODING says, even what the server could not convert to: SETTINGS
         * has the final one. */
        {"client_encoding", "SQL_ASCII"},
        {"options", options},
        {"sslmode", refuse ? "?" : NULL},
        {"password", refuse ? "?" : t->password}, /* so that ~/.pgpass is not read */
    };

    for (size_t i = 0; i < sizeof given / sizeof given[0]; i++) {
        if (given[i].value != NULL) {
            keys[n] = given[i].key;
            values[n++] = given[i].value;
        }
    }
    keys[n] = values[n] = NULL;
    /* A lone database name is never a connection string. */
    conn = PQconnectStartParams(keys, values, t->conninfo != NULL);
    free(name);
    free(moved);
    return conn;
}

/* The result of connection string, service file and environment in libpq: `options` (NULL: none),
 * and a text that names the server and the user.  libpq tells this only of a connection, so it gets
 * one that it refuses to begin.  Both allocated.  -1: out of memory. */
static int
merged_settings(const struct pg_target *t, char **options, char **server)
{
    PGconn           *conn = start_connection(t, NULL, NULL, true);
    PQconninfoOption *all = conn != NULL ? PQconninfo(conn) : NULL;
    struct buf        name = BUF_INIT(BUF_NO_LIMIT);

    *options = NULL;
    for (const PQconninfoOption *o = all; o != NULL && o->keyword != NULL; o++) {
        if (o->val == NULL || *o->val == '\0') {
            continue;
        }
        if (strcmp(o->keyword, "options") == 0) {
            *options = xstrdup(o->val);
        } else if (strcmp(o->keyword, "host") == 0 || strcmp(o->keyword, "hostaddr") == 0 ||
                   strcmp(o->keyword, "port") == 0 || strcmp(o->keyword, "user") == 0) {
            pg_conninfo_add(&name, o->keyword, o->val);
        }
    }
    PQconninfoFree(all);
    PQfinish(conn);
    *server = xstrdup(buf_str(&name));
    buf_free(&name);
    return all != NULL ? 0 : -1;
}

/* Seconds to wait in all, or 0 for no limit.  PQconnectPoll() leaves connect_timeout to its
 * caller. */
static double
connect_patience(PGconn *conn)
{
    PQconninfoOption *options = PQconninfo(conn);
    double            seconds = 0;
    int               hosts = 1;

    for (PQconninfoOption *o = options; o != NULL && o->keyword != NULL; o++) {
        if (o->val != NULL && strcmp(o->keyword, "connect_timeout") == 0) {
            seconds = MAX(atoi(o->val), 0);
        }
        if (o->val != NULL &&
            (strcmp(o->keyword, "host") == 0 || strcmp(o->keyword, "hostaddr") == 0)) {
            int n = 1;
            for (const char *s = o->val; (s = strchr(s, ',')) != NULL; s++) {
                n++;
            }
            hosts = MAX(hosts, n);
        }
    }
    PQconninfoFree(options);
    return seconds * hosts;
}

/* "FATAL: …" is a server's final answer; a server that does not answer may not be up yet. */
static int
refused(PGconn *conn, struct err *e)
{
    pg_refused(conn, e);
    e->transient = strstr(e->text, "FATAL") == NULL;
    /* Never prompts for a password: cron could not answer. */
    if (PQconnectionNeedsPassword(conn)) {
        err_hint(e,
                 "passwords come from ~/.pgpass (mode 0600; PGPASSFILE names another file) or "
                 "PGPASSWORD");
    } else if (PQconnectionUsedPassword(conn) && strstr(e->text, "password") != NULL) {
        err_hint(e,
                 "the password was taken from ~/.pgpass, a service file, PGPASSWORD or the "
                 "connection string");
    }
    return -1;
}

static int
finish_connection(PGconn *conn, struct err *e)
{
    double patience = connect_patience(conn), deadline = clock_seconds() + patience;
    PostgresPollingStatusType want = PGRES_POLLING_WRITING;

    while (want != PGRES_POLLING_OK && want != PGRES_POLLING_FAILED) {
        struct pollfd fd[2] = {
            {.fd = PQsocket(conn), .events = want == PGRES_POLLING_READING ? POLLIN : POLLOUT},
            {.fd = cancel_fd(), .events = POLLIN},
        };
        int wait_ms = patience > 0 ? (int)(MAX(deadline - clock_seconds(), 0) * 1000) + 1 : -1;
        int n = poll(fd, 2, wait_ms);

        if (cancel_check(e) != 0) {
            return -1;
        }
        if (n == 0) {
            err_set(e, ERR_PG, "no answer from the server within %.0f s", patience);
            e->transient = true;
            return -1;
        }
        want = PQconnectPoll(conn);
    }
    return want == PGRES_POLLING_OK ? 0 : refused(conn, e);
}

static const char NO_SUCH_DATABASE[] = "3D000";

/* One attempt.  NULL with the reason. */
static PGconn *
attempt(const struct pg_target *t, const char *application, const char *options, struct err *e)
{
    PGconn *conn = start_connection(t, application, options, false);

    if (conn == NULL) {
        err_set(e, ERR_IO, "out of memory for a connection");
        return NULL;
    }
    (void)PQsetNoticeReceiver(conn, on_notice, NULL);
    (void)PQsetErrorVerbosity(conn, PQERRORS_VERBOSE); /* for pg_refused() and pg_error() */
    if ((PQstatus(conn) == CONNECTION_BAD ? refused(conn, e) : finish_connection(conn, e)) != 0) {
        PQfinish(conn);
        return NULL;
    }
    return conn;
}

/* With as much in the startup packet as the server accepts. */
static PGconn *
open_connection(const struct pg_target *t, const char *application, struct err *e)
{
    char              *given, *server, *options;
    PGconn            *conn = NULL;
    enum startup_level level;
    bool               tried_more = false, again = true;

    if (merged_settings(t, &given, &server) != 0) {
        free(given);
        free(server);
        err_set(e, ERR_IO, "out of memory for a connection");
        return NULL;
    }
    level = startup_first(server, t->version);
    while (conn == NULL && again) {
        err_clear(e);
        options = startup_options(given, level);
        conn = attempt(t, application, options, e);
        free(options);
        again = conn == NULL && e->kind == ERR_PG && startup_refused(e->text, &level);
        tried_more = tried_more || again;
    }
    if (conn != NULL) {
        startup_took(server, PQserverVersion(conn), level, tried_more);
    }
    free(given);
    free(server);
    return conn;
}

/* There is no such database: the nearest name of those that the server has, if it tells them. */
static void
say_nearest(const struct pg_target *t, const char *application, struct err *e)
{
    enum { PATIENCE_MS = 5000 };
    static const char names[] = "SELECT datname FROM pg_catalog.pg_database WHERE datallowconn";
    struct pg_target  maintenance = *t;
    struct err        ignored = ERR_INIT;
    PGconn           *wanted = start_connection(t, NULL, NULL, true), *conn;
    struct similar    s = SIMILAR(wanted != NULL ? PQdb(wanted) : NULL);
    PGresult         *r;

    maintenance.dbname = "postgres";
    conn = s.word != NULL ? attempt(&maintenance, application, NULL, &ignored) : NULL;
    r = conn != NULL ? pg_query_within(conn, PATIENCE_MS, &ignored, names) : NULL;
    for (int i = 0; r != NULL && i < PQntuples(r); i++) {
        similar_try(&s, PQgetvalue(r, i, 0));
    }
    (void)similar_say(s.best, e);
    PQclear(r);
    pg_close(conn);
    PQfinish(wanted);
}

PGconn *
pg_connect(const struct pg_target *t, enum pg_purpose purpose, const char *application,
           struct err *e)
{
    PGconn *conn = NULL;

    if (t->conninfo != NULL && check_conninfo(t->conninfo, e) != 0) {
        return NULL;
    }
    conn = open_connection(t, application, e);
    if (conn == NULL) {
        if (strcmp(e->sqlstate, NO_SUCH_DATABASE) == 0) {
            say_nearest(t, application, e);
        }
        return NULL;
    }
    if (apply_settings(conn, t, purpose, e) != 0) {
        PQfinish(conn);
        return NULL;
    }
    return conn;
}

void
pg_close(PGconn *conn)
{
    if (conn != NULL) {
        PQfinish(conn);
    }
}

int
pg_version(const PGconn *conn)
{
    return PQserverVersion(conn);
}
