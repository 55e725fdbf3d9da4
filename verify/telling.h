/*
 * telling.h - what people are told of drills, of what is stored, and of status
 * (core/notify/notify.h).
 *
 * Not of `live`, which somebody asks.
 */
#ifndef VERIFY_TELLING_H
#define VERIFY_TELLING_H

#include "core/notify/notify.h"
#include "core/report/watch.h"
#include "verify/job/result.h"
#include "verify/status/places.h"

/* NULL as notify_begin(). */
struct notify *telling_begin(const struct options *, enum verb);
/* error: why it could not be run, if it could not. */
void telling_add(struct notify *, const struct options *, const struct verify_result *,
                 const struct err *error);

/* Each finding is a condition of its own, as "status/backup", of these repositories together. */
void telling_status(struct notify *, const struct watch_report *, const struct status_places *);
/* Whether it could be run at all; error NULL: it was. */
void telling_looked(struct notify *, const struct status_places *, const struct err *error);

#endif
