#include "storage/format/manifest.h"
#include "storage/format/chunk.h"

#include <stdlib.h>
#include <string.h>

/* Indices into manifest.chunks by name; open addressing, at most half full. */
struct manifest_index {
    uint32_t *slot;    /* index + 1; 0: empty */
    size_t    n_slots; /* a power of two */
};

struct manifest *
manifest_new(void)
{
    struct manifest *m = xcalloc(1, sizeof *m);

    m->index = xcalloc(1, sizeof *m->index);
    return m;
}

static void
table_deinit(struct manifest_table *t)
{
    free(t->schema);
    free(t->name);
    free(t->owner);
    free(t->load_via);
    free(t->condition);
    free(t->extension);
    free(t->skipped);
    for (size_t i = 0; i < t->n_columns; i++) {
        free(t->columns[i].name);
        free(t->columns[i].type);
    }
    free(t->columns);
    for (size_t i = 0; i < t->n_ranges; i++) {
        free(t->ranges[i].segments);
    }
    free(t->ranges);
}

static void
free_small(struct manifest *m)
{
    for (size_t i = 0; i < m->n_sequences; i++) {
        free(m->sequences[i].schema);
        free(m->sequences[i].name);
    }
    free(m->sequences);
    for (size_t i = 0; i < m->n_matviews; i++) {
        free(m->matviews[i].schema);
        free(m->matviews[i].name);
    }
    free(m->matviews);
    for (size_t i = 0; i < m->n_objects; i++) {
        free(m->objects[i].kind);
        free(m->objects[i].schema);
        free(m->objects[i].name);
        free(m->objects[i].owner);
    }
    free(m->objects);
}

static void
free_sections(struct manifest *m)
{
    json_decref(m->server);
    json_decref(m->database);
    json_decref(m->snapshot);
    json_decref(m->xid);
    json_decref(m->extensions);
    json_decref(m->inventory);
    json_decref(m->globals);
    json_decref(m->selection);
}

void
manifest_free(struct manifest *m)
{
    if (m == NULL) {
        return;
    }
    free_sections(m);
    for (size_t i = 0; i < m->n_tables; i++) {
        table_deinit(&m->tables[i]);
    }
    free(m->tables);
    free_small(m);
    table_deinit(&m->lo_metadata);
    table_deinit(&m->lo_pages);
    free(m->archive);
    free(m->globals_sql);
    for (size_t i = 0; i < m->n_chunks; i++) {
        free(m->chunks[i].name);
    }
    free(m->chunks);
    free(m->index->slot);
    free(m->index);
    strlist_free(&m->warnings);
    free(m);
}

/* FNV-1a: names hold a keyed hash, so nobody can make them collide on purpose. */
static size_t
hash_name(const char *name)
{
    uint64_t h = 14695981039346656037u;

    for (; *name != '\0'; name++) {
        h = (h ^ (uint8_t)*name) * 1099511628211u;
    }
    return (size_t)(h ^ (h >> 32));
}

/* The slot that holds name, or the empty one where it belongs. */
static uint32_t *
find_slot(const struct manifest *m, const char *name)
{
    const struct manifest_index *x = m->index;
    size_t                       i = hash_name(name) & (x->n_slots - 1);

    while (x->slot[i] != 0 && strcmp(m->chunks[x->slot[i] - 1].name, name) != 0) {
        i = (i + 1) & (x->n_slots - 1);
    }
    return &x->slot[i];
}

static void
grow_index(struct manifest *m)
{
    struct manifest_index *x = m->index;

    x->n_slots = x->n_slots == 0 ? 64 : 2 * x->n_slots;
    free(x->slot);
    x->slot = xcalloc(x->n_slots, sizeof *x->slot);
    for (size_t i = 0; i < m->n_chunks; i++) {
        *find_slot(m, m->chunks[i].name) = (uint32_t)i + 1;
    }
}

uint32_t
manifest_chunk(struct manifest *m, const struct chunk_ref *ref)
{
    uint32_t *slot;

    if (2 * (m->n_chunks + 1) > m->index->n_slots) {
        grow_index(m);
    }
    slot = find_slot(m, ref->name);
    if (*slot == 0) {
        VEC_GROW(m->chunks, m->n_chunks, m->cap_chunks);
        m->chunks[m->n_chunks] = (struct chunk_ref){
            .name = xstrdup(ref->name), .size = ref->size, .raw_size = ref->raw_size};
        *slot = (uint32_t)++m->n_chunks;
    }
    return *slot - 1;
}

struct manifest_table *
manifest_add_table(struct manifest *m)
{
    VEC_GROW(m->tables, m->n_tables, m->cap_tables);
    m->sorted = false;
    m->tables[m->n_tables] = (struct manifest_table){0};
    return &m->tables[m->n_tables++];
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

static void
map_segment(void *ctx, struct manifest_segment *s)
{
    const uint32_t *const *to = ctx;

    s->chunk = (*to)[s->chunk];
}

void
manifest_map_chunks(struct manifest *m, const uint32_t *to)
{
    each_segment(m, map_segment, &to);
}

/* The numbers that manifest_renumber() gives. */
struct numbering {
    uint32_t *places; /* by old number: the new one, and 1 */
    uint32_t *old;    /* by new number */
    size_t    n;
};

static void
renumber_segment(void *ctx, struct manifest_segment *s)
{
    struct numbering *x = ctx;
    uint32_t         *place = &x->places[s->chunk];

    if (*place == 0) {
        x->old[x->n++] = s->chunk;
        *place = (uint32_t)x->n;
    }
    s->chunk = *place - 1;
}

size_t
manifest_renumber(struct manifest *m, uint32_t *old, size_t n)
{
    struct numbering x = {.places = xcalloc(n + 1, sizeof *x.places), .old = old};

    each_segment(m, renumber_segment, &x);
    free(x.places);
    return x.n;
}

void
segment_add(struct manifest_segment **v, size_t *n, size_t *cap, const struct manifest_segment *s)
{
    VEC_GROW(*v, *n, *cap);
    (*v)[(*n)++] = *s;
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
