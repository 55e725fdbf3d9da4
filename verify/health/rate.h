/*
 * rate.h - how fast a server uses XIDs up, by what backups and baselines of it have noted.
 *
 * Labels note it; those of older programs do not, and then the manifest is read, of one of them at
 * most.
 */
#ifndef VERIFY_HEALTH_RATE_H
#define VERIFY_HEALTH_RATE_H

#include <stdint.h>
#include <time.h>

#include "storage/format/label.h"
#include "storage/repo/repo.h"

/* A moment of the server's life. */
struct xid_moment {
    char        system[17];         /* its system identifier, hex */
    uint64_t    next;               /* the next XID, with its epoch */
    uint64_t    age, multixact_age; /* of the database; 0: not known */
    time_t      at;
    const char *kind;              /* "backup" or "baseline": what says so */
    char        id[BACKUP_ID_MAX]; /* of it; "": the server itself */
};

struct xid_moments {
    struct xid_moment *v; /* the oldest first */
    size_t             n, cap;
};

/* What backups and baselines of db say of this server, but for the last hour: a moment too near
 * says nothing of a rate.  None is no error. */
int  rate_moments(struct repo *, const char *db, const struct xid_moment *now, struct xid_moments *,
                  struct err *);
void rate_moments_free(struct xid_moments *);
/* The one to compare with: the newest that is 30 days old, or the oldest that is younger.  NULL:
 * none. */
const struct xid_moment *rate_then(const struct xid_moments *, time_t now);
/* Transactions a day between the two. */
double rate_per_day(const struct xid_moment *then, const struct xid_moment *now);

#endif
