#include "verify/job/options.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/cli/opts_common.h"
#include "core/human.h"
#include "core/pool.h"
#include "pg/conn/target.h"
#include "storage/keys/trust_who.h"
#include "storage/read/backup_find.h"
#include "storage/repo/repo_keys.h"

#define AT(field) offsetof(struct options, field)

const struct opt options_repo[] = {
    OPT_HEADING("Repository"),
    OPT_COMMON_REPO(struct options),
    OPT_COMMON_REPO_OPTION(struct options),
    OPT_COMMON_AS_OF(struct options),
    OPT_COMMON_IDENTITY(struct options),
    OPTS_COMMON_PASSPHRASE(struct options),
    OPTS_END,
};

const struct opt options_backup[] = {
    OPT_HEADING("Which backup"),
    OPTS_COMMON_BACKUP(struct options),
    OPTS_END,
};

const struct opt options_restored[] = {
    OPT_COMMON_MAX_AGE(struct options),
    {OPT_FLAG, "allow-unsigned", 0, NULL,
     "use a backup without a trusted signature: it runs foreign code, and proves nothing",
     AT(allow_unsigned), 0, 0, NULL, NULL},
    OPT_HEADING("How"),
    {OPT_INT, "lock-timeout", 0, "SECONDS", "how long to wait for a locked table (default: 60)",
     AT(lock_timeout_s), 1, 86400, NULL, "lock-timeout"},
    {OPT_INT, "explain", 0, "ROWS",
     "name the first rows that differ, by their key (default: 10; 0: none)", AT(explain), 0, 1000,
     NULL, NULL},
    OPT_COMMON_BINDIR(struct options),
    OPTS_COMMON_SCRATCH(struct options),
    OPTS_END,
};

const struct opt options_drill[] = {
    {OPT_FLAG, "amcheck", 0, NULL, "also check every page and B-tree with pg_amcheck", AT(amcheck),
     0, 0, NULL, NULL},
    {OPT_INT, "major", 0, "N", "into a server of PostgreSQL N: an upgrade rehearsal", AT(major), 13,
     99, NULL, NULL},
    {OPT_TEXT, "server", 0, "SERVER",
     "not on a throw-away server, but on a [server NAME] with scratch = yes", AT(server), 0, 0,
     NULL, NULL},
    {OPT_TEXT, "warm", 0, "DIR", "keep the copy in DIR: the next drill loads only what has changed",
     AT(warm), 0, 0, NULL, "warm"},
    {OPT_INT, "cold-every", 0, "N", "... one drill in N makes it anew (default: 10)",
     AT(cold_every), 1, 10000, NULL, "cold-every"},
    {OPT_FLAG, "self-test", 0, NULL,
     "then damage the copy in some forty ways: the drill must notice each", AT(self_test), 0, 0,
     NULL, NULL},
    OPT_COMMON_KEEP(struct options),
    OPT_COMMON_BEYOND(struct options),
    {OPT_FLAG, "allow-remote", 0, NULL, "let the scratch server reach foreign servers",
     AT(allow_remote), 0, 0, NULL, NULL},
    OPTS_END,
};

const struct opt options_record[] = {
    {OPT_FLAG, "no-record", 0, NULL, "do not keep the result in the repository", AT(no_record), 0,
     0, NULL, NULL},
    OPTS_END,
};

const struct opt options_report[] = {
    {OPT_TEXT, "report", 0, "FILE",
     "also write a report: FILE.html for people, FILE.json for programs", AT(report), 0, 0, NULL,
     NULL},
    {OPT_TEXT, "junit", 0, "FILE", "also write the checks as JUnit XML, for CI", AT(junit), 0, 0,
     NULL, NULL},
    OPTS_END,
};

const struct opt options_since[] = {
    {OPT_TEXT, "since", 0, "TIME", "only what ended later: 90d, or a moment as --at takes it",
     AT(since), 0, 0, NULL, NULL},
    OPTS_END,
};

const struct opt options_live[] = {
    {OPT_FLAG, "full", 0, NULL, "also compare the contents of every table and large object",
     AT(full), 0, 0, NULL, NULL},
    {OPT_FLAG, "estimate", 0, NULL, "count no big tables: what the server's statistics say",
     AT(estimate), 0, 0, NULL, NULL},
    {OPT_FLAG, "amcheck", 0, NULL, "also check every page and B-tree with pg_amcheck", AT(amcheck),
     0, 0, NULL, NULL},
    {OPT_TEXT, "baseline", 0, "NAME",
     "compare with this baseline (verify baseline list) instead of a backup", AT(baseline), 0, 0,
     NULL, NULL},
    {OPT_TEXT, "conninfo", 'd', "CONNINFO", "database to compare: a name, key=value words or a URI",
     AT(conninfo), 0, 0, NULL, "conninfo"},
    OPTS_COMMON_SERVER_CONFIGURED(struct options),
    OPTS_END,
};

