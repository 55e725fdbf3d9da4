/*
 * keeper.h - the process that runs a scratch server (for guardian.c only).
 *
 * It is the server's own user, in the server's namespaces, and so reads nothing of what that user
 * may have put there with anybody else's rights.  In a PID namespace it is the first process: none
 * of the server's can signal it, and with it the kernel ends all of them.
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

/* Returns never.  stop: a pipe; its end is the end of the server.  status: "\nready\n" once the
 * server accepts connections, or why it does not.  Both programs write to descriptors 1 and 2, the
 * log, which is open for reading, too. */
_Noreturn void keeper_main(const struct server_job *, int stop, int status);

#endif
