/*
 * run.c - the statements of a foreign dump, one by one, in one session.
 *
 * Not by psql: there nothing could run a command such as \! or \copy … program, so nothing has to
 * be kept from it.  Each statement is sent by the extended protocol, which takes one at a time: if
 * a text were read otherwise here than by the server, the server would refuse it.  How it reads
 * strings (standard_conforming_strings) is what it says itself.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/log.h"
#include "core/progress.h"
#include "pg/conn/wait.h"
#include "pg/rows/copy.h"
#include "restore/file/encoding.h"
#include "restore/file/foreign_impl.h"

struct run {
    struct restore *r;
    struct foreign *f;
    struct policy   policy;
    PGconn         *conn;
    struct copy_in  copy;
    uint64_t        rows;       /* of this COPY */
    bool            passing;    /* ... it is passed over */
    char           *copy_words; /* of its statement */
    uint64_t        copy_line;
    struct strlist  later;
};

/* ---- statements that may fail ---- */

static bool
has_state(const struct err *e, const char *const *states, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(e->sqlstate, states[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* What may fail, by the words that it begins with and the server's answer. */
static const struct {
    const char *words, *also; /* somewhere outside of parentheses, too; NULL */
    const char *states[6];
    const char *note; /* NULL: not worth a word */
} harmless[] = {
    /* Dumps made with --clean: there is nothing yet. */
    {"DROP", NULL, {"42P01", "42704", "42883", "3F000", "42703"}, NULL},
    {"ALTER", "DROP", {"42P01", "42704", "42703", "3F000"}, NULL},
    {"SELECT", "lo_unlink", {"42704"}, NULL},
    {"DROP DATABASE", NULL, {"3D000", "55006"}, NULL},
    {"DROP ROLE", NULL, {"42704", "55006", "2BP01"}, NULL},
    {"CREATE SCHEMA public", NULL, {"42P06"}, NULL},
    /* What initdb has made already. */
    {"CREATE ROLE", NULL, {"42710"}, NULL},
    {"CREATE DATABASE postgres", NULL, {"42P04"}, NULL},
    {"CREATE DATABASE template1", NULL, {"42P04"}, NULL},
    /* Settings of a newer pg_dump; statistics of one. */
    {"SET", NULL, {"42704"}, "the server does not know this setting"},
    {"SELECT", "pg_restore_relation_stats", {"42883"}, "the server takes no statistics"},
    {"SELECT", "pg_restore_attribute_stats", {"42883"}, "the server takes no statistics"},
    /* A superuser's, in dumps of 10 and older. */
    {"COMMENT ON EXTENSION", NULL, {"42501"}, "it belongs to another role"},
};

/* *note: why it does not matter; NULL. */
static bool
is_harmless(const struct sql_piece *piece, const struct err *e, const char **note)
{
    struct sql_statement head;
    bool                 yes = false;

    sql_head(piece, 64, &head);
    for (size_t i = 0; !yes && i < sizeof harmless / sizeof harmless[0]; i++) {
        struct sql_cursor c = sql_cursor(&head);
        size_t            n = 0;

        while (n < 6 && harmless[i].states[n] != NULL) {
            n++;
        }
        *note = harmless[i].note;
        yes = sql_words(&c, harmless[i].words) && has_state(e, harmless[i].states, n) &&
            (harmless[i].also == NULL || sql_has_words(c, harmless[i].also));
    }
    sql_head_free(&head);
    return yes;
}

/* In a scratch server that reaches nobody: the rows are elsewhere. */
static bool
is_remote(const struct run *run, const struct sql_piece *piece, const struct err *e)
{
    return run->f->options.scratch && !run->f->options.allow_remote &&
        strncasecmp(piece->text, "REFRESH MATERIALIZED VIEW", 25) == 0 &&
        (strncmp(e->sqlstate, "HV", 2) == 0 || strncmp(e->sqlstate, "08", 2) == 0 ||
         strcmp(e->sqlstate, "42704") == 0);
}

static int
judge_failure(struct run *run, const struct sql_piece *piece, struct err *e)
{
    const char *note = NULL;
    char       *words;
    bool        ready = PQstatus(run->conn) == CONNECTION_OK &&
        PQtransactionStatus(run->conn) == PQTRANS_IDLE && e->kind == ERR_PG;

    if (ready && is_remote(run, piece, e)) {
        note = "its rows are on another server, which a scratch server does not reach";
    } else if (!ready || !is_harmless(piece, e, &note)) {
        words = policy_words(piece);
        err_wrap(e, "line %llu, \"%s\"", (unsigned long long)piece->line, words);
        free(words);
        return -1;
    }
    if (note != NULL) {
        words = policy_words(piece);
        strlist_take(&run->f->done_without,
                     xasprintf("line %llu, \"%s\", was left out: %s (%s)",
                               (unsigned long long)piece->line, words, note, e->text));
        free(words);
    } else {
        run->f->dropped++;
    }
    err_clear(e);
    return 0;
}

/* ---- one piece ---- */

static int
execute(PGconn *conn, const char *sql, struct err *e)
{
    PGresult *res;
    bool      copy;

    err_clear(e);
    if (!PQsendQueryParams(conn, sql, 0, NULL, NULL, NULL, NULL, 0)) {
        return pg_error(conn, NULL, e);
    }
    /* No row is of interest, and there may be many. */
    (void)PQsetSingleRowMode(conn);
    res = pg_finish(conn, e);
    copy = res != NULL &&
        (PQresultStatus(res) == PGRES_COPY_IN || PQresultStatus(res) == PGRES_COPY_OUT ||
         PQresultStatus(res) == PGRES_COPY_BOTH);
    if (copy) {
        pg_cancel_drain(conn);
        err_set(e, ERR_PG, "it began a COPY that was not expected");
    }
    if (res == NULL && e->kind == ERR_NONE) {
        pg_error(conn, NULL, e);
    }
    PQclear(res);
    return res != NULL && !copy ? 0 : -1;
}

/* To another database of a server that is the dump's own. */
static int
go_to(struct run *run, const char *name, struct err *e)
{
    struct pg_target t = run->r->server;

    pg_close(run->conn);
    t.dbname = name;
    run->conn = pg_connect(&t, PG_RESTORING, "pgassay-restore", e);
    return run->conn == NULL ? err_wrap(e, "database \"%s\"", name) : 0;
}

/* Where the name of the database is its working name. */
static void
keep_for_later(struct run *run, const struct policy_out *out)
{
    char *ident = pg_ident(run->r->working_name);

    strlist_take(&run->later,
                 xasprintf("%.*s%s%s", (int)out->from, out->text, ident, out->text + out->to));
    free(ident);
}

/* What a statement, or a function that it called, has made of the session: the server says it
 * itself, before the next piece is read. */
static int
heed_session(struct run *run, struct sql_stream *stream, const struct sql_piece *piece,
             struct err *e)
{
    const char *conforming = PQparameterStatus(run->conn, "standard_conforming_strings");
    const char *encoding = PQparameterStatus(run->conn, "client_encoding");

    sql_stream_set_backslash(stream, conforming != NULL && strcmp(conforming, "off") == 0);
    return encoding != NULL && encoding_is_clients(encoding, strlen(encoding))
        ? policy_refuse_encoding(piece, e)
        : 0;
}

static int
run_statement(struct run *run, struct sql_stream *stream, const struct sql_piece *piece,
              struct err *e)
{
    struct policy_out out;
    int               rc = 0;

    if (policy_judge(&run->policy, piece, &out, e) != 0) {
        return -1;
    }
    switch (out.action) {
    case POLICY_SKIP:
        break;
    case POLICY_CONNECT:
        rc = go_to(run, out.text, e) == 0 ? heed_session(run, stream, piece, e) : -1;
        break;
    case POLICY_LATER:
        keep_for_later(run, &out);
        break;
    case POLICY_RUN:
    case POLICY_CHANGED:
        rc = execute(run->conn, out.text != NULL ? out.text : piece->text, e);
        rc = rc == 0 ? 0 : judge_failure(run, piece, e);
        rc = rc == 0 ? heed_session(run, stream, piece, e) : -1;
        break;
    }
    free(out.text);
    return rc;
}

static int
wrap_copy(const struct run *run, struct err *e)
{
    return err_wrap(e, "line %llu, \"%s\"", (unsigned long long)run->copy_line, run->copy_words);
}

static int
begin_copy(struct run *run, const struct sql_piece *piece, struct err *e)
{
    struct policy_out out;

    if (policy_judge(&run->policy, piece, &out, e) != 0) {
        return -1;
    }
    free(out.text);
    run->passing = out.action == POLICY_SKIP;
    if (run->passing) {
        return 0;
    }
    free(run->copy_words);
    run->copy_words = policy_words(piece);
    run->copy_line = piece->line;
    run->rows = 0;
    return copy_in_begin(&run->copy, run->conn, piece->text, false, e) != 0 ? wrap_copy(run, e) : 0;
}

static uint64_t
lines_in(const struct sql_piece *piece)
{
    uint64_t n = 0;

    for (const char *p = piece->text, *end = p + piece->n;
         (p = memchr(p, '\n', (size_t)(end - p))) != NULL; p++) {
        n++;
    }
    return n;
}

static int
run_piece(void *ctx, struct sql_stream *stream, const struct sql_piece *piece, struct err *e)
{
    struct run *run = ctx;

    switch (piece->kind) {
    case SQL_PIECE_COMMENT:
        return 0;
    case SQL_PIECE_STATEMENT:
    case SQL_PIECE_PSQL:
        progress_add(piece->n);
        return run_statement(run, stream, piece, e);
    case SQL_PIECE_COPY:
        progress_add(piece->n);
        return begin_copy(run, piece, e);
    case SQL_PIECE_ROWS:
        progress_add(piece->n);
        if (run->passing) {
            return 0;
        }
        run->rows += lines_in(piece);
        run->r->bytes += piece->n;
        return copy_in_data(&run->copy, piece->text, piece->n, e) != 0 ? wrap_copy(run, e) : 0;
    case SQL_PIECE_ROWS_END:
        if (run->passing) {
            return 0;
        }
        run->r->rows += run->rows;
        return copy_in_end(&run->copy, run->rows, e) != 0 ? wrap_copy(run, e)
                                                          : heed_session(run, stream, piece, e);
    }
    return 0;
}

/* ---- the dump ---- */

static int
run_later(struct run *run, struct err *e)
{
    for (size_t i = 0; i < run->later.n; i++) {
        struct sql_piece piece = {.text = run->later.v[i], .n = strlen(run->later.v[i])};

        if (execute(run->conn, piece.text, e) != 0) {
            char *words = policy_words(&piece);

            err_wrap(e, "\"%s\"", words);
            free(words);
            return -1;
        }
    }
    return 0;
}

/* Whatever the dump has set, or become: the rest is ours. */
static int
become_ourselves(struct run *run, struct err *e)
{
    char *role = run->r->server.role == NULL ? xstrdup("NONE") : pg_ident(run->r->server.role);
    int   rc = pg_execf(run->conn, e,
                        "RESET SESSION AUTHORIZATION; SET ROLE %s; SET statement_timeout = 0; "
                          "SET lock_timeout = 0; SET client_min_messages = warning",
                        role);

    free(role);
    return rc;
}

static int
analyze(struct run *run, struct err *e)
{
    struct err why = ERR_INIT;

    if (run->r->o->no_analyze || run->f->options.cluster) {
        return 0;
    }
    restore_phase(run->r, "statistics");
    if (pg_exec(run->conn, &why, "ANALYZE") == 0) {
        return 0;
    }
    if (problem_is_fatal(run->conn, &why)) {
        *e = why;
        return -1;
    }
    strlist_take(&run->f->done_without, xasprintf("statistics are missing: ANALYZE: %s", why.text));
    return 0;
}

static int
finish(struct run *run, struct err *e)
{
    if (PQtransactionStatus(run->conn) != PQTRANS_IDLE) {
        return err_set(e, ERR_CORRUPT, "the dump ends within a transaction: it is not whole");
    }
    if (become_ourselves(run, e) != 0 || run_later(run, e) != 0 ||
        found_unchanged(&run->f->found, e) != 0) {
        return -1;
    }
    return analyze(run, e);
}

/* The rows come between the definitions. */
static int
run_bundle(struct run *run, struct err *e)
{
    struct script part = run->f->script;

    part.section = "pre-data";
    if (script_read(&part, run_piece, run, e) != 0 || become_ourselves(run, e) != 0 ||
        bundled_run_rows(run->r, e) != 0) {
        return -1;
    }
    part.section = "post-data";
    return script_read(&part, run_piece, run, e) != 0 || become_ourselves(run, e) != 0 ||
            bundled_run_rest(run->r, e) != 0
        ? -1
        : 0;
}

static int
run_script(struct run *run, struct err *e)
{
    return run->f->found.bundled != NULL ? run_bundle(run, e)
                                         : script_read(&run->f->script, run_piece, run, e);
}

int
dump_run(struct restore *r, struct err *e)
{
    struct foreign *f = r->foreign;
    struct run      run = {.r = r, .f = f, .policy = {.o = &f->options}};
    int             rc = 0;

    if (f->options.cluster) {
        rc = go_to(&run, "postgres", e);
    } else {
        run.conn = r->conn;
    }
    if (rc == 0 && (rc = run_script(&run, e)) == 0) {
        rc = finish(&run, e);
    }
    copy_in_abort(&run.copy, "the restore was given up");
    if (f->options.cluster) {
        pg_close(run.conn);
    }
    free(run.copy_words);
    policy_free(&run.policy);
    strlist_free(&run.later);
    for (size_t i = 0; i < f->done_without.n; i++) {
        log_warn("%s", f->done_without.v[i]);
        strlist_add(&r->warnings, f->done_without.v[i]);
    }
    return rc;
}
