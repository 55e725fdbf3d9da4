#include "core/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int
err_set(struct err *e, enum err_kind kind, const char *fmt, ...)
{
    va_list ap;

    err_clear(e);
    e->kind = kind;
    va_start(ap, fmt);
    (void)vsnprintf(e->text, sizeof e->text, fmt, ap);
    va_end(ap);
    return -1;
}

int
err_wrap(struct err *e, const char *fmt, ...)
{
    char    inner[sizeof e->text];
    va_list ap;
    int     n;

    memcpy(inner, e->text, sizeof inner);
    va_start(ap, fmt);
    n = vsnprintf(e->text, sizeof e->text, fmt, ap);
    va_end(ap);
    if (n >= 0 && (size_t)n < sizeof e->text) {
        (void)snprintf(e->text + n, sizeof e->text - (size_t)n, ": %s", inner);
    }
    return -1;
}

static enum err_kind
kind_of_errno(int code)
{
    switch (code) {
    case ENOENT:
        return ERR_NOT_FOUND;
    case EEXIST:
        return ERR_EXISTS;
    case EACCES:
    case EPERM:
        return ERR_AUTH;
    default:
        return ERR_IO;
    }
}

int
err_errno(struct err *e, const char *fmt, ...)
{
    int     code = errno;
    char    why[128];
    va_list ap;
    int     n;

    err_clear(e);
    e->kind = kind_of_errno(code);
    va_start(ap, fmt);
    n = vsnprintf(e->text, sizeof e->text, fmt, ap);
    va_end(ap);
    if (n >= 0 && (size_t)n < sizeof e->text) {
        /* GNU strerror_r: thread-safe, may return its own string. */
        (void)snprintf(e->text + n, sizeof e->text - (size_t)n, ": %s",
                       strerror_r(code, why, sizeof why));
    }
    return -1;
}

int
err_hint(struct err *e, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(e->hint, sizeof e->hint, fmt, ap);
    va_end(ap);
    return -1;
}

void
err_clear(struct err *e)
{
    e->kind = ERR_NONE;
    e->transient = false;
    e->newer = e->untrusted = false;
    e->sqlstate[0] = '\0';
    e->text[0] = '\0';
    e->hint[0] = '\0';
}
