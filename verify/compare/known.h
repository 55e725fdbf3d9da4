/*
 * known.h - what a reference trip has settled is not asked again: that the definitions of a copy,
 * other in text than those of its backup, are equal to them after a trip.
 *
 * <state dir>/<repo id>/<db>.trips has, for the last few such answers, a SHA-256 of the question:
 * every object of both sides with its owner and the digest of its text, and all versions that have
 * a part in it. So an answer cannot become wrong; with any change there is none. Only a yes is
 * kept. No authority: what cannot be read or written is as if nothing was remembered.
 */
#ifndef VERIFY_COMPARE_KNOWN_H
#define VERIFY_COMPARE_KNOWN_H

#include "verify/compare/compare.h"
#include "verify/compare/objectlist.h"

struct known {
    char  question[65];
    char *path; /* NULL: nothing is remembered */
};

/* Of a copy only: a running database makes a trip of its own.  Nothing of an unsigned backup, whose
 * code may have seen to the answer. */
void known_ask(const struct compare *, const struct objectlist *want, const struct objectlist *have,
               struct known *);
bool known_equal(const struct known *);
void known_keep(const struct known *); /* they are equal */
void known_free(struct known *);

#endif
