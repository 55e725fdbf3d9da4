/*
 * terminate.h - ending sessions that have been idle for too long, after naming them.
 *
 * Never the own session, nor any that replicates or works in the background, nor one of this suite
 * or of pg_dump (which leave transactions open on purpose) unless its application is named.  A
 * session that has done something since it was listed is spared: the server looks once more, in the
 * statement that ends it.
 */
#ifndef VERIFY_HEALTH_TERMINATE_H
#define VERIFY_HEALTH_TERMINATE_H

#include "core/json.h"
#include "verify/health/check.h"

struct terminate_request {
    uint64_t    idle_s;
    const char *application;    /* only its sessions; NULL: any */
    bool        in_transaction; /* those idle in a transaction, instead of those idle outside one */
    bool        yes;            /* end them; else they are only listed */
};

/* What became of a session. */
enum terminate_outcome { TERMINATE_LISTED, TERMINATE_ENDED, TERMINATE_SPARED, TERMINATE_FAILED };

struct terminated {
    char                  *pid, *application, *user, *database, *client;
    double                 idle_s;
    enum terminate_outcome outcome;
    char                  *error; /* of a failed one; else NULL */
};

struct terminate_result {
    struct terminated *v;
    size_t             n, cap;
};

/* ERR_AUTH: the role sees only its own sessions. */
int terminate_run(const struct pg_target *, const struct health_limits *,
                  const struct terminate_request *, struct terminate_result *, struct err *);
/* How many were not to be ended. */
size_t  terminate_failed(const struct terminate_result *);
void    terminate_print(const struct terminate_result *, const struct terminate_request *);
json_t *terminate_json(const struct terminate_result *, const struct terminate_request *);
void    terminate_free(struct terminate_result *);

#endif
