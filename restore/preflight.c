/*
 * preflight.c - checks before anything changes; all findings are reported at once.
 *
 * Some findings make a restore impossible or pointless: they stop it.  Others cost single objects:
 * they are warnings, the objects become problems later, and the exit status says so.
 */
#include <stdlib.h>

#include "core/exit.h"
#include "restore/preflight/checks.h"
#include "restore/replace.h"
#include "restore/replace_status.h"
#include "restore/swap.h"

/* Every one, whatever the others find; *e has the first question that failed. */
static int
look(struct restore *r, preflight_check *const *checks, size_t n, struct err *e)
{
    int rc = 0;

    for (size_t i = 0; i < n; i++) {
        struct err failed = ERR_INIT;

        if (checks[i](r, &failed) != 0 && rc == 0) {
            *e = failed;
            rc = -1;
        }
        if (failed.kind == ERR_INTERRUPTED) {
            break;
        }
    }
    return rc;
}

/* A failed question does not hide the findings of the others. */
static int
report(struct restore *r, int looked, struct err *e)
{
    struct err found = ERR_INIT;

    if (looked == 0) {
        return preflight_report(&r->preflight, &r->warnings, e);
    }
    if (preflight_report(&r->preflight, &r->warnings, &found) != 0) {
        err_print(&found);
    }
    return err_wrap(e, "preflight");
}

static int
check_swap(struct restore *r, struct err *e)
{
    struct strlist stop = {0}, hints = {0};
    int            rc = (r->o->replace ? replace_preflight : swap_preflight)(r, &stop, &hints, e);

    for (size_t i = 0; i < stop.n; i++) {
        preflight_stop(&r->preflight, hints.v[i], xstrdup(stop.v[i]));
    }
    strlist_free(&stop);
    strlist_free(&hints);
    return rc;
}

/* The name is free because a --replace of it was interrupted: that has a way on and one back. */
static int
warn_of_replace(struct restore *r, struct err *e)
{
    struct replacing_list   l;
    const struct replacing *x;

    if (replacing_list_read(r->maintenance, r->name, &l, e) != 0) {
        return -1;
    }
    if ((x = replace_believed(&l)) != NULL) {
        preflight_add(&r->preflight,
                      (struct preflight_finding){.kind = PREFLIGHT_WARNING,
                                                 .text = replace_missing_text(x),
                                                 .hint = replace_missing_hint(x)});
    }
    replacing_list_free(&l);
    return 0;
}

static int
check_name(struct restore *r, struct err *e)
{
    struct strlist databases = {0};
    int            rc;

    if (takes_a_name(r->o)) {
        return check_swap(r, e);
    }
    rc = preflight_column(r, "SELECT datname FROM pg_catalog.pg_database", &databases, e);
    if (strlist_has(&databases, r->name)) {
        char *server = target_name(r);

        preflight_stop(&r->preflight,
                       "an existing database is never touched: give another name with --to",
                       xasprintf("database \"%s\" already exists on %s", r->name, server));
        free(server);
    } else if (rc == 0 && !r->o->scratch) {
        rc = warn_of_replace(r, e);
    }
    strlist_free(&databases);
    return rc;
}

static preflight_check *const local[] = {check_contents, check_chunks, check_scratch_space};
static preflight_check *const server[] = {
    check_version,    check_name,  check_rights,      check_connections, check_syntax,
    check_extensions, check_roles, check_tablespaces, check_collation,   check_settings,
    check_space,      check_locks, check_wal};

int
preflight_run(struct restore *r, struct err *e)
{
    int rc = look(r, local, sizeof local / sizeof local[0], e);

    /* A server is not started in vain. */
    if (rc != 0 || (r->o->scratch && preflight_stops(&r->preflight))) {
        return report(r, rc, e);
    }
    if (target_open(r, e) != 0) {
        struct err found = ERR_INIT;

        if (preflight_report(&r->preflight, &r->warnings, &found) != 0) {
            err_print(&found);
        }
        return -1;
    }
    return report(r, look(r, server, sizeof server / sizeof server[0], e), e);
}

int
preflight_live(struct restore *r, struct err *e)
{
    static preflight_check *const checks[] = {check_chunks};

    return report(r, look(r, checks, 1, e), e);
}
