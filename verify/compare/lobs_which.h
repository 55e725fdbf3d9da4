/*
 * lobs_which.h - which large objects differ, when the sums over all of them differ.
 *
 * The recorded rows are read from the backup and compared with the database's, object by object.
 */
#ifndef VERIFY_COMPARE_LOBS_WHICH_H
#define VERIFY_COMPARE_LOBS_WHICH_H

#include "verify/compare/rows.h"

/* A finding for each object that is missing, new, or has another owner, privileges, comment or
 * label.  *named: how many. */
int lobs_which_metadata(struct compare *, const struct scan_table *, size_t *named, struct err *);
/* ... whose pages differ.  Nothing (0 named) if there is too much to read again. */
int lobs_which_pages(struct compare *, const struct scan_table *, size_t *named, struct err *);

#endif
