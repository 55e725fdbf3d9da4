#include "restore/job/restore.h"

#include <stdlib.h>

#include "core/human.h"
#include "core/progress.h"
#include "restore/beyond.h"
#include "restore/expect.h"
#include "restore/file/foreign.h"
#include "restore/job/elsewhere.h"
#include "restore/job/succession.h"
#include "restore/load/define.h"
#include "restore/load/finish.h"
#include "restore/load/kept.h"
#include "restore/load/load_first.h"
#include "restore/load/loaders.h"
#include "restore/load/lost.h"
#include "restore/part/live.h"
#include "restore/replace.h"
#include "restore/swap.h"
#include "restore/update.h"

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
    kept_free(r);
    plan_forget(r);
    archive_close(&r->archive);
    pg_tool_free(&r->pg_restore);
    buf_free(&r->globals);
    foreign_free(r->foreign);
    manifest_free(r->manifest);
    label_free(r->label);
    repo_close(r->repo);
    strlist_free(&r->warnings);
    preflight_free(&r->preflight);
    strlist_free(&r->needed);
    for (size_t i = 0; i < r->n_written; i++) {
        free(r->written[i].table);
    }
    free(r->written);
    for (size_t i = 0; i < r->n_first; i++) {
        free(r->first[i].name);
    }
    free(r->first);
    json_decref(r->differences);
    problems_free(&r->problems);
    free(r->name);
    free(r->working_name);
    free(r->tablespace);
    strlist_free(&r->tablespaces);
    free(r->aside);
    free(r->backup_id);
    replace_free(r);
    json_decref(r->live);
    json_decref(r->properties);
    free(r->keep_command);
    free(r->incarnation);
    free(r->host);
    free(r->port);
    free(r->user);
    pthread_mutex_destroy(&r->lock);
}

/* Of a foreign dump. */
static int
run_foreign(struct restore *r, struct err *e)
{
    restore_phase(r, "reading");
    if (foreign_read(r, e) != 0 || r->o->list) {
        return e->kind == ERR_NONE ? 0 : -1;
    }
    restore_phase(r, "server, preflight");
    if (target_open(r, e) != 0 || foreign_preflight(r, e) != 0 || r->o->dry_run) {
        return e->kind == ERR_NONE ? 0 : -1;
    }
    report_begin(r);
    restore_phase(r, "database");
    if (!foreign_is_cluster(r) && target_create(r, e) != 0) {
        return -1;
    }
    restore_phase(r, "statements, rows");
    if (foreign_run(r, e) != 0) {
        return -1;
    }
    restore_phase(r, "name");
    return foreign_is_cluster(r) ? 0 : target_publish(r, e);
}

static int
fill_rows(struct restore *r, struct err *e)
{
    restore_phase(r, r->n_first > 0 ? "first tables" : "rows, indexes");
    if (loaders_make(r, e) != 0 || lost_begin(r, e) != 0 || load_first(r, e) != 0) {
        return elsewhere_hint(r, e);
    }
    if (r->n_first > 0) {
        restore_phase(r, "rows, indexes");
    }
    if (load_run(r, 0, e) != 0) {
        return elsewhere_hint(r, e);
    }
    return lost_mend(r, e) != 0 ? -1 : replace_mark_stage(r, "loaded", e);
}

/* What the database consists of. */
static int
fill(struct restore *r, struct err *e)
{
    if (!r->resumes) {
        restore_phase(r, "pre-data");
        if (target_schemas(r, e) != 0 || define_run(r, e) != 0 || beyond_run(r, e) != 0 ||
            replace_mark_stage(r, "loading", e) != 0) {
            return -1;
        }
    }
    return (r->loaded ? lost_begin(r, e) : fill_rows(r, e)) == 0 ? finish_run(r, e) : -1;
}

static int
compare(struct restore *r, struct err *e)
{
    restore_phase(r, "row counts");
    if (swap_check(r, e) != 0) {
        return -1;
    }
    if (!r->o->check_full) {
        return 0;
    }
    restore_phase(r, "contents");
    return swap_check_contents(r, e);
}

static int
make(struct restore *r, struct err *e)
{
    if (replace_resume(r, e) != 0) {
        return -1;
    }
    restore_phase(r, "database, roles");
    if ((!r->resumes && target_create(r, e) != 0) ||
        (takes_a_name(r->o) && finish_rehearse_properties(r, e) != 0) ||
        (r->o->replace && replace_make_room(r, e) != 0)) {
        return -1;
    }
    if (fill(r, e) != 0) {
        replace_give_up_stage(r, e);
        return -1;
    }
    return 0;
}

static int
take_up(struct restore *r, struct err *e)
{
    return target_take_up(r, e) == 0 ? lost_begin(r, e) : -1;
}

static int
publish(struct restore *r, struct err *e)
{
    /* Problems are named by a restore that begins anew, and not remembered. */
    if (lost_mend(r, e) != 0) {
        return -1;
    }
    if (r->o->replace && r->problems.n == 0 && replace_mark_whole(r, e) != 0) {
        return -1;
    }
    restore_phase(r, "name");
    if (target_publish(r, e) != 0) {
        return -1;
    }
    if (r->o->replace) {
        replace_done(r);
    } else if (r->o->swap) {
        succession_tell(&(struct succession){.o = r->o,
                                             .repo = r->repo,
                                             .conn = r->maintenance,
                                             .name = r->name,
                                             .aside = r->aside});
    }
    return 0;
}

/* The order of a restore.  Nothing changes on the server before preflight_run() has found no
 * obstacle; nothing has the requested name before target_publish().  Each phase begins when the one
 * before has ended; parallel work happens only inside a phase (load.c, finish.c). */
int
restore_run(struct restore *r, struct err *e)
{
    if (foreign_asked(r->o)) {
        return run_foreign(r, e);
    }
    restore_phase(r, "plan");
    if ((r->o->replace && replace_look(r, e) != 0) || plan_read(r, e) != 0) {
        return -1;
    }
    if (r->o->list) {
        return 0;
    }
    if (r->o->kept != NULL) {
        kept_begin(r);
        if (kept_is_there(r)) {
            return update_run(r, e);
        }
    }
    if (live_asked(r->o)) {
        return preflight_live(r, e) != 0 || live_run(r, e) != 0 ? elsewhere_hint(r, e) : 0;
    }
    restore_phase(r, "server, preflight");
    if (preflight_run(r, e) != 0) {
        return -1;
    }
    expect_duration(r);
    if (r->o->dry_run) {
        return 0;
    }
    report_begin(r);
    progress_start("restoring", plan_sizes(r).bytes, r->o->quiet);
    progress_expect(r->expected_seconds);
    if ((replace_is_whole(r) ? take_up(r, e) : make(r, e)) != 0 ||
        (takes_a_name(r->o) && compare(r, e) != 0)) {
        return -1;
    }
    if ((r->kept != NULL && (lost_mend(r, e) != 0 || kept_note_server(r, e) != 0)) ||
        publish(r, e) != 0) {
        return -1;
    }
    return r->kept != NULL && r->problems.n == 0 ? kept_write(r, e) : 0;
}
