/*
 * live_options.c - the options of parts, and of restores into an existing database.
 */
#include <stddef.h>
#include <string.h>

#include "core/cli/opts_common.h"
#include "restore/part/live.h"
#include "restore/part/parts.h"

#define AT(field) offsetof(struct options, field)

const struct opt live_options[] = {
    OPT_HEADING("Into a database that exists"),
    {OPT_TEXT, "into-schema", 0, "NAME",
     "tables into this new schema, beside the live ones, without foreign keys and triggers",
     AT(into_schema), 0, 0, NULL, NULL},
    {OPT_FLAG, "put-back", 0, NULL,
     "tables that were dropped, to where they were, with foreign keys and triggers", AT(put_back),
     0, 0, NULL, NULL},
    {OPT_FLAG, "data-only", 0, NULL, "rows, no definitions", AT(data_only), 0, 0, NULL, NULL},
    {OPT_FLAG, "truncate", 0, NULL, "data-only: empty the tables first", AT(truncate), 0, 0, NULL,
     NULL},
    {OPT_TEXT, "on-conflict", 0, "ACTION",
     "data-only: what becomes of a row whose key is there: nothing or update", AT(on_conflict), 0,
     0, NULL, NULL},
    {OPT_FLAG, "disable-triggers", 0, NULL,
     "data-only, rows: no triggers fire, no foreign keys are checked", AT(disable_triggers), 0, 0,
     NULL, NULL},
    {OPT_LIST, "rows", 0, "PATTERN",
     "what became of the rows of a table since: compare, bring back", AT(rows), 0, 0, NULL, NULL},
    {OPT_TEXT, "where", 0, "SQL", "rows: only those of which this is true, then or now", AT(where),
     0, 0, NULL, NULL},
    {OPT_INT, "show", 0, "N", "rows: print the first N that differ (default: 10)", AT(show), 0,
     100000, NULL, NULL},
    {OPT_TEXT, "as", 0, "FORMAT", "rows: print what brings them back; sql: as statements", AT(as),
     0, 0, NULL, NULL},
    {OPT_TEXT, "into-table", 0, "SCHEMA.TABLE", "rows: put the lost ones into this new table",
     AT(into_table), 0, 0, NULL, NULL},
    {OPT_TEXT, "apply", 0, "WHICH", "rows: bring back those deleted, changed, or both", AT(apply),
     0, 0, NULL, NULL},
    {OPT_INT, "lock-timeout", 0, "SECONDS", "how long to wait for a locked table (default: 60)",
     AT(lock_timeout_s), 1, 86400, NULL, "lock-timeout"},
    {OPT_TEXT, "into", 0, "DB", "the database, if it is not the one that was backed up", AT(into),
     0, 0, NULL, NULL},
    OPTS_END,
};

static bool
rows_asked(const struct options *o)
{
    return o->rows.n > 0 || o->where != NULL || o->as != NULL || o->into_table != NULL ||
        o->apply != NULL || opts_given(&o->parsed, "show");
}

bool
parts_asked(const struct options *o)
{
    return o->use_list != NULL ||
        o->tables.n + o->exclude_tables.n + o->schemas.n + o->exclude_schemas.n > 0;
}

bool
live_asked(const struct options *o)
{
    return o->into_schema != NULL || o->put_back || o->into != NULL || o->data_only ||
        o->truncate || o->on_conflict != NULL || o->disable_triggers || rows_asked(o) ||
        opts_given(&o->parsed, "lock-timeout");
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
wants_tables(const char *option, struct err *e)
{
    err_set(e, ERR_USAGE, "%s wants to know of which tables", option);
    return err_hint(e, "-t names tables, -n schemas");
}

static int
check_data_only(const struct options *o, struct err *e)
{
    if (!parts_asked(o)) {
        return wants_tables("--data-only", e);
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

static int
check_rows(const struct options *o, struct err *e)
{
    if (o->rows.n == 0) {
        return err_set(e, ERR_USAGE,
                       "--where, --show, --as, --into-table and --apply belong to --rows");
    }
    if (o->tables.n + o->exclude_tables.n + o->schemas.n + o->exclude_schemas.n > 0) {
        return err_set(e, ERR_USAGE,
                       "--rows names its tables itself: -t, -T, -n and -N do not go "
                       "with it");
    }
    if (o->as != NULL && strcmp(o->as, "sql") != 0) {
        return err_set(e, ERR_USAGE, "--as is \"sql\", not \"%s\"", o->as);
    }
    if (o->apply != NULL && strcmp(o->apply, "deleted") != 0 && strcmp(o->apply, "changed") != 0 &&
        strcmp(o->apply, "both") != 0) {
        return err_set(e, ERR_USAGE, "--apply is \"deleted\", \"changed\" or \"both\", not \"%s\"",
                       o->apply);
    }
    if ((o->as != NULL) + (o->into_table != NULL) + (o->apply != NULL) > 1 ||
        (o->as != NULL && o->json)) {
        return err_set(e, ERR_USAGE,
                       "--as, --into-table and --apply exclude each other, and --as "
                       "--json");
    }
    return 0;
}

int
live_check(const struct options *o, struct err *e)
{
    if (o->to != NULL || takes_a_name(o) || o->scratch || o->isolated || o->globals || o->beyond ||
        o->no_tablespaces || o->tablespace_map.n > 0 || o->no_space_check) {
        return err_set(e, ERR_USAGE,
                       "--to, --swap, --replace, --scratch, --isolated, --globals, --beyond, "
                       "--no-tablespaces, "
                       "--tablespace-map and --no-space-check are about new databases: they do not "
                       "go with what is "
                       "for one that exists");
    }
    if ((o->into_schema != NULL) + o->put_back + o->data_only + rows_asked(o) > 1) {
        return err_set(e, ERR_USAGE,
                       "--into-schema, --put-back, --data-only and --rows exclude each other");
    }
    if (rows_asked(o)) {
        return o->truncate || o->on_conflict != NULL
            ? err_set(e, ERR_USAGE, "--truncate and --on-conflict belong to --data-only")
            : check_rows(o, e);
    }
    if (o->data_only) {
        return check_data_only(o, e);
    }
    if (o->truncate || o->on_conflict != NULL || o->disable_triggers) {
        return err_set(e, ERR_USAGE,
                       "--truncate, --on-conflict and --disable-triggers are about rows: they "
                       "belong to "
                       "--data-only");
    }
    if (o->put_back) {
        return parts_asked(o) ? 0 : wants_tables("--put-back", e);
    }
    return o->into_schema == NULL ? err_set(e, ERR_USAGE,
                                            "--into and --lock-timeout belong to "
                                            "--into-schema, --put-back, --data-only or --rows")
                                  : check_schema_name(o->into_schema, e);
}
