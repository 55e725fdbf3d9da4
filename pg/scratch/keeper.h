/*
 * keeper.h - the process that runs a scratch server (for guardian.c only).
 *
 * It runs as the server's own user, in the server's namespaces, and so never reads that user's
 * files with other rights.  In a PID namespace it is the first process: no process of the server
 * can signal it, and when it ends the kernel ends all of them.
 */
#ifndef PG_SCRATCH_KEEPER_H
#define PG_SCRATCH_KEEPER_H

#include "pg/scratch/account.h"
#include "pg/scratch/confine.h"

struct server_job {
    const char  *dir; /* exists, belongs to the account; data/ and log are made in it */
    char *const *initdb, *const *postgres; /* argv of both, NULL-terminated */
    char *const              *env;         /* their whole environment */
    const struct account     *account;
    const struct confinement *confinement;
};

enum { KEEPER_STOP_MS = 10000 }; /* how long a server may take to stop before it is killed */

/* Never returns.  stop: a pipe; when it is closed the server is stopped.  status: "\nready\n" once
 * the server accepts connections, or the reason why not.  Both programs write to descriptors 1 and
 * 2, the log, which is open for reading, too. */
_Noreturn void keeper_main(const struct server_job *, int stop, int status);

#endif
