/*
 * spool.h - an archive of pg_dump's as pg_restore can open it.
 *
 * pg_restore seeks in what it reads.  An archive that lies on disk as it is, is opened there; one
 * that is compressed or in a bundle is unpacked into $TMPDIR: into a file without a name, which is
 * gone however this process ends, or, if it is a directory, into one that spool_free() removes
 * (only kill -9 leaves that one).
 *
 * From a directory pg_restore opens the files that the archive itself names, so these names are
 * checked: they must lie in it, and none of its files may be a link.
 */
#ifndef RESTORE_FILE_SPOOL_H
#define RESTORE_FILE_SPOOL_H

#include "restore/file/find.h"

struct spool {
    char *path;       /* for a child that has fd (0: none) */
    char *dir;        /* made here; NULL */
    int   fd, own_fd; /* -1: not opened here */
};

#define SPOOL_INIT                                                                                 \
    {                                                                                              \
        .own_fd = -1                                                                               \
    }

int  spool_open(struct spool *, const struct found *, struct err *);
void spool_free(struct spool *); /* accepts SPOOL_INIT */

#endif
