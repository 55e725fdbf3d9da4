#include <inttypes.h>
#include <stdio.h>

#include "core/enc.h"
#include "core/json.h"
#include "storage/format/manifest.h"
#include "storage/format/object.h"

/* The text is written element by element, one a line, so that no tree of the whole has to exist. */

static int
write_value(struct buf *out, json_t *v, struct err *e)
{
    int rc = json_write(v, out, e);

    json_decref(v);
    return rc;
}

static int
write_key(struct buf *out, const char *key, struct err *e)
{
    return buf_printf(out, e, ",\n\"%s\":", key);
}

/* Between the elements of a list that stand on lines of their own. */
static int
write_comma(struct buf *out, size_t i, struct err *e)
{
    return buf_puts(out, i == 0 ? "\n" : ",\n", e);
}

static int
write_segments(struct buf *out, const struct manifest_segment *v, size_t n, struct err *e)
{
    if (buf_puts(out, "[", e) != 0) {
        return -1;
    }
    for (size_t i = 0; i < n; i++) {
        if (buf_printf(out, e, "%s[%" PRIu32 ",%" PRIu64 ",%" PRIu64 "]", i == 0 ? "" : ",",
                       v[i].chunk, v[i].offset, v[i].length) != 0) {
            return -1;
        }
    }
    return buf_puts(out, "]", e);
}

static int
write_range(struct buf *out, const struct manifest_range *r, struct err *e)
{
    if (buf_printf(out, e, "[%" PRIu64 ",%" PRIu64 ",\"%016" PRIx64 "%016" PRIx64 "\",",
                   r->first_block, r->rows, r->fp.a, r->fp.b) != 0 ||
        write_segments(out, r->segments, r->n, e) != 0) {
        return -1;
    }
    return buf_puts(out, "]", e);
}

static json_t *
json_fingerprint(const struct fingerprint *fp)
{
    char text[33];

    (void)snprintf(text, sizeof text, "%016" PRIx64 "%016" PRIx64, fp->a, fp->b);
    return json_string(text);
}

static json_t *
json_columns(const struct manifest_table *t)
{
    json_t *list = json_array();

    for (size_t i = 0; i < t->n_columns; i++) {
        json_t *c = json_object();

        object_set_text(c, "name", t->columns[i].name);
        object_set_text(c, "type", t->columns[i].type);
        if (t->columns[i].generated) {
            (void)json_object_set_new(c, "generated", json_true());
        }
        if (t->columns[i].not_null) {
            (void)json_object_set_new(c, "not_null", json_true());
        }
        (void)json_array_append_new(list, c);
    }
    return list;
}

static json_t *
json_letter(char c, char dflt)
{
    char text[2] = {c != '\0' ? c : dflt, '\0'};

    return json_string(text);
}

/* Everything but the ranges. */
static json_t *
json_table(const struct manifest_table *t)
{
    json_t *o = json_object();

    object_set_text(o, "schema", t->schema);
    object_set_text(o, "name", t->name);
    (void)json_object_set_new(o, "oid", json_integer(t->oid));
    (void)json_object_set_new(o, "kind", json_letter(t->kind, 'r'));
    (void)json_object_set_new(o, "persistence", json_letter(t->persistence, 'p'));
    object_set_text(o, "owner", t->owner);
    object_set_text(o, "load_via", t->load_via);
    object_set_text(o, "condition", t->condition);
    object_set_text(o, "extension", t->extension);
    object_set_text(o, "skipped", t->skipped);
    (void)json_object_set_new(o, "format",
                              json_string(t->format == COPY_BINARY ? "binary" : "text"));
    (void)json_object_set_new(o, "columns", json_columns(t));
    (void)json_object_set_new(o, "rows", json_integer((json_int_t)t->rows));
    (void)json_object_set_new(o, "bytes", json_integer((json_int_t)t->bytes));
    (void)json_object_set_new(o, "relation_bytes", json_integer((json_int_t)t->relation_bytes));
    (void)json_object_set_new(o, "fp", json_fingerprint(&t->fp));
    (void)json_object_set_new(o, "generated_fp", json_fingerprint(&t->generated_fp));
    return o;
}

static int
write_table(struct buf *out, const struct manifest_table *t, struct err *e)
{
    if (write_value(out, json_table(t), e) != 0) {
        return -1;
    }
    out->len--; /* its '}': the ranges belong inside */
    if (buf_puts(out, ",\"ranges\":[", e) != 0) {
        return -1;
    }
    for (size_t i = 0; i < t->n_ranges; i++) {
        if (write_comma(out, i, e) != 0 || write_range(out, &t->ranges[i], e) != 0) {
            return -1;
        }
    }
    return buf_puts(out, "]}", e);
}

static int
write_tables(struct buf *out, const struct manifest *m, struct err *e)
{
    if (write_key(out, "tables", e) != 0 || buf_puts(out, "[", e) != 0) {
        return -1;
    }
    for (size_t i = 0; i < m->n_tables; i++) {
        if (write_comma(out, i, e) != 0 || write_table(out, &m->tables[i], e) != 0) {
            return -1;
        }
    }
    return buf_puts(out, "]", e);
}

