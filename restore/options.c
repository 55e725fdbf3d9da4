#include "restore/job/options.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "core/cli/opts_args.h"
#include "core/cli/opts_common.h"
#include "core/human.h"
#include "core/pool.h"
#include "restore/file/foreign.h"
#include "restore/job/tablespaces.h"
#include "restore/part/live.h"
#include "restore/part/parts.h"
#include "restore/switch.h"
#include "storage/keys/trust_who.h"
#include "storage/read/backup_find.h"
#include "storage/repo/repo_keys.h"

#define AT(field) offsetof(struct options, field)

static const struct opt table[] = {
    OPT_HEADING("What to restore"),
    OPT_COMMON_REPO(struct options),
    OPTS_COMMON_BACKUP(struct options),
    OPT_COMMON_MAX_AGE(struct options),
    OPT_COMMON_REPO_OPTION(struct options),
    OPT_COMMON_AS_OF(struct options),
    OPT_COMMON_IDENTITY(struct options),
    OPTS_COMMON_PASSPHRASE(struct options),
    {OPT_LIST, "table", 't', "PATTERN",
     "only tables, views and sequences that match (psql's patterns)", AT(tables), 0, 0, NULL, NULL},
    {OPT_LIST, "exclude-table", 'T', "PATTERN", "not what matches", AT(exclude_tables), 0, 0, NULL,
     NULL},
    {OPT_LIST, "schema", 'n', "PATTERN", "only schemas that match", AT(schemas), 0, 0, NULL, NULL},
    {OPT_LIST, "exclude-schema", 'N', "PATTERN", "not schemas that match", AT(exclude_schemas), 0,
     0, NULL, NULL},
    {OPT_FLAG, "list", 0, NULL, "print what the backup holds, restore nothing", AT(list), 0, 0,
     NULL, NULL},
    {OPT_TEXT, "use-list", 0, "FILE",
     "only what this list keeps: that of --list, with lines removed or begun with ';'",
     AT(use_list), 0, 0, NULL, NULL},
    {OPT_FLAG, "dry-run", 0, NULL, "do every check beforehand, change nothing", AT(dry_run), 0, 0,
     NULL, NULL},
    {OPT_FLAG, "no-space-check", 0, NULL,
     "restore although less room is free than the database took at the source", AT(no_space_check),
     0, 0, NULL, NULL},
    OPT_HEADING("In place of a running database"),
    {OPT_FLAG, "swap", 0, NULL,
     "restore beside it, compare, then take its name; it is set aside, not dropped", AT(swap), 0, 0,
     NULL, NULL},
    {OPT_FLAG, "replace", 0, NULL,
     "without room for both: back it up, drop it, restore under its name; once more goes on",
     AT(replace), 0, 0, NULL, NULL},
    {OPT_FLAG, "no-safety-backup", 0, NULL, "--replace: drop it without backing it up first",
     AT(no_safety_backup), 0, 0, NULL, NULL},
    {OPT_TEXT, "settings", 0, "WHOSE",
     "of both: owner, privileges and settings of the database are the live one's (live, the "
     "default) or the backup's (backup)",
     AT(settings), 0, 0, NULL, NULL},
    {OPT_TEXT, "check", 0, "WHAT",
     "of both: before it gets the name compare numbers of rows (counts, the default), or contents, "
     "too (full)",
     AT(check), 0, 0, NULL, NULL},
    {OPT_TEXT, "drop-old-after", 0, "AGE",
     "what --swap, --undo or --switch-to sets aside may be dropped by a later restore, after this "
     "time",
     AT(drop_old_after), 0, 0, NULL, "drop-old-after"},
    {OPT_FLAG, "undo", 0, NULL, "back: the database that the newest swap has set aside", AT(undo),
     0, 0, NULL, NULL},
    {OPT_TEXT, "switch-to", 0, "NAME", "the same with a database of the server that you name",
     AT(switch_to), 0, 0, NULL, NULL},
    {OPT_FLAG, "status", 0, NULL, "what restores and swaps of DB have left, and the way back",
     AT(status), 0, 0, NULL, NULL},
    {OPT_FLAG, "leftovers", 0, NULL, "likewise of every database of the server", AT(leftovers), 0,
     0, NULL, NULL},
    {OPT_TEXT, "drop-leftover", 0, "NAME", "drop a database that a swap has set aside",
     AT(drop_leftover), 0, 0, NULL, NULL},
    OPT_HEADING("Where to"),
    {OPT_TEXT, "to", 0, "NEWDB", "restore into this new database; an existing one is never touched",
     AT(to), 0, 0, NULL, NULL},
    {OPT_FLAG, "scratch", 0, NULL,
     "restore into a private throw-away server, gone when the tool ends", AT(scratch), 0, 0, NULL,
     NULL},
    OPT_COMMON_KEEP(struct options),
    OPTS_COMMON_SCRATCH(struct options),
    {OPT_TEXT, "conninfo", 'd', "CONNINFO", "server to restore into: key=value words or a URI",
     AT(conninfo), 0, 0, NULL, NULL},
    OPTS_COMMON_SERVER(struct options),
    OPT_HEADING("How"),
    {OPT_LIST, "first", 0, "PATTERN",
     "load, index and validate these tables before the others; a line says when each is usable",
     AT(first), 0, 0, NULL, NULL},
    OPT_COMMON_JOBS(struct options, 256, OPT_JOBS_PROCESSORS),
    {OPT_FLAG, "no-owner", 'O', NULL, "leave everything to the user who restores", AT(no_owner), 0,
     0, NULL, "no-owner"},
    {OPT_FLAG, "no-privileges", 'x', NULL, "do not restore GRANT and REVOKE", AT(no_privileges), 0,
     0, NULL, "no-privileges"},
    OPT_COMMON_BEYOND(struct options),
    {OPT_FLAG, "no-tablespaces", 0, NULL, "everything into the server's default tablespace",
     AT(no_tablespaces), 0, 0, NULL, NULL},
    {OPT_LIST, "tablespace-map", 0, "OLD=NEW",
     "what lay in tablespace OLD goes into NEW, the database too", AT(tablespace_map), 0, 0, NULL,
     NULL},
    {OPT_TEXT, "role", 0, "NAME", "SET ROLE to this after connecting", AT(role), 0, 0, NULL,
     "role"},
    {OPT_FLAG, "globals", 0, NULL, "first create roles that are missing, from the backup's globals",
     AT(globals), 0, 0, NULL, NULL},
    {OPT_FLAG, "isolated", 0, NULL,
     "into a throw-away server: --globals, no tablespaces, no access to foreign servers",
     AT(isolated), 0, 0, NULL, NULL},
    {OPT_FLAG, "allow-remote", 0, NULL, "isolated or scratch: let the copy reach foreign servers",
     AT(allow_remote), 0, 0, NULL, NULL},
    {OPT_TEXT, "kept", 0, "FILE",
     "isolated: if FILE says what the copy of an earlier restore holds, load only what has changed",
     AT(kept), 0, 0, NULL, NULL},
    {OPT_FLAG, "no-analyze", 0, NULL, "leave out the statistics for the planner (ANALYZE)",
     AT(no_analyze), 0, 0, NULL, NULL},
    {OPT_FLAG, "allow-unsigned", 0, NULL,
     "use a backup without a trusted signature: it runs foreign code, and proves nothing",
     AT(allow_unsigned), 0, 0, NULL, NULL},
    {OPT_FLAG, "keep-failed", 0, NULL, "do not remove what a failed restore has made",
     AT(keep_failed), 0, 0, NULL, NULL},
    {OPT_FLAG, "no-record", 0, NULL, "do not keep the result in the repository", AT(no_record), 0,
     0, NULL, NULL},
    OPTS_END,
};

