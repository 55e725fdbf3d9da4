/*
 * selftest_impl.h - what the files of a self-test share: the damages, and doing them.
 */
#ifndef VERIFY_DRILL_SELFTEST_IMPL_H
#define VERIFY_DRILL_SELFTEST_IMPL_H

#include "verify/drill/copy.h"
#include "verify/drill/damage.h"

/* Damages that were made: stay never, if nothing waits for another round, or always. */
enum staying { STAY_NEVER, STAY_IF_ALL, STAY };

/* A damage, and what became of it. */
struct trial {
    const struct damage *damage;
    int                  candidates; /* on the copy as it was restored */
    bool                 pending;
    char                *why; /* could it not be done to any of them; NULL: there is none */
    /* once made */
    bool  made;
    char *object, *what; /* of its finding; what NULL: any */
    bool  any_kind;      /* the object is of a kind that is not known beforehand */
};

struct selftest {
    struct copy          *copy;
    struct verify_result *result;
    struct trial         *v;
    size_t                n;
    char                 *tables;  /* whose rows are compared, an array of OIDs */
    struct strlist        claimed; /* in this round */
    size_t                made;    /* in this round */
    bool                  left;    /* something waits for the next */
};

PGconn *selftest_connect(const struct selftest *, const char *dbname, struct err *);

/* Lists the damages, and what each could be done to. */
int selftest_prepare(struct selftest *, struct err *);
/* Does as many of those that are pending as can be done in one round; *stay: they are committed. */
int selftest_damage(struct selftest *, const char *dbname, enum staying, bool *stay, struct err *);

#endif
