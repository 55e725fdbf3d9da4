/*
 * namespaces.h - the namespaces of a scratch server (for guardian.c and account.c).
 *
 * Processes: when the first of them ends the kernel ends the others, however they tried to get away
 * (setsid, double fork), and outside processes can neither be seen nor be signalled by them.
 * Network: empty.  System V IPC: goes with the namespace.  Mounts: read-only but for the scratch
 * directory, which keeps files also from what Landlock does not (modes, owners, times).  Root has
 * the right to make them; an ordinary user where the kernel lets him make a user namespace.  Where
 * neither is so (in many containers) the server runs without: guardian.c then ends what it can
 * find.
 */
#ifndef PG_SCRATCH_NAMESPACES_H
#define PG_SCRATCH_NAMESPACES_H

#include <stdbool.h>
#include <sys/types.h>

struct namespaces {
    bool        root;    /* we are */
    bool        network; /* the machine's network */
    const char *dir;     /* what can be written to */
    const char *passwd;  /* a file that is /etc/passwd in there, for root; NULL: the machine's */
};

/* May root give its children another /etc/passwd? */
bool namespaces_have_passwd(void);

/* fork(), of a process with one thread; the child is the first process of the namespaces that can
 * be had, and must call namespaces_enter() before anything else. */
pid_t namespaces_fork(const struct namespaces *);
/* -1 and errno: something that is needed could not be had. */
int namespaces_enter(const struct namespaces *);

#endif
