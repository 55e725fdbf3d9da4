#include "restore/switch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/human.h"
#include "core/json.h"
#include "core/log.h"
#include "core/print.h"
#include "core/quote.h"
#include "core/when.h"
#include "pg/target/aside.h"
#include "pg/target/exchange.h"
#include "pg/target/halfmade.h"
#include "restore/job/succession.h"
#include "restore/job/target_server.h"
#include "restore/part/into_schema.h"
#include "restore/replace_status.h"
#include "restore/swap.h"

/* What is on the server for one name, or for all. */
struct state {
    struct pg_target      server;
    PGconn               *conn;
    struct aside_list     aside;
    struct strlist        half_made;
    struct replacing_list replacing;
};

bool
switch_asked(const struct options *o)
{
    return o->undo || o->switch_to != NULL || o->leftovers || o->drop_leftover != NULL || o->status;
}

static const char *
name_of(const struct options *o)
{
    return o->to != NULL ? o->to : o->database;
}

static bool
changes(const struct options *o)
{
    return o->undo || o->switch_to != NULL;
}

/* Before a change the lock is taken, and only then the state is read. */
static int
state_open(const struct options *o, struct state *s, struct err *e)
{
    s->server = target_server(o);
    if ((s->conn = target_server_connect(&s->server, e)) == NULL) {
        return -1;
    }
    if (changes(o) && !halfmade_lock(s->conn, name_of(o))) {
        return halfmade_busy(s->conn, name_of(o), e);
    }
    return aside_list_read(s->conn, o->leftovers ? NULL : name_of(o), &s->aside, e) != 0 ||
            halfmade_list(s->conn, o->leftovers ? NULL : name_of(o), &s->half_made, e) != 0 ||
            replacing_list_read(s->conn, o->leftovers ? NULL : name_of(o), &s->replacing, e) != 0
        ? -1
        : 0;
}

static void
state_close(struct state *s)
{
    aside_list_free(&s->aside);
    strlist_free(&s->half_made);
    replacing_list_free(&s->replacing);
    pg_close(s->conn);
}

/* ---- the way back ---- */

/* The relevant properties of a database; NULL members: there is none. */
struct database {
    char *owner, *comment;
    bool  dropped; /* in part: nobody can connect to it any more */
};

static int
look_up(PGconn *conn, const char *name, struct database *d, struct err *e)
{
    static const char sql[] =
        "SELECT pg_catalog.pg_get_userbyid(datdba), pg_catalog.shobj_description(oid, "
        "'pg_database'), datconnlimit = -2 FROM pg_catalog.pg_database WHERE datname = $1";
    const char *params[] = {name};
    PGresult   *res = pg_query(conn, e, sql, 1, params);

    *d = (struct database){0};
    if (res != NULL && PQntuples(res) == 1) {
        d->owner = xstrdup(PQgetvalue(res, 0, 0));
        d->comment = PQgetisnull(res, 0, 1) ? NULL : xstrdup(PQgetvalue(res, 0, 1));
        d->dropped = PQgetvalue(res, 0, 2)[0] == 't';
    }
    PQclear(res);
    return res == NULL ? -1 : 0;
}

static void
database_free(struct database *d)
{
    free(d->owner);
    free(d->comment);
}

/* Would --undo take it?  It takes no other owner's, and none for a name that nobody has. */
static bool
undo_takes(const struct aside *back, const struct database *now)
{
    return now->owner != NULL && strcmp(now->owner, back->owner) == 0;
}

/* An owner can write any comment, and anybody who may create databases could offer his own: only
 * the owner of the database that has the name now is trusted. */
static const struct aside *
newest_of_owner(const struct options *o, const struct state *s, const struct database *now,
                struct err *e)
{
    const struct aside     *a = NULL;
    const struct replacing *replacing = replace_believed(&s->replacing);

