/*
 * plan_indexes.c - how large the indexes will be, estimated: no backup has their sizes.
 *
 * What the database took at the source and its tables did not, were their indexes.  That is divided
 * among these by the rows of their tables.  An entry takes 24 bytes at least, as it is sorted: its
 * head, a key of 8 bytes, its place on the tape; and it holds no more than the row.
 */
#include <string.h>
#include <sys/param.h>

#include "pg/archive/entry_ids.h"
#include "restore/job/entries.h"
#include "restore/job/restore.h"

enum { ENTRY_MIN_BYTES = 24 };
#define CATALOG_BYTES (8 * MIB) /* what an empty database takes */

/* Of an index, or a constraint that has one; NULL: it is none, or its table has no rows of its own.
 */
static const struct manifest_table *
indexed(const struct restore *r, const struct entry_ids *ids, const struct archive_entry *entry)
{
    static const char *const kinds[] = {"INDEX", "CONSTRAINT", NULL};
    static const char *const tables[] = {"TABLE", NULL};

    for (size_t i = 0; entry_is(entry, kinds) && i < entry->n_depends; i++) {
        const struct archive_entry *on = entry_ids_find(ids, entry->depends[i]);

        if (on != NULL && entry_is(on, tables)) {
            const struct manifest_table *t = manifest_find(
                r->manifest, on->schema == NULL ? "" : on->schema, on->tag);

            return t == NULL || t->oid != on->oid || t->skipped != NULL ? NULL : t;
        }
    }
    return NULL;
}

/* Of all indexes; 0 where the tables are not the whole database. */
static double
other_bytes(const struct restore *r)
{
    const struct manifest *m = r->manifest;
    double                 bytes = (double)r->label->database_bytes - (double)CATALOG_BYTES -
        (double)m->lo_pages.bytes;

    for (size_t i = 0; i < m->n_tables; i++) {
        bytes -= (double)m->tables[i].relation_bytes;
    }
    return strcmp(r->label->scope, "full") != 0 || bytes < 0 ? 0 : bytes;
}

void
plan_index_entries(struct restore *r)
{
    struct entry_ids ids = entry_ids_new(&r->archive);
    double           entries = 0;

    for (size_t i = 0; i < r->archive.n; i++) {
        const struct manifest_table *t = indexed(r, &ids, &r->archive.v[i]);

        entries += t == NULL ? 0 : (double)t->rows;
    }
    entry_ids_free(&ids);
    r->index_entry_bytes = entries == 0 ? ENTRY_MIN_BYTES
                                        : MAX(other_bytes(r) / entries, ENTRY_MIN_BYTES);
}

struct plan_index_sizes
plan_index_sizes(const struct restore *r)
{
    struct entry_ids        ids = entry_ids_new(&r->archive);
    struct plan_index_sizes s = {0};

    for (size_t i = 0; i < r->archive.n; i++) {
        const struct manifest_table *t = indexed(r, &ids, &r->archive.v[i]);

        if (t != NULL) {
            double bytes = MIN((double)t->rows * r->index_entry_bytes,
                               (double)t->relation_bytes + (double)t->rows * ENTRY_MIN_BYTES);

            s.bytes += (uint64_t)bytes;
            s.largest_bytes = MAX(s.largest_bytes, (uint64_t)bytes);
        }
    }
    entry_ids_free(&ids);
    return s;
}
