/*
 * bundle_impl.h - what the files of bundle.c share: the texts in a bundle.
 */
#ifndef STORAGE_EXCHANGE_BUNDLE_IMPL_H
#define STORAGE_EXCHANGE_BUNDLE_IMPL_H

#include <stdbool.h>

#include "core/buf.h"
#include "core/mem.h"
#include "storage/format/label.h"
#include "storage/format/manifest.h"

/* Names of files in a bundle. */
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
/* psql's \copy is one line, so that a table with a line end in a name must be loaded by a COPY of
 * its own. */
bool bundle_is_odd(const struct manifest_table *);

/* Each appends to a buffer without a ceiling; nothing is appended when there is nothing to do, but
 * for rows. */
void bundle_sql_rows(const struct manifest *, struct buf *);
void bundle_sql_expected(const struct manifest *, struct buf *);
void bundle_sql_copy(const struct manifest_table *, struct buf *); /* COPY … FROM STDIN, odd ones */
void bundle_sql_large_objects(const struct manifest *, struct buf *);
void bundle_sql_sequences(const struct manifest *, struct buf *);
void bundle_sql_matviews(const struct manifest *, struct buf *);

/* RECOVERY.md, and the same commands as a script. */
void bundle_recovery(const struct label *, const struct manifest *, struct buf *page,
                     struct buf *script);

/* buf_printf() and buf_puts() into a buffer without a ceiling: they do not fail. */
void bundle_put(struct buf *, const char *);
void bundle_putf(struct buf *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