static const struct opt general[] = {
    OPT_HEADING("General"),
    OPT_COMMON_BINDIR(struct options),
    OPTS_COMMON_GENERAL(struct options),
    OPTS_END,
};

static const struct opts_spec spec = {
    .program = "pgassay-restore",
    .args = "DB",
    .summary =
        "Bring a backup back: into a new database of a server (--to), or into a throw-away server "
        "of its own (--scratch).",
    .tables = (const struct opt *const[]){table, live_options, foreign_options, general, NULL},
    .keys = repo_config_keys,
};

/* What goes with a server of our own, and what with a running one. */
static int
check_scratch(const struct options *o, struct err *e)
{
    if (o->keep && !o->scratch) {
        return err_set(e, ERR_USAGE, "--keep belongs to --scratch");
    }
    if (o->to != NULL && o->scratch && !o->keep) {
        err_set(e, ERR_USAGE, "--to \"%s\" would be gone with the scratch server", o->to);
        return err_hint(e,
                        "--to alone restores into a running server; --scratch alone tries a "
                        "restore; "
                        "with --keep the scratch server stays");
    }
    if (o->scratch &&
        (o->conninfo != NULL || o->host != NULL || o->port != NULL || o->user != NULL)) {
        return err_set(e, ERR_USAGE,
                       "--scratch starts its own server: -d, -h, -p and -U do not go with it");
    }
    if (o->allow_remote && !o->scratch && !o->isolated) {
        return err_set(e, ERR_USAGE, "--allow-remote belongs to --scratch or --isolated");
    }
    return 0;
}

