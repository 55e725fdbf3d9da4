#include "core/log.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/human.h"
#include "core/logline.h"
#include "core/print.h"
#include "core/progress.h"
#include "core/runid.h"

static enum log_level  level = LOG_WARN;
static enum log_format format = LOG_UNSAID;
static unsigned        to = LOG_TO_STDERR;

void
log_init(const char *name, enum log_level l)
{
    logline_program_set(name);
    level = l;
}

void
log_format(enum log_format f)
{
    format = f;
}

bool
log_is_json(void)
{
    return format == LOG_JSON;
}

void
log_to(unsigned where)
{
    to = where;
}

bool
log_wants(enum log_level l)
{
    return l <= level;
}

bool
log_is_watched(void)
{
    return isatty(STDERR_FILENO) != 0;
}

/* What each is called in JSON, what stands before its text, its priority for daemons. */
static const struct rank {
    const char *name, *label;
    int         priority;
} error = {"error", "", 3}, warning = {"warning", "warning: ", 4}, notice = {"notice", "", 5},
  info = {"info", "", 6}, debug = {"debug", "debug: ", 7};

/* A file that one run after another writes to. */
static bool
is_kept(void)
{
    struct stat st;
    int         flags = fcntl(STDERR_FILENO, F_GETFL);

    return flags >= 0 && (flags & O_APPEND) != 0 && fstat(STDERR_FILENO, &st) == 0 &&
        S_ISREG(st.st_mode);
}

static void
put_text(const char *label, const char *text)
{
    char at[24];

    flockfile(stderr);
    if (format == LOG_LONG || (format == LOG_UNSAID && is_kept())) {
        print_to(stderr, "%s %s ", time_rfc3339(time(NULL), at, sizeof at), run_id());
    }
    print_to(stderr, "%s: %s", logline_program(), label);
    print_lines(stderr, text); /* no name or message can control the terminal or forge a line */
    print_raw(stderr, "\n");
    (void)fflush(stderr);
    funlockfile(stderr);
}

/* hint: NULL for none, as below. */
static void
put_stderr(const struct rank *r, const char *text, const char *hint)
{
    if (format == LOG_JSON) {
        json_t *line = logline_new(r->name);

        logline_text(line, "message", text);
        if (hint != NULL) {
            logline_text(line, "hint", hint);
        }
        logline_write(line);
    } else {
        put_text(r->label, text);
        if (hint != NULL) {
            put_text("hint: ", hint);
        }
    }
}

static void
put_daemon(enum logdaemon which, const struct rank *r, const char *text, const char *hint)
{
    struct err e = ERR_INIT;
    char       why[1200];

    if (logdaemon_send(which,
                       &(struct logdaemon_message){
                           .priority = r->priority, .label = r->label, .text = text, .hint = hint},
                       &e) != 0) {
        (void)snprintf(why, sizeof why,
                       "log-to %s: %s; from here on messages are on standard error",
                       logdaemon_name(which), e.text);
        put_stderr(&warning, why, NULL);
        to = (to & ~(1U << which)) | LOG_TO_STDERR;
    }
}

static void
put(const struct rank *r, const char *text, const char *hint)
{
    progress_hide(); /* also keeps other threads' lines out */
    for (enum logdaemon which = 0; which < LOGDAEMON_N; which++) {
        if ((to & 1U << which) != 0) {
            put_daemon(which, r, text, hint);
        }
    }
    if ((to & LOG_TO_STDERR) != 0 || log_is_watched()) {
        put_stderr(r, text, hint);
    }
    progress_show();
}

static void __attribute__((format(printf, 3, 0)))
put_line(const struct rank *r, const char *hint, const char *fmt, va_list ap)
{
    static const char more[] = " ...";
    char              text[4096];

    if (vsnprintf(text, sizeof text, fmt, ap) >= (int)sizeof text) {
        memcpy(text + sizeof text - sizeof more, more, sizeof more);
    }
    put(r, text, hint);
}

void
log_hinted(enum log_level l, const char *hint, const char *fmt, ...)
{
    static const struct rank *const ranks[] = {&error, &warning, &info, &debug};
    va_list                         ap;

    if (log_wants(l)) {
        va_start(ap, fmt);
        put_line(ranks[l], hint == NULL || *hint == '\0' ? NULL : hint, fmt, ap);
        va_end(ap);
    }
}

void
log_error(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    put_line(&error, NULL, fmt, ap);
    va_end(ap);
}

void
log_warn(const char *fmt, ...)
{
    va_list ap;

    if (log_wants(LOG_WARN)) {
        va_start(ap, fmt);
        put_line(&warning, NULL, fmt, ap);
        va_end(ap);
    }
}

void
log_say(const char *fmt, ...)
{
    va_list ap;

    if (log_wants(LOG_WARN)) {
        va_start(ap, fmt);
        put_line(&notice, NULL, fmt, ap);
        va_end(ap);
    }
}

void
log_info(const char *fmt, ...)
{
    va_list ap;

    if (log_wants(LOG_INFO)) {
        va_start(ap, fmt);
        put_line(&info, NULL, fmt, ap);
        va_end(ap);
    }
}

void
log_debug(const char *fmt, ...)
{
    va_list ap;

    if (log_wants(LOG_DEBUG)) {
        va_start(ap, fmt);
        put_line(&debug, NULL, fmt, ap);
        va_end(ap);
    }
}
