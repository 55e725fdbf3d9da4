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

#endif
