/*
 * inventory_changes.h - objects that a restore does not bring back by itself, and the SQL that
 * does.
 */
#ifndef PG_SNAPSHOT_INVENTORY_CHANGES_H
#define PG_SNAPSHOT_INVENTORY_CHANGES_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct inventory_change {
    char *kind, *name; /* "text search configuration", "pg_catalog.english" */
    char *sql;         /* NULL: none brings it back */
};

struct inventory_changes {
    struct inventory_change *v;
    size_t                   n, cap;
};

/* From the inventory (inventory_omitted()) of the backup.  there: the same of a restored database
 * (inventory_repairable_like()): equal objects are left out; NULL: none is. */
void   inventory_changes(const json_t *inventory, const json_t *there, struct inventory_changes *);
size_t inventory_changes_repairable(const struct inventory_changes *);
/* "text search configuration pg_catalog.english, cast (bigint AS integer) and 3 more"; allocated.
 */
char *inventory_changes_text(const struct inventory_changes *);
void  inventory_changes_free(struct inventory_changes *);

#endif
