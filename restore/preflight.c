/*
 * preflight.c - checks before anything changes; all problems are reported at once.
 *
 * Some findings make a restore impossible or pointless: they stop it.  Others cost single objects:
 * they are warnings, the objects become problems later, and the exit status says so.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "core/human.h"
#include "core/log.h"
#include "restore/job/names.h"
#include "restore/job/restore.h"
#include "restore/job/tablespaces.h"
#include "restore/part/parts.h"
#include "restore/swap.h"

struct findings {
    struct strlist stop, hints, warn;
};

static void
findings_free(struct findings *f)
{
    strlist_free(&f->stop);
    strlist_free(&f->hints);
    strlist_free(&f->warn);
}

/* All of them in the log, the first in *e. */
static int
report(struct restore *r, struct findings *f, struct err *e)
{
    int rc = 0;

    for (size_t i = 0; i < f->warn.n; i++) {
        log_warn("%s", f->warn.v[i]);
        strlist_add(&r->warnings, f->warn.v[i]);
    }
    for (size_t i = 1; i < f->stop.n; i++) {
        log_error("%s", f->stop.v[i]);
        log_error("hint: %s", f->hints.v[i]);
    }
    if (f->stop.n > 0) {
        rc = err_set(e, ERR_EXISTS, "%s", f->stop.v[0]);
        e->kind = ERR_PG;
        err_hint(e, "%s", f->hints.v[0]);
    }
    return rc;
}

static void
stop(struct findings *f, const char *hint, char *text)
{
    strlist_take(&f->stop, text);
    strlist_add(&f->hints, hint);
}

static void
check_contents(const struct restore *r, struct findings *f)
{
    if (!r->has_archive) {
        stop(f,
             "restore a backup that was taken without --data-only, or load these rows by hand into "
             "tables that are there (docs/recipe.md)",
             xasprintf("backup %s holds rows only (--data-only): there are no definitions to make "
                       "a "
                       "database from",
                       r->label->id));
    }
    for (size_t i = 0; r->has_archive && i < r->label->warnings.n; i++) {
        strlist_take(&f->warn, xasprintf("when the backup was taken: %s", r->label->warnings.v[i]));
    }
    if (r->o->globals && r->globals.len == 0) {
        strlist_add(&f->warn,
                    "the backup holds no globals: missing roles cannot be created as they were");
    }
}

static void
check_space(const struct restore *r, struct findings *f)
{
    const char    *dir = r->o->scratch_dir != NULL ? r->o->scratch_dir : getenv("TMPDIR");
    struct statvfs fs;
    uint64_t       have, wanted;
    char           a[32], b[32];

    dir = dir == NULL || *dir == '\0' ? "/tmp" : dir;
    if (!r->o->scratch || statvfs(dir, &fs) != 0) {
        return;
    }
    have = (uint64_t)fs.f_bavail * fs.f_frsize;
    wanted = parts_asked(r->o) ? plan_sizes(r).relation_bytes : r->label->database_bytes;
    if (have < wanted) {
        stop(f, "name a directory with more room with --scratch-dir",
             xasprintf("the database takes %s, but only %s are free in \"%s\"",
                       size_human(wanted, a, sizeof a), size_human(have, b, sizeof b), dir));
    }
}

int
preflight_local(struct restore *r, struct err *e)
{
    struct findings f = {0};
    int             rc;

    check_contents(r, &f);
    check_space(r, &f);
    rc = report(r, &f, e);
    findings_free(&f);
    return rc;
}

/* One column of a query. */
static int
column(struct restore *r, const char *sql, struct strlist *out, struct err *e)
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

static char *
joined(const struct strlist *l)
{
    struct buf b = BUF_INIT(BUF_NO_LIMIT);
    struct err never = ERR_INIT;
    char      *text;

    for (size_t i = 0; i < l->n; i++) {
        if (i == 12 && l->n > 13) {
            (void)buf_printf(&b, &never, " and %zu more", l->n - i);
            break;
        }
        (void)buf_printf(&b, &never, "%s\"%s\"", i == 0 ? "" : ", ", l->v[i]);
    }
    text = xstrdup(buf_str(&b));
    buf_free(&b);
    return text;
}

static int
check_name(struct restore *r, struct findings *f, struct err *e)
{
    struct strlist databases = {0};

    if (r->o->swap) {
        return swap_preflight(r, &f->stop, &f->hints, e);
    }
    if (column(r, "SELECT datname FROM pg_catalog.pg_database", &databases, e) != 0) {
        return -1;
    }
    if (strlist_has(&databases, r->name)) {
        char *server = target_name(r);

        stop(f, "an existing database is never touched: give another name with --to",
             xasprintf("database \"%s\" already exists on %s", r->name, server));
        free(server);
    }
    strlist_free(&databases);
    return 0;
}

