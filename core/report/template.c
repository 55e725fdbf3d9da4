#include "core/report/template.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/report/markup.h"

enum { DEPTH_MAX = 16, NAME_MAX_BYTES = 48 };

/* The element and what is around it, the innermost last. */
struct filling {
    const char   *text, *end;
    const json_t *around[DEPTH_MAX];
    size_t        depth;
    struct buf   *out;
    struct err   *e;
};

struct tag {
    char        kind; /* '=', '#', '^', '/' */
    char        name[NAME_MAX_BYTES];
    const char *begin, *after;
};

/* 1: the next tag from s on; 0: there is none; -1: it is not closed. */
static int
next_tag(struct filling *f, const char *s, struct tag *t)
{
    const char *close;
    size_t      n;

    t->begin = memmem(s, (size_t)(f->end - s), "{{", 2);
    if (t->begin == NULL) {
        return 0;
    }
    s = t->begin + 2;
    close = memmem(s, (size_t)(f->end - s), "}}", 2);
    t->kind = '=';
    if (close != NULL && (*s == '#' || *s == '^' || *s == '/')) {
        t->kind = *s++;
    }
    n = close == NULL ? 0 : (size_t)(close - s);
    if (n == 0 || n >= sizeof t->name) {
        (void)err_set(f->e, ERR_CORRUPT, "template: a tag that is not one: %.20s", t->begin);
        return -1;
    }
    memcpy(t->name, s, n);
    t->name[n] = '\0';
    t->after = close + 2;
    return 1;
}

static const json_t *
look_up(const struct filling *f, const char *name)
{
    if (strcmp(name, ".") == 0) {
        return f->around[f->depth - 1];
    }
    for (size_t i = f->depth; i > 0; i--) {
        const json_t *v = json_object_get(f->around[i - 1], name);

        if (v != NULL) {
            return v;
        }
    }
    return NULL;
}

static int
put_value(struct filling *f, const json_t *v)
{
    struct err ignored = ERR_INIT;
    char      *text;
    size_t     n;
    int        rc;

    if (json_is_integer(v)) {
        return buf_printf(f->out, f->e, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
    }
    text = json_bytes_get(v, &n, &ignored); /* a text, or bytes that are not UTF-8 */
    rc = text == NULL ? 0 : markup_text(f->out, text, f->e);
    free(text);
    return rc;
}

static bool
is_there(const json_t *v)
{
    return json_is_true(v) || json_is_object(v) || json_is_integer(v) || json_is_real(v) ||
        (json_is_array(v) && json_array_size(v) > 0) ||
        (json_is_string(v) && json_string_length(v) > 0);
}

static int fill(struct filling *f, const char **at, const char *until, bool write);

/* Fills the part up to its end once, with this element innermost; *at is left behind the end. */
static int
fill_with(struct filling *f, const char **at, const char *name, const json_t *element, bool write)
{
    int rc;

    if (f->depth == DEPTH_MAX) {
        return err_set(f->e, ERR_CORRUPT, "template: too deep at %s", name);
    }
    f->around[f->depth++] = element;
    rc = fill(f, at, name, write);
    f->depth--;
    return rc;
}

static int
fill_part(struct filling *f, const char **at, const struct tag *t, bool write)
{
    const json_t *v = look_up(f, t->name);
    const char   *begin = t->after;
    bool          wanted = is_there(v) == (t->kind == '#');
    size_t        n = wanted && t->kind == '#' && json_is_array(v) ? json_array_size(v) : 1;
    int           rc = 0;

    for (size_t i = 0; rc == 0 && i < n; i++) {
        const json_t *element = !wanted || t->kind == '^' ? f->around[f->depth - 1]
            : json_is_array(v)                            ? json_array_get(v, i)
                                                          : v;

        *at = begin;
        rc = fill_with(f, at, t->name, element, write && wanted);
    }
    return rc;
}

/* until NULL: to the end of the template. */
static int
fill(struct filling *f, const char **at, const char *until, bool write)
{
    struct tag t = {0};
    int        found = 0, rc = 0;

    while (rc == 0 && (found = next_tag(f, *at, &t)) > 0) {
        if (write) {
            rc = buf_append(f->out, *at, (size_t)(t.begin - *at), f->e);
        }
        *at = t.after;
        if (rc != 0) {
            return rc;
        }
        if (t.kind == '/') {
            return until != NULL && strcmp(until, t.name) == 0
                ? 0
                : err_set(f->e, ERR_CORRUPT, "template: {{/%s}} ends nothing", t.name);
        }
        if (t.kind != '=') {
            rc = fill_part(f, at, &t, write);
        } else if (write) {
            rc = put_value(f, look_up(f, t.name));
        }
    }
    if (rc != 0 || found < 0) {
        return -1;
    }
    if (until != NULL) {
        return err_set(f->e, ERR_CORRUPT, "template: {{/%s}} is missing", until);
    }
    return write ? buf_append(f->out, *at, (size_t)(f->end - *at), f->e) : 0;
}

int
template_fill(const char *text, size_t n, const json_t *data, struct buf *out, struct err *e)
{
    struct filling f = {
        .text = text, .end = text + n, .around = {data}, .depth = 1, .out = out, .e = e};
    const char *at = text;

    return fill(&f, &at, NULL, true);
}