static int
check_combinations(const struct options *o, struct err *e)
{
    if (o->first.n > 0 && (o->list || live_asked(o))) {
        return err_set(e, ERR_USAGE, "--first is about the tables of a new database");
    }
    if (o->list) {
        return parts_asked(o) ? err_set(e, ERR_USAGE,
                                        "--list prints everything: -t, -T, -n, -N and --use-list "
                                        "do not go with it")
                              : 0;
    }
    if (o->use_list != NULL &&
        (live_asked(o) ||
         o->tables.n + o->exclude_tables.n + o->schemas.n + o->exclude_schemas.n > 0)) {
        return err_set(e, ERR_USAGE,
                       "--use-list says all that comes into a new database: -t, -T, -n, -N and "
                       "what "
                       "is for a database that exists do not go with it");
    }
    if (live_asked(o)) {
        return live_check(o, e);
    }
    if (o->to == NULL && !o->scratch && !takes_a_name(o)) {
        err_set(e, ERR_USAGE, "nothing says where to restore");
        return err_hint(e,
                        "--to NEWDB restores into a new database, --swap in place of the running "
                        "one, --into-schema NAME beside its tables, --scratch into a throw-away "
                        "server");
    }
    if (takes_a_name(o) && parts_asked(o)) {
        return err_set(e, ERR_USAGE,
                       "--swap and --replace put a whole database in place of another: -t, -T, -n, "
                       "-N and --use-list do not go with them");
    }
    if (takes_a_name(o) && (o->scratch || o->isolated)) {
        return err_set(e, ERR_USAGE,
                       "--swap and --replace are for a running server, not for a scratch one");
    }
    if (o->replace && o->keep_failed) {
        return err_set(e, ERR_USAGE,
                       "--keep-failed does not go with --replace, which goes on when it is run "
                       "again");
    }
    if (o->replace && o->as_of != NULL && !o->no_safety_backup) {
        err_set(e, ERR_USAGE, "--as-of only reads: no safety backup can be written");
        return err_hint(e, "--no-safety-backup goes without");
    }
    if (o->to != NULL && (o->to[0] == '\0' || strlen(o->to) > 63)) {
        return err_set(e, ERR_USAGE, "--to: a database name has 1 to 63 bytes");
    }
    if (check_scratch(o, e) != 0) {
        return -1;
    }
    if (o->kept != NULL && (!o->isolated || parts_asked(o) || o->first.n > 0)) {
        return err_set(e, ERR_USAGE,
                       "--kept goes with --isolated, and a whole database: without --first, -t, "
                       "-T, "
                       "-n, -N and --use-list");
    }
    if (o->tablespace_map.n > 0 && (o->no_tablespaces || o->scratch || o->isolated)) {
        return err_set(e, ERR_USAGE,
                       "--tablespace-map does not go with --no-tablespaces, --scratch or "
                       "--isolated: nothing goes into a tablespace there");
    }
    return tablespaces_check_map(&o->tablespace_map, e);
}

