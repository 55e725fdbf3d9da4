/*
 * recover.h - bringing lost settings (repo.<n>.json) back from the copies beside backups.
 *
 * Each backup keeps a copy of the settings that it was taken under.  What such a copy was called is
 * never guessed: a signature holds for one name only, and says which; without signatures the
 * backup's label says it.  (A copy of which nobody says it, from before labels did, is taken for
 * the first where no signature is asked for: only its contents count then.)
 *
 * Numbers go from 1 without gaps.  A number below the newest of which there is no copy gets the
 * contents of the newest, signed anew for its name by who may do so: which of them rules does not
 * change by that.  Whatever is there already stays.
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
 * something else lies in the place of the newest. */
int  recover_settings(const struct storage_location *, bool dry_run, struct recovery *,
                      struct err *);
void recovery_free(struct recovery *);

#endif
