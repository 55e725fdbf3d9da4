/*
 * compare.h - a database, held in a snapshot, against the manifest of a backup.
 *
 * One comparison for a drill's copy and for a running database.  Each part adds findings and counts
 * what it actually compared; an error is returned only when the comparison itself cannot go on
 * (connection lost, interrupted).
 */
#ifndef VERIFY_COMPARE_COMPARE_H
#define VERIFY_COMPARE_COMPARE_H

#include "pg/rows/scan.h"
#include "pg/snapshot/snapshot.h"
#include "storage/format/label.h"
#include "storage/format/manifest.h"
#include "storage/repo/repo.h"
#include "verify/job/result.h"

struct reference_result;
struct public_schema;

struct compare {
    /* the baseline */
    struct repo        *repo;
    const struct label *label;
    struct manifest    *man;

    /* compared with it */
    struct snapshot               *snap;
    const struct snapshot_options *snap_opts;

    /* Where reference restores are made; NULL: on a scratch server, started when needed. */
    const struct pg_target  *trips;
    struct reference_result *reference; /* that of the manifest's archive, kept for the next
                                           comparison with the same backup there; NULL: not kept */
    bool (*reads)(const void *ctx, const struct cat_table *); /* NULL: every table's rows */
    const void *reads_ctx;

    const struct options *options;
    struct verify_result *result;
    bool                  contents; /* fingerprints; else count(*) */
    bool estimates; /* of big tables what the server's statistics say, and no definitions */
    struct tolerances *tolerances; /* how far rows may differ (tolerance.h); NULL: not at all */
    bool
        is_copy; /* a copy restored from this backup in isolation: one trip away from the archive */
    bool                        remote_allowed; /* the copy could reach foreign servers */
    const struct public_schema *public_schema;  /* as compare_run() has found it */
};

/* All parts below. */
int compare_run(struct compare *, struct err *);

/* tables.c: table list, kinds, owners, columns. */
void compare_tables(struct compare *);
/* rows.c: the rows of each table, by what is wanted of them. */
int compare_table_rows(struct compare *, struct err *);
/* lobs.c */
int compare_large_objects(struct compare *, struct err *);
/* facts.c: sequences, materialized views, extensions, database properties, what pg_dump omits. */
int compare_facts(struct compare *, struct err *);

/* Does the backup hold every definition, so that unknown ones are new?  Not when only some tables
 * or schemas, or only rows, were selected. */
bool holds_every_definition(const struct manifest *);
/* Extensions, and the database's own properties? */
bool holds_database(const struct manifest *);

/* Does it hold definitions at all?  Not a backup of --data-only. */
static inline bool
holds_definitions(const struct compare *c)
{
    return c->man->n_archive > 0 || c->label->baseline;
}

/* What is there and was not. */
static inline const char *
compare_new(const struct compare *c)
{
    return c->label->baseline ? "not in the baseline" : "not in the backup";
}

/* By its name, or NULL. */
const struct cat_column *table_column(const struct cat_table *, const char *name);

/* The catalog's table, if its rows can be compared with those of the manifest's: it exists, and has
 * the same columns, in any order.  NULL otherwise (compare_tables() has reported why). */
const struct cat_table *comparable(const struct compare *, const struct manifest_table *);

#endif
