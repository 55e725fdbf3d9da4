/*
 * scrub.h - the interface between the files of the command scrub.
 */
#ifndef STORAGE_COMMANDS_SCRUB_H
#define STORAGE_COMMANDS_SCRUB_H

#include "storage/commands/cmd.h"
#include "storage/heal/repair.h"
#include "storage/heal/scrub.h"

/* One database's result; repair NULL: none was asked for.  all: worth a line even when nothing
 * is damaged. */
json_t *scrub_json(const struct scrub *, const struct repair *);
void    scrub_text(const struct scrub *, const struct repair *, bool all);

/* "1/7" as a span of the ring; "90s", "30m", "2h", "1d" in seconds.  ERR_USAGE. */
int scrub_share(const char *text, uint64_t *span, struct err *);
int scrub_duration(const char *text, double *seconds, struct err *);

#endif
