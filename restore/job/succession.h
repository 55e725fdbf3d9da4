/*
 * succession.h - a name in a repository goes over to the database that has taken another's place.
 *
 * A backup does so by itself as long as the other is set aside (pg/target/aside.h); this does it
 * before that one is dropped.  A name that stands for anything else, such as another server's
 * database, is left alone.
 */
#ifndef RESTORE_JOB_SUCCESSION_H
#define RESTORE_JOB_SUCCESSION_H

#include "pg/target/aside.h"
#include "restore/job/options.h"

struct succession {
    const struct options *o;
    struct repo          *repo; /* the one of o->place, which is open; NULL: none is */
    PGconn               *conn; /* in any database of the server */
    const char           *name; /* the database that has taken the place */
    const char *aside;   /* its predecessor, now set aside, whoever owns it; NULL: not known */
    uint32_t    dropped; /* its predecessor, which is no more; 0: none */
    bool every_name;     /* of the repository; or the one that the options say and the database's */
};

/* The database has its name, and who waits for the tool waits for it: what is still noted in a
 * repository waits so many seconds at most for a store that does not answer. */
#define SUCCESSION_WAIT_S 5

/* In all repositories that the options or the configuration name, also when one of them fails.  A
 * failure is a warning, as the names have changed places. */
void succession_tell(const struct succession *);
/* Before a database that is set aside is dropped.  -1: it must not be.  Where no repository is
 * named, this is said. */
int succession_before_drop(const struct options *, struct repo *, PGconn *, const struct aside *,
                           struct err *);

#endif
