/* roles.c - roles of the backup that the server does not have. */
#include <stdlib.h>

#include "restore/job/names.h"
#include "restore/preflight/checks.h"

/* Whether the options decide about objects whose owner is missing on the server. */
static bool
roles_answered(const struct options *o)
{
    return o->isolated || o->no_owner || o->role != NULL;
}

static void
warn_roles(struct preflight *f, const struct strlist *roles, const char *what, const char *then)
{
    if (roles->n > 0) {
        char *names = preflight_names(roles);

        preflight_warn(f,
                       xasprintf("roles that %s the backup are not on the target server: %s; %s "
                                 "(--globals creates the roles)",
                                 what, names, then));
        free(names);
    }
}

/* Without what they may: what globals know, nobody else does. */
static void
add_create(char **sql, const struct strlist *roles)
{
    for (size_t i = 0; i < roles->n; i++) {
        char *ident = pg_ident(roles->v[i]);
        char *longer = xasprintf("%s%sCREATE ROLE %s;", *sql, **sql == '\0' ? "" : " ", ident);

        free(ident);
        free(*sql);
        *sql = longer;
    }
}

static void
stop_roles(struct restore *r, const struct strlist *owners, const struct strlist *grantees)
{
    char *own = preflight_names(owners), *have = preflight_names(grantees);
    char *server = target_name(r), *sql = xstrdup("");

    add_create(&sql, owners);
    add_create(&sql, grantees);
    preflight_add(&r->preflight,
                  (struct preflight_finding){
                      .kind = PREFLIGHT_STOP,
                      .text = xasprintf("roles of the backup are not on %s: %s%s%s", server, own,
                                        owners->n > 0 && grantees->n > 0 ? "; and, with privileges "
                                                                           "only, "
                                            : owners->n == 0             ? "with privileges only, "
                                                                         : "",
                                        have),
                      .hint = xasprintf("%s; --no-owner leaves what they own to you, and -x their "
                                        "privileges out",
                                        r->o->globals ? "the backup holds no globals: create the "
                                                        "roles"
                                                      : "--globals creates them first, as they "
                                                        "were"),
                      .sql = sql});
    free(own);
    free(have);
    free(server);
}

/* Roles of the archive that neither the server has nor the globals will create.  Their objects
 * would get another owner, which is seldom intended: one error beforehand, not a warning for each
 * object. */
int
check_roles(struct restore *r, struct err *e)
{
    struct preflight *f = &r->preflight;
    struct strlist    there = {0}, owners = {0}, grantees = {0};
    int rc = preflight_column(r, "SELECT rolname FROM pg_catalog.pg_roles", &there, e);

    if (rc == 0 && !(r->o->globals && r->globals.len > 0)) {
        names_of_roles(&r->archive, &there, r->o->no_owner ? NULL : &owners,
                       r->o->no_privileges ? NULL : &grantees);
    }
    if (roles_answered(r->o)) {
        warn_roles(f, &owners, "own objects of", "their objects will belong to you");
        warn_roles(f, &grantees, "have privileges in",
                   "their privileges and policies will be left out");
    } else if (owners.n + grantees.n > 0) {
        stop_roles(r, &owners, &grantees);
    }
    strlist_free(&there);
    strlist_free(&owners);
    strlist_free(&grantees);
    return rc;
}
