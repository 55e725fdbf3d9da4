#include "pg/snapshot/dump.h"

#include <pthread.h>
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
        &(struct proc_spec){.argv = argv, .env = (const char *const *)d->child->env, .out = out},
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

/* pg_dump on a snapshot, perhaps in a thread. */
struct dump_thread {
    pthread_t         id;
    bool              is_thread;
    struct pg_tool    tool;
    struct dump_child child;
    struct dump_run   run;
    struct buf       *out;
    struct err        e;
    int               rc;
};

static void
dump_thread_free(struct dump_thread *t)
{
    if (t != NULL) {
        dump_child_free(&t->child);
        pg_tool_free(&t->tool);
    }
    free(t);
}

/* All that needs the coordinator's session; NULL: an error. */
static struct dump_thread *
prepare(const struct snapshot_options *o, struct snapshot *s, struct err *e)
{
    struct dump_thread *t = xcalloc(1, sizeof *t);

    if (pg_tool_find("pg_dump", pg_version(s->conn), &t->tool, e) != 0) {
        free(t);
        return NULL;
    }
    dump_minor_warning(pg_version(s->conn), &t->tool, &s->warnings);
    free(s->pg_dump_version);
    s->pg_dump_version = xstrdup(t->tool.version);
    if (dump_child_init(&t->child, "pg_dump", s->conn, e) != 0) {
        err_wrap(e, "dump the schema");
        dump_thread_free(t);
        return NULL;
    }
    t->run = (struct dump_run){.program = t->tool.path,
                               .child = &t->child,
                               .snapshot = s->id,
                               .lock_timeout_ms = o->lock_timeout_ms,
                               .args = o->dump_args};
    t->out = &s->archive;
    return t;
}

static void *
dump_main(void *arg)
{
    struct dump_thread *t = arg;

    t->rc = run_pg_dump(&t->run, t->out, &t->e) == 0 ? 0 : err_wrap(&t->e, "dump the schema");
    return NULL;
}

int
schema_dump(const struct snapshot_options *o, struct snapshot *s, struct err *e)
{
    if ((s->dump = prepare(o, s, e)) == NULL) {
        return -1;
    }
    (void)dump_main(s->dump);
    return schema_dump_end(s, e);
}

int
schema_dump_begin(const struct snapshot_options *o, struct snapshot *s, struct err *e)
{
    if ((s->dump = prepare(o, s, e)) == NULL) {
        return -1;
    }
    s->dump->is_thread = pthread_create(&s->dump->id, NULL, dump_main, s->dump) == 0;
    if (!s->dump->is_thread) {
        (void)dump_main(s->dump); /* now, then */
    }
    return 0;
}

int
schema_dump_end(struct snapshot *s, struct err *e)
{
    struct dump_thread *t = s->dump;
    int                 rc;

    if (t == NULL) {
        return 0;
    }
    if (t->is_thread) {
        pthread_join(t->id, NULL);
    }
    if ((rc = t->rc) != 0) {
        *e = t->e;
    }
    s->dump = NULL;
    dump_thread_free(t);
    return rc;
}
