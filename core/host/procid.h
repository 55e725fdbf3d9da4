/*
 * procid.h - which process of which machine wrote something, so that another process there can tell
 * whether it has ended.
 *
 * A process number is valid only between two boots and in its own namespace: a container has
 * numbers of its own.  The start time distinguishes a process from a later one with the same
 * number.
 */
#ifndef CORE_HOST_PROCID_H
#define CORE_HOST_PROCID_H

#include <stdbool.h>
#include <stdint.h>

struct procid {
    char    machine[80]; /* "<boot id> pid:[<namespace>]"; empty: not known */
    int64_t pid;
    int64_t started; /* in clock ticks since the boot; 0: not known */
};

void procid_self(struct procid *);
/* It ran on this machine, since the last boot, where this process can see it, and it has ended.
 * False when that is not certain. */
bool procid_gone(const struct procid *);

#endif
