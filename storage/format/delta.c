#include "storage/format/delta.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"

void
delta_runs_add(struct delta_runs *r, const struct delta_run *run)
{
    struct delta_run *last = r->n == 0 ? NULL : &r->v[r->n - 1];

    if (last != NULL && last->source == run->source && last->offset + last->length == run->offset) {
        last->length += run->length;
        return;
    }
    VEC_GROW(r->v, r->n, r->cap);
    r->v[r->n++] = *run;
}

void
delta_runs_free(struct delta_runs *r)
{
    free(r->v);
    *r = (struct delta_runs){0};
}

int
delta_list_format(const struct delta_runs *r, struct buf *out, struct err *e)
{
    for (size_t i = 0; i < r->n; i++) {
        if (buf_printf(out, e, "%" PRIu32 " %" PRIu32 " %" PRIu32 "\n", r->v[i].source,
                       r->v[i].offset, r->v[i].length) != 0) {
            return -1;
        }
    }
    return 0;
}

/* A number without leading zeros, and the character after it. */
static const char *
number(const char *p, const char *end, char after, uint32_t *out)
{
    const char *begin = p;
    uint64_t    value = 0;

    while (p < end && *p >= '0' && *p <= '9' && value <= UINT32_MAX) {
        value = value * 10 + (uint64_t)(*p++ - '0');
    }
    if (p == begin || value > UINT32_MAX || p == end || *p != after ||
        (*begin == '0' && p > begin + 1)) {
        return NULL;
    }
    *out = (uint32_t)value;
    return p + 1;
}

int
delta_list_parse(const void *text, size_t n, struct delta_runs *out, struct err *e)
{
    const char *p = text;
    const char *end = n == 0 ? p : p + n;

    for (size_t line = 1; p < end; line++) {
        struct delta_run run = {0};

        if ((p = number(p, end, ' ', &run.source)) == NULL ||
            (p = number(p, end, ' ', &run.offset)) == NULL ||
            (p = number(p, end, '\n', &run.length)) == NULL || run.length == 0) {
            return err_set(e, ERR_CORRUPT, "line %zu is not \"source offset length\"", line);
        }
        VEC_GROW(out->v, out->n, out->cap);
        out->v[out->n++] = run;
    }
    return 0;
}
