/*
 * outfile.h - a file that a user asked for: there whole, or not at all.
 *
 * It is written beside its place, as PATH.XXXXXX.partial (mode 0600), and gets its name when
 * everything is on disk.  What fails leaves nothing behind; a kill leaves the .partial, and never a
 * file under the name.
 */
#ifndef CORE_HOST_OUTFILE_H
#define CORE_HOST_OUTFILE_H

#include <stdbool.h>
#include <stddef.h>

#include "core/err.h"

struct outfile;

/* Whatever stands at path: ERR_EXISTS at once, unless it may be replaced.  "-": standard output,
 * which has no name to get; never a terminal (ERR_USAGE). */
struct outfile *outfile_open(const char *path, bool replace, struct err *);
/* Who may read it, once it has its name: 0644; without this only its owner. */
int outfile_mode(struct outfile *, unsigned mode, struct err *);
int outfile_write(struct outfile *, const void *, size_t, struct err *);
/* Synced, and under its name.  ERR_EXISTS: somebody else made a file of that name meanwhile. */
int  outfile_publish(struct outfile *, struct err *);
void outfile_close(struct outfile *); /* accepts NULL; what is not published is removed */
/* What outfile_open() refuses, without making anything. */
int outfile_check(const char *path, bool replace, struct err *);

#endif
