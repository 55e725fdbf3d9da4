/*
 * progress.h - one line on a terminal: the task, how far it is, its speed, the time left.  Or lines
 * of JSON for the program that runs this one.
 *
 * Drawn at most five times a second, on stderr, and only when stderr is a terminal
 * (never under cron) unless quiet.  Thread-safe.
 */
#ifndef CORE_PROGRESS_H
#define CORE_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

void progress_start(const char *what, uint64_t total_bytes, bool quiet);
/* How long all of it will probably take, what has no bytes too: the time left is never shown as
 * less than what this leaves. 0: not known. */
void progress_expect(double seconds);
void progress_phase(const char *what); /* "indexes", "verifying" ... */
void progress_add(uint64_t bytes);     /* done, more */
void progress_grow(uint64_t bytes);    /* the total turned out larger */
void progress_end(void);               /* wipes the line */

/* A line of JSON each second instead (logline.h), on a terminal or not; said before the start. */
void progress_as_json(bool);
/* For state.c, each second; and when somebody asks, in any case. */
void progress_tick(void);
void progress_say(bool as_json);

/* For log.c: wipe the line, and draw it again. */
void progress_hide(void);
void progress_show(void);

#endif
