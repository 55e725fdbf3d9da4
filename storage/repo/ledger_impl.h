/*
 * ledger_impl.h - shared by the parts of the ledger: ledger.c (reading), ledger_name.c (names),
 * ledger_put.c (writing), ledger_seen.c (what this host remembers).
 */
#ifndef STORAGE_REPO_LEDGER_IMPL_H
#define STORAGE_REPO_LEDGER_IMPL_H

#include "storage/repo/ledger.h"

/* "<db>/ledger/<name>.json"; name NULL: the prefix.  Allocated. */
char *ledger_key(const char *db, const char *name);
/* The digest at the end of a name; NULL: it is too short, or too long. */
const char *ledger_name_digest(const char *);
/* Is it a name? */
bool ledger_name_valid(const char *);
/* The names of all records, sorted: by time. */
int ledger_names(struct repo *, const char *db, struct strlist *, struct err *);
/* These, side by side, in their order. */
int ledger_read(struct repo *, const char *db, const struct strlist *names, size_t from,
                struct ledger *, struct err *);
/* Marks those that another of them names. */
void ledger_mark_named(struct ledger *);

/* The newest that this host has seen; none when that cannot be read. */
void ledger_recall(const struct repo *, const char *db, struct strlist *);
/* Best effort. */
void ledger_remember(const struct repo *, const char *db, const struct strlist *);

#endif
