/*
 * live_tables.h - tables of the backup and those of the same names in an existing database.
 *
 * Rows of partitions belong to the outermost selected partitioned table: the live table chooses the
 * partition.  Columns are matched by name.  Those that either side computes (GENERATED … STORED)
 * are never written.
 */
#ifndef RESTORE_PART_LIVE_TABLES_H
#define RESTORE_PART_LIVE_TABLES_H

#include "core/buf.h"
#include "restore/job/restore.h"

struct live_column {
    const char *name;      /* borrowed from the manifest, as the type is */
    const char *type;      /* in the backup */
    char       *live_type; /* NULL: the live table no longer has it */
    char       *collate;   /* " COLLATE …", where the live one is not its type's; as live_type */
    bool        written;   /* the live table has it, and does not compute it */
    bool        always;    /* GENERATED ALWAYS AS IDENTITY: cannot be updated */
    bool        key;       /* of the primary key */
};

struct live_table {
    const struct manifest_table  *table;
    const struct manifest_table **leaves; /* that hold its rows */
    size_t                        n_leaves, cap_leaves;
    uint64_t                      rows;
    char                         *qualified; /* quoted */
    const char                   *only;      /* "ONLY ", or "" of a partitioned table */
    uint32_t                      oid;       /* of the live table */
    struct live_column           *columns;   /* without those that the backup computes */
    size_t                        n_columns;
    bool                          has_key;    /* a primary key, completely in the backup */
    bool                          same_types; /* every column exists, with its earlier type */
};

struct live_tables {
    struct live_table *v; /* referenced tables come first */
    size_t             n;
};

/* ERR_NOT_FOUND: the database has no such table.  To be freed in any case. */
int  live_tables_find(struct restore *, PGconn *, struct live_tables *, struct err *);
void live_tables_free(struct live_tables *);

/* The written columns, each quoted and after prefix, with commas between them: allocated. */
char *live_columns(const struct live_table *, const char *prefix);

/* COPY of all its rows into that table of the session, by the backup's columns; every row must
 * arrive.  Of some of its leaves, and of all. */
struct live_name {
    const char *schema, *name;
};
int live_copy_leaves(struct restore *, PGconn *, const struct manifest_table *const *leaves,
                     size_t n, struct live_name into, struct err *);
int live_copy(struct restore *, PGconn *, const struct live_table *, struct live_name into,
              struct err *);
/* Makes a temporary table with the backup's types, and the live collations: what is one key in the
 * live table is one in it.  only_key: without other columns. */
int live_stage_make(PGconn *, const struct live_table *, const char *name, bool only_key,
                    struct err *);
/* ... and fills it. */
int live_stage(struct restore *, PGconn *, const struct live_table *, const char *name,
               struct err *);

#endif
