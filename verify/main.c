/*
 * pgassay-verify: proves that a backup equals its source.
 *
 * parse, open, compare, report.  Findings are the result, not an error: they make the status 3.
 */
#include "core/exit.h"
#include "core/hooks/hook.h"
#include "core/human.h"
#include "core/log.h"
#include "core/logline.h"
#include "pg/conn/tools.h"
#include "storage/repo/repo_keys.h"
#include "verify/baseline/verbs.h"
#include "verify/checks/own.h"
#include "verify/drill/drill.h"
#include "verify/drill/targets.h"
#include "verify/history.h"
#include "verify/job/baseline.h"
#include "verify/job/options.h"
#include "verify/job/record.h"
#include "verify/job/result.h"
#include "verify/live.h"
#include "verify/report/write.h"
#include "verify/server.h"
#include "verify/status.h"
#include "verify/stored/chain.h"
#include "verify/stored/keydrill.h"
#include "verify/stored/objects.h"
#include "verify/telling.h"

/* The data of a command: some use a backup as baseline. */
typedef int verify_fn(const struct options *, struct verify_result *, struct baseline *,
                      struct err *);

/* ... or print what they find by themselves: about a server, or many backups. */
typedef int server_fn(struct options *, struct err *);

struct verify_verb {
    struct opts_verb cli;
    enum verb        verb;
    verify_fn       *run;
    server_fn       *look; /* NULL: run */
    bool             repo; /* look cannot do without a repository */
};

/* A check whose database is misspelt would never be made, and nobody would be told. */
static void
warn_of_checks(const struct options *o, struct repo *repo)
{
    struct strlist known = {0};
    struct err     ignored = ERR_INIT;

    if (own_checks_name_another(o->config, o->database) &&
        repo_databases(repo, &known, &ignored) == 0)
        own_checks_warn(o->config, &known);
    strlist_free(&known);
}

static int
run_drill(const struct options *o, struct verify_result *r, struct baseline *b, struct err *e)
{
    time_t started = time(NULL);

    struct own_checks checks;
    int               rc;

    if (own_checks_read(o->config, o->database, false, &checks, e) != 0)
        return -1;
    rc = baseline_open(o, b, e);
    if (rc == 0) {
        warn_of_checks(o, b->repo);
        r->label = b->label;
        rc = verify_drill(o, &checks, r, b, e);
    }
    own_checks_free(&checks);
    if (rc != 0)
        return -1;
    /* An earlier state is the past, and nothing is written into it. */
    r->recorded = !o->no_record && o->as_of == NULL && record_drill(b->repo, o, r, started);
    targets_find(r);
    return baseline_judge(o, b, r, e);
}

static int
run_live(const struct options *o, struct verify_result *r, struct baseline *b, struct err *e)
{
    struct own_checks checks;
    int               rc;

    if (own_checks_read(o->config, o->database, true, &checks, e) != 0)
        return -1;
    rc = baseline_open(o, b, e);
    if (rc == 0) {
        warn_of_checks(o, b->repo);
        r->label = b->label;
        rc = verify_live(o, &checks, r, b, e);
    }
    own_checks_free(&checks);
    if (rc != 0)
        return -1;
    return baseline_judge(o, b, r, e);
}

static int
run_objects(const struct options *o, struct verify_result *r, struct baseline *b, struct err *e)
{
    (void)b;
    return verify_objects(o, r, e);
}

static int
run_chain(const struct options *o, struct verify_result *r, struct baseline *b, struct err *e)
{
    (void)b;
    return verify_chain(o, r, e);
}

static int
run_key_drill(const struct options *o, struct verify_result *r, struct baseline *b, struct err *e)
{
    (void)b;
    return verify_key_drill(o, r, e);
}

#define TABLES(...) ((const struct opt *const[]){__VA_ARGS__, options_general, NULL})

