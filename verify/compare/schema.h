/*
 * schema.h - every schema object: definition, owner, privileges, comment, against the manifest.
 *
 * First each object's definition as dumped today is compared with the digest of the source's: equal
 * text is equal. Only objects with different text are taken through a restore (reference.h) and
 * compared after that.
 */
#ifndef VERIFY_COMPARE_SCHEMA_H
#define VERIFY_COMPARE_SCHEMA_H

#include "verify/compare/compare.h"

/* May run in a thread concurrently with the comparison of contents: it uses no connection of the
 * snapshot. */
int compare_schema(struct compare *, struct err *);

#endif
