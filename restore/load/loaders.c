#include "restore/load/loaders.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/crypto/hash.h"
#include "core/log.h"
#include "pg/target/roles.h"
#include "restore/job/entries.h"

enum { KNOWS_ALL_DATA = 140000 }; /* pg_read_all_data, pg_write_all_data */

struct loaders {
    struct loader **v;
    size_t          n, cap;
    char            tag[9];   /* what the roles' names have in common */
    char           *all_data; /* a role that may read and write everything: before PostgreSQL 14 */
};

static void
loader_free(struct loader *l)
{
    free(l->owner);
    free(l->role);
    free(l);
}

/* The loader of that owner; NULL owner: of none. */
static struct loader *
find_loader(const struct loaders *l, const char *owner)
{
    for (size_t i = 0; i < l->n; i++) {
        if (owner == NULL ? l->v[i]->owner == NULL
                          : l->v[i]->owner != NULL && strcmp(l->v[i]->owner, owner) == 0) {
            return l->v[i];
        }
    }
    return NULL;
}

/* owner NULL: a member of none. */
static int
make_role(struct restore *r, const char *role, const char *owner, struct err *e)
{
    const char *all = r->loaders->all_data;
    char       *of = owner == NULL ? NULL : pg_ident(owner);
    int         rc = pg_execf(r->conn, e,
                              "CREATE ROLE %s LOGIN INHERIT NOSUPERUSER IN ROLE %s%s%s; "
                                      "COMMENT ON ROLE %s IS '" ROLES_TEMPORARY "'",
                              role, of != NULL ? of : "", of != NULL ? ", " : "",
                      all != NULL ? all : "pg_read_all_data, pg_write_all_data", role);

    if (rc == 0 && r->updates) {
        rc = pg_execf(r->conn, e, "ALTER ROLE %s SET session_replication_role = replica", role);
    }

    free(of);
    return rc;
}

/* The rights of those two roles, for one of the loaders; extensions' objects are left unchanged. */
static const char grant_all_data[] =
    "DO $$ DECLARE what text; BEGIN FOR what IN "
    "SELECT pg_catalog.format('USAGE ON SCHEMA %I', n.nspname) FROM pg_catalog.pg_namespace n "
    "WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' UNION ALL "
    "SELECT pg_catalog.format(CASE c.relkind WHEN 'S' THEN 'SELECT, USAGE ON SEQUENCE %I.%I' ELSE "
    "'SELECT, INSERT, UPDATE, DELETE ON %I.%I' END, n.nspname, c.relname) "
    "FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
    "WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND n.nspname !~ '^pg_' "
    "AND n.nspname <> 'information_schema' AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d "
    "WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid "
    "AND d.deptype = 'e') "
    "LOOP EXECUTE 'GRANT ' || what || ' TO ";

static int
make_all_data(struct restore *r, struct err *e)
{
    const char *role;

    if (pg_version(r->conn) >= KNOWS_ALL_DATA) {
        return 0;
    }
    role = r->loaders->all_data = xasprintf("pgassay_load_%s_all", r->loaders->tag);
    return pg_execf(r->conn, e,
                    "CREATE ROLE %s; COMMENT ON ROLE %s IS '" ROLES_TEMPORARY
                    "'; %s%s'; END LOOP; END $$",
                    role, role, grant_all_data, role) == 0
        ? 0
        : err_wrap(e, "a role to load rows");
}

/*
 * Some owners have no members (pg_database_owner), and a member of others would have dangerous
 * rights (pg_execute_server_program): their tables are loaded by a role that is a member of
 * nothing.
 */
static struct loader *
make_loader(struct restore *r, const char *owner, struct err *e)
{
    struct loaders *l = r->loaders;
    struct loader  *made;
    char           *role;

    if (owner != NULL && strncmp(owner, "pg_", 3) == 0) {
        owner = NULL;
    }
    if ((made = find_loader(l, owner)) != NULL) {
        return made;
    }
    role = xasprintf("pgassay_load_%s_%zu", l->tag, l->n);
    if (make_role(r, role, owner, e) != 0) {
        err_wrap(e, "a role to load the rows of \"%s\"", owner == NULL ? "nobody" : owner);
        free(role);
        return NULL;
    }
    made = xcalloc(1, sizeof *made);
    *made = (struct loader){.owner = owner == NULL ? NULL : xstrdup(owner), .role = role};
    VEC_GROW(l->v, l->n, l->cap);
    l->v[l->n++] = made;
    return made;
}

