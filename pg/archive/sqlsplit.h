/*
 * sqlsplit.h - SQL text as statements, and statements as tokens, without running anything.
 *
 * Comments and lines for psql (\restrict, \connect) are dropped between statements.  After a text
 * sets standard_conforming_strings = off, the rest is read that way, as a server does.
 */
#ifndef PG_ARCHIVE_SQLSPLIT_H
#define PG_ARCHIVE_SQLSPLIT_H

#include <stdbool.h>

#include "core/err.h"
#include "core/mem.h"
#include "pg/archive/sqltoken.h"

/* Tokens point into the text, which must live as long.  No comments, nor the semicolon. */
struct sql_statement {
    struct sql_token *v;
    size_t            n, cap;
    const char *from, *to; /* from the first token to after the semicolon, or the last token */
    bool        backslash; /* standard_conforming_strings was off */
};

struct sql_script {
    struct sql_statement *v;
    size_t                n, cap;
};

/* ERR_CORRUPT when a quote or comment is never closed.  Free it in any case. */
int  sql_parse(const char *text, struct sql_script *, struct err *);
void sql_script_free(struct sql_script *);

/* The text of a statement from its first token to its last, for a session with
 * standard_conforming_strings on (as all of pgassay's): '\' that was written for off becomes E'\'.
 * Allocated. */
char *sql_text(const struct sql_statement *);
char *sql_conforming(const char *from, const char *to); /* of text that was written for off */

/* If the statement sets standard_conforming_strings, changes *backslash accordingly. */
void sql_set_conforming(const struct sql_statement *, bool *backslash);

/*
 * Reading a statement from left to right.  Each function advances and returns true if the expected
 * text comes next, else does not move.
 */
struct sql_cursor {
    const struct sql_token *p, *end;
};

struct sql_cursor sql_cursor(const struct sql_statement *);
bool              sql_words(struct sql_cursor *, const char *words); /* "ALTER TABLE ONLY" */
bool              sql_sign(struct sql_cursor *, char);
/* A name of one part; *name (may be NULL) is allocated. */
bool sql_simple_name(struct sql_cursor *, char **name);
/* A name of one or more parts, "public.orders"; the span is from its first byte to after its
 * last. */
struct sql_span {
    const char *from, *to;
};
bool sql_qualified_name(struct sql_cursor *, struct sql_span *);
/* From "(" to its matching ")". */
bool sql_parenthesised(struct sql_cursor *, struct sql_span *);

/* Whether the words occur from here on, outside of inner parentheses. */
bool sql_has_words(struct sql_cursor, const char *words);

#endif
