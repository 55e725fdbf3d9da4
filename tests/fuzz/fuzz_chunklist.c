/* Each line of a chunk list that is accepted names a chunk, in ascending order; its names read
 * back as they were. */
#include <stdlib.h>
#include <string.h>

#include "storage/format/chunklist.h"
#include "storage/format/chunkname.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static int
check_line(void *ctx, const struct chunk_ref *line, struct err *e)
{
    char             *last = ctx;
    char              text[CHUNK_NAME_MAX];
    struct chunk_name again;

    (void)e;
    chunk_name_format(&line->name, text);
    if (chunk_name_parse(text, &again) != 0 || !chunk_name_equal(&again, &line->name) ||
        line->raw_size > CHUNK_RAW_MAX || strcmp(last, text) >= 0) {
        abort();
    }
    memcpy(last, text, sizeof text);
    return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct err e = ERR_INIT;
    char       last[CHUNK_NAME_MAX] = "";

    if (chunk_list_parse(data, n, check_line, last, &e) != 0 &&
        (e.kind != ERR_CORRUPT || e.text[0] == '\0')) {
        abort();
    }
    return 0;
}
