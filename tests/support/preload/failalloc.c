/*
 * failalloc.c - a library for LD_PRELOAD that fails one allocation of a program.
 *
 * FAILALLOC_PROGRAM  whose allocations count: its name without directories (others are left alone)
 * FAILALLOC_AT       the number of the allocation that fails, from 1; 0 or nothing: none
 * FAILALLOC_SITES    a file for the numbers of those that come from a place (a chain of callers)
 *                    which none before came from: failing these alone meets every place once
 */
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FRAMES = 16, SITES = 1 << 20, SITES_FD = 200 };

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);

static pid_t                   armed; /* this process's number; its forks are left alone */
static unsigned long           at;
static atomic_ulong            count;
static int                     sites = -1;
static atomic_uintptr_t        seen[SITES]; /* hashes of chains of callers, open addressing */
static __thread unsigned short inside;      /* backtrace() may allocate */

static void
note_site(unsigned long n)
{
    void    *frames[FRAMES];
    uint64_t hash = 14695981039346656037U; /* FNV-1a */
    char     line[32];
    int      depth = backtrace(frames, FRAMES);

    for (int i = 2; i < depth; i++) {
        hash = (hash ^ (uint64_t)(uintptr_t)frames[i]) * 1099511628211U;
    }
    for (size_t i = hash % SITES;; i = (i + 1) % SITES) {
        uintptr_t none = 0;

        if (atomic_load(&seen[i]) == hash) {
            return;
        }
        if (atomic_compare_exchange_strong(&seen[i], &none, hash)) {
            break;
        }
    }
    if (write(sites, line, (size_t)snprintf(line, sizeof line, "%lu\n", n)) < 0) {
        abort();
    }
}

static bool
fails(void)
{
    unsigned long n;

    if (armed == 0 || inside > 0 || armed != getpid()) {
        return false;
    }
    n = atomic_fetch_add(&count, 1) + 1;
    if (sites >= 0) {
        inside++;
        note_site(n);
        inside--;
    }
    if (n == at) {
        errno = ENOMEM;
    }
    return n == at;
}

static void __attribute__((constructor)) arm(void)
{
    const char *program = getenv("FAILALLOC_PROGRAM"), *which = getenv("FAILALLOC_AT"),
               *path = getenv("FAILALLOC_SITES");
    void *frame[1];
    int   fd;

    if (program == NULL || strcmp(program, program_invocation_short_name) != 0) {
        return;
    }
    at = which == NULL ? 0 : strtoul(which, NULL, 10);
    if (path != NULL) {
        (void)backtrace(frame, 1); /* loads what it needs */
        fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        sites = fcntl(fd, F_DUPFD_CLOEXEC, SITES_FD);
        (void)close(fd);
        if (sites < 0) {
            abort();
        }
    }
    armed = getpid();
}

void *
malloc(size_t n)
{
    return fails() ? NULL : __libc_malloc(n);
}

void *
calloc(size_t n, size_t size)
{
    return fails() ? NULL : __libc_calloc(n, size);
}

void *
realloc(void *old, size_t n)
{
    return fails() ? NULL : __libc_realloc(old, n);
}
