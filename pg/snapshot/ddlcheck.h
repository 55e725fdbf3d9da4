/*
 * ddlcheck.h - whether definitions changed while pg_dump ran.
 *
 * ACCESS SHARE locks stop neither CREATE OR REPLACE FUNCTION nor CREATE INDEX nor most other DDL,
 * and pg_get_*() reads the current catalog, not the snapshot's; so pg_dump --snapshot can end with
 * 0 and an inconsistent definition.  The defining catalogs' (oid, xmin) in the snapshot must equal
 * the current ones.
 */
#ifndef PG_SNAPSHOT_DDLCHECK_H
#define PG_SNAPSHOT_DDLCHECK_H

#include "core/mem.h"
#include "pg/conn/conn.h"

/* snap: in its REPEATABLE READ transaction.  now: READ COMMITTED, no transaction open.  what gets
 * one entry for each changed catalog ("pg_proc: function f()"), and stays empty when nothing
 * changed. */
int ddl_moved(PGconn *snap, PGconn *now, struct strlist *what, struct err *);
/* The same by one session alone, around what takes a while: it looks into the exported snapshot of
 * that id in between, and at what is there now in the end.  ddl_look_away() instead of the end. */
struct ddl_look {
    PGconn *now;
    char   *xmin;
};
int  ddl_look_begin(struct ddl_look *, PGconn *now, const char *id, struct err *);
int  ddl_look_end(struct ddl_look *, struct strlist *what, struct err *);
void ddl_look_away(struct ddl_look *);

#endif
