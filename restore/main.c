/*
 * pgassay-restore: brings a backup back.
 *
 * options, plan, preflight, target, schema, rows, the rest, report: see restore.h.
 */
#include "core/cancel.h"
#include "core/exit.h"
#include "core/hooks/hook.h"
#include "core/human.h"
#include "core/log.h"
#include "core/logline.h"
#include "core/progress.h"
#include "restore/job/restore.h"
#include "restore/record.h"
#include "restore/replace.h"
#include "restore/switch.h"

/* Into a running server, which others use: a scratch server is nobody's, and a drill's restore is
 * that of its own hooks. */
static bool
has_hooks(const struct options *o)
{
    return !o->scratch && !o->isolated && !o->list && !o->dry_run;
}

static int
run_hooked(struct restore *r, struct err *e)
{
    struct hook h = {.config = r->o->config,
                     .work = "restore",
                     .section = r->o->database,
                     .database = r->o->database,
                     .target = r->o->to != NULL ? r->o->to : r->o->into};

    return has_hooks(r->o) && hook_before(&h, e) != 0 ? -1 : restore_run(r, e);
}

static int
end_hooked(const struct restore *r, int status, const struct err *e)
{
    struct hook h = {.config = r->o->config,
                     .work = "restore",
                     .section = r->o->database,
                     .database = r->o->database,
                     .target = r->name};

    return !has_hooks(r->o)
        ? status
        : hook_after_warn(&h,
                          &(struct hook_ended){.status = status,
                                               .backup = r->label == NULL ? NULL : r->label->id,
                                               .error = e->kind == ERR_NONE ? NULL : e->text});
}

static int
run_and_report(const struct options *o)
{
    struct restore r;
    struct err     e = ERR_INIT, ignored = ERR_INIT, unsaid = ERR_INIT;
    time_t         started = time(NULL);
    int            status;

    restore_init(&r, o);
    if (run_hooked(&r, &e) != 0) {
        status = err_exit_status(&e);
    } else {
        status = r.problems.n > 0 ? EXIT_PARTLY : EXIT_GOOD;
    }
    if (r.scratch != NULL) {
        scratch_explain(r.scratch, &e);
    }
    progress_end();
    problems_tell_rest(&r.problems);
    restore_phase(&r, NULL);
    r.seconds = clock_seconds() - r.start;
    target_end(&r, e.kind != ERR_NONE);
    record_restore(&r, status, started);
    status = end_hooked(&r, status, &e);
    if (e.kind != ERR_NONE) {
        err_print(&e);
        replace_say(&r);
    }
    if ((o->list && e.kind == ERR_NONE ? report_list(&r, &unsaid)
                                       : report_result(&r, status, &e, &unsaid)) != 0) {
        err_print(&unsaid);
        status = status == EXIT_GOOD ? EXIT_FAILED : status;
    }
    if (scratch_end(r.scratch, &ignored) != 0) {
        log_warn("%s", ignored.text);
    }
    restore_free(&r);
    return status;
}

static int
run_switch(const struct options *o)
{
    struct err e = ERR_INIT;

    if (switch_run(o, &e) != 0) {
        err_print(&e);
        return err_exit_status(&e);
    }
    return EXIT_GOOD;
}

int
main(int argc, char **argv)
{
    struct options o;
    struct err     e = ERR_INIT;
    bool           done = false;
    int            status;

    tool_begin("pgassay-restore");
    if (options_read(argc, argv, &o, &done, &e) != 0 || done) {
        status = done ? EXIT_GOOD : err_exit_status(&e);
        if (!done) {
            err_print(&e);
        }
    } else {
        log_init("pgassay-restore", o.quiet ? LOG_ERROR : o.verbose ? LOG_INFO : LOG_WARN);
        pg_tools_bindir(o.pg_bindir);
        logline_database_set(o.database);
        status = switch_asked(&o) ? run_switch(&o) : run_and_report(&o);
    }
    options_free(&o);
    return tool_end(status);
}
