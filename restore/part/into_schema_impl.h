/*
 * into_schema_impl.h - shared by into_schema.c, into_definitions.c and put_back.c; private to them.
 */
#ifndef RESTORE_PART_INTO_SCHEMA_IMPL_H
#define RESTORE_PART_INTO_SCHEMA_IMPL_H

#include "restore/job/restore.h"

/* The comment of a schema that is half made; where tables of --put-back are until they get their
 * places. */
#define INTO_HALF_MADE "pgassay-restore: half made"
#define INTO_PASSING   "pgassay_put_back"

/* A link to other objects, as the backup has it; all text is allocated. */
struct into_link {
    char *kind, *schema, *tag, *sql;
    bool  to_parent; /* a partition's, or of INHERITS */
};

/* A table where it comes from; allocated. */
struct into_table {
    char *schema, *name;
};

struct into {
    struct restore    *r;
    PGconn            *live;
    const char        *schema;
    char              *ident;
    bool               made;
    struct into_link  *links; /* --put-back: those that come back, in this order */
    size_t             n_links, cap_links;
    struct into_table *tables; /* ... */
    size_t             n_tables;
};

/* into_definitions.c: archive and manifest of the restore become those of the tables in the new
 * schema. */
int into_definitions(struct into *, struct err *);

/* put_back.c: before anything is made: the tables are noted, and must not be there. */
int put_back_look(struct into *, struct err *);
/* When all is in the schema: in one transaction the tables get their places and links, and the
 * schema is gone.  A link that cannot be made is a problem (problems.h). */
int  put_back(struct into *, struct err *);
void put_back_free(struct into *);

#endif
