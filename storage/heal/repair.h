/*
 * repair.h - healing the backups of a database from another repository.
 *
 * A lost chunk (damage.h, a listing included) is searched there, first as the same stored bytes
 * under any name, then at the same place of the same backup; it is read, decoded, and must have the
 * id that it has here.  A separate run (writer.h) stores it as a new object beside the bad one:
 * readers find it by the id, and prune keeps all objects of an id while a needed one is condemned
 * or missing.  Nothing bad is removed.
 *
 * Chunk lists and manifests have fixed names and a digest in their label.  They are rebuilt, from
 * each other or from the other repository, and replace the bad ones only if they have that digest.
 * If that is impossible, or the label itself is bad, or a lost chunk is not found and the other
 * repository holds the backup in other chunks (a copy made whole of deltas), what is left of the
 * backup is replaced by a copy of it (copy.h).
 */
#ifndef STORAGE_HEAL_REPAIR_H
#define STORAGE_HEAL_REPAIR_H

#include "storage/repo/repo.h"

struct repair_request {
    const char *db;
    int         jobs;  /* threads that read and check */
    bool        quiet; /* no progress line */
};

struct repair {
    uint64_t chunks, bytes; /* stored again */
    uint64_t lists;         /* chunk lists and manifests rebuilt */
    uint64_t backups;       /* labels put back, or backups copied again */
    uint64_t lost;          /* chunks that the other repository does not hold either */
    struct strlist
        failed; /* what could not be healed, one sentence each; chunks are only counted */
};

/* 0: all that could be was healed. */
int  repair_run(struct repo *, struct repo *from, const struct repair_request *, struct repair *,
                struct err *);
void repair_free(struct repair *);

#endif
