/*
 * kept.h - a copy that is kept between drills (--kept FILE): which of its rows are those of which
 * range of a backup, so that the next drill loads only what has changed.
 *
 *     id     what a range is: its format, its rows, and the identity of all of its bytes: chunk and
 *            position, or the digest of a delta.  Two ranges of one id hold the same rows, and were
 *            read from the same chunks
 *     xid    the transaction that loaded it.  Each row of the copy names its transaction (xmin,
 * also when it was frozen), so the rows of a range can be found, and removed
 *
 * FILE has both for each range of each table, and digests of the definitions and of the large
 * objects, which are loaded all or not at all.  A backup of other definitions is refused, as no
 * table can be made again without what depends on it, and so is one with changes in rows that
 * cannot be told apart, and a copy on a server, with collations or extensions, that are not those
 * of now.  Rows that the same definitions might not accept again (CHECK (until > now()), or what
 * calls a function of the database's own) are loaded again.  That the copy is what FILE says is not
 * proven here: a drill compares all of it afterwards.
 */
#ifndef RESTORE_LOAD_KEPT_H
#define RESTORE_LOAD_KEPT_H

#include "restore/job/restore.h"

struct kept_range {
    char     id[33];
    uint64_t xid; /* 0: not loaded, or its rows cannot be told apart */
};

struct kept_table {
    struct kept_range *ranges; /* of this backup */
    size_t             n;
    size_t            *missing; /* of these: those to be loaded, which are the manifest's, then */
    char              *stale;   /* "1000,1001": transactions whose rows must go; NULL: none */
    bool               changed, none_stays;
    bool               fickle; /* its rows are loaded again, all and each time */
};

struct kept {
    char               definitions[65], large_objects[65];
    bool               lo_changed;
    char              *server;  /* its version, collations, and extensions that it would install */
    struct strlist     objects; /* "<name's digest> <definition's>", sorted */
    struct kept_table *tables;  /* as restore.tables */
    size_t             n_tables;
};

/* Once the plan is made. */
void kept_begin(struct restore *);
/* Is there a FILE? */
bool kept_is_there(const struct restore *);
/* Reads it, and leaves the manifest with the ranges that are missing; the copy is connected to.
 * ERR_EXISTS: the copy cannot be brought up to this backup, and why. */
int kept_match(struct restore *, struct err *);
/* These ranges of the manifest's table are there; xid: of their transaction, NULL: their rows
 * cannot be told apart.  Any thread. */
void kept_note(struct restore *, const struct table_job *, size_t first, size_t n, const char *xid);
/* How many tables had rows to be loaded. */
size_t kept_loaded(const struct restore *);
/* While the copy is connected to. */
int kept_note_server(struct restore *, struct err *);
/* Writes FILE anew. */
int  kept_write(struct restore *, struct err *);
void kept_free(struct restore *);

#endif
