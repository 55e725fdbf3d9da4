/*
 * damage.h - damage that the server reports but skips.
 *
 * With zero_damaged_pages or ignore_checksum_failure on, a damaged page costs a WARNING of class XX
 * (XX001, data_corrupted), and the statement goes on: without the page's rows, or with the
 * remaining ones.  The warning comes only once: then the page is in the server's memory as if it
 * were intact. So for a reader of rows such a warning is an error, and reading again proves
 * nothing.
 */
#ifndef PG_CONN_DAMAGE_H
#define PG_CONN_DAMAGE_H

#include "pg/conn/conn.h"

struct pg_damage {
    PGconn          *conn;
    PQnoticeReceiver notice; /* the connection's own (without a context), restored at the end */
    struct err       first;  /* what was reported; ERR_NONE: nothing */
};

/* From now on until pg_damage_end().  The struct must not move. */
void pg_damage_watch(struct pg_damage *, PGconn *);
void pg_damage_end(struct pg_damage *);
/* -1 with ERR_PG if there was damage. */
int pg_damage_check(const struct pg_damage *, struct err *);

#endif
