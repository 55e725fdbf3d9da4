/*
 * sqlsplit.h - SQL text cut into statements, without running anything.
 *
 * Knows what pg_dumpall --globals-only and pg_dump's DATABASE PROPERTIES entries are made of: '…'
 * and E'…' literals, "…" identifiers, dollar quotes, -- and nested block comments; lines that begin
 * with a backslash (\restrict, \connect) are dropped.  standard_conforming_strings is on.  BEGIN
 * ATOMIC bodies are not known: neither of the two holds functions.  Source of the rules: PostgreSQL
 * manual, 4.1 Lexical Structure.
 */
#ifndef PG_ARCHIVE_SQLSPLIT_H
#define PG_ARCHIVE_SQLSPLIT_H

#include <stdbool.h>

#include "core/err.h"
#include "core/mem.h"

/* Appends each statement, without its semicolon and leading comments.  ERR_CORRUPT when a quote
 * is never closed. */
int sql_split(const char *text, struct strlist *out, struct err *);

/* Behind the token at p: a literal, identifier, word, comment, or one character.  NULL: never
 * closed. */
const char *sql_token(const char *p);

/* Whether the whole word (a keyword, any case) stands at p. */
bool sql_word(const char *p, const char *word);

#endif
