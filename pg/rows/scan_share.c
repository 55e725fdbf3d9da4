#include "pg/rows/scan_share.h"

#include <sys/param.h>

#include "core/mem.h"

#define PART_MIN_BYTES (256 * MIB) /* about a second of a server's time */

static uint64_t
bytes_of(struct scan_task *const *tasks, size_t n)
{
    uint64_t bytes = 0;

    for (size_t i = 0; i < n; i++) {
        bytes += tasks[i]->bytes;
    }
    return bytes;
}

/* b begins where a ends. */
static bool
follows(const struct scan_task *a, const struct scan_task *b)
{
    const struct scan_item *x = a->items, *y = b->items;

    return b == a + 1 && a->n == 1 && b->n == 1 && x->table == y->table && x->ranged && y->ranged &&
        x->end_block > 0 && x->end_block == y->first_block;
}

/* The number of tasks from the first on that one COPY could read. */
static size_t
run_length(struct scan_task *const *tasks, size_t n)
{
    size_t run = 1;

    while (run < n && follows(tasks[run - 1], tasks[run])) {
        run++;
    }
    return run;
}

/* share: of a worker, of all bytes. */
static size_t
parts_of(struct scan_task *const *tasks, size_t run, uint64_t share, const struct scan_options *o)
{
    const struct scan_table *t = tasks[0]->items[0].table;
    uint64_t                 bytes = bytes_of(tasks, run);
    uint64_t                 part_min = o->part_min > 0 ? o->part_min : PART_MIN_BYTES;
    bool                     cheap = t->parts_by_scan && !o->busy;
    uint64_t                 most = MAX(cheap ? share + share / 4 : 2 * share, part_min);

    if (run == 1 || !t->splittable || bytes <= most) {
        return 1;
    }
    return (size_t)MIN(bytes / most + (bytes % most > 0), run);
}

struct scan_reading *
scan_share(struct scan_task *const *tasks, size_t n_tasks, const struct scan_options *o, size_t *n)
{
    struct scan_reading *v = xcalloc(n_tasks + 1, sizeof *v);
    const uint64_t       share = bytes_of(tasks, n_tasks) / (uint64_t)o->jobs;

    *n = 0;
    for (size_t i = 0; i < n_tasks;) {
        size_t run = run_length(tasks + i, n_tasks - i);
        size_t parts = parts_of(tasks + i, run, share, o);

        for (size_t part = 0, from = 0; part < parts; part++) {
            size_t to = run * (part + 1) / parts;

            v[(*n)++] = (struct scan_reading){.tasks = tasks[i + from],
                                              .n = to - from,
                                              .bytes = bytes_of(tasks + i + from, to - from)};
            from = to;
        }
        i += run;
    }
    return v;
}
