#include <stdlib.h>
#include <string.h>

#include "storage/cmd_scrub.h"
#include "storage/reader.h"

/* The bad object that a chunk of a manifest is; NULL: it is good.  of: by the index in s->objects. */
static struct bad_object *
bad_of(const struct scrub *s, struct bad_object *const *of, const char *text)
{
    struct chunk_name name;
    size_t            i;

    if (chunk_name_parse(text, &name) != 0) {
        return NULL;
    }
    i = known_find_name(&s->objects, &name);
    return i != SIZE_MAX ? of[i] : NULL;
}

static void
add_once(struct strlist *list, char *text)
{
    if (strlist_has(list, text)) {
        free(text);
    } else {
        strlist_take(list, text);
    }
}

static void
trace_segments(struct bad_object *const *bad, const struct segment *v, size_t n, const char *schema, const char *name)
{
    for (size_t i = 0; i < n; i++) {
        if (bad[v[i].chunk] != NULL) {
            add_once(&bad[v[i].chunk]->tables, schema != NULL ? xasprintf("%s.%s", schema, name) : xstrdup(name));
        }
    }
}

static void
trace_table(struct bad_object *const *bad, const struct m_table *t, const char *schema, const char *name)
{
    for (size_t i = 0; i < t->n_ranges; i++) {
        trace_segments(bad, t->ranges[i].segments, t->ranges[i].n, schema, name);
    }
}

static void
trace_manifest(const struct scrub *s, struct bad_object *const *of, const char *backup, const struct manifest *m)
{
    struct bad_object **bad = xcalloc(m->n_chunks + 1, sizeof *bad);

    for (size_t i = 0; i < m->n_chunks; i++) {
        bad[i] = bad_of(s, of, m->chunks[i].name);
        if (bad[i] != NULL) {
            strlist_add(&bad[i]->backups, backup);
        }
    }
    for (size_t i = 0; i < m->n_tables; i++) {
        trace_table(bad, &m->tables[i], m->tables[i].schema, m->tables[i].name);
    }
    trace_table(bad, &m->lo_metadata, NULL, "large objects");
    trace_table(bad, &m->lo_pages, NULL, "large objects");
    trace_segments(bad, m->archive, m->n_archive, NULL, "schema");
    trace_segments(bad, m->globals_sql, m->n_globals_sql, NULL, "globals");
    free(bad);
}

int
scrub_trace(struct scrub *s, struct err *e)
{
    struct bad_object **of = xcalloc(s->objects.n + 1, sizeof *of);
    int                 rc = 0;

    for (size_t i = 0; i < s->n_bad; i++) {
        of[known_find_name(&s->objects, &s->bad[i].name)] = &s->bad[i];
    }
    for (size_t i = 0; rc == 0 && s->n_bad > 0 && i < s->backups.n; i++) {
        const struct backup_entry *b = &s->backups.v[i];
        struct manifest           *m;

        if (b->state == BACKUP_VOID || b->label == NULL) {
            continue;
        }
        m = manifest_load(s->repo, b->label, e);
        if (m != NULL) {
            trace_manifest(s, of, b->id, m);
            manifest_free(m);
        } else if (e->kind == ERR_CORRUPT || e->kind == ERR_NOT_FOUND) {
            err_clear(e);       /* found before, as a damaged backup */
        } else {
            rc = -1;
        }
    }
    free(of);
    return rc;
}
