/*
 * damage.h - which backups have lost something, without reading all that is stored.
 *
 * Known from two sources: the lists that scrubs leave (cheap: one listing, and nothing more while
 * there are none); and, when asked for, a listing of all chunks compared with the chunk lists,
 * which sees what is missing or has another size.  A chunk is lost only while no other object with
 * its id stands beside it: readers use that one.
 */
#ifndef STORAGE_READ_DAMAGE_H
#define STORAGE_READ_DAMAGE_H

#include "storage/repo/backuplist.h"
#include "storage/repo/condemned.h"

struct damage {
    struct chunkindex
        chunks; /* CHUNKINDEX_TRUSTED: lost; CHUNKINDEX_REUSABLE: bad, with another in its stead */
    struct strlist objects; /* condemned keys below <db>/ */
};

/* What is condemned. */
int damage_load(struct repo *, const char *db, struct damage *, struct err *);
/* Adds what a listing of all chunks shows to be missing, or of another size, of all that these
 * backups need. */
int damage_look(struct repo *, const char *db, const struct backup_list *, struct damage *,
                struct err *);
/* A committed backup that needs something lost becomes BACKUP_DAMAGED, with lost_chunks and
 * problem. */
int  damage_judge(struct repo *, const struct damage *, struct backup_entry *, struct err *);
void damage_free(struct damage *);

/* All of that for a whole list; listing: damage_look() too. */
int backup_list_check(struct repo *, const char *db, struct backup_list *, bool listing,
                      struct err *);

#endif
