/*
 * replace.h - --replace: a backup is restored in place of a database that is dropped first, as
 * there is no room for both.
 *
 *     look       has a replace of this name been interrupted?  Then its backup is meant
 *                (replace_look())
 *     preflight  obstacles (replace_preflight())
 *     create     the working database, whose comment says what is intended (pg/target/replacing.h)
 *     make room  safety backup, under a guard (safety.h, guard.h); the database gives up its name,
 * so that nobody gets in, and is dropped (replace_make_room()) restore    as ever; what does not
 * come back as it was is a problem, not an obstacle name       with owner, privileges and settings,
 * in one transaction (publish.c)
 *
 * Until the database gives up its name, nothing has changed.  From then on the same command goes on
 * where it was: it drops what is set aside; goes on in the working database, with the tables that
 * are loaded (replace_resume.c); or begins anew in another one, and drops the half-made one once
 * the new one has the intention in its comment; or, when everything was restored and compared, only
 * gives the name.  Another backup (--backup), the safety
 * backup above all, can be chosen then.
 */
#ifndef RESTORE_REPLACE_H
#define RESTORE_REPLACE_H

#include "pg/target/replacing.h"
#include "restore/job/restore.h"

/* Before the plan: connects, and chooses name and backup of an interrupted one. */
int replace_look(struct restore *, struct err *);
/* Takes the lock on the name, and adds the obstacles, each with a hint. */
int replace_preflight(struct restore *, struct strlist *stop, struct strlist *hints, struct err *);
/* Is everything restored already?  Then r->working_name is that database. */
bool replace_is_whole(struct restore *);
/* Goes on in the working database of an interrupted one, if that is possible: restore.resumes. */
int replace_resume(struct restore *, struct err *);
/* "loading", "loaded": that it came so far; after a problem, that it is to begin anew. */
int replace_mark_stage(struct restore *, const char *stage, struct err *);
/* After an error of what went on: if it would come again, the next one begins anew. */
void replace_give_up_stage(struct restore *, const struct err *);
/* With the working database there: afterwards nothing but it has a claim to the name. */
int replace_make_room(struct restore *, struct err *);
/* Notes that everything is restored. */
int replace_mark_whole(struct restore *, struct err *);
/* The database has its name: the name in the repository goes over to it. */
void replace_done(struct restore *);
/* How it can go on after a failure: in the log. */
void replace_say(const struct restore *);
void replace_free(struct restore *);

#endif
