/*
 * statedir.h - where this host remembers things between runs: journals of interrupted runs, locks,
 * the newest backups that it has seen.
 *
 * $PGASSAY_STATE_DIR, else /var/lib/pgassay as root, else $XDG_STATE_HOME/pgassay, else
 * ~/.local/state/pgassay.
 */
#ifndef CORE_HOST_STATEDIR_H
#define CORE_HOST_STATEDIR_H

#include "core/buf.h"
#include "core/err.h"

/* "<state-dir>/<sub>/<file>", its directories made (0700).  sub and file without slashes.
 * Allocated. */
char *state_file(const char *sub, const char *file, struct err *);

/* Opens it for reading and writing, made (0600) if need be; never through a symbolic link.  -1:
 * errno.  What root makes in somebody's state directory is that user's. */
int state_open(const char *path, int flags);
/* This host's other runs wait until the descriptor is closed.  -1 (also for NULL): it could not
 * be had; go on without.  The lock file stays: one that is removed would not be everybody's. */
int state_lock(const char *path);
/* The file's new contents, mode 0600: a power cut leaves the old or the new ones, whole. */
int state_write(const char *path, const struct buf *, struct err *);

#endif
