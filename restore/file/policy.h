/*
 * policy.h - what becomes of a statement of a foreign dump.
 *
 * A dump may do what the connection may do: this is no wall (docs/security.md, "Foreign dumps"). It
 * keeps a dump from what nobody meant by "restore it into a new database": other databases, roles,
 * tablespaces and settings of the server are left alone, and DROP DATABASE, which dumps made with
 * --clean begin with, is never run.  What psql would do for the dump is not there at all: the only
 * lines for psql that are understood are those that pg_dump and pg_dumpall write.
 *
 * Of pg_dumpall's the part of one database can be picked: what stands in others' parts is passed
 * over, rows too, but for what is about that database itself, which stands before its part.
 *
 * The state goes through the statements in their order; each pass begins with a new one.
 */
#ifndef RESTORE_FILE_POLICY_H
#define RESTORE_FILE_POLICY_H

#include "core/json.h"
#include "core/mem.h"
#include "pg/archive/sqlstream.h"

struct policy_options {
    bool cluster;        /* the server is the dump's alone (a scratch server), and the dump one of
                            pg_dumpall: databases and roles are made as it says */
    bool        scratch; /* ... a scratch server at least */
    bool        allow_remote;
    bool        no_owner, no_privileges, no_tablespaces;
    const char *pick; /* of a dump of pg_dumpall only this database, as a dump of it alone; NULL */
    const char *self; /* of a scratch server: its superuser, who is left as he is */
};

struct policy {
    const struct policy_options *o;
    char                        *database;   /* that the dump is of, if it says so (pg_dump -C) */
    json_t                      *properties; /* ... as newdb_create() takes them; NULL */
    char                        *key;        /* of \restrict */
    bool                         here;       /* pick: the statements are of its database */
    bool                         met;        /* ... they were */
    struct strlist               roles;      /* that it names, and does not make */
    struct strlist               made;       /* roles that it makes */
    struct strlist               extensions, tablespaces; /* that it names */
};

enum policy_action {
    POLICY_RUN,
    POLICY_SKIP,
    POLICY_LATER,   /* about the database itself: out.text, when all the rest is done */
    POLICY_CHANGED, /* out.text instead */
    POLICY_CONNECT, /* go on in the database out.text */
};

/* A statement, or a line for psql.  text: allocated, or NULL; of LATER the bytes from..to are the
 * database's name.  -1: refused (ERR_CORRUPT), with the line. */
struct policy_out {
    enum policy_action action;
    char              *text;
    size_t             from, to;
};
int  policy_judge(struct policy *, const struct sql_piece *, struct policy_out *, struct err *);
void policy_free(struct policy *);
/* -1: this piece has made the session's encoding one that encoding.h has something against. */
int policy_refuse_encoding(const struct sql_piece *, struct err *);

/* The words that a statement begins with, for messages: what is in quotes may be a password.
 * Allocated. */
char *policy_words(const struct sql_piece *);

#endif
