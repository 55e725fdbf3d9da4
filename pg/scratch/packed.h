/*
 * packed.h - a cluster as initdb has made it, as one file, and clusters made of that (for scratch.c
 * and keeper.c only).
 *
 * initdb takes more than a second of a processor, unpacking a tenth of that. A copy has another
 * system identifier than its original, as any cluster has, and is like one that initdb has made
 * just now otherwise. The file is a tar archive, compressed by zstd.
 */
#ifndef PG_SCRATCH_PACKED_H
#define PG_SCRATCH_PACKED_H

#include <stdbool.h>

#include "core/buf.h"

/* dir/data, in which no server has run, into a new file.  False: there is none. */
bool packed_make(const char *dir, const char *file);
/* Into dir, as the user who is to own it.  False: what is in dir/data then is of no use. */
bool packed_unpack(const struct buf *, const char *dir);

#endif
