/*
 * replacing.h - the intention to replace a database, written down on the server.
 *
 * A replace drops a database and restores a backup under its name.  From before the drop until the
 * name is given, all that is needed to go on, or back, stands in the comment of the working
 * database (halfmade.h): it begins with "pgassay-restore: replacing" and is JSON from there on.  So
 * it survives the tool, its host and a crash of the server, and is visible from anywhere.  Such a
 * database is removed by no other restore.
 *
 * How far it came is not written but seen: the database to be replaced, by its oid, still has its
 * name, or was set aside to be dropped (aside.h), or is gone.
 *
 * Anybody who may create databases can write such a comment: only those in databases of this role,
 * or of a superuser, are believed.  The working database changes its owner in the transaction that
 * gives it the name.
 */
#ifndef PG_TARGET_REPLACING_H
#define PG_TARGET_REPLACING_H

#include <stdbool.h>
#include <time.h>

#include "core/json.h"
#include "core/mem.h"
#include "pg/conn/conn.h"

/* All text is allocated. */
struct replacing {
    char    *working;               /* of a listed one: the database with the comment */
    char    *of;                    /* the name */
    uint32_t oid;                   /* of the database that had it */
    char    *aside;                 /* the name under which that is dropped */
    char    *db, *backup;           /* what is restored: name in the repository, id */
    char    *safety_db, *safety_id; /* the backup that was taken before; NULL: none, or not yet */
    bool     without_safety;        /* none was wanted */
    json_t  *live;                  /* properties of what is replaced: inventory_database_named() */
    bool     dropping;              /* what is set aside may have been dropped in part */
    char   *stage, *way; /* how far the restore came, and how it is made (replace_resume.c); NULL */
    bool    whole;       /* all is restored and compared, only the name is missing */
    time_t  since;
    long    pid;
    char   *host;    /* of the tool */
    char   *machine; /* ... as procid.h tells machines apart; NULL: not known */
    int64_t started; /* ... and its processes */
    int     session; /* the server process that it had; 0: not known */
    enum replacing_tool {
        REPLACING_TOOL_UNKNOWN, /* on another machine, or in another container */
        REPLACING_TOOL_RUNS,
        REPLACING_TOOL_ENDED /* certainly */
    } tool;                  /* of a listed one: the one that wrote this */
    bool  busy;              /* ... a session is at work on it, whose client may be gone */
    int   busy_session;      /* ... which server process; 0: not known */
    char *doing;             /* ... in words (halfmade_holder()), or NULL */
    char *there;   /* ... the name that the database with the oid has now; NULL: it is gone */
    bool  is_ours; /* ... it can be believed */
};

struct replacing_list {
    struct replacing *v; /* newest first */
    size_t            n, cap;
};

/* Writes it into the working database's comment; sets since, pid and host. */
int replacing_mark(PGconn *, const char *working, struct replacing *, struct err *);

/* of: only those that replace this name; NULL: all.  0 or -1 (ERR_PG). */
int  replacing_list_read(PGconn *, const char *of, struct replacing_list *, struct err *);
void replacing_list_free(struct replacing_list *);
void replacing_free(struct replacing *); /* its contents */

#endif
