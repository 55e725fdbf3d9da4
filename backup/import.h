/*
 * import.h - backing up a dump that another tool made (--file), instead of a running database.
 *
 *     look     pgassay-restore reads all of the file: what is it, of which databases, is it whole?
 *     compare  is it in the repositories already, by its SHA-256?
 *     restore  into a scratch server as drills use it (pg/scratch/scratch.h): the dump is foreign
 *              code
 *     back up  each of its databases from there, like any other (run.c); its label says that it was
 *              imported, and has the dump's time
 *
 * The scratch server lives from importing_begin() to importing_end().
 */
#ifndef BACKUP_IMPORT_H
#define BACKUP_IMPORT_H

#include <sys/stat.h>

#include "backup/run.h"
#include "core/crypto/hash.h"
#include "pg/scratch/scratch.h"

struct import {
    const char *path; /* as the user gave it */
    struct stat was;
    char       *file;                   /* its last part */
    char        sha256[SHA256_HEX + 1]; /* of a directory: of what `sha256sum *` prints there */
    char       *kind;                   /* docs/json.md, "file" */
    char       *server_version, *pg_dump_version; /* NULL: the dump does not say */
    int         server_version_num;               /* 0: likewise */
    time_t      from, until, taken; /* --taken, a range; its moment, as far as it is known */
    uint64_t    tables, rows;
    json_t     *locale;  /* of its database, as the manifest has it; NULL: the dump does not say */
    bool        cluster; /* it makes its databases itself */
    struct scratch *scratch;  /* NULL: nothing had to be restored */
    struct strlist  warnings; /* of the restore */
};

/* Which database of the dump becomes which in the repository. */
struct import_target {
    char *name, *dbname;
    char  present[BACKUP_ID_MAX]; /* the backup that was made of this file already; "": none */
};

struct importing {
    struct import         import;
    struct import_target *v;
    size_t                n, cap;
};

/* With --dry-run nothing is restored.  Free it in any case. */
int  importing_begin(struct importing *, const struct backup_request *, struct err *);
int  importing_end(struct importing *, struct err *);
void importing_free(struct importing *);

/* What the file is: kind, databases, times; into m.v the targets (import_file.c). */
int import_look(struct importing *, const struct options *, struct err *);
int import_digest(struct import *, struct err *);
/* Into the scratch server. */
int import_restore(struct importing *, const struct options *, struct err *);

#endif
