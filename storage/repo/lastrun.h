/*
 * lastrun.h - how the last backup run of a database into a repository ended on this host: a run
 * that fails every night leaves no trace in the repository.
 *
 * <state dir>/<repo_id>/<db>.run, an object of type "last-run".  When the repository could not be
 * opened, and so has no known id: <state dir>/runs/<db>.json, with its location; older programs
 * wrote all there, without one.  No authority: what cannot be read or written is as if nothing was
 * remembered.
 */
#ifndef STORAGE_REPO_LASTRUN_H
#define STORAGE_REPO_LASTRUN_H

#include <time.h>

#include "storage/repo/repo.h"

struct lastrun {
    time_t started, finished; /* 0: no run is remembered */
    char  *error;             /* NULL: it was good.  Owned */
};

/* repo_id NULL: it could not be opened; location: as the user gave it.  error NULL: it was good. */
void lastrun_note(const char *repo_id, const char *location, const char *db, time_t started,
                  const char *error);
void lastrun_load(const struct repo *, const char *db, struct lastrun *);
void lastrun_free(struct lastrun *);

#endif