const struct opt options_baseline[] = {
    {OPT_TEXT, "name", 0, "NAME", "a name to find it by", AT(name), 0, 0, NULL, NULL},
    {OPT_FLAG, "estimate", 0, NULL, "count no big tables: what the server's statistics say",
     AT(estimate), 0, 0, NULL, NULL},
    {OPT_TEXT, "conninfo", 'd', "CONNINFO", "database to look at: a name, key=value words or a URI",
     AT(conninfo), 0, 0, NULL, "conninfo"},
    OPTS_COMMON_SERVER_CONFIGURED(struct options),
    OPT_HEADING("How"),
    {OPT_INT, "lock-timeout", 0, "SECONDS", "how long to wait for a locked table (default: 60)",
     AT(lock_timeout_s), 1, 86400, NULL, "lock-timeout"},
    OPT_COMMON_BINDIR(struct options),
    OPTS_END,
};

const struct opt options_jobs[] = {
    OPT_COMMON_JOBS(struct options, 256, OPT_JOBS_PROCESSORS),
    OPTS_END,
};

const struct opt options_server[] = {
    OPT_HEADING("Which server"),
    {OPT_TEXT, "conninfo", 'd', "CONNINFO",
     "server to look at: a database, key=value words or a URI", AT(conninfo), 0, 0, NULL,
     "conninfo"},
    OPTS_COMMON_SERVER_CONFIGURED(struct options),
    OPTS_END,
};

const struct opt options_health[] = {
    OPT_HEADING("When it is a finding"),
    {OPT_TEXT, "idle-after", 0, "TIME",
     "sessions idle for that long, and in a transaction (default: 5m)", AT(idle_after), 0, 0, NULL,
     NULL},
    {OPT_TEXT, "long-after", 0, "TIME",
     "statements that run, prepared transactions that wait for that long (default: 5m)",
     AT(long_after), 0, 0, NULL, NULL},
    {OPT_TEXT, "blocked-after", 0, "TIME", "who waits for a lock for that long (default: 10s)",
     AT(blocked_after), 0, 0, NULL, NULL},
    {OPT_INT, "disk-free", 0, "PERCENT",
     "less than that is free; of half of it: critical (default: 20)", AT(health.disk_free), 0, 100,
     NULL, NULL},
    OPT_HEADING("Sessions that have been forgotten"),
    {OPT_TEXT, "terminate-idle", 0, "TIME", "list those that have been idle for that long",
     AT(terminate_idle), 0, 0, NULL, NULL},
    {OPT_TEXT, "application", 0, "NAME", "... only of this application_name", AT(application), 0, 0,
     NULL, NULL},
    {OPT_FLAG, "in-transaction", 0, NULL, "... those that are in a transaction instead",
     AT(in_transaction), 0, 0, NULL, NULL},
    {OPT_FLAG, "yes", 0, NULL, "... and end them", AT(yes), 0, 0, NULL, NULL},
    OPTS_END,
};

const struct opt options_looking[] = {
    OPT_HEADING("How"),
    {OPT_INT, "timeout", 0, "SECONDS", "for connecting, and for each query (default: 10)",
     AT(health.timeout_s), 1, 3600, NULL, NULL},
    {OPT_FLAG, "nagios", 0, NULL, "print one line and performance data; exit status 0 to 3",
     AT(nagios), 0, 0, NULL, NULL},
    OPTS_END,
};

const struct opt options_repos[] = {
    OPT_HEADING("Repositories"),
    {OPT_LIST, "repo", 0, "PATH|NAME",
     "a directory, s3://BUCKET/PREFIX, or a [repo NAME]; given again: that one, too "
     "[$PGASSAY_REPO]",
     AT(repos), 0, 0, NULL, NULL},
    OPT_COMMON_REPO_OPTION(struct options),
    OPT_COMMON_IDENTITY(struct options),
    OPTS_COMMON_PASSPHRASE(struct options),
    OPTS_END,
};

#define OPT_RPO                                                                                    \
    {                                                                                              \
        OPT_TEXT, "rpo", 0, "TIME", "the backup is not older (default: 26h; of a drill: none)",    \
            AT(rpo), 0, 0, NULL, "rpo"                                                             \
    }
#define OPT_PROVEN_WITHIN                                                                          \
    {                                                                                              \
        OPT_TEXT, "proven-within", 0, "TIME",                                                      \
            "the newest proven backup is not older (default: 35d)", AT(proven_within), 0, 0, NULL, \
            "proven-within"                                                                        \
    }

