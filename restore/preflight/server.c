/* server.c - the server: its version, its state, our rights. */
#include <stdlib.h>
#include <string.h>

#include "restore/preflight/checks.h"

int
preflight_column(struct restore *r, const char *sql, struct strlist *out, struct err *e)
{
    PGresult *res = pg_query(r->maintenance, e, sql, 0, NULL);

    if (res == NULL) {
        return err_wrap(e, "looking at the target server");
    }
    for (int i = 0; i < PQntuples(res); i++) {
        strlist_add(out, PQgetvalue(res, i, 0));
    }
    PQclear(res);
    return 0;
}

void
preflight_costs(struct restore *r, struct preflight_finding x)
{
    x.kind = takes_a_name(r->o) ? PREFLIGHT_STOP : PREFLIGHT_WARNING;
    if (takes_a_name(r->o)) {
        char *hint = xasprintf(
            "%s%sas it is, restore it with --to under another name, look at it, "
            "and use --switch-to",
            x.hint == NULL ? "" : x.hint, x.hint == NULL ? "" : "; ");

        free(x.hint);
        x.hint = hint;
    }
    preflight_add(&r->preflight, x);
}

int
check_version(struct restore *r, struct err *e)
{
    int have = pg_version(r->maintenance) / 10000, had = r->label->server_version_num / 10000;

    (void)e;
    if (have < 13) {
        preflight_stop(&r->preflight, "restore into PostgreSQL 13 or later",
                       xasprintf("the target server is PostgreSQL %d", have));
    } else if (have < had) {
        preflight_warn(&r->preflight,
                       xasprintf("the backup comes from PostgreSQL %d, the target is the older %d: "
                                 "objects "
                                 "that it does not know will be named and left out",
                                 had, have));
    }
    return 0;
}

/* ALTER ROLE for who restores: quoted, allocated. */
static char *
alter_role(const struct restore *r, const char *how)
{
    const char *name = r->o->role != NULL ? r->o->role : PQuser(r->maintenance);
    char       *ident = pg_ident(name), *sql = xasprintf("ALTER ROLE %s %s;", ident, how);

    free(ident);
    return sql;
}

int
check_rights(struct restore *r, struct err *e)
{
    struct preflight *f = &r->preflight;
    struct strlist    facts = {0};
    int               rc;

    rc = preflight_column(r,
                          "SELECT CASE WHEN pg_catalog.pg_is_in_recovery() THEN 'standby' END "
                          "UNION ALL "
                          "SELECT CASE WHEN NOT (rolcreatedb OR rolsuper) THEN 'nocreatedb' END "
                          "FROM "
                          "pg_catalog.pg_roles WHERE rolname = current_user UNION ALL "
                          "SELECT CASE WHEN NOT rolsuper THEN 'nosuper' END FROM "
                          "pg_catalog.pg_roles WHERE "
                          "rolname = current_user",
                          &facts, e);
    if (strlist_has(&facts, "standby")) {
        preflight_stop(f, "restore into its primary",
                       xstrdup("the target server is in recovery (a standby): nothing can be "
                               "created there"));
    }
    if (strlist_has(&facts, "nocreatedb")) {
        preflight_add(
            f,
            (struct preflight_finding){
                .kind = PREFLIGHT_STOP,
                .text = xasprintf("permission denied: role \"%s\" may not create "
                                  "databases",
                                  r->o->role != NULL ? r->o->role : PQuser(r->maintenance)),
                .hint = xstrdup("connect as a role with CREATEDB, or name one with "
                                "--role"),
                .sql = alter_role(r, "CREATEDB")});
    }
    if (strlist_has(&facts, "nosuper")) {
        preflight_warn(f,
                       xstrdup("the target role is not a superuser: objects that need one will "
                               "be named and left out"));
    }
    strlist_free(&facts);
    return rc;
}
