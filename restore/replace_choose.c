/*
 * replace_choose.c - --replace: what there is, and which backup is meant: before anything is made.
 */
#include <stdlib.h>
#include <string.h>

#include "core/human.h"
#include "core/json.h"
#include "core/log.h"
#include "pg/snapshot/inventory.h"
#include "pg/target/aside.h"
#include "pg/target/halfmade.h"
#include "restore/job/target_server.h"
#include "restore/replace_impl.h"
#include "restore/swap.h"

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

        if (!p->begins && i == 0 && strcmp(x->db, r->label->db) == 0 &&
            strcmp(x->backup, r->label->id) != 0) {
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
        return halfmade_busy(r->maintenance, r->name, e);
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
