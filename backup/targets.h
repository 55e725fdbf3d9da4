/*
 * targets.h - which databases: arguments, -d, --all, sections of the configuration file.
 */
#ifndef BACKUP_TARGETS_H
#define BACKUP_TARGETS_H

#include "backup/options.h"

struct database {
    char *name;     /* in the repository and the configuration; NULL: the database's own name */
    char *dbname;   /* overrides everything else; NULL: the connection options' */
    char *conninfo; /* a connection string given as argument, or NULL */
    bool  listed;   /* --all found it: it is on the server queried, whatever its section says */
};

struct targets {
    struct database *v;
    size_t           n, cap;
};

/* --all queries the server. */
int  targets_make(const struct options *, const struct opts_result *, const struct config *,
                  struct targets *, struct err *);
void targets_add(struct targets *, const char *name, const char *dbname);
void targets_free(struct targets *);

/* Combines options (the database's own, or those common to all) and argument; borrowed strings. */
struct pg_target target_of(const struct options *, const struct opts_result *,
                           const struct database *);

#endif
