#include "verify/options.h"

#include <stddef.h>
#include <string.h>

#include "core/cli/opts_common.h"
#include "core/human.h"
#include "core/pool.h"

#define AT(field) offsetof(struct options, field)

static const struct opt table[] = {
    OPT_HEADING("What to verify"),
    OPT_COMMON_REPO(struct options),
    OPT_COMMON_AS_OF(struct options),
    OPTS_COMMON_KEYS(struct options),
    OPTS_COMMON_BACKUP(struct options),
    OPT_COMMON_MAX_AGE(struct options),
    {OPT_FLAG, "full", 0, NULL, "live: also compare the contents of every table and large object",
     AT(full), 0, 0, NULL, NULL},
    {OPT_FLAG, "amcheck", 0, NULL, "drill: also check the copy's pages and indexes with pg_amcheck",
     AT(amcheck), 0, 0, NULL, NULL},
    {OPT_FLAG, "no-record", 0, NULL, "drill: do not keep the result in the repository",
     AT(no_record), 0, 0, NULL, NULL},
    {OPT_FLAG, "allow-unsigned", 0, NULL,
     "use a backup that nobody trusted has signed: it runs foreign code, and proves nothing",
     AT(allow_unsigned), 0, 0, NULL, NULL},
    OPT_HEADING("Connection (live)"),
    {OPT_TEXT, "conninfo", 'd', "CONNINFO", "database to compare: a name, key=value words or a URI",
     AT(conninfo), 0, 0, NULL, "conninfo"},
    OPTS_COMMON_SERVER(struct options, "host", "port", "user"),
    {OPT_INT, "lock-timeout", 0, "SECONDS",
     "how long to wait for a table that somebody holds (default: 60)", AT(lock_timeout_s), 1, 86400,
     NULL, "lock-timeout"},
    OPT_HEADING("Scratch server"),
    OPTS_COMMON_SCRATCH(struct options),
    {OPT_FLAG, "allow-remote", 0, NULL, "drill: let the scratch server reach foreign servers",
     AT(allow_remote), 0, 0, NULL, NULL},
    OPT_HEADING("General"),
    OPT_COMMON_JOBS(struct options, 256),
    OPT_COMMON_BINDIR(struct options),
    OPTS_COMMON_GENERAL(struct options),
    OPTS_END,
};

static const struct opts_spec spec = {
    .program = "pgassay-verify",
    .usage = "drill DB | live DB -d CONNINFO | objects [DB] | chain [DB]",
    .summary =
        "Prove that backups hold what they should: by a restore (drill), against a running "
        "database (live), "
        "by hashing what is stored (objects); and that none was taken away (chain).",
    .table = table,
};

/* An option that a verb passes over in silence would be taken for heeded. */
static const struct opt_verbs option_verbs[] = {
    {"full conninfo host port username", "live"},
    {"amcheck no-record keep allow-remote", "drill"},
    {"scratch-dir scratch-user allow-unsigned", "drill live"},
    {NULL, NULL},
};

static int
read_verb(struct options *o, struct err *e)
{
    static const char *const names[] = {"drill", "live", "objects", "chain", "key-drill"};
    const struct strlist    *rest = &o->parsed.rest;

    if (rest->n == 0) {
        err_set(e, ERR_USAGE, "no verb given");
        return err_hint(e, "one of: drill DB, live DB, objects [DB], chain [DB], key-drill [DB]");
    }
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(rest->v[0], names[i]) != 0)
            continue;
        o->verb = (enum verb)i;
        o->database = rest->n > 1 ? rest->v[1] : NULL;
        if (rest->n > 2)
            return err_set(e, ERR_USAGE, "too many arguments: \"%s\"", rest->v[2]);
        if (o->database == NULL && (o->verb == VERB_DRILL || o->verb == VERB_LIVE))
            return err_set(e, ERR_USAGE, "%s: which database?", names[i]);
        return opts_check_verb(&o->parsed, names[i], option_verbs, e);
    }
    err_set(e, ERR_USAGE, "unknown verb \"%s\"", rest->v[0]);
    return err_hint(e, "one of: drill DB, live DB, objects [DB], chain [DB], key-drill [DB]");
}

/* What the configuration says is about the newest, and about drill and live. */
static int
read_max_age(struct options *o, struct err *e)
{
    bool given = opts_given(&o->parsed, "max-age");
    bool named = (o->backup != NULL && strcmp(o->backup, "latest") != 0) || o->at != NULL ||
        o->as_of != NULL;

    if (o->max_age == NULL)
        return 0;
    if (given && o->verb != VERB_DRILL && o->verb != VERB_LIVE)
        return err_set(e, ERR_USAGE, "--max-age belongs to drill and live");
    if (duration_parse(o->max_age, &o->max_age_s) != 0 || o->max_age_s == 0)
        return err_set(e, ERR_USAGE, "max-age \"%s\" is not a time such as 30m, 26h or 3d",
                       o->max_age);
    if (named && !given)
        o->max_age_s = 0;
    return 0;
}

static int
check(struct options *o, struct err *e)
{
    if (o->backup != NULL && o->at != NULL)
        return err_set(e, ERR_USAGE, "--backup and --at exclude each other");
    if (o->at != NULL && time_parse(o->at, &o->at_time, e) != 0)
        return err_wrap(e, "--at");
    if (o->verb == VERB_OBJECTS && o->database == NULL && (o->backup != NULL || o->at != NULL))
        return err_set(e, ERR_USAGE, "--backup and --at need a database");
    if (o->verb == VERB_CHAIN && (o->backup != NULL || o->at != NULL))
        return err_set(e, ERR_USAGE,
                       "--backup and --at do not belong to chain: it looks at all of them");
    if (o->verb == VERB_KEY_DRILL && (o->backup != NULL || o->at != NULL))
        return err_set(e, ERR_USAGE,
                       "--backup and --at do not belong to key-drill: it opens the newest");
    return read_max_age(o, e);
}

int
options_read(int argc, char **argv, struct options *o, bool *done, struct err *e)
{
    *o = (struct options){.jobs = pool_default_threads(), .lock_timeout_s = 60};
    *done = false;
    if (opts_parse(&spec, argc, argv, o, &o->parsed, e) != 0)
        return -1;
    if (o->parsed.done) {
        *done = true;
        return 0;
    }
    if ((o->config = config_load(o->config_file, e)) == NULL)
        return -1;
    if ((o->parsed.rest.n > 0 || !o->print_config) && read_verb(o, e) != 0)
        return -1;
    if (config_apply(o->config, o->database, &spec, &o->parsed, o, e) != 0)
        return -1;
    if (o->print_config) {
        config_print_options(o->config, o->database, &spec, &o->parsed, o, stdout);
        *done = true;
        return 0;
    }
    if (check(o, e) != 0)
        return -1;
    storage_location_as_of(&o->repo_options, o->as_of);
    storage_location_keys(&o->repo_options,
                          &(struct storage_keys_given){.identity = &o->identity,
                                                       .passphrase_file = o->passphrase_file,
                                                       .passphrase_command = o->passphrase_command,
                                                       .passphrase_fd = o->passphrase_fd});
    return storage_location_find(o->config, o->repo, o->database, &o->repo_options, &o->place, e);
}

void
options_free(struct options *o)
{
    opts_result_free(&o->parsed);
    strlist_free(&o->repo_options);
    strlist_free(&o->identity);
    config_free(o->config);
}

struct pg_target
options_target(const struct options *o)
{
    return (struct pg_target){
        .conninfo = o->conninfo, .host = o->host, .port = o->port, .user = o->user};
}
