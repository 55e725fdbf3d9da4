#include "restore/replace.h"

#include <stdlib.h>
#include <string.h>

#include "core/human.h"
#include "core/json.h"
#include "core/log.h"
#include "core/quote.h"
#include "pg/snapshot/inventory.h"
#include "pg/target/aside.h"
#include "pg/target/exchange.h"
#include "pg/target/halfmade.h"
#include "restore/guard.h"
#include "restore/job/target_server.h"
#include "restore/preflight/checks.h"
#include "restore/replace_status.h"
#include "restore/safety.h"
#include "restore/swap.h"
#include "storage/repo/source.h"

struct replace {
    struct replacing      now;
    struct replacing_list old;    /* of this name, to be believed; the newest first */
    bool                  begins; /* the database is there, and has to be replaced */
};

/* Only those that can be believed. */
static int
read_old(struct restore *r, const char *of, struct replacing_list *out, struct err *e)
{
    struct replacing_list all;

    *out = (struct replacing_list){0};
    if (replacing_list_read(r->maintenance, of, &all, e) != 0) {
        return -1;
    }
    for (size_t i = 0; i < all.n; i++) {
        if (!all.v[i].is_ours) {
            log_warn(
                "database \"%s\" says that it replaces \"%s\", and is passed over: it does not "
                "belong to who restores",
                all.v[i].working, all.v[i].of);
            continue;
        }
        VEC_GROW(out->v, out->n, out->cap);
        out->v[out->n++] = all.v[i];
        all.v[i] = (struct replacing){0};
    }
    replacing_list_free(&all);
    return 0;
}

/* Nothing has its place: then the backup that was chosen is still the one that is wanted. Otherwise
 * nothing had happened yet, or somebody has given the name to another one, and that is another
 * day's replace. */
static int
is_to_go_on(struct restore *r, const struct replacing *x, bool *yes, struct err *e)
{
    static const char sql[] = "SELECT oid FROM pg_catalog.pg_database WHERE datname = $1";
    const char       *params[] = {x->of};
    char             *oid = pg_value(r->maintenance, e, sql, 1, params);

    *yes = oid == NULL;
    free(oid);
    if (*yes && e->kind != ERR_NOT_FOUND) {
        return -1;
    }
    err_clear(e);
    return 0;
}

int
replace_look(struct restore *r, struct err *e)
{
    const struct options *o = r->o;
    struct replace       *p = r->replace = xcalloc(1, sizeof *r->replace);
    struct replacing     *x;
    bool                  goes_on;
    char                  age[32];

    r->server = target_server(o);
    if ((r->maintenance = target_server_connect(&r->server, e)) == NULL ||
        read_old(r, o->to != NULL ? o->to : o->database, &p->old, e) != 0) {
        return -1;
    }
    if (p->old.n == 0) {
        return 0;
    }
    x = &p->old.v[0];
    if (is_to_go_on(r, x, &goes_on, e) != 0) {
        return -1;
    }
    if (goes_on && o->backup == NULL && o->at == NULL && strcmp(x->db, o->database) == 0) {
        r->backup_id = xstrdup(x->backup);
    }
    log_warn("a replace of database \"%s\" was interrupted %s ago%s%s", x->of,
             duration_human(difftime(time(NULL), x->since), age, sizeof age),
             r->backup_id != NULL ? ": it goes on with backup "
                 : goes_on        ? ""
                                  : ": there is a database of that name, so it begins anew",
             r->backup_id == NULL ? "" : r->backup_id);
    return 0;
}

static void
copy_old(struct replacing *to, const struct replacing *x)
{
    to->of = xstrdup(x->of);
    to->oid = x->oid;
    to->aside = xstrdup(x->aside);
    to->safety_db = x->safety_db == NULL ? NULL : xstrdup(x->safety_db);
    to->safety_id = x->safety_id == NULL ? NULL : xstrdup(x->safety_id);
    to->without_safety = x->without_safety;
    to->live = json_incref(x->live);
    to->dropping = x->dropping;
    to->there = x->there == NULL ? NULL : xstrdup(x->there);
}

