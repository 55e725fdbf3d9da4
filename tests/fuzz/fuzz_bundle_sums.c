/* What is accepted as SHA256SUMS is, written again, what was read. */
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/crypto/hash.h"
#include "storage/exchange/bundle_sums.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static int
write_line(void *ctx, const char *sha256, const char *name, struct err *e)
{
    return buf_printf(ctx, e, "%.*s  %s\n", SHA256_HEX, sha256, name);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct err e = ERR_INIT;
    struct buf out = BUF_INIT(MIB);

    if (bundle_sums_parse(data, n, write_line, &out, &e) != 0) {
        if (e.kind != ERR_CORRUPT || e.text[0] == '\0') {
            abort();
        }
    } else if (out.len < n || out.len > n + 1 || (n > 0 && memcmp(out.data, data, n) != 0)) {
        abort();
    }
    buf_free(&out);
    return 0;
}
