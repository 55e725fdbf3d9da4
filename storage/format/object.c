#include "storage/format/object.h"

#include <stdlib.h>
#include <string.h>

#include "core/crypto/hash.h"
#include "core/human.h"
#include "core/json.h"
#include "core/mem.h"

json_t *
object_new(const char *type)
{
    json_t *o = json_object();

    (void)json_object_set_new(o, "format", json_integer(OBJECT_FORMAT));
    (void)json_object_set_new(o, "needs", json_array());
    (void)json_object_set_new(o, "type", json_string(type));
    return o;
}

static const char need_encryption[] = "encryption";

void
object_need_encryption(json_t *o)
{
    json_t *needs = json_array();

    (void)json_array_append_new(needs, json_string(need_encryption));
    (void)json_object_set_new(o, "needs", needs);
}

int
object_format(const json_t *o, struct buf *out, struct err *e)
{
    size_t  begin = out->len;
    json_t *back;
    bool    same;

    if (json_write(o, out, e) != 0 ||
        (back = json_read(out->data + begin, out->len - begin, e)) == NULL) {
        return -1;
    }
    same = json_equal(o, back) != 0;
    json_decref(back);
    return same ? buf_append(out, "\n", 1, e)
                : err_set(e, ERR_IO, "reads back differently from what was written");
}

static int
from_newer(struct err *e)
{
    e->newer = true;
    return err_hint(e, "a newer pgassay wrote it: upgrade this one");
}

int
object_check(const json_t *o, const char *type, struct err *e)
{
    int64_t     format;
    json_t     *needs;
    const char *is;

    if (json_get_int(o, "format", &format, e) != 0) {
        return -1;
    }
    if (format != OBJECT_FORMAT) {
        err_set(e, ERR_CORRUPT, "format %jd is not known to this program (it knows %d)",
                (intmax_t)format, OBJECT_FORMAT);
        return from_newer(e);
    }
    if (json_get_array(o, "needs", &needs, e) != 0) {
        return -1;
    }
    for (size_t i = 0; i < json_array_size(needs); i++) {
        const char *need = json_string_value(json_array_get(needs, i));

        if (need != NULL &&
            (strcmp(need, need_encryption) == 0 || strcmp(need, OBJECT_NEED_DELTA) == 0)) {
            continue;
        }
        err_set(e, ERR_CORRUPT, "needs \"%s\", which is not known to this program",
                need != NULL ? need : "?");
        return from_newer(e);
    }
    if (json_get_str(o, "type", &is, e) != 0) {
        return -1;
    }
    return strcmp(is, type) == 0 ? 0
                                 : err_set(e, ERR_CORRUPT, "is a \"%s\", not a \"%s\"", is, type);
}

json_t *
object_parse(const void *text, size_t n, const char *type, struct err *e)
{
    const char *end = n == 0 ? NULL : memchr(text, '\n', n);
    json_t     *o;

    if (end == NULL) {
        err_set(e, ERR_CORRUPT, "is cut short: no end of line");
        return NULL;
    }
    o = json_read(text, (size_t)(end - (const char *)text), e);
    if (o == NULL) {
        return NULL;
    }
    if (!json_is_object(o)) {
        err_set(e, ERR_CORRUPT, "is not a JSON object");
    } else if (object_check(o, type, e) == 0) {
        return o;
    }
    json_decref(o);
    return NULL;
}

char *
object_text_of(const json_t *v, struct err *e)
{
    size_t n;
    char  *text = json_bytes_get(v, &n, e);

    if (text != NULL && strlen(text) != n) {
        err_set(e, ERR_CORRUPT, "it holds a NUL");
        free(text);
        text = NULL;
    }
    return text;
}

char *
object_text(const json_t *o, const char *key, struct err *e)
{
    const json_t *v = json_object_get(o, key);
    char         *text;

    if (v == NULL) {
        err_set(e, ERR_CORRUPT, "key \"%s\" is missing", key);
        return NULL;
    }
    text = object_text_of(v, e);
    if (text == NULL) {
        err_wrap(e, "key \"%s\"", key);
    }
    return text;
}

int
object_opt_text(const json_t *o, const char *key, char **out, struct err *e)
{
    const json_t *v = json_object_get(o, key);

    *out = NULL;
    if (v == NULL || json_is_null(v)) {
        return 0;
    }
    *out = object_text(o, key, e);
    return *out != NULL ? 0 : -1;
}

void
object_set_text(json_t *o, const char *key, const char *text)
{
    if (text != NULL) {
        (void)json_object_set_new(o, key, json_text(text));
    }
}

char *
object_stamp(time_t at)
{
    char text[20];
    char random[2 * 8 + 1];

    random_hex(8, random);
    return xasprintf("%s-%s", time_compact(at, text, sizeof text), random);
}
