/*
 * conn.c - running statements: sending, waiting that SIGINT can interrupt, and errors.
 */
#include "pg/conn/conn.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/cancel.h"
#include "core/human.h"
#include "core/mem.h"
#include "core/quote.h"
#include "pg/conn/wait.h"

/* How long a server may take to react to a cancel request before the connection is given up. */
enum { DRAIN_MS = 15000 };

enum { LOOK_AGAIN_MS = 1000 };

/* How to wait: until cancel.h is raised, or regardless of it (deaf), and not longer than until the
 * deadline (0: none). */
struct patience {
    double deadline;
    bool   deaf;
};

static int
await(PGconn *conn, short events, const struct patience *p, struct err *e)
{
    for (;;) {
        bool          limited = p->deadline > 0;
        struct pollfd fd[2] = {
            {.fd = PQsocket(conn), .events = events},
            {.fd = p->deaf ? -1 : cancel_fd(), .events = POLLIN},
        };
        double left = p->deadline - clock_seconds();
        int    n;

        if (fd[0].fd < 0) {
            return pg_error(conn, NULL, e);
        }
        if (limited && left <= 0) {
            err_set(e, ERR_PG, "no answer from the server in time");
            e->transient = true;
            return -1;
        }
        n = poll(fd, 2,
                 limited && left < LOOK_AGAIN_MS / 1000.0 ? (int)(left * 1000) + 1 : LOOK_AGAIN_MS);
        if (!p->deaf && cancel_check(e) != 0) {
            return -1;
        }
        if (n > 0 && fd[0].revents != 0) {
            /* POLLERR and POLLHUP: the next libpq call reports the reason. */
            return (fd[0].revents & (POLLERR | POLLHUP)) != 0 ? events : fd[0].revents & events;
        }
        if (n == 0) {
            return 0;
        }
        if (n < 0 && errno != EINTR) {
            return err_errno(e, "could not wait for the server");
        }
    }
}

int
pg_await(PGconn *conn, short events, struct err *e)
{
    return await(conn, events, &(struct patience){0}, e);
}

/* The next result, or NULL in *out after the last one.  What libpq has not sent yet is sent first:
 * the server reads a partly sent message of an abandoned COPY to its end, even when cancelled. */
static int
next_result(PGconn *conn, const struct patience *p, PGresult **out, struct err *e)
{
    while (PQisBusy(conn)) {
        int ready = await(conn, PQflush(conn) > 0 ? POLLIN | POLLOUT : POLLIN, p, e);

        if (ready < 0) {
            return -1;
        }
        if ((ready & POLLIN) != 0 && !PQconsumeInput(conn)) {
            return pg_error(conn, NULL, e);
        }
    }
    *out = PQgetResult(conn);
    return 0;
}

static bool
begins_copy(const PGresult *res)
{
    ExecStatusType s = PQresultStatus(res);

    return s == PGRES_COPY_IN || s == PGRES_COPY_OUT || s == PGRES_COPY_BOTH;
}

static bool
is_good(const PGresult *res)
{
    ExecStatusType s = PQresultStatus(res);

    return s == PGRES_COMMAND_OK || s == PGRES_TUPLES_OK || s == PGRES_SINGLE_TUPLE ||
        s == PGRES_EMPTY_QUERY;
}

static PGresult *
finish(PGconn *conn, const struct patience *p, struct err *e)
{
    PGresult *kept = NULL, *res = NULL;
    bool      failed = false;

    for (;;) {
        if (next_result(conn, p, &res, e) != 0) {
            if (p->deadline == 0 && PQstatus(conn) == CONNECTION_OK) {
                pg_cancel_drain(conn);
            }
            PQclear(kept);
            return NULL;
        }
        if (res == NULL) {
            return failed ? NULL : kept;
        }
        if (begins_copy(res)) {
            PQclear(kept);
            return res;
        }
        PQclear(kept);
        kept = NULL;
        if (!is_good(res)) {
            if (!failed) {
                pg_error(conn, res, e);
            }
            failed = true;
            PQclear(res);
        } else {
            kept = res;
        }
        if (failed) {
            PQclear(kept);
            kept = NULL;
        }
    }
}

