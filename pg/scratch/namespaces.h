/*
 * namespaces.h - the namespaces of a scratch server (for guardian.c and account.c).
 *
 * Processes: when the first of them ends the kernel ends the others, whatever they did to escape
 * (setsid, double fork), and they can neither see nor signal outside processes.  Network: empty.
 * System V IPC: goes with the namespace.  Mounts: read-only except the scratch directory, which
 * also prevents changes that Landlock does not (modes, owners, times).  Root has the right to make
 * them; an ordinary user if the kernel allows a user namespace.  If neither holds (in many
 * containers) the server runs without: guardian.c then ends the processes that it can find.
 */
#ifndef PG_SCRATCH_NAMESPACES_H
#define PG_SCRATCH_NAMESPACES_H

#include <stdbool.h>
#include <sys/types.h>

struct namespaces {
    bool        root;    /* run by root */
    bool        network; /* the machine's network */
    const char *dir;     /* the only writable directory */
    const char *passwd;  /* a file that replaces /etc/passwd there, for root; NULL: the machine's */
};

/* May root give its children another /etc/passwd? */
bool namespaces_have_passwd(void);

/* fork(), of a process with one thread; the child is the first process of the available namespaces,
 * and must call namespaces_enter() before anything else. */
pid_t namespaces_fork(const struct namespaces *);
/* -1 and errno: a required step failed. */
int namespaces_enter(const struct namespaces *);

#endif
