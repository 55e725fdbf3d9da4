/*
 * foreign_options.c - the options of --file.
 */
#include <stddef.h>
#include <string.h>

#include "core/cli/opts_common.h"
#include "core/human.h"
#include "restore/file/foreign.h"

/* As OPTS_COMMON_BUNDLE() says. */
enum { RATIO = 200 };
#define SIZE_MAX_TEXT "1 TB"

const struct opt foreign_options[] = {
    OPT_HEADING("A dump that another tool made"),
    OPT_COMMON_FILE(struct options),
    OPT_COMMON_FILE_DB(offsetof(struct options, file_db)),
    OPTS_COMMON_BUNDLE(struct options),
    OPTS_END,
};

bool
foreign_asked(const struct options *o)
{
    return o->file != NULL || o->file_db != NULL || o->member != NULL || o->max_size != NULL ||
        opts_given(&o->parsed, "max-ratio");
}

/* What is about backups, or about running databases. */
static const char *const others[] = {
    "repo",
    "repo-option",
    "as-of",
    "identity",
    "passphrase-file",
    "backup",
    "before",
    "proven",
    "at",
    "max-age",
    "table",
    "exclude-table",
    "schema",
    "exclude-schema",
    "swap",
    "replace",
    "no-safety-backup",
    "check",
    "settings",
    "globals",
    "undo",
    "switch-to",
    "status",
    "leftovers",
    "drop-leftover",
    "drop-old-after",
    "into-schema",
    "put-back",
    "data-only",
    "truncate",
    "on-conflict",
    "rows",
    "disable-triggers",
    "into",
    "lock-timeout",
    "beyond",
    "jobs",
    "tablespace-map",
    "allow-unsigned",
    "passphrase-command",
    "passphrase-fd",
    "where",
    "show",
    "as",
    "into-table",
    "apply",
};

/* How else the same is had. */
static int
for_backups(const char *option, struct err *e)
{
    err_set(e, ERR_USAGE, "--%s is for backups: it does not go with --file", option);
    return strcmp(option, "swap") == 0 || strcmp(option, "replace") == 0
        ? err_hint(e,
                   "--to NEWDB restores the dump beside the running database; look at it, then "
                   "\"pgassay restore DB --switch-to NEWDB\" puts it in the other's place")
        : err_hint(e,
                   "\"pgassay storage import --file FILE --db NAME\" makes a backup of the dump, "
                   "with which it goes");
}

int
foreign_check(struct options *o, struct err *e)
{
    if (o->file == NULL) {
        return err_set(e, ERR_USAGE, "--db, --member, --max-size and --max-ratio belong to --file");
    }
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        if (strlist_has(&o->parsed.given, others[i])) { /* the environment may have them */
            return for_backups(others[i], e);
        }
    }
    o->max_ratio = opts_given(&o->parsed, "max-ratio") ? o->max_ratio : RATIO;
    if (size_parse(o->max_size != NULL ? o->max_size : SIZE_MAX_TEXT, &o->max_size_bytes) != 0 ||
        o->max_size_bytes == 0) {
        return err_set(e, ERR_USAGE, "max-size \"%s\" is not a size such as 500 MB or 2 TB",
                       o->max_size);
    }
    return 0;
}
