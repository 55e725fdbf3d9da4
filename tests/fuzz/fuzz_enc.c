/* Names become keys and come back; only what name_encode() writes is taken; times parse or do
 * not. */
#include <stdlib.h>
#include <string.h>

#include "core/enc.h"
#include "core/human.h"
#include "core/mem.h"
#include "core/print.h"
#include "core/utf8.h"
#include "core/when.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* Valid text without a control, which shown again is the same. */
static void
shown(const char *text)
{
    size_t n = print_copy(NULL, 0, text) + 1;
    char  *once = xmalloc(n), *twice = xmalloc(n);

    if (print_copy(once, n, text) != n - 1 || print_copy(twice, n, once) != n - 1 ||
        strcmp(once, twice) != 0 || !utf8_valid(once, n - 1)) {
        abort();
    }
    for (const char *p = once; *p != '\0'; p++) {
        if ((unsigned char)*p < 0x20 || *p == 0x7f ||
            ((unsigned char)p[0] == 0xc2 && (unsigned char)p[1] < 0xa0)) {
            abort();
        }
    }
    free(once);
    free(twice);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct err  e = ERR_INIT;
    char       *text = xstrndup((const char *)data, n);
    char       *key = name_encode(text);
    char       *back = name_decode(key);
    char       *decoded = name_decode(text);
    time_t      t;
    struct when w;

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
    (void)when_parse(text, 1795267820, &w, &e);
    (void)utf8_valid((const char *)data, n);
    shown(text);
    free(text);
    free(key);
    free(back);
    free(decoded);
    return 0;
}
