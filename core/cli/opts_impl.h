/*
 * opts_impl.h - shared by the opts*.c files; private to them.
 */
#ifndef CORE_CLI_OPTS_IMPL_H
#define CORE_CLI_OPTS_IMPL_H

#include <getopt.h>
#include <stdbool.h>

#include "core/cli/opts.h"

/* What getopt_long() returns for options without a letter. */
enum { OPTS_VAL_TABLE = 256, OPTS_VAL_HELP = 100000, OPTS_VAL_VERSION, OPTS_VAL_COMPLETION };

/* getopt_long()'s own tables, made from ours.  shorts starts with ':': we print the errors. */
struct opts_getopt {
    struct option *longs;
    char           shorts[2 * 128 + 2];
};
void opts_getopt_make(opts_tables, struct opts_getopt *);

/* Is it a command like "keys add", where word is "keys"?  Is there any such command? */
bool opts_in_group(const struct opts_verb *, const char *word);
bool opts_has_group(const struct opts_spec *, const char *word);

/* Every option of every command, NULL at the end; to be freed. */
opts_tables opts_all_tables(const struct opts_spec *);

/* ERR_USAGE for what getopt_long() has just returned ':' or '?'.  tables: the options that count
 * here. */
int opts_refuse(const struct opts_spec *, const struct opts_verb *, opts_tables, int c, char **argv,
                struct err *);
/* With a hint to the relevant --help. */
int opts_hint_help(const struct opts_spec *, const struct opts_verb *, struct err *);

#endif
