/*
 * finding.h - what was found: data, collected one by one, none of which stops the run.
 *
 * A difference, something not comparable, or something bad makes the exit status 3; a note is for
 * the reader only (a foreign table has no rows in a backup), and so is a good result.  Adding is
 * thread-safe; everything is copied.
 */
#ifndef CORE_REPORT_FINDING_H
#define CORE_REPORT_FINDING_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "core/json.h"
#include "core/mem.h"

enum finding_class {
    FINDING_DIFFERENT,
    FINDING_UNCOMPARED,
    FINDING_NOTE,
    FINDING_GOOD, /* of something that was tried: it works */
    FINDING_BAD,  /* ... it does not */
};

struct finding {
    enum finding_class class;
    const char *group;  /* "tables", "schema", "sequences" …: the heading it is printed under */
    const char *object; /* what it is about: "public.orders", "FUNCTION public.f(integer)" */
    const char *what;   /* which property: "number of rows", "definition", "missing" … */
    const char *want, *have; /* as recorded, as found; NULL when there is nothing to show */
    const char *advice;      /* what to do about it; NULL: nothing */
    const char *fold;        /* findings of one class and group with the same text here: one change,
                                printed once, naming the first ones; NULL: like no other */
};

struct findings {
    struct finding *v;
    size_t          n, cap;
    struct strlist  texts; /* owns what the findings point to */
    pthread_mutex_t lock;
};

#define FINDINGS_INIT                                                                              \
    {                                                                                              \
        .lock = PTHREAD_MUTEX_INITIALIZER                                                          \
    }

/* "schema.name", as findings name an object; schema NULL: it has none.  Allocated. */
char *finding_object(const char *schema, const char *name);

void findings_add(struct findings *, struct finding);
/* want and have as numbers. */
void   findings_add_u64(struct findings *, struct finding, unsigned long long want,
                        unsigned long long have);
size_t findings_count(const struct findings *, enum finding_class);

/* A difference as a fold: "want public, have other", each word once; allocated, NULL when more than
 * words differ. */
char *finding_change(const char *want, const char *have);
/* One line each, and one for its advice, grouped; findings that fold get one line for all but the
 * first.  Control characters of names are escaped, so that a name cannot forge a line. */
void    findings_print(const struct findings *, FILE *);
json_t *findings_json(const struct findings *);
void    findings_free(struct findings *);

#endif
