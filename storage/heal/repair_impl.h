/*
 * repair_impl.h - shared by the parts of repair.h: repair.c (chunks), repair_find.c (what
 * holds them there), repair_list.c (chunk lists and manifests), repair_label.c (whole backups).
 */
#ifndef STORAGE_HEAL_REPAIR_IMPL_H
#define STORAGE_HEAL_REPAIR_IMPL_H

#include "storage/format/manifest.h"
#include "storage/heal/repair.h"
#include "storage/read/damage.h"
#include "storage/repo/backuplist.h"

/* A chunk that is lost here, and the object with its contents there. */
struct repair_lost {
    char             backup[BACKUP_ID_MAX]; /* one that needs it */
    bool             found;                 /* something there does */
    struct chunk_ref there;                 /* what */
    bool             healed;
    bool             needed; /* not healed, and a backup that was not replaced needs it */
};

struct repairing {
    struct repo      *to, *from;
    const char       *db;
    struct repair    *result;
    struct chunkindex names; /* of what is lost, with sizes; CHUNKINDEX_REUSABLE, so that
                               chunkindex_find_stored() finds it */
    struct repair_lost *v;
    size_t              cap; /* by the index in names */
};

/* names and v of all that damage calls lost and a backup needs. */
int repair_find_lost(struct repairing *, const struct damage *, const struct backup_list *,
                     struct err *);
/* v[].there, as far as the other repository has it. */
int repair_find_there(struct repairing *, struct err *);
/* 1: one of them is bad or missing, by this label. */
int repair_lists_bad(struct repairing *, const struct label *, struct err *);
/* Chunk list and manifest of a backup whose label is good.  *problem: what could not be rebuilt
 * (allocated), or NULL. */
int repair_lists(struct repairing *, const struct label *, char **problem, struct err *);
/* *quiet: there is no run mark. */
int repair_nobody_writes(const struct repairing *, bool *quiet, struct err *);
/* A backup of which too little is left for that: from a mirror's label, or by copying it as a
 * whole. */
int repair_backup(struct repairing *, const char *id, const char *problem, int jobs, struct err *);
/* A backup of which chunks stay lost, by one that holds its rows in other chunks.  *replaced: there
 * is one. */
int repair_otherwise(struct repairing *, const struct label *, int jobs, bool *replaced,
                     struct err *);

#endif
