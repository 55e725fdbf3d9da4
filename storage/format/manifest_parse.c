#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/enc.h"
#include "core/json.h"
#include "storage/format/manifest_read.h"
#include "storage/format/object.h"

typedef int item_fn(struct manifest *, const json_t *, struct err *);

/* Calls fn(item) for each element of the array that stands here. */
static int
each_item(struct jsonpull *jp, struct manifest *m, item_fn *fn, struct err *e)
{
    size_t i = 0;
    int    more;

    if (jsonpull_enter(jp, '[', e) != 0) {
        return -1;
    }
    for (; (more = jsonpull_item(jp, e)) > 0; i++) {
        json_t *item = jsonpull_value(jp, e);
        int     rc = item == NULL ? -1 : fn(m, item, e);

        json_decref(item);
        if (rc != 0) {
            return err_wrap(e, "element %zu", i);
        }
    }
    return more;
}

static int
add_warning(struct manifest *m, const json_t *item, struct err *e)
{
    size_t n;
    char  *text = json_bytes_get(item, &n, e);

    if (text == NULL) {
        return -1;
    }
    strlist_take(&m->warnings, text);
    return 0;
}

static int
add_chunk(struct manifest *m, const json_t *item, struct err *e)
{
    const char      *name = json_string_value(json_array_get(item, 0));
    json_int_t       size = json_integer_value(json_array_get(item, 1));
    json_int_t       raw = json_integer_value(json_array_get(item, 2));
    size_t           before = m->n_chunks;
    struct chunk_ref ref;

    if (json_array_size(item) != 3 || name == NULL || size <= 0 || raw < 0) {
        return err_set(e, ERR_CORRUPT, "is not [name, size, raw size]");
    }
    ref = (struct chunk_ref){.size = (uint64_t)size, .raw_size = (uint64_t)raw};
    ref.name = xstrdup(name);
    (void)manifest_chunk(m, &ref);
    free(ref.name);
    return m->n_chunks == before + 1 ? 0
                                     : err_set(e, ERR_CORRUPT, "chunk \"%s\" stands twice", name);
}

static int
read_int64(const json_t *o, const char *key, int64_t *out, struct err *e)
{
    const char *text;
    char       *end;

    if (json_get_str(o, key, &text, e) != 0) {
        return -1;
    }
    errno = 0;
    *out = strtoll(text, &end, 10);
    return errno == 0 && end != text && *end == '\0' && strchr("-0123456789", text[0]) != NULL
        ? 0
        : err_set(e, ERR_CORRUPT, "key \"%s\" is not a 64-bit number", key);
}

static int
add_sequence(struct manifest *m, const json_t *item, struct err *e)
{
    struct manifest_sequence *s;

    VEC_GROW(m->sequences, m->n_sequences, m->cap_sequences);
    s = &m->sequences[m->n_sequences++];
    *s = (struct manifest_sequence){0};
    s->schema = object_text(item, "schema", e);
    s->name = s->schema == NULL ? NULL : object_text(item, "name", e);
    return s->name == NULL || read_int64(item, "last_value", &s->last_value, e) != 0 ||
            json_get_bool(item, "is_called", &s->is_called, e) != 0
        ? -1
        : 0;
}

static int
add_matview(struct manifest *m, const json_t *item, struct err *e)
{
    struct manifest_matview *v;

    VEC_GROW(m->matviews, m->n_matviews, m->cap_matviews);
    v = &m->matviews[m->n_matviews++];
    *v = (struct manifest_matview){0};
    v->schema = object_text(item, "schema", e);
    v->name = v->schema == NULL ? NULL : object_text(item, "name", e);
    return v->name == NULL || json_get_bool(item, "populated", &v->populated, e) != 0 ||
            json_get_bool(item, "remote", &v->remote, e) != 0
        ? -1
        : 0;
}

