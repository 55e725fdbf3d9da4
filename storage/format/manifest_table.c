#include <stdlib.h>
#include <string.h>

#include "core/enc.h"
#include "core/json.h"
#include "storage/format/manifest_read.h"
#include "storage/format/object.h"

/* Element i of an array, a whole number from 0 to max. */
static int
item_int(const json_t *list, size_t i, uint64_t max, uint64_t *out, struct err *e)
{
    const json_t *v = json_array_get(list, i);

    if (!json_is_integer(v) || json_integer_value(v) < 0 || (uint64_t)json_integer_value(v) > max) {
        return err_set(e, ERR_CORRUPT, "element %zu is not a number in range", i);
    }
    *out = (uint64_t)json_integer_value(v);
    return 0;
}

static int
read_fingerprint(const json_t *v, struct fingerprint *fp, struct err *e)
{
    const char *text = json_string_value(v);
    uint8_t     b[16];

    if (text == NULL || hex_decode(text, strlen(text), b, sizeof b) != 0) {
        return err_set(e, ERR_CORRUPT, "a fingerprint is not 32 hex digits");
    }
    *fp = (struct fingerprint){0, 0};
    for (size_t i = 0; i < 8; i++) {
        fp->a = fp->a << 8 | b[i];
        fp->b = fp->b << 8 | b[8 + i];
    }
    return 0;
}

int
read_segments(const json_t *list, struct manifest_segment **v, size_t *n, size_t *cap,
              struct err *e)
{
    if (!json_is_array(list)) {
        return err_set(e, ERR_CORRUPT, "segments are not an array");
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t           *item = json_array_get(list, i);
        struct manifest_segment s;
        uint64_t                chunk;

        if (json_array_size(item) != 3 || item_int(item, 0, UINT32_MAX, &chunk, e) != 0 ||
            item_int(item, 1, INT64_MAX, &s.offset, e) != 0 ||
            item_int(item, 2, INT64_MAX, &s.length, e) != 0) {
            return err_set(e, ERR_CORRUPT, "segment %zu is not [chunk, offset, length]", i);
        }
        s.chunk = (uint32_t)chunk;
        segment_add(v, n, cap, &s);
    }
    return 0;
}

static int
read_range(const json_t *item, struct manifest_table *t, struct err *e)
{
    struct manifest_range r = {0};

    if (json_array_size(item) != 4 || item_int(item, 0, INT64_MAX, &r.first_block, e) != 0 ||
        item_int(item, 1, INT64_MAX, &r.rows, e) != 0) {
        return err_set(e, ERR_CORRUPT, "is not [first block, rows, fingerprint, segments]");
    }
    if (read_fingerprint(json_array_get(item, 2), &r.fp, e) != 0 ||
        read_segments(json_array_get(item, 3), &r.segments, &r.n, &r.cap, e) != 0) {
        free(r.segments);
        return -1;
    }
    VEC_GROW(t->ranges, t->n_ranges, t->cap_ranges);
    t->ranges[t->n_ranges++] = r;
    return 0;
}

static int
read_ranges(struct jsonpull *jp, struct manifest_table *t, struct err *e)
{
    int more;

    if (jsonpull_enter(jp, '[', e) != 0) {
        return -1;
    }
    while ((more = jsonpull_item(jp, e)) > 0) {
        json_t *item = jsonpull_value(jp, e);
        int     rc = item == NULL ? -1 : read_range(item, t, e);

        json_decref(item);
        if (rc != 0) {
            return err_wrap(e, "range %zu", t->n_ranges);
        }
    }
    return more;
}

static int
read_columns(const json_t *o, struct manifest_table *t, struct err *e)
{
    json_t *list;

    if (json_get_array(o, "columns", &list, e) != 0) {
        return -1;
    }
    t->columns = xcalloc(json_array_size(list) + 1, sizeof *t->columns);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t           *item = json_array_get(list, i);
        struct manifest_column *c = &t->columns[t->n_columns++];

        c->name = object_text(item, "name", e);
        c->type = c->name == NULL ? NULL : object_text(item, "type", e);
        if (c->type == NULL) {
            return err_wrap(e, "column %zu", i + 1);
        }
        c->generated = json_opt_bool(item, "generated", false);
        c->not_null = json_opt_bool(item, "not_null", false);
    }
    return 0;
}

