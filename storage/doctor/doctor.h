/*
 * doctor.h - `storage doctor`: whether a store does what pgassay needs.
 *
 * Each probe tries one thing on the real store, below a throw-away prefix "doctor-<random>/", and
 * adds its result to the findings: no finding is an error.  A probe that cannot run because an
 * earlier one failed adds nothing.  Everything written is removed at the end, also after a signal.
 *
 * Objects are written below "doctor-<random>/runs/", because a backup-only key may remove objects
 * there.
 */
#ifndef STORAGE_DOCTOR_DOCTOR_H
#define STORAGE_DOCTOR_DOCTOR_H

#include <stdbool.h>

#include "core/err.h"
#include "core/json.h"
#include "core/mem.h"
#include "core/report/finding.h"
#include "storage/contract/location.h"
#include "storage/contract/storage.h"

struct doctor {
    const struct storage_location *place;
    struct storage                *st;         /* NULL: it could not be opened */
    char                           prefix[48]; /* "doctor-<16 digits>/runs/" */
    bool                           may_put, may_list;
    bool                           had_tmp;          /* a directory's .tmp existed before */
    bool                           versioned, locks; /* the bucket does */
    struct strlist                 made;     /* keys of objects written and not yet removed */
    struct strlist                 settings; /* "key = value", for the [repo NAME] of an S3 store */
    /* GOOD: works; NOTE: worth knowing, not needed; BAD: something needed does not work.  object:
     * the probe, a stable name. */
    struct findings found;
};

#define DOCTOR_INIT                                                                                \
    {                                                                                              \
        .found = FINDINGS_INIT                                                                     \
    }

/* Into d->found.  -1: wrong usage, or a signal. */
int  doctor_examine(struct doctor *, const struct storage_location *, struct err *);
void doctor_free(struct doctor *);

/* Of an S3 store, the IAM policies: {"backup": …, "prune": …, "restore": …}, or as text. */
json_t *doctor_s3_policies(const struct doctor *);
void    doctor_s3_print_policies(const struct doctor *);

#endif
