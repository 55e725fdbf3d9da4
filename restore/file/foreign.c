#include "restore/file/foreign.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/progress.h"
#include "restore/file/foreign_impl.h"
#include "storage/format/object.h"

#define LIST_MAX (256 * MIB)

void
foreign_free(struct foreign *f)
{
    if (f != NULL) {
        contents_free(&f->contents);
        spool_free(&f->spool);
        found_free(&f->found);
        pg_tool_free(&f->pg_restore);
        strlist_free(&f->done_without);
        free(f);
    }
}

bool
foreign_is_cluster(const struct restore *r)
{
    return r->foreign->options.cluster;
}

/* ---- reading ---- */

static int
check_target(const struct restore *r, const struct foreign *f, struct err *e)
{
    if (r->o->file_db != NULL && f->found.kind->kind != DUMP_CLUSTER) {
        err_set(e, ERR_USAGE, "--db: \"%s\" is a %s, of one database", f->found.file.name,
                f->found.kind->name);
        return err_hint(e, "leave out --db: --to says how the new database is called");
    }
    if (f->found.kind->kind != DUMP_CLUSTER || r->o->file_db != NULL || r->o->isolated ||
        r->o->list) {
        return 0;
    }
    err_set(e, ERR_USAGE,
            "\"%s\" is a %s: it makes roles, tablespaces and databases of its own names, and is "
            "not "
            "let loose on a running server",
            f->found.file.name, f->found.kind->name);
    return err_hint(e,
                    "--db NAME restores one of its databases; --scratch --keep all of it, into a "
                    "server of its own");
}

/* Is the database that was asked for in it? */
static int
check_picked(const struct foreign *f, struct err *e)
{
    const struct strlist *all = &f->contents.databases;
    char                 *list;

    if (f->options.pick == NULL || f->contents.policy.met) {
        return 0;
    }
    list = preflight_names(all);
    err_set(e, ERR_NOT_FOUND, "it has no database \"%s\"", f->options.pick);
    err_hint(e, "%s%s", all->n == 0 ? "it has none but the server's own" : "it has ", list);
    free(list);
    return -1;
}

/* The rows of as many tables as are listed.  INSERT may be in many statements for a table, and of
 * an empty one there is only pg_restore's comment; COPY is there for an empty one, too. */
static int
check_tables(const struct contents *c, uint64_t listed, struct err *e)
{
    bool no_rows = c->copies == 0 && c->data == listed; /* of pg_dump --inserts */

    return c->copies == listed || c->inserts > 0 || no_rows
        ? 0
        : err_set(e, ERR_CORRUPT,
                  "its table of contents lists the rows "
                  "of %" PRIu64
                  " tables, but it holds those of "
                  "%" PRIu64 ": it is not whole",
                  listed, c->copies);
}

/* pg_restore: the newest reads any archive's list; the script is printed by the one that is nearest
 * to the pg_dump, since newer ones print settings that older servers do not know. */
static int
open_archive(struct foreign *f, uint64_t *listed, struct err *e)
{
    struct buf     list = BUF_INIT(LIST_MAX);
    struct pg_tool newest = {0};
    int            rc = pg_tool_find("pg_restore", 0, &newest, e);

    f->script.spool = &f->spool;
    f->script.pg_restore = newest.path;
    if (rc == 0 && (rc = spool_open(&f->spool, &f->found, e)) == 0 &&
        (rc = script_list(&f->script, &list, e)) == 0) {
        *listed = contents_read_list(&f->contents, buf_str(&list));
        rc = pg_tool_find("pg_restore", f->contents.by_version, &f->pg_restore, e);
        f->script.pg_restore = f->pg_restore.path;
    }
    pg_tool_free(&newest);
    buf_free(&list);
    return rc;
}

static int
read_contents(struct restore *r, struct err *e)
{
    struct foreign *f = r->foreign;
    bool            archive = !dump_kind_is_sql(f->found.kind->kind);
    uint64_t        listed = 0;

    if (archive && open_archive(f, &listed, e) != 0) {
        return -1;
    }
    if (contents_read(&f->contents, &f->script, &f->options, e) != 0 ||
        (archive && check_tables(&f->contents, listed, e) != 0) || check_picked(f, e) != 0) {
        return -1;
    }
    return found_unchanged(&f->found, e);
}

/* What the definitions do not say. */
static void
complete_contents(struct contents *c, const struct manifest *m)
{
    struct err  ignored = ERR_INIT;
    const char *time = json_opt_str(m->snapshot, "time", NULL);

    for (size_t i = 0; i < m->n_tables; i++) {
        c->rows += m->tables[i].rows;
        c->bytes += m->tables[i].bytes;
    }
    if (time != NULL) {
        free(c->taken);
        c->taken = xstrdup(time);
    }
    if (c->policy.database == NULL) { /* of a part of it */
        c->policy.database = object_text(m->database, "name", &ignored);
    }
}

static int
named(const struct foreign *f, struct err *e)
{
    size_t n = strlen(f->found.file.name);

    return e->kind == ERR_INTERRUPTED || strncmp(e->text + 1, f->found.file.name, n) == 0
        ? -1
        : err_wrap(e, "\"%s\"%s%s", f->found.file.name, f->found.member == NULL ? "" : ": ",
                   f->found.member == NULL ? "" : f->found.member);
}

