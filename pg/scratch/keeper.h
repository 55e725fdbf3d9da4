/*
 * keeper.h - the process that runs a scratch server (for guardian.c only).
 *
 * It runs as the server's own user, in the server's namespaces, and so never reads that user's
 * files with other rights.  In a PID namespace it is the first process: no process of the server
 * can signal it, and when it ends the kernel ends all of them.
 */
#ifndef PG_SCRATCH_KEEPER_H
#define PG_SCRATCH_KEEPER_H

#include "core/buf.h"
#include "pg/scratch/account.h"
#include "pg/scratch/confine.h"

struct server_job {
    const char  *dir; /* exists, belongs to the account; data/ and log are made in it */
    char *const *initdb, *const *postgres; /* argv of both, NULL-terminated; initdb NULL: data/ is
                                              there */
    char *const      *env;                 /* their whole environment */
    const struct buf *cluster;             /* packed.h: of which data/ is made, and by initdb when
                                              that fails; NULL or empty: by initdb */
    const char               *packed;      /* where one that initdb has made is packed; or NULL */
    const char               *leave_at;    /* where its data go that are to be left; or NULL */
    const struct account     *account;
    const struct confinement *confinement;
};

/* How long a server may take to stop before it is killed: at once, and in order. */
enum { KEEPER_STOP_MS = 10000, KEEPER_SHUTDOWN_MS = 300000 };
enum { KEEPER_LEAVE = 'l' };

/* Never returns; the exit status is 0, unless the server ended by itself, or was not stopped in the
 * way it was to be.
 * stop: a pipe; when it is closed the server is stopped: at once, or after KEEPER_LEAVE in order,
 * with all data written.  status: "\nready\n" once the server accepts connections, or the reason
 * why not.  Both programs write to descriptors 1 and 2, the log, which is open for reading, too. */
_Noreturn void keeper_main(const struct server_job *, int stop, int status);

#endif