PGresult *
pg_finish(PGconn *conn, struct err *e)
{
    return finish(conn, &(struct patience){0}, e);
}

PGresult *
pg_next(PGconn *conn, struct err *e)
{
    struct err ignored = ERR_INIT;
    PGresult  *res = NULL;

    if (next_result(conn, &(struct patience){0}, &res, e) != 0) {
        if (PQstatus(conn) == CONNECTION_OK) {
            pg_cancel_drain(conn);
        }
        return NULL;
    }
    if (res == NULL) {
        err_set(e, ERR_PG, "the server has answered fewer statements than it was sent");
    } else if (!is_good(res) && !begins_copy(res)) {
        pg_error(conn, res, e);
        PQclear(res);
        res = NULL;
        PQclear(pg_finish(conn, &ignored));
    }
    return res;
}

void
pg_cancel_drain(PGconn *conn)
{
    struct patience p = {.deadline = clock_seconds() + DRAIN_MS / 1000.0, .deaf = true};
    struct err      ignored = ERR_INIT;
    PGcancel       *cancel = PQgetCancel(conn);
    PGresult       *res = NULL;
    char            why[256], *row;
    int             n;

    if (cancel != NULL) {
        (void)PQcancel(cancel, why, sizeof why);
        PQfreeCancel(cancel);
    }
    while (next_result(conn, &p, &res, &ignored) == 0 && res != NULL) {
        ExecStatusType status = PQresultStatus(res);

        PQclear(res);
        if (status == PGRES_COPY_IN) {
            (void)PQputCopyEnd(conn, "given up");
        }
        while (status == PGRES_COPY_OUT && (n = PQgetCopyData(conn, &row, 1)) >= 0) {
            PQfreemem(row);
            if (n == 0 && (await(conn, POLLIN, &p, &ignored) < 0 || !PQconsumeInput(conn))) {
                return;
            }
        }
    }
}

static int
run(PGconn *conn, const struct patience *p, struct err *e, const char *sql)
{
    PGresult *res;

    err_clear(e);
    if (!PQsendQuery(conn, sql)) {
        return pg_error(conn, NULL, e);
    }
    res = finish(conn, p, e);
    if (res != NULL && begins_copy(res)) {
        PQclear(res);
        pg_cancel_drain(conn);
        return err_set(e, ERR_PG, "a COPY was started where a plain command was expected");
    }
    PQclear(res);
    return res != NULL ? 0 : e->kind != ERR_NONE ? -1 : pg_error(conn, NULL, e);
}

int
pg_exec(PGconn *conn, struct err *e, const char *sql)
{
    return run(conn, &(struct patience){0}, e, sql);
}

int
pg_tidy(PGconn *conn, int timeout_ms, struct err *e, const char *sql)
{
    return run(conn,
               &(struct patience){.deadline = clock_seconds() + timeout_ms / 1000.0, .deaf = true},
               e, sql);
}

int
pg_execf(PGconn *conn, struct err *e, const char *fmt, ...)
{
    va_list ap;
    char   *sql = NULL;
    int     rc;

    va_start(ap, fmt);
    rc = vasprintf(&sql, fmt, ap);
    va_end(ap);
    if (rc < 0) {
        return err_set(e, ERR_IO, "out of memory for a statement");
    }
    rc = pg_exec(conn, e, sql);
    free(sql);
    return rc;
}

static PGresult *
query(PGconn *conn, const struct patience *p, struct err *e, const char *sql, int n_params,
      const char *const *params)
{
    PGresult *res;

    err_clear(e);
    if (!PQsendQueryParams(conn, sql, n_params, NULL, params, NULL, NULL, 0)) {
        pg_error(conn, NULL, e);
        return NULL;
    }
    res = finish(conn, p, e);
    if (res == NULL && e->kind == ERR_NONE) {
        pg_error(conn, NULL, e);
    }
    return res;
}

