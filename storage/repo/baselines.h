/*
 * baselines.h - what a database was at a moment at which no backup of it was taken: everything that
 * a manifest says, and no rows.
 *
 *   <db>/baselines/<id>/manifest.json.zst[.enc]   a manifest that refers to no chunks
 *   <db>/baselines/<id>/baseline.json             its label, of type "baseline", written last
 *
 * They stand in a directory of their own, which retention, scrub, copy and older programs do not
 * look into: a baseline is no backup, never expires, and goes when somebody removes it.  Signed and
 * sealed like the label and the manifest of a backup.  The name that somebody gave it is the
 * label's note; without one a baseline is called by its id.
 */
#ifndef STORAGE_REPO_BASELINES_H
#define STORAGE_REPO_BASELINES_H

#include "storage/format/label.h"
#include "storage/format/manifest.h"
#include "storage/repo/repo.h"

struct baseline_entry {
    char          id[BACKUP_ID_MAX];
    struct label *label; /* NULL: it cannot be read, or is signed by nobody whom this host trusts */
    char         *problem; /* then: one sentence */
};

struct baseline_list {
    struct baseline_entry *v; /* ascending by id: oldest first */
    size_t                 n, cap;
};

/* All of exactly this database; none is no error. */
int  baseline_list_load(struct repo *, const char *db, struct baseline_list *, struct err *);
void baseline_list_free(struct baseline_list *);
/* The one that a user means: an id; "latest" or NULL; or a name, the newest that is called so.
 * One that cannot be read may have been meant, if it is newer: a warning says so.  ERR_NOT_FOUND
 * says which there are. */
struct label *baseline_find(struct repo *, const char *db, const char *which, struct err *);

/* Is the name fit to find a baseline by?  ERR_USAGE: it is empty, or means something else. */
int baseline_name_check(const char *name, struct err *);
/* The key of all fingerprints in a new manifest, which is that of backups. */
int baseline_begin(struct repo *, struct manifest *, struct err *);
/* Stores it, and fills in the label's id and what it says of manifest and repository.  On failure
 * nothing counts; of a run that was killed the manifest may stay, which nothing looks at. */
int baseline_put(struct repo *, struct label *, struct manifest *, struct err *);
/* Label first, so that what is half removed does not count.  By id; ERR_NOT_FOUND. */
int baseline_remove(struct repo *, const char *db, const char *id, struct err *);

#endif
