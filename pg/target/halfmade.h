/*
 * halfmade.h - databases that a restore is making: how they are recognised, and whether their maker
 * has died.
 *
 * A restore works in NAME_restoring_XXXXXXXX and records itself in the database's comment: host,
 * process, time.  It also holds an advisory lock on the name, in the database where it issues
 * CREATE DATABASE, as long as it runs.  kill -9, a lost machine or lack of memory leave such a
 * database.  It is removed when the lock is free and its maker has certainly ended: a process of
 * this machine that no longer exists (core/host/procid.h); of another one, of an earlier boot or in
 * another container, when no session is in it and it is older than a day.
 *
 * One that could not be given its name in the end is "kept", and one that is to take the place of a
 * database that is dropped says so (replacing.h): these are never removed automatically.
 */
#ifndef PG_TARGET_HALFMADE_H
#define PG_TARGET_HALFMADE_H

#include <stdbool.h>

#include "core/mem.h"
#include "pg/conn/conn.h"

/* A condition on pg_database d: half made, or kept. */
#define HALFMADE_SQL                                                                               \
    "(d.datname ~ '_restoring_[0-9a-f]{8}$' AND coalesce("                                         \
    "pg_catalog.shobj_description(d.oid, 'pg_database'), '') LIKE 'pgassay-restore: %')"

/* The comment of one that replaces a database begins so. */
#define HALFMADE_REPLACING "pgassay-restore: replacing"

/* "shop_restoring_1f2e3d4c"; what: "restoring".  Truncated to a valid name and valid text. */
char *halfmade_name(const char *of, const char *what);

/* Takes the lock on a name, of a half-made database or of the one that it is to become; false:
 * another restore holds it. */
bool halfmade_lock(PGconn *, const char *name);
/* Does nobody hold it?  Not for a name whose lock this connection holds: it is released. */
bool halfmade_is_free(PGconn *, const char *name);
/* The server process whose session holds it; 0: none, or not known.  *doing: "server process 4711,
 * at DROP DATABASE ... for 3 s", or NULL; allocated.  A session outlives its client for as long as
 * the statement takes that it is at. */
int halfmade_holder(PGconn *, const char *name, char **doing);
/* -1, with ERR_BUSY: the error for this case. */
int halfmade_busy(PGconn *, const char *name, struct err *);
/* Sets any comment.  It outlives a crash of the server, as the database itself does. */
int halfmade_comment(PGconn *, const char *name, const char *text, struct err *);
/* Sets the comment.  For a kept one, its final comment (NULL: none) follows on the next lines. */
int halfmade_mark(PGconn *, const char *name, struct err *);
int halfmade_mark_kept(PGconn *, const char *name, const char *comment, struct err *);
/* The meaning of a comment (NULL: none): for a kept one, *rest is the part that follows, or
 * NULL. */
enum halfmade { HALFMADE_NOT, HALFMADE_IT_IS, HALFMADE_KEPT };
enum halfmade halfmade_read(const char *comment, const char **rest);
/* Does it still have this comment?  The restored data may have set its own. */
bool halfmade_is_marked(PGconn *, const char *name);

/* Removes those whose makers have died, of any name, and logs it (log.h).  of: the name to be
 * restored now; for it the lock is enough, as no other restore may be making it. */
int halfmade_remove_dead(PGconn *, const char *of, struct err *);

/* One line for each database that is half made or kept, and what will happen to it; not those that
 * replace one (replacing_list_read()).  of: only those
 * for this name; NULL: all. */
int halfmade_list(PGconn *, const char *of, struct strlist *lines, struct err *);

#endif
