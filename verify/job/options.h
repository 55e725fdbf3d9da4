/*
 * options.h - the user's options: one table, merged with the configuration file.
 */
#ifndef VERIFY_JOB_OPTIONS_H
#define VERIFY_JOB_OPTIONS_H

#include <stdbool.h>
#include <time.h>

#include "core/cli/opts.h"
#include "core/config/config.h"
#include "pg/conn/conn.h"
#include "storage/contract/location.h"
#include "storage/read/backup_find.h"
#include "storage/repo/repo.h"
#include "verify/health/limits.h"

struct options {
    /* from the table */
    const char    *repo, *config_file;
    struct strlist repo_options;
    const char    *as_of;
    struct strlist identity;
    const char    *passphrase_file, *passphrase_command, *passphrase_fd;
    const char    *backup, *at, *before, *max_age, *since, *report, *junit;
    bool           proven;
    char           named[BACKUP_NAMED]; /* --before as a --backup */
    const char    *baseline;            /* of live: instead of a backup */
    const char    *name;                /* of baseline record */
    const char    *conninfo, *host, *port, *user;
    const char    *idle_after, *long_after, *blocked_after, *terminate_idle, *application;
    bool           nagios, in_transaction, yes, notify;
    struct strlist repos; /* of status */
    const char    *rpo, *rto, *proven_within, *scrubbed_within, *key_drilled_within, *prometheus;
    int            explain;     /* rows of a table; 0: none */
    int            jobs, major; /* major: of the server of a drill; 0: the source's */
    int            lock_timeout_s;
    bool full, estimate, amcheck, self_test, allow_unsigned, no_record, keep, allow_remote, beyond,
        scratch_unconfined, json, quiet, verbose, print_config;
    const char *warm;       /* of a drill: where its copy is kept; NULL: nowhere */
    int         cold_every; /* ... one in so many is cold */
    const char *server; /* of a drill: a [server NAME], or its connection string; NULL: its own */
    const char *pg_bindir, *scratch_dir, *scratch_user;

    /* derived */
    const char             *database; /* configured name; NULL: every database (objects, chain) */
    struct storage_given    given;    /* of the repository, by options */
    struct storage_location place;
    struct strlist          secrets;      /* files that a scratch server must not be able to read */
    time_t                  at_time;      /* 0: not given */
    uint64_t                max_age_s;    /* 0: however old */
    uint64_t                rto_s, rpo_s; /* of a drill; 0: no target */
    uint64_t                terminate_idle_s;
    struct health_limits    health;
    struct config          *config;
    struct opts_result      parsed;
};

/* The tables that the commands (verify/main.c) put together.  options_restored: for those that
 * restore something to compare with. */
extern const struct opt options_repo[], options_backup[], options_restored[], options_drill[],
    options_record[], options_baseline[], options_since[], options_report[], options_live[],
    options_jobs[], options_server[], options_health[], options_looking[], options_repos[],
    options_newest[], options_targets[], options_status[], options_general[];

/* Parses, merges and checks.  repo: the command cannot do without one, which is then in place.
 * done: help or --print-config was printed, leave with 0. */
int options_read(const struct opts_spec *, const struct opts_verb *, bool repo, int argc,
                 char **argv, struct options *, bool *done, struct err *);
/* A target: a time, or "none", which is 0; text NULL: seconds stays.  name: for the error. */
int options_read_target(const char *name, const char *text, uint64_t *seconds, struct err *);
/* The repository of the database that is named first, into place; ERR_USAGE: none is named. */
int  options_find_repo(struct options *, struct err *);
void options_free(struct options *);

/* Nothing on success without a terminal: cron mails any output. */
bool options_quiet(const struct options *);
/* The server for `live`, `health` and `xid`. */
struct pg_target options_target(const struct options *);
/* The database of the command on that server: what the configuration, or else its name, says. */
struct pg_target options_database_target(const struct options *);
/* Does command line, environment or configuration say which database of the server?  PGDATABASE is
 * no reason to look at another one than the command names. */
bool options_name_database(const struct options *);

#endif
