/*
 * quote.h - text inside SQL and shell commands, so that it is never taken for more than text.
 *
 * Bytes are bytes: no encoding is assumed but that the quotes are ASCII, as in all of a server's.
 * All results are allocated.
 */
#ifndef CORE_QUOTE_H
#define CORE_QUOTE_H

#include <stddef.h>

#include "core/err.h"

/* Always in double quotes: "a ""b""". */
char *quote_ident(const char *);
/* "schema"."name". */
char *quote_qualified(const char *schema, const char *name);
/* 'it''s': where standard_conforming_strings is on. */
char *quote_literal(const char *);
/* One word for bash: as it is when nothing in it means anything, 'it'\''s', or, with control
 * characters, $'a\012b', which is one line in any case. */
char *quote_shell(const char *);
/* The name of a database as PostgreSQL's programs take it for -d: as it is, or, where they would
 * read a connection string in it (it has "=" or begins like a URI), "dbname='it\'s=one'". */
char *quote_dbname(const char *);
/* A command to be typed or pasted: these words, each quoted for a shell.  QUOTE_ARG(word) is an
 * argument that comes from outside: if it begins with a hyphen, it stands at the end, behind "--",
 * and is no option. */
#define quote_command(...) quote_words((const char *const[]){__VA_ARGS__, NULL})
/* The same as a hint (err.h), behind what is to be said before it.  Returns -1. */
#define quote_hint(e, before, ...)                                                                 \
    quote_words_hint(e, before, (const char *const[]){__VA_ARGS__, NULL})

#define QUOTE_ARG(word) quote_arg_next, (word)
extern const char quote_arg_next[];

char *quote_words(const char *const *words); /* NULL ends them */
int   quote_words_hint(struct err *, const char *before, const char *const *words);

#endif
