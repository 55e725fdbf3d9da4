/*
 * amcheck.h - `--amcheck`: PostgreSQL's own pg_amcheck on a drill's copy, or a running database.
 *
 * Tables' pages and B-trees are checked for damage, and each row must be in each of its indexes.
 * A database restored a minute ago is seldom damaged: there this tests the machine as much as the
 * backup.  A running one is looked at before its damage is in every backup.
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

/* The same of a running database, as far as it lets: nothing is installed in it, so that a database
 * without the extension is a finding. */
int amcheck_live(const struct options *, PGconn *, struct verify_result *, struct err *);

#endif
