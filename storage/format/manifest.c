#include "storage/format/manifest.h"

#include <stdlib.h>
#include <string.h>

#include "storage/format/manifest_fields.h"

struct manifest *
manifest_new(void)
{
    return xcalloc(1, sizeof(struct manifest));
}

void
manifest_free(struct manifest *m)
{
    if (m != NULL) {
        fields_free(&manifest_fields, m);
        free(m->numbers);
        free(m);
    }
}

struct manifest_table *
manifest_add_table(struct manifest *m)
{
    VEC_GROW(m->tables, m->n_tables, m->cap_tables);
    m->sorted = false;
    m->tables[m->n_tables] = (struct manifest_table){0};
    return &m->tables[m->n_tables++];
}

void
manifest_keep(struct manifest *m, const char                                 *list,
              bool (*keep)(const void *ctx, const void *element), const void *ctx)
{
    for (size_t i = 0; i < manifest_fields.n; i++) {
        if (strcmp(manifest_fields.v[i].key, list) == 0) {
            field_list_keep(&manifest_fields.v[i], m, keep, ctx);
        }
    }
}

static int
compare_names(const char *schema_a, const char *name_a, const char *schema_b, const char *name_b)
{
    int by_schema = strcmp(schema_a, schema_b);

    return by_schema != 0 ? by_schema : strcmp(name_a, name_b);
}

static int
compare_tables(const void *a, const void *b)
{
    const struct manifest_table *ta = a;
    const struct manifest_table *tb = b;

    return compare_names(ta->schema, ta->name, tb->schema, tb->name);
}

void
manifest_sort(struct manifest *m)
{
    if (m->n_tables > 1) {
        qsort(m->tables, m->n_tables, sizeof *m->tables, compare_tables);
    }
    m->sorted = true;
}

