#include "storage/keys/sealedjson.h"

#include <stdlib.h>
#include <string.h>

#include "core/enc.h"
#include "core/json.h"
#include "core/mem.h"
#include "storage/format/object.h"

enum { HIDDEN_MAX = 1 << 18 };

/* The backup is authenticated, so it cannot be moved to another one. */
static struct sealed_as
hidden_as(const struct epoch *ep, const char *type, const char *backup)
{
    return (struct sealed_as){
        .type = type, .public = ep->public, .what = backup, .what_n = strlen(backup)};
}

char *
sealedjson_seal(const struct epoch *ep, const char *type, const char *backup, const json_t *o,
                struct err *e)
{
    struct sealed_as as = hidden_as(ep, type, backup);
    struct buf       text = BUF_INIT(HIDDEN_MAX);
    struct buf       sealed = BUF_INIT(2 * (size_t)HIDDEN_MAX);
    char            *hex = NULL;

    if (json_write(o, &text, e) == 0 && seal(&as, text.data, text.len, &sealed, e) == 0) {
        hex = xmalloc(2 * sealed.len + 1);
        hex_encode(sealed.data, sealed.len, hex);
    }
    buf_free(&text);
    buf_free(&sealed);
    return hex;
}

int
sealedjson_hide(const struct epoch *ep, const char *type, const char *backup, const json_t *inner,
                json_t *object, struct err *e)
{
    char *hex = sealedjson_seal(ep, type, backup, inner, e);

    if (hex == NULL) {
        return -1;
    }
    object_need_encryption(object);
    (void)json_object_set_new(object, "epoch", json_integer(ep->number));
    (void)json_object_set_new(object, "hidden", json_string(hex));
    free(hex);
    return 0;
}

json_t *
sealedjson_open(const struct epoch *ep, const char *type, const char *backup, const char *hex,
                struct err *e)
{
    struct sealed_as as = hidden_as(ep, type, backup);
    size_t           sealed_n = strlen(hex) / 2;
    uint8_t         *sealed = xmalloc(sealed_n + 1);
    const uint8_t   *text;
    size_t           n;
    json_t          *o = NULL;

    if (hex_decode(hex, strlen(hex), sealed, sealed_n) != 0) {
        err_set(e, ERR_CORRUPT, "is not hex digits");
    } else if (unseal(&as, &ep->secret, sealed, sealed_n, &text, &n, e) == 0) {
        o = json_read(text, n, e);
    }
    free(sealed);
    if (o == NULL) {
        err_wrap(e, "key \"hidden\"");
    }
    return o;
}
