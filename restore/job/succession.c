#include "restore/job/succession.h"

#include <stdlib.h>
#include <string.h>

#include "core/log.h"
#include "storage/repo/source.h"

/* ---- who is who on the server ---- */

static int
add_aside(const struct succession *x, struct repo_source *s, struct err *e)
{
    const char *params[] = {x->aside};
    char       *oid;

    if (x->dropped != 0) {
        aside_oids_add(&s->before, &s->n_before, &s->cap_before, x->dropped);
    }
    if (x->aside == NULL) {
        return 0;
    }
    oid = pg_value(x->conn, e, "SELECT oid FROM pg_catalog.pg_database WHERE datname = $1", 1,
                   params);
    if (oid == NULL) {
        return -1;
    }
    aside_oids_add(&s->before, &s->n_before, &s->cap_before, (uint32_t)strtoul(oid, NULL, 10));
    free(oid);
    return 0;
}

/* *there: a database has the name. */
static int
look_up(const struct succession *x, struct repo_source *s, bool *there, struct err *e)
{
    static const char sql[] =
        "SELECT s.system_identifier, d.oid, pg_catalog.pg_get_userbyid(d.datdba) FROM "
        "pg_catalog.pg_control_system() s, pg_catalog.pg_database d WHERE d.datname = $1";
    const char *params[] = {x->name};
    PGresult   *res = pg_query(x->conn, e, sql, 1, params);
    int         rc = res == NULL ? -1 : 0;

    *s = (struct repo_source){0};
    *there = rc == 0 && PQntuples(res) == 1;
    if (*there) {
        s->system_identifier = strtoull(PQgetvalue(res, 0, 0), NULL, 10);
        s->database_oid = (uint32_t)strtoul(PQgetvalue(res, 0, 1), NULL, 10);
        s->dbname = xstrdup(x->name);
        rc = aside_oids(x->conn, x->name, PQgetvalue(res, 0, 2), &s->before, &s->n_before,
                        &s->cap_before, e) != 0
            ? -1
            : add_aside(x, s, e);
    }
    PQclear(res);
    return rc;
}

/* ---- in the repositories ---- */

static bool
took_place_of(const struct repo_source *s, const struct repo_source *is)
{
    for (size_t i = 0; i < s->n_before; i++) {
        if (is->system_identifier == s->system_identifier && is->database_oid == s->before[i]) {
            return true;
        }
    }
    return false;
}

static int
note_name(struct repo *repo, const char *db, const struct repo_source *s, struct err *e)
{
    struct repo_source is = {0};
    int                rc = source_load(repo, db, &is, e);

    if (rc == 0 && took_place_of(s, &is)) {
        rc = source_bind(repo, db, s, false, e);
    } else if (rc != 0 && e->kind == ERR_NOT_FOUND) {
        err_clear(e);
        rc = 0;
    }
    source_free(&is);
    return rc == 0 ? 0 : err_wrap(e, "\"%s\" in repository \"%s\"", db, repo->st->location);
}

/* Of a name that cannot be read nothing is known; another database's must not stop the drop. */
static int
note_every_name(const struct succession *x, struct repo *repo, const struct repo_source *s,
                struct err *e)
{
    struct strlist names = {0};
    int            rc = repo_databases(repo, &names, e);

    for (size_t i = 0; rc == 0 && i < names.n; i++) {
        rc = note_name(repo, names.v[i], s, e);
        if (rc != 0 && e->kind == ERR_CORRUPT && strcmp(names.v[i], x->name) != 0) {
            err_clear(e);
            rc = 0;
        }
    }
    strlist_free(&names);
    return rc;
}

static int
note_in(const struct succession *x, struct repo *repo, const struct repo_source *s, struct err *e)
{
    const char *db = x->o->database;

    if (x->every_name) {
        return note_every_name(x, repo, s, e);
    }
    return note_name(repo, x->name, s, e) == 0 &&
            (db == NULL || strcmp(db, x->name) == 0 || note_name(repo, db, s, e) == 0)
        ? 0
        : -1;
}

