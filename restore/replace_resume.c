/*
 * replace_resume.c - --replace: the same command goes on where it was, by tables.
 *
 * Two marks in the working database's comment say how far a restore came (replacing.h).  Each is
 * on disk when it is written, and so is all that was committed before:
 *
 *     loading   every object of pre-data is there, without a problem
 *     loaded    so are all rows and the indexes that are built with them
 *
 * Which tables are loaded is not noted but seen: those whose rows have the number and the
 * fingerprint of the backup's are left as they are, the others are emptied, and loaded.  Rows of
 * one leaf that went into another when they were loaded through their root are missing in one and
 * too many in the other: both are loaded again.  Large objects all are.  Then every statement that
 * follows is run as ever; what it makes may be there already (entries.c), since each makes its
 * object or nothing, and nobody else gets into the database.  Event triggers are the exception:
 * they would fire on these statements, and are made last, so they are dropped first.
 *
 * Where a mark is missing, where the options or the program are other ones, or where this does not
 * work out, all begins anew.
 */
#include <stdlib.h>
#include <string.h>

#include "core/human.h"
#include "core/log.h"
#include "core/progress.h"
#include "pg/target/halfmade.h"
#include "restore/replace_impl.h"
#include "restore/swap.h"

/* All that decides what a restore makes, and how; allocated. */
static char *
way(const struct restore *r)
{
    const struct options *o = r->o;
    char *text = xasprintf("%s %d%d%d%d%d %s %s", PGASSAY_VERSION, o->no_owner, o->no_privileges,
                           o->no_tablespaces, o->beyond, o->globals, r->user,
                           o->role == NULL ? "" : o->role);

    for (size_t i = 0; i < o->tablespace_map.n; i++) {
        char *longer = xasprintf("%s %s", text, o->tablespace_map.v[i]);

        free(text);
        text = longer;
    }
    return text;
}

static int
mark(struct restore *r, const char *stage, struct err *e)
{
    struct replacing *x = &r->replace->now;

    free(x->stage);
    x->stage = stage == NULL ? NULL : xstrdup(stage);
    free(x->way);
    x->way = way(r);
    return replacing_mark(r->maintenance, r->working_name, x, e);
}

int
replace_mark_stage(struct restore *r, const char *stage, struct err *e)
{
    if (!r->o->replace) {
        return 0;
    }
    /* Problems are named by a restore that begins anew, and not remembered. */
    if (r->problems.n == 0) {
        return mark(r, stage, e);
    }
    return r->replace->now.stage != NULL ? mark(r, NULL, e) : 0;
}

void
replace_give_up_stage(struct restore *r, const struct err *why)
{
    struct err ignored = ERR_INIT;

    if (r->replace != NULL && r->replace->resumes && why->kind == ERR_PG &&
        !problem_is_fatal(r->maintenance, why)) {
        (void)mark(r, NULL, &ignored);
    }
}

/* ---- going on ---- */

static bool
may_resume(const struct restore *r)
{
    const struct replace   *p = r->replace;
    const struct replacing *x = p->old.n == 0 ? NULL : &p->old.v[0];
    char                   *now;
    bool                    same;

    if (p->begins || x == NULL || x->there != NULL || x->stage == NULL || x->way == NULL ||
        strcmp(x->backup, r->label->id) != 0 || strcmp(x->db, r->label->db) != 0) {
        return false;
    }
    now = way(r);
    same = strcmp(x->way, now) == 0;
    free(now);
    return same;
}

struct looking {
    struct restore *r;
    struct strlist  again; /* tables to be emptied, quoted */
    size_t          whole;
};

static void
look(void *ctx, struct table_job *job, bool equal)
{
    struct looking *l = ctx;

    job->loaded = equal;
    if (equal) {
        l->whole++;
        l->r->rows += job->table->rows;
        l->r->bytes += job->table->bytes;
        progress_add(job->table->bytes);
    } else {
        strlist_add(&l->again, job->qualified);
    }
}

static int
empty_tables(struct restore *r, const struct strlist *tables, struct err *e)
{
    for (size_t i = 0; i < tables->n; i++) {
        if (pg_execf(r->conn, e, "TRUNCATE ONLY %s", tables->v[i]) != 0) {
            return err_wrap(e, "emptying table %s", tables->v[i]);
        }
    }
    return 0;
}

/* But those of extensions, which were there from the beginning. */
static const char event_triggers_sql[] =
    "SELECT pg_catalog.format('DROP EVENT TRIGGER %I', evtname) FROM pg_catalog.pg_event_trigger t "
    "WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = "
    "'pg_catalog.pg_event_trigger'::pg_catalog.regclass AND d.objid = t.oid AND d.deptype = 'e')";

/* *usable: false, if something is missing that should be there. */
static int
look_what_is_there(struct restore *r, bool *usable, struct err *e)
{
    struct looking l = {.r = r};
    char           whole[48];
    int            rc = swap_look_at_contents(r, look, &l, e);

    if (rc == 0 && r->loaded && l.again.n > 0) {
        err_set(e, ERR_CORRUPT, "table %s has lost rows", l.again.v[0]);
        rc = -1;
    }
    if (rc == 0 && !r->loaded) {
        rc = empty_tables(r, &l.again, e);
    }
    if (rc == 0) {
        log_warn("%s of %zu were loaded, and are as in the backup",
                 count_human(l.whole, "table", whole, sizeof whole), l.whole + l.again.n);
    }
    *usable = rc == 0;
    strlist_free(&l.again);
    return e->kind == ERR_INTERRUPTED ? -1 : 0;
}

/* As if nothing had been looked at. */
static void
begin_anew(struct restore *r, struct err *e)
{
    log_warn("what \"%s\" holds cannot be gone on with, and all is loaded anew: %s",
             r->working_name, e->text);
    err_clear(e);
    target_disconnect(r);
    for (size_t i = 0; i < r->n_tables; i++) {
        r->tables[i].loaded = false;
    }
    r->rows = r->bytes = 0;
    r->resumes = r->loaded = r->created = r->replace->resumes = false;
    free(r->working_name);
    r->working_name = halfmade_name(r->name, "restoring");
}

int
replace_resume(struct restore *r, struct err *e)
{
    const struct replacing *x;
    bool                    usable = false;

    if (r->replace == NULL || !may_resume(r)) {
        return 0;
    }
    x = &r->replace->old.v[0];
    restore_phase(r, "what is there");
    free(r->working_name);
    r->working_name = xstrdup(x->working);
    r->created = r->gone = true;
    r->resumes = r->replace->resumes = true;
    r->loaded = strcmp(x->stage, "loaded") == 0;
    if (target_take_up(r, e) == 0 && pg_exec_each(r->conn, e, event_triggers_sql) == 0 &&
        look_what_is_there(r, &usable, e) != 0) {
        return -1;
    }
    if (!usable) {
        begin_anew(r, e);
        return 0;
    }
    return mark(r, x->stage, e);
}