static struct table_job *
job_of(const struct restore *r, const char *schema, const char *name)
{
    const struct manifest_table *t = manifest_find(r->manifest, schema, name);

    return t == NULL ? NULL : &r->tables[t - r->manifest->tables];
}

/* The owner of each table in the copy, and whether it is a superuser; sorted by owner. */
static const char owners_sql[] =
    "SELECT n.nspname, c.relname, o.rolname, o.rolsuper FROM pg_catalog.pg_class c "
    "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
    "JOIN pg_catalog.pg_roles o ON o.oid = c.relowner "
    "WHERE c.relkind IN ('r', 'p') AND (NOT o.rolsuper OR n.nspname NOT IN ('pg_catalog', "
    "'information_schema')) ORDER BY c.relowner";

static int
set_loader(struct restore *r, struct table_job *job, const char *owner, bool super, struct err *e)
{
    const char *meant = job->table->owner;

    if (!super) {
        return (job->loader = make_loader(r, owner, e)) != NULL ? 0 : -1;
    }
    if (meant != NULL && strcmp(meant, owner) != 0 && job->table->extension == NULL) {
        return (job->loader = make_loader(r, NULL, e)) != NULL ? 0 : -1;
    }
    return 0;
}

static int
set_loaders(struct restore *r, struct err *e)
{
    PGresult *res = pg_query(r->conn, e, owners_sql, 0, NULL);
    int       rc = res == NULL ? -1 : 0;

    for (int i = 0; rc == 0 && i < PQntuples(res); i++) {
        struct table_job *job = job_of(r, PQgetvalue(res, i, 0), PQgetvalue(res, i, 1));

        if (job != NULL) {
            rc = set_loader(r, job, PQgetvalue(res, i, 2), *PQgetvalue(res, i, 3) == 't', e);
        }
    }
    PQclear(res);
    return rc;
}

static PGconn *
connect_as(struct restore *r, const struct loader *l, struct err *e)
{
    struct pg_target t = r->server;

    t.dbname = r->working_name;
    t.user = l->role;
    t.role = l->owner;
    return pg_connect(&t, PG_RESTORING, "pgassay-restore", e);
}

/* A server not started by pgassay may require passwords, which these roles do not have.  That a
 * network keeps a session from being made says nothing about that: workers try again. */
static bool
may_connect(struct restore *r)
{
    struct err e = ERR_INIT;
    PGconn    *conn = r->loaders->n == 0 ? NULL : connect_as(r, r->loaders->v[0], &e);

    if (conn == NULL && e.kind != ERR_NONE && e.kind != ERR_INTERRUPTED && !e.transient) {
        log_warn(
            "rows are loaded with a superuser's rights, and so are functions of the backup run: "
            "another role cannot connect: %s",
            e.text);
    }
    pg_close(conn);
    return conn != NULL || e.kind == ERR_NONE || e.transient;
}

int
loaders_make(struct restore *r, struct err *e)
{
    char *super;
    bool  is_super;

    if (!r->o->isolated) {
        return 0;
    }
    super = pg_value(r->conn, e,
                     "SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user", 0,
                     NULL);
    if (super == NULL) {
        return -1;
    }
    is_super = *super == 't';
    free(super);
    if (!is_super) {
        return 0;
    }
    r->loaders = xcalloc(1, sizeof *r->loaders);
    random_hex(4, r->loaders->tag);
    if (make_all_data(r, e) != 0 || set_loaders(r, e) != 0) {
        return -1;
    }
    if (!may_connect(r)) {
        for (size_t i = 0; i < r->n_tables; i++) {
            r->tables[i].loader = NULL;
        }
        loaders_end(r);
    }
    return 0;
}

