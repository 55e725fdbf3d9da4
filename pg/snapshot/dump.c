#include "pg/snapshot/dump.h"

#include <stdlib.h>
#include <string.h>

#include "core/host/proc.h"

enum { DUMP_ARGS_FIXED = 16 };

/* The program's own name, with the run's: unless the operator has named all sessions. */
static char *
conninfo_for(const char *program, PGconn *conn)
{
    struct buf        out = BUF_INIT(BUF_NO_LIMIT);
    struct err        never = ERR_INIT;
    PQconninfoOption *options = PQconninfo(conn);
    char             *own = pg_child_conninfo(conn), *name = pg_application_name(program);

    (void)buf_puts(&out, own, &never);
    for (const PQconninfoOption *o = options; o != NULL && o->keyword != NULL; o++) {
        if (strcmp(o->keyword, "application_name") == 0 && (o->val == NULL || *o->val == '\0')) {
            pg_conninfo_add(&out, o->keyword, name);
        }
    }
    PQconninfoFree(options);
    free(own);
    free(name);
    name = xstrdup(buf_str(&out));
    buf_free(&out);
    return name;
}

int
dump_child_init(struct dump_child *c, const char *program, PGconn *conn, struct err *e)
{
    *c = (struct dump_child){.conninfo = conninfo_for(program, conn), .env = pg_child_env(conn)};
    c->encoding = pg_value(conn, e, "SELECT pg_catalog.current_setting('server_encoding')", 0,
                           NULL);
    c->role = c->encoding == NULL ? NULL
                                  : pg_value(conn, e,
                                             "SELECT CASE WHEN current_user = session_user THEN '' "
                                             "ELSE current_user::text END",
                                             0, NULL);
    return c->role == NULL ? -1 : 0;
}

void
dump_child_free(struct dump_child *c)
{
    free(c->conninfo);
    pg_child_env_free(c->env);
    free(c->encoding);
    free(c->role);
    *c = (struct dump_child){0};
}

void
dump_minor_warning(int server_version, const struct pg_tool *t, struct strlist *warnings)
{
    if (t->version_num / 10000 == server_version / 10000 && t->version_num < server_version) {
        strlist_take(warnings,
                     xasprintf("pg_dump %s is an older minor release than the server (%d.%d): "
                               "definitions may "
                               "carry what only a newer one knows to leave out",
                               t->version, server_version / 10000, server_version % 10000));
    }
}

static size_t
count_args(const char *const *args)
{
    size_t n = 0;

    while (args != NULL && args[n] != NULL) {
        n++;
    }
    return n;
}

/* snapshot: NULL for the current state. */
struct dump_run {
    const char              *program;
    const struct dump_child *child;
    const char              *snapshot;
    int                      lock_timeout_ms; /* 0: no limit */
    const char *const       *args;            /* selection options; NULL: all */
    const atomic_bool       *stop;
};

static int
run_pg_dump(const struct dump_run *d, struct buf *out, struct err *e)
{
    size_t       extra = count_args(d->args), n = 0;
    const char **argv = xcalloc(DUMP_ARGS_FIXED + extra, sizeof *argv);
    char        *snapshot = xasprintf("--snapshot=%s", d->snapshot == NULL ? "" : d->snapshot);
    char        *wait = xasprintf("--lock-wait-timeout=%d", d->lock_timeout_ms);
    char        *encoding = xasprintf("--encoding=%s", d->child->encoding);
    int          rc;

    argv[n++] = d->program;
    argv[n++] = "--schema-only";
    argv[n++] = "--format=custom";
    argv[n++] = "--compress=0";
    argv[n++] = "--no-password";
    argv[n++] = wait;
    argv[n++] = encoding;
    if (d->snapshot != NULL) {
        argv[n++] = snapshot;
    }
    if (d->child->role[0] != '\0') {
        argv[n++] = "--role";
        argv[n++] = d->child->role;
    }
    for (size_t i = 0; i < extra; i++) {
        argv[n++] = d->args[i];
    }
    argv[n++] = "--dbname";
    argv[n++] = d->child->conninfo;
    buf_clear(out);
    rc = proc_run(
        &(struct proc_spec){
            .argv = argv, .env = (const char *const *)d->child->env, .out = out, .stop = d->stop},
        NULL, e);
    free(argv);
    free(snapshot);
    free(wait);
    free(encoding);
    return rc;
}

int
schema_dump_now(PGconn *conn, const char *const *args, struct buf *out, struct err *e)
{
    struct pg_tool    tool;
    struct dump_child child = {0};
    int               rc = -1;

    if (pg_tool_find("pg_dump", pg_version(conn), &tool, e) != 0) {
        return -1;
    }
    if (dump_child_init(&child, "pg_dump", conn, e) == 0) {
        rc = run_pg_dump(&(struct dump_run){.program = tool.path, .child = &child, .args = args},
                         out, e);
    }
    dump_child_free(&child);
    pg_tool_free(&tool);
    return rc;
}

int
schema_dump_prepare(const struct snapshot_options *o, struct snapshot *s, struct schema_dump *d,
                    struct err *e)
{
    *d = (struct schema_dump){
        .snapshot = s->id, .lock_timeout_ms = o->lock_timeout_ms, .args = o->dump_args};
    if (pg_tool_find("pg_dump", pg_version(s->conn), &d->tool, e) != 0) {
        return -1;
    }
    dump_minor_warning(pg_version(s->conn), &d->tool, &s->warnings);
    free(s->pg_dump_version);
    s->pg_dump_version = xstrdup(d->tool.version);
    return dump_child_init(&d->child, "pg_dump", s->conn, e) == 0 ? 0
                                                                  : err_wrap(e, "dump the schema");
}

int
schema_dump_run(const struct schema_dump *d, struct buf *archive, struct err *e)
{
    return run_pg_dump(&(struct dump_run){.program = d->tool.path,
                                          .child = &d->child,
                                          .snapshot = d->snapshot,
                                          .lock_timeout_ms = d->lock_timeout_ms,
                                          .args = d->args,
                                          .stop = d->stop},
                       archive, e) == 0
        ? 0
        : err_wrap(e, "dump the schema");
}

void
schema_dump_free(struct schema_dump *d)
{
    dump_child_free(&d->child);
    pg_tool_free(&d->tool);
}
