/*
 * recover.h - bringing lost settings (repo.<n>.json) back from the copies beside backups.
 *
 * Each backup keeps a copy of the settings in force when it was taken.  The original name of such a
 * copy is never guessed: a signature is valid for one name only, and shows it; without signatures
 * the backup's label names it.  (A copy without either, from older versions, counts as the first if
 * no signature is required: only its contents matter then.)
 *
 * Numbers start at 1 and have no gaps.  A number below the newest without a copy gets the contents
 * of the newest, signed again for its name by an authorised key: this does not change which of them
 * is in force.  Existing objects stay.
 */
#ifndef STORAGE_REPO_RECOVER_H
#define STORAGE_REPO_RECOVER_H

#include "core/err.h"
#include "core/mem.h"
#include "storage/contract/location.h"

struct recovered {
    char *object; /* "repo.3.json" */
    char *from;   /* the copy: "shop/backups/20261121T021500Z-4f2a/repo.json" */
};

struct recovery {
    struct recovered *v;
    size_t            n, cap;
};

/* dry_run: reports what would be done, and writes nothing.  ERR_NOT_FOUND: no copy can be used.
 * ERR_AUTH: a signature is needed that this host cannot give; nothing was written.  ERR_EXISTS:
 * there is another object in the place of the newest. */
int  recover_settings(const struct storage_location *, bool dry_run, struct recovery *,
                      struct err *);
void recovery_free(struct recovery *);

#endif
