/*
 * account.h - the system user that a scratch server runs as.
 *
 * What runs in a scratch server was written by others (functions of the backup, with a superuser's
 * rights, which reach the operating system).  So, as root, it is an account that owns nothing else:
 * the user asked for, else "pgassay-scratch" where there is such a user, else an id of its own that
 * no user, group, process or other scratch server has, as systemd's DynamicUser= does it.  An
 * ordinary user has no choice: then it is he, and confine.h has to keep the server from what he may
 * read.
 *
 * A user who could read the keys in use, or a running cluster's data, is refused.
 */
#ifndef PG_SCRATCH_ACCOUNT_H
#define PG_SCRATCH_ACCOUNT_H

#include <stdbool.h>
#include <sys/types.h>

#include "core/err.h"
#include "core/mem.h"

struct account {
    bool  drop;    /* we are root: account_become() changes to it */
    bool  unnamed; /* an id of its own: passwd(5) does not know it */
    uid_t uid;
    gid_t gid;
    char *name;
    int   lock; /* keeps such an id ours for as long as any process has it open; -1 */
};

#define ACCOUNT_INIT                                                                               \
    {                                                                                              \
        .lock = -1                                                                                 \
    }

struct account_wish {
    const char *user;              /* NULL: as above; not asked when we are not root */
    const char *parent_dir;        /* where scratch directories lie: none may belong to a new id */
    const struct strlist *secrets; /* paths that it must not be able to read; NULL: none */
    const struct strlist *open;    /* all that an ordinary user's server will be able to read; NULL:
                                      nothing will confine it */
    bool unconfined;               /* the operator accepts that */
};

int  account_choose(const struct account_wish *, struct account *out, struct err *);
void account_free(struct account *); /* accepts ACCOUNT_INIT */
/* This process, and what it starts, is that user for good.  -1 and errno. */
int account_become(const struct account *);

#endif