PGresult *
pg_query(PGconn *conn, struct err *e, const char *sql, int n_params, const char *const *params)
{
    return query(conn, &(struct patience){0}, e, sql, n_params, params);
}

PGresult *
pg_query_within(PGconn *conn, int timeout_ms, struct err *e, const char *sql)
{
    return query(conn, &(struct patience){.deadline = clock_seconds() + timeout_ms / 1000.0}, e,
                 sql, 0, NULL);
}

char *
pg_value(PGconn *conn, struct err *e, const char *sql, int n_params, const char *const *params)
{
    PGresult *res = pg_query(conn, e, sql, n_params, params);
    char     *value = NULL;

    if (res == NULL) {
        return NULL;
    }
    if (PQntuples(res) == 1 && PQnfields(res) == 1 && !PQgetisnull(res, 0, 0)) {
        value = xstrdup(PQgetvalue(res, 0, 0));
    } else {
        err_set(e, ERR_NOT_FOUND, "the server has no answer to: %.200s", sql);
    }
    PQclear(res);
    return value;
}

/* Is another attempt useful?  (PostgreSQL manual, appendix A.) */
static bool
is_transient(const char *sqlstate)
{
    static const char *const worth[] = {"40001", "40P01", "55P03", "57P01",
                                        "57P02", "57P03", "53300"};

    for (size_t i = 0; i < sizeof worth / sizeof worth[0]; i++) {
        if (strcmp(sqlstate, worth[i]) == 0) {
            return true;
        }
    }
    return strncmp(sqlstate, "08", 2) == 0;
}

/* libpq's own messages have several lines. */
static void
set_libpq_text(struct err *e, const char *text)
{
    err_set(e, ERR_PG, "%.*s", (int)strcspn(text, "\n"),
            text[0] != '\0' ? text : "the connection is lost");
    for (const char *s = text; *(s += strcspn(s, "\n")) != '\0';) {
        s += strspn(s, "\n\t");
        if (*s != '\0') {
            (void)snprintf(e->text + strlen(e->text), sizeof e->text - strlen(e->text), "; %.*s",
                           (int)strcspn(s, "\n"), s);
        }
    }
}

/* A server that ends the session first sends the reason, and libpq mixes that with its own text
 * about the loss.  Sessions are verbose (session.c), so the server's part reads "FATAL: 57P01:
 * why": state and reason are extracted from it. */