/* Before a drop it may take its time. */
static struct repo *
open_at(const struct succession *x, struct storage_location place, struct err *e)
{
    struct strlist options = {0};
    struct repo   *repo;

    if (!x->every_name) {
        if (place.given.options != NULL) {
            strlist_add_all(&options, place.given.options);
        }
        strlist_take(&options, xasprintf("timeout=%d", SUCCESSION_WAIT_S));
        place.given.options = &options;
    }
    repo = repo_open(&place, e);
    strlist_free(&options);
    return repo;
}

static int
note_at(const struct succession *x, const struct storage_location *place,
        const struct repo_source *s, struct err *e)
{
    bool         open = x->repo != NULL && strcmp(place->location, x->o->place.location) == 0;
    struct repo *repo = open ? x->repo : open_at(x, *place, e);
    int          rc;

    if (repo != NULL && !x->every_name) {
        repo->st->hurry_s = SUCCESSION_WAIT_S;
    }
    rc = repo == NULL ? -1 : note_in(x, repo, s, e);

    if (!open) {
        repo_close(repo);
    }
    return rc;
}

static const char *
configured_name(const struct succession *x)
{
    return x->o->database != NULL ? x->o->database : x->name;
}

/* Neither options nor configuration name a repository; one that is named badly is none of these. */
static bool
has_no_repository(const struct succession *x)
{
    struct strlist names = {0};
    struct err     ignored = ERR_INIT;
    bool           none = x->o->repo == NULL &&
        config_repo_names(x->o->config, NULL, configured_name(x), &names, &ignored) != 0;

    strlist_free(&names);
    return none;
}

/* The places are the caller's to free. */
static int
find_places(const struct succession *x, struct storage_location **places, size_t *n, struct err *e)
{
    const struct options *o = x->o;
    const char           *db = configured_name(x);

    if (o->repo == NULL) {
        return storage_locations_find(o->config, NULL, db, &o->given, places, n, e);
    }
    *places = xcalloc(1, sizeof **places);
    *n = 1;
    return storage_location_find(o->config, o->repo, db, &o->given, *places, e);
}

/* In all places, also when one of them fails.  -1: a name that may have to go over has not. */
static int
note_all(const struct succession *x, struct err *e)
{
    struct storage_location *places = NULL;
    struct repo_source       s = {0};
    size_t                   n = 0;
    bool                     there = false;
    int rc = find_places(x, &places, &n, e) != 0 || look_up(x, &s, &there, e) != 0 ? -1 : 0;

    for (size_t i = 0, last = rc == 0 && there ? n : 0; i < last; i++) {
        struct err why = ERR_INIT;

        if (note_at(x, &places[i], &s, &why) != 0) {
            *e = why;
            rc = -1;
        }
    }
    source_free(&s);
    free(places);
    return rc;
}

void
succession_tell(const struct succession *x)
{
    struct err e = ERR_INIT;

    if (has_no_repository(x) || note_all(x, &e) == 0) {
        return;
    }
    if (x->dropped != 0) {
        log_warn(
            "the name could not be given to the new database (%s): the next backup needs "
            "--adopt",
            e.text);
    } else {
        log_warn(
            "the name could not be given to the database that has it now (%s): the next "
            "backup does it, as long as the other one is set aside",
            e.text);
    }
}

int
succession_before_drop(const struct options *o, struct repo *repo, PGconn *conn,
                       const struct aside *a, struct err *e)
{
    const struct succession x = {
        .o = o, .repo = repo, .conn = conn, .name = a->was, .every_name = true};
    int rc;

    if (has_no_repository(&x)) {
        log_hinted(LOG_WARN, "--repo names it",
                   "no repository is named: where a name stands for \"%s\", the next backup of "
                   "\"%s\" needs --adopt",
                   a->name, a->was);
        return 0;
    }
    rc = note_all(&x, e);
    if (rc != 0) {
        err_wrap(e, "\"%s\" is not dropped: its name could not be given to \"%s\"", a->name,
                 a->was);
        err_hint(e, "once more, or DROP DATABASE, after which the next backup needs --adopt");
    }
    return rc;
}
