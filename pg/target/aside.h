/*
 * aside.h - databases that a switch has set aside (exchange.h): how they are told from others, and
 * what they were.
 *
 * The first line of such a database's comment begins with "pgassay-restore: set aside" and is JSON
 * from there on; the comment that it had follows on the next line.  So what was done, and the way
 * back, lie in the server, wherever the tool ran.  A comment is its owner's to write: aside_list()
 * believes it only of a database that has the name which aside_name() gives, and going back asks
 * whose database it is (restore/switch.c).
 */
#ifndef PG_TARGET_ASIDE_H
#define PG_TARGET_ASIDE_H

#include <stdbool.h>
#include <time.h>

#include "pg/conn/conn.h"

/* All text is allocated. */
struct aside {
    char    *name;
    uint32_t oid;     /* of a listed one */
    char    *was;     /* the name that it had */
    char    *owner;   /* role */
    char    *backup;  /* id of the backup that took its place; NULL: none did */
    char    *comment; /* the one that it had; NULL: none */
    bool     undone;  /* set aside by a way back */
    time_t   since;
    time_t   drop_after; /* may go from then on; 0: never by itself */
    uint64_t size_bytes; /* of a listed one */
    bool     ours;       /* of a listed one: we may drop it */
};

struct aside_list {
    struct aside *v; /* newest first */
    size_t        n, cap;
};

/* "shop_before_20261130_053412", or "shop_undone_..."; cut so that it stays a name. */
char *aside_name(const char *was, bool undone, time_t since);
/* Now, or the next second whose name nobody has.  0 or -1 (ERR_PG). */
int aside_time(PGconn *, const char *was, bool undone, time_t *since, struct err *);
/* The comment that says all this; allocated.  */
char *aside_comment(const struct aside *, struct err *);

/* was: only those that had this name; NULL: all.  0 or -1 (ERR_PG). */
int  aside_list_read(PGconn *, const char *was, struct aside_list *, struct err *);
void aside_list_free(struct aside_list *);
void aside_free(struct aside *); /* what it points to */

/* Drops one that is set aside, of this name; not one that somebody is using.  ERR_NOT_FOUND: there
 * is no database of that name, or it is not set aside. */
int aside_drop(PGconn *, const char *name, struct err *);
/* Drops those that are ours and whose time has come, and tells (log.h). */
int aside_drop_expired(PGconn *, time_t now, struct err *);

#endif
