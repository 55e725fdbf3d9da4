/*
 * fuzz_archive.c - the list and the SQL that pg_restore prints, separated by a line "====".  What
 * is believed has every token of the text, and no other.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pg/archive/archive_split.h"
#include "tests/support/sql_kept.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const char    between[] = "\n====\n";
    char                *list = xstrndup((const char *)data, n), *text = strstr(list, between);
    struct archive       a = {0};
    struct archive_split s;
    struct err           e = ERR_INIT;
    size_t              *all;

    if (text == NULL) {
        text = list + strlen(list);
    } else {
        *text = '\0';
        text += sizeof between - 1;
    }
    if (archive_split_begin(&s, &a, list, &e) == 0) {
        all = xcalloc(a.n + 1, sizeof *all);
        for (size_t i = 0; i < a.n; i++) {
            all[i] = i;
        }
        if (archive_split_text(&s, all, a.n, text)) {
            char digest[65];

            if (sql_kept(&a, text) != NULL) {
                abort();
            }
            archive_split_sections(&a);
            for (size_t i = 0; i < a.n; i++) {
                archive_entry_sha256(&a.v[i], digest);
            }
        }
        free(all);
    }
    archive_split_end(&s);
    archive_close(&a);
    free(list);
    return 0;
}
