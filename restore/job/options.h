/*
 * options.h - the user's options.
 */
#ifndef RESTORE_JOB_OPTIONS_H
#define RESTORE_JOB_OPTIONS_H

#include <stdbool.h>
#include <time.h>

#include "core/cli/opts.h"
#include "core/config/config.h"
#include "pg/conn/conn.h"
#include "storage/contract/location.h"
#include "storage/read/backup_find.h"
#include "storage/repo/repo.h"

struct options {
    const char    *database; /* configured name of the database to restore */
    const char    *repo, *backup, *at, *before;
    bool           proven;
    char           named[BACKUP_NAMED]; /* --before as a --backup */
    struct strlist repo_options;
    const char    *as_of;
    struct strlist identity;
    const char    *passphrase_file, *passphrase_command, *passphrase_fd;
    time_t         at_time; /* 0: not given */
    const char    *max_age;
    uint64_t       max_age_s; /* 0: however old */
    const char    *use_list;
    struct strlist first;                                            /* patterns */
    struct strlist tables, exclude_tables, schemas, exclude_schemas; /* patterns */
    const char    *to;
    const char    *file, *file_db, *member, *max_size; /* foreign_options.c */
    int            max_ratio;
    uint64_t       max_size_bytes;
    const char    *into, *into_schema, *on_conflict; /* live_options.c */
    bool           put_back, data_only, truncate, disable_triggers;
    struct strlist rows; /* patterns; they are in tables, too */
    const char    *where, *as, *into_table, *apply;
    int            show, lock_timeout_s;
    bool           swap, undo, leftovers, status;
    const char    *settings, *switch_to, *drop_leftover, *drop_old_after, *check;
    bool           replace, no_safety_backup;
    bool           settings_of_backup; /* --settings backup */
    bool           check_full;         /* --check full */
    uint64_t       drop_old_after_s;   /* 0: never automatically */
    bool           scratch, scratch_unconfined, keep, allow_unsigned;
    bool           no_owner, no_privileges, no_analyze, no_record, keep_failed, globals, isolated,
        allow_remote;
    const char    *role;
    bool           no_tablespaces, beyond;
    struct strlist tablespace_map; /* OLD=NEW */
    const char    *kept;           /* load/kept.h */
    bool           list, dry_run, no_space_check;
    const char    *conninfo, *host, *port, *user;
    const char    *scratch_dir, *scratch_user, *pg_bindir;
    int            jobs;
    const char    *config_file;
    bool           print_config, json, quiet, verbose;

    struct config          *config;
    struct opts_result      parsed;
    struct storage_given    given; /* of the repository, by options */
    struct storage_location place;
    struct strlist          secrets; /* files that a scratch server must not be able to read */
};

/* Does what is restored get the name of a running database? */
static inline bool
takes_a_name(const struct options *o)
{
    return o->swap || o->replace;
}

/* Parses and checks; done: --help and the like was printed. */
int  options_read(int argc, char **argv, struct options *, bool *done, struct err *);
void options_free(struct options *);

#endif