/* The configuration's value is for the newest: it does not apply to a backup chosen explicitly. */
static int
read_max_age(struct options *o, struct err *e)
{
    bool named = !backup_is_latest(o->backup) || o->at != NULL || o->as_of != NULL;

    if (o->max_age == NULL) {
        return 0;
    }
    if (duration_parse(o->max_age, &o->max_age_s) != 0 || o->max_age_s == 0) {
        return err_set(e, ERR_USAGE, "max-age \"%s\" is not a time such as 30m, 26h or 3d",
                       o->max_age);
    }
    if (named && !opts_given(&o->parsed, "max-age")) {
        o->max_age_s = 0;
    }
    return 0;
}

/* --leftovers and the like need no name. */
static bool
has_no_database(const struct options *o)
{
    return o->leftovers || o->drop_leftover != NULL || foreign_asked(o);
}

/* --undo and the like act without a backup: an option that would be ignored may have been meant to
 * prevent the action. */
static int
check_belongs(const struct options *o, struct err *e)
{
    static const char *const restoring[] = {"backup",         "at",
                                            "before",         "proven",
                                            "as-of",          "table",
                                            "exclude-table",  "schema",
                                            "exclude-schema", "list",
                                            "use-list",       "first",
                                            "dry-run",        "scratch",
                                            "keep",           "no-owner",
                                            "no-privileges",  "no-tablespaces",
                                            "tablespace-map", "globals",
                                            "isolated",       "keep-failed",
                                            "no-space-check"};

    for (size_t i = 0; switch_asked(o) && i < sizeof restoring / sizeof restoring[0]; i++) {
        if (opts_given(&o->parsed, restoring[i])) {
            return err_set(e, ERR_USAGE,
                           "--%s is for a restore: it does not go with --undo, --switch-to, "
                           "--status, --leftovers or --drop-leftover",
                           restoring[i]);
        }
    }
    if (opts_given(&o->parsed, "drop-old-after") && !o->swap && !o->undo && o->switch_to == NULL) {
        return err_set(e, ERR_USAGE,
                       "--drop-old-after belongs to --swap, --undo and --switch-to, which set a "
                       "database aside");
    }
    return 0;
}

/* Options that choose the action: one at most, and no options of another. */
static int
check_switch(struct options *o, struct err *e)
{
    const int asked = (int)o->swap + (int)o->replace + (int)o->undo + (int)o->status +
        (int)o->leftovers + (o->switch_to != NULL) + (o->drop_leftover != NULL);

    if (asked > 1) {
        return err_set(e, ERR_USAGE,
                       "--swap, --replace, --undo, --switch-to, --status, --leftovers and "
                       "--drop-leftover exclude each other");
    }
    if (o->settings != NULL && strcmp(o->settings, "live") != 0 &&
        strcmp(o->settings, "backup") != 0) {
        return err_set(e, ERR_USAGE, "--settings is \"live\" or \"backup\", not \"%s\"",
                       o->settings);
    }
    if (o->settings != NULL && !takes_a_name(o)) {
        return err_set(e, ERR_USAGE, "--settings belongs to --swap and --replace");
    }
    o->settings_of_backup = o->settings != NULL && strcmp(o->settings, "backup") == 0;
    if (o->check != NULL && strcmp(o->check, "counts") != 0 && strcmp(o->check, "full") != 0) {
        return err_set(e, ERR_USAGE, "--check is \"counts\" or \"full\", not \"%s\"", o->check);
    }
    if (o->check != NULL && !takes_a_name(o)) {
        return err_set(e, ERR_USAGE, "--check belongs to --swap and --replace");
    }
    if (o->no_safety_backup && !o->replace) {
        return err_set(e, ERR_USAGE, "--no-safety-backup belongs to --replace");
    }
    o->check_full = o->check != NULL && strcmp(o->check, "full") == 0;
    if (o->drop_old_after != NULL &&
        (duration_parse(o->drop_old_after, &o->drop_old_after_s) != 0 ||
         o->drop_old_after_s == 0)) {
        return err_set(e, ERR_USAGE, "drop-old-after \"%s\" is not a time such as 12h or 7d",
                       o->drop_old_after);
    }
    return check_belongs(o, e);
}