static const struct verify_verb drill = {
    .cli = {.name = "drill",
            .args = "DB",
            .summary = "restore a backup into a throw-away server and compare everything",
            .tables = TABLES(options_drill, options_targets, options_record, options_report,
                             options_backup, options_restored, options_jobs, options_repo)},
    .verb = VERB_DRILL,
    .run = run_drill,
};
static const struct verify_verb live = {
    .cli = {.name = "live",
            .args = "DB",
            .summary = "compare a running database with a backup",
            .tables = TABLES(options_live, options_report, options_backup, options_restored,
                             options_jobs, options_repo)},
    .verb = VERB_LIVE,
    .run = run_live,
};
static const struct verify_verb objects = {
    .cli = {.name = "objects",
            .args = "[DB]",
            .summary = "read every stored object, and compare it with its digest",
            .tables = TABLES(options_report, options_jobs, options_backup, options_repo)},
    .verb = VERB_OBJECTS,
    .run = run_objects,
};
static const struct verify_verb chain = {
    .cli = {.name = "chain",
            .args = "[DB]",
            .summary = "look whether any backup was taken away",
            .tables = TABLES(options_report, options_repo)},
    .verb = VERB_CHAIN,
    .run = run_chain,
};
static const struct verify_verb key_drill = {
    .cli = {.name = "key-drill",
            .args = "[DB]",
            .summary = "prove that a key opens the newest backup of each database",
            .tables = TABLES(options_report, options_record, options_repo)},
    .verb = VERB_KEY_DRILL,
    .run = run_key_drill,
};
static const struct verify_verb health = {
    .cli = {.name = "health",
            .args = "[DB]",
            .summary = "look at a running server: what is wrong, and what to do about it",
            .tables = TABLES(options_report, options_server, options_health, options_looking,
                             options_newest, options_repos)},
    .look = server_health,
};
static const struct verify_verb xid = {
    .cli = {.name = "xid",
            .args = "[DB]...",
            .summary = "how far a server's databases are on their way to wraparound",
            .tables = TABLES(options_report, options_server, options_looking, options_repo)},
    .look = server_xid,
};
static const struct verify_verb standing = {
    .cli = {.name = "status",
            .args = "[DB]...",
            .summary = "could each database be restored now, to what moment, in how long, proven "
                       "when",
            .tables = TABLES(options_report, options_repos, options_targets, options_status)},
    .look = verify_status,
};
static const struct verify_verb history = {
    .cli = {.name = "history",
            .args = "[DB]",
            .summary = "every drill, key drill, scrub and restore, and whether a record of one is "
                       "gone",
            .tables = TABLES(options_since, options_repo)},
    .look = verify_history,
};
#define BASELINE(name_, args_, summary_, look_, ...)                                               \
    {                                                                                              \
        .cli = {.name = name_, .args = args_, .summary = summary_, .tables = TABLES(__VA_ARGS__)}, \
        .look = look_, .repo = true                                                                \
    }
static const struct verify_verb baseline_record = BASELINE(
    "baseline record", "DB", "note what a running database is, without a backup",
    baseline_verb_record, options_baseline, options_jobs, options_repo);
static const struct verify_verb baseline_list = BASELINE(
    "baseline list", "DB", "which baselines there are", baseline_verb_list, options_repo);
static const struct verify_verb baseline_show = BASELINE(
    "baseline show", "DB [NAME]", "what a baseline says, or a backup", baseline_verb_show,
    options_backup, options_repo);
static const struct verify_verb baseline_diff = BASELINE("baseline diff", "DB A B",
                                                         "compare two baselines, two backups, or "
                                                         "one of each",
                                                         baseline_verb_diff, options_repo);
static const struct verify_verb baseline_rm = BASELINE(
    "baseline rm", "DB NAME", "remove a baseline", baseline_verb_rm, options_repo);
static const struct opts_verb *const verbs[] = {
    &drill.cli,           &live.cli,          &objects.cli,
    &chain.cli,           &key_drill.cli,     &standing.cli,
    &health.cli,          &xid.cli,           &history.cli,
    &baseline_record.cli, &baseline_list.cli, &baseline_show.cli,
    &baseline_diff.cli,   &baseline_rm.cli,   NULL};

