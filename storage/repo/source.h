/*
 * source.h - <db>/source.json: which server's database a name in the repository stands for.
 *
 * A name is bound to a server's system_identifier and the database's oid by its first backup.  A
 * backup that was imported binds a new name to none (both are 0), and leaves any other as it is;
 * the first backup of a server then binds it without --adopt.  The highest that is trusted counts;
 * others are passed over with a warning.
 */
#ifndef STORAGE_REPO_SOURCE_H
#define STORAGE_REPO_SOURCE_H

#include <stdint.h>
#include <time.h>

#include "storage/repo/repo.h"

/* The database that a name stands for. */
struct repo_source {
    uint64_t system_identifier;
    uint32_t database_oid;
    char    *dbname; /* the database's name when it was bound */
    /* Of one that is to be bound: databases of the same server whose place it has taken.  A name
     * that stands for one of them goes over to it. */
    uint32_t *before;
    size_t    n_before, cap_before;
};
int source_load(struct repo *, const char *db, struct repo_source *,
                struct err *); /* ERR_NOT_FOUND: not bound yet */
/* The same for whoever only looks: what is gone or cannot be used becomes a sentence, and *s is
 * then empty (no dbname).  An error: the store does not answer. */
int source_look(struct repo *, const char *db, struct repo_source *, struct strlist *sentences,
                struct err *);
/* Binds db at the first backup; later ones must match, or ERR_EXISTS with a hint to --adopt.
 * adopt: bind again (writes source.<n>.json; the highest n counts). */
int source_bind(struct repo *, const char *db, const struct repo_source *, bool adopt,
                struct err *);
/* Locks all of the name's objects until then, unless they are already (object_lock.h). */
int  source_retain(struct repo *, const char *db, time_t until, struct err *);
bool source_is_bound(const struct repo_source *);
void source_free(struct repo_source *);

#endif
