/*
 * likeness.h - what must be alike at two snapshots of a server, so that the same bytes in the same
 * blocks are the same rows: for walsum.c and rowver.c, which find out which bytes are.
 *
 * All is asked in the snapshot's transaction, between likeness_protect() and likeness_unprotect().
 */
#ifndef PG_SNAPSHOT_LIKENESS_H
#define PG_SNAPSHOT_LIKENESS_H

#include <stdint.h>

#include "core/crypto/hash.h"
#include "pg/conn/conn.h"

/* Text, as a column of a query on no table; not during recovery: the system, the timeline, the
 * moment of the postmaster's start (whatever is done to a stopped server is not seen) and the
 * database, by its row's xmin, too: another one may have been made under its oid, of a template
 * that has the same files; and the enums, whose labels are rows' contents, but stand elsewhere. */
#define LIKENESS_SERVER                                                                            \
    "(SELECT pg_catalog.concat_ws(' ', (SELECT system_identifier FROM "                            \
    "pg_catalog.pg_control_system()), pg_catalog.left(pg_catalog.pg_walfile_name("                 \
    "pg_catalog.pg_current_wal_insert_lsn()), 8), pg_catalog.date_part('epoch', "                  \
    "pg_catalog.pg_postmaster_start_time()), d.oid, d.xmin, d.dattablespace, d.encoding, (SELECT " \
    "pg_catalog.string_agg(e.oid || ' ' || e.xmin, ' ' ORDER BY e.oid) FROM pg_catalog.pg_enum "   \
    "e)) FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())"

/* A digest of that text. */
void likeness_digest(const char *text, uint8_t server[SHA256_BYTES]);

/* Tables whose rows are nothing but what lies in their blocks: logged heaps without stored
 * generated columns whose text is not fixed.  facts: text that changes when a table's blocks are
 * others, or mean something else. */
struct likeness_table {
    uint32_t    oid, space, node; /* tablespace and file as WAL names them */
    const char *facts;            /* valid within the call */
};
typedef void likeness_table_fn(void *ctx, const struct likeness_table *);
/* Of all tables, or of these (oids as an array's text). */
int likeness_tables(PGconn *, const char *oids, likeness_table_fn *, void *ctx, struct err *why);

/* An error must not end the transaction: a savepoint, and back to it if rc is not 0.  unprotect
 * returns 0, or -1 with the error that there was. */
int likeness_protect(PGconn *, struct err *why);
int likeness_unprotect(PGconn *, int rc, struct err *why);

#endif
