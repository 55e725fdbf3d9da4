/*
 * bundle_impl.h - what the files of bundle.c share: the texts in a bundle.
 */
#ifndef STORAGE_EXCHANGE_BUNDLE_IMPL_H
#define STORAGE_EXCHANGE_BUNDLE_IMPL_H

#include <stdbool.h>

#include "core/buf.h"
#include "core/mem.h"
#include "storage/exchange/bundle_names.h"
#include "storage/format/label.h"
#include "storage/format/manifest.h"

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
