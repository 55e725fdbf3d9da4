#include "backup/delta/match.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"

/* A unit of an earlier plaintext. */
struct unit {
    uint64_t digest;
    uint32_t length;
    uint32_t earlier; /* which */
    uint32_t run;     /* the run in which it begins */
    uint32_t skip;    /* bytes of that run before it */
};

/* All units in their order, and a table by digest. */
struct units {
    struct unit *v;
    size_t       n;
    uint32_t    *slot; /* index + 1; open addressing */
    size_t       mask;
};

static void
take_units(struct units *u, const struct match_earlier *from, uint32_t which)
{
    uint32_t run = 0, skip = 0;

    for (size_t i = 0; i < from->marks.n; i++) {
        while (run < from->runs.n && skip >= from->runs.v[run].length) {
            skip -= from->runs.v[run++].length;
        }
        u->v[u->n++] = (struct unit){from->marks.digest[i], from->marks.length[i], which, run,
                                     skip};
        skip += from->marks.length[i];
    }
}

static void
units_make(struct units *u, const struct match_earlier *v, size_t n)
{
    size_t all = 0, slots = 16;

    for (size_t i = 0; i < n; i++) {
        all += v[i].marks.n;
    }
    while (slots < 2 * all) {
        slots *= 2;
    }
    *u = (struct units){.v = xcalloc(all + 1, sizeof *u->v),
                        .slot = xcalloc(slots, sizeof *u->slot),
                        .mask = slots - 1};
    for (size_t i = 0; i < n; i++) {
        take_units(u, &v[i], (uint32_t)i);
    }
    for (size_t i = 0; i < u->n; i++) {
        size_t at = u->v[i].digest & u->mask;

        while (u->slot[at] != 0 && u->v[u->slot[at] - 1].digest != u->v[i].digest) {
            at = (at + 1) & u->mask;
        }
        if (u->slot[at] == 0 && u->v[i].digest != 0) {
            u->slot[at] = (uint32_t)i + 1;
        }
    }
}

static void
units_free(struct units *u)
{
    free(u->v);
    free(u->slot);
}

static bool
equals(const struct unit *u, uint64_t digest, uint32_t length)
{
    return u->digest == digest && u->length == length;
}

/* The unit that continues the last match, or any other; NULL: none. */
static const struct unit *
find(const struct units *u, size_t next, uint64_t digest, uint32_t length)
{
    if (digest == 0) {
        return NULL;
    }
    if (next < u->n && equals(&u->v[next], digest, length)) {
        return &u->v[next];
    }
    for (size_t at = digest & u->mask; u->slot[at] != 0; at = (at + 1) & u->mask) {
        const struct unit *is = &u->v[u->slot[at] - 1];

        if (equals(is, digest, length)) {
            return is;
        }
    }
    return NULL;
}

/* ---- one attempt, with the sources that are available ---- */

struct match_source *
match_source(const struct match *m, uint32_t number)
{
    for (size_t i = 0; i < m->n_earlier; i++) {
        if (number < m->earlier[i].n_sources) {
            return &m->earlier[i].sources[number];
        }
        number -= (uint32_t)m->earlier[i].n_sources;
    }
    return NULL;
}

static uint32_t
first_source(const struct match *m, uint32_t earlier)
{
    uint32_t number = 0;

    for (uint32_t i = 0; i < earlier; i++) {
        number += (uint32_t)m->earlier[i].n_sources;
    }
    return number;
}

/* A unit lies in one run of the earlier plaintext, or in several. */
static bool
may_copy(const struct match *m, const struct unit *u)
{
    const struct match_earlier *from = &m->earlier[u->earlier];
    uint64_t                    end = 0;

    for (uint32_t run = u->run; run < from->runs.n; run++) {
        const struct delta_run *r = &from->runs.v[run];

        if (!from->sources[r->source].available) {
            return false;
        }
        end += r->length;
        if (end >= (uint64_t)u->skip + u->length) {
            return true;
        }
    }
    return false;
}

