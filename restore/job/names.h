/*
 * names.h - names that the archive's SQL refers to and the target may not have.
 */
#ifndef RESTORE_JOB_NAMES_H
#define RESTORE_JOB_NAMES_H

#include "pg/archive/archive.h"

/* Roles missing there, each once: owners of entries, and roles in grants and policies.
 * Either list may be NULL. */
void names_of_roles(const struct archive *, const struct strlist *there, struct strlist *owners,
                    struct strlist *grantees);

/* Schemas in which an entry creates a relation, but which no entry creates. */
void names_of_schemas(const struct archive *, struct strlist *missing);

#endif
