/* A label, of a backup or of a baseline, that is accepted is written, read again, and says the
 * same. */
#include <stdlib.h>
#include <string.h>

#include "storage/format/label.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

typedef struct label *parse_fn(const void *, size_t, struct err *);

static void
take(parse_fn *parse, const uint8_t *data, size_t n)
{
    struct err    e = ERR_INIT;
    struct buf    out = BUF_INIT(16 * MIB);
    struct buf    out_again = BUF_INIT(16 * MIB);
    struct label *l = parse(data, n, &e);
    struct label *again;

    if (l == NULL) {
        if (e.kind != ERR_CORRUPT || e.text[0] == '\0') {
            abort();
        }
        return;
    }
    if (!backup_id_valid(l->id) || label_format(l, &out, &e) != 0) {
        abort();
    }
    again = parse(out.data, out.len, &e);
    if (again == NULL || label_format(again, &out_again, &e) != 0 || out.len != out_again.len ||
        memcmp(out.data, out_again.data, out.len) != 0) {
        abort();
    }
    label_free(l);
    label_free(again);
    buf_free(&out);
    buf_free(&out_again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    take(label_parse, data, n);
    take(label_parse_baseline, data, n);
    return 0;
}
