/*
 * facts.h - filling in the manifest from snapshot and catalog: tables, sequences, views, objects
 * and sections.
 */
#ifndef BACKUP_FACTS_H
#define BACKUP_FACTS_H

#include "backup/select.h"
#include "pg/archive/archive.h"
#include "pg/conn/oidset.h"
#include "pg/rows/scan.h"
#include "storage/format/manifest.h"

/* The tables to read.  Column names and names are borrowed from the catalog. */
struct facts_tables {
    struct scan_table *v;
    size_t             n;
    const char       **names; /* one array that all column lists lie in */
};

/* Fills the manifest with what is known before pg_dump has ended, but for rows, and *work with the
 * tables to read. */
int  facts_make(struct snapshot *, struct selection *, struct manifest *, struct facts_tables *,
                struct err *);
void facts_tables_free(struct facts_tables *);

/* What the archive says, made by another thread, perhaps before facts_make() begins. */
struct facts_defined {
    struct manifest *m; /* objects, and chunks of texts, but nothing else */
    struct oid_set   sequences, matviews;
};
/* Of the catalog it uses only what catalog_list() fills in.  ERR_BUSY when archive and table list
 * disagree (something changed between the patterns and the snapshot): worth another try. */
int  facts_define(const struct snapshot *, struct selection *, const struct archive *,
                  struct facts_defined *, struct err *);
void facts_defined_free(struct facts_defined *);
/* Then: into a manifest that facts_make() has filled, and which has no chunks yet. */
int facts_join(const struct snapshot *, const struct selection *, struct facts_defined *,
               struct manifest *, struct err *);

#endif
