/*
 * bundle_names.h - what the files of a bundle are called, and the SQL that brings large objects
 * back: for the one who writes a bundle and for the one who reads it.
 */
#ifndef STORAGE_EXCHANGE_BUNDLE_NAMES_H
#define STORAGE_EXCHANGE_BUNDLE_NAMES_H

#include <stdbool.h>

#include "storage/format/manifest.h"

/* Below the bundle's directory. */
#define BUNDLE_MANIFEST  "manifest.json"
#define BUNDLE_GLOBALS   "globals.sql"
#define BUNDLE_SCHEMA    "schema.dump"
#define BUNDLE_ROWS      "rows.sql"
#define BUNDLE_EXPECTED  "rows.expected"
#define BUNDLE_LO        "large_objects.sql"
#define BUNDLE_LO_ROWS   "large_objects/metadata"
#define BUNDLE_LO_PAGES  "large_objects/pages"
#define BUNDLE_SEQUENCES "sequences.sql"
#define BUNDLE_MATVIEWS  "matviews.sql"
#define BUNDLE_SUMS      "SHA256SUMS"

/* ".copybin" or ".copy". */
const char *bundle_rows_ending(const struct manifest_table *);
/* "rows/SCHEMA/TABLE", without the ending; each name as in keys (core/enc.h).  Allocated. */
char *bundle_rows_stem(const struct manifest_table *);
/* Its rows are in the bundle. */
bool bundle_has_rows(const struct manifest_table *);

/* Large objects: their rows go into two tables, then they are made of them.  A query of
 * bundle_lo_each gives statements, to be run one by one. */
#define BUNDLE_LO_TABLE      "pg_temp.lo"
#define BUNDLE_LO_PAGE_TABLE "pg_temp.lo_page"
extern const char bundle_lo_create[]; /* the tables */
extern const char bundle_lo_fill[];
enum bundle_lo_about { BUNDLE_LO_OWNER, BUNDLE_LO_PRIVILEGES, BUNDLE_LO_REMARKS };
struct bundle_lo_query {
    enum bundle_lo_about about;
    const char          *sql;
};
extern const struct bundle_lo_query bundle_lo_each[]; /* sql NULL at the end */

#endif
