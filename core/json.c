#include "core/json.h"

#include <sodium.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "core/enc.h"
#include "core/mem.h"
#include "core/runid.h"
#include "core/utf8.h"

/* Before main(), in every program that has this module, so that none can forget it.  jansson
 * reports a failed allocation only by the result of each call, such as json_object_set_new(), and a
 * key would be missing where one is not checked: with an allocator that either succeeds or ends the
 * program there is nothing to check. */
static void __attribute__((constructor)) never_without_memory(void)
{
    json_set_alloc_funcs(xmalloc, free);
}

#define INT_LIMIT ((json_int_t)1 << 53) /* what every JSON reader holds exactly */

/* jansson's own limit is 2048 levels of recursion; brackets inside strings do not count. */
static bool
too_deep(const char *s, size_t n)
{
    int  depth = 0;
    bool in_string = false;

    for (size_t i = 0; i < n; i++) {
        if (in_string) {
            if (s[i] == '\\') {
                i++;
            } else if (s[i] == '"') {
                in_string = false;
            }
        } else if (s[i] == '"') {
            in_string = true;
        } else if (s[i] == '{' || s[i] == '[') {
            if (++depth > JSON_DEPTH_MAX) {
                return true;
            }
        } else if (s[i] == '}' || s[i] == ']') {
            depth--;
        }
    }
    return false;
}

/* quote: the error may hold a piece of the text. */
static json_t *
read_text(const void *text, size_t n, bool quote, struct err *e)
{
    json_error_t why;
    json_t      *j;

    if (too_deep(text, n)) {
        err_set(e, ERR_CORRUPT, "not valid JSON: nested more than %d deep", JSON_DEPTH_MAX);
        return NULL;
    }
    j = json_loadb(text, n, JSON_REJECT_DUPLICATES, &why);
    if (j == NULL) {
        err_set(e, ERR_CORRUPT, "not valid JSON: line %d%s%s", why.line, quote ? ": " : "",
                quote ? why.text : "");
    }
    return j;
}

json_t *
json_read(const void *text, size_t n, struct err *e)
{
    return read_text(text, n, true, e);
}

json_t *
json_read_secret(const void *text, size_t n, struct err *e)
{
    return read_text(text, n, false, e);
}

struct sink {
    struct buf *out;
    struct err *e;
};

static int
to_sink(const char *p, size_t n, void *ctx)
{
    struct sink *s = ctx;

    return buf_append(s->out, p, n, s->e);
}

int
json_write(const json_t *j, struct buf *out, struct err *e)
{
    struct sink s = {out, e};

    err_clear(e);
    if (json_dump_callback(j, to_sink, &s, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY) != 0) {
        return e->kind != ERR_NONE ? -1 : err_set(e, ERR_IO, "a value cannot be written as JSON");
    }
    return 0;
}

static json_t *
get(const json_t *j, const char *key, struct err *e)
{
    json_t *v = json_object_get(j, key);

    if (v == NULL) {
        err_set(e, ERR_CORRUPT, "key \"%s\" is missing", key);
    }
    return v;
}

static int
wrong(const char *key, const char *what, struct err *e)
{
    return err_set(e, ERR_CORRUPT, "key \"%s\" is not %s", key, what);
}

int
json_get_str(const json_t *j, const char *key, const char **out, struct err *e)
{
    const json_t *v = get(j, key, e);

    if (v == NULL) {
        return -1;
    }
    *out = json_string_value(v);
    return *out == NULL ? wrong(key, "a string", e) : 0;
}

int
json_get_int(const json_t *j, const char *key, int64_t *out, struct err *e)
{
    const json_t *v = get(j, key, e);

    if (v == NULL) {
        return -1;
    }
    if (!json_is_integer(v) || json_integer_value(v) < 0 || json_integer_value(v) >= INT_LIMIT) {
        return wrong(key, "an integer from 0 to 2^53 - 1", e);
    }
    *out = json_integer_value(v);
    return 0;
}

int
json_get_bool(const json_t *j, const char *key, bool *out, struct err *e)
{
    const json_t *v = get(j, key, e);

    if (v == NULL) {
        return -1;
    }
    if (!json_is_boolean(v)) {
        return wrong(key, "true or false", e);
    }
    *out = json_is_true(v);
    return 0;
}

int
json_get_hex(const json_t *j, const char *key, uint8_t *out, size_t n, struct err *e)
{
    const char *hex;

    if (json_get_str(j, key, &hex, e) != 0) {
        return -1;
    }
    return hex_decode(hex, strlen(hex), out, n) == 0
        ? 0
        : err_set(e, ERR_CORRUPT, "key \"%s\" is not %zu hex digits", key, 2 * n);
}

void
json_set_hex(json_t *j, const char *key, const uint8_t *bytes, size_t n)
{
    char *hex = xmalloc(2 * n + 1);

    hex_encode(bytes, n, hex);
    (void)json_object_set_new(j, key, json_string(hex));
    explicit_bzero(hex, 2 * n + 1);
    free(hex);
}

void
json_wipe(const json_t *j, const char *key)
{
    json_t *v = json_object_get(j, key);

    if (json_is_string(v)) {
        explicit_bzero((char *)(uintptr_t)json_string_value(v), json_string_length(v));
    }
}

