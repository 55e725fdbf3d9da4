/*
 * facts.h - filling in the manifest from snapshot and catalog: tables, sequences, views, objects
 * and sections.
 */
#ifndef BACKUP_FACTS_H
#define BACKUP_FACTS_H

#include "backup/select.h"
#include "pg/archive/archive.h"
#include "pg/rows/scan.h"
#include "storage/format/manifest.h"

/* The tables to read.  Column names and names are borrowed from the catalog. */
struct facts_tables {
    struct scan_table *v;
    size_t             n;
    const char       **names; /* one array that all column lists lie in */
};

/* Fills the manifest with everything but rows, and *work with the tables to read.  ERR_BUSY when
 * archive and table list disagree (something changed between the patterns and the snapshot): worth
 * another try. */
int  facts_make(struct snapshot *, struct selection *, const struct archive *, struct manifest *,
                struct facts_tables *, struct err *);
void facts_tables_free(struct facts_tables *);

#endif
