/*
 * dumpdir.h - may pg_restore open this directory archive (pg_dump -Fd)?
 *
 * It opens the files that toc.dat and the lists of large objects name (blobs*.toc, or what toc.dat
 * says), and follows ".." and links: the rows of a
 * table could be any file that who restores may read.  So these names are looked at first: files of
 * the directory itself, none of them a link.
 */
#ifndef PG_ARCHIVE_DUMPDIR_H
#define PG_ARCHIVE_DUMPDIR_H

#include <stdbool.h>
#include <stddef.h>

#include "core/err.h"
#include "core/mem.h"

/* Letters, digits, "_", "-" and ".", which it does not begin with. */
bool dumpdir_is_name(const char *);
/* ERR_CORRUPT: refused, or not such a directory; ERR_IO. */
int dumpdir_check(const char *path, struct err *);
/* Of the contents of a toc.dat: do all its entries name a file by such a name, or none?  Adds to
 * lists (the caller's to free) those that it says are lists of large objects. */
int dumpdir_check_toc(const void *, size_t, struct strlist *lists, struct err *);

#endif
