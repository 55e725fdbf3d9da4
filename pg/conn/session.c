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
#include "pg/conn/conn.h"

/*
 * What an operator or an application may have set for the role or the database, and what it would
 * do to us. They go out as one message, so the price of a connection is one round trip.
 */
static const char SETTINGS[] =
    /* Any of these ends a long COPY, or the coordinator that waits for the others. */
    "SET statement_timeout = 0; SET lock_timeout = 0; SET idle_in_transaction_session_timeout = 0;"
    "SET default_transaction_read_only = off; SET default_transaction_deferrable = off;"
    "SET default_transaction_isolation = 'read committed';"
    /* Policies must raise an error, never filter rows silently. */
    "SET row_security = off;"
    "SELECT pg_catalog.set_config('search_path', '', false);"
    "SELECT pg_catalog.set_config('client_encoding', pg_catalog.getdatabaseencoding(), false);"
    /* One text for one value, whoever asks: text COPY and fingerprints depend on it. */
    "SET DateStyle = ISO; SET IntervalStyle = postgres; SET TimeZone = 'UTC'; SET "
    "extra_float_digits = 3;"
    "SET bytea_output = hex; SET lc_monetary = 'C'; SET standard_conforming_strings = on;"
    "SET quote_all_identifiers = off;"
    /* Refuses content that is no document; and turns NULL elements into the string 'NULL'. */
    "SET xmloption = content; SET array_nulls = on;"
    /* Rows in heap order from the first block: else unchanged tables give new chunks.  A range
     * must be a TID range scan.  A narrow table must not be read from a covering index. */
    "SET synchronize_seqscans = off; SET max_parallel_workers_per_gather = 0; SET enable_tidscan = "
    "on;"
    "SET enable_seqscan = on; SET enable_indexonlyscan = off; SET jit = off;"
    "SET client_min_messages = warning;";

static const char SETTINGS_14[] = "SET idle_session_timeout = 0;";
static const char SETTINGS_17[] = "SET transaction_timeout = 0;";
static const char SETTINGS_RESTORING[] =
    "SET check_function_bodies = off; SET synchronous_commit = off;";

/* One line each, without the context and the place in the server's source that libpq would
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
        rc = pg_execf(conn, e, "%s%s%s%s%s%s", SETTINGS, version >= 140000 ? SETTINGS_14 : "",
                      version >= 170000 ? SETTINGS_17 : "",
                      purpose == PG_RESTORING ? SETTINGS_RESTORING : "",
                      role != NULL ? "SET ROLE " : "", role != NULL ? role : "");
        if (rc == 0 || left == 0 || strcmp(e->sqlstate, "57014") != 0) {
            break;
        }
        /* A role's statement_timeout of a few milliseconds ended it on a busy server: what ends
         * that timeout is short. */
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

/* libpq quotes parts of a string that it cannot parse, and the part may be a password: so it is
 * asked beforehand, and its words are not repeated. */
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

static PGconn *
start_connection(const struct pg_target *t, const char *application)
{
    const char *keys[9], *values[9];
    int         n = 0;
    const struct {
        const char *key, *value;
    } given[] = {
        /* The first dbname may be a whole connection string; what comes later wins over what it
         * says. */
        {"dbname", t->conninfo},
        {"host", t->host},
        {"port", t->port},
        {"user", t->user},
        {"dbname", t->dbname},
        {"fallback_application_name", application},
        /* Whatever $PGCLIENTENCODING says, even what the server could not convert to: SETTINGS
         * has the final one. */
        {"client_encoding", "SQL_ASCII"},
    };

    for (size_t i = 0; i < sizeof given / sizeof given[0]; i++) {
        if (given[i].value != NULL) {
            keys[n] = given[i].key;
            values[n++] = given[i].value;
        }
    }
    keys[n] = values[n] = NULL;
    /* A lone database name is never a connection string. */
    return PQconnectStartParams(keys, values, t->conninfo != NULL);
}

/* Seconds to wait in all, or 0 for ever.  PQconnectPoll() leaves connect_timeout to its caller. */
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

