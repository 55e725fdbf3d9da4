/*
 * catalog.h - the contents of a database, read in the caller's transaction (a snapshot).
 *
 * Strings are in the database's encoding; everything belongs to the catalog and lives until
 * catalog_free().
 */
#ifndef PG_SNAPSHOT_CATALOG_H
#define PG_SNAPSHOT_CATALOG_H

#include <stdbool.h>
#include <stdint.h>

#include "core/json.h"
#include "pg/conn/conn.h"

struct cat_column {
    char *name;
    char *type;              /* format_type(atttypid, atttypmod) */
    bool  generated;         /* stored generated */
    bool  virtual_generated; /* 18+: virtual: in no COPY, never fingerprinted */
    bool  not_null;
    bool  binary_ok; /* its type is on the allow-list of docs/postgresql.md */
};

struct cat_table {
    uint32_t oid, relfilenode;
    char    *schema, *name, *owner;
    char     kind; /* pg_class.relkind: 'r', 'p', 'f' */
    char     persistence;
    char    *access_method; /* "heap", or NULL */
    char    *load_via; /* quoted name of the ancestor that rows must go through (hash over enum), or
                          NULL */
    char *condition, *extension; /* of extension configuration tables */
    bool extension_member; /* belongs to an extension: definition not dumped; data only when it is a
                              configuration table */
    bool foreign_code;     /* its indexes or statistics call functions that belong neither to a
                              superuser nor to the reader: a query of it must not be planned */
    uint64_t           heap_blocks; /* pg_relation_size / block size */
    uint64_t           table_bytes; /* heap and TOAST */
    struct cat_column *columns;
    size_t             n_columns;
    bool all_binary; /* every copied column may travel in binary (so the format is binary unless the
                        user said text) */
};

struct cat_sequence {
    uint32_t oid;
    char    *schema, *name;
};
struct cat_matview {
    uint32_t oid;
    char    *schema, *name;
    bool     populated, remote;
};

struct catalog {
    struct cat_table *tables;
    size_t n_tables, cap_tables; /* sorted by schema, name (bytes); never temporary, system or
                                    information_schema ones */
    struct cat_sequence *sequences;
    size_t               n_sequences, cap_sequences;
    struct cat_matview  *matviews;
    size_t   n_matviews, cap_matviews; /* any order; the archive gives the dependency order */
    uint64_t lo_count;
    bool     superuser;
    bool     in_recovery;
    char    *encoding;
};

/* Tables without columns and sizes, and facts of the database: as much as is needed to lock them,
 * at a tenth of the whole's cost. */
int catalog_list(PGconn *, struct catalog *, struct err *);
/* The rest of a catalog that has been listed in the same snapshot.  On failure it is still to be
 * freed. */
enum catalog_sizes { CATALOG_WITHOUT_SIZES, CATALOG_SIZES, CATALOG_ROUGH_SIZES };
int catalog_complete(PGconn *, enum catalog_sizes, struct catalog *, struct err *);
/* Both.  Whether heap_blocks and table_bytes are read, too (they wait for locks held by an ALTER
 * TABLE: coordinator only).  Rough: of a small table as they were when it was last analysed,
 * without TOAST, if the server knows of no row that was written since. */
int               catalog_read(PGconn *, enum catalog_sizes, struct catalog *, struct err *);
void              catalog_free(struct catalog *);
struct cat_table *catalog_find(const struct catalog *, const char *schema, const char *name);

/* last_value and is_called of every sequence (not MVCC: read them after the snapshot was taken),
 * in the catalog's order.  The transaction, when there is one, stays usable on an error. */
struct sequence_state {
    char   *schema, *name;
    int64_t last_value;
    bool    is_called;
};
int  sequences_read(PGconn *, const struct catalog *, struct sequence_state **, size_t *n,
                    struct err *);
void sequences_free(struct sequence_state *, size_t n);

#endif