static int
write_large_objects(struct buf *out, const struct manifest *m, struct err *e)
{
    if (write_key(out, "large_objects", e) != 0 ||
        buf_printf(out, e, "{\"count\":%" PRIu64 ",\"by_function\":%s,\n\"metadata\":", m->lo_count,
                   m->lo_by_function ? "true" : "false") != 0 ||
        write_table(out, &m->lo_metadata, e) != 0 || buf_puts(out, ",\n\"pages\":", e) != 0 ||
        write_table(out, &m->lo_pages, e) != 0) {
        return -1;
    }
    return buf_puts(out, "}", e);
}

static json_t *
json_sequence(const struct manifest_sequence *s)
{
    json_t *o = json_object();
    char    value[24];

    object_set_text(o, "schema", s->schema);
    object_set_text(o, "name", s->name);
    /* Up to 2^63: beyond what a JSON number holds for certain. */
    (void)snprintf(value, sizeof value, "%" PRId64, s->last_value);
    (void)json_object_set_new(o, "last_value", json_string(value));
    (void)json_object_set_new(o, "is_called", json_boolean(s->is_called));
    return o;
}

static json_t *
json_matview(const struct manifest_matview *v)
{
    json_t *o = json_object();

    object_set_text(o, "schema", v->schema);
    object_set_text(o, "name", v->name);
    (void)json_object_set_new(o, "populated", json_boolean(v->populated));
    (void)json_object_set_new(o, "remote", json_boolean(v->remote));
    return o;
}

static json_t *
json_m_object(const struct manifest_object *x)
{
    json_t *o = json_object();

    object_set_text(o, "kind", x->kind);
    object_set_text(o, "schema", x->schema);
    object_set_text(o, "name", x->name);
    object_set_text(o, "owner", x->owner);
    object_set_text(o, "digest", x->digest);
    return o;
}

/* Writes "key":[ … ] of n elements, each made by json_fn(). */
#define WRITE_LIST(out, key, v, n, json_fn, e)                                                     \
    do {                                                                                           \
        if (write_key((out), (key), (e)) != 0 || buf_puts((out), "[", (e)) != 0) {                 \
            return -1;                                                                             \
        }                                                                                          \
        for (size_t i = 0; i < (n); i++) {                                                         \
            if (write_comma((out), i, (e)) != 0 ||                                                 \
                write_value((out), json_fn(&(v)[i]), (e)) != 0) {                                  \
                return -1;                                                                         \
            }                                                                                      \
        }                                                                                          \
        if (buf_puts((out), "]", (e)) != 0) {                                                      \
            return -1;                                                                             \
        }                                                                                          \
    } while (0)

static json_t *
json_chunk(const struct chunk_ref *c)
{
    return json_pack("[s,I,I]", c->name, (json_int_t)c->size, (json_int_t)c->raw_size);
}

static json_t *
json_warning(char *const *text)
{
    return json_text(*text);
}

static int
write_lists(struct buf *out, const struct manifest *m, struct err *e)
{
    WRITE_LIST(out, "warnings", m->warnings.v, m->warnings.n, json_warning, e);
    WRITE_LIST(out, "sequences", m->sequences, m->n_sequences, json_sequence, e);
    WRITE_LIST(out, "matviews", m->matviews, m->n_matviews, json_matview, e);
    WRITE_LIST(out, "objects", m->objects, m->n_objects, json_m_object, e);
    WRITE_LIST(out, "chunks", m->chunks, m->n_chunks, json_chunk, e);
    return 0;
}

static int
write_sections(struct buf *out, const struct manifest *m, struct err *e)
{
    const struct {
        const char *key;
        json_t     *value;
    } sections[] = {
        {"server", m->server},       {"database", m->database},
        {"snapshot", m->snapshot},   {"xid", m->xid},
        {"globals", m->globals},     {"extensions", m->extensions},
        {"inventory", m->inventory}, {"selection", m->selection},
    };

    for (size_t i = 0; i < sizeof sections / sizeof sections[0]; i++) {
        if (sections[i].value != NULL &&
            (write_key(out, sections[i].key, e) != 0 ||
             json_write(sections[i].value, out, e) != 0)) {
            return -1;
        }
    }
    return 0;
}

static int
write_fingerprint_key(struct buf *out, const struct manifest *m, struct err *e)
{
    char hex[2 * sizeof m->fingerprint_key + 1];

    if (!m->has_fingerprint_key) {
        return 0;
    }
    hex_encode(m->fingerprint_key, sizeof m->fingerprint_key, hex);
    return write_key(out, "fingerprint_key", e) != 0 ? -1 : buf_printf(out, e, "\"%s\"", hex);
}

int
manifest_format(const struct manifest *m, struct buf *out, struct err *e)
{
    if (manifest_check(m, e) != 0) {
        return err_wrap(e, "manifest not written");
    }
    if (buf_printf(out, e, "{\"format\":%d,\"needs\":[],\"type\":\"manifest\"", OBJECT_FORMAT) !=
            0 ||
        write_fingerprint_key(out, m, e) != 0 || write_sections(out, m, e) != 0 ||
        write_key(out, "archive", e) != 0 ||
        write_segments(out, m->archive, m->n_archive, e) != 0 ||
        write_key(out, "globals_sql", e) != 0 ||
        write_segments(out, m->globals_sql, m->n_globals_sql, e) != 0 ||
        write_lists(out, m, e) != 0 || write_large_objects(out, m, e) != 0 ||
        write_tables(out, m, e) != 0) {
        return -1;
    }
    return buf_puts(out, "}\n", e);
}