static int
describe_new(struct restore *r, struct replacing *to, struct err *e)
{
    time_t now;

    if (aside_time(r->maintenance, r->name, false, &now, e) != 0) {
        return -1;
    }
    to->of = xstrdup(r->name);
    to->oid = (uint32_t)json_opt_int(r->live, "oid", 0);
    to->aside = aside_name(r->name, false, now);
    to->without_safety = r->o->no_safety_backup;
    to->live = json_incref(r->live);
    return 0;
}

/* Of the databases that are dropped before anything is restored. */
static int
note_size(struct restore *r, struct err *e)
{
    const struct replacing_list *old = &r->replace->old;
    struct strlist               names = {0};
    int                          rc = 0;

    strlist_add(&names, r->name);
    for (size_t i = 0; i < old->n; i++) {
        strlist_add(&names, old->v[i].working);
        strlist_add(&names, old->v[i].aside);
    }
    for (size_t i = 0; rc == 0 && i < names.n; i++) {
        const char *params[] = {names.v[i]};
        char       *size = pg_value(r->maintenance, e,
                                    "SELECT pg_catalog.pg_database_size(oid) FROM "
                                          "pg_catalog.pg_database WHERE datname = $1",
                                    1, params);

        r->dropped_bytes += size == NULL ? 0 : strtoull(size, NULL, 10);
        rc = size == NULL && e->kind != ERR_NOT_FOUND ? -1 : (err_clear(e), 0);
        free(size);
    }
    strlist_free(&names);
    return rc;
}

/* Was it taken by the replace that was interrupted?  It may not have come to noting that. */
static bool
is_safety_of(const struct label *l, const struct replacing *x)
{
    char *note = safety_note(x->backup);
    bool  is = (x->safety_id != NULL && strcmp(x->safety_id, l->id) == 0) ||
        (l->note != NULL && strcmp(l->note, note) == 0);

    free(note);
    return is;
}

/* The newest backup, which nobody has named, may be none that somebody wants. */
static void
check_choice(const struct restore *r, struct strlist *stop, struct strlist *hints)
{
    const struct replace *p = r->replace;

    if (r->backup_id != NULL && (p->begins || p->old.n == 0)) {
        strlist_take(stop,
                     xasprintf("database \"%s\" is not the one whose replace by backup %s was "
                               "interrupted",
                               r->name, r->backup_id));
        strlist_add(hints, "name it with --to, and the backup with --backup");
        return;
    }
    for (size_t i = 0;
         r->backup_id == NULL && r->o->backup == NULL && r->o->at == NULL && i < p->old.n; i++) {
        const struct replacing *x = &p->old.v[i];

        if (is_safety_of(r->label, x) ||
            (!p->begins && i == 0 && strcmp(x->db, r->label->db) == 0 &&
             strcmp(x->backup, r->label->id) != 0)) {
            strlist_take(stop,
                         xasprintf("the newest backup, %s, is not the one (%s) that was being "
                                   "restored when the replace of database \"%s\" was "
                                   "interrupted",
                                   r->label->id, x->backup, x->of));
            strlist_take(hints, xasprintf("--backup %s, or another one", x->backup));
            return;
        }
    }
}