static int
check_rights(struct restore *r, struct findings *f, struct err *e)
{
    struct strlist facts = {0};
    int            rc;

    rc = column(r,
                "SELECT CASE WHEN pg_catalog.pg_is_in_recovery() THEN 'standby' END UNION ALL "
                "SELECT CASE WHEN NOT (rolcreatedb OR rolsuper) THEN 'nocreatedb' END FROM "
                "pg_catalog.pg_roles "
                "WHERE rolname = current_user UNION ALL "
                "SELECT CASE WHEN NOT rolsuper THEN 'nosuper' END FROM pg_catalog.pg_roles WHERE "
                "rolname = current_user",
                &facts, e);
    if (strlist_has(&facts, "standby")) {
        stop(f, "restore into the primary",
             xstrdup("the target server is a standby: nothing can be created there"));
    }
    if (strlist_has(&facts, "nocreatedb")) {
        stop(f, "connect as a role with CREATEDB, or name one with --role",
             xasprintf("permission denied: role \"%s\" may not create databases",
                       r->o->role != NULL ? r->o->role : PQuser(r->maintenance)));
    }
    if (strlist_has(&facts, "nosuper")) {
        strlist_add(&f->warn,
                    "the target role is not a superuser: objects that need one will be named and "
                    "left out");
    }
    strlist_free(&facts);
    return rc;
}

static void
check_version(struct restore *r, struct findings *f)
{
    int have = pg_version(r->maintenance) / 10000, had = r->label->server_version_num / 10000;

    if (have < 13) {
        stop(f, "restore into PostgreSQL 13 or later",
             xasprintf("the target server is PostgreSQL %d", have));
    } else if (have < had) {
        strlist_take(&f->warn,
                     xasprintf("the backup comes from PostgreSQL %d, the target is the older %d: "
                               "objects that it does not know will be named and left out",
                               had, have));
    }
}

static int
check_extensions(struct restore *r, struct findings *f, struct err *e)
{
    struct strlist there = {0}, missing = {0};
    int            rc = column(r, "SELECT name FROM pg_catalog.pg_available_extensions", &there, e);

    for (size_t i = 0; rc == 0 && i < r->archive.n; i++) {
        if (strcmp(r->archive.v[i].desc, "EXTENSION") == 0 &&
            !strlist_has(&there, r->archive.v[i].tag)) {
            strlist_add(&missing, r->archive.v[i].tag);
        }
    }
    if (missing.n > 0) {
        char *names = joined(&missing);
        strlist_take(&f->warn,
                     xasprintf("extensions not installed on the target server: %s; what needs them "
                               "will be named "
                               "and left out",
                               names));
        free(names);
    }
    strlist_free(&there);
    strlist_free(&missing);
    return rc;
}

/* Whether the options decide about objects whose owner is missing on the server. */
static bool
roles_answered(const struct options *o)
{
    return o->isolated || o->no_owner || o->role != NULL;
}

static void
warn_roles(struct findings *f, const struct strlist *roles, const char *what, const char *then)
{
    if (roles->n > 0) {
        char *names = joined(roles);

        strlist_take(&f->warn,
                     xasprintf("roles that %s the backup are not on the target server: %s; %s "
                               "(--globals creates the roles)",
                               what, names, then));
        free(names);
    }
}

static void
stop_roles(const struct restore *r, struct findings *f, const struct strlist *owners,
           const struct strlist *grantees)
{
    char       *own = joined(owners), *have = joined(grantees), *server = target_name(r);
    const char *hint = r->o->globals ? "the backup holds no globals: create the roles, or "
                                       "--no-owner leaves what they own to "
                                       "you, and -x their privileges out"
                                     : "--globals creates them first, as they were; --no-owner "
                                       "leaves what they own to you, and "
                                       "-x their privileges out";

    stop(f, hint,
         xasprintf("roles of the backup are not on %s: %s%s%s", server, own,
                   owners->n > 0 && grantees->n > 0 ? "; and, with privileges only, "
                       : owners->n == 0             ? "with privileges only, "
                                                    : "",
                   have));
    free(own);
    free(have);
    free(server);
}

/* Roles of the archive that neither the server has nor the globals will create.  Their objects
 * would get another owner, which is seldom intended: one error beforehand, not a warning for each
 * object. */
