/*
 * objects.h - `objects`: everything stored that existing labels refer to, read and hashed again.
 *
 * Labels, chunk lists and manifests of each backup; then each chunk once, however many backups use
 * it.  A bad object is a finding that names the affected backups.
 */
#ifndef VERIFY_STORED_OBJECTS_H
#define VERIFY_STORED_OBJECTS_H

#include "storage/repo/repo.h"
#include "verify/job/options.h"
#include "verify/job/result.h"

int verify_objects(const struct options *, struct verify_result *, struct err *);

/* The same for one database; only: of this backup alone, or NULL. */
struct repo;
int check_stored(struct repo *, const char *db, const char *only, const struct options *,
                 struct verify_result *, struct err *);

#endif
