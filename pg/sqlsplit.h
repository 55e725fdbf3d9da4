/*
 * sqlsplit.h - SQL text cut into statements, without running anything.
 *
 * Knows what pg_dumpall --globals-only and pg_dump's DATABASE PROPERTIES entries are made of: '…' and E'…' literals, "…" identifiers,
 * dollar quotes, -- and nested block comments; lines that begin with a backslash (\restrict, \connect) are
 * dropped.  standard_conforming_strings is on.  Source of the rules: PostgreSQL manual, 4.1 Lexical Structure.
 */
#ifndef PG_SQLSPLIT_H
#define PG_SQLSPLIT_H

#include "core/err.h"
#include "core/mem.h"

/* Appends each statement, without its semicolon and leading comments.  ERR_CORRUPT when a quote is never closed. */
int sql_split(const char *text, struct strlist *out, struct err *);

#endif