static int
check_roles(struct restore *r, struct findings *f, struct err *e)
{
    struct strlist there = {0}, owners = {0}, grantees = {0};
    int            rc = column(r, "SELECT rolname FROM pg_catalog.pg_roles", &there, e);

    if (rc == 0 && !(r->o->globals && r->globals.len > 0)) {
        names_of_roles(&r->archive, &there, r->o->no_owner ? NULL : &owners,
                       r->o->no_privileges ? NULL : &grantees);
    }
    if (roles_answered(r->o)) {
        warn_roles(f, &owners, "own objects of", "their objects will belong to you");
        warn_roles(f, &grantees, "have privileges in",
                   "their privileges and policies will be left out");
    } else if (owners.n + grantees.n > 0) {
        stop_roles(r, f, &owners, &grantees);
    }
    strlist_free(&there);
    strlist_free(&owners);
    strlist_free(&grantees);
    return rc;
}

/* A mapped name that the backup does not have is misspelt. */
static void
check_tablespace_map(const struct restore *r, const struct strlist *used, const char *own,
                     struct findings *f)
{
    const struct strlist *map = &r->o->tablespace_map;

    for (size_t i = 0; i < map->n; i++) {
        char *old = xstrndup(map->v[i], strcspn(map->v[i], "="));

        if (!strlist_has(used, old) && (own == NULL || strcmp(own, old) != 0)) {
            stop(f, "--tablespace-map names those of the backup first: OLD=NEW",
                 xasprintf("nothing of the backup lies in tablespace \"%s\"", old));
        }
        free(old);
    }
}

/* Without its own tablespace the database is still complete; its new place is reported. */
static void
place_database(struct restore *r, const struct strlist *there, const char *own, struct findings *f)
{
    const char *name = tablespaces_mapped(&r->o->tablespace_map, own);

    if (name == NULL || strlist_has(there, name)) {
        r->tablespace = name == NULL ? NULL : xstrdup(name);
    } else if (name != own) {
        stop(f, "create it first",
             xasprintf("tablespace \"%s\" of --tablespace-map is not on the target server", name));
    } else {
        strlist_take(&f->warn,
                     xasprintf("tablespace \"%s\", in which the database lay, is not on the target "
                               "server: it goes into the default one (--tablespace-map \"%s\"=NEW "
                               "names another)",
                               name, name));
    }
}

/* An entry with a tablespace that is missing fails, and with it the table. */
static void
check_entries(const struct restore *r, const struct strlist *there, const struct strlist *used,
              struct findings *f)
{
    struct strlist missing = {0};

    for (size_t i = 0; i < used->n; i++) {
        const char *name = tablespaces_mapped(&r->o->tablespace_map, used->v[i]);

        if (!strlist_has(there, name) && !strlist_has(&missing, name)) {
            strlist_add(&missing, name);
        }
    }
    if (missing.n > 0) {
        char *names = joined(&missing);

        stop(f,
             "create them first, name others (--tablespace-map OLD=NEW), or do without "
             "(--no-tablespaces; a scratch server always does)",
             xasprintf("tablespaces of the backup are not on the target server: %s", names));
        free(names);
    }
    strlist_free(&missing);
}

static int
check_tablespaces(struct restore *r, struct findings *f, struct err *e)
{
    struct strlist there = {0};
    char          *own = tablespaces_of_database(r);
    int            rc = column(r, "SELECT spcname FROM pg_catalog.pg_tablespace", &there, e);

    if (rc == 0 && !r->o->no_tablespaces) {
        check_tablespace_map(r, &r->tablespaces, own, f);
        check_entries(r, &there, &r->tablespaces, f);
        place_database(r, &there, own, f);
    }
    free(own);
    strlist_free(&there);
    return rc;
}

/* A failed query does not hide the findings of the others. */
static int
report_failure(struct restore *r, struct findings *f, struct err *e)
{
    struct err found = ERR_INIT;

    if (report(r, f, &found) != 0) {
        log_error("%s", found.text);
        log_error("hint: %s", found.hint);
    }
    return err_wrap(e, "preflight");
}

int
preflight_server(struct restore *r, struct err *e)
{
    struct findings f = {0};
    int             rc;

    check_version(r, &f);
    if (check_name(r, &f, e) == 0 && check_rights(r, &f, e) == 0 &&
        check_extensions(r, &f, e) == 0 && check_roles(r, &f, e) == 0 &&
        check_tablespaces(r, &f, e) == 0) {
        rc = report(r, &f, e);
    } else {
        rc = report_failure(r, &f, e);
    }
    findings_free(&f);
    return rc;
}
