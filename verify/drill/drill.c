#include "verify/drill/drill.h"

#include <stdlib.h>
#include <string.h>

#include "core/exit.h"
#include "core/host/proc.h"
#include "core/human.h"
#include "core/json.h"
#include "core/progress.h"
#include "core/quote.h"
#include "verify/checks/run.h"
#include "verify/drill/amcheck.h"
#include "verify/drill/copy.h"
#include "verify/drill/selftest.h"
#include "verify/drill/server.h"
#include "verify/drill/targets.h"
#include "verify/drill/times.h"
#include "verify/job/baseline.h"
#include "verify/job/result_parts.h"
#include "verify/stored/objects.h"

#define COPY_NAME DRILL_NAME

enum { RESTORE_JSON_MAX = 256 << 20, RESTORE_ARGS_MAX = 32 };

/* Faults of the copy before any comparison: one finding for each object that was not restored. */
static void
note_restore_errors(struct verify_result *r, const json_t *report)
{
    const json_t *list = json_object_get(report, "errors"), *one;
    size_t        i;

    json_array_foreach (list, i, one) {
        char *object = xasprintf("%s %s", json_opt_str(one, "kind", ""),
                                 json_opt_str(one, "object", "?"));

        findings_add(&r->findings,
                     (struct finding){.group = "restore",
                                      .object = object,
                                      .what = "failed in the restore",
                                      .have = json_opt_str(one, "message", NULL)});
        free(object);
    }
}

/* All output of the restore; its standard error is only shown when it failed. */
struct said {
    struct buf out, err;
    int        status;
};

static int
run_restore(const struct options *o, const struct baseline *b, const struct drill_server *s,
            struct said *said, struct err *e)
{
    char                *program = proc_sibling("pgassay-restore", e), *jobs;
    const char         **argv;
    struct strlist       given = {0};
    const struct secret *passphrase = keyring_passphrase(b->repo->keys);
    size_t               n = 0;
    int                  rc;

    if (program == NULL)
        return -1;
    storage_given_args(&o->given, &given);
    drill_server_args(s, &given);
    argv = xcalloc(RESTORE_ARGS_MAX + given.n, sizeof *argv);
    jobs = xasprintf("%d", o->jobs);
    argv[n++] = program;
    argv[n++] = "--repo";
    argv[n++] = storage_location_name(&o->place);
    argv[n++] = "--backup";
    argv[n++] = b->label->id;
    argv[n++] = "--to";
    argv[n++] = COPY_NAME;
    argv[n++] = "--isolated";
    argv[n++] = "--no-analyze"; /* this copy will not be queried */
    argv[n++] = "--no-record";  /* the drill is */
    argv[n++] = "--jobs";
    argv[n++] = jobs;
    argv[n++] = "--json";
    if (o->config_file != NULL) {
        argv[n++] = "--config";
        argv[n++] = o->config_file;
    }
    for (size_t i = 0; i < given.n; i++)
        argv[n++] = given.v[i];
    if (o->pg_bindir != NULL) {
        argv[n++] = "--pg-bindir";
        argv[n++] = o->pg_bindir;
    }
    if (o->allow_unsigned)
        argv[n++] = "--allow-unsigned";
    if (o->beyond)
        argv[n++] = "--beyond";
    if (o->allow_remote)
        argv[n++] = "--allow-remote";
    if (passphrase != NULL) {
        argv[n++] = "--passphrase-fd"; /* the last one counts */
        argv[n++] = "0";
    }
    argv[n++] = "--";
    argv[n++] = o->database;
    argv[n] = NULL;
    progress_start("restoring", 0, o->quiet);
    rc = proc_run(&(struct proc_spec){.argv = argv,
                                      .env = (const char *const *)s->env,
                                      .out = &said->out,
                                      .err = &said->err,
                                      .idle_ms = -1,
                                      .in = passphrase != NULL ? passphrase->data : NULL,
                                      .in_len = passphrase != NULL ? passphrase->n : 0,
                                      .status_ok = true},
                  &said->status, e);
    progress_end();
    free(program);
    free(jobs);
    free(argv);
    strlist_free(&given);
    return rc;
}

/* Finding a damaged backup is a drill's purpose; a restore that could not run (disk full, no
 * server) proves nothing about the backup.  The stored objects distinguish the two. */
static int
judge_failure(const struct options *o, struct verify_result *r, const struct baseline *b,
              const struct said *said, const json_t *report, struct err *e)
{
    const char *text = json_opt_str(report, "error", "no reason given");

    if (said->status > 128)
        return err_set(e, ERR_INTERRUPTED, "pgassay-restore was interrupted");
    if (check_stored(b->repo, b->label->db, b->label->id, o, r, e) != 0)
        return -1;
    if (findings_count(&r->findings, FINDING_DIFFERENT) == 0)
        return err_set(e, ERR_IO, "pgassay-restore ended with status %d: %s", said->status, text);
    findings_add(&r->findings,
                 (struct finding){.group = "restore",
                                  .object = b->label->id,
                                  .what = "cannot be restored",
                                  .have = text});
    return 0;
}

