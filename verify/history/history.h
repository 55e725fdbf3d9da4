/*
 * history.h - what was ever done to prove or use the backups of a database: the records of its
 * ledger (storage/repo/ledger.h), and drills of older programs, which are in no ledger.
 *
 * It is JSON from here on (docs/json.md, "pgassay-verify history"): text and reports are made of
 * that.
 */
#ifndef VERIFY_HISTORY_HISTORY_H
#define VERIFY_HISTORY_HISTORY_H

#include <stddef.h>
#include <time.h>

#include "core/err.h"
#include "core/json.h"
#include "core/report/finding.h"
#include "storage/repo/repo.h"

/* An object: "db", "entries" (the oldest first), "missing", "unreadable", "strays", "records" (how
 * many there are in all).  since 0: from the beginning; max 0: all, else the newest. */
json_t *history_of(struct repo *, const char *db, time_t since, size_t max, struct err *);
/* What is wrong with the ledger itself; what it says of backups is no finding. */
void history_judge(const json_t *history, struct findings *);

/* For people: a table of the entries. */
void history_print(const json_t *history);
/* What was looked at, in a few words: "12 tables, 3,400 rows; recovered in 12 s".  Allocated. */
char *history_what(const json_t *entry);

#endif
