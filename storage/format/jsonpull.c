#include "storage/format/jsonpull.h"

#include "core/json.h"

void
jsonpull_init(struct jsonpull *jp, const void *text, size_t n)
{
    jp->start = text;
    jp->p = text;
    jp->end = jp->p + n;
    jp->fresh = false;
}

static void
skip_blanks(struct jsonpull *jp)
{
    while (jp->p < jp->end &&
           (*jp->p == ' ' || *jp->p == '\t' || *jp->p == '\n' || *jp->p == '\r')) {
        jp->p++;
    }
}

static int
wrong(struct jsonpull *jp, const char *what, struct err *e)
{
    return err_set(e, ERR_CORRUPT, "not valid JSON: %s at byte %td", what, jp->p - jp->start);
}

/* Consumes this character, or reports that it is missing. */
static bool
take(struct jsonpull *jp, char c)
{
    skip_blanks(jp);
    if (jp->p < jp->end && *jp->p == c) {
        jp->p++;
        return true;
    }
    return false;
}

int
jsonpull_enter(struct jsonpull *jp, char bracket, struct err *e)
{
    if (!take(jp, bracket)) {
        return wrong(jp, bracket == '{' ? "'{' expected" : "'[' expected", e);
    }
    jp->fresh = true;
    return 0;
}

static int
next(struct jsonpull *jp, char closing, struct err *e)
{
    bool fresh = jp->fresh;

    jp->fresh = false;
    if (take(jp, closing)) {
        return 0;
    }
    if (!fresh && !take(jp, ',')) {
        return wrong(jp, "',' or the end of a list expected", e);
    }
    return 1;
}

int
jsonpull_item(struct jsonpull *jp, struct err *e)
{
    return next(jp, ']', e);
}

int
jsonpull_key(struct jsonpull *jp, json_t **key, struct err *e)
{
    int more = next(jp, '}', e);

    *key = NULL;
    if (more <= 0) {
        return more;
    }
    *key = jsonpull_value(jp, e);
    if (*key == NULL) {
        return -1;
    }
    if (!json_is_string(*key) || !take(jp, ':')) {
        json_decref(*key);
        *key = NULL;
        return wrong(jp, "a key and ':' expected", e);
    }
    return 1;
}

static bool
too_deep(json_t *v, int left)
{
    if (left == 0) {
        return json_is_object(v) || json_is_array(v);
    }
    for (size_t i = 0; i < json_array_size(v); i++) {
        if (too_deep(json_array_get(v, i), left - 1)) {
            return true;
        }
    }
    for (void *it = json_object_iter(v); it != NULL; it = json_object_iter_next(v, it)) {
        if (too_deep(json_object_iter_value(it), left - 1)) {
            return true;
        }
    }
    return false;
}

json_t *
jsonpull_value(struct jsonpull *jp, struct err *e)
{
    const size_t flags = JSON_REJECT_DUPLICATES | JSON_DISABLE_EOF_CHECK | JSON_DECODE_ANY;
    json_error_t why;
    json_t      *v;

    skip_blanks(jp);
    v = json_loadb(jp->p, (size_t)(jp->end - jp->p), flags, &why);
    if (v == NULL) {
        wrong(jp, why.text, e);
        return NULL;
    }
    if (too_deep(v, JSON_DEPTH_MAX)) {
        json_decref(v);
        wrong(jp, "nested too deeply", e);
        return NULL;
    }
    jp->p += why.position;
    return v;
}

int
jsonpull_end(struct jsonpull *jp, struct err *e)
{
    skip_blanks(jp);
    return jp->p == jp->end ? 0 : wrong(jp, "trailing data", e);
}
