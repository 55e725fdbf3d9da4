/*
 * import.h - what the files of `storage import` share.
 *
 * The work is done by the tools for it: pgassay-backup --file restores a dump into a scratch server
 * and backs that up, pgassay-verify drill drills the backup.  This command says of which files.
 */
#ifndef STORAGE_COMMANDS_IMPORT_H
#define STORAGE_COMMANDS_IMPORT_H

#include "storage/commands/cmd.h"
#include "storage/exchange/dumpscan.h"
#include "storage/format/backupid.h"

struct import_options {
    struct cmd  cmd;
    const char *file, *db, *taken, *scan, *named, *member, *max_size;
    int         max_ratio, jobs;
    bool        no_drill, dry_run;
    const char *scratch_dir, *scratch_user, *pg_bindir;
    bool        scratch_unconfined;
};

enum import_status { IMPORT_STORED, IMPORT_PRESENT, IMPORT_PLANNED, IMPORT_FAILED };
enum import_drill { DRILL_NONE, DRILL_PASSED, DRILL_FOUND, DRILL_FAILED };

/* A database of a file. */
struct import_result {
    char              *path;
    char              *db; /* NULL: it was not found out */
    enum import_status status;
    char               id[BACKUP_ID_MAX]; /* of stored and present */
    char              *taken;             /* RFC 3339; NULL */
    enum import_drill  drill;
    int                exit_status;  /* of what failed; EXIT_GOOD */
    char              *error, *hint; /* why it, or its drill, failed; NULL */
};

struct import_run {
    const struct import_options *o;
    struct repo                 *repo;
    const char                  *repo_name; /* as --repo of a tool */
    struct import_result        *v;
    size_t                       n, cap;
};

/* import_run.c: adds a result for each database of the file, and drills what was stored.  -1: it
 * was interrupted. */
int import_file(struct import_run *, const struct dump_file *, struct err *);

/* import_text.c */
bool import_good(const struct import_result *);
void import_say(const struct import_run *, const struct import_result *);
/* What failed, and why, at the end. */
void import_say_failures(const struct import_run *);
int  import_say_json(const struct import_run *, const struct strlist *passed, struct err *);

#endif
