/*
 * public.h - schema public and its comment, as a backup of -n public has them.
 *
 * Of a whole database pg_dump leaves out what every new database has; of -n public it writes all of
 * the schema.  Then the catalog says whether what is not in the other dump is there all the same.
 */
#ifndef VERIFY_COMPARE_PUBLIC_H
#define VERIFY_COMPARE_PUBLIC_H

#include "pg/conn/conn.h"
#include "verify/compare/objectlist.h"

struct public_schema {
    char *owner;   /* NULL: there is no such schema */
    char *comment; /* NULL: none */
};

int  public_schema_read(PGconn *, struct public_schema *, struct err *);
void public_schema_free(struct public_schema *);

/* Adds to `have`, a list of a whole dump, what of it `want` has. */
void public_schema_add(const struct public_schema *, const struct objectlist *want,
                       struct objectlist *have);

#endif