const struct opt options_newest[] = {
    OPT_HEADING("Backups of DB (TIME: 30m, 26h, 35d or none)"),
    OPT_RPO,
    OPT_PROVEN_WITHIN,
    OPTS_END,
};

const struct opt options_targets[] = {
    OPT_HEADING("What is wanted (TIME: 30m, 26h, 35d or none)"),
    OPT_RPO,
    {OPT_TEXT, "rto", 0, "TIME", "recovery took no longer (default: none)", AT(rto), 0, 0, NULL,
     "rto"},
    OPTS_END,
};

const struct opt options_status[] = {
    OPT_PROVEN_WITHIN,
    {OPT_TEXT, "scrubbed-within", 0, "TIME",
     "all that is stored was read again within that time (default: 35d)", AT(scrubbed_within), 0, 0,
     NULL, "scrubbed-within"},
    {OPT_TEXT, "key-drilled-within", 0, "TIME",
     "a key drill opened the newest encrypted backup within that time (default: 100d)",
     AT(key_drilled_within), 0, 0, NULL, "key-drilled-within"},
    OPT_HEADING("How"),
    {OPT_FLAG, "nagios", 0, NULL, "print one line and performance data; exit status 0 to 3",
     AT(nagios), 0, 0, NULL, NULL},
    {OPT_FLAG, "notify", 0, NULL, "tell whom the configuration names of what is new or over",
     AT(notify), 0, 0, NULL, NULL},
    {OPT_TEXT, "prometheus", 0, "FILE", "also write FILE for node_exporter's textfile collector",
     AT(prometheus), 0, 0, NULL, NULL},
    OPTS_END,
};

const struct opt options_general[] = {
    OPT_HEADING("General"),
    OPTS_COMMON_GENERAL(struct options),
    OPTS_END,
};

/* Another than the newest. */
static bool
names_backup(const struct options *o)
{
    return !backup_is_latest(o->backup) || o->at != NULL || o->as_of != NULL || o->baseline != NULL;
}

/* The configuration's value is for the newest. */
static int
read_max_age(struct options *o, struct err *e)
{
    bool given = opts_given(&o->parsed, "max-age");

    if (o->max_age == NULL)
        return 0;
    if (duration_parse(o->max_age, &o->max_age_s) != 0 || o->max_age_s == 0)
        return err_set(e, ERR_USAGE, "max-age \"%s\" is not a time such as 30m, 26h or 3d",
                       o->max_age);
    if (names_backup(o) && !given)
        o->max_age_s = 0;
    return 0;
}

static int
read_time(const char *option, const char *text, uint64_t *seconds, struct err *e)
{
    if (text == NULL || duration_parse(text, seconds) == 0)
        return 0;
    return err_set(e, ERR_USAGE, "--%s \"%s\" is not a time such as 30s, 5m or 2h", option, text);
}

static int
check_health(struct options *o, struct err *e)
{
    bool terminate = o->terminate_idle != NULL;

    if (read_time("idle-after", o->idle_after, &o->health.idle_after_s, e) != 0 ||
        read_time("long-after", o->long_after, &o->health.long_after_s, e) != 0 ||
        read_time("blocked-after", o->blocked_after, &o->health.blocked_after_s, e) != 0 ||
        read_time("terminate-idle", o->terminate_idle, &o->terminate_idle_s, e) != 0)
        return -1;
    if (!terminate && (o->application != NULL || o->in_transaction || o->yes))
        return err_set(e, ERR_USAGE,
                       "--application, --in-transaction and --yes are for --terminate-idle");
    if (o->nagios && (terminate || o->json))
        return err_set(e, ERR_USAGE, "--nagios excludes --json and --terminate-idle");
    return 0;
}

int
options_read_target(const char *name, const char *text, uint64_t *seconds, struct err *e)
{
    if (text != NULL && strcmp(text, "none") == 0)
        *seconds = 0;
    else if (text != NULL && (duration_parse(text, seconds) != 0 || *seconds == 0))
        return err_set(e, ERR_USAGE,
                       "%s \"%s\" is not a time such as 30m, 26h or 35d, and not \"none\"", name,
                       text);
    return 0;
}

/* As with max-age, the configuration's rpo is for the newest. */
static int
read_targets(struct options *o, struct err *e)
{
    if (options_read_target("rto", o->rto, &o->rto_s, e) != 0 ||
        options_read_target("rpo", o->rpo, &o->rpo_s, e) != 0)
        return -1;
    if (names_backup(o) && !opts_given(&o->parsed, "rpo"))
        o->rpo_s = 0;
    return 0;
}

