/*
 * index_sql.h - splitting an entry's SQL so that its index can be built concurrently with others of
 * the same table.
 *
 * ALTER TABLE … ADD PRIMARY KEY builds its index under a lock that keeps every other statement off
 * the table, and CREATE INDEX followed by ALTER TABLE … CLUSTER ON asks for a second lock while it
 * holds one.  So the index is built first, alone, and the change of the table follows when all its
 * indexes exist.
 */
#ifndef PG_ARCHIVE_INDEX_SQL_H
#define PG_ARCHIVE_INDEX_SQL_H

#include "pg/archive/archive.h"

struct index_sql {
    char *build; /* CREATE INDEX …; NULL: everything is in then */
    char *then;  /* what follows, or NULL */
};

void index_sql_cut(const struct archive_entry *, struct index_sql *);

/* A foreign key: build adds it NOT VALID (an instant), then validates it (a scan that may run
 * concurrently with others).  false: it must be added in one step, because it is partitioned, or
 * not valid or not enforced in the source either. */
bool foreign_key_cut(const struct archive_entry *, struct index_sql *);

void index_sql_free(struct index_sql *);

#endif
