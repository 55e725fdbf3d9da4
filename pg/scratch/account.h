/*
 * account.h - the system user that a scratch server runs as.
 *
 * The code that runs in a scratch server was written by others (functions of the backup, with a
 * superuser's rights, which reach the operating system).  So, as root, it runs as an account that
 * owns nothing else: the user asked for, else "pgassay-scratch" if there is such a user, else an id
 * of its own that no user, group, process or other scratch server has, as with systemd's
 * DynamicUser=.  For an ordinary user it runs as that user, and confine.h has to keep it from the
 * user's files.
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
    bool  drop;    /* run by root: account_become() changes to it */
    bool  unnamed; /* an id of its own: passwd(5) does not know it */
    uid_t uid;
    gid_t gid;
    char *name;
    int   lock; /* reserves such an id as long as any process has it open; -1 */
};

#define ACCOUNT_INIT                                                                               \
    {                                                                                              \
        .lock = -1                                                                                 \
    }

struct account_wish {
    const char *user;       /* NULL: as above; ignored when not root */
    const char *parent_dir; /* the parent of scratch directories: none may belong to a new id */
    const struct strlist *secrets; /* paths that it must not be able to read; NULL: none */
    const struct strlist *open; /* everything that an ordinary user's server will be able to read;
                                   NULL: it is not confined */
    bool unconfined;            /* the operator accepts that */
};

int  account_choose(const struct account_wish *, struct account *out, struct err *);
void account_free(struct account *); /* accepts ACCOUNT_INIT */
/* Makes this process, and those it starts, that user permanently.  -1 and errno. */
int account_become(const struct account *);

#endif