static int
add_object(struct manifest *m, const json_t *item, struct err *e)
{
    struct manifest_object *x;
    const char             *digest;

    VEC_GROW(m->objects, m->n_objects, m->cap_objects);
    x = &m->objects[m->n_objects++];
    *x = (struct manifest_object){0};
    x->kind = object_text(item, "kind", e);
    if (x->kind == NULL || object_opt_text(item, "schema", &x->schema, e) != 0 ||
        (x->name = object_text(item, "name", e)) == NULL ||
        object_opt_text(item, "owner", &x->owner, e) != 0 ||
        json_get_str(item, "digest", &digest, e) != 0) {
        return -1;
    }
    if (strlen(digest) >= sizeof x->digest) {
        return err_set(e, ERR_CORRUPT, "key \"digest\" is too long");
    }
    memcpy(x->digest, digest, strlen(digest) + 1);
    return 0;
}

static int
read_tables(struct jsonpull *jp, struct manifest *m, struct err *e)
{
    int more;

    if (jsonpull_enter(jp, '[', e) != 0) {
        return -1;
    }
    while ((more = jsonpull_item(jp, e)) > 0) {
        if (read_table(jp, manifest_add_table(m), true, e) != 0) {
            return err_wrap(e, "table %zu", m->n_tables - 1);
        }
    }
    return more;
}

static int
read_lo_member(struct jsonpull *jp, struct manifest *m, const char *key, struct err *e)
{
    json_t *v;

    if (strcmp(key, "metadata") == 0 || strcmp(key, "pages") == 0) {
        struct manifest_table *t = key[0] == 'm' ? &m->lo_metadata : &m->lo_pages;

        return t->kind == '\0' ? read_table(jp, t, false, e)
                               : err_set(e, ERR_CORRUPT, "stands twice");
    }
    v = jsonpull_value(jp, e);
    if (v == NULL) {
        return -1;
    }
    if (strcmp(key, "count") == 0 && json_is_integer(v) && json_integer_value(v) >= 0) {
        m->lo_count = (uint64_t)json_integer_value(v);
    } else if (strcmp(key, "by_function") == 0 && json_is_boolean(v)) {
        m->lo_by_function = json_is_true(v);
    } else if (strcmp(key, "count") == 0 || strcmp(key, "by_function") == 0) {
        json_decref(v);
        return err_set(e, ERR_CORRUPT, "has the wrong type");
    }
    json_decref(v);
    return 0;
}

static int
read_large_objects(struct jsonpull *jp, struct manifest *m, struct err *e)
{
    json_t *key;
    int     more;

    if (jsonpull_enter(jp, '{', e) != 0) {
        return -1;
    }
    while ((more = jsonpull_key(jp, &key, e)) > 0) {
        int rc = read_lo_member(jp, m, json_string_value(key), e);

        if (rc != 0) {
            err_wrap(e, "key \"%s\"", json_string_value(key));
        }
        json_decref(key);
        if (rc != 0) {
            return -1;
        }
    }
    if (more == 0 && (m->lo_metadata.kind == '\0' || m->lo_pages.kind == '\0')) {
        return err_set(e, ERR_CORRUPT, "key \"metadata\" or \"pages\" is missing");
    }
    return more;
}

static json_t **
section(struct manifest *m, const char *key)
{
    const struct {
        const char *key;
        json_t    **value;
    } sections[] = {
        {"server", &m->server},       {"database", &m->database},
        {"snapshot", &m->snapshot},   {"xid", &m->xid},
        {"globals", &m->globals},     {"extensions", &m->extensions},
        {"inventory", &m->inventory}, {"selection", &m->selection},
    };

    for (size_t i = 0; i < sizeof sections / sizeof sections[0]; i++) {
        if (strcmp(sections[i].key, key) == 0) {
            return sections[i].value;
        }
    }
    return NULL;
}

static int
read_fingerprint_key(const json_t *v, struct manifest *m, struct err *e)
{
    const char *hex = json_string_value(v);

    if (hex == NULL ||
        hex_decode(hex, strlen(hex), m->fingerprint_key, sizeof m->fingerprint_key) != 0) {
        return err_set(e, ERR_CORRUPT, "is not %zu hex digits", 2 * sizeof m->fingerprint_key);
    }
    m->has_fingerprint_key = true;
    return 0;
}

