#include "verify/status/places.h"

#include <stdlib.h>
#include <string.h>

#include "core/cancel.h"
#include "core/mem.h"
#include "core/pool.h"
#include "storage/repo/lastseen.h"

/* A repository, and the databases that are to be there even if nothing shows them. */
struct meant_repo {
    struct storage_location where;
    struct strlist          databases;
    bool                    common; /* by the configuration, for databases without a section */
};

struct meant {
    struct meant_repo *v; /* each repository once */
    size_t             n, cap;
};

static struct meant_repo *
meant_at(struct meant *m, const struct storage_location *where)
{
    for (size_t i = 0; i < m->n; i++) {
        if (strcmp(m->v[i].where.location, where->location) == 0) {
            return &m->v[i];
        }
    }
    VEC_GROW(m->v, m->n, m->cap);
    m->v[m->n] = (struct meant_repo){.where = *where};
    return &m->v[m->n++];
}

static void
add_name(struct strlist *databases, const char *db)
{
    if (!strlist_has(databases, db)) {
        strlist_add(databases, db);
    }
}

/* db NULL: the repositories for databases that have no section of their own. */
static int
add_repositories(const struct status_request *q, const char *db, struct meant *m, struct err *e)
{
    struct storage_location *v = NULL;
    size_t                   n;

    if (storage_locations_find(q->config, q->repos, db, q->given, &v, &n, e) != 0) {
        return -1;
    }
    for (size_t i = 0; i < n; i++) {
        struct meant_repo *repo = meant_at(m, &v[i]);

        if (db != NULL) {
            add_name(&repo->databases, db);
        } else {
            repo->common = q->repos->n == 0;
        }
    }
    free(v);
    return 0;
}

static int
find_meant(const struct status_request *q, struct meant *m, struct err *e)
{
    const char *db;
    int         rc = 0;

    for (size_t i = 0; rc == 0 && i < q->databases->n; i++) {
        rc = add_repositories(q, q->databases->v[i], m, e);
    }
    if (q->databases->n > 0) {
        return rc;
    }
    for (size_t i = 0; rc == 0 && (db = config_section(q->config, "database", i)) != NULL; i++) {
        rc = add_repositories(q, db, m, e);
    }
    if (rc == 0 && add_repositories(q, NULL, m, e) != 0) {
        if (m->n == 0) {
            return -1;
        }
        err_clear(e); /* every database has its own */
    }
    return rc;
}

/* ---- what stands there ---- */

/* Databases are looked into side by side in a store of which each answer takes its time: each asks
 * for a dozen small things one after another. */
enum { SIDE_BY_SIDE = 8 };

struct looking {
    time_t now, scrubbed_from;
};

static int
look_at(void *ctx, void *task, int worker, struct err *e)
{
    const struct looking *l = ctx;
    struct status_place  *place = task;

    (void)worker;
    if (cancel_check(e) != 0) {
        return -1;
    }
    return standing_load(place->in->repo, place->db, l->now, l->scrubbed_from, &place->standing,
                         e) == 0
        ? 0
        : err_wrap(e, "\"%s\"", place->db);
}

static int
open_repository(struct status_repo *in, const struct status_request *q, struct meant_repo *meant,
                struct err *e)
{
    in->repo = repo_open(&meant->where, e);
    if (in->repo == NULL) {
        return -1;
    }
    if (q->databases->n == 0) {
        if (repo_databases(in->repo, &meant->databases, e) != 0) {
            return -1;
        }
        lastseen_databases(in->repo, &meant->databases);
    }
    return 0;
}

static bool
has_section(const struct config *c, const char *db)
{
    const char *name;

    for (size_t i = 0; (name = config_section(c, "database", i)) != NULL; i++) {
        if (strcmp(name, db) == 0) {
            return true;
        }
    }
    return false;
}

/* A database without a section is backed up into each of the common repositories: found in one of
 * them, it is to be in all. */
static void
spread_names(struct meant *m, const struct config *c)
{
    struct strlist all = {0};

    for (size_t i = 0; i < m->n; i++) {
        if (m->v[i].common) {
            strlist_add_all(&all, &m->v[i].databases);
        }
    }
    strlist_sort(&all);
    for (size_t k = 0; k < all.n; k++) {
        if ((k > 0 && strcmp(all.v[k], all.v[k - 1]) == 0) || has_section(c, all.v[k])) {
            continue;
        }
        for (size_t i = 0; i < m->n; i++) {
            if (m->v[i].common) {
                add_name(&m->v[i].databases, all.v[k]);
            }
        }
    }
    strlist_free(&all);
}

/* Is this the repository that a tool takes for the database when none is named? */
static bool
is_first(const struct status_request *q, const char *db, const char *location)
{
    struct storage_location *v = NULL;
    struct err               none = ERR_INIT;
    size_t                   n = 0;
    bool                     first = q->repos->n == 0 &&
        storage_locations_find(q->config, q->repos, db, q->given, &v, &n, &none) == 0 && n > 0 &&
        strcmp(v[0].location, location) == 0;

    free(v);
    return first;
}

