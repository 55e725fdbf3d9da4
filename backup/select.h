/*
 * select.h - which part of a database: patterns and --schema-only, by the rules of pg_dump.
 */
#ifndef BACKUP_SELECT_H
#define BACKUP_SELECT_H

#include "backup/options.h"
#include "core/json.h"
#include "pg/conn/pattern.h"
#include "pg/snapshot/catalog.h"

struct selection {
    const struct options *o;
    struct oid_set tables, exclude_tables, exclude_data, schema_tables, exclude_schema_tables;
    const char   **dump_args; /* for pg_dump, NULL-terminated */
    char           scope[17]; /* "full", or a digest of the selection */
    char          *words;     /* the options, NULL when full */
    json_t        *json;      /* for the manifest, NULL when full */
};

/* Resolves the patterns on a connection of its own. */
int  selection_make(const struct options *, PGconn *, struct selection *, struct err *);
void selection_free(struct selection *);

/* snapshot_options.wants; ctx is the selection.  For any thread. */
bool selection_wants(void *ctx, const struct cat_table *);
/* False for --exclude-table-data. */
bool selection_wants_rows(struct selection *, const struct cat_table *);
/* Large objects belong to no schema: they are included unless -t or -n was given. */
bool selection_wants_large_objects(const struct selection *);

#endif
