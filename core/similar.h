/*
 * similar.h - "did you mean ...?": the nearest of some names to an unknown one.
 *
 *     struct similar s = SIMILAR("prnue");
 *     for each name: similar_try(&s, name);
 *     if (s.best != NULL) ...
 *
 * Near is a typing error: a few letters wrong, missing, too many or swapped; or the beginning of a
 * name.  Of several equally near ones the first counts.
 */
#ifndef CORE_SIMILAR_H
#define CORE_SIMILAR_H

#include <stddef.h>

#include "core/err.h"
#include "core/mem.h"

struct similar {
    const char *word;
    size_t      most; /* wrong letters; 0: a third, at least one */
    const char *best; /* NULL: none is near; borrowed */
    size_t      distance;
};

#define SIMILAR(what)                                                                              \
    {                                                                                              \
        .word = (what)                                                                             \
    }

void similar_try(struct similar *, const char *name);
/* The nearest name of the list, borrowed; NULL: none is near. */
const char *similar_of(const char *word, const struct strlist *names);

/* Appends " (did you mean "name"?)" to the error's text, unless name is NULL.  Returns -1. */
int similar_say(const char *name, struct err *);

#endif