static int
check(struct options *o, struct err *e)
{
    if (check_switch(o, e) != 0) {
        return -1;
    }
    if (has_no_database(o)) {
        return opts_args_check("", NULL, &o->parsed.rest, e) != 0 ||
                (foreign_asked(o) && (foreign_check(o, e) != 0 || check_combinations(o, e) != 0))
            ? -1
            : 0;
    }
    if (opts_check(&spec, NULL, &o->parsed, e) != 0) {
        return err_hint(e,
                        "\"pgassay storage list\" shows what there is; \"pgassay restore --help\" "
                        "shows the options");
    }
    if (o->switch_to != NULL && strcmp(o->switch_to, o->to != NULL ? o->to : o->database) == 0) {
        return err_set(e, ERR_USAGE, "--switch-to \"%s\": it has that name", o->switch_to);
    }
    if (backup_choose(&o->backup, o->at, o->before, o->proven, o->named, e) != 0 ||
        (!switch_asked(o) && check_combinations(o, e) != 0)) {
        return -1;
    }
    if (o->at != NULL && backup_at_parse(o->at, &o->at_time, e) != 0) {
        return err_wrap(e, "--at");
    }
    return read_max_age(o, e);
}

/* Settings of the configuration for real servers must not reduce a copy made for comparison. */
static void
ignore_habits(struct options *o)
{
    o->no_owner = o->no_owner && opts_given(&o->parsed, "no-owner");
    o->no_privileges = o->no_privileges && opts_given(&o->parsed, "no-privileges");
    o->role = opts_given(&o->parsed, "role") ? o->role : NULL;
}

int
options_read(int argc, char **argv, struct options *o, bool *done, struct err *e)
{
    *o = (struct options){.show = 10, .lock_timeout_s = 60, .jobs = pool_default_threads()};
    *done = false;
    if (opts_parse(&spec, NULL, argc, argv, o, &o->parsed, e) != 0) {
        return -1;
    }
    if (o->parsed.done) {
        *done = true;
        return 0;
    }
    o->database = o->parsed.rest.n > 0 ? o->parsed.rest.v[0] : NULL;
    if ((o->config = config_load(o->config_file, repo_config_keys(), e)) == NULL ||
        config_apply(o->config, o->database, &o->parsed, o, e) != 0) {
        return -1;
    }
    if (o->print_config) {
        config_print_options(o->config, o->database, &o->parsed, o, stdout);
        trust_who_print_meant(o->config, o->repo, o->database, &o->repo_options, stdout);
        *done = true;
        return 0;
    }
    o->given = (struct storage_given){.options = &o->repo_options,
                                      .identity = &o->identity,
                                      .passphrase_file = o->passphrase_file,
                                      .passphrase_command = o->passphrase_command,
                                      .passphrase_fd = o->passphrase_fd,
                                      .as_of = o->as_of};
    if (check(o, e) != 0 ||
        (!switch_asked(o) && !foreign_asked(o) &&
         storage_location_find(o->config, o->repo, o->database, &o->given, &o->place, e) != 0)) {
        return -1;
    }
    storage_location_secrets(o->config, &o->given, &o->secrets);
    strlist_add_all(&o->tables, &o->rows);
    if (o->scratch) {
        o->isolated = true;
    }
    if (o->isolated) {
        ignore_habits(o);
    }
    o->globals = o->globals || o->isolated;
    o->no_tablespaces = o->no_tablespaces || o->isolated;
    return 0;
}

void
options_free(struct options *o)
{
    config_free(o->config);
    opts_result_free(&o->parsed);
    opts_lists_free(spec.tables, o);
    strlist_free(&o->secrets);
}
