/*
 * guardian.h - the process that starts a scratch server and ends it, with all its processes, when
 * its owner ends (for scratch.c only).
 *
 *     owner      the tool.  Holds the writing end of a pipe
 *     guardian   a fork of it, without its secrets.  Makes the server's namespaces, and waits for
 *                the end of the pipe, which comes however the owner ends (kill -9 included).  Then,
 *                or when a kept server's directory is being removed, it ends every process that is
 *                left and removes the directory
 *     keeper     keeper.h: the server's user.  Runs initdb and the server
 *
 * One byte 'k' in the pipe means: keep it.  The guardian then runs as long as the server.  'l'
 * means: leave its data.  The server is stopped in order, and its data directory moved to where the
 * job says, before the rest is removed.
 */
#ifndef PG_SCRATCH_GUARDIAN_H
#define PG_SCRATCH_GUARDIAN_H

#include "core/err.h"
#include "pg/scratch/keeper.h"

struct guardian {
    pid_t pid;
    int   control; /* -1: it has ended */
};

/* Returns when the server accepts connections.  On failure nothing is left, and *e holds the line
 * of the server's log with the reason.  passwd: as in namespaces.h.  timeout_ms covers both
 * programs.
 */
int guardian_start(struct guardian *, const struct server_job *, const char *passwd, int timeout_ms,
                   struct err *);
/* Removes a directory of a server, as far as that goes: as the account, so that root never follows
 * links that this user may have put there. */
void guardian_remove(const char *dir, const struct account *);
/* From now on the server runs until its directory is removed. */
void guardian_keep(struct guardian *);
/* From now on guardian_end() leaves the data directory. */
void guardian_leave(struct guardian *);
/* Returns when every process has ended and the directory is removed (unless kept).  ERR_IO: also
 * when its data were to be left, and are not. */
int guardian_end(struct guardian *, const char *dir, const struct account *, struct err *);

#endif
