/*
 * tempfile.h - a file without a name in $TMPDIR, mode 0600: gone however this process ends.
 */
#ifndef RESTORE_FILE_TEMPFILE_H
#define RESTORE_FILE_TEMPFILE_H

#include <stddef.h>
#include <stdint.h>

#include "core/err.h"

/* $TMPDIR, or "/tmp"; borrowed. */
const char *tempfile_dir(void);

/* -1: errno's reason, and what to do when it is room. */
int tempfile_failed(const char *where, struct err *);

/* The descriptor, the caller's; -1. */
int tempfile_make(struct err *);
int tempfile_write(int fd, const void *data, size_t n, const char *where, struct err *);

/* Standard input, to its end, in such a file; -1: also for more than max_bytes, and for a terminal
 * (ERR_USAGE). */
int tempfile_of_stdin(uint64_t max_bytes, struct err *);

#endif
