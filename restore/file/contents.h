/*
 * contents.h - what a dump holds, and whether it is whole: found out by reading all of it, before
 * anything is made.
 *
 * Whole is a dump whose last line is there, "-- PostgreSQL database dump complete", for each one
 * that begins (pg_dumpall's holds several); and an archive whose table of contents lists as many
 * tables' rows as there are.
 */
#ifndef RESTORE_FILE_CONTENTS_H
#define RESTORE_FILE_CONTENTS_H

#include "restore/file/policy.h"
#include "restore/file/script.h"

struct contents {
    struct policy  policy;       /* at the end: database, roles, extensions */
    char          *from, *by;    /* versions of server and pg_dump, "15.20 (Debian …)"; NULL */
    char          *taken;        /* as pg_restore prints it; NULL: a plain dump does not say */
    char          *encoding;     /* of the text; NULL */
    int            from_version; /* as server_version_num: 150020; 0: not known */
    int            by_version;
    struct strlist databases; /* of pg_dumpall: those that it makes */
    uint64_t data; /* tables whose rows are announced, by pg_restore's comments: of none, too */
    uint64_t statements, tables, copies, inserts, rows, bytes; /* bytes: of statements, rows */

    uint64_t begun, complete; /* private: dumps */
    bool     ended;           /* ... nothing has followed the last line */
    bool     passing;         /* ... rows that policy passes over */
};

/* ERR_CORRUPT: it is not whole, or holds what no dump has.  Free it in any case. */
int  contents_read(struct contents *, const struct script *, const struct policy_options *,
                   struct err *);
void contents_free(struct contents *);

/* Of an archive, before: versions and time, from `pg_restore --list`.  Returns the number of tables
 * whose rows it lists. */
uint64_t contents_read_list(struct contents *, const char *list);

#endif
