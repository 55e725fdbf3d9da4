/*
 * aside.h - databases that a switch has set aside (exchange.h): how they are recognised, and their
 * earlier names.
 *
 * The first line of such a database's comment begins with "pgassay-restore: set aside" and is JSON
 * from there on; its earlier comment follows on the next line.  So the switch, and the way back,
 * are recorded in the server, wherever the tool ran.  An owner can write any comment: aside_list()
 * accepts it only for a database with the name which aside_name() gives, and the way back checks
 * the owner (restore/switch.c).
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
    char    *was;     /* its earlier name */
    char    *owner;   /* role */
    char    *backup;  /* id of the backup that replaced it; NULL: none */
    char    *comment; /* its earlier comment; NULL: none */
    bool     undone;  /* set aside by a way back */
    time_t   since;
    time_t   drop_after; /* may be dropped from then on; 0: never automatically */
    uint64_t size_bytes; /* of a listed one */
    bool     ours;       /* of a listed one: this role may drop it */
};

struct aside_list {
    struct aside *v; /* newest first */
    size_t        n, cap;
};

/* "shop_before_20261130_053412", or "shop_undone_..."; truncated to a valid name. */
char *aside_name(const char *was, bool undone, time_t since);
/* Now, or the next second whose name nobody has.  0 or -1 (ERR_PG). */
int aside_time(PGconn *, const char *was, bool undone, time_t *since, struct err *);
/* The comment with all this; allocated.  */
char *aside_comment(const struct aside *, struct err *);

/* was: only those that had this name; NULL: all.  0 or -1 (ERR_PG). */
int  aside_list_read(PGconn *, const char *was, struct aside_list *, struct err *);
void aside_list_free(struct aside_list *);
void aside_free(struct aside *); /* and its contents */

/* Adds the oids of those that had this name and are still of this owner: a comment is anybody's who
 * owns the database.  0 or -1 (ERR_PG). */
int  aside_oids(PGconn *, const char *was, const char *owner, uint32_t **v, size_t *n, size_t *cap,
                struct err *);
void aside_oids_add(uint32_t **v, size_t *n, size_t *cap, uint32_t oid);

/* Drops the one of this name; not while a session uses it.  ERR_NOT_FOUND: there is no database of
 * that name, or it is not set aside. */
int aside_drop(PGconn *, const char *name, struct err *);
/* What is to be done before one is dropped.  -1: it stays. */
typedef int aside_before_drop_fn(void *ctx, const struct aside *, struct err *);
/* Drops those that this role may drop and whose time is over, and logs it (log.h). */
int aside_drop_expired(PGconn *, time_t now, aside_before_drop_fn *, void *ctx, struct err *);

#endif