    for (size_t i = 0; a == NULL && i < s->aside.n; i++) {
        a = s->aside.v[i].undone ? NULL : &s->aside.v[i];
    }
    if (now->owner == NULL && replacing != NULL) {
        char *text = replace_missing_text(replacing);
        char *hint = replace_missing_hint(replacing);

        err_set(e, ERR_NOT_FOUND, "%s", text);
        err_hint(e, "%s", hint);
        free(text);
        free(hint);
        return NULL;
    }
    if (a == NULL) {
        err_set(e, ERR_NOT_FOUND, "no swap has set aside a database \"%s\" on this server",
                name_of(o));
        err_hint(e, "--leftovers lists what there is");
        return NULL;
    }
    if (!undo_takes(a, now)) {
        err_set(e, ERR_AUTH, "\"%s\" belongs to %s, \"%s\" %s%s", a->name, a->owner, name_of(o),
                now->owner == NULL ? "is not there" : "to ", now->owner == NULL ? "" : now->owner);
        quote_hint(e, "if it is the right one: ", "pgassay", "restore", QUOTE_ARG(name_of(o)),
                   "--switch-to", a->name);
        return NULL;
    }
    return a;
}

static const struct aside *
find_aside(const struct state *s, const char *name)
{
    for (size_t i = 0; i < s->aside.n; i++) {
        if (strcmp(s->aside.v[i].name, name) == 0) {
            return &s->aside.v[i];
        }
    }
    return NULL;
}

static int
print_switched(const struct options *o, const struct exchange *x, struct err *e)
{
    char took[32];

    if (o->json) {
        json_t *doc = json_object();

        json_object_set_new(doc, "database", json_text(x->name));
        json_object_set_new(doc, "was", json_text(x->take));
        json_object_set_new(doc, "set_aside", json_text(x->aside));
        json_object_set_new(doc, "outage_seconds", json_real(x->outage_seconds));
        return json_print(doc, e);
    }
    if (!o->quiet) {
        print_out("\"%s\" is now \"%s\", and nobody could connect for %s\n", x->take, x->name,
                  duration_human(x->outage_seconds, took, sizeof took));
        if (x->aside != NULL) {
            print_out("what had the name is set aside as \"%s\"\n", x->aside);
        }
    }
    return 0;
}

/* take gets the name, and the comment; the database that has the name now is set aside. */
static int
switch_to(const struct options *o, struct state *s, const char *take, const char *comment,
          const struct database *now, struct err *e)
{
    const time_t    keep = (time_t)o->drop_old_after_s;
    struct aside    a = {.was = xstrdup(name_of(o)),
                         .undone = o->undo,
                         .comment = now->comment == NULL ? NULL : xstrdup(now->comment)};
    struct exchange x = {.take = take, .name = name_of(o), .comment = comment};
    char           *text = NULL;
    int             rc = aside_time(s->conn, a.was, a.undone, &a.since, e);

    if (rc == 0) {
        a.drop_after = keep == 0 ? 0 : a.since + keep;
        a.name = aside_name(a.was, a.undone, a.since);
        text = aside_comment(&a, e);
        x.aside = now->owner == NULL ? NULL : a.name;
        x.aside_comment = text;
        rc = text == NULL ? -1 : exchange_run(&s->server, s->conn, &x, e);
    }
    if (rc == 0) {
        rc = print_switched(o, &x, e);
        (void)fflush(stdout); /* what follows may take a few seconds */
        succession_tell(
            &(struct succession){.o = o, .conn = s->conn, .name = x.name, .aside = x.aside});
    }
    free(text);
    aside_free(&a);
    return rc;
}

/* Its restore is at work, or has died: it is not complete. */
static int
refuse_half_made(PGconn *conn, const char *take, const struct database *d, struct err *e)
{
    const char *rest;

    if (halfmade_read(d->comment, &rest) != HALFMADE_IT_IS && halfmade_lock(conn, take)) {
        return 0;
    }
    err_set(e, ERR_BUSY, "database \"%s\" is half made: its restore has not ended, or has died",
            take);
    return err_hint(e, "the same restore once more begins anew");
}

