/*
 * places.h - which databases in which repositories are meant, and what stands there.
 */
#ifndef VERIFY_STATUS_PLACES_H
#define VERIFY_STATUS_PLACES_H

#include "core/config/config.h"
#include "storage/contract/location.h"
#include "verify/status/standing.h"

/* A repository that was looked at. */
struct status_repo {
    const char  *name;     /* as the configuration calls it; borrowed from there */
    const char  *location; /* likewise */
    struct repo *repo;     /* NULL: it could not be opened or read; then err says why */
    struct err   err;
    bool         named; /* by --repo */
};

/* A database in one of them. */
struct status_place {
    const struct status_repo *in;
    char                     *db;
    char                     *name;  /* for people: "shop", or "shop in offsite" */
    bool                      first; /* a tool takes this repository when none is named */
    struct standing           standing;
};

struct status_places {
    struct status_repo  *repos;
    size_t               n_repos;
    struct status_place *v; /* by repository, and by name */
    size_t               n, cap;
};

struct status_request {
    const struct config        *config;
    const struct strlist       *repos;     /* --repo; empty: by the configuration */
    const struct strlist       *databases; /* empty: all */
    const struct storage_given *given;
    uint64_t                    scrubbed_s; /* scrubs that began within this time count */
};

/* A repository that cannot be read is noted there, and the others are looked at.  -1: nothing could
 * be looked at (each of repos has its err then), or a database that was named is nowhere
 * (ERR_NOT_FOUND). */
int  status_places_load(const struct status_request *, time_t now, struct status_places *,
                        struct err *);
void status_places_free(struct status_places *);

#endif
