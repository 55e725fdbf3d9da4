/*
 * Writing a manifest, by the rows of manifest_fields.c.
 *
 * The text is written element by element, one a line, so that no tree of the whole is needed. Its
 * layout does not matter to a reader, but two programs must write the same bytes: a lost manifest
 * is rebuilt from a copy, and the label holds its digest.
 */
#include "core/json.h"
#include "storage/format/manifest.h"
#include "storage/format/manifest_fields.h"
#include "storage/format/object.h"

static int write_struct(struct buf *, const struct fields *, const void *from, struct err *);

static int
write_value(struct buf *out, json_t *v, struct err *e)
{
    int rc = json_write(v, out, e);

    json_decref(v);
    return rc;
}

/* A list with each element on its own line. */
static int
write_lines(struct buf *out, const struct field *f, const void *from, struct err *e)
{
    const struct strlist *texts = f->kind == FIELD_TEXTS ? field_at_const(f, from) : NULL;
    size_t                n = texts != NULL ? texts->n : field_list_n(f, from);

    if (buf_puts(out, "[", e) != 0) {
        return -1;
    }
    for (size_t i = 0; i < n; i++) {
        if (buf_puts(out, i == 0 ? "\n" : ",\n", e) != 0) {
            return -1;
        }
        if ((texts != NULL ? write_value(out, json_text(texts->v[i]), e)
                           : write_struct(out, f->of, field_list_at(f, from, i), e)) != 0) {
            return err_wrap(e, "key \"%s\", element %zu", f->key, i);
        }
    }
    return buf_puts(out, "]", e);
}

/* One element: short values, keys sorted, then the long lists. */
static int
write_struct(struct buf *out, const struct fields *fs, const void *from, struct err *e)
{
    json_t *v;

    if (fields_json(fs, from, &v, e) != 0 || write_value(out, v, e) != 0) {
        return -1;
    }
    for (size_t i = 0; i < fs->n; i++) {
        if (fs->v[i].lines) {
            out->len--; /* its '}': the list belongs inside */
            if (buf_printf(out, e, ",\"%s\":", fs->v[i].key) != 0 ||
                write_lines(out, &fs->v[i], from, e) != 0 || buf_puts(out, "}", e) != 0) {
                return -1;
            }
        }
    }
    return 0;
}

/* Large objects: in the order of the rows, each table on its own line. */
static int
write_object(struct buf *out, const struct fields *fs, const void *from, struct err *e)
{
    for (size_t i = 0; i < fs->n; i++) {
        const struct field *f = &fs->v[i];
        bool                object = f->kind == FIELD_OBJECT;
        json_t             *v = NULL;

        if (buf_printf(out, e, "%s%s\"%s\":", i == 0 ? "{" : ",", object ? "\n" : "", f->key) !=
                0 ||
            (!object && field_json(f, from, &v, e) != 0) ||
            (object ? write_struct(out, f->of, field_at_const(f, from), e)
                    : write_value(out, v, e)) != 0) {
            return -1;
        }
    }
    return buf_puts(out, "}", e);
}

static int
write_part(struct buf *out, const struct field *f, const struct manifest *m, struct err *e)
{
    json_t *v = NULL;

    if (f->optional && field_list_n(f, m) == 0) {
        return 0;
    }
    if (!f->lines && f->kind != FIELD_OBJECT && (field_json(f, m, &v, e) != 0 || v == NULL)) {
        return e->kind == ERR_NONE ? 0 : -1;
    }
    if (buf_printf(out, e, ",\n\"%s\":", f->key) != 0) {
        json_decref(v);
        return -1;
    }
    return f->lines               ? write_lines(out, f, m, e)
        : f->kind == FIELD_OBJECT ? write_object(out, f->of, field_at_const(f, m), e)
                                  : write_value(out, v, e);
}

int
manifest_format(const struct manifest *m, struct buf *out, struct err *e)
{
    if (manifest_check(m, e) != 0) {
        return err_wrap(e, "manifest not written");
    }
    if (buf_printf(out, e, "{\"format\":%d,\"needs\":[%s],\"type\":\"manifest\"", OBJECT_FORMAT,
                   m->n_deltas > 0 ? "\"" OBJECT_NEED_DELTA "\"" : "") != 0) {
        return -1;
    }
    for (size_t i = 0; i < manifest_fields.n; i++) {
        if (write_part(out, &manifest_fields.v[i], m, e) != 0) {
            return -1;
        }
    }
    return buf_puts(out, "}\n", e);
}
