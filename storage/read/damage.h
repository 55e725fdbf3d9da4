/*
 * damage.h - which backups have lost something, without reading all objects.
 *
 * Known from two sources: the condemned lists of scrubs (cheap: one listing, and nothing more while
 * there are none); and, on request, a listing of all chunks compared with the chunk lists, which
 * shows missing chunks and wrong sizes.  A chunk is lost only if there is no other object with its
 * id, which readers would use.
 */
#ifndef STORAGE_READ_DAMAGE_H
#define STORAGE_READ_DAMAGE_H

#include "storage/repo/backuplist.h"
#include "storage/repo/condemned.h"

struct damage {
    struct chunkindex chunks; /* CHUNKINDEX_TRUSTED: lost; CHUNKINDEX_REUSABLE: bad, with another
                                 one to replace it */
    struct strlist objects;   /* condemned keys below <db>/ */
};

/* Loads what is condemned. */
int damage_load(struct repo *, const char *db, struct damage *, struct err *);
/* Adds the chunks of these backups that, by a listing of all chunks, are missing or have another
 * size. */
int damage_look(struct repo *, const char *db, const struct backup_list *, struct damage *,
                struct err *);
/* A committed backup that needs something lost becomes BACKUP_DAMAGED, with lost_chunks and
 * problem. */
int  damage_judge(struct repo *, const struct damage *, struct backup_entry *, struct err *);
void damage_free(struct damage *);

/* All of this for a whole list; listing: damage_look() too. */
int backup_list_check(struct repo *, const char *db, struct backup_list *, bool listing,
                      struct err *);

#endif
