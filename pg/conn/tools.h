/*
 * tools.h - PostgreSQL's own programs: pg_dump, pg_restore, pg_dumpall, initdb, postgres.
 *
 * Places searched: $PGASSAY_PG_BINDIR (or --pg-bindir) alone when set; else
 * /usr/lib/postgresql/<N>/bin for every N, and only then, or for the newest of all, `pg_config
 * --bindir` and PATH.  pg_dump must be at least as new as the server (major); the nearest such
 * version is used (17+ writes settings that older servers refuse).  A minor release older than the
 * server's is a warning: 15.20 keeps an entry in attoptions that only its own pg_dump leaves out.
 */
#ifndef PG_CONN_TOOLS_H
#define PG_CONN_TOOLS_H

#include <stdbool.h>

#include "core/err.h"
#include "core/mem.h"

void pg_tools_bindir(const char *); /* --pg-bindir; NULL: search */

struct pg_tool {
    char *path;
    int   version_num; /* 150020 */
    char *version;     /* "15.20 (Debian …)" */
};
/* name: "pg_dump" …; at_least: a server_version_num, of the oldest usable major (0: the newest
 * installed).  ERR_NOT_FOUND names the versions found and the package to install. */
int  pg_tool_find(const char *name, int at_least, struct pg_tool *, struct err *);
void pg_tool_free(struct pg_tool *);

#endif
