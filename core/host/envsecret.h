/*
 * envsecret.h - secrets that the environment gives in files: NAME is the secret itself, NAME_FILE
 * the path of a file that holds it, one line, as containers get theirs.
 *
 * Both at once are an error, and so is a file that others may read or write (ownership.h), that is
 * empty, or that has more than a line.  Empty variables count as not set.  Errors name the variable
 * and the file, and nothing that stands in it; they are ERR_USAGE.
 */
#ifndef CORE_HOST_ENVSECRET_H
#define CORE_HOST_ENVSECRET_H

#include "core/err.h"

/* Allocated; NULL: neither is set, or the error. */
char *envsecret_get(const char *name, struct err *);

/* Those that libraries, and programs that a tool runs, look for by themselves: PGPASSWORD and
 * AWS's. NAME is set to what NAME_FILE's file holds, and NAME_FILE unset, so that whoever inherits
 * them finds one of the two.  Before there is a second thread that reads the environment. */
int envsecret_export(struct err *);

#endif
