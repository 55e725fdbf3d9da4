/*
 * journal.h - what this host wrote into a repository for a database that no label names yet.
 *
 * <state-dir>/<repo id>/<db>.journal, lines "<name> <stored size> <raw size>\n", appended after
 * each put() returned and synced now and then; a torn last line is harmless.  Emptied once a backup
 * is committed.  Only an optimisation: without it an interrupted backup starts again from nothing,
 * so any fault of the journal is a warning, and never stops a backup.
 */
#ifndef STORAGE_WRITE_JOURNAL_H
#define STORAGE_WRITE_JOURNAL_H

#include "storage/format/chunk.h"
#include "storage/repo/repo.h"

struct journal;

typedef void journal_fn(void *ctx, const struct chunk_ref *);

/* Opens, locks, and calls back for the entries of earlier runs.  NULL: a fault, with a warning, or
 * another run of this host has it. */
struct journal *journal_open(struct repo *, const char *db, journal_fn *, void *ctx);
/* From any thread; these accept NULL. */
void journal_add(struct journal *, const struct chunk_ref *);
void journal_clear(struct journal *);
void journal_close(struct journal *);

#endif
