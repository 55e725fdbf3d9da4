/*
 * pgassay-storage: the repository, one verb a file.
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/cancel.h"
#include "core/cli/opts_common.h"
#include "core/exit.h"
#include "core/log.h"
#include "storage/commands/cmd.h"

enum { JOBS_MAX = 64 };

#define AT(member) offsetof(struct cmd, member)

#define RULE(i, name, arg, help)                                                                   \
    {                                                                                              \
        OPT_TEXT, name, 0, arg, help, offsetof(struct cmd, rule[i]), 0, 0, NULL, NULL              \
    }

static const struct opt table[] = {
    OPT_HEADING("What to do"),
    OPT_COMMON_REPO(struct cmd),
    OPT_COMMON_AS_OF(struct cmd),
    {OPT_FLAG, "tables", 0, NULL, "show: every table with its rows, sizes and fingerprint",
     AT(tables), 0, 0, NULL, NULL},
    {OPT_FLAG, "check", 0, NULL, "list, show: also look whether every chunk is there, in its size",
     AT(check), 0, 0, NULL, NULL},
    {OPT_TEXT, "share", 0, "N/M",
     "scrub: read this share, what was read the longest ago (default: everything)", AT(share), 0, 0,
     NULL, NULL},
    {OPT_TEXT, "max-bytes", 0, "SIZE", "scrub: read so much", AT(max_bytes), 0, 0, NULL, NULL},
    {OPT_TEXT, "max-time", 0, "TIME", "scrub: read so long (90s, 30m, 2h)", AT(max_time), 0, 0,
     NULL, NULL},
    {OPT_TEXT, "backup", 0, "ID", "copy: this backup, \"latest\" or \"all\" (the default)",
     AT(backup), 0, 0, NULL, NULL},
    {OPT_FLAG, "decrypt", 0, NULL, "copy: what is encrypted may go into a repository that is not",
     AT(decrypt), 0, 0, NULL, NULL},
    {OPT_FLAG, "adopt", 0, NULL,
     "copy: let a name at the destination stand for this database from now on", AT(adopt), 0, 0,
     NULL, NULL},
    {OPT_FLAG, "dry-run", 0, NULL, "copy, prune, undelete: say what would be done, change nothing",
     AT(dry_run), 0, 0, NULL, NULL},
    {OPT_TEXT, "since", 0, "TIME", "undelete: bring back what was removed since TIME", AT(since), 0,
     0, NULL, NULL},
    {OPT_TEXT, "note", 0, "TEXT", "a remark to keep with the backup", AT(note), 0, 0, NULL, NULL},
    {OPT_TEXT, "reason", 0, "TEXT",
     "accept: why the backup is right although it is so much smaller", AT(reason), 0, 0, NULL,
     NULL},
    {OPT_TEXT, "repair-from", 0, "PATH|NAME",
     "scrub: store what is lost anew from this other repository", AT(repair_from), 0, 0, NULL,
     NULL},
    OPT_COMMON_JOBS(struct cmd, JOBS_MAX),
    OPT_HEADING("What to keep (policy)"),
    RULE(0, "keep-last", "N", "the newest N backups; here and below also \"unlimited\""),
    RULE(1, "keep-hourly", "N", "the newest of each of the last N hours that have one"),
    RULE(2, "keep-daily", "N", "the newest of each of the last N days that have one"),
    RULE(3, "keep-weekly", "N", "the newest of each of the last N weeks that have one"),
    RULE(4, "keep-monthly", "N", "the newest of each of the last N months that have one"),
    RULE(5, "keep-yearly", "N", "the newest of each of the last N years that have one"),
    RULE(6, "keep-within", "SPAN", "all within SPAN (1y6m, 7d, 36h) of the newest"),
    RULE(7, "keep-within-hourly", "SPAN", "the newest of each hour within SPAN of the newest"),
    RULE(8, "keep-within-daily", "SPAN", "the newest of each day within SPAN of the newest"),
    RULE(9, "keep-within-weekly", "SPAN", "the newest of each week within SPAN of the newest"),
    RULE(10, "keep-within-monthly", "SPAN", "the newest of each month within SPAN of the newest"),
    RULE(11, "keep-within-yearly", "SPAN", "the newest of each year within SPAN of the newest"),
    RULE(12, "min-keep", "N", "never fewer than N backups, whatever happens (default: 1)"),
    RULE(13, "shrink-share", "SHARE",
         "a backup below this share of those before looks wrong (default: 0.5)"),
    {OPT_FLAG, "clear", 0, NULL, "forget the rules set so far", AT(clear), 0, 0, NULL, NULL},
    OPT_HEADING("Removing (prune)"),
    {OPT_TEXT, "grace", 0, "TIME",
     "how long garbage stays for restores that still read it (default: 12h)", AT(grace), 0, 0, NULL,
     NULL},
    {OPT_TEXT, "free", 0, "SIZE", "an emergency: the oldest backups go until SIZE is free",
     AT(free_space), 0, 0, NULL, NULL},
    {OPT_FLAG, "drop-damaged", 0, NULL, "give up backups that are damaged", AT(drop_damaged), 0, 0,
     NULL, NULL},
    OPT_HEADING("Keys (init, keygen, keys)"),
    {OPT_LIST, "encrypt-to", 0, "FILE",
     "init, keys new-epoch: encrypt to this public key; again for more who can read",
     AT(encrypt_to), 0, 0, NULL, NULL},
    {OPT_FLAG, "writer", 0, NULL, "keys add: a host that takes backups and cannot read them",
     AT(writer), 0, 0, NULL, NULL},
    {OPT_TEXT, "key-name", 0, "NAME",
     "keygen: what people shall call the key (default: its file's name)", AT(name), 0, 0, NULL,
     NULL},
    {OPT_FLAG, "passphrase", 0, NULL,
     "keygen: lock the secret key with a passphrase, asked for at the terminal", AT(passphrase), 0,
     0, NULL, NULL},
    OPTS_COMMON_KEYS(struct cmd),
    OPT_HEADING("General"),
    OPTS_COMMON_GENERAL(struct cmd),
    OPTS_END,
};

static const struct opts_spec spec = {
    .program = "pgassay-storage",
    .usage =
        "init [PATH] | list [DB] | show DB [BACKUP] | scrub [DB] | copy FROM TO [DB] | doctor | "
        "undelete [DB] | policy [DB] | prune [DB] | pin DB BACKUP | unpin DB BACKUP | accept DB "
        "BACKUP | "
        "keygen FILE | keys [list | add FILE | remove KEY | revoke KEY | new-epoch | trust | "
        "import FROM]",
    .summary =
        "Make a repository, list and show the backups in it, read again all that it stores, copy "
        "backups into "
        "another, try out a store, say how long backups are kept, remove what is not needed any "
        "more, and bring "
        "back what was removed.",
    .table = table,
};

static const struct {
    const char *name;
    int (*run)(const struct cmd *, struct err *);
    size_t min_args, max_args;
} verbs[] = {
    {"init", cmd_init, 0, 1},         {"list", cmd_list, 0, 1},     {"show", cmd_show, 1, 2},
    {"scrub", cmd_scrub, 0, 1},       {"copy", cmd_copy, 2, 3},     {"doctor", cmd_doctor, 0, 0},
    {"undelete", cmd_undelete, 0, 1}, {"policy", cmd_policy, 0, 1}, {"prune", cmd_prune, 0, 1},
    {"pin", cmd_pin, 2, 2},           {"unpin", cmd_unpin, 2, 2},   {"accept", cmd_accept, 2, 2},
    {"keygen", cmd_keygen, 1, 1},     {"keys", cmd_keys, 0, 17},
};

/* An option that a verb passes over in silence would be taken for heeded: "policy --keep-last 1
 * --dry-run". */
