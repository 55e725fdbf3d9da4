/*
 * object.h - what all JSON objects of a repository have in common.
 *
 * One line of JSON with "format" and "needs"; a second line may follow (the signature of a signed
 * repository) and is not examined here: "needs" names it if it must not be ignored. An object with
 * an unknown format or need is refused; unknown keys are ignored.
 */
#ifndef STORAGE_FORMAT_OBJECT_H
#define STORAGE_FORMAT_OBJECT_H

#include <time.h>

#include "core/buf.h"
#include "core/err.h"
#include "core/json.h"

enum { OBJECT_FORMAT = 1, OBJECT_BYTES_MAX = 1 << 20 };

/* What a manifest with deltas needs. */
#define OBJECT_NEED_DELTA "delta"

/* A new object with format, needs and type. */
json_t *object_new(const char *type);
/* Only programs that know encryption may use it. */
void object_need_encryption(json_t *);
/* Appends its line, newline included; it is parsed back and compared first. */
int object_format(const json_t *, struct buf *, struct err *);

/* The first line, checked for type, format and needs. */
json_t *object_parse(const void *, size_t, const char *type, struct err *);
/* Checks format, needs and type of JSON that was read by other means. */
int object_check(const json_t *, const char *type, struct err *);

/* "<time>-<random>", for the key of an object that several hosts may write at the same moment:
 * sorts by time, unique.  Allocated. */
char *object_stamp(time_t);

/* A text, which may be any bytes but NUL (json.h: json_bytes); allocated.  NULL and ERR_CORRUPT
 * when it is something else. */
char *object_text_of(const json_t *, struct err *);
/* The text at a key; NULL and ERR_CORRUPT also when it is missing. */
char *object_text(const json_t *, const char *key, struct err *);
/* The same for an optional one; missing: *out is NULL. */
int object_opt_text(const json_t *, const char *key, char **out, struct err *);
/* Adds it; NULL adds nothing. */
void object_set_text(json_t *, const char *key, const char *);

#endif
