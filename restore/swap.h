/*
 * swap.h - --swap: the restored database takes the name of the running one, which is set aside.
 *
 *     preflight  what would keep the running database from being renamed (swap_preflight())
 *     properties those of the running database, read before anything changes: the new one gets
 *                them, unless --settings backup asks for the backup's
 *     check      every table is there and has as many rows as the manifest says (swap_check()),
 *                with --check full its contents too
 *     switch     pg/target/exchange.h
 *
 * Until the switch the running database is not touched.  When it fails, what was restored is kept,
 * and --switch-to takes it up again.
 */
#ifndef RESTORE_SWAP_H
#define RESTORE_SWAP_H

#include "restore/restore.h"

/* May the database of this name be set aside?  -1: no; everything that stands in the way was logged
 * but the first, which is in *err. */
int swap_ready(PGconn *, const char *name, struct err *);

/* Adds what stands in the way, each with what to do about it. */
int swap_preflight(struct restore *, struct strlist *stop, struct strlist *hints, struct err *);

/* Whose properties the new database gets: the manifest's, or those of the running one. */
const json_t *swap_source(const struct restore *);
/* The same; with --swap without the comment, which comes in the switch: until then the comment
 * tells that the database is half made.  Borrowed. */
const json_t *swap_properties(struct restore *);

/* -1: the copy is not what was backed up. */
int swap_check(struct restore *, struct err *);

/* Instead of target_publish()'s renaming; sets restore.renamed. */
int swap_publish(struct restore *, struct err *);

#endif