static const struct opt_verbs option_verbs[] = {
    {"tables", "show"},
    {"check", "list show"},
    {"share max-bytes max-time repair-from", "scrub"},
    {"backup adopt decrypt", "copy"},
    {"dry-run", "copy prune undelete"},
    {"since", "undelete"},
    {"note", "pin"},
    {"reason", "accept"},
    {"jobs", "scrub copy"},
    {"keep-last keep-hourly keep-daily keep-weekly keep-monthly keep-yearly keep-within "
     "keep-within-hourly keep-within-daily "
     "keep-within-weekly keep-within-monthly keep-within-yearly min-keep shrink-share clear",
     "policy"},
    {"grace free drop-damaged", "prune"},
    {"key-name", "keygen"},
    {"encrypt-to", "init keys"},
    {"writer", "keys"},
    {NULL, NULL},
};

/* As a hint: what there is. */
static int
hint_verbs(struct err *e)
{
    struct buf names = BUF_INIT(400);
    struct err full = ERR_INIT;
    size_t     n = sizeof verbs / sizeof verbs[0];

    for (size_t i = 0; i < n; i++) {
        (void)buf_printf(&names, &full, "%s%s",
                         i == 0          ? ""
                             : i + 1 < n ? ", "
                                         : " or ",
                         verbs[i].name);
    }
    err_hint(e, "%s: see %s --help", buf_str(&names), spec.program);
    buf_free(&names);
    return -1;
}

