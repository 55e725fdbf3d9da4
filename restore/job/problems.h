/*
 * problems.h - failures of single objects, which do not stop the rest.
 *
 * Thread-safe.  A problem names its object and never holds a statement's text (which may hold a
 * secret).
 */
#ifndef RESTORE_JOB_PROBLEMS_H
#define RESTORE_JOB_PROBLEMS_H

#include <libpq-fe.h>
#include <pthread.h>

#include "core/json.h"
#include "pg/archive/archive.h"

struct problem {
    char *kind, *object; /* "FK CONSTRAINT", "public.orders orders_user_fk" */
    char *message;
    char  sqlstate[6];
    bool  same; /* a role is missing, and was already reported for another object */
};

struct problems {
    pthread_mutex_t lock;
    struct problem *v;
    size_t          n, cap;
};

void problems_init(struct problems *);
void problems_free(struct problems *);
void problem_add(struct problems *, const char *kind, const char *schema, const char *name,
                 const struct err *);
void problem_entry(struct problems *, const struct archive_entry *, const struct err *);
/* One line for each role that was missing for more than one object. */
void    problems_tell_rest(struct problems *);
json_t *problems_json(const struct problems *);

/* Whether an error ends the whole restore: interrupted, connection lost, server out of
 * resources, an error on the client's side. Everything else is a problem of one object. */
bool problem_is_fatal(const PGconn *, const struct err *);

#endif
