/*
 * guardian.h - the process that starts a scratch server and never lets it outlive its owner (for
 * scratch.c only).
 *
 * The owner holds the writing end of a pipe.  Its end, for whatever reason (kill -9 included), is
 * what the guardian waits for: then it stops the server and removes the directory.  One byte 'k' in
 * the pipe says: leave it.
 */
#ifndef PG_SCRATCH_GUARDIAN_H
#define PG_SCRATCH_GUARDIAN_H

#include <stdbool.h>
#include <sys/types.h>

#include "core/err.h"

struct guardian_job {
    const char  *dir; /* exists, belongs to the server's user; data/ and log are made in it */
    char *const *initdb, *const *postgres; /* argv of both, NULL-terminated */
    char *const *env;                      /* their whole environment */
    bool         drop;                     /* become uid, gid first (we are root) */
    uid_t        uid;
    gid_t        gid;
    const char  *user; /* for initgroups() */
};

struct guardian {
    pid_t pid;
    int   control; /* -1: gone */
};

/* Returns when the server accepts connections.  On failure nothing is left, and *e holds the
 * last lines of the server's log.  timeout_ms covers both programs. */
int guardian_start(struct guardian *, const struct guardian_job *, int timeout_ms, struct err *);
/* From now on the server lives by itself. */
void guardian_keep(struct guardian *);
/* Returns when the server has stopped and the directory is gone (unless kept). */
int guardian_end(struct guardian *, const char *dir, struct err *);

#endif
