/*
 * repair.h - healing the backups of a database from another repository.
 *
 * What is lost (damage.h, a listing included) is looked for there, first as the very same stored
 * bytes, wherever they stand, then at the same place of the same backup; it is read, decoded, and
 * must give the id that it has here.  It is stored as a new object by a run of its own (writer.h),
 * beside the bad one: readers find it by the id, prune keeps all objects of an id while one that is
 * needed is condemned or missing.  Nothing bad is removed.
 *
 * Chunk lists and manifests have fixed names and a digest in their label.  They are made again,
 * from each other or from the other repository, and put in the place of the bad ones only when they
 * have that digest to the bit.  When that cannot be, or the label itself is bad, what is left of
 * the backup gives way to a copy of it (copy.h).
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
    uint64_t chunks, bytes; /* stored anew */
    uint64_t lists;         /* chunk lists and manifests made again */
    uint64_t backups;       /* labels put back, or backups copied anew */
    uint64_t lost;          /* chunks that the other repository does not hold either */
    struct strlist
        failed; /* what could not be healed, one sentence each; chunks are only counted */
};

/* 0: all that could be was healed. */
int  repair_run(struct repo *, struct repo *from, const struct repair_request *, struct repair *,
                struct err *);
void repair_free(struct repair *);

#endif
