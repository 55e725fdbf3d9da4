/*
 * pattern.h - psql's patterns for names, as -t, -n and their like take them.
 *
 * "*" and "?" as in a shell, unquoted letters fold to lower case, text in double quotes is kept, a
 * dot separates schema and name, and other regular expression syntax works as such.  Source:
 * PostgreSQL manual, psql, "Patterns".
 */
#ifndef PG_CONN_PATTERN_H
#define PG_CONN_PATTERN_H

#include "core/mem.h"
#include "pg/conn/conn.h"
#include "pg/conn/oidset.h"

/* "^(...)$" for the name and, when the pattern has one, the schema (else NULL).  Allocated.
 * ERR_USAGE for more than two parts. */
int pattern_parse(const char *pattern, char **schema, char **name, struct err *);

/* Adds the matches of the patterns: pattern_schemas() schemas; pattern_relations() tables,
 * partitioned and foreign tables, views, materialized views and sequences (without a schema part:
 * those visible in the role's own search_path, as pg_dump does).  must_match: a pattern without any
 * match is ERR_USAGE, as a backup must not silently lack a renamed table. */
int pattern_schemas(PGconn *, const struct strlist *patterns, bool must_match, struct oid_set *,
                    struct err *);
int pattern_relations(PGconn *, const struct strlist *patterns, bool must_match, struct oid_set *,
                      struct err *);

#endif
