/*
 * rate.h - how fast a server uses XIDs up, by what backups of it have noted.
 */
#ifndef VERIFY_HEALTH_RATE_H
#define VERIFY_HEALTH_RATE_H

#include <stdint.h>
#include <time.h>

#include "storage/format/label.h"
#include "storage/repo/repo.h"

/* A moment of the server's life. */
struct xid_moment {
    char     system[17]; /* its system identifier, hex */
    uint64_t next;       /* the next XID, with its epoch */
    time_t   at;
    char     backup[BACKUP_ID_MAX]; /* who says so; "": the server itself */
};

/* The backup of db to compare with: that of 30 days before now, or the oldest that is younger, but
 * at least an hour old, of the same server.  -1 with ERR_NOT_FOUND: there is none; or whatever kept
 * it from being read. */
int rate_then(struct repo *, const char *db, const struct xid_moment *now, struct xid_moment *then,
              struct err *);
/* Transactions a day between the two. */
double rate_per_day(const struct xid_moment *then, const struct xid_moment *now);

#endif
