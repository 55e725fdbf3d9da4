#include "storage/keys/signed.h"

#include <stdlib.h>

#include "core/json.h"
#include "storage/format/object.h"

int
object_put(struct signed_store in, const char *key, const json_t *o, struct err *e)
{
    struct buf line = BUF_INIT(BUF_NO_LIMIT);
    int        rc = -1;

    const char *type = json_opt_str(o, "type", "");

    if (trust_may(in.trust, type, e) == 0 && object_format(o, &line, e) == 0 &&
        trust_sign(in.trust, type, key, &line, e) == 0) {
        rc = storage_put(in.st, key, line.data, line.len, e);
    }
    buf_free(&line);
    return rc;
}

/* For an object that could not be parsed: e says whether a trusted key has signed it, as for
 * others. */
static void
doubt_unparsed(struct trust *trust, const char *type, const char *key, const struct buf *raw,
               struct err *e)
{
    struct err doubt = ERR_INIT;

    if (trust_check(trust, type, key, raw->data, raw->len, &doubt) != 0) {
        e->untrusted = e->newer = true;
    }
}

json_t *
object_get(struct signed_store in, const char *key, const char *type, size_t max, struct err *e)
{
    struct buf raw = BUF_INIT(max);
    json_t    *o = NULL;

    if (storage_get(in.st, key, &raw, e) == 0) {
        o = object_parse(raw.data, raw.len, type, e);
        if (o == NULL) {
            doubt_unparsed(in.trust, type, key, &raw, e);
        } else if (trust_check(in.trust, type, key, raw.data, raw.len, e) != 0) {
            json_decref(o);
            o = NULL;
        }
        if (o == NULL) {
            err_wrap(e, "\"%s\"", key);
        }
    }
    buf_free(&raw);
    return o;
}