/* A server that answers "FATAL: …" means it; one that does not answer may just not be up yet. */
static int
refused(PGconn *conn, struct err *e)
{
    pg_error(conn, NULL, e);
    e->transient = strstr(e->text, "FATAL") == NULL;
    /* Nobody is asked for a password: cron could not answer. */
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

PGconn *
pg_connect(const struct pg_target *t, enum pg_purpose purpose, const char *application,
           struct err *e)
{
    PGconn *conn = NULL;

    if (t->conninfo != NULL && check_conninfo(t->conninfo, e) != 0) {
        return NULL;
    }
    conn = start_connection(t, application);
    if (conn == NULL) {
        err_set(e, ERR_IO, "out of memory for a connection");
        return NULL;
    }
    (void)PQsetNoticeReceiver(conn, on_notice, NULL);
    if ((PQstatus(conn) == CONNECTION_BAD ? refused(conn, e) : finish_connection(conn, e)) != 0 ||
        apply_settings(conn, t, purpose, e) != 0) {
        PQfinish(conn);
        return NULL;
    }
    (void)PQsetErrorVerbosity(
        conn, PQERRORS_VERBOSE); /* for pg_error(), when the session is ended from outside */
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

/* key='value', with quotes and backslashes escaped as conninfo strings have it. */
static void
conninfo_add(struct buf *out, const char *key, const char *value)
{
    struct err never = ERR_INIT;

    (void)buf_printf(out, &never, "%s%s='", out->len > 0 ? " " : "", key);
    for (const char *s = value; *s != '\0'; s++) {
        if (*s == '\'' || *s == '\\') {
            (void)buf_append(out, "\\", 1, &never);
        }
        (void)buf_append(out, s, 1, &never);
    }
    (void)buf_puts(out, "'", &never);
}

/* The programs make settings of their own, but a role's statement_timeout of a few milliseconds
 * ends them before they get so far, and nobody else undoes quote_all_identifiers, or the
 * TimeZone and lc_monetary in which constants of definitions are printed.  Their hundreds of
 * small queries are not worth a compiler or other processes each. */
static char *
child_options(const PGconn *conn, const char *given)
{
    int version = PQserverVersion(conn);

    return xasprintf(
        "%s%s-c statement_timeout=0 -c lock_timeout=0 -c idle_in_transaction_session_timeout=0"
        " -c quote_all_identifiers=off -c standard_conforming_strings=on -c TimeZone=UTC -c "
        "lc_monetary=C"
        " -c jit=off -c max_parallel_workers_per_gather=0%s%s",
        given == NULL ? "" : given, given == NULL ? "" : " ",
        version >= 140000 ? " -c idle_session_timeout=0" : "",
        version >= 170000 ? " -c transaction_timeout=0" : "");
}

char *
pg_child_conninfo(const PGconn *conn)
{
    PQconninfoOption *options = PQconninfo((PGconn *)(uintptr_t)conn);
    struct buf        out = BUF_INIT(BUF_NO_LIMIT);
    const char       *given = NULL;
    char             *text, *child;

    for (PQconninfoOption *o = options; o != NULL && o->keyword != NULL; o++) {
        const char *value = o->val;

        /* Of several hosts it must be the very server that we are connected to. */
        if (strcmp(o->keyword, "host") == 0) {
            value = PQhost(conn);
        } else if (strcmp(o->keyword, "port") == 0) {
            value = PQport(conn);
        } else if (strcmp(o->keyword, "hostaddr") == 0 && value != NULL) {
            value = PQhostaddr(conn);
        } else if (strcmp(o->keyword, "options") == 0) {
            given = value;
            continue;
        }
        if (value != NULL && value[0] != '\0' && o->dispchar[0] != '*' && o->dispchar[0] != 'D') {
            conninfo_add(&out, o->keyword, value);
        }
    }
    child = child_options(conn, given);
    conninfo_add(&out, "options", child);
    free(child);
    PQconninfoFree(options);
    text = xstrdup(buf_str(&out));
    buf_free(&out);
    return text;
}

char **
pg_child_env(const PGconn *conn)
{
    char **env = xcalloc(2, sizeof *env);

    if (PQconnectionUsedPassword(conn)) {
        env[0] = xasprintf("PGPASSWORD=%s", PQpass(conn));
    }
    return env;
}

void
pg_child_env_free(char **env)
{
    if (env == NULL) {
        return;
    }
    for (char **s = env; *s != NULL; s++) {
        explicit_bzero(*s, strlen(*s));
        free(*s);
    }
    free(env);
}
