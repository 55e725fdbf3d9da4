/*
 * live_options.c - the options of restores into a database that exists.
 */
#include <stddef.h>
#include <string.h>

#include "core/cli/opts_common.h"
#include "restore/live.h"
#include "restore/parts.h"

#define AT(field) offsetof(struct options, field)

const struct opt live_options[] = {
    OPT_HEADING("Into a database that exists"),
    {OPT_TEXT, "into-schema", 0, "NAME",
     "tables into this new schema, beside the live ones, without foreign keys and triggers",
     AT(into_schema), 0, 0, NULL, NULL},
    {OPT_FLAG, "data-only", 0, NULL, "rows, no definitions", AT(data_only), 0, 0, NULL, NULL},
    {OPT_FLAG, "truncate", 0, NULL, "data-only: empty the tables first", AT(truncate), 0, 0, NULL,
     NULL},
    {OPT_TEXT, "on-conflict", 0, "ACTION",
     "data-only: what becomes of a row whose key is there: nothing or update", AT(on_conflict), 0,
     0, NULL, NULL},
    {OPT_FLAG, "disable-triggers", 0, NULL,
     "data-only: no triggers fire, no foreign keys are checked", AT(disable_triggers), 0, 0, NULL,
     NULL},
    {OPT_TEXT, "into", 0, "DB", "the database, if it is not the one that was backed up", AT(into),
     0, 0, NULL, NULL},
    OPTS_END,
};

bool
live_asked(const struct options *o)
{
    return o->into_schema != NULL || o->into != NULL || o->data_only || o->truncate ||
        o->on_conflict != NULL || o->disable_triggers;
}

static int
check_schema_name(const char *name, struct err *e)
{
    return name[0] == '\0' || strlen(name) > 63 || strncmp(name, "pg_", 3) == 0
        ? err_set(e, ERR_USAGE,
                  "--into-schema: a schema's name has 1 to 63 bytes, and does not begin with pg_")
        : 0;
}

static int
check_data_only(const struct options *o, struct err *e)
{
    if (!parts_asked(o)) {
        err_set(e, ERR_USAGE, "--data-only wants to know of which tables");
        return err_hint(e, "-t names tables, -n schemas");
    }
    if (o->on_conflict != NULL && strcmp(o->on_conflict, "nothing") != 0 &&
        strcmp(o->on_conflict, "update") != 0) {
        return err_set(e, ERR_USAGE, "--on-conflict is \"nothing\" or \"update\", not \"%s\"",
                       o->on_conflict);
    }
    return o->truncate && o->on_conflict != NULL
        ? err_set(e, ERR_USAGE, "--truncate leaves nothing that --on-conflict could be about")
        : 0;
}

int
live_check(const struct options *o, struct err *e)
{
    if (o->to != NULL || o->swap || o->scratch || o->isolated || o->globals || o->beyond ||
        o->no_tablespaces || o->tablespace_map.n > 0) {
        return err_set(e, ERR_USAGE,
                       "--to, --swap, --scratch, --isolated, --globals, --beyond, --no-tablespaces "
                       "and --tablespace-map are about new databases: they do not go with what is "
                       "for one that exists");
    }
    if (o->into_schema != NULL && o->data_only) {
        return err_set(e, ERR_USAGE, "--into-schema and --data-only exclude each other");
    }
    if (o->data_only) {
        return check_data_only(o, e);
    }
    if (o->truncate || o->on_conflict != NULL || o->disable_triggers) {
        return err_set(e, ERR_USAGE,
                       "--truncate, --on-conflict and --disable-triggers belong to --data-only");
    }
    return o->into_schema == NULL
        ? err_set(e, ERR_USAGE, "--into names the database for --into-schema or --data-only")
        : check_schema_name(o->into_schema, e);
}
