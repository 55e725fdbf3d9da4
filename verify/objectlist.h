/*
 * objectlist.h - the objects of a schema as a sorted list, and two such lists matched with each
 * other.
 *
 * An object is an entry of a pg_dump archive: kind, schema and name are its identity, owner and
 * digest what it is. Several entries can share an identity (operators of one name); they are
 * matched by what they are.
 */
#ifndef VERIFY_OBJECTLIST_H
#define VERIFY_OBJECTLIST_H

#include <stdbool.h>
#include <stddef.h>

#include "pg/archive/archive.h"
#include "storage/format/manifest.h"

struct object {
    const char                 *kind, *schema, *name, *owner; /* borrowed; schema "" for none */
    char                        digest[65];
    const struct archive_entry *entry; /* NULL when it comes from a manifest */
};

struct object_list {
    struct object *v;
    size_t         n, cap;
};

void object_list_of_manifest(const struct manifest *, struct object_list *);
void object_list_of_archive(const struct archive *, struct object_list *);
void object_list_free(struct object_list *);
bool object_same(const struct object *, const struct object *); /* identity, owner, digest */

/* One of them NULL: missing on that side; neither: same identity, but not the same. */
struct object_pair {
    const struct object *want, *have;
};

struct object_pairs {
    struct object_pair *v;
    size_t              n, cap;
};

/* The pairs that are not equal. */
void object_lists_match(const struct object_list *want, const struct object_list *have,
                        struct object_pairs *);
void object_pairs_free(struct object_pairs *);

#endif
