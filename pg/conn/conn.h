/*
 * conn.h - connections to PostgreSQL, always with the same session settings.
 *
 * Role and database settings can otherwise corrupt a backup or make it fail (see session.c), so
 * only pg_connect() calls PQconnectdb().  A connection belongs to one thread. Error text is the
 * server's primary message with SQLSTATE in err.sqlstate, and never holds a password. Statements
 * are interrupted (PQcancel) when cancel.h is raised; pg_tidy() alone goes on.
 */
#ifndef PG_CONN_CONN_H
#define PG_CONN_CONN_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/buf.h"
#include "core/err.h"

/* The server to connect to; each may be NULL.  libpq's own rules apply: PG* variables, service
 * files, ~/.pgpass.  conninfo (URI, key=value, or a bare database name) overrides the environment,
 * and the single fields override conninfo. */
struct pg_target {
    const char *conninfo;
    const char *host, *port, *user, *dbname;
    const char *password; /* NULL: the string's, or where libpq finds it */
    const char *role;     /* SET ROLE after connecting */
    int         version;  /* server_version_num if already known, else 0 */
};

enum pg_purpose {
    PG_READING,   /* backup, verify: the reading settings; client_encoding = the database's */
    PG_RESTORING, /* also check_function_bodies off, synchronous_commit off */
};

/* False when the string holds only a server's address, so that libpq uses the database named like
 * the user.  True for a service, which may name one, and for a string that cannot be parsed, which
 * pg_connect() reports. */
bool pg_names_database(const char *conninfo);

/* What a session is called in pg_stat_activity, unless the operator says so: "pgassay-backup RUN",
 * by which the server's log and ours are put side by side (runid.h).  Allocated. */
char *pg_application_name(const char *program);

/* Interrupted by cancel.h.  connect_timeout (conninfo, PGCONNECT_TIMEOUT; seconds, per host) is
 * obeyed.  A server that refuses says why in err.sqlstate. */
PGconn *pg_connect(const struct pg_target *, enum pg_purpose, const char *application,
                   struct err *);
void    pg_close(PGconn *);         /* accepts NULL */
int     pg_version(const PGconn *); /* server_version_num, 150020 */
/* The cluster_name of a throw-away server (pg/scratch), by which a tool that it is lent to knows
 * it. */
#define SCRATCH_CLUSTER_NAME "pgassay scratch"

/* Adds key='value' to a connection string. */
void pg_conninfo_add(struct buf *, const char *key, const char *value);
/* PQconninfo as key=value text without a password, for pg_dump and the like together with
 * pg_child_env(): allocated.  Host and port are those that answered; only values other than the
 * default, because the program's libpq may be older than this one. */
char *pg_child_conninfo(const PGconn *);
/* Environment for a child (NULL-terminated, allocated, free with pg_child_env_free): PGPASSWORD
 * when the connection used one, PGTZ where the connection string has no options. */
char **pg_child_env(const PGconn *);
void   pg_child_env_free(char **);

/* A command (or several, separated by semicolons) without a result.  -1 with ERR_PG (transient
 * on a lost connection, serialization failure, deadlock, a lock or a connection slot that was not
 * available). */
int pg_exec(PGconn *, struct err *, const char *sql);
int pg_execf(PGconn *, struct err *, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* A query whose first column is statements, and these, one by one. */
int pg_exec_each(PGconn *, struct err *, const char *query);
/* For clean-up after SIGINT: not interrupted, gives up after timeout_ms. */
int pg_tidy(PGconn *, int timeout_ms, struct err *, const char *sql);
/* A query with text parameters ($1 …, NULL for SQL null); the result is the caller's (PQclear). */
PGresult *pg_query(PGconn *, struct err *, const char *sql, int n_params,
                   const char *const *params);
/* The same without parameters, waited for no longer than this: for a server of which it is not
 * known whether it answers.  After ERR_PG "no answer ..." the connection can only be closed. */
PGresult *pg_query_within(PGconn *, int timeout_ms, struct err *, const char *sql);
/* One row, one column; allocated; NULL with ERR_NOT_FOUND for no row and for SQL null. */
char *pg_value(PGconn *, struct err *, const char *sql, int n_params, const char *const *params);
/* Fills *e from a failed result or connection (result NULL); returns -1. */
int pg_error(PGconn *, const PGresult *, struct err *);

/* Quoting, by PostgreSQL's rules for the connection's encoding; allocated. */
char *pg_ident(const char *);                             /* always in double quotes: "a ""b""" */
char *pg_qualified(const char *schema, const char *name); /* "s"."n" */
char *pg_literal(PGconn *, const char *); /* NULL when the bytes are invalid in the encoding */

enum { PG_NAME_BYTES = 63 }; /* the longest name that a server keeps whole */
/* name and suffix (shorter than that) as one name: name is cut, between two characters, to make
 * room.  Allocated. */
char *pg_name_with(const char *name, const char *suffix);

#endif