static const struct opts_spec spec = {
    .program = "pgassay-verify",
    .args = "",
    .summary = "Prove that backups hold what they should, and that none was taken away.",
    .tables = TABLES(options_repo),
    .verbs = verbs,
    .keys = repo_config_keys,
};

static enum log_level
level(const struct options *o)
{
    return o->quiet ? LOG_ERROR : o->verbose ? LOG_INFO : LOG_WARN;
}

static int
run_hooked(const struct verify_verb *verb, const struct options *o, struct verify_result *r,
           struct baseline *b, struct err *e)
{
    struct hook h = {
        .config = o->config, .work = "drill", .section = o->database, .database = o->database};
    int status;

    if (verb->verb != VERB_DRILL)
        return verb->run(o, r, b, e) == 0 ? result_exit_status(r) : err_exit_status(e);
    status = hook_before(&h, e) == 0 && verb->run(o, r, b, e) == 0 ? result_exit_status(r)
                                                                   : err_exit_status(e);
    return hook_after_warn(&h,
                           &(struct hook_ended){.status = status,
                                                .backup = r->label == NULL ? NULL : r->label->id,
                                                .error = e->kind == ERR_NONE ? NULL : e->text});
}

/* Prints the result, and returns the exit status. */
static int
run(const struct verify_verb *verb, const struct options *o)
{
    struct verify_result r;
    struct baseline      b = {0};
    struct err           e = ERR_INIT;
    double               start = clock_seconds();
    struct notify       *notify = telling_begin(o, verb->verb);
    int                  status;

    result_init(&r, verb->verb);
    result_note_begin(&r, time(NULL));
    r.lists_tables = o->verbose;
    r.database = o->database == NULL ? NULL : xstrdup(o->database);
    logline_database_set(o->database);
    status = run_hooked(verb, o, &r, &b, &e);
    if (e.kind != ERR_NONE)
        report_write_error(o, verb->cli.name, &e);
    r.seconds = clock_seconds() - start;
    result_note_end(&r, b.repo);
    telling_add(notify, o, &r, &e);
    if (e.kind == ERR_NONE && report_write_result(o, &r, &b, &e) != 0)
        status = EXIT_FAILED;
    if (e.kind == ERR_NONE && result_print(&r, o->json, options_quiet(o), &e) != 0)
        status = EXIT_FAILED;
    if (e.kind != ERR_NONE)
        err_print(&e);
    notify_end(notify, status);
    result_free(&r);
    baseline_close(&b);
    return status;
}

/* A server that is looked at. */
static int
look(const struct verify_verb *verb, struct options *o)
{
    struct err e = ERR_INIT;
    int        status = verb->look(o, &e);

    if (status < 0) {
        err_print(&e);
        report_write_error(o, verb->cli.name, &e);
        status = server_error_status(o, &e);
    }
    return status;
}

int
main(int argc, char **argv)
{
    struct options            o = {0};
    struct err                e = ERR_INIT;
    const struct opts_verb   *cli = NULL;
    const struct verify_verb *verb = NULL; /* of which cli is the beginning */
    bool                      done = false;
    int                       status = EXIT_GOOD;

    tool_begin(spec.program);
    if (opts_verb(&spec, argc, argv, &cli, &e) == 0) {
        verb = (const void *)cli;
        (void)options_read(&spec, cli, verb == NULL || verb->look == NULL || verb->repo, argc, argv,
                           &o, &done, &e);
    }
    if (e.kind != ERR_NONE) {
        err_print(&e);
        status = server_error_status(&o, &e);
    } else if (!done && verb != NULL) {
        log_init(spec.program, level(&o));
        pg_tools_bindir(o.pg_bindir);
        status = verb->look != NULL ? look(verb, &o) : run(verb, &o);
    }
    options_free(&o);
    return tool_end(status);
}
