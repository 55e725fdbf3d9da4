/*
 * sqltoken.h - splitting SQL text into tokens as a server does.
 *
 * The output of pg_dump, pg_restore and pg_dumpall is split only here: names, comments and bodies
 * in it are chosen by the objects' owners and may hold anything, but cannot leave their quotes.
 * The rules are those of PostgreSQL's scan.l (manual, 4.1 Lexical Structure) in any server
 * encoding: bytes from 0x80 on are letters, ASCII bytes are themselves.  Not so in encodings that
 * only clients have (SJIS, BIG5, GBK, GB18030, UHC, JOHAB): who reads a text of others' refuses
 * them (restore/file/policy.c).
 *
 * The end of a statement is found, too, by the rules of psql: not at a semicolon within
 * parentheses (CREATE RULE … DO (…; …)), nor between BEGIN ATOMIC and its END in CREATE FUNCTION
 * and CREATE PROCEDURE.
 *
 * Coarser than the server in two ways that change no boundary: a run of operator characters is
 * one token, and 1.5e3 is several.
 */
#ifndef PG_ARCHIVE_SQLTOKEN_H
#define PG_ARCHIVE_SQLTOKEN_H

#include <stdbool.h>
#include <stddef.h>

enum sql_kind {
    SQL_END,    /* of the text */
    SQL_WORD,   /* a keyword, or a name without quotes */
    SQL_IDENT,  /* "…" or U&"…" */
    SQL_STRING, /* '…', with E, B, X, N or U& before it, and its continuation on further lines; a
                   dollar quote */
    SQL_NUMBER, /* digits */
    SQL_OPERATOR, /* = || :: is two signs */
    SQL_SIGN,     /* any other character, a semicolon within a statement among them */
    SQL_STOP,     /* the semicolon that ends a statement */
    SQL_COMMENT,  /* to the end of the line, without it; or a block */
    SQL_PSQL, /* a command for psql between two statements (\restrict …), to the end of the line */
    SQL_UNCLOSED, /* a quote or a block comment that is never closed */
};

struct sql_token {
    enum sql_kind kind;
    const char   *at; /* in the text */
    size_t        n;  /* bytes */
};

/* The reader's position in a statement; private. */
struct sql_place {
    bool inside;        /* a statement has begun */
    int  parentheses;   /* open */
    int  atomic;        /* BEGIN ATOMIC and CASE without their END */
    int  head;          /* progress in CREATE OR REPLACE FUNCTION */
    bool begin, dotted; /* the token before was BEGIN, was a full stop */
};

struct sql_reader {
    const char *text, *p;
    bool        backslash; /* standard_conforming_strings is off: '\'' is one string.  A caller
                              that sees the SET changes it, at an SQL_STOP. */
    struct sql_place place;
};

struct sql_reader sql_reader(const char *text);

/* The next token; white space between tokens is skipped. */
struct sql_token sql_next(struct sql_reader *);

/* No statement has begun: a comment, a line for psql, or a new statement follows. */
bool sql_between(const struct sql_reader *);

/* Continues at p, which must be between two statements. */
void sql_continue(struct sql_reader *, const char *p);

/* The word, in any case and without quotes. */
bool sql_is(const struct sql_token *, const char *word);

/* One character, as SQL_SIGN, SQL_OPERATOR or SQL_STOP. */
bool sql_is_sign(const struct sql_token *, char);

/* The name denoted by a SQL_WORD or SQL_IDENT; allocated.  NULL: another kind of token, or a
 * U&"…" (none of PostgreSQL's programs prints one). */
char *sql_name(const struct sql_token *);

/* A string that is read differently when standard_conforming_strings is on: '…' with a
 * backslash. */
bool sql_needs_escape(const struct sql_token *);

#endif
