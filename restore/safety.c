#include "restore/safety.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/exit.h"
#include "core/host/proc.h"
#include "core/json.h"
#include "pg/target/aside.h"
#include "storage/read/backup_find.h"
#include "storage/read/parts.h"
#include "storage/repo/pins.h"
#include "storage/repo/source.h"

enum { OUTPUT_MAX = 64 << 20, ARGS_MAX = 24 };

/* Does the name stand for the database that is to be dropped, or one that a swap has set aside for
 * it?  Then the backup program accepts it (backup/job.c). */
static int
stands_for_it(struct restore *r, const char *db, bool *yes, struct err *e)
{
    static const char sql[] =
        "SELECT d.oid, s.system_identifier FROM pg_catalog.pg_control_system() s, "
        "pg_catalog.pg_database d WHERE d.datname = $1";
    const char        *params[] = {r->name};
    const char        *owner = json_opt_str(r->live, "owner", "");
    struct repo_source is = {0};
    uint32_t          *before = NULL;
    size_t             n = 0, cap = 0;
    PGresult          *res = NULL;
    int                rc = -1;

    *yes = false;
    if (source_load(r->repo, db, &is, e) != 0) {
        rc = e->kind == ERR_NOT_FOUND ? 0 : -1;
        err_clear(e);
        return rc;
    }
    if ((res = pg_query(r->maintenance, e, sql, 1, params)) != NULL && PQntuples(res) == 1 &&
        aside_oids(r->maintenance, r->name, owner, &before, &n, &cap, e) == 0) {
        bool here = strtoull(PQgetvalue(res, 0, 1), NULL, 10) == is.system_identifier;

        *yes = here && strtoul(PQgetvalue(res, 0, 0), NULL, 10) == is.database_oid;
        for (size_t i = 0; here && i < n; i++) {
            *yes = *yes || before[i] == is.database_oid;
        }
        rc = 0;
    }
    PQclear(res);
    free(before);
    source_free(&is);
    return rc;
}

/* How another program is run, and what it printed. */
struct program {
    const char          *name; /* pgassay-... */
    struct strlist       args;
    char                *path;
    char               **env;
    const struct secret *passphrase; /* on its stdin */
    struct buf           out;
    int                  status;
};

static void
program_begin(struct program *t, const struct restore *r, const char *name)
{
    *t = (struct program){.name = name, .out = BUF_INIT(OUTPUT_MAX)};
    strlist_add(&t->args, "--repo");
    strlist_add(&t->args, storage_location_name(&r->o->place));
    if (r->o->config_file != NULL) {
        strlist_add(&t->args, "--config");
        strlist_add(&t->args, r->o->config_file);
    }
    strlist_take(&t->args, xasprintf("--jobs=%d", r->o->jobs));
    strlist_add(&t->args, "--json");
    strlist_add(&t->args, "--quiet");
}

static void
program_end(struct program *t)
{
    strlist_free(&t->args);
    free(t->path);
    buf_free(&t->out);
}

static int
program_run(struct program *t, struct err *e)
{
    const char **argv = xcalloc(t->args.n + 2, sizeof *argv);
    int          rc = -1;

    if ((t->path = proc_sibling(t->name, e)) != NULL) {
        argv[0] = t->path;
        for (size_t i = 0; i < t->args.n; i++) {
            argv[i + 1] = t->args.v[i];
        }
        rc = proc_run(&(struct proc_spec){.argv = argv,
                                          .env = (const char *const *)t->env,
                                          .in = t->passphrase == NULL ? NULL : t->passphrase->data,
                                          .in_len = t->passphrase == NULL ? 0 : t->passphrase->n,
                                          .out = &t->out,
                                          .idle_ms = -1,
                                          .status_ok = true,
                                          .ours = true},
                      &t->status, e);
    }
    free(argv);
    if (rc == 0 && t->status > 128) {
        rc = err_set(e, ERR_INTERRUPTED, "%s was interrupted", t->name);
    }
    return rc;
}

/* Its id, allocated, from what the program printed. */
static char *
read_id(const struct program *t, struct err *e)
{
    struct err ignored = ERR_INIT;
    json_t    *doc = json_read(t->out.data, t->out.len, &ignored);
    json_t    *one = json_array_get(json_object_get(doc, "backups"), 0);
    char      *id = NULL;

    if (t->status == EXIT_GOOD && json_opt_str(one, "backup", NULL) != NULL) {
        id = xstrdup(json_opt_str(one, "backup", ""));
    } else {
        err_set(e, ERR_IO, "%s",
                json_opt_str(one, "error", "pgassay-backup ended without a backup"));
        err_hint(e, "%s", json_opt_str(one, "hint", ""));
    }
    json_decref(doc);
    return id;
}

