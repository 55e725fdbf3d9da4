/*
 * few.h - when the text of a few definitions differs, these alone make the trip, with what they
 * depend on: are they equal after it?
 *
 * That is quick where most of a schema is stable.  Only a yes counts: what is still different, or
 * fails there, is judged by a trip of the whole schema.
 */
#ifndef VERIFY_COMPARE_FEW_H
#define VERIFY_COMPARE_FEW_H

#include "verify/compare/objectlist.h"
#include "verify/compare/reference.h"

struct few {
    const struct objectlist_pairs *unequal; /* each has both sides */
    struct reference_trip          want;    /* of the manifest's archive */
    struct reference_trip          live;    /* of today's; archive NULL: `have` is one trip old */
    const struct archive          *have;
};

int few_equal(struct few *, bool *equal, struct err *);

#endif
