/*
 * log.h - messages on stderr: "pgassay-backup: text", or as JSON (logline.h).
 *
 * Results go to stdout, and are printed by the tools themselves.  Thread-safe: a line is
 * written whole.  A progress line on a terminal (progress.h) is wiped before a
 * log line is written and drawn again after it.
 */
#ifndef CORE_LOG_H
#define CORE_LOG_H

#include <stdbool.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* Name to print before each line; level LOG_WARN until set. */
void log_init(const char *program, enum log_level);
/* Lines of JSON from now on, or text. */
void log_as_json(bool);
bool log_is_json(void);
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
