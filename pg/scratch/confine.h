/*
 * confine.h - what the processes of a scratch server may do.
 *
 * Functions of the backup run in them, some with a superuser's rights, which reach the operating
 * system (COPY ... TO PROGRAM).  Three features of the kernel are used, each if available; none
 * needs a privilege or can be undone:
 *
 *   no_new_privs   no set-user-ID program gives them more rights
 *   Landlock       files: below the scratch directory everything, of the rest what a server reads
 *                  (programs, libraries, time zones, a few files of /etc).  No process outside can
 *                  be looked into, and (Linux 6.12) none can be sent a signal
 *   seccomp        no connections: to the network, or to a socket in the file system such as that
 *                  of the cluster next door.  A server only listens.  No file's mode or owner is
 *                  changed, which Landlock would allow.  Nor are there the system calls that look
 *                  into other processes or the user's keyring
 */
#ifndef PG_SCRATCH_CONFINE_H
#define PG_SCRATCH_CONFINE_H

#include <stdbool.h>

#include "core/mem.h"

struct confinement {
    const char    *dir;     /* theirs */
    struct strlist read;    /* files and directories that they may read; missing ones are skipped */
    bool           network; /* they may connect to others (--allow-remote) */
};

/* The features of this kernel. */
bool confine_has_files(void);
bool confine_has_sockets(void);

/* The paths of `read` for PostgreSQL's programs in bindir. */
void confine_read_paths(struct strlist *, const char *bindir, bool network);

/* Confines this process and all that it starts.  Features that the kernel lacks are left out.  -1
 * and errno: one that it has failed.  Between fork() and exec(): allocates nothing. */
int confine_self(const struct confinement *);

#endif
