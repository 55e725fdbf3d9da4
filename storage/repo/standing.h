/*
 * standing.h - what is known of the backups of a database beyond their labels: proven by a drill,
 * pinned, accepted.
 */
#ifndef STORAGE_REPO_STANDING_H
#define STORAGE_REPO_STANDING_H

#include <jansson.h>

#include "storage/repo/drillrecord.h"
#include "storage/repo/pins.h"

struct standing {                     /* of one backup; borrowed from struct standings */
    const struct drill_record *drill; /* the last one; NULL: none */
    const struct mark         *pin;   /* the last one; NULL: not pinned */
    const struct mark         *accepted;
    bool proven; /* the last drill found no difference, and the backup is whole */
};

struct standings {
    struct standing     *v; /* one for each entry of the list, in its order */
    size_t               n;
    struct marks         pins, accepted; /* all of the database, also of backups that are gone */
    struct drill_records drills;
};

int  standings_load(struct repo *, const char *db, const struct backup_list *, struct standings *,
                    struct err *);
void standings_free(struct standings *);

/* Adds "proven", "drill", "pinned" and "accepted" (docs/json.md). */
void standing_json(const struct standing *, json_t *backup);
/* "nightly; pinned: before the migration": the label's note and what was said since; allocated. */
char *standing_note(const struct standing *, const char *note);

#endif
