/*
 * checks.h - the checks of the preflight, by subject.
 *
 * Each looks at one thing, on the maintenance connection (or, the local ones, without a server),
 * and adds what it finds to restore.preflight.  0: it was looked at; -1: the question itself
 * failed, *e says how, which ends the restore, but none of the other checks.
 *
 * Not looked at, since nothing of a restore depends on it:
 *   - event triggers of a template database: ours is made of template0, in which nobody can make
 * any.
 *   - the connection limit of the new database: it has none before it is complete.
 */
#ifndef RESTORE_PREFLIGHT_CHECKS_H
#define RESTORE_PREFLIGHT_CHECKS_H

#include "restore/job/restore.h"

typedef int preflight_check(struct restore *, struct err *);

/* Without a server. */
preflight_check check_contents, check_chunks, check_scratch_space;

preflight_check check_version, check_rights;               /* server.c */
preflight_check check_connections, check_locks, check_wal; /* capacity.c */
preflight_check check_syntax;
preflight_check check_extensions;
preflight_check check_roles;
preflight_check check_tablespaces; /* also decides on restore.tablespace */
preflight_check check_collation;   /* locale.c */
preflight_check check_settings;    /* after the name: with --swap they are the running database's */
preflight_check check_space;       /* after the tablespaces */

/* space.c: what tables and indexes take; those of a whole database as much as at the source. */
uint64_t preflight_disk_bytes(const struct restore *);

/* The first column of a query on the maintenance connection, added to a list. */
int preflight_column(struct restore *, const char *sql, struct strlist *, struct err *);
/* A warning: objects would be left out.  With --swap it stops, as nothing that lacks something
 * takes a running database's place.  Takes the texts; the kind is set here. */
void preflight_costs(struct restore *, struct preflight_finding);

#endif
