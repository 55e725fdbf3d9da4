/*
 * logline.h - what is written to stderr for programs: JSON, one object a line (docs/json.md,
 * "Messages").
 */
#ifndef CORE_LOGLINE_H
#define CORE_LOGLINE_H

#include <jansson.h>

void        logline_program_set(const char *);
const char *logline_program(void); /* "pgassay" until set */

/* Which database the work is about, by its configured name, from now on; NULL: none, or several.
 * Set while no other thread logs. */
void        logline_database_set(const char *);
const char *logline_database(void);

/* An object with "level", "time", "tool", "run" (runid.h), and "database" where there is one. */
json_t *logline_new(const char *level);
/* A string in any case: what is not UTF-8 in it is made visible (print.h). */
void logline_text(json_t *, const char *key, const char *text);
/* To stderr, whole.  Takes the reference. */
void logline_write(json_t *);

#endif
