/*
 * reference.h - one trip of a schema through a restore: archive in, database on a scratch server,
 * archive out.
 *
 * The text of definitions is not stable (a CHECK on varchar, a view's NULL print differently after
 * one dump and restore), so two definitions are equal if they are equal after one trip
 * (docs/postgresql.md, "Comparing").
 */
#ifndef VERIFY_COMPARE_REFERENCE_H
#define VERIFY_COMPARE_REFERENCE_H

#include "core/buf.h"
#include "core/json.h"
#include "core/mem.h"
#include "pg/archive/archive.h"
#include "pg/conn/conn.h"

struct reference_trip {
    struct pg_target server;      /* the scratch server; its dbname is not used */
    const char      *name;        /* of the database to make */
    struct buf      *archive;     /* pg_dump -Fc */
    struct buf      *globals_sql; /* roles; empty: none */
    const json_t    *database;    /* properties, as in the manifest */
    bool             isolated;
    int              jobs; /* sessions that make it */
    /* reference_key()s, sorted, of what is to make the trip, with all that it depends on; NULL:
     * all. */
    const struct strlist *only;
};

/* Its result. */
struct reference_result {
    struct archive source; /* the input, opened; of it what made the trip */
    struct archive dump;   /* of the database made */
    struct strlist failed; /* "KIND schema name" of entries that failed … */
    struct strlist why;    /* … and the server's messages, one for each */
};

int  reference_make(const struct reference_trip *, struct reference_result *, struct err *);
void reference_result_free(struct reference_result *);
/* Drops the database that the trip made, if it did.  Best effort. */
void reference_drop(const struct reference_trip *);

/* The key of struct reference_result.failed; allocated. */
char *reference_key(const char *kind, const char *schema, const char *name);

#endif
