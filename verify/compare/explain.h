/*
 * explain.h - which rows of a table differ from the backup's: missing, extra, changed.
 *
 * In three steps, each of which leaves less to look at:
 *
 *   1. By ranges.  The backup has a fingerprint for each block range.  The table is read once, and
 *      summed by the same ranges; where a range is equal, so are its rows, and neither side is
 * looked at again.  In a running database that is nearly all of it.  (The rows of a restored copy
 * lie in other blocks: if it had several ranges, they all remain.)
 *   2. By buckets.  What remains is read on both sides, and each row is added to the sum of one of
 *      65,536 buckets, by a hash of its key.  Equal rows fall into the same bucket, and so do the
 * two versions of a changed row.
 *   3. Rows.  Of what remains only the rows of buckets that differ are kept, as many as fit into
 *      memory; equal ones are taken off both sides (row_set.h), the others matched by key.
 *
 * Memory: 5 MiB of sums, 64 MiB of rows on each side and 48 bytes for each of these rows, however
 * large the table is and however much of it differs; if not all buckets fit, the numbers are of
 * those that did.
 */
#ifndef VERIFY_COMPARE_EXPLAIN_H
#define VERIFY_COMPARE_EXPLAIN_H

#include "core/json.h"
#include "verify/compare/rows.h"

/* {"key": [columns], "missing": n, "extra": n, "changed": n, "complete": all of them were looked
 * at, "first": {"missing": [texts], "extra": […], "changed": […]}}; the first of each are at most
 * show. NULL: the error says why not. */
json_t *explain_rows(const struct compare *, const struct row_check *, size_t show, struct err *);

/* Notes for people, from that. */
void explain_notes(struct findings *, const char *object, const json_t *);

#endif