static void
copy(struct match *m, const struct unit *u)
{
    const struct match_earlier *from = &m->earlier[u->earlier];
    const uint32_t              first = first_source(m, u->earlier);
    uint32_t                    skip = u->skip, left = u->length;

    for (uint32_t run = u->run; left > 0; run++, skip = 0) {
        const struct delta_run *r = &from->runs.v[run];
        uint32_t                n = r->length - skip < left ? r->length - skip : left;

        delta_runs_add(&m->runs, &(struct delta_run){first + r->source, r->offset + skip, n});
        from->sources[r->source].used += n;
        left -= n;
    }
}

static void
add_fresh(struct match *m, const uint8_t *bytes, uint32_t n)
{
    struct err never = ERR_INIT; /* a buffer without a ceiling */

    delta_runs_add(&m->runs, &(struct delta_run){MATCH_NEW, (uint32_t)m->fresh.len, n});
    (void)buf_append(&m->fresh, bytes, n, &never);
}

/* False: more than half is new. */
static bool
attempt(struct match *m, const struct units *u, const uint8_t *raw, size_t len,
        const struct marks *marks)
{
    size_t next = 0, at = 0;

    m->runs.n = 0;
    buf_clear(&m->fresh);
    for (uint32_t i = 0; i < m->n_sources; i++) {
        match_source(m, i)->used = 0;
    }
    for (size_t i = 0; i < marks->n; i++) {
        const struct unit *same = find(u, next, marks->digest[i], marks->length[i]);

        if (same != NULL && may_copy(m, same)) {
            copy(m, same);
            next = (size_t)(same - u->v) + 1;
        } else {
            add_fresh(m, raw + at, marks->length[i]);
            next++; /* a row that was updated in its place */
        }
        at += marks->length[i];
        if (m->fresh.len > len / 2) {
            return false;
        }
    }
    return at == len;
}

/* ---- the bounds ---- */

static bool
chunk_counted(const struct match *m, uint32_t number)
{
    for (uint32_t i = 0; i < number; i++) {
        if (match_source(m, i)->used > 0 &&
            match_source(m, i)->chunk == match_source(m, number)->chunk) {
            return true;
        }
    }
    return false;
}

static bool
within_bounds(const struct match *m, size_t len)
{
    uint64_t read = m->fresh.len;
    size_t   n = 0;

    for (uint32_t i = 0; i < m->n_sources; i++) {
        if (match_source(m, i)->used > 0) {
            n++;
            read += chunk_counted(m, i) ? 0 : match_source(m, i)->raw_size;
        }
    }
    return n <= DELTA_SOURCES_MAX - 2 && read <= len + len / 2;
}

/* The one of which the smallest share is used; NULL: none is. */
static struct match_source *
worst(const struct match *m)
{
    struct match_source *is = NULL;

    for (uint32_t i = 0; i < m->n_sources; i++) {
        struct match_source *s = match_source(m, i);

        if (s->used > 0 && (is == NULL || s->used * is->raw_size < is->used * s->raw_size)) {
            is = s;
        }
    }
    return is;
}

bool
match_find(struct match *m, struct match_earlier *earlier, size_t n, const uint8_t *raw, size_t len,
           const struct marks *marks)
{
    struct units         u;
    struct match_source *drop;
    bool                 good;

    *m = (struct match){.fresh = BUF_INIT(BUF_NO_LIMIT), .earlier = earlier, .n_earlier = n};
    for (size_t i = 0; i < n; i++) {
        m->n_sources += earlier[i].n_sources;
    }
    units_make(&u, earlier, n);
    while ((good = attempt(m, &u, raw, len, marks)) && !within_bounds(m, len) &&
           (drop = worst(m)) != NULL) {
        drop->available = false; /* what it holds is stored again */
    }
    units_free(&u);
    return good && worst(m) != NULL;
}

void
match_free(struct match *m)
{
    delta_runs_free(&m->runs);
    buf_free(&m->fresh);
}