static int
refuse_dropped(const char *take, const struct database *d, struct err *e)
{
    char *ident;

    if (!d->dropped) {
        return 0;
    }
    ident = pg_ident(take);
    err_set(e, ERR_NOT_FOUND,
            "database \"%s\" is there in part only: a DROP DATABASE was interrupted, and "
            "PostgreSQL "
            "lets nobody use what it left",
            take);
    err_hint(e, "DROP DATABASE %s; its contents are in its backups only", ident);
    free(ident);
    return -1;
}

/* The one that it had, or was to get. */
static const char *
comment_for(const struct aside *was, const struct database *take)
{
    const char *rest;

    return was != NULL                                         ? was->comment
        : halfmade_read(take->comment, &rest) == HALFMADE_KEPT ? rest
                                                               : take->comment;
}

static int
take_up(const struct options *o, struct state *s, const char *take, const struct aside *was,
        const struct database *now, struct err *e)
{
    struct database d;
    int             rc = -1;

    if (look_up(s->conn, take, &d, e) != 0) {
        return -1;
    }
    if (d.owner == NULL) {
        rc = err_set(e, ERR_NOT_FOUND, "there is no database \"%s\"", take);
    } else if (refuse_dropped(take, &d, e) == 0 && refuse_half_made(s->conn, take, &d, e) == 0 &&
               swap_ready(s->conn, now->owner == NULL ? NULL : name_of(o), take, e) == 0) {
        rc = switch_to(o, s, take, comment_for(was, &d), now, e);
    }
    database_free(&d);
    return rc;
}

static int
go_back(const struct options *o, struct state *s, struct err *e)
{
    struct database     now;
    const struct aside *was;
    int                 rc = -1;

    if (look_up(s->conn, name_of(o), &now, e) != 0) {
        return -1;
    }
    was = o->undo ? newest_of_owner(o, s, &now, e) : find_aside(s, o->switch_to);
    if (!o->undo || was != NULL) {
        rc = take_up(o, s, o->undo ? was->name : o->switch_to, was, &now, e);
    }
    database_free(&now);
    return rc;
}

/* ---- what there is ---- */

static json_t *
aside_json(const struct aside *a)
{
    char    since[32], until[32];
    json_t *o = json_object();

    json_object_set_new(o, "name", json_text(a->name));
    json_object_set_new(o, "was", json_text(a->was));
    json_object_set_new(o, "owner", json_text(a->owner));
    json_object_set_new(o, "by", json_string(a->undone ? "undo" : "swap"));
    json_object_set_new(o, "backup", json_text(a->backup));
    json_object_set_new(o, "since", json_string(time_rfc3339(a->since, since, sizeof since)));
    json_object_set_new(o, "drop_after",
                        a->drop_after == 0
                            ? json_null()
                            : json_string(time_rfc3339(a->drop_after, until, sizeof until)));
    json_object_set_new(o, "size_bytes", json_integer((json_int_t)a->size_bytes));
    return o;
}

static int
print_state_json(const struct state *s, json_t *doc, struct err *e)
{
    json_t *aside = json_array(), *half = json_array();

    for (size_t i = 0; i < s->aside.n; i++) {
        json_array_append_new(aside, aside_json(&s->aside.v[i]));
    }
    for (size_t i = 0; i < s->half_made.n; i++) {
        json_array_append_new(half, json_text(s->half_made.v[i]));
    }
    json_object_set_new(doc, "set_aside", aside);
    json_object_set_new(doc, "half_made", half);
    json_object_set_new(doc, "replacing", replace_status_json(&s->replacing));
    return json_print(doc, e);
}

static void
print_state(const struct state *s)
{
    time_t now = time(NULL);

    for (size_t i = 0; i < s->aside.n; i++) {
        const struct aside *a = &s->aside.v[i];
        char                age[32], size[32], until[32];

        print_out("%s: was \"%s\" until %s ago, %s%s%s\n", a->name, a->was,
                  duration_human(difftime(now, a->since), age, sizeof age),
                  size_human(a->size_bytes, size, sizeof size),
                  a->drop_after == 0 ? "" : ", to be dropped after ",
                  a->drop_after == 0 ? "" : when_local(a->drop_after, now, until, sizeof until));
    }
    for (size_t i = 0; i < s->half_made.n; i++) {
        print_out("%s\n", s->half_made.v[i]);
    }
    replace_status_print(&s->replacing);
}

