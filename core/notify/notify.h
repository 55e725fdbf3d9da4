/*
 * notify.h - telling people: what failed, what is good again, and that a run has begun and ended.
 *
 *     n = notify_begin(config, "backup");       pings that it has begun, in the background
 *     notify_add(n, &(struct notify_event){…}); as often as something is known, good or bad
 *     notify_end(n, status);                    tells what has changed, and pings how it ended
 *
 * Nothing here fails the work or holds it up: all that is sent goes at the end, at once to every
 * channel (channels.h), for no longer than notify-timeout (20 s; 8 s after a signal).  What could
 * not be told is a warning, and is told by the next run that finds the condition the same.
 * A condition (told.h) is told to a channel once, and again when its level changes or it is over.
 */
#ifndef CORE_NOTIFY_NOTIFY_H
#define CORE_NOTIFY_NOTIFY_H

#include <stdbool.h>

#include "core/config/config.h"
#include "core/err.h"
#include "core/mem.h"
#include "core/notify/channels.h"

struct notify;

struct notify_event {
    const char *condition;  /* one of channel_events */
    const char *database;   /* NULL: none in particular, as are the others */
    const char *repository; /* its location */
    const char *backup;     /* an id */
    const char *level;      /* "failed", "warning", "critical", "unknown"; NULL: it is good */
    const char *text;       /* of what is bad */
    /* A condition that says the same of the database: who was told of that is not told of this. */
    const char *told_by;
};

/* NULL: nobody is to be told anything; the others accept that.  What is wrong with the
 * configuration is a warning.  job: whose pings are meant; NULL: no job's. */
struct notify *notify_begin(const struct config *, const char *job,
                            const struct strlist *databases);
/* Copied.  Good events about a condition that does not stand do nothing. */
void notify_add(struct notify *, const struct notify_event *);
/* Of this condition and repository every database that was not added is good. */
void notify_rest_good(struct notify *, const char *condition, const char *repository);
/* status: the exit status of the run.  Who has stopped it with Ctrl-C knows, and nobody else is
 * told. */
void notify_end(struct notify *, int status);

/* A test message to one channel, or to each (name NULL): told to `say` one by one, error NULL when
 * it was taken.  The number of those that failed. */
size_t notify_test(const struct config *, const struct channels *, const char *name,
                   void (*say)(void *ctx, const char *channel, const struct err *), void *ctx);

#endif
