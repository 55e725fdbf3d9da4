/*
 * largeobject.h - large objects as two tables of rows, read the same way by backup and verify.
 *
 * Pages: loid oid, pageno int4, data bytea; binary.  A superuser reads pg_largeobject itself (block
 * ranges as in any heap, holes stay holes); others call lo_get() page by page, which fills holes
 * with zeroes. Metadata: oid, owner, acl, comment, labels; text.  acl is a sorted aclitem[], NULL
 * for the default of a new object of that owner; labels is a text[] of provider, label, provider,
 * label … or NULL.
 */
#ifndef PG_ROWS_LARGEOBJECT_H
#define PG_ROWS_LARGEOBJECT_H

#include "pg/rows/scan.h"

/* The scan of all pages: heap_blocks and bytes are read on conn when by_function is false. */
int  lo_pages_table(PGconn *, bool by_function, struct scan_table *, struct err *);
void lo_metadata_table(struct scan_table *);

#endif
