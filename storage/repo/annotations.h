/*
 * annotations.h - what is known of the backups of a database beyond their labels: proven by a
 * drill, pinned, accepted.
 */
#ifndef STORAGE_REPO_ANNOTATIONS_H
#define STORAGE_REPO_ANNOTATIONS_H

#include "core/json.h"
#include "storage/repo/backuplist.h"
#include "storage/repo/drillrecord.h"
#include "storage/repo/pins.h"

struct annotation {                   /* of one backup; borrowed from struct annotations */
    const struct drill_record *drill; /* the last one; NULL: none */
    const struct pin          *pin;   /* the last one; NULL: not pinned */
    const struct pin          *accepted;
    bool proven; /* the last drill found no difference, and the backup is whole */
};

struct annotations {
    struct annotation   *v; /* one for each entry of the list, in its order */
    size_t               n;
    struct pins          pins, accepted; /* all of the database, also of removed backups */
    struct drill_records drills;
};

int  annotations_load(struct repo *, const char *db, const struct backup_list *,
                      struct annotations *, struct err *);
void annotations_free(struct annotations *);

/* Adds "proven", "drill", "pinned" and "accepted" (docs/json.md). */
void annotation_json(const struct annotation *, json_t *backup);
/* "nightly; pinned: before the migration": the label's note and those of its pins; allocated. */
char *annotation_note(const struct annotation *, const char *note);

#endif
