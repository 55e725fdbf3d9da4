#include "storage/format/fields.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"

bool
field_optional(const struct field *f)
{
    return f->kind == FIELD_OPT_TEXT || f->kind == FIELD_OPT_HEX || f->kind == FIELD_FLAG ||
        f->kind == FIELD_OPT_COUNT || f->kind == FIELD_JSON || f->optional;
}

void *
field_at(const struct field *f, void *in)
{
    return (char *)in + f->offset;
}

const void *
field_at_const(const struct field *f, const void *in)
{
    return (const char *)in + f->offset;
}

/* ---- lists ---- */

/* The elements, of whatever type: the pointer is copied out and in as bytes. */
static char *
elements(const struct field *f, const void *in)
{
    char *v;

    memcpy(&v, field_at_const(f, in), sizeof v);
    return v;
}

static void
set_elements(const struct field *f, void *in, void *v)
{
    memcpy(field_at(f, in), &v, sizeof v);
}

static size_t *
count_at(void *in, size_t offset)
{
    return (size_t *)(void *)((char *)in + offset);
}

size_t
field_list_n(const struct field *f, const void *from)
{
    return *(const size_t *)(const void *)((const char *)from + f->n);
}

const void *
field_list_at(const struct field *f, const void *from, size_t i)
{
    return elements(f, from) + i * f->of->size;
}

void
field_list_reserve(const struct field *f, void *to, size_t cap)
{
    *count_at(to, f->cap) = cap;
    set_elements(f, to, xreallocarray(elements(f, to), cap, f->of->size));
}

void *
field_list_add(const struct field *f, void *to)
{
    size_t *n = count_at(to, f->n);
    size_t  cap = *count_at(to, f->cap);
    void   *element;

    if (elements(f, to) == NULL || *n == cap) {
        field_list_reserve(f, to, cap == 0 ? 16 : 2 * cap);
    }
    element = elements(f, to) + (*n)++ * f->of->size;
    memset(element, 0, f->of->size);
    return element;
}

/* ---- copying and freeing ---- */

static bool
is_text(const struct field *f)
{
    return f->kind == FIELD_TEXT || f->kind == FIELD_OPT_TEXT;
}

static void
copy_list(const struct field *f, const void *from, void *to)
{
    set_elements(f, to, NULL);
    *count_at(to, f->n) = *count_at(to, f->cap) = 0;
    for (size_t i = 0; i < field_list_n(f, from); i++) {
        fields_copy(f->of, field_list_at(f, from, i), field_list_add(f, to));
    }
}

static void
copy_texts(const struct strlist *from, struct strlist *to)
{
    *to = (struct strlist){0};
    for (size_t i = 0; i < from->n; i++) {
        strlist_add(to, from->v[i]);
    }
}

static void
copy_field(const struct field *f, const void *from, void *to)
{
    const void *at = field_at_const(f, from);

    if (is_text(f)) {
        const char *text = *(char *const *)at;

        *(char **)field_at(f, to) = text == NULL ? NULL : xstrdup(text);
    } else if (f->kind == FIELD_TEXTS) {
        copy_texts(at, field_at(f, to));
    } else if (f->kind == FIELD_JSON) {
        *(json_t **)field_at(f, to) = json_deep_copy(*(json_t *const *)at);
    } else if (f->kind == FIELD_OBJECT) {
        fields_copy(f->of, at, field_at(f, to));
    } else if (f->kind == FIELD_LIST) {
        copy_list(f, from, to);
    } else {
        memcpy(field_at(f, to), at, f->size);
        if (f->kind == FIELD_OPT_HEX) {
            *((bool *)to + f->has) = *((const bool *)from + f->has);
        }
    }
}

void
fields_copy(const struct fields *fs, const void *from, void *to)
{
    for (size_t i = 0; i < fs->n; i++) {
        copy_field(&fs->v[i], from, to);
    }
}

static void
free_list(const struct field *f, void *in)
{
    char *v = elements(f, in);

    for (size_t i = 0; i < field_list_n(f, in); i++) {
        fields_free(f->of, v + i * f->of->size);
    }
    free(v);
    set_elements(f, in, NULL);
    *count_at(in, f->n) = *count_at(in, f->cap) = 0;
}

void
field_list_keep(const struct field *f, void *in, field_keep_fn *keep, const void *ctx)
{
    char  *v = elements(f, in);
    size_t size = f->of->size, n = 0;

    for (size_t i = 0; i < field_list_n(f, in); i++) {
        if (!keep(ctx, v + i * size)) {
            fields_free(f->of, v + i * size);
        } else if (n++ < i) {
            memcpy(v + (n - 1) * size, v + i * size, size);
        }
    }
    *count_at(in, f->n) = n;
}

void
fields_free(const struct fields *fs, void *in)
{
    for (size_t i = 0; i < fs->n; i++) {
        const struct field *f = &fs->v[i];
        void               *at = field_at(f, in);

        if (is_text(f)) {
            free(*(char **)at);
            *(char **)at = NULL;
        } else if (f->kind == FIELD_JSON) {
            json_decref(*(json_t **)at);
            *(json_t **)at = NULL;
        } else if (f->kind == FIELD_TEXTS) {
            strlist_free(at);
        } else if (f->kind == FIELD_OBJECT) {
            fields_free(f->of, at);
        } else if (f->kind == FIELD_LIST) {
            free_list(f, in);
        }
    }
}
