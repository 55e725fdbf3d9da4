/*
 * lastrun.h - how the last backup run of a database ended on this host, whatever repositories it
 * was for: a run that fails every night leaves no trace in a repository.
 *
 * <state dir>/runs/<db>.json, an object of type "last-run".  No authority: what cannot be read or
 * written is as if nothing was remembered.
 */
#ifndef STORAGE_REPO_LASTRUN_H
#define STORAGE_REPO_LASTRUN_H

#include <time.h>

struct lastrun {
    time_t started, finished; /* 0: no run is remembered */
    char  *error;             /* NULL: it was good.  Owned */
};

/* error NULL: it was good. */
void lastrun_note(const char *db, time_t started, const char *error);
void lastrun_load(const char *db, struct lastrun *);
void lastrun_free(struct lastrun *);

#endif
