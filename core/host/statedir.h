/*
 * statedir.h - what this host keeps between runs: journals of interrupted runs, locks,
 * the newest backups that it has seen.
 *
 * $PGASSAY_STATE_DIR, else /var/lib/pgassay as root and for the user whose directory that is, else
 * $XDG_STATE_HOME/pgassay, else ~/.local/state/pgassay.
 */
#ifndef CORE_HOST_STATEDIR_H
#define CORE_HOST_STATEDIR_H

#include "core/buf.h"
#include "core/err.h"

/* "<state-dir>/<sub>/<file>", its directories made (0700).  sub and file without slashes.
 * Allocated. */
char *state_file(const char *sub, const char *file, struct err *);

/* Opens it for reading and writing, made (0600) if need be; never through a symbolic link.  -1:
 * errno.  What root makes in another user's state directory belongs to that user. */
int state_open(const char *path, int flags);
/* Appends all of a file; 0 also when there is none. */
int state_read(const char *path, struct buf *, struct err *);
/* This host's other runs wait until the descriptor is closed.  -1 (also for NULL): no lock; go on
 * without.  The lock file stays: after a removal two processes could lock different files. */
int state_lock(const char *path);
/* Replaces the file's contents, mode 0600: a power cut leaves either the old or the new ones. */
int state_write(const char *path, const struct buf *, struct err *);

#endif
