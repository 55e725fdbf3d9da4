/*
 * halfmade.h - databases that a restore is making: how they are told from others, and from those
 * whose maker is dead.
 *
 * A restore works in NAME_restoring_XXXXXXXX and says in the database's comment who makes it: host,
 * process, time.  It also holds an advisory lock on the name, in the database that it issues CREATE
 * DATABASE from, as long as it lives.  kill -9, a lost machine or want of memory leave such a
 * database.  It is removed when the lock is free and its maker is certainly dead: a process
 * of this host that is gone; of another host, when no session is in it and it is older than a day.
 *
 * One that could not be given its name in the end is "kept": nobody removes it but people.
 */
#ifndef PG_TARGET_HALFMADE_H
#define PG_TARGET_HALFMADE_H

#include <stdbool.h>

#include "core/mem.h"
#include "pg/conn/conn.h"

/* A condition of pg_database d: one that is half made, or kept. */
#define HALFMADE_SQL                                                                               \
    "(d.datname ~ '_restoring_[0-9a-f]{8}$' AND coalesce("                                         \
    "pg_catalog.shobj_description(d.oid, 'pg_database'), '') LIKE 'pgassay-restore: %')"

/* "shop_restoring_1f2e3d4c"; what: "restoring".  Cut so that it stays a name and valid text. */
char *halfmade_name(const char *of, const char *what);

/* The lock on a name, of a half-made database or of the one that it is to become; false: another
 * restore holds it. */
bool halfmade_lock(PGconn *, const char *name);
/* -1, with ERR_BUSY: what to say then. */
int halfmade_busy(const char *name, struct err *);
/* The comment.  A kept one's has on the lines that follow the comment that it is to have (NULL:
 * none). */
int halfmade_mark(PGconn *, const char *name, struct err *);
int halfmade_mark_kept(PGconn *, const char *name, const char *comment, struct err *);
/* What a comment (NULL: none) says: of a kept one, *rest is what follows, or NULL. */
enum halfmade { HALFMADE_NOT, HALFMADE_IT_IS, HALFMADE_KEPT };
enum halfmade halfmade_read(const char *comment, const char **rest);
/* Has it still this comment?  Restored data may have brought one of its own. */
bool halfmade_is_marked(PGconn *, const char *name);

/* Removes those that died, of whatever name, and tells (log.h).  of: the name that is to be
 * restored now; the lock alone tells there, as nobody else may be making it. */
int halfmade_remove_dead(PGconn *, const char *of, struct err *);

/* One line for each database that is half made or kept, and what becomes of it.  of: only those
 * that are to have this name; NULL: all. */
int halfmade_list(PGconn *, const char *of, struct strlist *lines, struct err *);

#endif