static int
leftovers(const struct options *o, const struct state *s, struct err *e)
{
    if (o->json) {
        return print_state_json(s, json_object(), e);
    }
    print_state(s);
    if (s->aside.n + s->half_made.n + s->replacing.n == 0 && !o->quiet) {
        print_out("no swap or restore has left a database on this server\n");
    }
    return 0;
}

static void
print_way_back(const struct options *o, const struct aside *back, bool undo)
{
    char *command = undo
        ? quote_command("pgassay", "restore", QUOTE_ARG(name_of(o)), "--undo")
        : quote_command("pgassay", "restore", QUOTE_ARG(name_of(o)), "--switch-to", back->name);

    print_out("to go back to \"%s\": %s\n", back->name, command);
    free(command);
}

/* What parts of it are half made stands in the database itself. */
static void
look_inside(const struct options *o, struct state *s)
{
    struct pg_target t = s->server;
    struct err       why = ERR_INIT;
    PGconn          *conn;

    t.dbname = name_of(o);
    conn = pg_connect(&t, PG_RESTORING, "pgassay-restore", &why);
    if (conn == NULL || into_schema_left(conn, &s->half_made, &why) != 0) {
        log_warn("whether a restore has left a schema in database \"%s\" is not known: %s",
                 name_of(o), why.text);
    }
    pg_close(conn);
}

static int
status(const struct options *o, struct state *s, struct err *e)
{
    struct database     now;
    const struct aside *back = NULL;
    bool                undo;
    json_t             *doc;

    if (look_up(s->conn, name_of(o), &now, e) != 0) {
        return -1;
    }
    for (size_t i = 0; back == NULL && i < s->aside.n; i++) {
        back = s->aside.v[i].undone ? NULL : &s->aside.v[i];
    }
    undo = back != NULL && undo_takes(back, &now);
    if (now.owner != NULL) {
        look_inside(o, s);
    }
    if (o->json) {
        doc = json_object();
        json_object_set_new(doc, "database", json_text(name_of(o)));
        json_object_set_new(doc, "exists", json_boolean(now.owner != NULL));
        json_object_set_new(doc, "undo", json_text(undo ? back->name : NULL));
        database_free(&now);
        return print_state_json(s, doc, e);
    }
    print_out("%s: %s%s\n", name_of(o),
              now.owner == NULL ? "there is no database of that name" : "is there, belongs to ",
              now.owner == NULL ? "" : now.owner);
    print_state(s);
    if (back != NULL) {
        print_way_back(o, back, undo);
    }
    database_free(&now);
    return 0;
}

static int
drop(const struct options *o, const struct state *s, struct err *e)
{
    const struct aside *a = find_aside(s, o->drop_leftover);
    json_t             *doc;

    if ((a != NULL && succession_before_drop(o, NULL, s->conn, a, e) != 0) ||
        aside_drop(s->conn, o->drop_leftover, e) != 0) {
        return -1;
    }
    if (o->json && a != NULL) {
        doc = json_object();
        json_object_set_new(doc, "dropped", aside_json(a));
        return json_print(doc, e);
    }
    if (!o->quiet) {
        print_out("dropped \"%s\"\n", o->drop_leftover);
    }
    return 0;
}

int
switch_run(const struct options *o, struct err *e)
{
    struct state s = {0};
    int          rc = state_open(o, &s, e);

    if (rc == 0) {
        rc = o->leftovers              ? leftovers(o, &s, e)
            : o->status                ? status(o, &s, e)
            : o->drop_leftover != NULL ? drop(o, &s, e)
                                       : go_back(o, &s, e);
    }
    state_close(&s);
    return rc;
}
