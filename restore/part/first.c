#include "restore/part/first.h"

#include <stdint.h>
#include <stdlib.h>

#include "pg/archive/entry_ids.h"
#include "pg/conn/name_match.h"
#include "restore/part/partitions.h"

enum { PG_CLASS = 1259 };

static bool
is_table(const struct archive_entry *entry)
{
    static const char *const kinds[] = {"TABLE", NULL};

    return entry_is(entry, kinds) && entry->class_oid == PG_CLASS;
}

static int
by_oid(const void *a, const void *b)
{
    uint32_t x = (*(struct table_job *const *)a)->table->oid,
             y = (*(struct table_job *const *)b)->table->oid;

    return x < y ? -1 : x > y;
}

/* Jobs by their tables' oids. */
static struct table_job **
jobs_by_oid(struct restore *r)
{
    struct table_job **v = xcalloc(r->n_tables + 1, sizeof *v);

    for (size_t i = 0; i < r->n_tables; i++) {
        v[i] = &r->tables[i];
    }
    qsort(v, r->n_tables, sizeof *v, by_oid);
    return v;
}

static struct table_job *
job_of(const struct restore *r, struct table_job *const *jobs, const struct archive_entry *entry)
{
    const struct manifest_table table = {.oid = entry->oid};
    const struct table_job      key = {.table = &table}, *k = &key;
    struct table_job *const    *found = bsearch(&k, jobs, r->n_tables, sizeof *jobs, by_oid);

    return found == NULL ? NULL : *found;
}

static void
add_first(struct restore *r, const struct archive_entry *entry, int stage)
{
    VEC_GROW(r->first, r->n_first, r->cap_first);
    r->first[r->n_first++] = (struct first_table){
        .name = xasprintf("%s.%s", entry->schema == NULL ? "" : entry->schema, entry->tag),
        .entry = entry,
        .stage = stage};
}

/* named[entry]: 1 + its place in restore.first, for those that a pattern matches. */
static int
match(struct restore *r, size_t *named, struct err *e)
{
    for (size_t k = 0; k < r->o->first.n; k++) {
        const struct strlist one = {.v = &r->o->first.v[k], .n = 1};
        struct name_patterns p;
        bool                 any = false;

        if (name_patterns_read(&one, false, &p, e) != 0) {
            return err_wrap(e, "--first");
        }
        for (size_t i = 0; i < r->archive.n; i++) {
            const struct archive_entry *entry = &r->archive.v[i];

            if (!is_table(entry) || !name_patterns_match(&p, entry->schema, entry->tag)) {
                continue;
            }
            any = true;
            if (named[i] == 0) {
                add_first(r, entry, (int)k + 1);
                named[i] = r->n_first;
            }
        }
        name_patterns_free(&p);
        if (!any) {
            return err_set(e, ERR_USAGE, "--first \"%s\" matches no table that is to be restored",
                           one.v[0]);
        }
    }
    return 0;
}

/* A table whose rows are complete only together with those of others brings these forward, too. */
static void
mark(struct restore *r, const size_t *named)
{
    struct entry_ids   ids = entry_ids_new(&r->archive);
    size_t            *parents = partitions_parents(&r->archive, &ids);
    struct table_job **jobs = jobs_by_oid(r);

    for (size_t i = 0; i < r->archive.n; i++) {
        struct table_job   *job = is_table(&r->archive.v[i]) ? job_of(r, jobs, &r->archive.v[i])
                                                             : NULL;
        struct first_table *first;
        size_t              at = i;

        while (at != SIZE_MAX && named[at] == 0) {
            at = parents[at];
        }
        if (job == NULL || at == SIZE_MAX) {
            continue;
        }
        first = &r->first[named[at] - 1];
        first->rows += job->table->rows;
        if (job->group->stage == 0 || job->group->stage > first->stage) {
            job->group->stage = first->stage;
        }
    }
    free(jobs);
    free(parents);
    entry_ids_free(&ids);
}

int
first_mark(struct restore *r, struct err *e)
{
    size_t *named;
    int     rc;

    if (r->o->first.n == 0) {
        return 0;
    }
    named = xcalloc(r->archive.n + 1, sizeof *named);
    rc = match(r, named, e);
    if (rc == 0) {
        mark(r, named);
    }
    free(named);
    return rc;
}