int
json_get_hex64(const json_t *j, const char *key, uint64_t *out, struct err *e)
{
    uint8_t     b[8];
    const char *text;

    if (json_get_str(j, key, &text, e) != 0) {
        return -1;
    }
    if (hex_decode(text, strlen(text), b, sizeof b) != 0) {
        return wrong(key, "16 hexadecimal digits", e);
    }
    *out = 0;
    for (size_t i = 0; i < sizeof b; i++) {
        *out = *out << 8 | b[i];
    }
    return 0;
}

int
json_get_array(const json_t *j, const char *key, json_t **out, struct err *e)
{
    *out = get(j, key, e);
    if (*out == NULL) {
        return -1;
    }
    return json_is_array(*out) ? 0 : wrong(key, "an array", e);
}

int
json_get_object(const json_t *j, const char *key, json_t **out, struct err *e)
{
    *out = get(j, key, e);
    if (*out == NULL) {
        return -1;
    }
    return json_is_object(*out) ? 0 : wrong(key, "an object", e);
}

const char *
json_opt_str(const json_t *j, const char *key, const char *dflt)
{
    const char *s = json_string_value(json_object_get(j, key));

    return s == NULL ? dflt : s;
}

int64_t
json_opt_int(const json_t *j, const char *key, int64_t dflt)
{
    const json_t *v = json_object_get(j, key);

    return json_is_integer(v) ? json_integer_value(v) : dflt;
}

bool
json_opt_bool(const json_t *j, const char *key, bool dflt)
{
    const json_t *v = json_object_get(j, key);

    return json_is_boolean(v) ? json_is_true(v) : dflt;
}

json_t *
json_hex64(uint64_t v)
{
    uint8_t b[8];
    char    text[17];

    for (size_t i = sizeof b; i-- > 0; v >>= 8) {
        b[i] = (uint8_t)v;
    }
    hex_encode(b, sizeof b, text);
    return json_string(text);
}

json_t *
json_bytes(const char *s, size_t n)
{
    size_t  cap;
    char   *text;
    json_t *j;

    if (memchr(s, '\0', n) == NULL && utf8_valid(s, n)) {
        return json_stringn(s, n);
    }
    cap = sodium_base64_encoded_len(n, sodium_base64_VARIANT_ORIGINAL);
    text = xmalloc(cap);
    sodium_bin2base64(text, cap, (const unsigned char *)s, n, sodium_base64_VARIANT_ORIGINAL);
    j = json_object();
    json_object_set_new(j, "b64", json_string(text));
    free(text);
    return j;
}

json_t *
json_text(const char *s)
{
    return s == NULL ? json_null() : json_bytes(s, strlen(s));
}

json_t *
json_flat(const char *format, ...)
{
    json_t *o = *format == '{' ? json_object() : NULL;
    va_list ap;

    va_start(ap, format);
    for (const char *f = strchr(format, ':'); o != NULL && f != NULL; f = strchr(f + 1, ':')) {
        const char *key = va_arg(ap, const char *);
        json_t     *value = NULL;

        switch (f[1]) {
        case 's':
            value = json_text(va_arg(ap, const char *));
            break;
        case 'o':
            value = va_arg(ap, json_t *);
            break;
        case 'O':
            value = json_incref(va_arg(ap, json_t *));
            break;
        case 'I':
            value = json_integer(va_arg(ap, json_int_t));
            break;
        case 'b':
            value = json_boolean(va_arg(ap, int));
            break;
        case 'f':
            value = json_real(va_arg(ap, double));
            break;
        default:
            break;
        }
        if (json_object_set_new(o, key, value) != 0) {
            json_decref(o);
            o = NULL;
        }
    }
    va_end(ap);
    return o;
}

char *
json_bytes_get(const json_t *j, size_t *n, struct err *e)
{
    const char *text = json_string_value(j);
    size_t      len;
    char       *out;

    if (text != NULL) {
        *n = json_string_length(j);
        return xstrndup(text, *n);
    }
    text = json_string_value(json_object_get(j, "b64"));
    if (text == NULL) {
        err_set(e, ERR_CORRUPT, "neither a string nor {\"b64\": ...}");
        return NULL;
    }
    len = strlen(text);
    out = xmalloc(len + 1);
    if (sodium_base642bin((unsigned char *)out, len, text, len, NULL, n, NULL,
                          sodium_base64_VARIANT_ORIGINAL) != 0) {
        free(out);
        err_set(e, ERR_CORRUPT, "\"b64\" does not hold base64");
        return NULL;
    }
    out[*n] = '\0';
    return out;
}

void
json_set_run(json_t *o)
{
    (void)json_object_set_new(o, "run_id", json_string(run_id()));
}

int
json_print(json_t *o, struct err *e)
{
    json_set_run(o);
    return json_print_stored(o, e);
}

int
json_print_stored(json_t *o, struct err *e)
{
    int rc = json_dumpf(o, stdout, JSON_INDENT(2) | JSON_SORT_KEYS);

    json_decref(o);
    (void)putchar('\n');
    /* Write errors are reported at exit (core/exit.h). */
    return rc == 0 || ferror(stdout) != 0
        ? 0
        : err_set(e, ERR_IO, "the result cannot be written as JSON");
}
