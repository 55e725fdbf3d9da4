/*
 * cmd.h - pgassay-storage: its commands, and their common parts.
 *
 * A command is a row of verbs.def and a file that defines cmd_NAME: its name, arguments and
 * summary, the tables of its options, and the function that does it.  Its own options are in a
 * struct that begins with struct cmd:
 *
 *     struct pin_options {
 *         struct cmd  cmd;
 *         const char *note;
 *     };
 */
#ifndef STORAGE_COMMANDS_CMD_H
#define STORAGE_COMMANDS_CMD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "core/cli/opts_common.h"
#include "core/config/config.h"
#include "core/err.h"
#include "core/json.h"
#include "storage/contract/location.h"
#include "storage/format/label.h"
#include "storage/repo/repo.h"

/* The options of all commands; each command's tables say which it takes. */
struct cmd {
    const char    *repo; /* cmd_repo_options */
    struct strlist repo_options;
    const char    *as_of;    /* cmd_as_of_options */
    struct strlist identity; /* cmd_key_options */
    const char    *passphrase_file, *passphrase_command, *passphrase_fd;
    bool           json, quiet, verbose, print_config; /* cmd_general_options */
    const char    *config_file;

    struct config       *config;
    struct storage_given given; /* everything said above about the repository */
    const char *const   *args;  /* the arguments of the command */
    size_t               n_args;
};

struct cmd_verb {
    struct opts_verb cli;
    size_t           size;                        /* of its struct of options */
    const void      *defaults;                    /* such a struct; NULL: zeros */
    int (*run)(const struct cmd *, struct err *); /* an exit status, or -1 with the error */
};

/* Several in one table of tables. */
#define CMD_TABLES(...) ((const struct opt *const[]){__VA_ARGS__, NULL})
extern const struct opt cmd_repo_options[], cmd_as_of_options[], cmd_key_options[],
    cmd_general_options[];

#define CMD_VERB(name) extern const struct cmd_verb cmd_##name;
#include "storage/commands/verbs.def"
#undef CMD_VERB

/* The command's own options. */
#define CMD_OPTIONS(c, type) ((const struct type *)(const void *)(c))

/* The repository to use; database (may be NULL) helps to find its configured one. */
struct repo *cmd_open(const struct cmd *, const char *database, struct err *);
/* db alone when it is given (ERR_NOT_FOUND when the repository does not hold it), else all. */
int cmd_databases(struct repo *, const char *db, struct strlist *, struct err *);

#endif
