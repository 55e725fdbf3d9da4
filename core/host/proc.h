/*
 * proc.h - running other programs, with a watchdog on each.
 *
 * stdin is /dev/null or the bytes given; stdout and stderr are collected, or stdout goes to a
 * callback piece by piece.  The child ends with this process (PR_SET_PDEATHSIG) and when cancel.h
 * is raised, or *spec.stop is: SIGTERM to its process group, SIGKILL kill_ms later.  Only its own
 * CPU time counts, not that of programs it waits for: a tool that waits for a server's long work
 * needs a larger idle_ms. Neither a non-zero status nor a signal is overlooked: proc_run() is 0
 * only if the program ended with status 0, and the error holds the last lines that the program
 * wrote to stderr.
 */
#ifndef CORE_HOST_PROC_H
#define CORE_HOST_PROC_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "core/buf.h"
#include "core/err.h"

struct proc_spec {
    const char *const *argv; /* NULL-terminated; argv[0] is a path, or found in PATH */
    const char *const *env;  /* NULL, or NAME=VALUE to add, NULL-terminated; "NAME" alone unsets */
    const void        *in;   /* bytes for stdin, or NULL */
    size_t             in_len;
    struct buf        *out; /* collects stdout; NULL: goes to our stderr's log at debug level */
    int (*out_fn)(void *ctx, const void *, size_t, struct err *); /* instead of out */
    void       *out_ctx;
    struct buf *err; /* collects stderr; NULL: kept for the error text only */
    int   idle_ms; /* stopped after this long without output and CPU time (0: 600000; < 0: never) */
    bool  must_print; /* CPU time is no sign of life: a program that loops is stopped, too */
    int   total_ms;   /* 0: no limit */
    int   kill_ms;    /* between SIGTERM and SIGKILL (0: 30000): time to clean up */
    bool  as_user;    /* run as uid, gid (when we are root) */
    uid_t uid;
    gid_t gid;
    const char *cwd; /* NULL: "/" when as_user, else ours */
    int keep_fd[2]; /* descriptors that the child inherits besides stdin, stdout, stderr; 0: none */
    bool tidying;   /* part of cleaning up: runs although cancel.h is raised */
    bool whole_group; /* what it has left running in its process group is killed when it ends */
    bool status_ok;   /* a non-zero exit status is not an error: see *status */
    const atomic_bool *stop; /* NULL, or set by another thread when it is not needed any more */
    bool ours; /* one of our programs, whose messages are read here: they are text, on stderr */
};

/* status (may be NULL): exit status, or 128 + signal. */
int proc_run(const struct proc_spec *, int *status, struct err *);

/* Path of the program in the same directory as the running one (as git finds its own),
 * for example "pgassay-restore".  Allocated; ERR_NOT_FOUND. */
char *proc_sibling(const char *name, struct err *);

#endif
