/*
 * swap.h - --swap: the restored database takes the name of the running one, which is set aside.
 *
 *     preflight  what would keep the running database from being renamed (swap_preflight())
 *     properties those of the running database, read before anything changes: the new one gets
 *                them, unless --settings backup asks for the backup's.  What is not allowed shows
 *                before anything is loaded (finish_rehearse_properties())
 *     check      every table is there and has as many rows as the manifest says (swap_check())
 *     switch     publish.c
 *
 * Until the switch the running database is not touched.  When the switch fails, what was restored
 * is kept, and --switch-to takes it up again.
 */
#ifndef RESTORE_SWAP_H
#define RESTORE_SWAP_H

#include "restore/restore.h"

/* May the database of this name (NULL: none has it) be set aside, and take get the name?  -1: no;
 * everything that stands in the way was logged but the first, which is in *err. */
int swap_ready(PGconn *, const char *name, const char *take, struct err *);

/* Adds what stands in the way, each with what to do about it. */
int swap_preflight(struct restore *, struct strlist *stop, struct strlist *hints, struct err *);

/* Whose properties the new database gets: the manifest's, or those of the running one. */
const json_t *swap_source(const struct restore *);
/* The same; with --swap without the comment, which comes in the switch: until then the comment
 * tells that the database is half made.  Borrowed. */
const json_t *swap_properties(struct restore *);

/* -1: the copy is not what was backed up. */
int swap_check(struct restore *, struct err *);

#endif