/* A value that is small enough to be read whole; head: collects format, needs and type. */
static int
read_small(struct jsonpull *jp, struct manifest *m, const char *key, json_t *head, struct err *e)
{
    json_t *v = jsonpull_value(jp, e);
    int     rc = 0;

    if (v == NULL) {
        return -1;
    }
    if (strcmp(key, "fingerprint_key") == 0) {
        rc = read_fingerprint_key(v, m, e);
    } else if (section(m, key) != NULL) {
        *section(m, key) = json_incref(v);
    } else if (strcmp(key, "archive") == 0) {
        rc = read_segments(v, &m->archive, &m->n_archive, &m->cap_archive, e);
    } else if (strcmp(key, "globals_sql") == 0) {
        rc = read_segments(v, &m->globals_sql, &m->n_globals_sql, &m->cap_globals_sql, e);
    } else if (strcmp(key, "format") == 0 || strcmp(key, "needs") == 0 ||
               strcmp(key, "type") == 0) {
        (void)json_object_set(head, key, v);
        /* These stand first, so that a later format is called that, and not a syntax error. */
        rc = json_object_size(head) == 3 ? object_check(head, "manifest", e) : 0;
    }
    json_decref(v);
    return rc;
}

static int
read_member(struct jsonpull *jp, struct manifest *m, const char *key, json_t *head, struct err *e)
{
    static const struct {
        const char *key;
        item_fn    *fn;
    } lists[] = {
        {"warnings", add_warning}, {"sequences", add_sequence}, {"matviews", add_matview},
        {"objects", add_object},   {"chunks", add_chunk},
    };

    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        if (strcmp(lists[i].key, key) == 0) {
            return each_item(jp, m, lists[i].fn, e);
        }
    }
    if (strcmp(key, "tables") == 0) {
        return read_tables(jp, m, e);
    }
    if (strcmp(key, "large_objects") == 0) {
        return read_large_objects(jp, m, e);
    }
    return read_small(jp, m, key, head, e);
}

static const char *const required[] = {"archive",       "globals_sql", "chunks",   "tables",
                                       "large_objects", "sequences",   "matviews", "objects"};

static int
read_document(struct jsonpull *jp, struct manifest *m, json_t *head, json_t *seen, struct err *e)
{
    json_t *key;
    int     more;

    if (jsonpull_enter(jp, '{', e) != 0) {
        return -1;
    }
    while ((more = jsonpull_key(jp, &key, e)) > 0) {
        const char *name = json_string_value(key);
        int         rc;

        if (json_object_get(seen, name) != NULL) {
            rc = err_set(e, ERR_CORRUPT, "stands twice");
        } else {
            (void)json_object_set_new(seen, name, json_true());
            rc = read_member(jp, m, name, head, e);
        }
        if (rc != 0) {
            err_wrap(e, "key \"%s\"", name);
        }
        json_decref(key);
        if (rc != 0) {
            return -1;
        }
    }
    if (more < 0 || jsonpull_end(jp, e) != 0 || object_check(head, "manifest", e) != 0) {
        return -1;
    }
    for (size_t i = 0; i < sizeof required / sizeof required[0]; i++) {
        if (json_object_get(seen, required[i]) == NULL) {
            return err_set(e, ERR_CORRUPT, "key \"%s\" is missing", required[i]);
        }
    }
    return 0;
}

struct manifest *
manifest_parse(const void *text, size_t n, struct err *e)
{
    struct manifest *m = manifest_new();
    json_t          *head = json_object();
    json_t          *seen = json_object();
    struct jsonpull  jp;

    jsonpull_init(&jp, text, n);
    if (read_document(&jp, m, head, seen, e) != 0 || manifest_check(m, e) != 0) {
        manifest_free(m);
        m = NULL;
    } else {
        m->sorted = true;
    }
    json_decref(head);
    json_decref(seen);
    return m;
}
