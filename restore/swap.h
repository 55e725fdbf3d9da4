/*
 * swap.h - --swap: the restored database takes the name of the running one, which is set aside.
 *
 *     preflight  obstacles to renaming the running database (swap_preflight())
 *     properties those of the running database, read before anything changes: the new one gets
 *                them, unless --settings backup requests the backup's.  Missing rights show
 *                before anything is loaded (finish_rehearse_properties())
 *     check      every table is there and has as many rows as the manifest says (swap_check()),
 *                and the same ones (swap_check_contents())
 *     switch     publish.c
 *
 * Until the switch the running database is not touched.  When the switch fails, the restored
 * database is kept, and --switch-to continues with it.
 */
#ifndef RESTORE_SWAP_H
#define RESTORE_SWAP_H

#include "restore/job/restore.h"

/* May the database of this name (NULL: none has it) be set aside, and take get the name?  -1: no;
 * the first obstacle is in *err, the others were logged. */
int swap_ready(PGconn *, const char *name, const char *take, struct err *);

/* Adds the obstacles, each with a hint. */
int swap_preflight(struct restore *, struct strlist *stop, struct strlist *hints, struct err *);
/* Its parts: of the backup, which must have everything; of the running database, which is set aside
 * or dropped. */
int swap_look_at_backup(const struct restore *, struct strlist *stop, struct strlist *hints,
                        struct err *);
int swap_look_at_running(const struct restore *, bool dropped, struct strlist *stop,
                         struct strlist *hints, struct err *);

/* -1: the copy differs from the backup: a table is missing or has another number of rows
 * (swap_check()), other contents (swap_check_contents(): --check full). */
int swap_check(struct restore *, struct err *);
int swap_check_contents(struct restore *, struct err *);
/* Has each table of which rows are compared the backup's?  Nothing is said. */
typedef void swap_look_fn(void *ctx, struct table_job *, bool equal);
int          swap_look_at_contents(struct restore *, swap_look_fn *, void *ctx, struct err *);
/* With --replace, when there is nothing else that could keep the name, a difference is a problem of
 * that table: 0. */
int swap_differs(struct restore *, const struct manifest_table *, struct err *);
/* Are rows of this table compared?  Not those of an extension's: CREATE EXTENSION may add some. */
bool swap_compares(const struct manifest_table *);

#endif
