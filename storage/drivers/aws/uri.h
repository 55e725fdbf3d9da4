/*
 * uri.h - percent-encoding as S3 requires it: everything but A-Z a-z 0-9 - . _ ~, in upper-case
 * hex, once.
 */
#ifndef STORAGE_DRIVERS_AWS_URI_H
#define STORAGE_DRIVERS_AWS_URI_H

#include <stdbool.h>

#include "core/mem.h"

/* keep_slash: for paths.  Allocated. */
char *s3_uri_encode(const char *text, bool keep_slash);
/* Decodes encoding-type=url: %XX, and "+" for a blank.  Allocated; NULL when it is
 * malformed or holds a NUL. */
char *s3_uri_decode(const char *text);

/* A query as it is signed and sent: "name=value" pairs, encoded, sorted.  Starts empty, grows by
 * pairs. */
void s3_query_add(struct strlist *, const char *name, const char *value);
/* Sorts; allocated. */
char *s3_query_text(struct strlist *);

#endif
