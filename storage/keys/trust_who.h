/*
 * trust_who.h - who may do what in a repository, in words: the effect of trust.h's keys on this
 * host.
 */
#ifndef STORAGE_KEYS_TRUST_WHO_H
#define STORAGE_KEYS_TRUST_WHO_H

#include <stdio.h>

#include "core/err.h"
#include "core/mem.h"
#include "storage/contract/location.h"

/* A line for each role, "trust-prune: the administrator only", or one that says that no key is
 * set.  Reads public keys only.  *asks: some key is set. */
int trust_who(const struct storage_location *, bool *asks, struct strlist *lines, struct err *);

/* The same for --print-config, as comments. */
void trust_who_print(const struct storage_location *, FILE *);
/* ... of the one repository in use, if any (storage_location_find()). */
void trust_who_print_meant(const struct config *, const char *repo, const char *database,
                           const struct strlist *repo_options, FILE *);

#endif
