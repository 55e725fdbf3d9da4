/* What json.h reads, it can write, and read again as the same. */
#include <stdlib.h>

#include "core/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct err  e = ERR_INIT;
    struct buf  out = BUF_INIT(16 * MIB);
    json_t     *j = json_read(data, n, &e);
    json_t     *again;
    const char *key;
    json_t     *value;

    if (j == NULL) {
        if (e.kind != ERR_CORRUPT || e.text[0] == '\0') {
            abort();
        }
        return 0;
    }
    if (json_write(j, &out, &e) != 0) {
        abort();
    }
    again = json_read(out.data, out.len, &e);
    if (again == NULL || !json_equal(j, again)) {
        abort();
    }
    json_object_foreach (j, key, value) {
        int64_t  i;
        uint64_t h;
        size_t   len;

        (void)json_get_int(j, key, &i, &e);
        (void)json_get_hex64(j, key, &h, &e);
        free(json_bytes_get(value, &len, &e));
    }
    json_decref(j);
    json_decref(again);
    buf_free(&out);
    return 0;
}
