/*
 * condemned.h - <db>/condemned/<time>-<random>: what scrubs found bad or missing.
 *
 * A JSON object of type "condemned" with "names", chunk names below <db>/chunks/ (blocklist.h),
 * and, when there are any, "objects": keys below <db>/ of labels, chunk lists and manifests.
 * Nothing that is condemned is reused by a new backup. They name objects, never contents: another
 * chunk with the same id is not affected.
 */
#ifndef STORAGE_REPO_CONDEMNED_H
#define STORAGE_REPO_CONDEMNED_H

#include "storage/format/chunkindex.h"
#include "storage/repo/repo.h"

struct condemned {
    struct strlist    lists;      /* the keys of the lists that were read */
    struct strlist    unreadable; /* and of those that cannot be read */
    struct chunkindex chunks;     /* CHUNKINDEX_TRUSTED; their sizes are not known */
    struct strlist    objects;    /* "backups/<backup>/manifest.json.zst" */
};

/* A list that cannot be read is left out, with a warning.  If one is removed meanwhile, this starts
 * over: what was still valid in it was written to another one first. */
int condemned_load(struct repo *, const char *db, struct condemned *, struct err *);
/* Writes one more list; nothing when both are empty.  Sorts them. */
int condemned_put(struct repo *, const char *db, struct strlist *names, struct strlist *objects,
                  struct err *);
/* Rewrites the lists without these chunks and objects, and removes the old ones; a list written
 * since they were loaded is kept as it is.  *struck: how many there were. */
int  condemned_strike(struct repo *, const char                       *db, const struct condemned *,
                      const struct chunkindex *, const struct strlist *objects, size_t *struck,
                      struct err *);
bool condemned_has(const struct condemned *, const struct chunk_name *);
void condemned_free(struct condemned *);

#endif
