#include "core/host/hostlock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "core/enc.h"
#include "core/host/statedir.h"
#include "core/log.h"
#include "core/mem.h"

static int
busy(int fd, const char *db, const char *kind, struct err *e)
{
    char    pid[16] = "";
    ssize_t n = pread(fd, pid, sizeof pid - 1, 0);

    pid[n > 0 ? n : 0] = '\0';
    pid[strcspn(pid, "\n")] = '\0';
    err_set(e, ERR_BUSY, "another %s of \"%s\" is running on this host%s%s%s", kind, db,
            pid[0] == '\0' ? "" : " (process ", pid, pid[0] == '\0' ? "" : ")");
    return err_hint(e, "wait for it to end");
}

/* The holder, for the next run's error; informational only. */
static void
leave_pid(int fd)
{
    char pid[16];
    int  n = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());

    if (ftruncate(fd, 0) != 0 || pwrite(fd, pid, (size_t)n, 0) != n) {
        return;
    }
}

/* The lock keeps two runs on one host from doing the same work twice; the repository is safe
 * without it (docs/prune-protocol.md).  So a backup does not fail because of an unusable state
 * directory. */
static void
go_without(const char *db, const char *kind, struct err *e)
{
    log_warn("%s; a second %s of \"%s\" on this host at the same time would not be noticed",
             e->text, kind, db);
    err_clear(e);
}

int
hostlock_take(const char *repo_id, const char *db, const char *kind, int *lock, struct err *e)
{
    char *encoded = name_encode(db), *file = xasprintf("%s.%s.lock", encoded, kind),
         *path = state_file(repo_id, file, e);
    int fd = -1;

    if (path == NULL) {
        goto out;
    }
    fd = state_open(path, 0);
    if (fd < 0) {
        err_errno(e, "could not open lock file \"%s\"", path);
    } else if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK) {
            busy(fd, db, kind, e);
        } else {
            err_errno(e, "could not lock \"%s\"", path);
        }
        (void)close(fd);
        fd = -1;
    } else {
        leave_pid(fd);
    }
out:
    free(encoded);
    free(file);
    free(path);
    *lock = fd;
    if (fd < 0 && e->kind != ERR_BUSY) {
        go_without(db, kind, e);
        return 0;
    }
    return fd < 0 ? -1 : 0;
}
