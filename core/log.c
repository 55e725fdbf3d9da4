#include "core/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/logline.h"
#include "core/print.h"
#include "core/progress.h"

static enum log_level level = LOG_WARN;
static bool           as_json;

void
log_init(const char *name, enum log_level l)
{
    logline_program_set(name);
    level = l;
}

void
log_as_json(bool yes)
{
    as_json = yes;
}

bool
log_is_json(void)
{
    return as_json;
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

/* What each is called in JSON, and what stands before its text. */
static const struct rank {
    const char *name, *label;
} error = {"error", ""}, warning = {"warning", "warning: "}, notice = {"notice", ""},
  info = {"info", ""}, debug = {"debug", "debug: "};

static void
put_text(const char *label, const char *text)
{
    flockfile(stderr);
    print_to(stderr, "%s: %s", logline_program(), label);
    print_lines(stderr, text); /* no name or message can control the terminal or forge a line */
    print_raw(stderr, "\n");
    (void)fflush(stderr);
    funlockfile(stderr);
}

/* hint: NULL for none. */
static void
put(const struct rank *r, const char *text, const char *hint)
{
    progress_hide(); /* also keeps other threads' lines out */
    if (as_json) {
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
