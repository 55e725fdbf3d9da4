/*
 * targets.h - which databases: arguments, -d, --all, sections of the configuration file.
 */
#ifndef BACKUP_TARGETS_H
#define BACKUP_TARGETS_H

#include "backup/options.h"

struct database {
    char
        *name; /* in the repository and the configuration; NULL: as the database itself is called */
    char *dbname;   /* wins over everything else; NULL: what the connection options say */
    char *conninfo; /* an argument that is more than a name, or NULL */
    bool listed; /* --all found it: it is on the server that was asked, whatever its section says */
};

struct targets {
    struct database *v;
    size_t           n, cap;
};

/* --all asks the server. */
int  targets_make(const struct options *, const struct opts_result *, const struct config *,
                  struct targets *, struct err *);
void targets_free(struct targets *);

/* Options (already those of the database, or those that all have in common) and argument together;
 * borrowed strings. */
struct pg_target target_of(const struct options *, const struct opts_result *,
                           const struct database *);

#endif
