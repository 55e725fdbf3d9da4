/*
 * deltas.h - do the deltas of a backup add up?  Each is put together from its pieces, and its
 * SHA-256 compared with the manifest's: chunks that are all good may still be the wrong ones.
 *
 * It decodes again what the deltas need, as a restore of them would.  The key of the backup's epoch
 * must be there.
 */
#ifndef VERIFY_STORED_DELTAS_H
#define VERIFY_STORED_DELTAS_H

#include "storage/format/label.h"
#include "storage/repo/repo.h"

/* One does not, or could not be read: of what ("public.log, ..."), and why.  *e and -1 end it.
 * Called by one thread at a time. */
typedef int deltas_bad_fn(void *ctx, const char *what, struct err *why, struct err *e);

/* *n: how many were looked at.  ERR_CORRUPT, ERR_NOT_FOUND: the manifest is bad. */
int deltas_check(struct repo *, const struct label *, int jobs, deltas_bad_fn *, void *ctx,
                 uint64_t *n, struct err *);

#endif
