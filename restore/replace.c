#include "restore/replace.h"

#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "core/log.h"
#include "core/quote.h"
#include "pg/target/aside.h"
#include "pg/target/exchange.h"
#include "pg/target/halfmade.h"
#include "restore/guard.h"
#include "restore/job/succession.h"
#include "restore/preflight/checks.h"
#include "restore/replace_impl.h"
#include "restore/replace_status.h"
#include "restore/safety.h"

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

    for (size_t i = r->replace->resumes ? 1 : 0; i < old->n; i++) {
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
    if ((x->begins || x->resumes || x->now.there != NULL) &&
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

void
replace_done(struct restore *r)
{
    succession_tell(&(struct succession){.o = r->o,
                                         .repo = r->repo,
                                         .conn = r->maintenance,
                                         .name = r->name,
                                         .dropped = r->replace->now.oid});
}

void
replace_say(const struct restore *r)
{
    struct replacing *x = r->replace == NULL ? NULL : &r->replace->now;
    char             *on, *back, *status, *hint;

    if (x == NULL || !r->gone || r->renamed || x->db == NULL) {
        return;
    }
    on = replace_command_on(x);
    back = x->safety_id == NULL ? NULL : replace_command_back(x);
    status = quote_command("pgassay", "restore", QUOTE_ARG(r->name), "--status");
    hint = xasprintf("%s says how far it came", status);
    log_hinted(LOG_ERROR, back == NULL ? hint : NULL,
               "there is no database \"%s\" until this is done; to go on: %s", r->name, on);
    if (back != NULL) {
        log_hinted(LOG_ERROR, hint, "to go back to what it was: %s", back);
    }
    free(status);
    free(hint);
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
