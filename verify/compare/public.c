#include "verify/compare/public.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"

/* initdb's, which is the only one that a whole dump passes over. */
#define COMMENT "standard public schema"

int
public_schema_read(PGconn *conn, struct public_schema *p, struct err *e)
{
    PGresult *res = pg_query(conn, e,
                             "SELECT pg_catalog.pg_get_userbyid(nspowner), "
                             "pg_catalog.obj_description(oid, 'pg_namespace') FROM "
                             "pg_catalog.pg_namespace WHERE nspname = 'public'",
                             0, NULL);

    *p = (struct public_schema){0};
    if (res == NULL)
        return -1;
    if (PQntuples(res) > 0) {
        p->owner = xstrdup(PQgetvalue(res, 0, 0));
        p->comment = PQgetisnull(res, 0, 1) ? NULL : xstrdup(PQgetvalue(res, 0, 1));
    }
    PQclear(res);
    return 0;
}

void
public_schema_free(struct public_schema *p)
{
    free(p->owner);
    free(p->comment);
    *p = (struct public_schema){0};
}

/* Is it there, with this text? */
static bool
stands(const struct public_schema *p, const struct listed_object *o)
{
    struct archive_entry entry = {.sql = NULL};
    char                 digest[65];
    bool                 comment = strcmp(o->kind, "COMMENT") == 0;

    if (p->owner == NULL || (comment && (p->comment == NULL || strcmp(p->comment, COMMENT) != 0)))
        return false;
    entry.sql = comment
        ? xstrdup("COMMENT ON SCHEMA public IS '" COMMENT "';")
        : xasprintf("CREATE SCHEMA public;\n\n\nALTER SCHEMA public OWNER TO %s;", o->owner);
    archive_entry_sha256(&entry, digest);
    free(entry.sql);
    return strcmp(digest, o->digest) == 0;
}

static bool
is_listed(const struct objectlist *l, const struct listed_object *o)
{
    for (size_t i = 0; i < l->n; i++)
        if (strcmp(l->v[i].kind, o->kind) == 0 && strcmp(l->v[i].name, o->name) == 0)
            return true;
    return false;
}

void
public_schema_add(const struct public_schema *p, const struct objectlist *want,
                  struct objectlist *have)
{
    for (size_t i = 0; i < want->n; i++) {
        struct listed_object o = want->v[i];
        bool schema = strcmp(o.kind, "SCHEMA") == 0 && strcmp(o.name, "public") == 0,
             comment = strcmp(o.kind, "COMMENT") == 0 && strcmp(o.name, "SCHEMA public") == 0;

        if ((!schema && !comment) || is_listed(have, &o) || !stands(p, &o))
            continue;
        if (schema)
            o.owner = p->owner;
        objectlist_add(have, &o);
    }
}
