/*
 * labeltime.h - when a label says that its backup was taken, against when the store received it.
 *
 * A label's times are its signer's word.  Whoever has a stolen key can sign backups of any time,
 * and so have rules of retention keep his for each day and remove the good ones.  The time at which
 * the store received the label is not his to choose.  So a label is doubted
 *
 *   - that is of a time after it was stored (CLOCK_OFF_MAX later, as clocks may differ);
 *   - that was stored days after its time, unless it is a copy, or was imported: those are stored
 *     whenever somebody copies or imports.  (An imported one never replaces one of our own:
 *     storage/retention/retention_rules.h.)  Nor is one doubted that is older than the repository
 * is in this place: somebody has moved it there file by file, without the files' times.
 *
 * A doubted backup counts for no rule, and stays as long as a good one of its time would.
 */
#ifndef STORAGE_REPO_LABELTIME_H
#define STORAGE_REPO_LABELTIME_H

#include "storage/repo/backuplist.h"

enum { LABEL_LATE_MAX = 3 * 86400 }; /* seconds from the snapshot to the label: a long backup */

/* Fills in doubt and ahead of each entry.  Asks the store once, and only if some label is late. */
int labeltime_judge(struct repo *, struct backup_list *, struct err *);

#endif