/* The connection string and the environment stand for the server of this connection. */
static char *
back_up(struct restore *r, const char *db, bool adopt, struct err *e)
{
    struct program t;
    struct buf     conninfo = BUF_INIT(BUF_NO_LIMIT);
    char          *server = pg_child_conninfo(r->maintenance), *id = NULL;
    char          *note = label_safety_note(r->label->id);
    struct err     never = ERR_INIT;

    program_begin(&t, r, "pgassay-backup");
    for (size_t i = 0; i < r->o->repo_options.n; i++) {
        strlist_take(&t.args, xasprintf("--repo-option=%s", r->o->repo_options.v[i]));
    }
    (void)buf_puts(&conninfo, server, &never);
    pg_conninfo_add(&conninfo, "dbname", r->name);
    strlist_add(&t.args, "--complete");
    strlist_take(&t.args, xasprintf("--name=%s", db));
    strlist_take(&t.args, xasprintf("--note=%s", note));
    if (adopt) {
        strlist_add(&t.args, "--adopt");
    }
    if (r->o->role != NULL) {
        strlist_take(&t.args, xasprintf("--role=%s", r->o->role));
    }
    if (r->o->pg_bindir != NULL) {
        strlist_take(&t.args, xasprintf("--pg-bindir=%s", r->o->pg_bindir));
    }
    strlist_add(&t.args, "--");
    strlist_add(&t.args, buf_str(&conninfo));
    t.env = pg_child_env(r->maintenance);
    if (program_run(&t, e) == 0) {
        id = read_id(&t, e);
    }
    pg_child_env_free(t.env);
    program_end(&t);
    free(server);
    free(note);
    buf_free(&conninfo);
    return id;
}

static int
verify(struct restore *r, const char *db, const char *id, struct err *e)
{
    struct program t;
    int            rc;

    program_begin(&t, r, "pgassay-verify");
    strlist_add(&t.args, "objects");
    storage_given_args(&r->o->given, &t.args);
    if ((t.passphrase = keyring_passphrase(r->repo->keys)) != NULL) {
        strlist_add(&t.args, "--passphrase-fd=0"); /* the last one counts */
    }
    strlist_take(&t.args, xasprintf("--backup=%s", id));
    strlist_add(&t.args, "--");
    strlist_add(&t.args, db);
    rc = program_run(&t, e);
    if (rc == 0 && t.status != EXIT_GOOD) {
        rc = err_set(e, ERR_CORRUPT, "\"pgassay verify objects\" of it ended with status %d",
                     t.status);
    }
    program_end(&t);
    return rc;
}

/* Is there anything of the database that it does not hold? */
static int
check_complete(struct restore *r, const char *db, const char *id, struct err *e)
{
    struct label    *l = backup_find(r->repo, db, id, 0, e);
    struct manifest *m = l == NULL ? NULL : manifest_load(r->repo, l, e);
    int              rc = m == NULL ? -1 : 0;

    if (rc == 0 && strcmp(l->scope, "full") != 0) {
        rc = err_set(e, ERR_CORRUPT, "it holds a part of the database only");
    }
    for (size_t i = 0; rc == 0 && i < m->n_tables; i++) {
        const struct manifest_table *t = &m->tables[i];

        if (t->kind == 'r' && t->skipped != NULL) {
            rc = err_set(e, ERR_CORRUPT, "it has no rows of table %s.%s (%s)", t->schema, t->name,
                         t->skipped);
        }
    }
    manifest_free(m);
    label_free(l);
    return rc;
}

int
safety_verify_source(struct restore *r, struct err *e)
{
    if (verify(r, r->label->db, r->label->id, e) == 0) {
        return 0;
    }
    err_wrap(e, "backup %s of %s, which is to be restored", r->label->id, r->label->db);
    return e->kind == ERR_INTERRUPTED
        ? -1
        : err_hint(e, "nothing has changed; pgassay-verify objects names what is damaged");
}

static int
make_sure(struct restore *r, const char *db, const char *id, struct err *e)
{
    char *note = xasprintf("database \"%s\" as it was before it was replaced by %s", r->name,
                           r->label->id);
    int   rc = check_complete(r, db, id, e) != 0 || verify(r, db, id, e) != 0
          ? -1
          : pin_put(r->repo, db, id, note, e);

    free(note);
    return rc == 0 ? 0 : err_wrap(e, "%s", id);
}

int
safety_take(struct restore *r, char **db, char **id, struct err *e)
{
    bool own = false;

    *db = *id = NULL;
    if (stands_for_it(r, r->label->db, &own, e) == 0) {
        *db = own ? xstrdup(r->label->db) : xasprintf("%s_replaced", r->name);
        *id = back_up(r, *db, !own, e);
    }
    if (*id != NULL && make_sure(r, *db, *id, e) == 0) {
        return 0;
    }
    free(*db);
    free(*id);
    *db = *id = NULL;
    err_wrap(e, "safety backup of database \"%s\"", r->name);
    return e->kind == ERR_INTERRUPTED || e->hint[0] != '\0'
        ? -1
        : err_hint(e, "nothing has changed; --no-safety-backup goes without");
}
