#include "storage/exchange/bundle_sums.h"

#include <stdlib.h>
#include <string.h>

#include "core/crypto/hash.h"
#include "core/mem.h"

static const char between[] = "  ";

enum { NAME_BYTES_MAX = 4096 }; /* no file has a longer one */

static int
parse_line(const char *line, size_t n, bundle_sum_fn *fn, void *ctx, struct err *e)
{
    const size_t before = SHA256_HEX + sizeof between - 1;
    char        *name;
    int          rc;

    if (n <= before || memchr(line, '\0', n) != NULL ||
        memcmp(line + SHA256_HEX, between, sizeof between - 1) != 0) {
        return err_set(e, ERR_CORRUPT, "not as sha256sum writes it");
    }
    if (n - before > NAME_BYTES_MAX) {
        return err_set(e, ERR_CORRUPT, "a name of %zu bytes, which no file has", n - before);
    }
    for (size_t i = 0; i < SHA256_HEX; i++) {
        if (strchr("0123456789abcdef", line[i]) == NULL) {
            return err_set(e, ERR_CORRUPT, "not a SHA-256");
        }
    }
    name = xstrndup(line + before, n - before);
    rc = fn(ctx, line, name, e);
    free(name);
    return rc;
}

int
bundle_sums_parse(const void *text, size_t n, bundle_sum_fn *fn, void *ctx, struct err *e)
{
    const char *p = text, *end = p + n;

    for (size_t number = 1; p < end; number++) {
        const char *eol = memchr(p, '\n', (size_t)(end - p));

        if (parse_line(p, (size_t)((eol == NULL ? end : eol) - p), fn, ctx, e) != 0) {
            return err_wrap(e, "line %zu", number);
        }
        p = eol == NULL ? end : eol + 1;
    }
    return 0;
}