int
replace_preflight(struct restore *r, struct strlist *stop, struct strlist *hints, struct err *e)
{
    struct replace *x = r->replace;

    if (!halfmade_lock(r->maintenance, r->name)) {
        return halfmade_busy(r->name, e);
    }
    /* Once more, with the lock. */
    replacing_list_free(&x->old);
    if (read_old(r, r->name, &x->old, e) != 0) {
        return -1;
    }
    r->live = inventory_database_named(r->maintenance, r->name, e);
    if (r->live == NULL && e->kind != ERR_NOT_FOUND) {
        return -1;
    }
    err_clear(e);
    x->begins = r->live != NULL;
    check_choice(r, stop, hints);
    if (!x->begins && x->old.n == 0) {
        strlist_take(stop, xasprintf("there is no database \"%s\" to be replaced", r->name));
        strlist_take(hints, xasprintf("--to %s instead of --replace makes it", r->name));
        return 0;
    }
    if (note_size(r, e) != 0) {
        return -1;
    }
    if (x->begins) {
        if (describe_new(r, &x->now, e) != 0 ||
            swap_look_at_running(r, true, stop, hints, e) != 0) {
            return -1;
        }
    } else {
        copy_old(&x->now, &x->old.v[0]);
        r->live = json_incref(x->now.live);
    }
    x->now.db = xstrdup(r->label->db);
    x->now.backup = xstrdup(r->label->id);
    r->replacing = &x->now;
    return swap_look_at_backup(r, stop, hints, e);
}

bool
replace_is_whole(struct restore *r)
{
    const struct replace *x = r->replace;

    if (x == NULL || x->begins || !x->old.v[0].whole || x->old.v[0].there != NULL ||
        strcmp(x->old.v[0].backup, r->label->id) != 0 ||
        strcmp(x->old.v[0].db, r->label->db) != 0) {
        return false;
    }
    free(r->working_name);
    r->working_name = xstrdup(x->old.v[0].working);
    r->created = r->gone = true;
    return true;
}

/* ---- making room ---- */

static int
take_safety(struct restore *r, PGconn **guard, struct err *e)
{
    struct replacing *x = &r->replace->now;
    struct pg_target  server = r->server;

    server.dbname = r->name;
    if (x->without_safety) {
        return 0;
    }
    restore_phase(r, "safety backup");
    if ((*guard = guard_open(&server, e)) == NULL ||
        safety_take(r, &x->safety_db, &x->safety_id, e) != 0) {
        return -1;
    }
    log_info("the safety backup of \"%s\" is %s of %s, pinned", r->name, x->safety_id,
             x->safety_db);
    return guard_check(*guard, &server, e) != 0 ||
            replacing_mark(r->maintenance, r->working_name, x, e) != 0
        ? -1
        : 0;
}

/* Once more: the safety backup may have taken it, and nothing has changed yet. */
static int
check_room(struct restore *r, struct err *e)
{
    struct preflight before = r->preflight;
    int              rc;

    r->preflight = (struct preflight){0};
    rc = check_space(r, e);
    if (rc == 0 && preflight_stops(&r->preflight)) {
        rc = preflight_report(&r->preflight, &r->warnings, e);
    }
    preflight_free(&r->preflight);
    r->preflight = before;
    return rc;
}

static char *
comment_of(const json_t *properties)
{
    const json_t *comment = json_object_get(properties, "comment");
    struct err    ignored = ERR_INIT;
    size_t        n;

    return comment == NULL || json_is_null(comment) ? NULL : json_bytes_get(comment, &n, &ignored);
}

/* From here on nobody gets into it, and the working database says what to do. */
static int
give_up_name(struct restore *r, PGconn **guard, struct err *e)
{
    struct replacing *x = &r->replace->now;
    struct aside      a = {
             .name = x->aside, .was = r->name, .backup = r->label->id, .since = time(NULL)};
    struct exchange exchange = {.name = r->name, .aside = x->aside, .last = guard};
    char           *text;
    int             rc;

    a.comment = comment_of(x->live);
    text = aside_comment(&a, e);
    free(a.comment);
    exchange.aside_comment = text;
    r->gone = true;
    rc = text == NULL ? -1 : exchange_run(&r->server, r->maintenance, &exchange, e);
    r->gone = rc == 0 || exchange.unknown;
    free(text);
    return rc;
}

static int
drop_old_working(struct restore *r, struct err *e)
{
    const struct replacing_list *old = &r->replace->old;

    for (size_t i = 0; i < old->n; i++) {
        if (target_drop(r, old->v[i].working, e) != 0) {
            return -1;
        }
        log_info("removed database \"%s\", left over from a replace that was interrupted",
                 old->v[i].working);
    }
    return 0;
}

