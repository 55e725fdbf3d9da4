#include "core/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/print.h"
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

bool
log_is_watched(void)
{
    return isatty(STDERR_FILENO) != 0;
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
    print_to(stderr, "%s: %s", program, label);
    print_lines(stderr, text); /* no name or message can control the terminal or forge a line */
    print_raw(stderr, "\n");
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
log_say(const char *fmt, ...)
{
    va_list ap;

    if (log_wants(LOG_WARN)) {
        va_start(ap, fmt);
        put_line("", fmt, ap);
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