/* The configuration's is for the drills that can. */
static int
check_warm(struct options *o, struct err *e)
{
    if (o->warm == NULL || (o->server == NULL && !o->keep && !o->self_test))
        return 0;
    if (opts_given(&o->parsed, "warm"))
        return err_set(e, ERR_USAGE, "--warm excludes --server, --keep and --self-test");
    o->warm = NULL;
    return 0;
}

static int
check(struct options *o, struct err *e)
{
    if (check_health(o, e) != 0)
        return -1;
    if (o->server != NULL && o->keep)
        return err_set(e, ERR_USAGE, "--server excludes --keep: nothing is left there");
    if (check_warm(o, e) != 0)
        return -1;
    if (backup_choose(&o->backup, o->at, o->before, o->proven, o->named, e) != 0)
        return -1;
    if (o->baseline != NULL && (o->backup != NULL || o->at != NULL))
        return err_set(e, ERR_USAGE, "--baseline excludes --backup and --at");
    if (o->estimate && o->full)
        return err_set(e, ERR_USAGE, "--estimate and --full exclude each other");
    if (o->at != NULL && backup_at_parse(o->at, &o->at_time, e) != 0)
        return err_wrap(e, "--at");
    if (o->database == NULL && (o->backup != NULL || o->at != NULL))
        return err_set(e, ERR_USAGE, "--backup and --at need a database");
    return read_max_age(o, e) == 0 ? read_targets(o, e) : -1;
}

int
options_read(const struct opts_spec *spec, const struct opts_verb *verb, bool repo, int argc,
             char **argv, struct options *o, bool *done, struct err *e)
{
    *o = (struct options){.jobs = pool_default_threads(),
                          .explain = 10,
                          .lock_timeout_s = 60,
                          .cold_every = 10,
                          .health = {.timeout_s = 10,
                                     .idle_after_s = 300,
                                     .long_after_s = 300,
                                     .blocked_after_s = 10,
                                     .disk_free = 20}};
    *done = false;
    if (opts_parse(spec, verb, argc, argv, o, &o->parsed, e) != 0)
        return -1;
    *done = o->parsed.done;
    if (*done)
        return 0;
    o->database = o->parsed.rest.n > 0 ? o->parsed.rest.v[0] : NULL;
    if ((o->config = config_load(o->config_file, repo_config_keys(), e)) == NULL ||
        config_apply(o->config, o->database, &o->parsed, o, e) != 0)
        return -1;
    if (o->print_config) {
        config_print_options(o->config, o->database, &o->parsed, o, stdout);
        trust_who_print_meant(o->config, o->repo, o->database, &o->repo_options, stdout);
        *done = true;
        return 0;
    }
    if (opts_check(spec, verb, &o->parsed, e) != 0 || check(o, e) != 0)
        return -1;
    o->given = (struct storage_given){.options = &o->repo_options,
                                      .identity = &o->identity,
                                      .passphrase_file = o->passphrase_file,
                                      .passphrase_command = o->passphrase_command,
                                      .passphrase_fd = o->passphrase_fd,
                                      .as_of = o->as_of};
    storage_location_secrets(o->config, &o->given, &o->secrets);
    return repo ? options_find_repo(o, e) : 0;
}

int
options_find_repo(struct options *o, struct err *e)
{
    return storage_location_find(o->config, o->repo, o->database, &o->given, &o->place, e);
}

void
options_free(struct options *o)
{
    if (o->parsed.tables != NULL)
        opts_lists_free(o->parsed.tables, o);
    opts_result_free(&o->parsed);
    strlist_free(&o->secrets);
    config_free(o->config);
}

bool
options_quiet(const struct options *o)
{
    return o->quiet || (!o->verbose && !isatty(STDOUT_FILENO));
}

struct pg_target
options_target(const struct options *o)
{
    struct pg_target t = {
        .conninfo = o->conninfo, .host = o->host, .port = o->port, .user = o->user};

    pg_target_settle(&t, &o->parsed, strlist_has(&o->parsed.given, "conninfo"));
    return t;
}

struct pg_target
options_database_target(const struct options *o)
{
    struct pg_target t = options_target(o);
    const char      *name = config_get(o->config, "database", o->database, "dbname");

    if (!options_name_database(o))
        t.dbname = name != NULL ? name : o->database;
    return t;
}

bool
options_name_database(const struct options *o)
{
    if (o->conninfo != NULL)
        return pg_names_database(o->conninfo);
    return (o->database == NULL && getenv("PGDATABASE") != NULL) || getenv("PGSERVICE") != NULL;
}
