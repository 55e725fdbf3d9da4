/*
 * parts_impl.h - shared by parts.c and parts_needs.c; private to them.
 */
#ifndef RESTORE_PART_PARTS_IMPL_H
#define RESTORE_PART_PARTS_IMPL_H

#include "pg/archive/entry_ids.h"
#include "restore/part/parts.h"

enum part { PART_NONE, PART_NEEDED, PART_WANTED };

struct parts {
    struct restore       *r;
    const struct archive *a;
    struct entry_ids      ids;
    enum part            *of;       /* by index in the archive, like all of these */
    bool                 *excluded; /* relations that are not to be wanted */
    bool                 *owned;    /* sequences with a SEQUENCE OWNED BY */
    bool                  listed; /* --use-list: nothing comes along because it is about the rest */
};

extern const char *const parts_relations[]; /* kinds that -t and -T are about */

/* The index of an entry that another depends on, or SIZE_MAX. */
size_t parts_index(const struct parts *, int dump_id);

/* Whether an entry is included only together with the object it belongs to, such as an index, a
 * comment, the sequence of a column. */
bool parts_follows(const struct parts *, size_t entry);

/* From the wanted objects to all needed ones.  Parts of a wanted table that are left out (foreign
 * keys to others) are a warning. */
void parts_close(struct parts *);

#endif
