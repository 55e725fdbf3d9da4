/*
 * Reading a manifest, by the rows of manifest_fields.c.
 *
 * Objects with long lists are read key by key and element by element (jsonpull.h): one
 * element at a time is a JSON tree, which is read into the struct and freed.
 */
#include <stdlib.h>
#include <string.h>

#include "storage/format/jsonpull.h"
#include "storage/format/manifest.h"
#include "storage/format/manifest_fields.h"
#include "storage/format/object.h"

static int pull_object(struct jsonpull *, const struct fields *, void *to, json_t *head,
                       struct err *);

/* Does it hold a list that must be read element by element? */
static bool
is_long(const struct fields *fs)
{
    for (size_t i = 0; i < fs->n; i++) {
        if (fs->v[i].lines || (fs->v[i].kind == FIELD_OBJECT && is_long(fs->v[i].of))) {
            return true;
        }
    }
    return false;
}

static int
pull_struct(struct jsonpull *jp, const struct fields *fs, void *to, struct err *e)
{
    json_t *v;
    int     rc;

    if (is_long(fs)) {
        return pull_object(jp, fs, to, NULL, e);
    }
    v = jsonpull_value(jp, e);
    rc = v == NULL ? -1 : fields_read(fs, v, to, e);
    json_decref(v);
    return rc;
}

static int
pull_text(struct jsonpull *jp, struct strlist *to, struct err *e)
{
    json_t *v = jsonpull_value(jp, e);
    char   *text = v == NULL ? NULL : object_text_of(v, e);

    json_decref(v);
    if (text == NULL) {
        return -1;
    }
    strlist_take(to, text);
    return 0;
}

static int
pull_lines(struct jsonpull *jp, const struct field *f, void *to, struct err *e)
{
    size_t i = 0;
    int    rc = jsonpull_enter(jp, '[', e);

    while (rc == 0 && (rc = jsonpull_item(jp, e)) > 0) {
        rc = f->kind == FIELD_TEXTS ? pull_text(jp, field_at(f, to), e)
                                    : pull_struct(jp, f->of, field_list_add(f, to), e);
        i += rc == 0;
    }
    return rc == 0 ? 0 : err_wrap(e, "key \"%s\", element %zu", f->key, i);
}

static int
pull_field(struct jsonpull *jp, const struct field *f, void *to, struct err *e)
{
    json_t *v;
    int     rc;

    if (f->lines) {
        return pull_lines(jp, f, to, e);
    }
    if (f->kind == FIELD_OBJECT) {
        return pull_struct(jp, f->of, field_at(f, to), e) == 0 ? 0
                                                               : err_wrap(e, "key \"%s\"", f->key);
    }
    v = jsonpull_value(jp, e);
    rc = v == NULL ? err_wrap(e, "key \"%s\"", f->key) : field_read(f, v, to, e);
    json_decref(v);
    return rc;
}

/* A key that is not a field: of the head, or from a later program. */
static int
pull_other(struct jsonpull *jp, const char *key, json_t *head, struct err *e)
{
    json_t *v = jsonpull_value(jp, e);
    int     rc = 0;

    if (v == NULL) {
        return err_wrap(e, "key \"%s\"", key);
    }
    if (head != NULL &&
        (strcmp(key, "format") == 0 || strcmp(key, "needs") == 0 || strcmp(key, "type") == 0)) {
        (void)json_object_set(head, key, v);
        /* These come first, so that a later format is reported as such, not as a syntax error. */
        rc = json_object_size(head) == 3 ? object_check(head, "manifest", e) : 0;
    }
    json_decref(v);
    return rc;
}

static const struct field *
find_field(const struct fields *fs, const char *key)
{
    for (size_t i = 0; i < fs->n; i++) {
        if (strcmp(fs->v[i].key, key) == 0) {
            return &fs->v[i];
        }
    }
    return NULL;
}

static int
pull_key(struct jsonpull *jp, const struct fields *fs, const char *key, void *to, json_t *head,
         struct err *e)
{
    const struct field *f = find_field(fs, key);

    return f != NULL ? pull_field(jp, f, to, e) : pull_other(jp, key, head, e);
}

static int
find_missing(const struct fields *fs, const json_t *seen, struct err *e)
{
    for (size_t i = 0; i < fs->n; i++) {
        if (!field_optional(&fs->v[i]) && json_object_get(seen, fs->v[i].key) == NULL) {
            return err_set(e, ERR_CORRUPT, "key \"%s\" is missing", fs->v[i].key);
        }
    }
    return 0;
}

/* head collects format, needs and type; NULL: they are ordinary keys. */
static int
pull_object(struct jsonpull *jp, const struct fields *fs, void *to, json_t *head, struct err *e)
{
    json_t *seen = json_object();
    json_t *key;
    int     more = -1;
    int     rc = jsonpull_enter(jp, '{', e);

    while (rc == 0 && (more = jsonpull_key(jp, &key, e)) > 0) {
        const char *name = json_string_value(key);

        rc = json_object_get(seen, name) != NULL
            ? err_set(e, ERR_CORRUPT, "key \"%s\" appears twice", name)
            : pull_key(jp, fs, name, to, head, e);
        (void)json_object_set_new(seen, name, json_true());
        json_decref(key);
    }
    if (more == 0) {
        rc = find_missing(fs, seen, e);
    } else {
        rc = -1;
    }
    json_decref(seen);
    return rc;
}

struct manifest *
manifest_parse(const void *text, size_t n, struct err *e)
{
    struct manifest *m = manifest_new();
    json_t          *head = json_object();
    struct jsonpull  jp;

    jsonpull_init(&jp, text, n);
    if (pull_object(&jp, &manifest_fields, m, head, e) != 0 || jsonpull_end(&jp, e) != 0 ||
        object_check(head, "manifest", e) != 0 || manifest_check(m, e) != 0) {
        manifest_free(m);
        m = NULL;
    } else {
        m->sorted = true;
    }
    json_decref(head);
    return m;
}
