#include "verify/options.h"

#include <stddef.h>
#include <string.h>

#include "core/enc.h"
#include "core/pool.h"

#define AT(field) offsetof(struct options, field)

static const struct opt table[] = {
    {.kind = OPT_HEAD, .name = "What to verify"},
    {OPT_TEXT, "repo", 0, "PATH|NAME", "repository: a path, or a [repo NAME] of the configuration", AT(repo), 0, 0,
     "PGASSAY_REPO", "repo"},
    {OPT_TEXT, "backup", 0, "ID", "this backup, or \"latest\" (the default)", AT(backup), 0, 0, NULL, NULL},
    {OPT_TEXT, "at", 0, "TIME", "the newest backup whose snapshot is not later than TIME", AT(at), 0, 0, NULL, NULL},
    {OPT_FLAG, "full", 0, NULL, "live: also compare the contents of every table and large object", AT(full), 0, 0, NULL,
     NULL},
    {.kind = OPT_HEAD, .name = "Connection (live)"},
    {OPT_TEXT, "conninfo", 'd', "CONNINFO", "database to compare: a name, key=value text or a URI", AT(conninfo), 0, 0,
     NULL, "conninfo"},
    {OPT_TEXT, "host", 'h', "HOST", "server host or socket directory", AT(host), 0, 0, NULL, "host"},
    {OPT_TEXT, "port", 'p', "PORT", "server port", AT(port), 0, 0, NULL, "port"},
    {OPT_TEXT, "username", 'U', "NAME", "user to connect as", AT(user), 0, 0, NULL, "user"},
    {OPT_INT, "lock-timeout", 0, "SECONDS", "how long to wait for a table lock", AT(lock_timeout_s), 1, 86400, NULL,
     "lock-timeout"},
    {.kind = OPT_HEAD, .name = "Scratch server"},
    {OPT_TEXT, "scratch-dir", 0, "DIR", "where the throw-away server lives, instead of $TMPDIR", AT(scratch_dir), 0, 0,
     NULL, "scratch-dir"},
    {OPT_TEXT, "scratch-user", 0, "USER", "system user that runs it when started by root (default: postgres)",
     AT(scratch_user), 0, 0, NULL, "scratch-user"},
    {OPT_FLAG, "keep", 0, NULL, "leave the scratch server running, and say how to reach and remove it", AT(keep), 0, 0,
     NULL, NULL},
    {OPT_FLAG, "allow-remote", 0, NULL, "drill: let the scratch server reach foreign servers", AT(allow_remote), 0, 0,
     NULL, NULL},
    {.kind = OPT_HEAD, .name = "General"},
    {OPT_INT, "jobs", 'j', "N", "parallel workers (default: one a processor, at most 16)", AT(jobs), 1, 256, NULL,
     "jobs"},
    {OPT_TEXT, "pg-bindir", 0, "DIR", "directory of PostgreSQL's programs", AT(pg_bindir), 0, 0, "PGASSAY_PG_BINDIR",
     "pg-bindir"},
    {OPT_TEXT, "config", 0, "FILE", "configuration file", AT(config_file), 0, 0, "PGASSAY_CONFIG", NULL},
    {OPT_FLAG, "print-config", 0, NULL, "print the configuration in force and leave", AT(print_config), 0, 0, NULL,
     NULL},
    {OPT_FLAG, "json", 0, NULL, "print the result as JSON", AT(json), 0, 0, NULL, NULL},
    {OPT_FLAG, "quiet", 'q', NULL, "print nothing but findings and errors", AT(quiet), 0, 0, NULL, NULL},
    {OPT_FLAG, "verbose", 'v', NULL, "say what is being done", AT(verbose), 0, 0, NULL, NULL},
    {.kind = OPT_HEAD, .name = NULL},
};

static const struct opts_spec spec = {
    .program = "pgassay-verify",
    .usage = "drill DB | live DB -d CONNINFO | objects [DB]",
    .summary = "Prove that backups hold what they should: by a restore (drill), against a running database (live), or "
               "by hashing what is stored (objects).",
    .table = table,
};

static int
read_verb(struct options *o, struct err *e)
{
    static const char *const names[] = {"drill", "live", "objects"};
    const struct strlist *rest = &o->parsed.rest;

    if (rest->n == 0) {
        err_set(e, ERR_USAGE, "no verb given");
        return err_hint(e, "one of: drill DB, live DB, objects [DB]");
    }
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(rest->v[0], names[i]) != 0)
            continue;
        o->verb = (enum verb)i;
        o->database = rest->n > 1 ? rest->v[1] : NULL;
        if (rest->n > 2)
            return err_set(e, ERR_USAGE, "too many arguments: \"%s\"", rest->v[2]);
        if (o->database == NULL && o->verb != VERB_OBJECTS)
            return err_set(e, ERR_USAGE, "%s: which database?", names[i]);
        return 0;
    }
    err_set(e, ERR_USAGE, "unknown verb \"%s\"", rest->v[0]);
    return err_hint(e, "one of: drill DB, live DB, objects [DB]");
}

static int
check(struct options *o, struct err *e)
{
    if (o->backup != NULL && o->at != NULL)
        return err_set(e, ERR_USAGE, "--backup and --at exclude each other");
    if (o->at != NULL && time_parse(o->at, &o->at_time, e) != 0)
        return err_wrap(e, "--at");
    if (o->full && o->verb != VERB_LIVE)
        return err_set(e, ERR_USAGE, "--full belongs to live; a drill always compares the contents");
    if (o->verb == VERB_OBJECTS && o->database == NULL && (o->backup != NULL || o->at != NULL))
        return err_set(e, ERR_USAGE, "--backup and --at need a database");
    return 0;
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
    o->location = config_repo(o->config, o->repo, o->database, e);
    return o->location == NULL ? -1 : 0;
}

void
options_free(struct options *o)
{
    opts_result_free(&o->parsed);
    config_free(o->config);
}

struct pg_target
options_target(const struct options *o)
{
    return (struct pg_target){.conninfo = o->conninfo, .host = o->host, .port = o->port, .user = o->user};
}
