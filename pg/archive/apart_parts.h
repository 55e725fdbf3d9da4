/*
 * apart_parts.h - entries of pre-data in lists for several sessions (apart.h), and what came too
 * early back in its place.
 *
 * One session makes `before`; then any session makes any part; then apart_parts_take_back(), and
 * one session makes `after`.  What fails in a part may only have come too early: whoever makes the
 * part puts it into `early`, and it is made once more, with what comes afterwards.
 */
#ifndef PG_ARCHIVE_APART_PARTS_H
#define PG_ARCHIVE_APART_PARTS_H

#include "pg/archive/entry_list.h"

struct apart_part {
    struct entry_list entries, early;
};

struct apart_parts {
    struct entry_list  before, after;
    struct apart_part *v;
    size_t             n; /* 0: not worth another session, all is in `before` */
};

/* All entries of a list are of the archive, in its order; lists borrow them.  sessions: that may
 * work at once. */
struct apart_parts apart_parts_cut(const struct archive *, const struct entry_list *, int sessions);
/* `early` of all parts to its place among `after`. */
void apart_parts_take_back(struct apart_parts *);
void apart_parts_free(struct apart_parts *);

#endif
