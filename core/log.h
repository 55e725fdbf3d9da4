/*
 * log.h - messages on stderr: "pgassay-backup: text", the same with time and run before it, or JSON
 * (logline.h); or to daemons that keep logs (logdaemon.h).
 *
 * Text alone has no run in it: cron's mail and people at a terminal read one run at a time.  Where
 * stderr is appended to a file, which many runs write to, time and run are there unless text was
 * asked for.
 *
 * A daemon that takes nothing is named once, on stderr, where messages go from then on: no work
 * fails for it, and no message is lost.  People at a terminal see messages in any case.
 *
 * Results go to stdout, and are printed by the tools themselves.  Thread-safe: a line is
 * written whole.  A progress line on a terminal (progress.h) is wiped before a
 * log line is written and drawn again after it.
 */
#ifndef CORE_LOG_H
#define CORE_LOG_H

#include <stdbool.h>

#include "core/logdaemon.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* Name to print before each line; level LOG_WARN until set. */
void log_init(const char *program, enum log_level);
enum log_format { LOG_TEXT, LOG_LONG, LOG_JSON, LOG_UNSAID }; /* on stderr; unsaid until set */
void log_format(enum log_format);
bool log_is_json(void);
/* Bits: 1 << enum logdaemon, or LOG_TO_STDERR, which alone it is until set. */
enum { LOG_TO_STDERR = 1 << LOGDAEMON_N };
void log_to(unsigned);
bool log_wants(enum log_level);
bool log_is_watched(void); /* stderr is a terminal */

void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2))); /* always shown */
/* An error, a warning or news, and what to do about it: in text a line of its own, "program: hint:
 * ...".  NULL or "": nothing. */
void log_hinted(enum log_level, const char *hint, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The same as a warning, without the word: what happens, and is no fault. */
void log_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2))); /* "warning: ..." */
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