/* *usable: there is a copy to compare. */
static int
restore(const struct options *o, struct verify_result *r, const struct baseline *b,
        const struct drill_server *s, bool *usable, struct err *e)
{
    struct said said = {.out = BUF_INIT(RESTORE_JSON_MAX), .err = BUF_INIT(RESTORE_JSON_MAX)};
    json_t     *report = NULL;
    struct err  ignored = ERR_INIT;
    double      start = clock_seconds();
    int         rc = -1;

    *usable = false;
    if (run_restore(o, b, s, &said, e) != 0)
        goto out;
    report = json_read(said.out.data, said.out.len, &ignored);
    *usable = said.status == EXIT_GOOD || said.status == EXIT_PARTLY;
    if (!*usable) {
        rc = judge_failure(o, r, b, &said, report, e);
        goto out;
    }
    if (report == NULL) {
        err_set(e, ERR_CORRUPT, "pgassay-restore printed no JSON that can be read: %s",
                ignored.text);
        goto out;
    }
    note_restore_errors(r, report);
    times_of_restore(r, report, clock_seconds() - start);
    rc = 0;
out:
    json_decref(report);
    buf_free(&said.out);
    buf_free(&said.err);
    return rc;
}

/* A copy on another major version is compared all the same, with what the schema becomes there
 * (reference.h): what only the version makes different is a note at most. */
static void
note_versions(const struct options *o, struct verify_result *r, const struct drill_server *s)
{
    int   copy = s->target.version / 10000, source = r->label->server_version_num / 10000;
    char *why, *what;

    if (copy == source)
        return;
    why = o->major != 0     ? xstrdup("as --major asks")
        : o->server != NULL ? xstrdup("which --server has")
                            : xasprintf("as no server of %d is installed here", source);
    what = xasprintf("was taken on PostgreSQL %d and restored on %d, %s", source, copy, why);
    free(why);
    findings_add(
        &r->findings,
        (struct finding){
            .class = FINDING_NOTE, .group = "restore", .object = r->label->id, .what = what});
    free(what);
}

/* Adds an extension to the copy. */
static int
check_pages(const struct copy *copy, struct verify_result *r, struct err *e)
{
    struct pg_target target = copy_target(copy, copy->name);
    double           start = clock_seconds();

    if (amcheck_run(copy->options, &target, copy->server.version, r, e) != 0)
        return err_wrap(e, "amcheck");
    result_add_time(r, "amcheck", clock_seconds() - start);
    return 0;
}

/* All that is asked about the copy; what spoils it, last. */
static int
examine(const struct options *o, const struct own_checks *checks, struct verify_result *r,
        struct baseline *b, const struct drill_server *s, struct err *e)
{
    struct copy      copy = {.options = o, .baseline = b, .server = s->target, .name = COPY_NAME};
    struct pg_target target = copy_target(&copy, COPY_NAME);
    double           start = clock_seconds();
    int              rc = copy_compare(&copy, &(struct copy_look){.dbname = COPY_NAME}, r, e);

    result_add_time(r, "compare", clock_seconds() - start);
    if (rc == 0)
        rc = checks_ask(checks, &target, true, b->label->snapshot, r, e);
    if (rc == 0 && o->amcheck)
        rc = check_pages(&copy, r, e);
    if (rc == 0)
        rc = checks_command(checks, &target, r, e);
    if (rc == 0 && o->self_test && result_exit_status(r) == EXIT_GOOD)
        rc = selftest_run(&copy, r, e);
    copy_deinit(&copy);
    return rc;
}

int
verify_drill(const struct options *o, const struct own_checks *checks, struct verify_result *r,
             struct baseline *b, struct err *e)
{
    double              start = clock_seconds();
    struct drill_server server, *s = &server;
    struct err          ignored = ERR_INIT;
    bool                usable;
    int                 rc;

    if (b->man->n_archive == 0) {
        err_set(e, ERR_USAGE,
                "backup %s holds no schema (--data-only): it cannot be restored alone",
                b->label->id);
        return err_hint(e, "compare it with a running database: pgassay verify live");
    }
    if (drill_server_start(o, b, s, e) != 0)
        return err_wrap(e, "scratch server");
    result_add_time(r, "server", clock_seconds() - start);
    r->against = xasprintf("a restore on PostgreSQL %d.%d", s->target.version / 10000,
                           s->target.version % 10000);
    note_versions(o, r, s);
    rc = restore(o, r, b, s, &usable, e);
    r->recovery_s = clock_seconds() - start;
    targets_measure(o, usable, r);
    if (rc == 0 && usable)
        rc = examine(o, checks, r, b, s, e);
    if (rc == 0 && o->keep) {
        r->reach_command = quote_command("psql", "-h", s->target.host, "-p", s->target.port, "-U",
                                         s->target.user, "-d", COPY_NAME);
        r->keep_command = scratch_keep(s->scratch);
    }
    return drill_server_end(s, b, rc == 0 ? e : &ignored) == 0 ? rc : -1;
}
