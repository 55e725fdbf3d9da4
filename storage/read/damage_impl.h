/*
 * damage_impl.h - shared by the parts of damage.h: damage.c (judging backups), damage_scan.c
 * (listings).
 */
#ifndef STORAGE_READ_DAMAGE_IMPL_H
#define STORAGE_READ_DAMAGE_IMPL_H

#include "storage/read/damage.h"

/* Lost chunks become CHUNKINDEX_REUSABLE where an object with the same id, itself not in the set,
 * is listed. */
int damage_find_twins(struct repo *, const char *db, struct damage *, struct err *);

#endif
