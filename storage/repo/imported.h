/*
 * imported.h - which dump of another tool a backup was made of, so that none is imported twice.
 *
 * A label names the file by its SHA-256 under the id key of the epoch, as chunks are named by their
 * content: whoever reads the labels of an encrypted repository without a key cannot tell which file
 * it was, and a host that only writes there still can.
 */
#ifndef STORAGE_REPO_IMPORTED_H
#define STORAGE_REPO_IMPORTED_H

#include <time.h>

#include "storage/format/backupid.h"
#include "storage/keys/epoch.h"
#include "storage/repo/repo.h"

/* sha256: 64 hex digits.  The epoch's naming keys are there. */
void imported_id(const struct epoch *, const char *sha256, char out[SHA256_HEX + 1]);

/* The file, and when it is said to have been dumped: a database that did not change may give the
 * same file on several days, and each is a backup of its own. */
struct imported_file {
    const char *sha256;
    time_t      from, until;
};

/* The backup of db that was made of it; "": there is none that counts, or its epoch's keys are not
 * known here. */
int imported_find(struct repo *, const char *db, const struct imported_file *,
                  char id[BACKUP_ID_MAX], struct err *);

#endif
