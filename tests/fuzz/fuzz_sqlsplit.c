/*
 * fuzz_sqlsplit.c - any text is cut into statements, or refused; what came out has no statement end
 * outside of quotes.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pg/archive/sqlsplit.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    char          *text = xstrndup((const char *)data, n);
    struct strlist first = {0}, again = {0};
    struct err     e = ERR_INIT;

    if (sql_split(text, &first, &e) == 0) {
        for (size_t i = 0; i < first.n; i++) {
            size_t before = again.n;
            /* A statement is one statement. */
            if (sql_split(first.v[i], &again, &e) != 0 || again.n != before + 1) {
                abort();
            }
        }
    }
    strlist_free(&first);
    strlist_free(&again);
    free(text);
    return 0;
}