int
foreign_read(struct restore *r, struct err *e)
{
    const struct options *o = r->o;
    struct foreign       *f = r->foreign = xcalloc(1, sizeof *f);

    f->spool = (struct spool)SPOOL_INIT;
    f->found.limits = (struct unpack_limits){.size_bytes = o->max_size_bytes,
                                             .ratio = (uint64_t)o->max_ratio};
    progress_start("reading", 0, o->quiet);
    if (found_open(&f->found, o->file, o->member, e) != 0 || check_target(r, f, e) != 0) {
        return -1;
    }
    f->options = (struct policy_options){.cluster = f->found.kind->kind == DUMP_CLUSTER &&
                                             o->file_db == NULL,
                                         .pick = o->file_db,
                                         .scratch = o->isolated,
                                         .allow_remote = o->allow_remote,
                                         .no_owner = o->no_owner,
                                         .no_privileges = o->no_privileges,
                                         .no_tablespaces = o->no_tablespaces,
                                         .self = o->isolated ? scratch_user(NULL) : NULL};
    f->script = (struct script){.found = &f->found,
                                .no_owner = o->no_owner,
                                .no_privileges = o->no_privileges,
                                .no_tablespaces = o->no_tablespaces};
    if (read_contents(r, e) != 0) {
        return named(f, e);
    }
    if (f->found.bundled != NULL) {
        complete_contents(&f->contents, f->found.bundled->m);
    }
    r->source_name = f->contents.policy.database;
    r->source_version = f->contents.from_version;
    r->source_properties = f->found.bundled != NULL ? f->found.bundled->m->database
                                                    : f->contents.policy.properties;
    return 0;
}

/* ---- before anything is made ---- */

/* The first column of a query. */
static int
column(struct restore *r, const char *sql, struct strlist *out, struct err *e)
{
    PGresult *res = pg_query(r->maintenance, e, sql, 0, NULL);

    for (int i = 0; res != NULL && i < PQntuples(res); i++) {
        strlist_add(out, PQgetvalue(res, i, 0));
    }
    PQclear(res);
    return res == NULL ? -1 : 0;
}

/* Names that the query does not give are a finding. */
static int
check_names(struct restore *r, const struct strlist *names, const char *sql, const char *what,
            const char *hint, struct err *e)
{
    struct strlist there = {0}, missing = {0};
    char          *list;
    int            rc = column(r, sql, &there, e);

    for (size_t i = 0; rc == 0 && i < names->n; i++) {
        if (!strlist_has(&there, names->v[i])) {
            strlist_add(&missing, names->v[i]);
        }
    }
    if (missing.n > 0) {
        list = preflight_names(&missing);
        preflight_stop(&r->preflight, hint,
                       xasprintf("%s of the dump that the server does not have: %s", what, list));
        free(list);
    }
    strlist_free(&there);
    strlist_free(&missing);
    return rc;
}

static int
make_roles(struct restore *r, struct err *e)
{
    const struct strlist *roles = &r->foreign->contents.policy.roles;

    for (size_t i = 0; i < roles->n; i++) {
        char *ident = pg_ident(roles->v[i]);
        int   rc = pg_execf(r->maintenance, e, "CREATE ROLE %s", ident);

        free(ident);
        if (rc != 0 && strcmp(e->sqlstate, "42710") != 0) {
            return err_wrap(e, "role \"%s\"", roles->v[i]);
        }
        err_clear(e);
    }
    return 0;
}

static int
check_name(struct restore *r, struct err *e)
{
    struct strlist databases = {0};
    int            rc = column(r, "SELECT datname FROM pg_catalog.pg_database", &databases, e);

    if (rc == 0 && strlist_has(&databases, r->name)) {
        preflight_stop(
            &r->preflight,
            "restore under another name; pgassay restore DB --switch-to NAME puts it in "
            "the other's place",
            xasprintf("database \"%s\" exists, and an existing one is never touched", r->name));
    }
    strlist_free(&databases);
    return rc;
}

/* --isolated: another tool has started it, and a dump of pg_dumpall may make what it likes there.
 * Not so on a server that is somebody's. */
static int
check_isolated(struct restore *r, struct err *e)
{
    char *name = r->o->isolated && !r->o->scratch
        ? pg_value(r->maintenance, e, "SELECT pg_catalog.current_setting('cluster_name')", 0, NULL)
        : NULL;
    bool  is = name != NULL && strcmp(name, SCRATCH_CLUSTER_NAME) == 0;

    free(name);
    if (e->kind != ERR_NONE || !r->o->isolated || r->o->scratch || is) {
        return e->kind == ERR_NONE ? 0 : -1;
    }
    err_set(e, ERR_USAGE,
            "--isolated with --file is for a throw-away server that pgassay has started");
    return err_hint(e, "--scratch starts one of its own");
}

int
foreign_preflight(struct restore *r, struct err *e)
{
    const struct policy *p = &r->foreign->contents.policy;

    if (check_isolated(r, e) != 0) {
        return -1;
    }
    if ((!foreign_is_cluster(r) && check_name(r, e) != 0) ||
        check_names(r, &p->extensions, "SELECT name FROM pg_catalog.pg_available_extensions",
                    "extensions", "install their packages on the server", e) != 0 ||
        check_names(r, &p->tablespaces, "SELECT spcname FROM pg_catalog.pg_tablespace",
                    "tablespaces", "create them, or leave them out: --no-tablespaces", e) != 0 ||
        (!r->o->isolated &&
         check_names(r, &p->roles, "SELECT rolname FROM pg_catalog.pg_roles", "roles",
                     "create them, or leave owners (-O) and privileges (-x) out", e) != 0)) {
        return err_wrap(e, "preflight");
    }
    if (preflight_report(&r->preflight, &r->warnings, e) != 0) {
        return -1;
    }
    return r->o->isolated && !r->o->dry_run ? make_roles(r, e) : 0;
}

int
foreign_run(struct restore *r, struct err *e)
{
    return dump_run(r, e) != 0 ? named(r->foreign, e) : 0;
}
