#include "storage/format/chunklist.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "storage/format/chunk.h"

static int
by_name(const void *a, const void *b)
{
    const struct chunk_ref *const *ra = a;
    const struct chunk_ref *const *rb = b;

    return chunk_name_compare(&(*ra)->name, &(*rb)->name);
}

int
chunk_list_format(const struct chunk_ref *v, size_t n, struct buf *out, struct err *e)
{
    const struct chunk_ref **sorted = xcalloc(n + 1, sizeof *sorted);
    int                      rc = 0;

    for (size_t i = 0; i < n; i++) {
        sorted[i] = &v[i];
    }
    if (n > 1) {
        qsort(sorted, n, sizeof *sorted, by_name);
    }
    for (size_t i = 0; rc == 0 && i < n; i++) {
        char name[CHUNK_NAME_MAX];

        rc = buf_printf(out, e, "%s %" PRIu64 " %" PRIu64 " %" PRId64 "\n",
                        chunk_name_format(&sorted[i]->name, name), sorted[i]->size,
                        sorted[i]->raw_size, (int64_t)sorted[i]->retain_until);
    }
    free(sorted);
    return rc;
}

/* A decimal number and the character that must follow it. */
static int
take_number(const char **p, char follows, uint64_t *out)
{
    char *end;

    if (**p < '0' || **p > '9') {
        return -1;
    }
    errno = 0;
    *out = strtoull(*p, &end, 10);
    if (errno != 0 || *end != follows || *out > INT64_MAX) {
        return -1;
    }
    *p = end + 1;
    return 0;
}

static int
parse_line(char *line, struct chunk_ref *c)
{
    char       *blank = strchr(line, ' ');
    const char *p;
    uint64_t    until;

    if (blank == NULL) {
        return -1;
    }
    *blank = '\0';
    p = blank + 1;
    if (chunk_name_parse(line, &c->name) != 0 || take_number(&p, ' ', &c->size) != 0 ||
        take_number(&p, ' ', &c->raw_size) != 0 || take_number(&p, '\0', &until) != 0 ||
        c->raw_size > CHUNK_RAW_MAX) {
        return -1;
    }
    c->retain_until = (time_t)until;
    return 0;
}

int
chunk_list_parse(const void *text, size_t n, chunk_ref_fn *fn, void *ctx, struct err *e)
{
    enum { LINE_MAX_BYTES = CHUNK_NAME_MAX + 3 * 21 };
    const char       *p = text;
    const char       *end = p + n;
    struct chunk_name previous = {0};

    for (size_t number = 1; p < end; number++) {
        const char      *nl = memchr(p, '\n', (size_t)(end - p));
        char             line[LINE_MAX_BYTES];
        struct chunk_ref c;

        if (nl == NULL || nl - p >= (ptrdiff_t)sizeof line ||
            memchr(p, '\0', (size_t)(nl - p)) != NULL) {
            return err_set(e, ERR_CORRUPT, "line %zu is cut short or too long", number);
        }
        memcpy(line, p, (size_t)(nl - p));
        line[nl - p] = '\0';
        if (parse_line(line, &c) != 0) {
            return err_set(e, ERR_CORRUPT, "line %zu is not \"name size raw-size retain-until\"",
                           number);
        }
        if (number > 1 && chunk_name_compare(&previous, &c.name) >= 0) {
            return err_set(e, ERR_CORRUPT, "line %zu is a duplicate or out of order", number);
        }
        previous = c.name;
        if (fn(ctx, &c, e) != 0) {
            return -1;
        }
        p = nl + 1;
    }
    return 0;
}