static int
read_letter(const json_t *o, const char *key, char *out, struct err *e)
{
    const char *text;

    if (json_get_str(o, key, &text, e) != 0) {
        return -1;
    }
    if (strlen(text) != 1) {
        return err_set(e, ERR_CORRUPT, "key \"%s\" is not one letter", key);
    }
    *out = text[0];
    return 0;
}

static int
read_count(const json_t *o, const char *key, uint64_t *out, struct err *e)
{
    int64_t value;

    if (json_get_int(o, key, &value, e) != 0) {
        return -1;
    }
    *out = (uint64_t)value;
    return 0;
}

static int
read_texts(const json_t *o, struct manifest_table *t, bool named, struct err *e)
{
    if (object_opt_text(o, "schema", &t->schema, e) != 0 ||
        object_opt_text(o, "name", &t->name, e) != 0 ||
        object_opt_text(o, "owner", &t->owner, e) != 0 ||
        object_opt_text(o, "load_via", &t->load_via, e) != 0 ||
        object_opt_text(o, "condition", &t->condition, e) != 0 ||
        object_opt_text(o, "extension", &t->extension, e) != 0 ||
        object_opt_text(o, "skipped", &t->skipped, e) != 0) {
        return -1;
    }
    if (named && (t->schema == NULL || t->name == NULL)) {
        return err_set(e, ERR_CORRUPT, "key \"%s\" is missing",
                       t->schema == NULL ? "schema" : "name");
    }
    return 0;
}

/* Everything but the ranges. */
static int
read_fields(const json_t *o, struct manifest_table *t, bool named, struct err *e)
{
    const char *format;
    uint64_t    oid;

    if (read_texts(o, t, named, e) != 0 || read_letter(o, "kind", &t->kind, e) != 0 ||
        read_letter(o, "persistence", &t->persistence, e) != 0 ||
        read_count(o, "oid", &oid, e) != 0 || read_count(o, "rows", &t->rows, e) != 0 ||
        read_count(o, "bytes", &t->bytes, e) != 0 ||
        read_count(o, "relation_bytes", &t->relation_bytes, e) != 0 || read_columns(o, t, e) != 0 ||
        read_fingerprint(json_object_get(o, "fp"), &t->fp, e) != 0 ||
        read_fingerprint(json_object_get(o, "generated_fp"), &t->generated_fp, e) != 0 ||
        json_get_str(o, "format", &format, e) != 0) {
        return -1;
    }
    if (oid > UINT32_MAX) {
        return err_set(e, ERR_CORRUPT, "key \"oid\" is out of range");
    }
    if (strcmp(format, "text") != 0 && strcmp(format, "binary") != 0) {
        return err_set(e, ERR_CORRUPT, "unknown COPY format \"%s\"", format);
    }
    t->oid = (uint32_t)oid;
    t->format = strcmp(format, "binary") == 0 ? COPY_BINARY : COPY_TEXT;
    return 0;
}

/* One key and its value: into o, or, for the ranges, into the table at once. */
static int
read_member(struct jsonpull *jp, const char *key, json_t *o, struct manifest_table *t,
            struct err *e)
{
    json_t *value;

    if (json_object_get(o, key) != NULL) {
        return err_set(e, ERR_CORRUPT, "key \"%s\" stands twice", key);
    }
    if (strcmp(key, "ranges") == 0) {
        (void)json_object_set_new(o, key, json_true());
        return read_ranges(jp, t, e);
    }
    value = jsonpull_value(jp, e);
    return value == NULL ? -1 : json_object_set_new(o, key, value);
}

int
read_table(struct jsonpull *jp, struct manifest_table *t, bool named, struct err *e)
{
    json_t *o = json_object();
    json_t *key;
    int     more;
    int     rc = -1;

    if (jsonpull_enter(jp, '{', e) != 0) {
        goto out;
    }
    while ((more = jsonpull_key(jp, &key, e)) > 0) {
        rc = read_member(jp, json_string_value(key), o, t, e);
        json_decref(key);
        if (rc != 0) {
            goto out;
        }
    }
    rc = more < 0 ? -1 : read_fields(o, t, named, e);
out:
    json_decref(o);
    return rc;
}
