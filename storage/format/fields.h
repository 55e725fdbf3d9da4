/*
 * fields.h - structs that are JSON: one row for each key, for both directions.
 *
 * A struct has a table of rows (struct field): the key, what kind of value it has, and where the
 * member lies.  Writing, reading, copying and freeing go over the rows, so that a new key is a
 * member and a row.  Labels (label.c) and manifests (manifest_fields.c) are described this way;
 * a list too long for one JSON tree is read and written element by element, by the same tables.
 *
 *     static const struct field rows[] = {
 *         FIELD(FIELD_TEXT, "name", struct manifest_column, name),
 *         FIELD(FIELD_FLAG, "not_null", struct manifest_column, not_null),
 *     };
 *     static const struct fields column = FIELDS(struct manifest_column, rows);
 *
 * Unknown keys are ignored.  ERR_CORRUPT names the key that is missing or has another kind
 * of value.
 */
#ifndef STORAGE_FORMAT_FIELDS_H
#define STORAGE_FORMAT_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "core/json.h"

/* The member, and what stands in JSON.  A key must be there unless said otherwise. */
enum field_kind {
    FIELD_TEXT,      /* char *: a text (json_text()) without NUL */
    FIELD_OPT_TEXT,  /* the same; NULL: the key is missing */
    FIELD_ID,        /* char[BACKUP_ID_MAX]: the id of a backup */
    FIELD_CHUNK,     /* struct chunk_name */
    FIELD_DIGITS,    /* char[2n + 1]: exactly 2n lower-case hex digits */
    FIELD_HEX64,     /* uint64_t, or several: 16 hex digits each */
    FIELD_OPT_HEX,   /* uint8_t[n]: 2n hex digits; unless the bool at .has: the key is missing */
    FIELD_LETTER,    /* char: a string of one letter; '\0' is written as .letter */
    FIELD_WORD,      /* an enum: the string .words[value] */
    FIELD_TIME,      /* time_t: UTC, to the second, like 2026-11-21T02:15:00Z */
    FIELD_COUNT,     /* uint64_t below 2^53: a number */
    FIELD_OPT_COUNT, /* the same; 0: the key is missing */
    FIELD_COUNT32,   /* uint32_t: a number */
    FIELD_INT,       /* int, not negative: a number */
    FIELD_INT64,     /* int64_t: a decimal string, since numbers are exact below 2^53 only */
    FIELD_SECONDS,   /* double: a number */
    FIELD_BOOL,      /* bool */
    FIELD_FLAG,      /* bool; false: the key is missing */
    FIELD_JSON,      /* json_t *, owned: any value; NULL: the key is missing */
    FIELD_TEXTS,     /* struct strlist: an array of texts */
    FIELD_OBJECT,    /* a struct: as .of says */
    FIELD_LIST,      /* a growing array of structs, counted at .n, with room for .cap: an array */
};

struct fields;

struct field {
    const char     *key;
    enum field_kind kind;
    bool            optional; /* list: the key is missing when it is empty */
    bool   lines; /* texts, list: each element is read by itself, and written on its own line */
    char   letter;
    size_t offset, size;        /* of the member */
    const char *const   *words; /* NULL at the end */
    size_t               has;   /* offset */
    const struct fields *of;
    size_t               n, cap; /* offsets of size_t */
};

/* All rows of one struct: an object, or, where the keys go without saying, an array. */
struct fields {
    const struct field *v;
    size_t              n;
    size_t              size; /* of the struct */
    bool                array;
};

#define FIELD(kind_, key_, type, member, ...)                                                      \
    {                                                                                              \
        .key = (key_), .kind = (kind_), .offset = offsetof(type, member),                          \
        .size = sizeof((type *)NULL)->member, __VA_ARGS__                                          \
    }
/* A list: members x, n_x and cap_x. */
#define FIELD_LIST_OF(key_, type, member, fields, ...)                                             \
    FIELD(FIELD_LIST, key_, type, member, .of = &(fields), .n = offsetof(type, n_##member),        \
          .cap = offsetof(type, cap_##member), __VA_ARGS__)
#define FIELDS(type, rows, ...)                                                                    \
    {                                                                                              \
        .v = (rows), .n = sizeof(rows) / sizeof(rows)[0], .size = sizeof(type), __VA_ARGS__        \
    }

/* May the key be missing? */
bool field_optional(const struct field *);
/* The member in a struct. */
void       *field_at(const struct field *, void *);
const void *field_at_const(const struct field *, const void *);
/* The value of the field in the struct at from; *out NULL: its key is left out.  ERR_CORRUPT names
 * a text that was never filled in. */
int field_json(const struct field *, const void *from, json_t **out, struct err *);
/* And back, from a value or NULL, into a struct where the member is zero. */
int field_read(const struct field *, const json_t *, void *to, struct err *);

/* A struct as a new value, but for what is written in lines. */
int fields_json(const struct fields *, const void *from, json_t **out, struct err *);
/* Adds these keys to an object. */
int fields_write(const struct fields *, const void *from, json_t *object, struct err *);
/* Into a struct whose members, as far as they are fields, are zero.  On error what was read by
 * then is there, for fields_free(). */
int fields_read(const struct fields *, const json_t *, void *to, struct err *);
/* Texts, lists and values are copied, too; what stood at to is not freed. */
void fields_copy(const struct fields *, const void *from, void *to);
/* Frees texts, lists and values; their members are NULL and 0 from then on. */
void fields_free(const struct fields *, void *);

/* The elements of a FIELD_LIST in the struct at from: how many, and the i-th. */
size_t      field_list_n(const struct field *, const void *from);
const void *field_list_at(const struct field *, const void *from, size_t i);
/* One more: zeroed, valid until the next call. */
void *field_list_add(const struct field *, void *to);
/* Leaves the elements for which keep says so, in their order, and frees the others. */
typedef bool field_keep_fn(const void *ctx, const void *element);
void         field_list_keep(const struct field *, void *in, field_keep_fn *, const void *ctx);
/* Room for cap of them, and no more. */
void field_list_reserve(const struct field *, void *to, size_t cap);

#endif
