/*
 * find.h - which dump a file holds: itself, compressed, or in a bundle.
 *
 * By contents (pg/archive/dumpkind.h), never by name.  "-" is standard input, which is put in a
 * file without a name first (tempfile.h), since a dump is read twice.  A bundle is read to its end;
 * if it holds several dumps the user says which.  Its other files do not matter.
 */
#ifndef RESTORE_FILE_FIND_H
#define RESTORE_FILE_FIND_H

#include <sys/stat.h>

#include "core/mem.h"
#include "pg/archive/dumpkind.h"
#include "restore/file/bundled.h"
#include "restore/file/unpack.h"

struct found {
    const struct dump_kind_row *kind;
    char                       *compression; /* of the file; NULL: none */
    char                       *member;      /* of the bundle; NULL: it is none */
    size_t               member_at;    /* which of its files, from 0: a name may be there twice */
    bool                 is_directory; /* the file is a directory */
    struct unpack_limits limits;
    struct unpack_file   file; /* its name is the user's, and borrowed; of a directory its size is
                                  that of its files */
    struct stat     was;
    struct strlist  files_were; /* of a directory: names, sizes and times, sorted */
    struct bundled *bundled;    /* a backup of ours, of which member is the schema; NULL */
};

/* member: the entry that is meant; NULL: the only one.  limits are set by the caller.
 * ERR_NOT_FOUND: no dump; ERR_USAGE: several.  Free it in any case. */
int  found_open(struct found *, const char *path, const char *member, struct err *);
void found_free(struct found *);
/* ERR_IO: the file has changed since. */
int found_unchanged(const struct found *, struct err *);

/* One pass over the dump's bytes; of an archive in a directory, over its toc.dat. */
struct found_reader {
    struct unpack *bundle, *data;
};
int  found_begin(const struct found *, struct found_reader *, struct err *);
int  found_read(struct found_reader *, const void **data, size_t *n, struct err *); /* 1, 0, -1 */
void found_end(struct found_reader *);

#endif
