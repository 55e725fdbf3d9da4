/*
 * told.h - which conditions stand, and whom this host has told of them: so that each is told once,
 * and again when it changes.
 *
 * <state dir>/notify/told.json, replaced as a whole, under a lock that is held from reading to
 * writing.  No authority: what cannot be read is as if nothing had been told, and told again.
 */
#ifndef CORE_NOTIFY_TOLD_H
#define CORE_NOTIFY_TOLD_H

#include <stdbool.h>
#include <time.h>

#include "core/err.h"
#include "core/mem.h"

/* A condition that stands, or whose end somebody has not been told. */
struct told_condition {
    char          *condition, *database, *repository; /* what it is called by */
    char          *level, *text, *backup;
    time_t         since;
    struct strlist channels; /* names of those that know */
};

struct told {
    char                  *path;
    int                    lock; /* -1: none; another run tells something at this moment */
    struct told_condition *v;
    size_t                 n, cap;
};

/* Waits for the lock until the deadline, and goes on without.  -1: there is no state to be had;
 * *out is empty then, and usable. */
int                    told_open(double deadline, struct told *out, struct err *);
struct told_condition *told_find(const struct told *, const char *condition, const char *database,
                                 const char *repository); /* NULL: it does not stand */
struct told_condition *told_add(struct told *, const char *condition, const char *database,
                                const char *repository);
void                   told_remove(struct told *, const struct told_condition *);
int                    told_save(const struct told *, struct err *);
void                   told_close(struct told *);

#endif
