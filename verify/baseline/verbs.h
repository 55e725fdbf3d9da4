/*
 * verbs.h - `baseline record`, `list`, `show`, `diff` and `rm`.
 */
#ifndef VERIFY_BASELINE_VERBS_H
#define VERIFY_BASELINE_VERBS_H

#include "verify/job/options.h"

/* Each prints what it has to say, and returns the exit status; -1: *e says why not. */
int baseline_verb_record(struct options *, struct err *);
int baseline_verb_list(struct options *, struct err *);
int baseline_verb_show(struct options *, struct err *);
int baseline_verb_diff(struct options *, struct err *);
int baseline_verb_rm(struct options *, struct err *);

#endif