int
replace_make_room(struct restore *r, struct err *e)
{
    struct replace *x = r->replace;
    PGconn         *guard = NULL;
    int             rc = 0;

    if (x->begins) {
        restore_phase(r, "verify");
        rc = safety_verify_source(r, e);
        rc = rc == 0 ? take_safety(r, &guard, e) : rc;
        rc = rc == 0 ? check_room(r, e) : rc;
        if (rc == 0) {
            restore_phase(r, "drop");
            rc = give_up_name(r, &guard, e);
        }
        pg_close(guard);
    }
    if (rc != 0) {
        return -1;
    }
    /* Before the drop, which may happen although it is interrupted. */
    r->gone = true;
    if (drop_old_working(r, e) != 0) {
        return -1;
    }
    /* From here on it is no way back any more. */
    x->now.dropping = true;
    if ((x->begins || x->now.there != NULL) &&
        replacing_mark(r->maintenance, r->working_name, &x->now, e) != 0) {
        return -1;
    }
    if ((x->begins || x->now.there != NULL) && target_drop(r, x->now.aside, e) != 0) {
        return -1;
    }
    free(x->now.there);
    x->now.there = NULL;
    x->now.dropping = false;
    return 0;
}

int
replace_mark_whole(struct restore *r, struct err *e)
{
    r->replace->now.whole = true;
    return replacing_mark(r->maintenance, r->working_name, &r->replace->now, e);
}

/* ---- the end ---- */

/* As a backup would, if it could still see the database whose place has been taken. */
static int
take_over_name(struct restore *r, struct err *e)
{
    const char *params[] = {r->name};
    uint32_t    before[] = {r->replace->now.oid};
    PGresult   *res = pg_query(r->maintenance, e,
                               "SELECT s.system_identifier, d.oid FROM "
                                 "pg_catalog.pg_control_system() s, pg_catalog.pg_database d WHERE "
                                 "d.datname = $1",
                               1, params);
    int         rc = -1;

    if (res != NULL && PQntuples(res) == 1) {
        struct repo_source s = {.system_identifier = strtoull(PQgetvalue(res, 0, 0), NULL, 10),
                                .database_oid = (uint32_t)strtoul(PQgetvalue(res, 0, 1), NULL, 10),
                                .dbname = r->name,
                                .before = before,
                                .n_before = 1};
        struct repo_source is = {0};

        /* Another server's database, for one, keeps its name. */
        rc = source_load(r->repo, r->label->db, &is, e);
        if (rc == 0 && is.system_identifier == s.system_identifier &&
            is.database_oid == before[0]) {
            rc = source_bind(r->repo, r->label->db, &s, false, e);
        }
        source_free(&is);
    }
    PQclear(res);
    return rc;
}

void
replace_done(struct restore *r)
{
    struct err e = ERR_INIT;

    if (take_over_name(r, &e) != 0) {
        log_warn(
            "the name \"%s\" in the repository could not be given to the new database (%s): "
            "the next backup needs --adopt",
            r->label->db, e.text);
    }
}

void
replace_say(const struct restore *r)
{
    struct replacing *x = r->replace == NULL ? NULL : &r->replace->now;
    char             *on, *back, *status;

    if (x == NULL || !r->gone || r->renamed || x->db == NULL) {
        return;
    }
    on = replace_command_on(x);
    back = x->safety_id == NULL ? NULL : replace_command_back(x);
    log_error("there is no database \"%s\" until this is done; to go on: %s", r->name, on);
    if (back != NULL) {
        log_error("to go back to what it was: %s", back);
    }
    status = quote_command("pgassay", "restore", QUOTE_ARG(r->name), "--status");
    log_error("hint: %s says how far it came", status);
    free(status);
    free(on);
    free(back);
}

void
replace_free(struct restore *r)
{
    if (r->replace != NULL) {
        replacing_free(&r->replace->now);
        replacing_list_free(&r->replace->old);
        free(r->replace);
        r->replace = NULL;
    }
}
