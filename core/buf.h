/*
 * buf.h - a growing byte buffer with a ceiling.
 *
 * Everything read from outside goes into one, so that no false length can use up the memory.  The
 * ceiling is part of the declaration: struct buf b = BUF_INIT(MiB).
 */
#ifndef CORE_BUF_H
#define CORE_BUF_H

#include <stddef.h>
#include <stdint.h>

#include "core/err.h"

struct buf {
    uint8_t *data; /* NULL when nothing was ever stored */
    size_t   len;  /* bytes in use */
    size_t   cap;  /* bytes allocated */
    size_t   max;  /* ceiling in bytes */
};

#define BUF_INIT(max_bytes)                                                                        \
    {                                                                                              \
        .max = (max_bytes)                                                                         \
    }
#define BUF_NO_LIMIT SIZE_MAX
#define KIB          ((size_t)1 << 10)
#define MIB          ((size_t)1 << 20)
#define GIB          ((size_t)1 << 30)

/* Room for extra more bytes; ERR_IO "larger than … bytes" beyond the ceiling. */
int buf_reserve(struct buf *, size_t extra, struct err *);
int buf_append(struct buf *, const void *, size_t, struct err *);
int buf_puts(struct buf *, const char *, struct err *);
int buf_printf(struct buf *, struct err *, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The contents as a string: a NUL is kept after them (not counted in len).
 * Valid until the next call; never NULL (an empty buffer gives ""). */
const char *buf_str(struct buf *);

void buf_clear(struct buf *); /* keeps the memory */
void buf_free(struct buf *);  /* accepts what was never used */

#endif
