/*
 * delta.h - plaintext that is put together from pieces of chunks: the list of its pieces.
 *
 * Where few rows of a chunk's place have changed since the last backup, only the new rows are
 * stored, and a list of what to copy from where.  The manifest names the sources (struct
 * manifest_delta); the list lies in the chunk of the new rows, so it is stored, named, sealed and
 * checked like any chunk.
 *
 * The list is text, for programs and for people with stock tools: lines "<source> <offset>
 * <length>\n", decimal, in the order of the plaintext.  source counts the delta's sources from 0;
 * offset is a byte of that source; length is at least 1.
 */
#ifndef STORAGE_FORMAT_DELTA_H
#define STORAGE_FORMAT_DELTA_H

#include <stddef.h>
#include <stdint.h>

#include "core/buf.h"
#include "core/err.h"

enum {
    /* Sources of one delta, the list among them. */
    DELTA_SOURCES_MAX = 10,
    /* Bytes of a list. */
    DELTA_LIST_MAX = 1 << 20,
};

struct delta_run {
    uint32_t source, offset, length;
};

/* Zeroed at first; the caller's to free. */
struct delta_runs {
    struct delta_run *v;
    size_t            n, cap;
};

/* Appends; what continues the last run makes it longer. */
void delta_runs_add(struct delta_runs *, const struct delta_run *);
void delta_runs_free(struct delta_runs *);

/* Appends the text; fails only for want of room in the buffer. */
int delta_list_format(const struct delta_runs *, struct buf *, struct err *);
/* Appends to runs.  ERR_CORRUPT names the line that is not exactly as above. */
int delta_list_parse(const void *text, size_t n, struct delta_runs *, struct err *);

#endif
