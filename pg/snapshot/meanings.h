/*
 * meanings.h - whether what rows are read by has changed while they were read.
 *
 * COPY looks up schemas' names, the labels of enums and the attributes of composite types as they
 * are now, not as they were for the snapshot; and a lock on a table stops nobody from ALTER SCHEMA
 * ... RENAME, after which its name may be another table's, nor from ALTER TYPE ... RENAME VALUE or
 * ADD ATTRIBUTE.
 */
#ifndef PG_SNAPSHOT_MEANINGS_H
#define PG_SNAPSHOT_MEANINGS_H

#include "core/mem.h"
#include "pg/conn/conn.h"

/* snap: in its REPEATABLE READ transaction.  now: READ COMMITTED, no transaction open.  what gets
 * one entry for each schema or type that is there for the snapshot and is another now ("schema
 * shop", "type public.mood"); what is new, or is gone, or has other rights, is none. */
int meanings_moved(PGconn *snap, PGconn *now, struct strlist *what, struct err *);

#endif
