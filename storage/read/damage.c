#include "storage/read/damage.h"

#include <inttypes.h>
#include <stdlib.h>

#include "core/human.h"
#include "storage/format/chunkusers.h"
#include "storage/read/damage_impl.h"
#include "storage/read/parts.h"
#include "storage/repo/backuplist.h"

int
damage_load(struct repo *r, const char *db, struct damage *d, struct err *e)
{
    struct condemned c;

    *d = (struct damage){0};
    if (condemned_load(r, db, &c, e) != 0) {
        return -1;
    }
    d->chunks = c.chunks;
    d->objects = c.objects;
    strlist_free(&c.lists);
    strlist_free(&c.unreadable);
    return damage_find_twins(r, db, d, e);
}

static bool
is_none(const struct damage *d)
{
    return d->chunks.n == 0 && d->objects.n == 0;
}

void
damage_free(struct damage *d)
{
    chunkindex_free(&d->chunks);
    strlist_free(&d->objects);
}

/* ---- one backup ---- */

struct judging {
    const struct damage *damage;
    uint64_t             lost;
    struct strlist       tables;
};

static bool
is_lost(const struct damage *d, const struct chunk_name *name)
{
    size_t i = chunkindex_find_name(&d->chunks, name);

    return i != SIZE_MAX && d->chunks.v[i].state == CHUNKINDEX_TRUSTED;
}

static int
count_lost(void *ctx, const struct chunk_ref *line, struct err *e)
{
    struct judging *j = ctx;

    (void)e;
    j->lost += is_lost(j->damage, &line->name);
    return 0;
}

static void
add_table(void *ctx, uint32_t chunk, const char *what)
{
    struct judging *j = ctx;

    (void)chunk;
    if (!strlist_has(&j->tables, what)) {
        strlist_add(&j->tables, what);
    }
}

static int
find_tables(struct repo *r, const struct label *l, struct judging *j, struct err *e)
{
    struct manifest *m;
    bool            *want;

    if (!keyring_reads(r->keys, l->epoch)) {
        return 0; /* only visible with a key */
    }
    m = manifest_load(r, l, e);
    if (m == NULL) {
        return -1;
    }
    want = xcalloc(m->n_chunks + 1, sizeof *want);
    for (size_t i = 0; i < m->n_chunks; i++) {
        want[i] = is_lost(j->damage, &m->chunks[i].name);
    }
    chunkusers_trace(m, want, add_table, j);
    strlist_sort(&j->tables);
    free(want);
    manifest_free(m);
    return 0;
}

static char *
describe(const struct judging *j)
{
    enum { NAMED = 3 };
    char  chunks[40];
    char *text = xasprintf("%s bad or missing: %s",
                           count_human(j->lost, "chunk", chunks, sizeof chunks),
                           j->tables.n == 0 ? "what depends on them is not known" : j->tables.v[0]);

    for (size_t i = 1; i < j->tables.n && i < NAMED; i++) {
        char *longer = xasprintf("%s, %s", text, j->tables.v[i]);

        free(text);
        text = longer;
    }
    if (j->tables.n > NAMED) {
        char *longer = xasprintf("%s and %zu more", text, j->tables.n - NAMED);

        free(text);
        text = longer;
    }
    return text;
}

static void
set_damaged(struct backup_entry *b, char *problem)
{
    b->state = BACKUP_DAMAGED;
    free(b->problem);
    b->problem = problem;
}

/* Chunk list and manifest, by their names in the label. */
static bool
object_condemned(const struct damage *d, struct backup_entry *b)
{
    bool found = false;

    for (int part = LABEL_CHUNKS; !found && d->objects.n > 0 && part <= LABEL_MANIFEST; part++) {
        char *object = label_part_name(b->label, (enum label_part)part);
        char *key = xasprintf("backups/%s/%s", b->id, object);

        found = strlist_has(&d->objects, key);
        if (found) {
            set_damaged(b, xasprintf("%s is bad", object));
        }
        free(key);
        free(object);
    }
    return found;
}

int
damage_judge(struct repo *r, const struct damage *d, struct backup_entry *b, struct err *e)
{
    struct judging j = {.damage = d};
    int            rc = 0;

    if (b->state != BACKUP_COMMITTED || is_none(d) || object_condemned(d, b)) {
        return 0;
    }
    if (d->chunks.n > 0 &&
        (chunk_list_read(r, b->label, count_lost, &j, e) != 0 ||
         (j.lost > 0 && find_tables(r, b->label, &j, e) != 0))) {
        rc = e->kind == ERR_CORRUPT || e->kind == ERR_NOT_FOUND ? 0 : -1;
        if (rc == 0) {
            set_damaged(b, xstrdup(e->text));
            err_clear(e);
        }
    } else if (j.lost > 0) {
        b->lost_chunks = j.lost;
        set_damaged(b, describe(&j));
    }
    strlist_free(&j.tables);
    return rc;
}

int
backup_list_check(struct repo *r, const char *db, struct backup_list *list, bool listing,
                  struct err *e)
{
    struct damage d;
    int           rc = damage_load(r, db, &d, e);

    if (rc == 0 && listing) {
        rc = damage_look(r, db, list, &d, e);
    }
    for (size_t i = 0; rc == 0 && i < list->n; i++) {
        rc = damage_judge(r, &d, &list->v[i], e);
    }
    damage_free(&d);
    return rc == 0 ? 0 : err_wrap(e, "could not look for damage of \"%s\"", db);
}
