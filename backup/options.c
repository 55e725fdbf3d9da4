#include "backup/options.h"

#include <limits.h>
#include <stddef.h>
#include <string.h>

#include "core/cli/opts_common.h"
#include "core/pool.h"
#include "storage/repo/repo_keys.h"

#define AT(field) .offset = offsetof(struct options, field)

static const struct opt table[] = {
    OPT_HEADING("What to back up"),
    {OPT_TEXT, "conninfo", 'd', "CONNINFO", "database as a name, key=value words or a URI",
     AT(conninfo), .config = "conninfo"},
    {OPT_FLAG, "all", 'a', NULL, "every database of the server that takes connections", AT(all)},
    {OPT_FLAG, "schema-only", 's', NULL, "definitions, no rows", AT(schema_only)},
    {OPT_FLAG, "data-only", 0, NULL, "rows, no definitions", AT(data_only)},
    {OPT_LIST, "table", 't', "PATTERN",
     "only tables, views and sequences that match (psql's patterns)", AT(tables)},
    {OPT_LIST, "exclude-table", 'T', "PATTERN", "not what matches", AT(exclude_tables)},
    {OPT_LIST, "schema", 'n', "PATTERN", "only schemas that match", AT(schemas)},
    {OPT_LIST, "exclude-schema", 'N', "PATTERN", "not schemas that match", AT(exclude_schemas)},
    {OPT_LIST, "exclude-table-data", 0, "PATTERN",
     "the definition of what matches, but not its rows", AT(exclude_table_data),
     .config = "exclude-table-data"},
    {OPT_FLAG, "complete", 0, NULL,
     "all of it, and nothing is pruned, whatever the configuration says", AT(complete)},
    OPT_HEADING("A dump that another tool made"),
    OPT_COMMON_FILE(struct options),
    {OPT_TEXT, "taken", 0, "TIME", "file: when it was dumped, if not as it says or the file's time",
     AT(taken)},
    OPTS_COMMON_BUNDLE(struct options),
    OPTS_COMMON_SCRATCH(struct options),
    OPT_HEADING("Where to"),
    {OPT_LIST, "repo", 0, "PATH|NAME",
     "a directory, s3://BUCKET/PREFIX, or a [repo NAME]; "
     "given again: into each of them at once [$PGASSAY_REPO]",
     AT(repos)},
    OPT_COMMON_REPO_OPTION(struct options),
    {OPT_TEXT, "name", 0, "NAME", "name of the database in the repository (default: its own)",
     AT(name)},
    {OPT_FLAG, "adopt", 0, NULL, "bind a name that belonged to another database to this one",
     AT(adopt)},
    {OPT_TEXT, "note", 0, "TEXT", "a remark to keep with the backup", AT(note), .config = "note"},
    {OPT_FLAG, "prune", 0, NULL,
     "afterwards remove the backups that the repository's policy does not keep", AT(prune),
     .config = "prune"},
    OPT_HEADING("How"),
    OPT_COMMON_JOBS(struct options, 1024, OPT_JOBS_PROCESSORS),
    {OPT_TEXT, "compress", 0, "METHOD", "zstd[:LEVEL], gzip[:LEVEL] or none (default: zstd:2)",
     AT(compress), .env = "PGASSAY_COMPRESS", .config = "compress"},
    {OPT_TEXT, "copy-format", 0, "FORMAT", "auto (binary where it is safe) or text (default: auto)",
     AT(copy_format), .config = "copy-format"},
    {OPT_FLAG, "whole", 0, NULL, "store whole chunks, no deltas", AT(whole), .config = "whole"},
    {OPT_INT, "delta-state", 0, "MIB",
     "what this host may keep of a database's rows for that, as digests; 0: nothing (default: "
     "4096)",
     AT(delta_state_mib), 0, INT_MAX, NULL, "delta-state"},
    {OPT_FLAG, "read-all", 0, NULL,
     "read every row, also where nothing has changed by WAL summaries or row versions",
     AT(read_all)},
    {OPT_INT, "read-all-every", 0, "N", "do that each N-th time; 1: always (default: 7)",
     AT(read_all_every), 1, INT_MAX, NULL, "read-all-every"},
    {OPT_INT, "lock-timeout", 0, "SECONDS",
     "how long to wait for locked tables, in all (default: 10)", AT(lock_timeout_s), 1, 86400, NULL,
     "lock-timeout"},
    {OPT_FLAG, "dry-run", 0, NULL, "say what would be done, write nothing", AT(dry_run)},
    OPT_HEADING("Connection"),
    OPTS_COMMON_SERVER_CONFIGURED(struct options),
    {OPT_TEXT, "role", 0, "NAME", "SET ROLE to this after connecting", AT(role), .config = "role"},
    OPT_HEADING("General"),
    OPT_COMMON_BINDIR(struct options),
    OPTS_COMMON_GENERAL(struct options),
    OPTS_END,
};

