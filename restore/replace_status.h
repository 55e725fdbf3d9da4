/*
 * replace_status.h - what an interrupted replace was doing, and the commands to go on and back.
 */
#ifndef RESTORE_REPLACE_STATUS_H
#define RESTORE_REPLACE_STATUS_H

#include "core/json.h"
#include "pg/target/replacing.h"

/* To go on, and back (NULL: nothing has changed yet, or there is nothing to go back to);
 * allocated. */
char *replace_command_on(const struct replacing *);
char *replace_command_back(const struct replacing *);

/* The newest that can be believed, borrowed; NULL: none. */
const struct replacing *replace_believed(const struct replacing_list *);
/* That there is no database of the name, since its replace has not ended, and what to do;
 * allocated. */
char *replace_missing_text(const struct replacing *);
char *replace_missing_hint(const struct replacing *);

/* A few lines for each. */
void replace_status_print(const struct replacing_list *);
/* An array of objects (docs/schema/restore-status.json). */
json_t *replace_status_json(const struct replacing_list *);

#endif
