/*
 * object.h - what all JSON objects of a repository have in common.
 *
 * One line of JSON with "format" and "needs"; a second line may follow (the signature of a signed
 * repository) and is not looked at here: whoever must not ignore it is told so through "needs".
 * A format or a need that this program does not know refuses the object; an unknown key does not.
 */
#ifndef STORAGE_FORMAT_OBJECT_H
#define STORAGE_FORMAT_OBJECT_H

#include <jansson.h>
#include <time.h>

#include "core/buf.h"
#include "core/err.h"

enum { OBJECT_FORMAT = 1, OBJECT_BYTES_MAX = 1 << 20 };

/* A new object with format, needs and type. */
json_t *object_new(const char *type);
/* Nobody who does not know encryption may use it. */
void object_need_encryption(json_t *);
/* Its line, newline included, appended; parsed back and compared before anybody stores it. */
int object_format(const json_t *, struct buf *, struct err *);

/* The first line, checked for type, format and needs. */
json_t *object_parse(const void *, size_t, const char *type, struct err *);
/* format, needs and type of JSON that was read by other means. */
int object_check(const json_t *, const char *type, struct err *);

/* "<time>-<random>", for the key of an object that several hosts may write at the same moment:
 * sorts by time, and nobody else has it.  Allocated. */
char *object_stamp(time_t);

/* A text, which may be any bytes but NUL (json.h: json_bytes); allocated.  NULL and ERR_CORRUPT
 * when it is something else. */
char *object_text_of(const json_t *, struct err *);
/* The text at a key; NULL and ERR_CORRUPT, too, when it is missing. */
char *object_text(const json_t *, const char *key, struct err *);
/* The same for one that may be missing: *out NULL then. */
int object_opt_text(const json_t *, const char *key, char **out, struct err *);
/* Adds it; NULL adds nothing. */
void object_set_text(json_t *, const char *key, const char *);

#endif