static bool
take_last_words(const char *text, char sqlstate[6], struct err *e)
{
    const char *at = strstr(text, ":  ");
    const char *state = at != NULL ? at + 3 : "";
    size_t      n = strspn(state, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ");

    if (n != 5 || state[5] != ':' || state[6] != ' ') {
        return false;
    }
    memcpy(sqlstate, state, 5);
    sqlstate[5] = '\0';
    err_set(e, ERR_PG, "%.*s", (int)strcspn(state + 7, "\n"), state + 7);
    return true;
}

int
pg_refused(PGconn *conn, struct err *e)
{
    const char *text = PQerrorMessage(conn), *at;
    char        sqlstate[6] = "", *plain = xmalloc(strlen(text) + 1), *out = plain;

    for (size_t n; *text != '\0'; text += n) {
        const char *end;

        n = strcspn(text, "\n");
        n += text[n] == '\n';
        end = text + n;
        if (strncmp(text, "LOCATION:", 9) == 0) {
            continue;
        }
        at = memmem(text, n, ":  ", 3);
        if (at != NULL && end - at > 10 && at[8] == ':' && at[9] == ' ' &&
            strspn(at + 3, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 5) {
            memcpy(sqlstate, at + 3, 5); /* of several hosts the last one's */
            out = mempcpy(out, text, (size_t)(at + 3 - text));
            text += at + 10 - text;
            n = (size_t)(end - text);
        }
        out = mempcpy(out, text, n);
    }
    *out = '\0';
    set_libpq_text(e, plain);
    memcpy(e->sqlstate, sqlstate, sizeof e->sqlstate);
    free(plain);
    return -1;
}

/* "COPY orders, line 3, column total: "x"" without the value, which must not be printed. */
static void
append_copy_context(struct err *e, const char *context)
{
    const char *end;

    if (context == NULL || strncmp(context, "COPY ", 5) != 0) {
        return;
    }
    end = context + strcspn(context, "\n");
    for (const char *s = context; s + 1 < end; s++) {
        if (s[0] == ':' && s[1] == ' ') {
            end = s;
        }
    }
    (void)snprintf(e->text + strlen(e->text), sizeof e->text - strlen(e->text), " (%.*s)",
                   (int)(end - context), context);
}

/* Where the server gives no hint.  What a key refers to stands in its detail, with the values,
 * which are nobody's business in a log. */
static void
hint_ourselves(const PGresult *res, struct err *e)
{
    static const char absent[] = "is not present in table \"";
    const char       *detail = PQresultErrorField(res, PG_DIAG_MESSAGE_DETAIL);
    const char       *table = detail == NULL ? NULL : strstr(detail, absent);

    if (strcmp(e->sqlstate, "42501") == 0 && strstr(e->text, "row-level security") != NULL) {
        err_hint(e, "connect as the table's owner, as a superuser or a role with BYPASSRLS");
    } else if (strcmp(e->sqlstate, "23503") == 0 && table != NULL) {
        table += sizeof absent - 1;
        err_hint(e, "it refers to table \"%.*s\"", (int)strcspn(table, "\""), table);
    }
}

int
pg_error(PGconn *conn, const PGresult *res, struct err *e)
{
    const char *message = res != NULL ? PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY) : NULL;
    const char *state = res != NULL ? PQresultErrorField(res, PG_DIAG_SQLSTATE) : NULL;
    const char *hint = res != NULL ? PQresultErrorField(res, PG_DIAG_MESSAGE_HINT) : NULL;
    const char *libpq = res != NULL && PQresultErrorMessage(res)[0] != '\0'
        ? PQresultErrorMessage(res)
        : PQerrorMessage(conn);
    char        last_words[6];

    if (message != NULL) {
        err_set(e, ERR_PG, "%s", message);
        append_copy_context(e, PQresultErrorField(res, PG_DIAG_CONTEXT));
    } else if (take_last_words(libpq, last_words, e)) {
        state = last_words;
    } else {
        set_libpq_text(e, libpq);
    }
    (void)snprintf(e->sqlstate, sizeof e->sqlstate, "%s", state != NULL ? state : "");
    if (hint != NULL) {
        err_hint(e, "%s", hint);
    } else if (message != NULL) {
        hint_ourselves(res, e);
    }
    if (strcmp(e->sqlstate, "57014") == 0 && cancel_requested()) {
        return cancel_check(e);
    }
    e->transient = state != NULL ? is_transient(state) : PQstatus(conn) == CONNECTION_BAD;
    return -1;
}

char *
pg_ident(const char *name)
{
    return quote_ident(name);
}

char *
pg_qualified(const char *schema, const char *name)
{
    return quote_qualified(schema, name);
}

char *
pg_literal(PGconn *conn, const char *text)
{
    char *quoted = PQescapeLiteral(conn, text, strlen(text)),
         *out = quoted != NULL ? xstrdup(quoted) : NULL;

    PQfreemem(quoted);
    return out;
}

char *
pg_name_with(const char *name, const char *suffix)
{
    size_t n = strlen(name), room = PG_NAME_BYTES - strlen(suffix);

    if (n > room) {
        for (n = room; n > 0 && ((unsigned char)name[n] & 0xc0) == 0x80; n--) {
        }
    }
    return xasprintf("%.*s%s", (int)n, name, suffix);
}

int
pg_exec_each(PGconn *conn, struct err *e, const char *query)
{
    PGresult *res = pg_query(conn, e, query, 0, NULL);
    int       rc = res == NULL ? -1 : 0;

    for (int i = 0; rc == 0 && i < PQntuples(res); i++) {
        rc = pg_exec(conn, e, PQgetvalue(res, i, 0));
    }
    PQclear(res);
    return rc;
}
