/*
 * ownership.h - which files are trusted: keys and configuration are only used when nobody but this
 * process's user and root can have written them.
 *
 * The owner may change a file at any time, whatever its mode says.  A pipe or a device (/dev/stdin,
 * <(...)) was given by the caller of the program, and is not checked.
 */
#ifndef CORE_HOST_OWNERSHIP_H
#define CORE_HOST_OWNERSHIP_H

#include <stdbool.h>
#include <sys/stat.h>

#include "core/err.h"

/* The open file belongs to the effective user or to root, and others may not write to it; else
 * ERR_AUTH, whose text begins with what ("key file"). */
int ownership_check(int fd, const char *what, const char *path, struct err *);

/* Nobody but its owner can read it, or it is no regular file.  To a process that is not root's (us:
 * its effective user), the group may read what root owns: that is how it was given the secret
 * (Kubernetes' fsGroup), and PostgreSQL's rule for its ssl_key_file. */
bool ownership_is_secret(const struct stat *, uid_t us);

/* As root, in another user's directory (open as dir): a file just made there, open as fd, is given
 * to that user.  A run by root must not leave files that the user's next run cannot write to. */
int ownership_hand_over(int fd, int dir, struct err *);

#endif
