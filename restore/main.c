/*
 * pgassay-restore: brings a backup back.
 *
 * options, plan, preflight, target, schema, rows, the rest, report: see restore.h.
 */
#include <stdlib.h>

#include "core/cancel.h"
#include "core/exit.h"
#include "core/human.h"
#include "core/log.h"
#include "core/progress.h"
#include "restore/entries.h"
#include "restore/restore.h"

#define GLOBALS_MAX (256 * MIB)

void
restore_init(struct restore *r, const struct options *o)
{
    *r = (struct restore){.o = o, .globals = BUF_INIT(GLOBALS_MAX), .start = clock_seconds()};
    pthread_mutex_init(&r->lock, NULL);
    problems_init(&r->problems);
    r->workers = xcalloc((size_t)o->jobs + 1, sizeof *r->workers);
}

void
restore_free(struct restore *r)
{
    for (int i = 0; i < r->o->jobs; i++) {
        readahead_free(r->workers[i].chunks);
    }
    free(r->workers);
    for (size_t i = 0; i < r->n_tables; i++) {
        entry_list_free(&r->tables[i].indexes);
        free(r->tables[i].qualified);
    }
    for (size_t i = 0; i < r->n_groups; i++) {
        free(r->groups[i].v);
    }
    free(r->tables);
    free(r->groups);
    entry_list_free(&r->pre);
    entry_list_free(&r->post);
    entry_list_free(&r->acl);
    entry_list_free(&r->last);
    archive_free(&r->archive);
    pg_tool_free(&r->pg_restore);
    buf_free(&r->globals);
    manifest_free(r->manifest);
    label_free(r->label);
    repo_close(r->repo);
    strlist_free(&r->warnings);
    problems_free(&r->problems);
    free(r->name);
    free(r->working_name);
    free(r->keep_command);
    free(r->host);
    free(r->port);
    free(r->user);
    pthread_mutex_destroy(&r->lock);
}

void
restore_phase(struct restore *r, const char *name)
{
    double now = clock_seconds();

    if (r->n_phases > 0) {
        r->phases[r->n_phases - 1].seconds = now - r->phase_start;
    }
    if (name != NULL && r->n_phases < sizeof r->phases / sizeof r->phases[0]) {
        r->phases[r->n_phases++] = (struct phase_time){.name = name};
        progress_phase(name);
        log_info("%s", name);
    }
    r->phase_start = now;
}

static int
run(struct restore *r, struct err *e)
{
    restore_phase(r, "plan");
    if (plan_read(r, e) != 0 || r->o->list || preflight_local(r, e) != 0) {
        return e->kind == ERR_NONE ? 0 : -1;
    }
    restore_phase(r, "server, preflight");
    if (target_open(r, e) != 0 || preflight_server(r, e) != 0) {
        return -1;
    }
    if (r->o->dry_run) {
        return 0;
    }
    progress_start("restoring", r->label->raw_bytes, r->o->quiet);
    restore_phase(r, "database, roles");
    if (target_create(r, e) != 0) {
        return -1;
    }
    restore_phase(r, "pre-data");
    if (target_schemas(r, e) != 0 || entries_run(r, r->conn, &r->pre, e) != 0) {
        return -1;
    }
    restore_phase(r, "rows, indexes");
    if (load_run(r, e) != 0 || finish_run(r, e) != 0) {
        return -1;
    }
    return target_publish(r, e);
}

static int
run_and_report(const struct options *o)
{
    struct restore r;
    struct err     e = ERR_INIT, ignored = ERR_INIT, unsaid = ERR_INIT;
    int            status;

    restore_init(&r, o);
    if (run(&r, &e) != 0) {
        status = err_exit_status(&e);
    } else {
        status = r.problems.n > 0 ? EXIT_PARTLY : EXIT_GOOD;
    }
    progress_end();
    restore_phase(&r, NULL);
    r.seconds = clock_seconds() - r.start;
    target_end(&r, e.kind != ERR_NONE);
    if (e.kind != ERR_NONE) {
        err_print(&e);
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

int
main(int argc, char **argv)
{
    struct options o;
    struct err     e = ERR_INIT;
    bool           done = false;
    int            status;

    log_init("pgassay-restore", LOG_WARN);
    cancel_install();
    if (options_read(argc, argv, &o, &done, &e) != 0 || done) {
        status = done ? EXIT_GOOD : err_exit_status(&e);
        if (!done) {
            err_print(&e);
        }
    } else {
        log_init("pgassay-restore", o.quiet ? LOG_QUIET : o.verbose ? LOG_INFO : LOG_WARN);
        pg_tools_bindir(o.pg_bindir);
        status = run_and_report(&o);
    }
    options_free(&o);
    return status;
}
