/*
 * present.h - are the chunks there that are about to be read?
 *
 * By a listing, not by reading them: of everything, or only where they lie when they are few.  What
 * is not listed with its size, or is condemned, is read after all, as another object or an older
 * version may hold the same.  So a chunk with bad bytes that no scrub has met is not noticed.
 */
#ifndef STORAGE_READ_PRESENT_H
#define STORAGE_READ_PRESENT_H

#include <stdbool.h>

#include "core/err.h"
#include "storage/format/manifest.h"
#include "storage/repo/repo.h"

struct present {
    size_t     lost;  /* chunks that cannot be read */
    struct err first; /* why, of the first one: names it */
};

/* chunks: by place in the manifest; in: which to look for, out: which of them are lost.  When many
 * are, those beyond the first few that were tried count as lost.  -1: could not be found out. */
int present_look(struct repo *, const char *db, const struct manifest *, bool *chunks,
                 struct present *, struct err *);

#endif
