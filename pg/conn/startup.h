/*
 * startup.h - settings that a connection requests before its first statement.
 *
 * Some settings cannot wait for a SET: a login event trigger (17 and later) fires before the first
 * statement, and may write rows or end the session; a role's statement_timeout of a few
 * milliseconds may end the SET that would lift it.  They go into the startup packet's `options`,
 * after those that the user gave (PGOPTIONS, connection string, service file).
 *
 * Not every server accepts them, and none says so beforehand: event_triggers is unknown before 17
 * and requires a right; poolers (PgBouncer) refuse `options` altogether.  So they are tried, fewer
 * after each refusal, and what a server accepted is remembered for the process's further
 * connections. Without them, what is possible is set by SET after connecting (session.c).
 */
#ifndef PG_CONN_STARTUP_H
#define PG_CONN_STARTUP_H

#include <libpq-fe.h>
#include <stdbool.h>

#include "core/err.h"

enum startup_level {
    STARTUP_NOTHING, /* only the user's: a pooler is in between */
    STARTUP_PLAIN,   /* those that every server accepts */
    STARTUP_QUIET,   /* also event_triggers=off */
};

/* The level to begin with.  server: any text that identifies it; version: server_version_num if
 * known, or 0. */
enum startup_level startup_first(const char *server, int version);
/* A connection failed with this text.  True: try again with *level, which is lower. */
bool startup_refused(const char *text, enum startup_level *level);
/* A connection succeeded. */
void startup_took(const char *server, int version, enum startup_level, bool refused);

/* The value of `options`: those given (may be NULL) and these.  Allocated; NULL: none. */
char *startup_options(const char *given, enum startup_level);
/* The level of a connection. */
enum startup_level startup_level_of(const PGconn *);

#endif
