/*
 * opts.h - parsing the command line by a tool's tables (opts_table.h).
 *
 *     if (opts_verb(&spec, argc, argv, &verb, e) != 0) ...     which command is meant
 *     values = ...;                                            that command's, with its defaults
 *     if (opts_parse(&spec, verb, argc, argv, values, &r, e) != 0) ...
 *
 * "--name value", "--name=value", "-n value", "-nvalue", "--" and unambiguous prefixes work as with
 * getopt_long (which does the work); options may precede and follow the command and its
 * arguments.  --help, --version and --completion are added for every tool.
 */
#ifndef CORE_CLI_OPTS_H
#define CORE_CLI_OPTS_H

#include "core/cli/opts_table.h"
#include "core/err.h"
#include "core/mem.h"

/* What parsing decided besides the values. */
struct opts_result {
    int            done;     /* --help, --version or --completion was printed: leave with 0 */
    opts_tables    tables;   /* the options that count here */
    struct strlist rest;     /* arguments, without the command */
    struct strlist given;    /* names of the options on the command line */
    struct strlist from_env; /* names of those that only the environment set */
};

/* The command that the line names; *out is NULL when it names none, and for a tool without
 * commands. ERR_USAGE: there is none of that name. */
int opts_verb(const struct opts_spec *, int argc, char **argv, const struct opts_verb **out,
              struct err *);

/* Fills values (initialised with defaults by the caller): environment first, then
 * argv.  ERR_USAGE, with a hint to --help. */
int opts_parse(const struct opts_spec *, const struct opts_verb *, int argc, char **argv,
               void *values, struct opts_result *, struct err *);

/* Checks that there is a command if the tool has any, and the right number of arguments.  Not
 * called for --print-config.  ERR_USAGE. */
int opts_check(const struct opts_spec *, const struct opts_verb *, const struct opts_result *,
               struct err *);

/* True when the user gave this option on the command line or in the environment
 * (so that the configuration file must not override it; config_apply() heeds it). */
int opts_given(const struct opts_result *, const char *name);

/* Sets one option from text, as the configuration file does; ERR_USAGE.  OPT_TEXT borrows the
 * text. */
int opts_set(opts_tables, void *values, const char *name, const char *text, struct err *);

/* The value as opts_set() takes it; of a list all values; nothing when there is none. */
void opts_texts(const struct opt *, const void *values, struct strlist *out);

/* Frees the lists among the values, or copies them so that both can be freed. */
void opts_lists_free(opts_tables, void *values);
void opts_lists_copy(opts_tables, void *values);

void opts_result_free(struct opts_result *);

#endif
