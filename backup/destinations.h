/*
 * destinations.h - the repositories that a backup is written to, open and locked for this host.
 */
#ifndef BACKUP_DESTINATIONS_H
#define BACKUP_DESTINATIONS_H

#include "storage/contract/location.h"
#include "storage/write/fanout.h"

struct destinations {
    struct fanout_repo
          *v;         /* repo NULL and failed set: it could not be opened, or another run has it */
    char **locations; /* as the user gave them */
    int   *locks;     /* or -1 */
    size_t n;
};

/* Opens all that can be opened.  db: takes this host's lock on each for this name; NULL: no
 * locks. */
void destinations_open(struct destinations *, const struct storage_location *, size_t n,
                       const char *db);
/* -1 when none is left, with the first one's error. */
int  destinations_left(const struct destinations *, struct err *);
void destinations_close(struct destinations *);

#endif