struct manifest_table *
manifest_find(struct manifest *m, const char *schema, const char *name)
{
    size_t lo = 0;
    size_t hi = m->n_tables;

    while (m->sorted && lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int    c = compare_names(m->tables[mid].schema, m->tables[mid].name, schema, name);

        if (c == 0) {
            return &m->tables[mid];
        }
        if (c < 0) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    for (size_t i = 0; !m->sorted && i < m->n_tables; i++) {
        if (compare_names(m->tables[i].schema, m->tables[i].name, schema, name) == 0) {
            return &m->tables[i];
        }
    }
    return NULL;
}

typedef void segment_fn(void *ctx, struct manifest_segment *);

static void
each_of(struct manifest_segment *v, size_t n, segment_fn *fn, void *ctx)
{
    for (size_t i = 0; i < n; i++) {
        fn(ctx, &v[i]);
    }
}

static void
each_of_table(struct manifest_table *t, segment_fn *fn, void *ctx)
{
    for (size_t i = 0; i < t->n_ranges; i++) {
        each_of(t->ranges[i].segments, t->ranges[i].n, fn, ctx);
    }
    each_of(t->statistics, t->n_statistics, fn, ctx);
}

static void
each_segment(struct manifest *m, segment_fn *fn, void *ctx)
{
    each_of(m->archive, m->n_archive, fn, ctx);
    each_of(m->globals_sql, m->n_globals_sql, fn, ctx);
    for (size_t i = 0; i < m->n_tables; i++) {
        each_of_table(&m->tables[i], fn, ctx);
    }
    each_of_table(&m->lo_metadata, fn, ctx);
    each_of_table(&m->lo_pages, fn, ctx);
}

uint32_t
manifest_add_chunk(struct manifest *m, struct chunk_number number)
{
    VEC_GROW(m->numbers, m->n_numbers, m->cap_numbers);
    m->numbers[m->n_numbers] = number;
    return (uint32_t)m->n_numbers++;
}

void
manifest_number_chunks(struct manifest *m, const struct chunk_number *numbers)
{
    for (size_t i = 0; i < m->n_chunks; i++) {
        (void)manifest_add_chunk(m, numbers[i]);
    }
    free(m->chunks);
    m->chunks = NULL;
    m->n_chunks = m->cap_chunks = 0;
}

uint32_t
manifest_add_delta(struct manifest *m, struct manifest_delta *delta)
{
    VEC_GROW(m->deltas, m->n_deltas, m->cap_deltas);
    m->deltas[m->n_deltas] = *delta;
    *delta = (struct manifest_delta){0};
    return MANIFEST_DELTA + (uint32_t)m->n_deltas++;
}

const struct manifest_delta *
manifest_delta_at(const struct manifest *m, uint32_t place)
{
    return place < MANIFEST_DELTA ? NULL : &m->deltas[place - MANIFEST_DELTA];
}

void
manifest_each_chunk(const struct manifest *m, uint32_t place, manifest_chunk_fn *fn, void *ctx)
{
    const struct manifest_delta *d = manifest_delta_at(m, place);

    if (d == NULL) {
        fn(ctx, place);
        return;
    }
    for (size_t i = 0; i < d->n; i++) {
        fn(ctx, d->sources[i].chunk);
    }
}

static void
note_direct(void *ctx, struct manifest_segment *s)
{
    if (s->chunk < MANIFEST_DELTA) {
        ((bool *)ctx)[s->chunk] = true;
    }
}

void
manifest_used_directly(struct manifest *m, bool *used)
{
    each_segment(m, note_direct, used);
}

static void
delta_to_chunk(void *ctx, struct manifest_segment *s)
{
    if (s->chunk >= MANIFEST_DELTA) {
        s->chunk = s->chunk - MANIFEST_DELTA + *(const uint32_t *)ctx;
    }
}

void
manifest_number_whole(struct manifest *m, const struct chunk_number *numbers)
{
    uint32_t first = (uint32_t)m->n_chunks;

    manifest_number_chunks(m, numbers);
    each_segment(m, delta_to_chunk, &first);
    for (size_t i = 0; i < m->n_deltas; i++) {
        (void)manifest_add_chunk(m, numbers[first + i]);
        free(m->deltas[i].sources);
    }
    free(m->deltas);
    m->deltas = NULL;
    m->n_deltas = m->cap_deltas = 0;
}

struct ordering {
    const struct chunk_number *was; /* by old place */
    struct chunk_number       *is;
    size_t                     n;
    uint32_t                  *place; /* by number: its new place + 1; 0: none yet */
    struct manifest_delta     *deltas_were, *deltas;
    size_t                     n_deltas;
    uint32_t                  *delta_place; /* by old place: the new one + 1; 0: none yet */
};

static void
order_chunk(struct ordering *o, uint32_t *place)
{
    const struct chunk_number number = o->was[*place];

    if (o->place[number.n] == 0) {
        o->is[o->n++] = number;
        o->place[number.n] = (uint32_t)o->n;
    }
    *place = o->place[number.n] - 1;
}

static void
order_delta(struct ordering *o, uint32_t *place)
{
    const uint32_t was = *place - MANIFEST_DELTA;

    if (o->delta_place[was] == 0) {
        struct manifest_delta *d = &o->deltas[o->n_deltas++];

        *d = o->deltas_were[was];
        for (size_t i = 0; i < d->n; i++) {
            order_chunk(o, &d->sources[i].chunk);
        }
        o->delta_place[was] = (uint32_t)o->n_deltas;
    }
    *place = MANIFEST_DELTA + o->delta_place[was] - 1;
}

static void
order_segment(void *ctx, struct manifest_segment *s)
{
    if (s->chunk < MANIFEST_DELTA) {
        order_chunk(ctx, &s->chunk);
    } else {
        order_delta(ctx, &s->chunk);
    }
}

void
manifest_order_chunks(struct manifest *m)
{
    struct ordering o = {.was = m->numbers,
                         .is = xcalloc(m->n_numbers + 1, sizeof *o.is),
                         .deltas_were = m->deltas,
                         .deltas = xcalloc(m->n_deltas + 1, sizeof *o.deltas),
                         .delta_place = xcalloc(m->n_deltas + 1, sizeof *o.delta_place)};
    uint32_t        largest = 0;

    for (size_t i = 0; i < m->n_numbers; i++) {
        largest = m->numbers[i].n > largest ? m->numbers[i].n : largest;
    }
    o.place = xcalloc((size_t)largest + 1, sizeof *o.place);
    each_segment(m, order_segment, &o);
    free(o.place);
    free(m->numbers);
    m->cap_numbers = m->n_numbers + 1;
    m->n_numbers = o.n;
    m->numbers = o.is;
    /* One that no segment refers to does not exist: manifest_add_delta() is called for a segment.
     */
    free(o.delta_place);
    free(m->deltas);
    m->cap_deltas = m->n_deltas + 1;
    m->n_deltas = o.n_deltas;
    m->deltas = o.deltas;
}

void
segment_add(struct manifest_segment **v, size_t *n, size_t *cap, const struct manifest_segment *s)
{
    VEC_GROW(*v, *n, *cap);
    (*v)[(*n)++] = *s;
}

uint64_t
segments_bytes(const struct manifest_segment *v, size_t n)
{
    uint64_t bytes = 0;

    for (size_t i = 0; i < n; i++) {
        bytes += v[i].length;
    }
    return bytes;
}

void
fingerprint_add(struct fingerprint *sum, const struct fingerprint *fp)
{
    sum->a += fp->a;
    sum->b += fp->b;
}

bool
fingerprint_equal(const struct fingerprint *x, const struct fingerprint *y)
{
    return x->a == y->a && x->b == y->b;
}
