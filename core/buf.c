#include "core/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"

enum { FIRST_CAP = 256 };

int
buf_reserve(struct buf *b, size_t extra, struct err *e)
{
    size_t need;
    size_t cap = b->cap;

    if (__builtin_add_overflow(b->len, extra, &need) || need > b->max) {
        return err_set(e, ERR_IO, "larger than the %zu bytes allowed", b->max);
    }
    if (need < b->cap) {
        return 0;
    }
    /* Doubling, but never beyond the ceiling; one byte more than that for buf_str(). */
    if (cap < FIRST_CAP) {
        cap = FIRST_CAP;
    }
    while (cap <= need) {
        cap = cap > SIZE_MAX / 2 ? SIZE_MAX : 2 * cap;
    }
    if (cap - 1 > b->max) {
        cap = b->max + 1;
    }
    b->data = xrealloc(b->data, cap);
    b->cap = cap;
    return 0;
}

int
buf_append(struct buf *b, const void *p, size_t n, struct err *e)
{
    if (buf_reserve(b, n, e) != 0) {
        return -1;
    }
    if (n > 0) {
        memcpy(b->data + b->len, p, n);
        b->len += n;
    }
    return 0;
}

int
buf_puts(struct buf *b, const char *s, struct err *e)
{
    return buf_append(b, s, strlen(s), e);
}

int
buf_printf(struct buf *b, struct err *e, const char *fmt, ...)
{
    va_list ap;
    char   *text;
    int     n;
    int     rc;

    va_start(ap, fmt);
    n = vasprintf(&text, fmt, ap);
    va_end(ap);
    if (n < 0) {
        return err_set(e, ERR_IO, "out of memory");
    }
    rc = buf_append(b, text, (size_t)n, e);
    free(text);
    return rc;
}

const char *
buf_str(struct buf *b)
{
    if (b->data == NULL) {
        return "";
    }
    b->data[b->len] = '\0'; /* buf_reserve() always keeps one byte spare */
    return (const char *)b->data;
}

void
buf_clear(struct buf *b)
{
    b->len = 0;
}

void
buf_free(struct buf *b)
{
    free(b->data);
    b->data = NULL;
    b->len = 0;
    b->cap = 0;
}
