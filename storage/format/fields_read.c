#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/enc.h"
#include "core/human.h"
#include "core/json.h"
#include "core/mem.h"
#include "storage/format/backupid.h"
#include "storage/format/chunkname.h"
#include "storage/format/fields.h"
#include "storage/format/object.h"

enum { HEX_MAX = 64 }; /* bytes that a member of hex digits stands for, at most */

static int
wrong(const struct field *f, const char *what, struct err *e)
{
    return err_set(e, ERR_CORRUPT, "key \"%s\" is not %s", f->key, what);
}

/* NULL: another kind of value. */
static const char *
string_of(const struct field *f, const json_t *v, struct err *e)
{
    const char *text = json_string_value(v);

    if (text == NULL) {
        wrong(f, "a string", e);
    }
    return text;
}

static int
read_text(const struct field *f, const json_t *v, char **out, struct err *e)
{
    *out = object_text_of(v, e);
    return *out != NULL ? 0 : err_wrap(e, "key \"%s\"", f->key);
}

static int
read_texts(const struct field *f, const json_t *list, struct strlist *out, struct err *e)
{
    if (!json_is_array(list)) {
        return wrong(f, "an array", e);
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        char *text = object_text_of(json_array_get(list, i), e);

        if (text == NULL) {
            return err_wrap(e, "key \"%s\", element %zu", f->key, i);
        }
        strlist_take(out, text);
    }
    return 0;
}

static int
read_id(const struct field *f, const json_t *v, char *out, struct err *e)
{
    const char *text = string_of(f, v, e);

    if (text == NULL || !backup_id_valid(text)) {
        return text == NULL ? -1 : wrong(f, "the id of a backup", e);
    }
    memcpy(out, text, strlen(text) + 1);
    return 0;
}

static int
read_chunk_name(const struct field *f, const json_t *v, struct chunk_name *out, struct err *e)
{
    const char *text = string_of(f, v, e);

    if (text == NULL) {
        return -1;
    }
    return chunk_name_parse(text, out) == 0
        ? 0
        : err_set(e, ERR_CORRUPT, "key \"%s\": \"%s\" is not the name of a chunk", f->key, text);
}

/* n bytes. */
static int
read_hex(const struct field *f, const json_t *v, uint8_t *out, size_t n, struct err *e)
{
    const char *text = string_of(f, v, e);

    if (text == NULL) {
        return -1;
    }
    return hex_decode(text, strlen(text), out, n) == 0
        ? 0
        : err_set(e, ERR_CORRUPT, "key \"%s\" is not %zu hex digits", f->key, 2 * n);
}

static int
read_digits(const struct field *f, const json_t *v, char *out, struct err *e)
{
    uint8_t bytes[HEX_MAX];

    if (read_hex(f, v, bytes, f->size / 2, e) != 0) {
        return -1;
    }
    memcpy(out, json_string_value(v), f->size);
    return 0;
}

static int
read_hex64(const struct field *f, const json_t *v, char *out, struct err *e)
{
    uint8_t bytes[HEX_MAX];

    if (read_hex(f, v, bytes, f->size, e) != 0) {
        return -1;
    }
    for (size_t i = 0; i < f->size; i += 8) {
        uint64_t value = 0;

        for (size_t k = 0; k < 8; k++) {
            value = value << 8 | bytes[i + k];
        }
        memcpy(out + i, &value, sizeof value);
    }
    return 0;
}

static int
read_letter(const struct field *f, const json_t *v, char *out, struct err *e)
{
    const char *text = string_of(f, v, e);

    if (text == NULL || strlen(text) != 1) {
        return text == NULL ? -1 : wrong(f, "one letter", e);
    }
    *out = text[0];
    return 0;
}

static int
read_word(const struct field *f, const json_t *v, unsigned *out, struct err *e)
{
    const char *text = string_of(f, v, e);

    for (unsigned i = 0; text != NULL && f->words[i] != NULL; i++) {
        if (strcmp(f->words[i], text) == 0) {
            *out = i;
            return 0;
        }
    }
    return text == NULL
        ? -1
        : err_set(e, ERR_CORRUPT, "key \"%s\" is \"%s\", which is not known to this program",
                  f->key, text);
}

/* Only what we write: UTC, to the second. */
static int
read_time(const struct field *f, const json_t *v, time_t *out, struct err *e)
{
    const char *text = string_of(f, v, e);
    char        again[32];

    if (text == NULL) {
        return -1;
    }
    return time_parse(text, out, e) == 0 &&
            strcmp(time_rfc3339(*out, again, sizeof again), text) == 0
        ? 0
        : wrong(f, "a time like 2026-11-21T02:15:00Z", e);
}

