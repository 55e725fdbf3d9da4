/*
 * publish.c - the restored database gets its name: an unused one, or that of a running database,
 * which is set aside.
 */
#include <stdlib.h>
#include <time.h>

#include "core/json.h"
#include "core/quote.h"
#include "pg/target/aside.h"
#include "pg/target/exchange.h"
#include "pg/target/halfmade.h"
#include "restore/job/properties.h"
#include "restore/job/restore.h"
#include "restore/job/target_server.h"
#include "restore/load/finish.h"
#include "restore/swap.h"

/* The running database's or the backup's; *out is allocated, NULL: none. */
static int
comment_of(const json_t *properties, char **out, struct err *e)
{
    json_t *comment = json_object_get(properties, "comment");
    size_t  n;

    *out = comment == NULL || json_is_null(comment) ? NULL : json_bytes_get(comment, &n, e);
    return *out == NULL && comment != NULL && !json_is_null(comment) ? -1 : 0;
}

/* The texts of an exchange; the caller frees them. */
struct texts {
    struct aside aside;
    char        *aside_comment, *comment;
    char        *also; /* --replace */
};

static int
make_texts(const struct restore *r, struct texts *t, struct err *e)
{
    const time_t keep = (time_t)r->o->drop_old_after_s;
    time_t       now;

    if (aside_time(r->maintenance, r->name, false, &now, e) != 0) {
        return -1;
    }
    t->aside = (struct aside){.was = xstrdup(r->name),
                              .name = aside_name(r->name, false, now),
                              .backup = xstrdup(r->label->id),
                              .since = now,
                              .drop_after = keep == 0 ? 0 : now + keep};
    if (comment_of(r->live, &t->aside.comment, e) != 0 ||
        comment_of(properties_source(r), &t->comment, e) != 0) {
        return -1;
    }
    t->aside_comment = aside_comment(&t->aside, e);
    return t->aside_comment == NULL ? -1 : 0;
}

static void
texts_free(struct texts *t)
{
    aside_free(&t->aside);
    free(t->aside_comment);
    free(t->comment);
    free(t->also);
}

/* Owner, privileges and settings of a database that replaces one, and who may connect: it gets them
 * together with the name, so that until then only we, or a superuser, can have written its comment
 * (replacing.h). */
static int
make_texts_of_replace(struct restore *r, struct texts *t, struct err *e)
{
    struct strlist statements = {0};
    struct buf     also = BUF_INIT(BUF_NO_LIMIT);
    char          *open = target_opening(r);
    int            rc = comment_of(properties_source(r), &t->comment, e) != 0 ||
            finish_property_statements(r, r->maintenance, &statements, e) != 0
                   ? -1
                   : 0;

    for (size_t i = 0; rc == 0 && i < statements.n; i++) {
        rc = buf_printf(&also, e, "%s;", statements.v[i]);
    }
    rc = rc == 0 ? buf_printf(&also, e, "%s;", open) : -1;
    t->also = rc == 0 ? xstrdup(buf_str(&also)) : NULL;
    strlist_free(&statements);
    buf_free(&also);
    free(open);
    return rc;
}

/* Everything is loaded: it is not dropped because of a name.  Uses a new connection if the old one
 * is lost. */
static int
mark_kept(struct restore *r, const struct exchange *x, struct err *e)
{
    if (PQstatus(r->maintenance) != CONNECTION_OK) {
        pg_close(r->maintenance);
        r->maintenance = target_server_connect(&r->server, e);
    }
    return r->maintenance == NULL ? -1
        : x->keep_comment         ? 0
                          : halfmade_mark_kept(r->maintenance, r->working_name, x->comment, e);
}

static int
keep(struct restore *r, const struct exchange *x, struct err *e)
{
    struct err why = ERR_INIT;

    r->created = false; /* no longer to be removed here */
    if (mark_kept(r, x, &why) != 0 || target_open_to_others(r, &why) != 0) {
        return err_wrap(e, "restored as \"%s\", which the next restore would remove (%s)",
                        r->working_name, why.text);
    }
    err_wrap(e, "%s%s%swhat was restored is kept as \"%s\"", r->o->swap ? "database \"" : "",
             r->o->swap ? r->name : "", r->o->swap ? "\" is as it was; " : "", r->working_name);
    return quote_hint(e, "to give it the name: ", "pgassay", "restore", QUOTE_ARG(r->name),
                      "--switch-to", r->working_name);
}

/* Only now: a template could not be removed. */
static void
make_template(struct restore *r)
{
    struct err e = ERR_INIT;
    char      *ident = pg_ident(r->name);

    if (json_opt_bool(properties_source(r), "is_template", false) &&
        pg_execf(r->maintenance, &e, "ALTER DATABASE %s IS_TEMPLATE true", ident) != 0) {
        problem_add(&r->problems, "DATABASE PROPERTIES", NULL, r->name, &e);
    }
    free(ident);
}

static int
give_name(struct restore *r, struct exchange *x, struct err *e)
{
    if (r->o->swap && r->problems.n > 0) {
        return err_set(e, ERR_PG, "%zu objects did not come back as they were: not swapped",
                       r->problems.n);
    }
    if ((!r->o->replace && target_open_to_others(r, e) != 0) ||
        exchange_run(&r->server, r->maintenance, x, e) != 0) {
        return -1;
    }
    r->renamed = true;
    r->outage_seconds = x->outage_seconds;
    r->aside = x->aside == NULL ? NULL : xstrdup(x->aside);
    make_template(r);
    return 0;
}

int
target_publish(struct restore *r, struct err *e)
{
    struct texts    t = {0};
    struct exchange x = {.take = r->working_name, .name = r->name};
    int             rc;

    target_disconnect(r);
    rc = r->o->swap ? make_texts(r, &t, e) : r->o->replace ? make_texts_of_replace(r, &t, e) : 0;
    if (rc == 0) {
        x.aside = t.aside.name;
        x.aside_comment = t.aside_comment;
        x.comment = t.comment;
        x.also = t.also;
        x.keep_comment = !takes_a_name(r->o) &&
            !halfmade_is_marked(r->maintenance, r->working_name);
        rc = give_name(r, &x, e);
    }
    if (x.unknown) { /* which name it has is unknown: it is left alone */
        r->created = false;
    } else if (rc != 0 && e->kind != ERR_INTERRUPTED && !r->o->replace) {
        rc = keep(r, &x, e);
    }
    texts_free(&t);
    return rc;
}
