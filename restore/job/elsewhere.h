/*
 * elsewhere.h - what to do about chunks that are bad or missing in the repository.
 */
#ifndef RESTORE_JOB_ELSEWHERE_H
#define RESTORE_JOB_ELSEWHERE_H

#include "restore/job/restore.h"

/* The other repositories, as --repo takes them, and how to heal this one; allocated. */
char *elsewhere_advice(const struct restore *);
/* The same as the error's hint, when it is about a bad or missing object and has none.  Returns
 * -1. */
int elsewhere_hint(const struct restore *, struct err *);

#endif