const struct opts_spec options_spec = {
    .program = "pgassay-backup",
    .args = "[DBNAME]...",
    .summary = "Take a consistent snapshot of PostgreSQL databases, and store it in a repository.",
    .tables = (const struct opt *const[]){table, NULL},
    .keys = repo_config_keys,
};

void
options_init(struct options *o)
{
    *o = (struct options){.jobs = pool_default_threads(),
                          .compress = "zstd:2",
                          .copy_format = "auto",
                          .delta_state_mib = 4096,
                          .read_all_every = 7,
                          .lock_timeout_s = 10};
}

void
options_free(struct options *o)
{
    opts_lists_free(options_spec.tables, o);
}

/* Combinations and texts; ERR_USAGE. */
static int
check_options(struct options *o, struct err *e)
{
    if (o->schema_only && o->data_only) {
        return err_set(e, ERR_USAGE, "--schema-only and --data-only exclude each other");
    }
    if (o->tables.n > 0 && (o->schemas.n > 0 || o->exclude_schemas.n > 0)) {
        return err_set(e, ERR_USAGE, "-n and -N have no effect beside -t: give one or the other");
    }
    if (strcmp(o->copy_format, "auto") != 0 && strcmp(o->copy_format, "text") != 0) {
        return err_set(e, ERR_USAGE, "--copy-format is \"auto\" or \"text\", not \"%s\"",
                       o->copy_format);
    }
    if (o->all && o->name != NULL && o->file == NULL) {
        return err_set(e, ERR_USAGE, "--name is for one database, not for --all");
    }
    o->all_text = strcmp(o->copy_format, "text") == 0;
    return codec_parse(o->compress, &o->codec, e);
}

/* All of the dump, and nothing of the configuration is about it. */
static int
check_file(struct options *o, const struct opts_result *given, struct err *e)
{
    static const char *const other[] = {
        "conninfo",      "host",   "port",           "username",          "role",
        "adopt",         "prune",  "schema-only",    "data-only",         "table",
        "exclude-table", "schema", "exclude-schema", "exclude-table-data"};

    if (o->file == NULL) {
        return o->taken == NULL && o->member == NULL && o->max_size == NULL && o->max_ratio == 0
            ? 0
            : err_set(e, ERR_USAGE,
                      "--taken, --member, --max-size and --max-ratio belong to --file");
    }
    for (size_t i = 0; i < sizeof other / sizeof other[0]; i++) {
        if (strlist_has(&given->given, other[i])) { /* the environment may have them */
            return err_set(e, ERR_USAGE,
                           "--%s is for running databases: it does not go with --file", other[i]);
        }
    }
    if (strcmp(o->file, "-") == 0) {
        err_set(e, ERR_USAGE, "--file -: an import knows a dump by its SHA-256 and its time");
        return err_hint(e, "put what the pipe gives in a file, and import that");
    }
    if (given->rest.n > 0) {
        err_set(e, ERR_USAGE, "--file is backed up, and no database \"%s\"", given->rest.v[0]);
        return err_hint(e, "--name NAME says under which name");
    }
    o->complete = true;
    o->role = NULL;
    return 0;
}

/* Without what the configuration would leave out of it, or remove for it. */
static int
make_complete(struct options *o, const struct opts_result *given, struct err *e)
{
    static const char *const other[] = {"schema-only",        "data-only", "table",
                                        "exclude-table",      "schema",    "exclude-schema",
                                        "exclude-table-data", "prune"};

    for (size_t i = 0; o->complete && i < sizeof other / sizeof other[0]; i++) {
        if (opts_given(given, other[i])) {
            return err_set(e, ERR_USAGE, "--complete and --%s exclude each other", other[i]);
        }
    }
    if (o->complete) {
        strlist_free(&o->exclude_table_data);
        o->prune = false;
    }
    return 0;
}

int
options_for(const struct options *o, const struct opts_result *given, const struct config *cfg,
            const char *database, struct options *out, struct err *e)
{
    *out = *o;
    opts_lists_copy(options_spec.tables, out);
    if (config_apply(cfg, database, given, out, e) != 0 || check_file(out, given, e) != 0 ||
        make_complete(out, given, e) != 0 || check_options(out, e) != 0) {
        options_free(out);
        return -1;
    }
    return 0;
}
