#include "restore/file/tempfile.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/cancel.h"
#include "core/human.h"
#include "core/mem.h"
#include "core/progress.h"

const char *
tempfile_dir(void)
{
    const char *dir = getenv("TMPDIR");

    return dir == NULL || *dir == '\0' ? "/tmp" : dir;
}

int
tempfile_failed(const char *where, struct err *e)
{
    err_errno(e, "could not write into \"%s\"", where);
    return err_hint(e, "TMPDIR names another directory for what is unpacked, or comes from a pipe");
}

int
tempfile_make(struct err *e)
{
    char *name = xasprintf("%s/pgassay-XXXXXX", tempfile_dir());
    int   fd = mkostemp(name, O_CLOEXEC);

    if (fd < 0 || unlink(name) != 0) {
        (void)tempfile_failed(name, e);
        if (fd >= 0) {
            (void)close(fd);
        }
        fd = -1;
    }
    free(name);
    return fd;
}

int
tempfile_write(int fd, const void *data, size_t n, const char *where, struct err *e)
{
    const char *p = data;

    while (n > 0) {
        ssize_t put = write(fd, p, n);

        if (put < 0 && errno != EINTR) {
            return tempfile_failed(where, e);
        }
        p += put > 0 ? put : 0;
        n -= put > 0 ? (size_t)put : 0;
    }
    return 0;
}

/* ---- standard input ---- */

/* Bytes; 0: the end; -1.  A signal ends it: nobody may ever write. */
static ssize_t
read_some(void *data, size_t n, struct err *e)
{
    struct pollfd fds[] = {{.fd = STDIN_FILENO, .events = POLLIN},
                           {.fd = cancel_fd(), .events = POLLIN}};
    ssize_t       got;

    do {
        (void)poll(fds, 2, -1);
        if (cancel_check(e) != 0) {
            return -1;
        }
        got = read(STDIN_FILENO, data, n);
    } while (got < 0 && (errno == EINTR || errno == EAGAIN));
    return got < 0 ? err_errno(e, "reading standard input") : got;
}

static int
copy_stdin(int fd, void *data, size_t room, uint64_t max_bytes, struct err *e)
{
    uint64_t all = 0;
    ssize_t  n;
    char     size[32];

    while ((n = read_some(data, room, e)) > 0) {
        progress_add((uint64_t)n);
        if ((all += (uint64_t)n) > max_bytes) {
            err_set(e, ERR_CORRUPT, "standard input has more than %s",
                    size_human(max_bytes, size, sizeof size));
            return err_hint(e, "--max-size allows more");
        }
        if (tempfile_write(fd, data, (size_t)n, tempfile_dir(), e) != 0) {
            return -1;
        }
    }
    return (int)n;
}

int
tempfile_of_stdin(uint64_t max_bytes, struct err *e)
{
    enum { ROOM = 256 << 10 };
    void *data;
    int   fd;

    if (isatty(STDIN_FILENO)) {
        return err_set(e, ERR_USAGE, "--file -: standard input is a terminal, not a dump");
    }
    if ((fd = tempfile_make(e)) < 0) {
        return -1;
    }
    data = xmalloc(ROOM);
    if (copy_stdin(fd, data, ROOM, max_bytes, e) != 0) {
        (void)close(fd);
        fd = -1;
    }
    free(data);
    return fd;
}
