/*
 * opts_table.h - one table drives parsing, --help, shell completion and the test that
 * the man page names every option.
 *
 * A tool declares a struct of values, and a table whose entries point into it with
 * offsetof().
 */
#ifndef CORE_CLI_OPTS_TABLE_H
#define CORE_CLI_OPTS_TABLE_H

#include <stddef.h>

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

/* i = 0, 1, ...: the i-th option of the table without its headings; NULL at the end. */
const struct opt *opts_at(const struct opts_spec *, size_t i);

#endif
