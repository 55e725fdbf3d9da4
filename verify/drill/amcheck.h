/*
 * amcheck.h - `drill --amcheck`: PostgreSQL's own pg_amcheck on the copy.
 *
 * Tables' pages and B-trees are checked for damage, and each row must be in each of its indexes.
 * A database restored a minute ago is seldom damaged: this tests the machine as much as the backup.
 */
#ifndef VERIFY_DRILL_AMCHECK_H
#define VERIFY_DRILL_AMCHECK_H

#include "pg/conn/conn.h"
#include "verify/job/options.h"
#include "verify/job/result.h"

/* Adds a finding for each damaged table or index.  The extension amcheck stays in the database.
 * A server before 14 is a finding too: requested, but not compared.  One without the extension's
 * files is an error. */
int amcheck_run(const struct options *, const struct pg_target *, int server_version,
                struct verify_result *, struct err *);

#endif
