/* A list of pieces that is accepted is written as it was read. */
#include <stdlib.h>
#include <string.h>

#include "storage/format/delta.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct err        e = ERR_INIT;
    struct buf        again = BUF_INIT(BUF_NO_LIMIT);
    struct delta_runs runs = {0};

    if (delta_list_parse(data, n, &runs, &e) != 0) {
        if (e.kind != ERR_CORRUPT || e.text[0] == '\0') {
            abort();
        }
    } else if (delta_list_format(&runs, &again, &e) != 0 || again.len != n ||
               (n > 0 && memcmp(again.data, data, n) != 0)) {
        abort();
    }
    delta_runs_free(&runs);
    buf_free(&again);
    return 0;
}
