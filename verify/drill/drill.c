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
#include "verify/drill/warm.h"
#include "verify/job/baseline.h"
#include "verify/job/result_parts.h"
#include "verify/stored/objects.h"

#define COPY_NAME DRILL_NAME

enum { RESTORE_JSON_MAX = 256 << 20, RESTORE_ARGS_MAX = 34 };

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
run_restore(const struct options *o, const struct baseline *b, const struct warm *w,
            const struct drill_server *s, struct said *said, struct err *e)
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
    if (w != NULL) {
        argv[n++] = "--kept";
        argv[n++] = w->rows;
    }
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
                                      .status_ok = true,
                                      .ours = true},
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
    if (findings_count(&r->findings, FINDING_DIFFERENT) == 0) {
        const char *hint = json_opt_str(report, "hint", NULL);

        err_set(e, ERR_IO, "pgassay-restore ended with status %d: %s", said->status, text);
        return hint == NULL ? -1 : err_hint(e, "%s", hint);
    }
    findings_add(&r->findings,
                 (struct finding){.group = "restore",
                                  .object = b->label->id,
                                  .what = "cannot be restored",
                                  .have = text});
    return 0;
}

static void
note_loaded(struct verify_result *r, const json_t *report)
{
    r->copy.tables = (uint64_t)json_opt_int(report, "loaded_tables", 0);
    r->copy.rows = (uint64_t)json_opt_int(report, "rows", 0);
    r->copy.bytes = (uint64_t)json_opt_int(report, "bytes", 0);
}

/* Why a kept copy could not be brought up to this backup; allocated, NULL: it could. */
static char *
why_not_updated(const struct said *said, const json_t *report)
{
    const json_t *problem = json_array_get(json_object_get(report, "errors"), 0);

    if (said->status == EXIT_GOOD && report != NULL)
        return NULL;
    return problem != NULL
        ? xasprintf("%s %s: %s", json_opt_str(problem, "kind", ""),
                    json_opt_str(problem, "object", "?"), json_opt_str(problem, "message", "?"))
        : xstrdup(json_opt_str(report, "error", "pgassay-restore gave no reason"));
}

/* *usable: there is a copy to compare.  *anew, allocated: there is none that counts, all is to be
 * made anew. */
static int
restore(const struct options *o, struct verify_result *r, const struct baseline *b,
        const struct warm *w, const struct drill_server *s, bool *usable, char **anew,
        struct err *e)
{
    struct said said = {.out = BUF_INIT(RESTORE_JSON_MAX), .err = BUF_INIT(RESTORE_JSON_MAX)};
    json_t     *report = NULL;
    struct err  ignored = ERR_INIT;
    double      start = clock_seconds();
    int         rc = -1;

    *usable = false;
    if (run_restore(o, b, w, s, &said, e) != 0)
        goto out;
    report = json_read(said.out.data, said.out.len, &ignored);
    if (w != NULL && w->warm && said.status <= 128 &&
        (*anew = why_not_updated(&said, report)) != NULL) {
        rc = 0;
        goto out;
    }
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
    note_loaded(r, report);
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

static int
exec_in_copy(const struct copy *copy, const char *sql, struct err *e)
{
    struct pg_target target = copy_target(copy, copy->name);
    PGconn          *conn = pg_connect(&target, PG_RESTORING, "pgassay-verify", e);
    int              rc = conn == NULL ? -1 : pg_exec(conn, e, sql);

    pg_close(conn);
    return rc;
}

/* Adds an extension to the copy, unless it is there, and takes it away from one that is kept. */
static int
check_pages(const struct copy *copy, const struct warm *w, struct verify_result *r, struct err *e)
{
    struct pg_target target = copy_target(copy, copy->name);
    double           start = clock_seconds();
    bool             theirs = false;
    const json_t    *one;
    size_t           i;

    json_array_foreach (copy->baseline->man->extensions, i, one)
        theirs = theirs || strcmp(json_opt_str(one, "name", ""), "amcheck") == 0;
    if (amcheck_run(copy->options, &target, copy->server.version, r, e) != 0)
        return err_wrap(e, "amcheck");
    result_add_time(r, "amcheck", clock_seconds() - start);
    return w == NULL || theirs ? 0 : exec_in_copy(copy, "DROP EXTENSION IF EXISTS amcheck", e);
}

static const char next_sql[] =
    "SELECT pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())";

/* The number of the next transaction: it stands still while nothing is written. */
static char *
next_transaction(const struct pg_target *t, struct err *e)
{
    PGconn *conn = pg_connect(t, PG_RESTORING, "pgassay-verify", e);
    char   *xid = conn == NULL ? NULL : pg_value(conn, e, next_sql, 0, NULL);

    pg_close(conn);
    return xid;
}

/* *wrote: one of them did. */
static int
run_commands(const struct own_checks *checks, const struct pg_target *target, bool *wrote,
             struct verify_result *r, struct err *e)
{
    char *before = next_transaction(target, e), *after = NULL;
    int   rc = before == NULL ? -1 : checks_command(checks, target, r, e);

