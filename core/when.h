/*
 * when.h - moments of the past, as people type and read them: local time, and relative to now.
 *
 * Programs write RFC 3339 in UTC, read by time_parse() (human.h).
 */
#ifndef CORE_WHEN_H
#define CORE_WHEN_H

#include <stddef.h>
#include <time.h>

#include "core/err.h"

struct when {
    time_t from;
    time_t until; /* its last second: "02:15" is a whole minute, as lists show it */
};

/* "2026-11-21", "2026-11-21 02:15[:00]", "yesterday 02:15", "today", "02:15" (today), "2 hours
 * ago", "90 min ago", "now", local time; whatever time_parse() takes; "20261121T021500Z", as ids
 * of backups begin.  ERR_USAGE names the text, also when it is in the future. */
int when_parse(const char *text, time_t now, struct when *, struct err *e);

/* "02:15", "yesterday 02:15", "2026-11-19 02:15": when_parse() reads it.  out: at least 32. */
char *when_local(time_t, time_t now, char *out, size_t cap);
/* "6 h 12 min ago, 02:15"; "at 2027-11-21 02:15, by a clock that is ahead of this host's".  out:
 * at least 96. */
char *when_ago(time_t, time_t now, char *out, size_t cap);

#endif
