/* A manifest that is accepted is written, read again, and says the same. */
#include <stdlib.h>
#include <string.h>

#include "storage/format/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct err       e = ERR_INIT;
    struct buf       out = BUF_INIT(64 * MIB);
    struct buf       out_again = BUF_INIT(64 * MIB);
    struct manifest *m = manifest_parse(data, n, &e);
    struct manifest *again;

    if (m == NULL) {
        if (e.kind != ERR_CORRUPT || e.text[0] == '\0') {
            abort();
        }
        return 0;
    }
    if (manifest_format(m, &out, &e) != 0) {
        abort();
    }
    again = manifest_parse(out.data, out.len, &e);
    if (again == NULL || manifest_format(again, &out_again, &e) != 0 || out.len != out_again.len ||
        memcmp(out.data, out_again.data, out.len) != 0) {
        abort();
    }
    manifest_free(m);
    manifest_free(again);
    buf_free(&out);
    buf_free(&out_again);
    return 0;
}
