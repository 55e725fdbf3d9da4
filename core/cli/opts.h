/*
 * opts.h - one table drives parsing, --help, shell completion and the test that
 * the man page names every option.
 *
 * A tool declares a struct of values, and a table whose entries point into it with
 * offsetof().  "--name value", "--name=value", "-n value", "-nvalue", "--" and
 * unambiguous prefixes work as with getopt_long (which does the work).  --help,
 * --version and --completion bash are added for every tool.
 */
#ifndef CORE_CLI_OPTS_H
#define CORE_CLI_OPTS_H

#include <stddef.h>

#include "core/err.h"
#include "core/mem.h"

enum opt_kind {
    OPT_FLAG, /* bool */
    OPT_TEXT, /* const char *, borrowed from argv or the environment */
    OPT_INT,  /* int, between min and max */
    OPT_LIST, /* struct strlist, may be given again */
    OPT_HEAD, /* no option: a heading in --help */
};

struct opt {
    enum opt_kind kind;
    const char   *name;   /* long name, without dashes; the text of a heading */
    char          letter; /* 0: none */
    const char   *arg;    /* "PATH", for --help */
    const char   *help;   /* one sentence, lower case, no full stop */
    size_t        offset; /* into the values */
    int           min, max;
    const char   *env;    /* environment variable that gives a default, or NULL */
    const char   *config; /* key in the configuration file's sections, or NULL */
};

struct opts_spec {
    const char       *program; /* "pgassay-backup" */
    const char       *usage;   /* "[OPTION]... [DBNAME]..." */
    const char       *summary; /* one sentence */
    const struct opt *table;   /* ends with kind OPT_HEAD and name NULL */
};

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

/* i = 0, 1, ...: the i-th option of the table without its headings; NULL at the end. */
const struct opt *opts_at(const struct opts_spec *, size_t i);

void opts_result_free(struct opts_result *);

#endif
