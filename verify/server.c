#include "verify/server.h"

#include <stdlib.h>
#include <string.h>

#include "core/exit.h"
#include "core/report/watch_show.h"
#include "storage/read/backup_find.h"
#include "storage/repo/repo.h"
#include "verify/health/health.h"
#include "verify/health/terminate.h"
#include "verify/report/of_watch.h"
#include "verify/report/write.h"
#include "verify/status.h"

/* The name on the server of a database of the configuration. */
static const char *
name_there(const struct options *o, const char *db)
{
    const char *name = config_get(o->config, "database", db, "dbname");

    return name != NULL ? name : db;
}

/* Without any name the one database that every server has. */
static struct pg_target
target_of(const struct options *o)
{
    struct pg_target t = options_target(o);

    if (!options_name_database(o))
        t.dbname = o->database != NULL ? name_there(o, o->database) : "postgres";
    return t;
}

static int
print(const struct options *o, const struct watch_report *r, const char *title, struct err *e)
{
    if (report_asked(o) && report_write(o, report_of_watch(r, title), e) != 0)
        return -1;
    if (o->nagios)
        return watch_show_nagios(r);
    if (!o->json)
        watch_show_text(r, options_quiet(o));
    else if (watch_show_json(r, e) != 0)
        return -1;
    return watch_worst(r) == WATCH_OK ? EXIT_GOOD : EXIT_DIFFERENT;
}

static int
terminate(const struct options *o, struct err *e)
{
    struct terminate_request q = {.idle_s = o->terminate_idle_s,
                                  .application = o->application,
                                  .in_transaction = o->in_transaction,
                                  .yes = o->yes};
    struct terminate_result  r = {0};
    struct pg_target         t = target_of(o);
    int                      rc = terminate_run(&t, &o->health, &q, &r, e);

    if (rc == 0 && o->json)
        rc = json_print(terminate_json(&r, &q), e);
    else if (rc == 0 && (r.n > 0 || !options_quiet(o)))
        terminate_print(&r, &q);
    if (rc == 0)
        rc = terminate_failed(&r) > 0 ? EXIT_PARTLY : EXIT_GOOD;
    terminate_free(&r);
    return rc;
}

int
server_health(struct options *o, struct err *e)
{
    struct watch_report r;
    struct pg_target    t = target_of(o);
    int                 rc;

    if (o->terminate_idle != NULL)
        return terminate(o, e);
    watch_init(&r, "health");
    rc = health_run(&t, &o->health, &r, e);
    if (rc == 0)
        rc = verify_status_beside(o, &r, e);
    if (rc == 0)
        rc = print(o, &r, "Health of a server", e);
    watch_free(&r);
    return rc;
}

/* A repository that is named must be there; without one the rate is not known. */
static int
open_repo(struct options *o, struct xid_request *q, struct err *e)
{
    struct err none = ERR_INIT;
    bool       asked = o->repo != NULL;

    if (o->database == NULL) {
        q->no_rate = "no database of a repository is named";
        return asked ? err_set(e, ERR_USAGE, "--repo needs the name of a database in it") : 0;
    }
    if (options_find_repo(o, asked ? e : &none) != 0) {
        q->no_rate = "no repository is named";
        return asked ? -1 : 0;
    }
    q->db = o->database;
    q->repo = repo_open(&o->place, e);
    return q->repo != NULL ? 0 : -1;
}

/* Does its own connection string in the configuration, which is used, lead to this database? */
static bool
is_connected_to(const struct options *o, const char *db)
{
    return o->database != NULL && strcmp(o->database, db) == 0 &&
        !opts_given(&o->parsed, "conninfo") &&
        config_get(o->config, "database", db, "conninfo") != NULL && options_name_database(o);
}

/* As the configuration says, else as the backups do: they may have another name than the database.
 */
static char *
name_by_backups(const struct options *o, struct repo *repo, const char *db)
{
    struct err    none = ERR_INIT;
    struct label *l = NULL;
    char         *name;

    if (config_get(o->config, "database", db, "dbname") == NULL && repo != NULL)
        l = backup_find(repo, db, NULL, 0, &none);
    name = xstrdup(l != NULL && l->dbname != NULL ? l->dbname : name_there(o, db));
    label_free(l);
    return name;
}

static void
name_databases(const struct options *o, struct xid_request *q)
{
    const struct strlist *given = &o->parsed.rest;

    for (size_t i = 0; i < given->n; i++) {
        if (is_connected_to(o, given->v[i]))
            q->connected = true;
        else
            strlist_take(&q->databases, name_by_backups(o, q->repo, given->v[i]));
    }
}

int
server_xid(struct options *o, struct err *e)
{
    struct watch_report r;
    struct xid_request  q = {0};
    struct pg_target    t = target_of(o);
    int                 rc = open_repo(o, &q, e);

    watch_init(&r, "xid");
    if (rc == 0) {
        name_databases(o, &q);
        if (q.databases.n > 0 && !options_name_database(o))
            t.dbname = q.databases.v[0];
        rc = xid_run(&t, &q, &o->health, &r, e);
    }
    if (rc == 0)
        rc = print(o, &r, "Transaction IDs of a server", e);
    strlist_free(&q.databases);
    repo_close(q.repo);
    watch_free(&r);
    return rc;
}

int
server_error_status(const struct options *o, const struct err *e)
{
    return o->nagios ? watch_show_nagios_error(e) : err_exit_status(e);
}
