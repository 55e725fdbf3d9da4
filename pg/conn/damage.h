/*
 * damage.h - damage that the server reports and passes over.
 *
 * With zero_damaged_pages or ignore_checksum_failure on, a damaged page costs a WARNING of class XX
 * (XX001, data_corrupted), and the statement goes on: without the page's rows, or with what is left
 * of them.  It says so once: after that the page lies in the server's memory as if it were whole.
 * So such a warning is an error of whoever reads rows, and reading again proves nothing.
 */
#ifndef PG_CONN_DAMAGE_H
#define PG_CONN_DAMAGE_H

#include "pg/conn/conn.h"

struct pg_damage {
    PGconn          *conn;
    PQnoticeReceiver notice; /* the connection's own (without a context), put back in the end */
    struct err       first;  /* what was reported; ERR_NONE: nothing */
};

/* From now on until pg_damage_end().  The struct must not move. */
void pg_damage_watch(struct pg_damage *, PGconn *);
void pg_damage_end(struct pg_damage *);
/* -1 with ERR_PG when there was any. */
int pg_damage_check(const struct pg_damage *, struct err *);

#endif
