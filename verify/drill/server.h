/*
 * server.h - the server that a drill restores into: a throw-away one of its own, or one that the
 * configuration names.
 *
 *     [server spare]
 *     conninfo = host=spare user=drill
 *     scratch = yes
 *
 * A named one must be marked so, and must not be the server that the backup came from.  On it a
 * drill touches only databases whose names begin with DRILL_NAME, which are dropped before and
 * after, and roles, likewise: those of such names, and those of the backup that a drill had to
 * make, which bear a comment that says so (pg/target/roles.h).  One drill at a time uses it: an
 * advisory lock in its database "postgres" says so.
 */
#ifndef VERIFY_DRILL_SERVER_H
#define VERIFY_DRILL_SERVER_H

#include "core/mem.h"
#include "pg/scratch/scratch.h"
#include "verify/drill/warm.h"
#include "verify/job/baseline.h"
#include "verify/job/options.h"

/* The copy.  All names of a drill's databases begin so. */
#define DRILL_NAME "pgassay_drill"

struct drill_server {
    struct pg_target target;  /* its dbname is not used */
    struct scratch  *scratch; /* NULL: a named one */
    /* a named one */
    PGconn *held;                          /* holds the lock */
    char   *host, *port, *user, *password; /* password NULL: it asked for none */
    char   *conninfo;                      /* without a password, for children */
    char  **env;
};

/* Errors: ERR_USAGE (not one of the configuration's), ERR_NOT_FOUND (--major), ERR_BUSY. */
int drill_server_start(const struct options *, const struct baseline *, const struct warm *,
                       struct drill_server *, struct err *);
/* Of one of its own, for a warm drill: its data, with the copy and no other database of the drill,
 * are kept when it ends. */
int drill_server_leave(struct drill_server *, struct err *);
/* The options of pgassay-restore that name it. */
void drill_server_args(const struct drill_server *, struct strlist *args);
/* What ran there failed: if its disk has no room for that many bytes, *e says what to do. */
void drill_server_explain(const struct drill_server *, uint64_t bytes, struct err *);
/* Removes what was made there, also after a failure: the throw-away server, or databases and roles
 * of the backup. */
int drill_server_end(struct drill_server *, struct err *);

#endif
