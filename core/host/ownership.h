/*
 * ownership.h - which files are trusted: keys and configuration are only used when nobody but this
 * process's user and root can have written them.
 *
 * The owner may change a file at any time, whatever its mode says.  A pipe or a device (/dev/stdin,
 * <(...)) was handed over by whoever started the program, and is not asked.
 */
#ifndef CORE_HOST_OWNERSHIP_H
#define CORE_HOST_OWNERSHIP_H

#include "core/err.h"

/* The open file belongs to the effective user or to root, and others may not write to it; else
 * ERR_AUTH, whose text begins with what ("key file"). */
int ownership_check(int fd, const char *what, const char *path, struct err *);

/* As root, in a directory (open as dir) of somebody else: what was just made there, open as fd,
 * becomes his.  One run by root must not leave what his next run cannot write to. */
int ownership_hand_over(int fd, int dir, struct err *);

#endif