    if (rc == 0 && (after = next_transaction(target, e)) == NULL)
        rc = -1;
    *wrote = rc == 0 && strcmp(before, after) != 0;
    free(before);
    free(after);
    return rc;
}

/* A drill of one copy. */
struct attempt {
    const struct options    *o;
    const struct own_checks *checks;
    struct verify_result    *r;
    struct baseline         *b;
    struct warm             *w; /* NULL: nothing is kept */
    struct drill_server      s;
    double                   start;
    bool                     wrote; /* a check's command: into the copy */
};

static size_t
wrong(const struct verify_result *r)
{
    return findings_count(&r->findings, FINDING_DIFFERENT) +
        findings_count(&r->findings, FINDING_UNCOMPARED);
}

/* Is anything wrong that may be the kept copy's fault?  *anew: what. */
static bool
may_be_its_fault(const struct attempt *a, char **anew)
{
    const struct finding *f = a->r->findings.v;

    if (a->w == NULL || !a->w->warm || wrong(a->r) == 0)
        return false;
    while (f->class != FINDING_DIFFERENT && f->class != FINDING_UNCOMPARED)
        f++;
    *anew = xasprintf("the kept copy differed: %s %s: %s", f->group, f->object, f->what);
    return true;
}

/* What differs already would be taken for a damage that was noticed. */
static int
self_test(const struct attempt *a, struct copy *copy, struct err *e)
{
    if (result_exit_status(a->r) == EXIT_GOOD)
        return selftest_run(copy, a->r, e);
    findings_add(&a->r->findings,
                 (struct finding){.class = FINDING_UNCOMPARED,
                                  .group = "self-test",
                                  .object = a->b->label->id,
                                  .what = "was not made, as something is wrong already"});
    return 0;
}

/* All that is asked about the copy; what spoils it, last.  *anew: likewise. */
static int
examine(struct attempt *a, char **anew, struct err *e)
{
    struct copy      copy = {.options = a->o,
                             .baseline = a->b,
                             .server = a->s.target,
                             .name = COPY_NAME,
                             .unshared = a->s.scratch != NULL};
    struct pg_target target = copy_target(&copy, COPY_NAME);
    double           start = clock_seconds();
    int              rc = copy_compare(&copy, &(struct copy_look){.dbname = COPY_NAME}, a->r, e);

    result_add_time(a->r, "compare", clock_seconds() - start);
    if (rc == 0 && may_be_its_fault(a, anew))
        goto out;
    if (rc == 0)
        rc = checks_ask(a->checks, &target, true, a->b->label->snapshot, a->r, e);
    if (rc == 0 && a->o->amcheck)
        rc = check_pages(&copy, a->w, a->r, e);
    if (rc == 0 && may_be_its_fault(a, anew))
        goto out;
    if (rc == 0)
        rc = run_commands(a->checks, &target, &a->wrote, a->r, e);
    if (rc == 0 && may_be_its_fault(a, anew))
        goto out;
    if (rc == 0 && a->o->self_test)
        rc = self_test(a, &copy, e);
out:
    copy_deinit(&copy);
    return rc;
}

/* A throw-away server is nowhere any more. */
static char *
against(const struct drill_server *s)
{
    int version = s->target.version;

    return s->scratch != NULL
        ? xasprintf("a restore on PostgreSQL %d.%d", version / 10000, version % 10000)
        : xasprintf("a restore on PostgreSQL %d.%d at %s:%s", version / 10000, version % 10000,
                    s->host, s->port);
}

static int
restore_and_examine(struct attempt *a, char **anew, struct err *e)
{
    const struct options *o = a->o;
    struct verify_result *r = a->r;
    bool                  usable = false;
    int                   rc;

    result_add_time(r, "server", clock_seconds() - a->start);
    r->against = against(&a->s);
    note_versions(o, r, &a->s);
    rc = restore(o, r, a->b, a->w, &a->s, &usable, anew, e);
    r->recovery_s = clock_seconds() - a->start;
    if (a->w != NULL && a->w->warm)
        warm_take_recovery(a->w, r);
    if (*anew != NULL)
        return 0;
    targets_measure(o, usable, r);
    return rc == 0 && usable ? examine(a, anew, e) : rc;
}

/* What may be the kept copy's fault proves nothing. */
static bool
turn_cold(const struct attempt *a, int rc, char **anew, struct err *e)
{
    if (a->w == NULL || !a->w->warm || e->kind == ERR_INTERRUPTED)
        return false;
    if (rc != 0 && *anew == NULL)
        *anew = xasprintf("the kept copy could not be used: %s", e->text);
    if (*anew != NULL)
        err_clear(e);
    return *anew != NULL;
}

static int
leave(struct attempt *a, struct err *e)
{
    const bool good = result_exit_status(a->r) == EXIT_GOOD;

    if (a->w == NULL || !good || a->wrote || a->o->allow_unsigned)
        return 0;
    return drill_server_leave(&a->s, e);
}

/* What the next drill will find. */
static int
note_left(const struct attempt *a, int version, struct err *e)
{
    if (a->w == NULL || result_exit_status(a->r) != EXIT_GOOD)
        return 0;
    if (a->wrote)
        return warm_spoilt(a->w, "a command of a [check] wrote into the copy of the last drill", e);
    /* Foreign code has had it. */
    if (a->o->allow_unsigned)
        return warm_spoilt(a->w, "the last drill was one with --allow-unsigned", e);
    return warm_done(a->w, a->o, a->b, version, a->r, e);
}

/* *anew: see turn_cold(). */
static int
attempt(struct attempt *a, char **anew, struct err *e)
{
    struct err ignored = ERR_INIT;
    int        rc, version;

    a->start = clock_seconds();
    if (a->w != NULL && warm_begin(a->w, e) != 0)
        return err_wrap(e, "--warm");
    if (drill_server_start(a->o, a->b, a->w, &a->s, e) != 0)
        return turn_cold(a, -1, anew, e) ? 0 : err_wrap(e, "scratch server");
    version = a->s.target.version;
    rc = restore_and_examine(a, anew, e);
    if (rc != 0)
        drill_server_explain(&a->s, a->b->label->database_bytes, e);
    if (turn_cold(a, rc, anew, e))
        return drill_server_end(&a->s, e);
    if (rc == 0)
        rc = leave(a, e);
    if (rc == 0 && a->o->keep) {
        a->r->reach_command = quote_command("psql", "-h", a->s.target.host, "-p", a->s.target.port,
                                            "-U", a->s.target.user, "-d", COPY_NAME);
        a->r->keep_command = scratch_keep(a->s.scratch);
    }
    if (drill_server_end(&a->s, rc == 0 ? e : &ignored) != 0)
        return -1;
    return rc == 0 ? note_left(a, version, e) : -1;
}

static int
attempts(struct attempt *a, struct err *e)
{
    char *anew = NULL;
    int   rc = attempt(a, &anew, e);

    if (rc != 0 || anew == NULL) {
        free(anew);
        return rc;
    }
    warm_turn_cold(a->w, a->r, anew);
    result_begin_anew(a->r);
    anew = NULL;
    return attempt(a, &anew, e);
}

int
verify_drill(const struct options *o, const struct own_checks *checks, struct verify_result *r,
             struct baseline *b, struct err *e)
{
    struct warm    warm = {.fd = -1};
    struct attempt a = {.o = o, .checks = checks, .r = r, .b = b};
    int            rc;

    if (b->man->n_archive == 0) {
        err_set(e, ERR_USAGE,
                "backup %s holds no schema (--data-only): it cannot be restored alone",
                b->label->id);
        return err_hint(e, "compare it with a running database: pgassay verify live");
    }
    if (o->warm != NULL)
        a.w = &warm;
    rc = a.w == NULL || warm_open(a.w, o, b, r, e) == 0 ? attempts(&a, e) : -1;
    warm_close(&warm);
    return rc;
}