static const char *
missing_argument(const char *verb, size_t given)
{
    if (strcmp(verb, "copy") == 0) {
        return given == 0 ? "from which repository, and into which?" : "into which repository?";
    }
    if (strcmp(verb, "keygen") == 0) {
        return "into which file?";
    }
    return given == 0 ? "the name of a database is missing" : "which backup?";
}

static int
run_verb(struct cmd *c, const struct opts_result *given, struct err *e)
{
    const struct strlist *rest = &given->rest;

    if (rest->n == 0) {
        err_set(e, ERR_USAGE, "what shall be done?");
        return hint_verbs(e);
    }
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        if (strcmp(verbs[i].name, rest->v[0]) != 0) {
            continue;
        }
        c->args = (const char *const *)rest->v + 1;
        c->n_args = rest->n - 1;
        if (c->n_args < verbs[i].min_args || c->n_args > verbs[i].max_args) {
            err_set(e, ERR_USAGE, "%s: %s", verbs[i].name,
                    c->n_args < verbs[i].min_args ? missing_argument(verbs[i].name, c->n_args)
                                                  : "too many arguments");
            return err_hint(e, "see %s --help", spec.program);
        }
        return opts_check_verb(given, verbs[i].name, option_verbs, e) != 0 ? -1
                                                                           : verbs[i].run(c, e);
    }
    err_set(e, ERR_USAGE, "\"%s\" is nothing that can be done", rest->v[0]);
    return hint_verbs(e);
}

/* An exit status, or -1. */
static int
run(struct cmd *c, int argc, char **argv, struct opts_result *given, struct err *e)
{
    if (opts_parse(&spec, argc, argv, c, given, e) != 0) {
        return -1;
    }
    if (given->done) {
        return EXIT_GOOD;
    }
    log_init(spec.program, c->quiet ? LOG_QUIET : c->verbose ? LOG_INFO : LOG_WARN);
    c->config = config_load(c->config_file, e);
    if (c->config == NULL || config_apply(c->config, NULL, &spec, given, c, e) != 0) {
        return -1;
    }
    if (c->print_config) {
        config_print_options(c->config, NULL, &spec, given, c, stdout);
        return EXIT_GOOD;
    }
    storage_location_as_of(&c->repo_options, c->as_of);
    storage_location_keys(&c->repo_options,
                          &(struct storage_keys_given){.identity = &c->identity,
                                                       .encrypt_to = &c->encrypt_to,
                                                       .passphrase_file = c->passphrase_file,
                                                       .passphrase_command = c->passphrase_command,
                                                       .passphrase_fd = c->passphrase_fd});
    return run_verb(c, given, e);
}

int
main(int argc, char **argv)
{
    struct err         e = ERR_INIT;
    struct cmd         c = {.jobs = 2};
    struct opts_result given = {0};
    int                status;

    log_init(spec.program, LOG_WARN);
    cancel_install();
    status = run(&c, argc, argv, &given, &e);
    if (status < 0) {
        err_print(&e);
        status = err_exit_status(&e);
    }
    config_free(c.config);
    opts_result_free(&given);
    strlist_free(&c.repo_options);
    strlist_free(&c.identity);
    strlist_free(&c.encrypt_to);
    return status;
}
