/*
 * proc_spawn.h - the fork and exec half of proc.c; private to it.
 */
#ifndef CORE_HOST_PROC_SPAWN_H
#define CORE_HOST_PROC_SPAWN_H

#include <sys/types.h>

#include "core/err.h"
#include "core/host/proc.h"

struct proc_child {
    pid_t pid; /* leads a process group of its own */
    int   in;  /* the parent's ends, not blocking; -1: stdin is /dev/null */
    int   out;
    int   err;
};

/* Started and past exec, or -1 with nothing left open. */
int proc_spawn(const struct proc_spec *, struct proc_child *, struct err *);

#endif
