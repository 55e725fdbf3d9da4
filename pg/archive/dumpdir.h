/*
 * dumpdir.h - may pg_restore open this directory archive (pg_dump -Fd)?
 *
 * It opens the files that toc.dat and blobs*.toc name, and follows ".." and links: the rows of a
 * table could be any file that who restores may read.  So these names are looked at first: files of
 * the directory itself, none of them a link.
 */
#ifndef PG_ARCHIVE_DUMPDIR_H
#define PG_ARCHIVE_DUMPDIR_H

#include <stdbool.h>
#include <stddef.h>

#include "core/err.h"

/* Letters, digits, "_", "-" and ".", which it does not begin with. */
bool dumpdir_is_name(const char *);
/* ERR_CORRUPT: refused, or not such a directory; ERR_IO. */
int dumpdir_check(const char *path, struct err *);
/* Of the contents of a toc.dat: do all its entries name a file by such a name, or none? */
int dumpdir_check_toc(const void *, size_t, struct err *);

#endif
