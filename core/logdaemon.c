#include "core/logdaemon.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/logline.h"
#include "core/mem.h"
#include "core/print.h"
#include "core/runid.h"

/* SEND_SECONDS: a daemon that hangs may hold up the work once, by so much.  FACILITY: "user", that
 * of programs which name none. */
enum { SEND_SECONDS = 5, FACILITY = 1 };

static struct {
    const char *name, *path;
} daemons[] = {
    [LOGDAEMON_JOURNAL] = {"journal", "/run/systemd/journal/socket"},
    [LOGDAEMON_SYSLOG] = {"syslog", "/dev/log"},
};

const char *
logdaemon_name(enum logdaemon which)
{
    return daemons[which].name;
}

void
logdaemon_at(enum logdaemon which, const char *path)
{
    daemons[which].path = path;
}

/* ---- the socket ---- */

static int
reach(const char *path, int type)
{
    struct sockaddr_un   at = {.sun_family = AF_UNIX};
    const struct timeval patience = {.tv_sec = SEND_SECONDS};
    int                  fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

    (void)snprintf(at.sun_path, sizeof at.sun_path, "%s", path);
    if (fd >= 0 &&
        (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) != 0 ||
         connect(fd, (const struct sockaddr *)&at, sizeof at) != 0)) {
        int why = errno;

        (void)close(fd);
        errno = why;
        return -1;
    }
    return fd;
}

/* Of a stream, as some daemons for syslog have, a message ends with a NUL: out has one. */
static int
deliver(const char *path, struct buf *out, struct err *e)
{
    int    fd = reach(path, SOCK_DGRAM);
    bool   stream = fd < 0 && errno == EPROTOTYPE;
    size_t n;

    if (stream) {
        fd = reach(path, SOCK_STREAM);
    }
    if (fd < 0) {
        return err_errno(e, "\"%s\"", path);
    }
    (void)buf_str(out);
    n = out->len + (stream ? 1 : 0);
    if (send(fd, out->data, n, MSG_NOSIGNAL) != (ssize_t)n) {
        if (errno == EAGAIN) {
            err_set(e, ERR_IO, "\"%s\": nothing is taken within %d seconds", path, SEND_SECONDS);
        } else {
            err_errno(e, "\"%s\"", path);
        }
    }
    (void)close(fd);
    return e->kind == ERR_NONE ? 0 : -1;
}

/* ---- what is sent ---- */

static void
add(struct buf *out, const char *text)
{
    struct err never = ERR_INIT;

    (void)buf_puts(out, text, &never);
}

/* A value with line ends is preceded by its length, 64 bits, little end first. */
static void
add_field(struct buf *out, const char *name, const char *value)
{
    struct err never = ERR_INIT;
    uint64_t   n = strlen(value);
    uint8_t    length[8];

    add(out, name);
    if (strchr(value, '\n') == NULL) {
        add(out, "=");
    } else {
        for (int i = 0; i < 8; i++) {
            length[i] = (uint8_t)(n >> (8 * i));
        }
        add(out, "\n");
        (void)buf_append(out, length, sizeof length, &never);
    }
    add(out, value);
    add(out, "\n");
}

/* As on standard error, with the hint below it: what a person reads in the journal. */
static char *
lines_of(const struct logdaemon_message *m)
{
    char  *text = NULL;
    size_t n = 0;
    FILE  *f = open_memstream(&text, &n);

    if (f == NULL) {
        return xstrdup(m->text);
    }
    print_raw(f, m->label);
    print_lines(f, m->text);
    if (m->hint != NULL) {
        print_raw(f, "\nhint: ");
        print_lines(f, m->hint);
    }
    (void)fclose(f);
    return text;
}

static void
for_journal(const struct logdaemon_message *m, struct buf *out)
{
    char *lines = lines_of(m), number[16];

    add_field(out, "MESSAGE", lines);
    (void)snprintf(number, sizeof number, "%d", m->priority);
    add_field(out, "PRIORITY", number);
    add_field(out, "SYSLOG_IDENTIFIER", logline_program());
    (void)snprintf(number, sizeof number, "%d", (int)getpid());
    add_field(out, "SYSLOG_PID", number);
    add_field(out, "PGASSAY_TOOL", logline_program());
    add_field(out, "PGASSAY_RUN_ID", run_id());
    if (*logline_database() != '\0') {
        add_field(out, "PGASSAY_DATABASE", logline_database());
    }
    if (m->hint != NULL) {
        add_field(out, "PGASSAY_HINT", m->hint);
    }
    free(lines);
}

/* "<12>Nov 21 02:15:00 pgassay-backup[4711]: [RUN] warning: text"; one line, whatever is in it. */
static void
for_syslog(const struct logdaemon_message *m, const char *label, const char *text, struct buf *out)
{
    struct err never = ERR_INIT;
    time_t     now = time(NULL);
    struct tm  tm;
    char       at[32];
    size_t     cap = print_copy(NULL, 0, text) + 1;
    char      *shown = xmalloc(cap);

    (void)print_copy(shown, cap, text);
    (void)strftime(at, sizeof at, "%b %e %H:%M:%S", localtime_r(&now, &tm));
    (void)buf_printf(out, &never, "<%d>%s %s[%d]: [%s] %s%s", FACILITY << 3 | m->priority, at,
                     logline_program(), (int)getpid(), run_id(), label, shown);
    free(shown);
}

int
logdaemon_send(enum logdaemon which, const struct logdaemon_message *m, struct err *e)
{
    struct buf out = BUF_INIT(BUF_NO_LIMIT);
    int        rc;

    if (which == LOGDAEMON_JOURNAL) {
        for_journal(m, &out);
    } else {
        for_syslog(m, m->label, m->text, &out);
    }
    rc = deliver(daemons[which].path, &out, e);
    if (rc == 0 && which == LOGDAEMON_SYSLOG && m->hint != NULL) {
        buf_clear(&out);
        for_syslog(m, "hint: ", m->hint, &out);
        rc = deliver(daemons[which].path, &out, e);
    }
    buf_free(&out);
    return rc;
}
