#include "restore/job/extensions.h"

#include <stdlib.h>
#include <string.h>

#include "core/json.h"

/* NULL: not recorded, or the role that initdb made, which has another name on another server. */
static const char *
owner_of(const struct manifest *m, const char *extension)
{
    const json_t *one;
    size_t        i;

    json_array_foreach (m->extensions, i, one) {
        if (strcmp(json_opt_str(one, "name", ""), extension) == 0) {
            return json_opt_bool(one, "owner_is_bootstrap", false)
                ? NULL
                : json_opt_str(one, "owner", NULL);
        }
    }
    return NULL;
}

/*
 * Making an extension requires CREATE on the database, which is granted for that moment: the
 * database's own grants come last.  An extension that is not trusted requires a superuser, who
 * needs no grant.
 */
char *
extension_as_owner(const struct restore *r, const struct archive_entry *entry)
{
    const char *owner = NULL;
    char       *role, *db, *self, *sql;

    if (strcmp(entry->desc, "EXTENSION") == 0 && !r->o->no_owner && entry->sql[0] != '\0') {
        owner = owner_of(r->manifest, entry->tag);
    }
    if (owner == NULL) {
        return NULL;
    }
    role = pg_ident(owner);
    db = pg_ident(r->working_name);
    self = r->server.role != NULL ? pg_ident(r->server.role) : xstrdup("NONE");
    sql = xasprintf(
        "GRANT CREATE ON DATABASE %s TO %s; SET ROLE %s;\n%s\nSET ROLE %s; REVOKE CREATE ON "
        "DATABASE %s FROM %s;",
        db, role, role, entry->sql, self, db, role);
    free(role);
    free(db);
    free(self);
    return sql;
}
