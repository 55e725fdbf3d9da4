#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "core/enc.h"
#include "core/human.h"
#include "core/json.h"
#include "core/mem.h"
#include "storage/format/chunkname.h"
#include "storage/format/fields.h"

enum { HEX_MAX = 64 }; /* bytes that a member of hex digits stands for, at most */

static json_t *
texts_json(const struct strlist *list)
{
    json_t *texts = json_array();

    for (size_t i = 0; i < list->n; i++) {
        (void)json_array_append_new(texts, json_text(list->v[i]));
    }
    return texts;
}

static json_t *
hex64_json(const char *at, size_t size)
{
    char     text[2 * HEX_MAX + 1] = "";
    uint64_t value;

    for (size_t i = 0; i < size / sizeof value; i++) {
        memcpy(&value, at + i * sizeof value, sizeof value);
        (void)snprintf(text + 16 * i, sizeof text - 16 * i, "%016" PRIx64, value);
    }
    return json_string(text);
}

static json_t *
opt_hex_json(const struct field *f, const void *from)
{
    char text[2 * HEX_MAX + 1];

    if (!*((const bool *)from + f->has)) {
        return NULL;
    }
    hex_encode(field_at_const(f, from), f->size, text);
    return json_string(text);
}

static json_t *
letter_json(const struct field *f, char c)
{
    char text[2] = {c != '\0' ? c : f->letter, '\0'};

    return json_string(text);
}

static json_t *
int64_json(int64_t value)
{
    char text[24];

    (void)snprintf(text, sizeof text, "%" PRId64, value);
    return json_string(text);
}

static json_t *
time_json(time_t value)
{
    char text[32];

    return json_string(time_rfc3339(value, text, sizeof text));
}

static json_t *
number_json(const struct field *f, const void *at)
{
    return json_integer(f->kind == FIELD_COUNT || f->kind == FIELD_OPT_COUNT
                            ? (json_int_t) * (const uint64_t *)at
                            : f->kind == FIELD_COUNT32 ? (json_int_t) * (const uint32_t *)at
                                                       : (json_int_t) * (const int *)at);
}

static int
list_json(const struct field *f, const void *from, json_t **out, struct err *e)
{
    if (f->optional && field_list_n(f, from) == 0) {
        *out = NULL;
        return 0;
    }
    *out = json_array();
    for (size_t i = 0; i < field_list_n(f, from); i++) {
        json_t *v;

        if (fields_json(f->of, field_list_at(f, from, i), &v, e) != 0) {
            json_decref(*out);
            *out = NULL;
            return err_wrap(e, "key \"%s\", element %zu", f->key, i);
        }
        (void)json_array_append_new(*out, v);
    }
    return 0;
}

/* For fields that hold no other structs. */
static json_t *
simple_json(const struct field *f, const void *from)
{
    const void *at = field_at_const(f, from);
    char        name[CHUNK_NAME_MAX];

    switch (f->kind) {
    case FIELD_TEXT:
    case FIELD_OPT_TEXT:
        return *(char *const *)at == NULL ? NULL : json_text(*(char *const *)at);
    case FIELD_ID:
    case FIELD_DIGITS:
        return json_string(at);
    case FIELD_CHUNK:
        return json_string(chunk_name_format(at, name));
    case FIELD_HEX64:
        return hex64_json(at, f->size);
    case FIELD_OPT_HEX:
        return opt_hex_json(f, from);
    case FIELD_LETTER:
        return letter_json(f, *(const char *)at);
    case FIELD_WORD:
        return json_string(f->words[*(const unsigned *)at]);
    case FIELD_TIME:
        return time_json(*(const time_t *)at);
    case FIELD_OPT_COUNT:
        return *(const uint64_t *)at == 0 ? NULL : number_json(f, at);
    case FIELD_COUNT:
    case FIELD_COUNT32:
    case FIELD_INT:
        return number_json(f, at);
    case FIELD_INT64:
        return int64_json(*(const int64_t *)at);
    case FIELD_SECONDS:
        return json_real(*(const double *)at);
    case FIELD_BOOL:
        return json_boolean(*(const bool *)at);
    case FIELD_FLAG:
        return *(const bool *)at ? json_true() : NULL;
    case FIELD_JSON:
        return json_incref(*(json_t *const *)at);
    case FIELD_TEXTS:
        return texts_json(at);
    case FIELD_OBJECT:
    case FIELD_LIST:
        break;
    }
    return NULL;
}

int
field_json(const struct field *f, const void *from, json_t **out, struct err *e)
{
    if (f->kind == FIELD_LIST) {
        return list_json(f, from, out, e);
    }
    if (f->kind == FIELD_OBJECT) {
        return fields_json(f->of, field_at_const(f, from), out, e) == 0
            ? 0
            : err_wrap(e, "key \"%s\"", f->key);
    }
    *out = simple_json(f, from);
    return *out != NULL || field_optional(f)
        ? 0
        : err_set(e, ERR_CORRUPT, "key \"%s\" was never filled in", f->key);
}

int
fields_write(const struct fields *fs, const void *from, json_t *o, struct err *e)
{
    for (size_t i = 0; i < fs->n; i++) {
        json_t *v = NULL;

        if (!fs->v[i].lines && field_json(&fs->v[i], from, &v, e) != 0) {
            return -1;
        }
        if (v != NULL) {
            (void)(fs->array ? json_array_append_new(o, v)
                             : json_object_set_new(o, fs->v[i].key, v));
        }
    }
    return 0;
}

int
fields_json(const struct fields *fs, const void *from, json_t **out, struct err *e)
{
    *out = fs->array ? json_array() : json_object();
    if (fields_write(fs, from, *out, e) != 0) {
        json_decref(*out);
        *out = NULL;
        return -1;
    }
    return 0;
}
