/*
 * safety.h - the backup of a database that is about to be dropped.
 *
 * Made by the programs pgassay-backup --complete and, of exactly that backup, pgassay-verify
 * objects, and pinned: no policy removes it.  It has the name in the repository that is restored
 * from, if that name stands for this database; otherwise (a name of another server's database, say)
 * one of its own, NAME_replaced.
 */
#ifndef RESTORE_SAFETY_H
#define RESTORE_SAFETY_H

#include "restore/job/restore.h"

/* Of database r->name, whose properties are r->live.  *db, *id: its name in the repository and its
 * id, allocated.  -1: there is none that can be relied on. */
int safety_take(struct restore *, char **db, char **id, struct err *);
/* Reads all of the backup that is to be restored; -1: something of it is damaged or missing. */
int safety_verify_source(struct restore *, struct err *);

#endif
