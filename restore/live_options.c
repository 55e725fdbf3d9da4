/*
 * live_options.c - the options of restores into a database that exists.
 */
#include <stddef.h>
#include <string.h>

#include "core/cli/opts_common.h"
#include "restore/live.h"

#define AT(field) offsetof(struct options, field)

const struct opt live_options[] = {
    OPT_HEADING("Into a database that exists"),
    {OPT_TEXT, "into-schema", 0, "NAME",
     "tables into this new schema, beside the live ones, without foreign keys and triggers",
     AT(into_schema), 0, 0, NULL, NULL},
    {OPT_TEXT, "into", 0, "DB", "the database, if it is not the one that was backed up", AT(into),
     0, 0, NULL, NULL},
    OPTS_END,
};

bool
live_asked(const struct options *o)
{
    return o->into_schema != NULL || o->into != NULL;
}

int
live_check(const struct options *o, struct err *e)
{
    if (o->to != NULL || o->swap || o->scratch || o->isolated || o->globals) {
        return err_set(e, ERR_USAGE,
                       "--to, --swap, --scratch, --isolated and --globals are about new databases: "
                       "they do not go with --into-schema and --into");
    }
    if (o->into_schema == NULL) {
        return err_set(e, ERR_USAGE, "--into names the database for --into-schema");
    }
    if (o->into_schema[0] == '\0' || strlen(o->into_schema) > 63 ||
        strncmp(o->into_schema, "pg_", 3) == 0) {
        return err_set(e, ERR_USAGE,
                       "--into-schema: a schema's name has 1 to 63 bytes, and does not begin with "
                       "pg_");
    }
    return 0;
}