/* With its grants and objects that functions made as it: code could have set a password for it, and
 * use a role that stays. */
static void
drop_role(struct restore *r, const char *role)
{
    struct err e = ERR_INIT;

    if (r->conn != NULL && PQstatus(r->conn) == CONNECTION_OK &&
        pg_execf(r->conn, &e, "DROP OWNED BY %s CASCADE; DROP ROLE %s", role, role) != 0) {
        log_warn("role %s, made to load rows, stays: %s", role, e.text);
    }
}

void
loaders_end(struct restore *r)
{
    struct loaders *l = r->loaders;

    for (int i = 0; i < r->o->jobs; i++) {
        pg_close(r->workers[i].as);
        r->workers[i].as = NULL;
        r->workers[i].as_loader = NULL;
    }
    if (l == NULL) {
        return;
    }
    for (size_t i = 0; i < l->n; i++) {
        drop_role(r, l->v[i]->role);
        loader_free(l->v[i]);
    }
    if (l->all_data != NULL) {
        drop_role(r, l->all_data);
    }
    free(l->all_data);
    free(l->v);
    free(l);
    r->loaders = NULL;
}

/* As the owner again, if the last table needed more rights. */
static int
narrow(struct worker *w, struct err *e)
{
    char *owner;
    int   rc;

    if (!w->widened) {
        return 0;
    }
    owner = pg_ident(w->as_loader->owner);
    rc = pg_execf(w->as, e, "SET ROLE %s", owner);
    free(owner);
    w->widened = false;
    return rc;
}

int
loader_use(struct restore *r, struct worker *w, const struct loader *l, struct err *e)
{
    w->rows = w->conn;
    if (l == NULL) {
        return 0;
    }
    if (w->as_loader != l) {
        pg_close(w->as);
        w->as_loader = NULL;
        w->widened = false;
        if ((w->as = connect_as(r, l, e)) == NULL) {
            w->as_unmade = e->kind == ERR_PG && e->transient;
            return err_wrap(e, "connecting as the loader of rows of \"%s\"",
                            l->owner == NULL ? "nobody" : l->owner);
        }
        w->as_loader = l;
        w->as_pid = PQbackendPID(w->as);
    }
    w->rows = w->as;
    return narrow(w, e);
}

bool
loader_widen(struct worker *w, struct err *e)
{
    struct err ignored = ERR_INIT;

    if (w->rows == w->conn || w->widened || w->as_loader->owner == NULL ||
        strcmp(e->sqlstate, "42501") != 0) {
        return false;
    }
    (void)pg_exec(w->rows, &ignored, "ROLLBACK");
    if (pg_exec(w->rows, &ignored, "RESET ROLE") != 0) {
        return false;
    }
    log_info("loading as %s, as its owner lacks a right: %s", w->as_loader->role, e->text);
    w->widened = true;
    err_clear(e);
    return true;
}

/* The archive's list has blanks for line ends. */
static bool
is_owner(const char *listed, const char *owner)
{
    for (; *listed != '\0' &&
         (*listed == *owner || (*listed == ' ' && (*owner == '\n' || *owner == '\r')));
         listed++, owner++) {
    }
    return *listed == *owner;
}

const struct loader *
loader_of_entry(const struct restore *r, const struct archive_entry *entry)
{
    const struct loaders *l = r->loaders;

    if (l == NULL || strcmp(entry->desc, "CHECK CONSTRAINT") != 0) {
        return NULL;
    }
    for (size_t i = 0; i < l->n; i++) {
        if (l->v[i]->owner != NULL && is_owner(entry->owner, l->v[i]->owner)) {
            return l->v[i];
        }
    }
    return NULL;
}

int
loader_run_entry(struct restore *r, const struct loader *l, const struct archive_entry *entry,
                 struct err *e)
{
    struct worker *w = &r->workers[0];

    if (loader_use(r, w, l, e) != 0) {
        return -1;
    }
    if (pg_exec(w->rows, e, entry->sql) == 0) {
        return 0;
    }
    (void)loader_widen(w, e);
    err_clear(e);
    return entry_statement(r, w->rows, entry, entry->sql, e);
}
