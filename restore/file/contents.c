#include "restore/file/contents.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/mem.h"
#include "core/progress.h"

void
contents_free(struct contents *c)
{
    policy_free(&c->policy);
    free(c->from);
    free(c->by);
    free(c->taken);
    free(c->encoding);
    strlist_free(&c->databases);
}

/* "15.20 (Debian …)" as 150020, "9.6.24" as 90624, as libpq counts; 0: it is no version. */
static int
version_num(const char *text)
{
    char *end;
    long  major = strtol(text, &end, 10), minor = 0, patch = 0;

    if (*end == '.') {
        minor = strtol(end + 1, &end, 10);
    }
    if (major < 10 && *end == '.') {
        patch = strtol(end + 1, &end, 10);
    }
    if (major < 7 || major > 999 || minor < 0 || minor > 99 || patch < 0 || patch > 99) {
        return 0;
    }
    return (int)(major < 10 ? major * 10000 + minor * 100 + patch : major * 10000 + minor);
}

/* If the line begins so, the rest of it becomes *out, unless there is one already. */
static bool
take_rest(const char *line, const char *begin, char **out)
{
    size_t n = strlen(begin);

    if (strncmp(line, begin, n) != 0) {
        return false;
    }
    if (*out == NULL) {
        *out = xstrndup(line + n, strcspn(line + n, "\r\n"));
    }
    return true;
}

static void
take_comment(struct contents *c, const char *text)
{
    static const char begun[][40] = {"-- PostgreSQL database dump",
                                     "-- PostgreSQL database cluster dump"};
    size_t            n = strlen(text);

    for (size_t i = 0; i < 2; i++) {
        size_t m = strlen(begun[i]);

        if (strncmp(text, begun[i], m) == 0) {
            bool end = n - m == strlen(" complete") && strcmp(text + m, " complete") == 0;

            c->begun += n == m;
            c->complete += end;
            c->ended = c->ended || end;
        }
    }
    c->data += strncmp(text, "-- Data for Name: ", strlen("-- Data for Name: ")) == 0 &&
        strstr(text, "; Type: TABLE DATA; ") != NULL;
    if (take_rest(text, "-- Dumped from database version ", &c->from)) {
        c->from_version = version_num(c->from);
    } else if (take_rest(text, "-- Dumped by pg_dump version ", &c->by)) {
        c->by_version = version_num(c->by);
    }
}

static bool
begins(const struct sql_piece *piece, const char *words)
{
    return strncasecmp(piece->text, words, strlen(words)) == 0;
}

static void
take_encoding(struct contents *c, const struct sql_piece *piece)
{
    static const char set[] = "SET client_encoding = '";
    size_t            n = sizeof set - 1;

    if (c->encoding == NULL && strncmp(piece->text, set, n) == 0) {
        c->encoding = xstrndup(piece->text + n, strcspn(piece->text + n, "'"));
    }
}

static void
take_statement(struct contents *c, const struct sql_piece *piece)
{
    c->statements++;
    c->bytes += piece->n;
    c->copies += piece->kind == SQL_PIECE_COPY;
    c->inserts += begins(piece, "INSERT ");
    c->tables += begins(piece, "CREATE TABLE ") || begins(piece, "CREATE UNLOGGED TABLE ");
    take_encoding(c, piece);
}

static void
take_database(struct contents *c, const struct sql_piece *piece)
{
    struct sql_statement head;
    struct sql_cursor    at;
    char                *name = NULL;

    sql_head(piece, 8, &head);
    at = sql_cursor(&head);
    if (sql_words(&at, "CREATE DATABASE") && sql_simple_name(&at, &name)) {
        strlist_take(&c->databases, name);
    }
    sql_head_free(&head);
}

static void
take_rows(struct contents *c, const struct sql_piece *piece)
{
    c->bytes += piece->n;
    for (const char *p = piece->text, *end = p + piece->n;
         (p = memchr(p, '\n', (size_t)(end - p))) != NULL; p++) {
        c->rows++;
    }
}

/* A statement, or a line for psql. */
static int
take_command(struct contents *c, const struct sql_piece *piece, struct err *e)
{
    struct policy_out out;

    c->ended = c->ended && piece->kind == SQL_PIECE_PSQL;
    if (piece->kind == SQL_PIECE_STATEMENT && begins(piece, "CREATE DATABASE ")) {
        take_database(c, piece);
    }
    if (policy_judge(&c->policy, piece, &out, e) != 0) {
        return -1;
    }
    free(out.text);
    c->passing = piece->kind == SQL_PIECE_COPY && out.action == POLICY_SKIP;
    if (piece->kind != SQL_PIECE_PSQL && (out.action != POLICY_SKIP || c->policy.o->pick == NULL)) {
        take_statement(c, piece);
    }
    return 0;
}

static int
take(void *ctx, struct sql_stream *stream, const struct sql_piece *piece, struct err *e)
{
    struct contents *c = ctx;

    (void)stream;
    progress_add(piece->n);
    switch (piece->kind) {
    case SQL_PIECE_COMMENT:
        take_comment(c, piece->text);
        return 0;
    case SQL_PIECE_ROWS:
        if (!c->passing) {
            take_rows(c, piece);
        }
        return 0;
    case SQL_PIECE_ROWS_END:
        return 0;
    case SQL_PIECE_STATEMENT:
    case SQL_PIECE_COPY:
    case SQL_PIECE_PSQL:
        return take_command(c, piece, e);
    }
    return 0;
}

int
contents_read(struct contents *c, const struct script *s, const struct policy_options *o,
              struct err *e)
{
    c->policy.o = o;
    if (script_read(s, take, c, e) != 0) {
        return -1;
    }
    if (c->begun == 0 || c->complete < c->begun || !c->ended) {
        err_set(e, ERR_CORRUPT,
                c->complete < c->begun || c->begun == 0 ? "its last line, \"-- PostgreSQL database "
                                                          "dump complete\", is missing: it is "
                                                          "not whole"
                                                        : "something follows its last line, \"-- "
                                                          "PostgreSQL database dump complete\"");
        return err_hint(e, "a dump that was interrupted, or a disk that was full: take another");
    }
    return 0;
}

/* ---- pg_restore --list ---- */

static const char *
next_line(const char *line)
{
    line += strcspn(line, "\n");
    return *line == '\n' ? line + 1 : line;
}

static void
take_fact(struct contents *c, const char *line)
{
    if (take_rest(line, "; Archive created at ", &c->taken)) {
        return;
    }
    if (take_rest(line, ";     Dumped from database version: ", &c->from)) {
        c->from_version = version_num(c->from);
    } else if (take_rest(line, ";     Dumped by pg_dump version: ", &c->by)) {
        c->by_version = version_num(c->by);
    }
}

/* "3343; 0 16387 TABLE DATA public t joe" */
static bool
is_table_data(const char *line)
{
    unsigned id, catalog, oid;
    int      at = 0;

    /* Of a table in the schema "DATA" the catalog is pg_class. */
    return sscanf(line, "%u; %u %u %n", &id, &catalog, &oid, &at) == 3 && at > 0 && catalog == 0 &&
        strncmp(line + at, "TABLE DATA ", strlen("TABLE DATA ")) == 0;
}

uint64_t
contents_read_list(struct contents *c, const char *list)
{
    uint64_t tables = 0;

    for (const char *line = list; *line != '\0'; line = next_line(line)) {
        if (*line == ';') {
            take_fact(c, line);
        } else {
            tables += is_table_data(line);
        }
    }
    return tables;
}
