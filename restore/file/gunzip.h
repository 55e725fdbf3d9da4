/*
 * gunzip.h - bytes on their way from a file to libarchive, gzip undone.
 *
 * libarchive reads gzip, too, but does not look at its check sums: a dump with a flipped bit would
 * be restored.  So this one layer is zlib's, for the file itself and for what lies in a bundle.
 */
#ifndef RESTORE_FILE_GUNZIP_H
#define RESTORE_FILE_GUNZIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"

/* Gives the next bytes, borrowed until the next call: 1; 0: the end; -1. */
typedef int input_fn(void *ctx, const void **data, size_t *n, struct err *);

struct gunzip;

/* What is not compressed with gzip passes through. */
struct gunzip *gunzip_new(input_fn *, void *ctx);
void           gunzip_free(struct gunzip *); /* accepts NULL */
/* As input_fn.  ERR_CORRUPT: truncated, or a check sum is wrong. */
int gunzip_read(struct gunzip *, const void **data, size_t *n, struct err *);
/* After the first read: is it gzip? */
bool gunzip_is(const struct gunzip *);

#endif
