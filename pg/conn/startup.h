/*
 * startup.h - settings that a connection asks for before its first statement.
 *
 * Some settings cannot wait for a SET: a login event trigger (17 and later) fires before the first
 * statement, and may write rows or end the session; a role's statement_timeout of a few
 * milliseconds may end the SET that would lift it.  They go into the startup packet's `options`,
 * after those that the user gave (PGOPTIONS, connection string, service file).
 *
 * Not every server takes them, and none says so beforehand: event_triggers is unknown before 17
 * and wants a right; poolers (PgBouncer) refuse `options` altogether.  So they are tried, fewer at
 * each refusal, and what a server took is remembered for the process's further connections.
 * Without them, what is possible is set by SET after connecting (session.c).
 */
#ifndef PG_CONN_STARTUP_H
#define PG_CONN_STARTUP_H

#include <libpq-fe.h>
#include <stdbool.h>

#include "core/err.h"

enum startup_level {
    STARTUP_NOTHING, /* only what the user gave: a pooler is between us and the server */
    STARTUP_PLAIN,   /* what every server takes */
    STARTUP_QUIET,   /* also event_triggers=off */
};

/* What to begin with.  server: whom it concerns, any text that tells servers apart; version:
 * server_version_num where it is known, or 0. */
enum startup_level startup_first(const char *server, int version);
/* A connection failed with this text.  True: try again with *level, which is lower. */
bool startup_refused(const char *text, enum startup_level *level);
/* A connection succeeded. */
void startup_took(const char *server, int version, enum startup_level, bool refused);

/* The value of `options`: those given (may be NULL) and ours.  Allocated; NULL: none at all. */
char *startup_options(const char *given, enum startup_level);
/* Which level does a connection have? */
enum startup_level startup_level_of(const PGconn *);

#endif
