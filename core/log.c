#include "core/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/progress.h"

static char           program[64] = "pgassay";
static enum log_level level = LOG_WARN;

void
log_init(const char *name, enum log_level l)
{
    (void)snprintf(program, sizeof program, "%s", name);
    level = l;
}

bool
log_wants(enum log_level l)
{
    return l <= level;
}

/*
 * Names and server messages come from outside: they may neither steer the
 * terminal nor forge a line of ours, so that control characters become '?' and
 * further lines are indented.
 */
static void
put_text(const char *s)
{
    for (; *s != '\0'; s++) {
        unsigned char c = (unsigned char)*s;

        if (c == '\n') {
            if (s[1] != '\0') {
                (void)fputs("\n    ", stderr);
            }
        } else if ((c < 0x20 && c != '\t') || c == 0x7f) {
            (void)putc('?', stderr);
        } else {
            (void)putc(c, stderr);
        }
    }
}

static void __attribute__((format(printf, 2, 0)))
put_line(const char *label, const char *fmt, va_list ap)
{
    static const char more[] = " ...";
    char              text[4096];

    if (vsnprintf(text, sizeof text, fmt, ap) >= (int)sizeof text) {
        memcpy(text + sizeof text - sizeof more, more, sizeof more);
    }
    progress_hide(); /* also keeps other threads' lines out */
    flockfile(stderr);
    (void)fprintf(stderr, "%s: %s", program, label);
    put_text(text);
    (void)putc('\n', stderr);
    (void)fflush(stderr);
    funlockfile(stderr);
    progress_show();
}

void
log_error(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    put_line("", fmt, ap);
    va_end(ap);
}

void
log_warn(const char *fmt, ...)
{
    va_list ap;

    if (log_wants(LOG_WARN)) {
        va_start(ap, fmt);
        put_line("warning: ", fmt, ap);
        va_end(ap);
    }
}

void
log_info(const char *fmt, ...)
{
    va_list ap;

    if (log_wants(LOG_INFO)) {
        va_start(ap, fmt);
        put_line("", fmt, ap);
        va_end(ap);
    }
}

void
log_debug(const char *fmt, ...)
{
    va_list ap;

    if (log_wants(LOG_DEBUG)) {
        va_start(ap, fmt);
        put_line("debug: ", fmt, ap);
        va_end(ap);
    }
}
