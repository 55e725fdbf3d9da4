/*
 * opts_table.h - the possible contents of a tool's command line, as tables: they drive parsing,
 * --help, the shells' completion, and the test that the man page has every option and every
 * command.
 *
 * An option is a row of a table and points, by offsetof(), into a struct of values.  Several tables
 * may be combined, as long as all of them point into the same struct, or into its beginning: so a
 * command's own struct begins with what all commands have.
 *
 *     pgassay-storage  prune     [OPTION]... [DB]
 *     the program      a command             its arguments
 */
#ifndef CORE_CLI_OPTS_TABLE_H
#define CORE_CLI_OPTS_TABLE_H

#include <stddef.h>

#include "core/config_key.h"

enum opt_kind {
    OPT_FLAG, /* bool */
    OPT_TEXT, /* const char *, borrowed from argv or the environment */
    OPT_INT,  /* int, between min and max */
    OPT_LIST, /* struct strlist, may be given again */
    OPT_LOG,  /* no value: the log is told at once, so that the next error heeds it (opts_log.h) */
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

/* Tables of options, the last one NULL; each ends with kind OPT_HEAD and name NULL. */
typedef const struct opt *const *opts_tables;

/* A command of a tool: "pgassay-storage prune". */
struct opts_verb {
    const char *name;    /* "prune"; two words where the first is a command too: "keys add" */
    const char *args;    /* "DB [BACKUP]" or "FILE..." (opts_args.h); "" for none */
    const char *summary; /* one sentence, lower case, no full stop */
    opts_tables tables;  /* every option that it takes */
};

struct opts_spec {
    const char *program; /* "pgassay-backup" */
    const char *args;    /* for a tool without commands */
    const char *summary; /* one sentence */
    opts_tables tables;  /* for a tool without commands; else those that need no command */
    const struct opts_verb *const *verbs;    /* NULL at the end; or NULL: a tool without commands */
    const struct config_keys *(*keys)(void); /* of the configuration; NULL: the tool reads none */
};

/* i = 0, 1, ...: the i-th option of the tables without their headings; NULL at the end. */
const struct opt *opts_at(opts_tables, size_t i);
/* The option of that name; NULL: there is none. */
const struct opt *opts_named(opts_tables, const char *name);

/* i = 0, 1, ...: the i-th of the options like --help and --version; NULL at the end. */
const struct opt *opts_builtin(size_t i);
/* i = 0, 1, ...: the i-th option of the tables, then those like --help; NULL at the end. */
const struct opt *opts_at_or_builtin(opts_tables, size_t i);

#endif