static int
read_number(const struct field *f, const json_t *v, void *at, struct err *e)
{
    const bool       big = f->kind == FIELD_COUNT || f->kind == FIELD_OPT_COUNT;
    const json_int_t max = big     ? ((json_int_t)1 << 53) - 1
        : f->kind == FIELD_COUNT32 ? UINT32_MAX
                                   : INT_MAX;
    const json_int_t n = json_integer_value(v);

    if (!json_is_integer(v) || n < 0 || n > max) {
        return err_set(e, ERR_CORRUPT, "key \"%s\" is not a whole number from 0 to %jd", f->key,
                       (intmax_t)max);
    }
    if (big) {
        *(uint64_t *)at = (uint64_t)n;
    } else if (f->kind == FIELD_COUNT32) {
        *(uint32_t *)at = (uint32_t)n;
    } else {
        *(int *)at = (int)n;
    }
    return 0;
}

static int
read_int64(const struct field *f, const json_t *v, int64_t *out, struct err *e)
{
    const char *text = string_of(f, v, e);
    char       *end;

    if (text == NULL) {
        return -1;
    }
    errno = 0;
    *out = strtoll(text, &end, 10);
    return errno == 0 && end != text && *end == '\0' && strchr("-0123456789", text[0]) != NULL
        ? 0
        : wrong(f, "a 64-bit number", e);
}

static int
read_bool(const struct field *f, const json_t *v, bool *out, struct err *e)
{
    if (!json_is_boolean(v)) {
        return wrong(f, "true or false", e);
    }
    *out = json_is_true(v);
    return 0;
}

static int
read_seconds(const struct field *f, const json_t *v, double *out, struct err *e)
{
    if (!json_is_number(v)) {
        return wrong(f, "a number", e);
    }
    *out = json_number_value(v);
    return 0;
}

static int
read_list(const struct field *f, const json_t *list, void *to, struct err *e)
{
    if (!json_is_array(list)) {
        return wrong(f, "an array", e);
    }
    if (json_array_size(list) > 0) { /* exact, not doubled: there may be many short ones */
        field_list_reserve(f, to, json_array_size(list));
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (fields_read(f->of, json_array_get(list, i), field_list_add(f, to), e) != 0) {
            return err_wrap(e, "key \"%s\", element %zu", f->key, i);
        }
    }
    return 0;
}

static int
read_value(const struct field *f, const json_t *v, void *to, struct err *e)
{
    void *at = field_at(f, to);

    switch (f->kind) {
    case FIELD_TEXT:
    case FIELD_OPT_TEXT:
        return read_text(f, v, at, e);
    case FIELD_ID:
        return read_id(f, v, at, e);
    case FIELD_CHUNK:
        return read_chunk_name(f, v, at, e);
    case FIELD_DIGITS:
        return read_digits(f, v, at, e);
    case FIELD_HEX64:
        return read_hex64(f, v, at, e);
    case FIELD_OPT_HEX:
        *((bool *)to + f->has) = true;
        return read_hex(f, v, at, f->size, e);
    case FIELD_LETTER:
        return read_letter(f, v, at, e);
    case FIELD_WORD:
        return read_word(f, v, at, e);
    case FIELD_TIME:
        return read_time(f, v, at, e);
    case FIELD_COUNT:
    case FIELD_OPT_COUNT:
    case FIELD_COUNT32:
    case FIELD_INT:
        return read_number(f, v, at, e);
    case FIELD_INT64:
        return read_int64(f, v, at, e);
    case FIELD_SECONDS:
        return read_seconds(f, v, at, e);
    case FIELD_BOOL:
    case FIELD_FLAG:
        return read_bool(f, v, at, e);
    case FIELD_JSON:
        *(json_t **)at = json_incref((json_t *)(uintptr_t)v);
        return 0;
    case FIELD_TEXTS:
        return read_texts(f, v, at, e);
    case FIELD_OBJECT:
        return fields_read(f->of, v, at, e) == 0 ? 0 : err_wrap(e, "key \"%s\"", f->key);
    case FIELD_LIST:
        return read_list(f, v, to, e);
    }
    return 0;
}

int
field_read(const struct field *f, const json_t *v, void *to, struct err *e)
{
    if (v == NULL || (f->kind == FIELD_OPT_TEXT && json_is_null(v))) {
        return field_optional(f) ? 0 : err_set(e, ERR_CORRUPT, "key \"%s\" is missing", f->key);
    }
    return read_value(f, v, to, e);
}

/* "it is not [chunk, offset, length]" */
static int
wrong_array(const struct fields *fs, struct err *e)
{
    char   text[128];
    size_t n = 0;

    for (size_t i = 0; i < fs->n && n < sizeof text; i++) {
        n += (size_t)snprintf(text + n, sizeof text - n, "%s%s", i == 0 ? "" : ", ", fs->v[i].key);
    }
    return err_set(e, ERR_CORRUPT, "it is not [%s]", text);
}

int
fields_read(const struct fields *fs, const json_t *from, void *to, struct err *e)
{
    if (fs->array && json_array_size(from) != fs->n) {
        return wrong_array(fs, e);
    }
    if (!fs->array && !json_is_object(from)) {
        return err_set(e, ERR_CORRUPT, "it is not an object");
    }
    for (size_t i = 0; i < fs->n; i++) {
        const json_t *v = fs->array ? json_array_get(from, i) : json_object_get(from, fs->v[i].key);

        if (field_read(&fs->v[i], v, to, e) != 0) {
            return -1;
        }
    }
    return 0;
}
