/*
 * script.h - one pass over a dump, piece by piece as psql would read it.
 *
 * A plain dump is unpacked and read; of an archive pg_restore prints the script, under the watchdog
 * of proc.h, and never sees a server.  So all formats go the same way, and neither psql nor
 * pg_restore runs anything.
 */
#ifndef RESTORE_FILE_SCRIPT_H
#define RESTORE_FILE_SCRIPT_H

#include "core/buf.h"
#include "pg/archive/sqlstream.h"
#include "restore/file/spool.h"

struct script {
    const struct found *found;
    const struct spool *spool;      /* of an archive */
    const char         *pg_restore; /* likewise: the program */
    const char         *section;    /* likewise: "pre-data", "post-data"; NULL: all of it */
    bool                no_owner, no_privileges, no_tablespaces;
};

/* Called for each piece; the stream is for sql_stream_set_backslash().  -1 ends the pass. */
typedef int script_fn(void *ctx, struct sql_stream *, const struct sql_piece *, struct err *);

int script_read(const struct script *, script_fn *, void *ctx, struct err *);

/* What `pg_restore --list` prints of the archive. */
int script_list(const struct script *, struct buf *out, struct err *);

#endif
