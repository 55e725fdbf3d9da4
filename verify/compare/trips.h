/*
 * trips.h - the reference restores that a comparison of definitions needs: first of those few alone
 * whose text differs (few.h), then, when that did not settle it, of the whole schema, or of both.
 */
#ifndef VERIFY_COMPARE_TRIPS_H
#define VERIFY_COMPARE_TRIPS_H

#include "verify/compare/compare.h"
#include "verify/compare/objectlist.h"
#include "verify/compare/reference.h"

struct trips {
    struct compare                *c;
    const struct objectlist_pairs *unequal;   /* by their text */
    bool                           only_text; /* nothing else is: the few may settle it */
    const struct archive          *have;      /* of the database compared */
    /* Filled in, unless it is open already: the manifest's archive after a trip. */
    struct reference_result *reference;
    struct reference_result *live;    /* today's; not of a copy, which has made its trip already */
    bool                     settled; /* all are equal after a trip: neither was made */
};

int trips_make(struct trips *, struct err *);

/* Kinds that an isolated restore leaves out or empties: two of them are equal after a trip,
 * whatever they were. */
bool trips_blind(const struct listed_object *);

#endif
