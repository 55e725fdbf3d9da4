/*
 * name_match.h - psql's patterns for names (pg/conn/pattern.h), matched without a server.
 *
 * A restore decides what to read before it connects.  Unlike in a backup, a pattern without a
 * schema part means every schema, as with pg_restore: the search_path is no longer known.
 */
#ifndef PG_CONN_NAME_MATCH_H
#define PG_CONN_NAME_MATCH_H

#include <regex.h>
#include <stdbool.h>

#include "core/err.h"
#include "core/mem.h"

struct name_pattern {
    const char *text; /* as it was given; borrowed */
    regex_t     schema, name;
    bool        has_schema, matched;
};

struct name_patterns {
    struct name_pattern *v;
    size_t               n;
};

/* ERR_USAGE; m is then freed.  Of schemas: a dot outside quotes is an error. */
int  name_patterns_read(const struct strlist *, bool of_schemas, struct name_patterns *,
                        struct err *);
void name_patterns_free(struct name_patterns *);

/* Whether one of them matches; all matching ones are marked.  Of schemas: schema is NULL. */
bool name_patterns_match(struct name_patterns *, const char *schema, const char *name);

/* The first that has matched nothing, or NULL. */
const char *name_patterns_idle(const struct name_patterns *);

#endif
