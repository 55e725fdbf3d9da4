/*
 * cmd.h - pgassay-storage: what its verbs share.  One verb, one file.
 */
#ifndef STORAGE_COMMANDS_CMD_H
#define STORAGE_COMMANDS_CMD_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "core/config/config.h"
#include "core/err.h"
#include "storage/repo/repo.h"
#include "storage/retention/policy.h"

struct cmd {
    const char        *repo, *config_file;
    struct strlist     repo_options;
    const char        *as_of, *since;
    bool               json, tables, check, quiet, verbose, print_config;
    const char        *share, *max_bytes, *max_time, *repair_from;
    int                jobs;
    const char        *rule[POLICY_KEYS]; /* policy: in policy_key()'s order */
    const char        *backup;
    bool               adopt, decrypt;
    bool               clear, dry_run, drop_damaged;
    const char        *name, *passphrase_file, *passphrase_command, *passphrase_fd;
    bool               passphrase, writer;
    struct strlist     identity, encrypt_to;
    const char        *note, *reason, *grace, *free_space;
    struct config     *config;
    const char *const *args; /* what stands behind the verb */
    size_t             n_args;
};

/* An exit status, or -1 with the error. */
int cmd_init(const struct cmd *, struct err *);
int cmd_list(const struct cmd *, struct err *);
int cmd_show(const struct cmd *, struct err *);
int cmd_scrub(const struct cmd *, struct err *);
int cmd_copy(const struct cmd *, struct err *);
int cmd_doctor(const struct cmd *, struct err *);
int cmd_undelete(const struct cmd *, struct err *);
int cmd_policy(const struct cmd *, struct err *);
int cmd_pin(const struct cmd *, struct err *);
int cmd_unpin(const struct cmd *, struct err *);
int cmd_accept(const struct cmd *, struct err *);
int cmd_prune(const struct cmd *, struct err *);
int cmd_keygen(const struct cmd *, struct err *);
int cmd_keys(const struct cmd *, struct err *);

/* The repository meant; database (may be NULL) helps to find its configured one. */
struct repo *cmd_open(const struct cmd *, const char *database, struct err *);
/* db alone when it is given (ERR_NOT_FOUND when the repository does not hold it), else all. */
int cmd_databases(struct repo *, const char *db, struct strlist *, struct err *);

#endif
