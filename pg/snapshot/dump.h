/*
 * dump.h - PostgreSQL's own programs on the snapshot: the schema by pg_dump.
 */
#ifndef PG_SNAPSHOT_DUMP_H
#define PG_SNAPSHOT_DUMP_H

#include "pg/conn/tools.h"
#include "pg/snapshot/snapshot.h"

/* Arguments and environment that every child gets: connection, encoding, never a password
 * prompt. */
struct dump_child {
    char  *conninfo; /* without a password */
    char **env;
    char  *encoding; /* of the database: $PGCLIENTENCODING must not decide */
    char  *role;     /* that the connection has SET, "" for none */
};
int  dump_child_init(struct dump_child *, const char *program, PGconn *, struct err *);
void dump_child_free(struct dump_child *);

/* pg_dump --schema-only -Fc -Z0 --snapshot.  It never waits longer than lock_timeout_ms for a lock:
 * a session that waits for the coordinator's locks would block it for ever. */
struct schema_dump {
    struct pg_tool     tool;
    struct dump_child  child;
    const char        *snapshot; /* its id */
    int                lock_timeout_ms;
    const char *const *args;
    const atomic_bool *stop; /* as proc_spec.stop */
};
/* Asks the coordinator's session what there is to know; sets s->pg_dump_version, and may add a
 * warning.  On failure, too, there is something to free. */
int  schema_dump_prepare(const struct snapshot_options *, struct snapshot *, struct schema_dump *,
                         struct err *);
int  schema_dump_run(const struct schema_dump *, struct buf *archive, struct err *);
void schema_dump_free(struct schema_dump *);

/* The same into out, of a database that nobody else changes; args select a part of it (NULL at the
 * end). */
int schema_dump_now(PGconn *, const char *const *args, struct buf *out, struct err *);

/* A warning when pg_dump's minor release is older than the server's. */
void dump_minor_warning(int server_version, const struct pg_tool *, struct strlist *warnings);

#endif
