/* contents.c - what the backup holds, and whether its chunks are there. */
#include <stdlib.h>

#include "core/human.h"
#include "restore/job/elsewhere.h"
#include "restore/part/live.h"
#include "restore/preflight/checks.h"
#include "storage/format/chunkusers.h"
#include "storage/read/present.h"

int
check_contents(struct restore *r, struct err *e)
{
    struct preflight *f = &r->preflight;

    (void)e;
    if (!r->has_archive) {
        preflight_stop(f,
                       "restore a backup that was taken without --data-only, or load these rows by "
                       "hand into "
                       "tables that are there (docs/recipe.md)",
                       xasprintf("backup %s holds rows only (--data-only): there are no "
                                 "definitions to make "
                                 "a database from",
                                 r->label->id));
    }
    for (size_t i = 0; r->has_archive && i < r->label->warnings.n; i++) {
        preflight_warn(f, xasprintf("when the backup was taken: %s", r->label->warnings.v[i]));
    }
    if (r->o->globals && r->globals.len == 0) {
        preflight_warn(f,
                       xstrdup("the backup holds no globals: missing roles cannot be created as "
                               "they were"));
    }
    return 0;
}

static void
want(void *ctx, uint32_t chunk)
{
    ((bool *)ctx)[chunk] = true;
}

static void
want_rows(const struct manifest *m, const struct manifest_table *t, bool *chunks)
{
    for (size_t i = 0; t->skipped == NULL && i < t->n_ranges; i++) {
        for (size_t k = 0; k < t->ranges[i].n; k++) {
            manifest_each_chunk(m, t->ranges[i].segments[k].chunk, want, chunks);
        }
    }
}

/* Definitions and globals have been read already. */
static bool *
wanted(const struct manifest *m)
{
    bool *chunks = xcalloc(m->n_chunks + 1, sizeof *chunks);

    for (size_t i = 0; i < m->n_tables; i++) {
        want_rows(m, &m->tables[i], chunks);
    }
    if (m->lo_count > 0) {
        want_rows(m, &m->lo_metadata, chunks);
        want_rows(m, &m->lo_pages, chunks);
    }
    return chunks;
}

static void
add_table(void *ctx, uint32_t chunk, const char *what)
{
    struct strlist *tables = ctx;

    (void)chunk;
    if (!strlist_has(tables, what)) {
        strlist_add(tables, what);
    }
}

static void
stop_lost(struct restore *r, const bool *lost, const struct present *p)
{
    struct strlist tables = {0};
    char           chunks[48], *names, *advice;

    chunkusers_trace(r->manifest, lost, add_table, &tables);
    names = preflight_names(&tables);
    advice = elsewhere_advice(r);
    preflight_add(&r->preflight,
                  (struct preflight_finding){
                      .kind = PREFLIGHT_STOP,
                      .text = xasprintf("%s with rows of %s %s bad or missing: %s",
                                        count_human(p->lost, "chunk", chunks, sizeof chunks), names,
                                        p->lost == 1 ? "is" : "are", p->first.text),
                      .hint = live_asked(r->o) || takes_a_name(r->o)
                          ? xstrdup(advice)
                          : xasprintf("%s; -T PATTERN restores all but what it names", advice)});
    free(names);
    free(advice);
    strlist_free(&tables);
}

int
check_chunks(struct restore *r, struct err *e)
{
    bool          *chunks = wanted(r->manifest);
    struct present p;
    int            rc = present_look(r->repo, r->label->db, r->manifest, chunks, &p, e);

    if (rc == 0 && p.lost > 0) {
        stop_lost(r, chunks, &p);
    } else if (rc != 0 && e->kind != ERR_INTERRUPTED) {
        char *text = xasprintf("whether all chunks are there is not known: %s", e->text);

        /* No reason to refuse a restore that takes nothing away. */
        if (r->o->replace) {
            preflight_stop(&r->preflight, NULL, text);
        } else {
            preflight_warn(&r->preflight, text);
        }
        err_clear(e);
        rc = 0;
    }
    free(chunks);
    return rc;
}
