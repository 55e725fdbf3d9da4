/*
 * trust_who.h - who may do what in a repository, in words: what the keys of trust.h come to on this
 * host.
 */
#ifndef STORAGE_KEYS_TRUST_WHO_H
#define STORAGE_KEYS_TRUST_WHO_H

#include <stdio.h>

#include "core/err.h"
#include "core/mem.h"
#include "storage/contract/location.h"

/* A line for each role, "trust-prune: the administrator's alone", or one that says that nobody is
 * asked.  Reads public keys only.  *asks: somebody is. */
int trust_who(const struct storage_location *, bool *asks, struct strlist *lines, struct err *);

/* The same for --print-config, as comments. */
void trust_who_print(const struct storage_location *, FILE *);
/* ... of the one repository that is meant, if any is (storage_location_find()). */
void trust_who_print_meant(const struct config *, const char *repo, const char *database,
                           const struct strlist *repo_options, FILE *);

#endif
