/*
 * foreign.h - restoring a dump that another tool made (--file): no repository is needed.
 *
 *     read       what the file is, what is in it, is it whole: all of it is read, nothing is made
 *     preflight  the name, roles and extensions on the server
 *     run        its statements in the new database, over one session, rows by COPY.  The first
 *                error ends it
 *
 * The new database has a working name until all of it has succeeded, as in every restore
 * (restore.h); a dump of pg_dumpall goes into a scratch server, whose databases it makes itself.
 */
#ifndef RESTORE_FILE_FOREIGN_H
#define RESTORE_FILE_FOREIGN_H

#include "restore/job/restore.h"

extern const struct opt foreign_options[];

bool foreign_asked(const struct options *);
/* ERR_USAGE: options that do not go together, a size that is none.  Reads --max-size. */
int foreign_check(struct options *, struct err *);

struct foreign;

int  foreign_read(struct restore *, struct err *);
int  foreign_preflight(struct restore *, struct err *);
bool foreign_is_cluster(const struct restore *); /* it makes its databases itself */
int  foreign_run(struct restore *, struct err *);
void foreign_free(struct foreign *); /* accepts NULL */

/* 'plain dump of pg_dump "/srv/shop.sql.gz", …'; allocated. */
char *foreign_what(const struct restore *);
/* The part "file" of the result (docs/json.md); null before it is known. */
json_t  *foreign_json(const struct restore *);
uint64_t foreign_tables(const struct restore *);
/* What it holds, for people (--list). */
void foreign_list(const struct restore *);
/* The result for people; what: which database, where (report.c). */
void foreign_print(const struct restore *, const char *what);

#endif
