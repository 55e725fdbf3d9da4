/*
 * history.h - history: every drill, key drill, scrub and restore of the databases of a repository,
 * and whether a record of one was changed or taken away.
 */
#ifndef VERIFY_HISTORY_H
#define VERIFY_HISTORY_H

#include "core/err.h"
#include "verify/job/options.h"

/* The exit status; -1: an error.  What is wrong with the ledger makes it EXIT_DIFFERENT; what its
 * records say does not. */
int verify_history(struct options *, struct err *);

#endif
