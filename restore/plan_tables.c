/*
 * plan_tables.c - which tables are complete together, and which indexes may be built at that
 * moment.
 *
 * An index is built early only if no function that it calls can read a table that is not loaded
 * yet: an "immutable" function that does so gives a silently wrong index.  These functions are
 * among the entries that the index depends on, unless they are built in or belong to an extension.
 *
 * So an entry moves from post-data to its table when all of this holds; otherwise it waits for all
 * rows, and runs in the archive's order (finish.c):
 *
 *   - It is an index, or a constraint other than EXCLUDE (whose operators may be user-defined).
 *   - It depends on one table, and otherwise only on kinds of entries that hold no code of the
 *     database's own.
 *   - It is not a constraint on a table with types of the database's own if the archive has
 *     operator classes: a constraint does not name the one it uses.
 *   - The manifest has the table, with rows of its own ('r').
 *
 * Tables are complete together (struct load_group) when their rows are loaded through the same
 * ancestor: any of its leaves may get rows until the last task has ended.  Every other table is a
 * group of its own.
 */
#include <stdlib.h>
#include <string.h>

#include "pg/archive/entry_ids.h"
#include "restore/job/entries.h"
#include "restore/job/restore.h"

/* Kinds that hold no code of the database's own.  An enum is compared by built-in functions. */
static bool
is_harmless(const struct archive_entry *entry)
{
    static const char *const harmless[] = {"TABLE",     "TABLE ATTACH", "SCHEMA", "EXTENSION",
                                           "COLLATION", "SEQUENCE",     NULL};

    return entry_is(entry, harmless) ||
        (strcmp(entry->desc, "TYPE") == 0 && entry_has_words(entry, "AS ENUM"));
}

static bool
depends_on_type(const struct archive_entry *table, const struct entry_ids *ids)
{
    static const char *const types[] = {"TYPE", "DOMAIN", "SHELL TYPE", NULL};

    for (size_t i = 0; i < table->n_depends; i++) {
        const struct archive_entry *other = entry_ids_find(ids, table->depends[i]);
        if (other != NULL && entry_is(other, types)) {
            return true;
        }
    }
    return false;
}

/* The one table that the index or constraint is on; NULL when it must wait. */
static const struct archive_entry *
early_on(const struct archive_entry *entry, const struct entry_ids *ids, bool own_opclasses)
{
    static const char *const    early[] = {"INDEX", "CONSTRAINT", NULL};
    const struct archive_entry *table = NULL;
    bool                        constraint = strcmp(entry->desc, "CONSTRAINT") == 0;

    if (!entry_is(entry, early) || (constraint && entry_has_words(entry, "EXCLUDE"))) {
        return NULL;
    }
    for (size_t i = 0; i < entry->n_depends; i++) {
        const struct archive_entry *other = entry_ids_find(ids, entry->depends[i]);
        if (other == NULL) {
            continue;
        }
        if (!is_harmless(other)) {
            return NULL;
        }
        if (strcmp(other->desc, "TABLE") == 0) {
            if (table != NULL &&
                table != other) { /* an index on two columns names its table twice */
                return NULL;
            }
            table = other;
        }
    }
    /* A constraint does not name its operator class: it is the column type's. */
    if (constraint && own_opclasses && table != NULL && depends_on_type(table, ids)) {
        return NULL;
    }
    return table;
}

/* The entry's names have blanks for line ends: another table may have that very name. */
static struct table_job *
find_job(const struct restore *r, const struct archive_entry *entry)
{
    const char            *schema = entry->schema == NULL ? "" : entry->schema;
    struct manifest_table *t = manifest_find(r->manifest, schema, entry->tag);

    return t == NULL || t->oid != entry->oid ? NULL : &r->tables[t - r->manifest->tables];
}

/* Moves entries that can be built early from the post-data list to their table. */
static void
assign_indexes(struct restore *r)
{
    static const char *const opclass[] = {"OPERATOR CLASS", "OPERATOR FAMILY", NULL};
    struct entry_ids         ids = entry_ids_new(&r->archive);
    struct entry_list        rest = {0};
    bool                     own_opclasses = false;

    for (size_t i = 0; i < r->archive.n; i++) {
        own_opclasses = own_opclasses || entry_is(&r->archive.v[i], opclass);
    }
    for (size_t i = 0; i < r->post.n; i++) {
        const struct archive_entry *entry = r->post.v[i],
                                   *on = early_on(entry, &ids, own_opclasses);
        struct table_job *job = on == NULL ? NULL : find_job(r, on);

        if (job != NULL && job->table->kind == 'r') {
            entry_list_add(&job->indexes, entry);
        } else {
            entry_list_add(&rest, entry);
        }
    }
    entry_list_free(&r->post);
    r->post = rest;
    entry_ids_free(&ids);
}

/* The group of rows loaded through one ancestor, or a new one. */
static struct load_group *
group_for(struct restore *r, const char *via)
{
    for (size_t i = 0; via != NULL && i < r->n_groups; i++) {
        if (r->groups[i].via != NULL && strcmp(r->groups[i].via, via) == 0) {
            return &r->groups[i];
        }
    }
    r->groups[r->n_groups].via = via;
    return &r->groups[r->n_groups++];
}

void
plan_tables(struct restore *r)
{
    struct manifest *m = r->manifest;

    r->tables = xcalloc(m->n_tables + 1, sizeof *r->tables);
    r->groups = xcalloc(m->n_tables + 1, sizeof *r->groups);
    r->n_tables = m->n_tables;
    for (size_t i = 0; i < m->n_tables; i++) {
        struct table_job  *job = &r->tables[i];
        struct load_group *g = group_for(r, m->tables[i].load_via);

        job->table = &m->tables[i];
        job->group = g;
        job->qualified = pg_qualified(m->tables[i].schema, m->tables[i].name);
        VEC_GROW(g->v, g->n, g->cap);
        g->v[g->n++] = job;
    }
    assign_indexes(r);
}
