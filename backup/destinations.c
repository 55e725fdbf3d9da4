#include "backup/destinations.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/host/hostlock.h"

/* One repository under two paths would be locked by this run itself: reports that it is the
 * same. */
static int
check_twice(const struct destinations *d, size_t i, struct err *e)
{
    for (size_t k = 0; k < i; k++) {
        if (d->v[k].repo != NULL && strcmp(d->v[k].repo->id, d->v[i].repo->id) == 0) {
            return err_set(e, ERR_USAGE, "is the same repository as \"%s\"", d->locations[k]);
        }
    }
    return 0;
}

static int
open_one(struct destinations *d, size_t i, const struct storage_location *place, const char *db,
         struct err *e)
{
    struct fanout_repo *r = &d->v[i];

    r->repo = repo_open(place, e);
    if (r->repo == NULL) {
        return -1;
    }
    if (check_twice(d, i, e) != 0 ||
        (db != NULL && hostlock_take(r->repo->id, db, "backup", &d->locks[i], e) != 0)) {
        repo_close(r->repo);
        r->repo = NULL;
        return d->n == 1 ? -1 : err_wrap(e, "repository \"%s\"", place->location);
    }
    return 0;
}

void
destinations_open(struct destinations *d, const struct storage_location *places, size_t n,
                  const char *db)
{
    *d = (struct destinations){
        .v = xcalloc(n, sizeof *d->v),
        .locations = xcalloc(n, sizeof(char *)),
        .locks = xcalloc(n, sizeof *d->locks),
        .n = n,
    };
    for (size_t i = 0; i < n; i++) {
        d->locks[i] = -1;
        d->locations[i] = xstrdup(places[i].location);
        (void)open_one(d, i, &places[i], db, &d->v[i].failed);
    }
}

int
destinations_left(const struct destinations *d, struct err *e)
{
    for (size_t i = 0; i < d->n; i++) {
        if (d->v[i].failed.kind == ERR_NONE) {
            return 0;
        }
    }
    *e = d->v[0].failed;
    return -1;
}

void
destinations_close(struct destinations *d)
{
    for (size_t i = 0; i < d->n; i++) {
        repo_close(d->v[i].repo);
        label_free(d->v[i].label);
        free(d->locations[i]);
        if (d->locks[i] >= 0) {
            (void)close(d->locks[i]);
        }
    }
    free(d->v);
    free(d->locations);
    free(d->locks);
    *d = (struct destinations){0};
}
