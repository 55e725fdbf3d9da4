/*
 * rows_tell.h - what was wanted and found of a table, for the document, and which rows differ.
 */
#ifndef VERIFY_COMPARE_ROWS_TELL_H
#define VERIFY_COMPARE_ROWS_TELL_H

#include "core/json.h"
#include "verify/compare/rows.h"

/* Into the result's tables; borrowed. */
json_t *rows_tell(struct verify_result *, const struct row_check *, bool equal);
/* Reading it failed: a finding. */
void row_check_unread(struct compare *, struct row_check *, const struct err *why);
/* Were its rows read, and does the backup have them? */
bool rows_explainable(const struct row_check *);
/* The rows that differ, into that entry and as notes.  -1: interrupted. */
int rows_explain(struct compare *, const struct row_check *, json_t *entry, struct err *);

#endif
