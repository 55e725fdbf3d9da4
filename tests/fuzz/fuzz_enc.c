/* Names become keys and come back; only what name_encode() writes is taken; times parse or do
 * not. */
#include <stdlib.h>
#include <string.h>

#include "core/enc.h"
#include "core/human.h"
#include "core/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct err e = ERR_INIT;
    char      *text = xstrndup((const char *)data, n);
    char      *key = name_encode(text);
    char      *back = name_decode(key);
    char      *decoded = name_decode(text);
    time_t     t;

    if (*text != '\0' && (back == NULL || strcmp(back, text) != 0)) {
        abort();
    }
    if (decoded != NULL) {
        char *same = name_encode(decoded);

        if (strcmp(same, text) != 0) {
            abort();
        }
        free(same);
    }
    (void)time_parse(text, &t, &e);
    (void)utf8_valid((const char *)data, n);
    free(text);
    free(key);
    free(back);
    free(decoded);
    return 0;
}
