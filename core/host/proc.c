#include "core/host/proc.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/cancel.h"
#include "core/host/proc_spawn.h"
#include "core/human.h"
#include "core/log.h"
#include "core/mem.h"

enum {
    IDLE_MS_DEFAULT = 600000,
    KILL_MS_DEFAULT = 30000,
    POLL_MS = 100,
    TAIL_BYTES = 4096,
    TAIL_SHOWN = 480, /* of the program's last output, in the error's text */
    LINE_SHOWN = 240, /* of one line: pg_dump repeats its whole query after the reason */
    READ_BYTES = 65536,
};

struct run {
    const struct proc_spec *spec;
    const char             *name; /* of the program, for messages */
    struct proc_child       child;
    size_t                  fed; /* bytes of spec->in written */
    char                    tail[TAIL_BYTES];
    size_t                  tail_len;               /* the last bytes of its stderr */
    size_t                  column;                 /* of the unfinished line */
    double                  began, active, stopped; /* clock_seconds(); stopped 0: not yet */
    unsigned long           cpu;                    /* ticks used at the last check */
    struct err              why;                    /* the reason why it was stopped */
    int                     wait_status;
};

static void
close_fd(int *fd)
{
    if (*fd >= 0) {
        (void)close(*fd);
        *fd = -1;
    }
}

/* Sends SIGTERM to the child's whole group; watch() sends SIGKILL later. */
static void
stop(struct run *r, const struct err *why)
{
    if (r->stopped == 0) {
        r->stopped = clock_seconds();
        r->why = *why;
        (void)kill(-r->child.pid, SIGTERM);
        (void)kill(-r->child.pid, SIGCONT);
    }
}

static void
log_piece(const struct run *r, const uint8_t *p, size_t n)
{
    while (n > 0 && (p[n - 1] == '\n' || p[n - 1] == '\r')) {
        n--;
    }
    if (n > 0 && log_wants(LOG_DEBUG)) {
        log_debug("%s: %.*s", r->name, (int)n, (const char *)p);
    }
}

static void
take_out(struct run *r, const uint8_t *p, size_t n)
{
    struct err why = ERR_INIT;
    int        rc = 0;

    if (r->stopped != 0) {
        return; /* read and dropped */
    }
    if (r->spec->out_fn != NULL) {
        rc = r->spec->out_fn(r->spec->out_ctx, p, n, &why);
    } else if (r->spec->out != NULL) {
        rc = buf_append(r->spec->out, p, n, &why);
        if (rc != 0) {
            err_wrap(&why, "output of \"%s\"", r->name);
        }
    } else {
        log_piece(r, p, n);
    }
    if (rc != 0) {
        stop(r, &why);
    }
}

static void
tail_add(struct run *r, const void *p, size_t n)
{
    if (n > sizeof r->tail - r->tail_len) {
        size_t keep = sizeof r->tail / 2 < r->tail_len ? sizeof r->tail / 2 : r->tail_len;

        memmove(r->tail, r->tail + r->tail_len - keep, keep);
        r->tail_len = keep;
    }
    memcpy(r->tail + r->tail_len, p, n);
    r->tail_len += n;
}

/* Keeps the last lines, each truncated: one very long line would displace the reason before it. */
static void
take_tail(struct run *r, const uint8_t *p, size_t n)
{
    while (n > 0) {
        const uint8_t *end = memchr(p, '\n', n);
        size_t         line = end == NULL ? n : (size_t)(end - p);
        size_t         room = r->column < LINE_SHOWN ? LINE_SHOWN - r->column : 0;

        while (line > room && room > 0 && (p[room] & 0xc0) == 0x80) {
            room--; /* not within a character */
        }
        tail_add(r, p, line < room ? line : room);
        if (line > room && r->column <= LINE_SHOWN) {
            tail_add(r, "...", 3);
            r->column = LINE_SHOWN;
        }
        r->column += line;
        if (end != NULL) {
            tail_add(r, "\n", 1);
            r->column = 0;
            line++;
        }
        p += line;
        n -= line;
    }
}

static void
take_err(struct run *r, const uint8_t *p, size_t n)
{
    if (r->spec->err != NULL) {
        struct buf *b = r->spec->err;
        struct err  full = ERR_INIT;
        size_t      room = b->max - b->len;

        /* Output beyond the ceiling is dropped: the exit status decides. */
        (void)buf_append(b, p, n < room ? n : room, &full);
    } else {
        log_piece(r, p, n);
    }
    take_tail(r, p, n);
}

