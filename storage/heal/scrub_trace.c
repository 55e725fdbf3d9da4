/*
 * scrub_trace.c - what depends on a bad object: the backups that need it, from their chunk lists,
 * which are read once more, and the tables whose rows it holds, from the manifests of these backups
 * as far as this host can read them.  A bad object that no backup needs any more is dropped, except
 * spares, which readers of another object of that content might use.
 */
#include <stdlib.h>
#include <string.h>

#include "storage/format/chunkusers.h"
#include "storage/heal/scrub_impl.h"
#include "storage/read/parts.h"

/* ---- backups ---- */

struct confirming {
    struct scrub *scrub;
    size_t        from;
    const char   *backup;
};

static int
confirm_line(void *ctx, const struct chunk_ref *line, struct err *e)
{
    struct confirming *c = ctx;
    size_t             i = chunkindex_find_name(&c->scrub->bad_names, &line->name);

    (void)e;
    if (i != SIZE_MAX && i >= c->from) {
        strlist_add(&c->scrub->bad[i].backups, c->backup);
    }
    return 0;
}

static void
bad_free(struct bad_object *b)
{
    free(b->problem);
    strlist_free(&b->backups);
    strlist_free(&b->tables);
}

static void
drop_unneeded(struct scrub *s, size_t from)
{
    struct chunkindex kept = {0};
    size_t            n = 0;

    for (size_t i = 0; i < s->bad_names.n; i++) {
        if (i >= from && s->bad[i].backups.n == 0 && !s->bad[i].spare) {
            bad_free(&s->bad[i]);
            continue;
        }
        (void)chunkindex_trust_name(&kept, &s->bad_names.v[i].ref.name);
        s->bad[n++] = s->bad[i];
    }
    chunkindex_free(&s->bad_names);
    s->bad_names = kept;
}

int
scrub_confirm(struct scrub *s, size_t from, struct err *e)
{
    struct confirming  c = {.scrub = s, .from = from};
    struct backup_list list;

    if (backup_list_load(s->repo, s->db, &list, e) != 0) {
        return -1;
    }
    for (size_t i = 0; i < list.n; i++) {
        const struct backup_entry *b = &list.v[i];

        c.backup = b->id;
        if (b->label == NULL || b->state == BACKUP_VOID ||
            chunk_list_read(s->repo, b->label, confirm_line, &c, e) == 0) {
            continue;
        }
        if (e->kind != ERR_CORRUPT && e->kind != ERR_NOT_FOUND) {
            backup_list_free(&list);
            return -1;
        }
        err_clear(e); /* found before, as a bad chunk list */
    }
    drop_unneeded(s, from);
    backup_list_free(&s->backups);
    s->backups = list;
    return 0;
}

/* ---- tables ---- */

struct tracing {
    struct scrub *scrub;
    const size_t *bad; /* by the manifest's index of chunks */
};

static void
add_table(void *ctx, uint32_t chunk, const char *what)
{
    struct tracing *t = ctx;
    struct strlist *tables = &t->scrub->bad[t->bad[chunk]].tables;

    if (!strlist_has(tables, what)) {
        strlist_add(tables, what);
    }
}

static void
trace(struct scrub *s, const struct manifest *m)
{
    size_t        *bad = xcalloc(m->n_chunks + 1, sizeof *bad);
    bool          *want = xcalloc(m->n_chunks + 1, sizeof *want);
    struct tracing t = {s, bad};

    for (size_t i = 0; i < m->n_chunks; i++) {
        bad[i] = chunkindex_find_name(&s->bad_names, &m->chunks[i].name);
        want[i] = bad[i] != SIZE_MAX;
    }
    chunkusers_trace(m, want, add_table, &t);
    free(want);
    free(bad);
}

static bool
touched(const struct scrub *s, const char *backup)
{
    for (size_t i = 0; i < s->bad_names.n; i++) {
        if (strlist_has(&s->bad[i].backups, backup)) {
            return true;
        }
    }
    return false;
}

int
scrub_trace(struct scrub *s, struct err *e)
{
    for (size_t i = 0; i < s->backups.n; i++) {
        const struct backup_entry *b = &s->backups.v[i];
        struct manifest           *m;

        if (b->label == NULL || !touched(s, b->id) ||
            !keyring_reads(s->repo->keys, b->label->epoch)) {
            continue;
        }
        m = manifest_load(s->repo, b->label, e);
        if (m != NULL) {
            trace(s, m);
            manifest_free(m);
        } else if (e->kind == ERR_CORRUPT || e->kind == ERR_NOT_FOUND) {
            err_clear(e); /* that decides the backup's state */
        } else {
            return -1;
        }
    }
    for (size_t i = 0; i < s->bad_names.n; i++) {
        strlist_sort(&s->bad[i].tables);
    }
    return 0;
}

void
scrub_free(struct scrub *s)
{
    for (size_t i = 0; i < s->bad_names.n; i++) {
        bad_free(&s->bad[i]);
    }
    free(s->bad);
    chunkindex_free(&s->bad_names);
    backup_list_free(&s->backups);
    strlist_free(&s->missing);
}
