/*
 * newid.h - a cluster that was copied gets a system identifier of its own (for packed.c only).
 *
 * It is the first member of global/pg_control, whose last is the CRC-32C of all before it
 * (src/include/catalog/pg_control.h); where that is depends on the version, and the CRC itself
 * says. The long header of a WAL segment has it at byte 24 (src/include/access/xlog_internal.h).
 * Both are so from 9.5 to 19. A server refuses to start where they do not match.
 */
#ifndef PG_SCRATCH_NEWID_H
#define PG_SCRATCH_NEWID_H

#include <stdbool.h>

/* Of dir/data, which was shut down and has one WAL segment.  False: it looks otherwise. */
bool newid_give(const char *dir);

#endif