static int
look_into(struct status_places *p, const struct status_request *q, const struct status_repo *in,
          struct strlist *meant, time_t now, struct err *e)
{
    struct looking l = {now, q->scrubbed_s == 0 ? now : now - (time_t)q->scrubbed_s};
    size_t         first = p->n;

    strlist_sort(meant);
    for (size_t i = 0; i < meant->n; i++) {
        if (i == 0 || strcmp(meant->v[i], meant->v[i - 1]) != 0) {
            VEC_GROW(p->v, p->n, p->cap);
            p->v[p->n++] = (struct status_place){.in = in,
                                                 .db = xstrdup(meant->v[i]),
                                                 .first = is_first(q, meant->v[i], in->location)};
        }
    }
    if (pool_each(in->repo->st->distant ? SIDE_BY_SIDE : 1, look_at, &l, p->v + first, sizeof *p->v,
                  p->n - first, e) == 0) {
        return 0;
    }
    while (p->n > first) { /* half a repository is none */
        p->n--;
        standing_free(&p->v[p->n].standing);
        free(p->v[p->n].db);
    }
    return -1;
}

static void
name_places(struct status_places *p)
{
    for (size_t i = 0; i < p->n; i++) {
        p->v[i].name = p->n_repos == 1 ? xstrdup(p->v[i].db)
                                       : xasprintf("%s in %s", p->v[i].db, p->v[i].in->name);
    }
}

/* A misspelt name is not one whose backups are gone. */
static int
check_names(const struct status_places *p, const struct status_request *q, struct err *e)
{
    for (size_t d = 0; d < q->databases->n; d++) {
        const char  *db = q->databases->v[d];
        struct repo *repo = NULL;
        bool         known = false;

        for (size_t i = 0; i < p->n; i++) {
            if (strcmp(p->v[i].db, db) == 0) {
                repo = p->v[i].in->repo;
                known |= p->v[i].standing.list.n > 0 || p->v[i].standing.missing.n > 0;
            }
        }
        known = known || has_section(q->config, db);
        if (!known && repo != NULL) {
            return repo_no_database(repo, db, e);
        }
    }
    return 0;
}

/* One pass over the repositories: those that fail have their err from then on.  -1: interrupted. */
static int
load_each(struct status_places *p, const struct status_request *q, struct meant *m, time_t now,
          bool look, struct err *e)
{
    for (size_t i = 0; i < m->n; i++) {
        struct status_repo *in = &p->repos[i];
        struct err          fault = ERR_INIT;

        if (in->err.kind != ERR_NONE) {
            continue;
        }
        if ((look ? look_into(p, q, in, &m->v[i].databases, now, &fault)
                  : open_repository(in, q, &m->v[i], &fault)) == 0) {
            continue;
        }
        if (fault.kind == ERR_INTERRUPTED) {
            *e = fault;
            return -1;
        }
        in->err = fault;
    }
    return 0;
}

static bool
none_is_good(const struct status_places *p)
{
    for (size_t i = 0; i < p->n_repos; i++) {
        if (p->repos[i].err.kind == ERR_NONE) {
            return false;
        }
    }
    return p->n_repos > 0;
}

int
status_places_load(const struct status_request *q, time_t now, struct status_places *p,
                   struct err *e)
{
    struct meant m = {0};
    int          rc = find_meant(q, &m, e);

    *p = (struct status_places){.n_repos = m.n, .repos = xcalloc(m.n + 1, sizeof *p->repos)};
    for (size_t i = 0; i < m.n; i++) {
        p->repos[i] = (struct status_repo){.name = storage_location_name(&m.v[i].where),
                                           .location = m.v[i].where.location,
                                           .named = q->repos->n > 0};
    }
    if (rc == 0) {
        rc = load_each(p, q, &m, now, false, e);
    }
    if (rc == 0) {
        spread_names(&m, q->config);
        rc = load_each(p, q, &m, now, true, e);
    }
    if (rc == 0 && none_is_good(p)) {
        *e = p->repos[0].err;
        rc = -1;
    }
    for (size_t i = 0; i < m.n; i++) {
        strlist_free(&m.v[i].databases);
    }
    free(m.v);
    if (rc == 0) {
        name_places(p);
        rc = check_names(p, q, e);
    }
    return rc;
}

void
status_places_free(struct status_places *p)
{
    for (size_t i = 0; i < p->n; i++) {
        standing_free(&p->v[i].standing);
        free(p->v[i].db);
        free(p->v[i].name);
    }
    free(p->v);
    for (size_t i = 0; i < p->n_repos; i++) {
        repo_close(p->repos[i].repo);
    }
    free(p->repos);
    *p = (struct status_places){0};
}
