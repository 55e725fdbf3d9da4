/*
 * objectlist.h - the objects of a schema as a sorted list, and two such lists matched with each
 * other.
 *
 * An object is an entry of a pg_dump archive: kind, schema and name are its identity, owner and
 * digest its contents. Several entries can share an identity (operators of one name); they are
 * matched by their contents.
 */
#ifndef VERIFY_COMPARE_OBJECTLIST_H
#define VERIFY_COMPARE_OBJECTLIST_H

#include <stdbool.h>
#include <stddef.h>

#include "pg/archive/archive.h"
#include "storage/format/manifest.h"

struct listed_object {
    const char                 *kind, *schema, *name, *owner; /* borrowed; schema "" for none */
    char                        digest[65];
    const struct archive_entry *entry; /* NULL when it comes from a manifest */
};

struct objectlist {
    struct listed_object *v;
    size_t                n, cap;
};

void objectlist_of_manifest(const struct manifest *, struct objectlist *);
void objectlist_of_archive(const struct archive *, struct objectlist *);
void objectlist_add(struct objectlist *, const struct listed_object *); /* borrows its texts */
void objectlist_free(struct objectlist *);
bool objectlist_same(const struct listed_object *,
                     const struct listed_object *); /* identity, owner, digest */

/* One of them NULL: missing on that side; neither: same identity, but not the same. */
struct objectlist_pair {
    const struct listed_object *want, *have;
};

struct objectlist_pairs {
    struct objectlist_pair *v;
    size_t                  n, cap;
};

/* The pairs that are not equal. */
void objectlist_match(const struct objectlist *want, const struct objectlist *have,
                      struct objectlist_pairs *);
void objectlist_pairs_free(struct objectlist_pairs *);

#endif
