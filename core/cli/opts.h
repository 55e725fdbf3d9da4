/*
 * opts.h - the command line, read as a tool's table of options says (opts_table.h).
 *
 * "--name value", "--name=value", "-n value", "-nvalue", "--" and
 * unambiguous prefixes work as with getopt_long (which does the work).  --help,
 * --version and --completion bash are added for every tool.
 */
#ifndef CORE_CLI_OPTS_H
#define CORE_CLI_OPTS_H

#include "core/cli/opts_table.h"
#include "core/err.h"
#include "core/mem.h"

/* What parsing decided beside the values. */
struct opts_result {
    int            done;     /* --help, --version or --completion was printed: leave with 0 */
    struct strlist rest;     /* positional arguments */
    struct strlist given;    /* names of the options on the command line */
    struct strlist from_env; /* names of those that only the environment set */
};

/* Options that only some verbs of a tool know; in each a few words with blanks between. */
struct opt_verbs {
    const char *options; /* NULL ends a table of these */
    const char *verbs;
};

/* Fills values (initialised with defaults by the caller): environment first, then
 * argv.  ERR_USAGE, with a hint to --help. */
int opts_parse(const struct opts_spec *, int argc, char **argv, void *values, struct opts_result *,
               struct err *);

/* True when the user gave this option on the command line or in the environment
 * (so that the configuration file must not override it; config_apply() heeds it). */
int opts_given(const struct opts_result *, const char *name);

/* ERR_USAGE when the command line has an option that is for other verbs than this one: who
 * writes "policy --dry-run" must not be given what he did not ask for.  What the table does not
 * name is for every verb. */
int opts_check_verb(const struct opts_result *, const char *verb, const struct opt_verbs *table,
                    struct err *);

/* Sets one option from text, as the configuration file does; ERR_USAGE.  OPT_TEXT borrows the
 * text. */
int opts_set(const struct opts_spec *, void *values, const char *name, const char *text,
             struct err *);

/* The value as text, as opts_set() takes it, allocated; NULL when there is none. */
char *opts_text(const struct opt *, const void *values);

void opts_result_free(struct opts_result *);

#endif