/* Reads what is available; closes at end of file. */
static void
drain(struct run *r, int *fd, void (*take)(struct run *, const uint8_t *, size_t))
{
    uint8_t piece[READ_BYTES];
    ssize_t n;

    while (*fd >= 0) {
        n = read(*fd, piece, sizeof piece);
        if (n > 0) {
            take(r, piece, (size_t)n);
            r->active =
                clock_seconds(); /* taking it is ours, and may last: not the child's idleness */
        } else if (n < 0 && errno == EINTR) {
            continue;
        } else if (n < 0 && errno == EAGAIN) {
            return;
        } else {
            close_fd(fd);
            r->active = clock_seconds();
        }
    }
}

static void
feed(struct run *r)
{
    while (r->child.in >= 0 && r->fed < r->spec->in_len) {
        ssize_t n = write(r->child.in, (const char *)r->spec->in + r->fed,
                          r->spec->in_len - r->fed);

        if (n > 0) {
            r->fed += (size_t)n;
            r->active = clock_seconds();
        } else if (n < 0 && errno == EINTR) {
            continue;
        } else if (n < 0 && errno == EAGAIN) {
            return;
        } else {
            break; /* it reads no more: its exit status tells whether that is bad */
        }
    }
    close_fd(&r->child.in);
}

/* User and system time of the child, in ticks; 0 when /proc does not tell. */
static unsigned long
cpu_ticks(pid_t pid)
{
    enum { FIELDS_BEFORE = 12 }; /* between the name and utime, proc(5) */
    char          path[64];
    char          text[1024] = "";
    char         *p;
    unsigned long user;
    FILE         *f;

    (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    f = fopen(path, "re");
    if (f == NULL) {
        return 0;
    }
    p = fgets(text, sizeof text, f) == NULL ? NULL
                                            : strrchr(text, ')'); /* the name may hold anything */
    (void)fclose(f);
    for (int i = 0; i < FIELDS_BEFORE && p != NULL; i++) {
        p = strchr(p + 1, ' ');
    }
    if (p == NULL) {
        return 0;
    }
    user = strtoul(p, &p, 10);
    return user + strtoul(p, NULL, 10);
}

static void
watch(struct run *r)
{
    const struct proc_spec *s = r->spec;
    double                  now = clock_seconds();
    int                     idle_ms = s->idle_ms == 0 ? IDLE_MS_DEFAULT : s->idle_ms;
    int                     kill_ms = s->kill_ms == 0 ? KILL_MS_DEFAULT : s->kill_ms;
    struct err              why = ERR_INIT;

    if (r->stopped != 0) {
        if ((now - r->stopped) * 1000 > kill_ms) {
            (void)kill(-r->child.pid, SIGKILL);
        }
        return;
    }
    if (!s->tidying && cancel_check(&why) != 0) {
        stop(r, &why);
    } else if (s->stop != NULL && atomic_load(s->stop)) {
        err_set(&why, ERR_INTERRUPTED, "\"%s\" was stopped", r->name);
        stop(r, &why);
    } else if (s->total_ms > 0 && (now - r->began) * 1000 > s->total_ms) {
        err_set(&why, ERR_IO, "\"%s\" did not end within %d s and was stopped", r->name,
                s->total_ms / 1000);
        stop(r, &why);
    } else if (idle_ms > 0 && (now - r->active) * 1000 > idle_ms) {
        unsigned long cpu = s->must_print ? 0 : cpu_ticks(r->child.pid);

        if (cpu > r->cpu) {
            r->cpu = cpu;
            r->active = now;
            return;
        }
        err_set(&why, ERR_IO, "\"%s\" did nothing for %d s and was stopped", r->name,
                idle_ms / 1000);
        stop(r, &why);
    }
}

static void
poll_once(struct run *r)
{
    /* poll() skips negative descriptors. */
    struct pollfd fds[] = {
        {.fd = r->child.out, .events = POLLIN},
        {.fd = r->child.err, .events = POLLIN},
        {.fd = r->child.in, .events = POLLOUT},
        {.fd = r->stopped == 0 && !r->spec->tidying ? cancel_fd() : -1, .events = POLLIN},
    };
    /* With both pipes closed it will end soon. */
    int wait_ms = r->child.out < 0 && r->child.err < 0 ? 2 : POLL_MS;

    (void)poll(fds, sizeof fds / sizeof fds[0], wait_ms);
    drain(r, &r->child.out, take_out);
    drain(r, &r->child.err, take_err);
    feed(r);
}

/* Has the child ended?  Its group is known by its process id, which is nobody else's until it has
 * been waited for. */
static pid_t
wait_for_end(struct run *r)
{
    siginfo_t info = {.si_pid = 0};

    if (!r->spec->whole_group) {
        return waitpid(r->child.pid, &r->wait_status, WNOHANG);
    }
    if (waitid(P_PID, (id_t)r->child.pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0) {
        return -1;
    }
    if (info.si_pid == 0) {
        return 0;
    }
    (void)kill(-r->child.pid, SIGKILL);
    return waitpid(r->child.pid, &r->wait_status, 0);
}

/* Until the child has ended.  A grandchild may still hold the pipes: its later output is not waited
 * for. */
static void
follow(struct run *r)
{
    for (;;) {
        pid_t pid = wait_for_end(r);

        if (pid == r->child.pid) {
            break;
        }
        if (pid < 0 && errno != EINTR) {
            err_errno(&r->why, "lost the exit status of \"%s\"", r->name);
            r->stopped = clock_seconds();
            break;
        }
        poll_once(r);
        watch(r);
    }
    drain(r, &r->child.out, take_out);
    drain(r, &r->child.err, take_err);
    close_fd(&r->child.in);
    close_fd(&r->child.out);
    close_fd(&r->child.err);
}

/* The last lines that the program wrote to stderr, on one line. */
static void
last_lines(const struct run *r, char *out, size_t cap)
{
    const char *p = r->tail;
    size_t      n = r->tail_len;
    size_t      o = 0;

    while (n > 0 && strchr("\r\n\t ", p[n - 1]) != NULL) {
        n--;
    }
    if (n > TAIL_SHOWN) {
        p += n - TAIL_SHOWN;
        n = TAIL_SHOWN;
        while (n > 0 && p[-1] != '\n') {
            p++;
            n--;
        }
    }
    for (size_t i = 0; i < n && o + 3 < cap; i++) {
        if (p[i] == '\n') {
            out[o++] = ';';
            out[o++] = ' ';
        } else if (p[i] != '\0' && p[i] != '\r') {
            out[o++] = p[i];
        }
    }
    out[o] = '\0';
}

static int
judge(struct run *r, int *status, struct err *e)
{
    bool signalled = WIFSIGNALED(r->wait_status);
    int  code = signalled ? 128 + WTERMSIG(r->wait_status) : WEXITSTATUS(r->wait_status);
    char said[2 * TAIL_SHOWN];

    if (status != NULL) {
        *status = code;
    }
    if (r->stopped != 0) {
        *e = r->why;
        return -1;
    }
    if (code == 0 || r->spec->status_ok) {
        return 0;
    }
    last_lines(r, said, sizeof said);
    if (signalled) {
        return err_set(e, ERR_IO, "\"%s\" was killed by signal %d (%s)%s%s", r->name, code - 128,
                       strsignal(code - 128), said[0] == '\0' ? "" : ": ", said);
    }
    return err_set(e, ERR_IO, "\"%s\" failed with status %d%s%s", r->name, code,
                   said[0] == '\0' ? "" : ": ", said);
}

int
proc_run(const struct proc_spec *spec, int *status, struct err *e)
{
    const char *slash = strrchr(spec->argv[0], '/');
    struct run  r = {.spec = spec, .name = slash == NULL ? spec->argv[0] : slash + 1};

    if ((!spec->tidying && cancel_check(e) != 0) || proc_spawn(spec, &r.child, e) != 0) {
        return -1;
    }
    r.began = r.active = clock_seconds();
    follow(&r);
    return judge(&r, status, e);
}

char *
proc_sibling(const char *name, struct err *e)
{
    char    self[4096];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    char   *path;

    if (n < 0) {
        err_errno(e, "could not find the running program");
        return NULL;
    }
    self[n] = '\0';
    *strrchr(self, '/') = '\0';
    path = xasprintf("%s/%s", self, name);
    if (access(path, X_OK) != 0) {
        err_errno(e, "could not find \"%s\"", path);
        free(path);
        return NULL;
    }
    return path;
}
