/*
 * settings.c - settings that whoever uses the database will meet.
 *
 * Our own sessions set what they need (pg/conn/session.c), so none of them keeps a restore from
 * writing.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/json.h"
#include "restore/job/properties.h"
#include "restore/preflight/checks.h"

/* The server's or the role's: reset_val is what a session begins with. */
static int
look_at_server(struct restore *r, struct err *e)
{
    char *role = pg_value(r->maintenance, e,
                          "SELECT COALESCE((SELECT rolname FROM pg_catalog.pg_db_role_setting d "
                          "JOIN pg_catalog.pg_roles r ON r.oid = d.setrole WHERE rolname = "
                          "session_user AND setdatabase = 0 AND 'default_transaction_read_only=on' "
                          "= ANY (setconfig)), '') FROM pg_catalog.pg_settings WHERE name = "
                          "'default_transaction_read_only' AND reset_val = 'on'",
                          0, NULL);
    char *ident;

    if (role == NULL && e->kind != ERR_NOT_FOUND) {
        return err_wrap(e, "looking at the target server");
    }
    err_clear(e);
    if (role == NULL) {
        return 0;
    }
    ident = pg_ident(role);
    preflight_add(
        &r->preflight,
        (struct preflight_finding){
            .kind = PREFLIGHT_WARNING,
            .text = xasprintf("default_transaction_read_only is on for %s%s: the restore writes "
                              "all the same, others cannot",
                              *role == '\0' ? "the server" : "role ", *role == '\0' ? "" : ident),
            .sql = *role == '\0'
                ? xstrdup("ALTER SYSTEM SET default_transaction_read_only = off; SELECT "
                          "pg_reload_conf();")
                : xasprintf("ALTER ROLE %s RESET default_transaction_read_only;", ident)});
    free(ident);
    free(role);
    return 0;
}

static bool
is_true(const char *value)
{
    static const char *const words[] = {"on", "true", "yes", "1", "t", "y"};

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcasecmp(value, words[i]) == 0) {
            return true;
        }
    }
    return false;
}

static void
look_at_database(struct restore *r, const json_t *settings)
{
    const json_t *one;
    size_t        i;

    json_array_foreach (settings, i, one) {
        const char *name = json_opt_str(one, "name", "");
        char       *ident;

        if (strcmp(name, "default_transaction_read_only") != 0 ||
            json_opt_str(one, "role", NULL) != NULL || !is_true(json_opt_str(one, "value", ""))) {
            continue;
        }
        ident = pg_ident(r->name);
        preflight_add(&r->preflight,
                      (struct preflight_finding){.kind = PREFLIGHT_WARNING,
                                                 .text = xasprintf("database \"%s\" comes back "
                                                                   "with a setting of its own that "
                                                                   "lets "
                                                                   "nobody write: "
                                                                   "default_transaction_read_only",
                                                                   r->name),
                                                 .hint = xstrdup("afterwards, if that is not "
                                                                 "meant"),
                                                 .sql = xasprintf("ALTER DATABASE %s RESET "
                                                                  "default_transaction_read_only;",
                                                                  ident)});
        free(ident);
    }
}

/* Parameters come and go with versions; those of extensions have a dot, and any is accepted. */
static int
look_for_unknown(struct restore *r, const json_t *settings, struct err *e)
{
    struct strlist known = {0}, unknown = {0};
    const json_t  *one;
    size_t         i;
    int rc = preflight_column(r, "SELECT pg_catalog.lower(name) FROM pg_catalog.pg_settings",
                              &known, e);

    json_array_foreach (settings, i, one) {
        const char *name = json_opt_str(one, "name", "");
        char       *lower = xstrdup(name);

        for (char *c = lower; *c != '\0'; c++) {
            *c = *c >= 'A' && *c <= 'Z' ? (char)(*c + 'a' - 'A') : *c;
        }
        if (rc == 0 && strchr(name, '.') == NULL && !strlist_has(&known, lower) &&
            !strlist_has(&unknown, name)) {
            strlist_add(&unknown, name);
        }
        free(lower);
    }
    if (unknown.n > 0) {
        char *names = preflight_names(&unknown);

        preflight_costs(r,
                        (struct preflight_finding){.text = xasprintf("settings of the database "
                                                                     "that the target server "
                                                                     "does not know: %s; they will "
                                                                     "be named and left "
                                                                     "out",
                                                                     names)});
        free(names);
    }
    strlist_free(&known);
    strlist_free(&unknown);
    return rc;
}

int
check_settings(struct restore *r, struct err *e)
{
    const json_t *settings = json_object_get(properties_source(r), "settings");

    look_at_database(r, settings);
    return look_at_server(r, e) == 0 && look_for_unknown(r, settings, e) == 0 ? 0 : -1;
}
