#include "verify/status/places.h"

#include <stdlib.h>
#include <string.h>

#include "core/cancel.h"
#include "core/mem.h"
#include "core/pool.h"
#include "storage/repo/lastseen.h"

/* A repository, and the databases that are to be there even if nothing shows them. */
struct meant {
    struct storage_location *v; /* each once */
    struct strlist          *databases;
    size_t                   n, cap;
};

static struct strlist *
meant_at(struct meant *m, const struct storage_location *place)
{
    for (size_t i = 0; i < m->n; i++) {
        if (strcmp(m->v[i].location, place->location) == 0) {
            return &m->databases[i];
        }
    }
    if (m->n == m->cap) {
        m->cap = m->cap == 0 ? 4 : 2 * m->cap;
        m->v = xrealloc(m->v, m->cap * sizeof *m->v);
        m->databases = xrealloc(m->databases, m->cap * sizeof *m->databases);
    }
    m->v[m->n] = *place;
    m->databases[m->n] = (struct strlist){0};
    return &m->databases[m->n++];
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
        struct strlist *databases = meant_at(m, &v[i]);

        if (db != NULL && !strlist_has(databases, db)) {
            strlist_add(databases, db);
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
look_into(struct status_places *p, const struct status_request *q, struct status_repo *in,
          const struct storage_location *where, struct strlist *meant, time_t now, struct err *e)
{
    struct looking l = {now, q->scrubbed_s == 0 ? now : now - (time_t)q->scrubbed_s};
    size_t         first = p->n;

    in->repo = repo_open(where, e);
    if (in->repo == NULL) {
        return -1;
    }
    if (q->databases->n == 0) {
        if (repo_databases(in->repo, meant, e) != 0) {
            return -1;
        }
        lastseen_databases(in->repo, meant);
    }
    strlist_sort(meant);
    for (size_t i = 0; i < meant->n; i++) {
        if (i == 0 || strcmp(meant->v[i], meant->v[i - 1]) != 0) {
            VEC_GROW(p->v, p->n, p->cap);
            p->v[p->n++] = (struct status_place){.in = in, .db = xstrdup(meant->v[i])};
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
        for (size_t i = 0; !known && config_section(q->config, "database", i) != NULL; i++) {
            known = strcmp(config_section(q->config, "database", i), db) == 0;
        }
        if (!known && repo != NULL) {
            return repo_no_database(repo, db, e);
        }
    }
    return 0;
}

int
status_places_load(const struct status_request *q, time_t now, struct status_places *p,
                   struct err *e)
{
    struct meant m = {0};
    size_t       good = 0;
    int          rc = find_meant(q, &m, e);

    *p = (struct status_places){.n_repos = m.n, .repos = xcalloc(m.n + 1, sizeof *p->repos)};
    for (size_t i = 0; rc == 0 && i < m.n; i++) {
        struct status_repo *in = &p->repos[i];
        struct err          fault = ERR_INIT;

        in->name = storage_location_name(&m.v[i]);
        in->location = m.v[i].location;
        if (look_into(p, q, in, &m.v[i], &m.databases[i], now, &fault) == 0) {
            good++;
        } else if (fault.kind == ERR_INTERRUPTED) {
            *e = fault;
            rc = -1;
        } else {
            in->err = fault;
        }
    }
    if (rc == 0 && good == 0 && m.n > 0) {
        *e = p->repos[0].err;
        rc = -1;
    }
    for (size_t i = 0; i < m.n; i++) {
        strlist_free(&m.databases[i]);
    }
    free(m.databases);
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
