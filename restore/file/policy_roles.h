/*
 * policy_roles.h - the roles that a statement names: owners, grantees.
 */
#ifndef RESTORE_FILE_POLICY_ROLES_H
#define RESTORE_FILE_POLICY_ROLES_H

#include "restore/file/policy.h"

/* Adds them to policy.roles, but for those that the dump makes itself. */
void policy_note_roles(struct policy *, const struct sql_statement *);

/* Takes the name (NULL: nothing), and frees it if the list has it. */
void policy_add_once(struct strlist *, char *name);

#endif
