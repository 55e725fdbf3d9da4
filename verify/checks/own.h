/*
 * own.h - the administrator's own checks: [check NAME] in the configuration.
 *
 *     [check no-empty-hashes]
 *     database = acgs
 *     query = SELECT count(*) FROM public.file WHERE hash = ''
 *     expect = 0
 *
 *     [check fresh]
 *     database = acgs
 *     newest = events.at
 *     not-older = 26h
 *
 *     [check migrations]
 *     database = acgs
 *     command = cd /srv/acgs && bin/migrate status --fail-if-pending
 *     timeout = 5min
 *
 * They are read before anything is begun: one that means nothing is an error, whatever database it
 * is about.
 */
#ifndef VERIFY_CHECKS_OWN_H
#define VERIFY_CHECKS_OWN_H

#include <stddef.h>
#include <stdint.h>

#include "core/config/config.h"
#include "verify/checks/column.h"
#include "verify/checks/expect.h"

enum own_kind { OWN_QUERY, OWN_NEWEST, OWN_COMMAND };

struct own_check {
    const char   *name; /* of its section; borrowed from the configuration */
    enum own_kind kind;
    char         *text;        /* the query, the column, the command; owned */
    struct column column;      /* of OWN_NEWEST */
    const char   *search_path; /* NULL: only names with a schema are found; borrowed */
    bool          expects;     /* of a command, whose exit status alone may count */
    struct expect expect;
    const char   *expect_text;
    uint64_t      not_older_s;
    int           timeout_s;
    bool          live;
};

struct own_checks {
    struct own_check *v;
    size_t            n, cap;
};

/* Those for one database, in the order of the file; live: those that a live comparison makes.
 * ERR_USAGE: some check of the configuration means nothing. */
int  own_checks_read(const struct config *, const char *database, bool live, struct own_checks *,
                     struct err *);
void own_checks_free(struct own_checks *);

/* Warns of checks of databases that are none of these, nor have a section [database NAME]: nothing
 * ever makes them. */
void own_checks_warn(const struct config *, const struct strlist *known);
/* Does any check name another database? */
bool own_checks_name_another(const struct config *, const char *database);

#endif
