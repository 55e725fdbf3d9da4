#include "pg/scratch/scratch.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/mem.h"
#include "pg/conn/tools.h"
#include "pg/scratch/guardian.h"

/* The port only names the socket, which is in our own directory; no TCP. */
#define SCRATCH_PORT "5432"
/* The usual name, so that owners and grants of "postgres" need no translation. */
#define SCRATCH_SUPERUSER "postgres"

enum { START_TIMEOUT_MS = 120000 };

struct scratch {
    char           *dir;
    char           *bindir;
    int             version;
    char           *os_user; /* NULL: ourselves */
    struct guardian guardian;
    bool            kept;
};

static int
find_user(const char *name, struct guardian_job *job, struct err *e)
{
    struct passwd pw, *found = NULL;
    char          text[4096];

    if (geteuid() != 0) {
        return 0;
    }
    if (getpwnam_r(name, &pw, text, sizeof text, &found) != 0 || found == NULL) {
        err_set(e, ERR_USAGE, "there is no user \"%s\" to run the scratch server", name);
        return err_hint(e,
                        "PostgreSQL refuses to run as root: name another user with --scratch-user");
    }
    if (pw.pw_uid == 0) {
        err_set(e, ERR_USAGE, "the scratch server cannot run as \"%s\"", name);
        return err_hint(e,
                        "PostgreSQL refuses to run as root: name another user with --scratch-user");
    }
    job->drop = true;
    job->uid = pw.pw_uid;
    job->gid = pw.pw_gid;
    job->user = name;
    return 0;
}

static char *
make_dir(const struct scratch_options *o, const struct guardian_job *job, struct err *e)
{
    const char        *parent = o->parent_dir != NULL ? o->parent_dir : getenv("TMPDIR");
    char              *real = realpath(parent == NULL || *parent == '\0' ? "/tmp" : parent, NULL);
    struct sockaddr_un un;
    char              *dir = NULL;

    if (real == NULL) {
        err_errno(e, "scratch directory \"%s\"",
                  parent == NULL || *parent == '\0' ? "/tmp" : parent);
        err_hint(e, "--scratch-dir or TMPDIR says where throw-away servers live");
        return NULL;
    }
    dir = xasprintf("%s/pgassay-XXXXXX", real);
    free(real);
    if (strlen(dir) + sizeof "/.s.PGSQL." SCRATCH_PORT ".lock" > sizeof un.sun_path) {
        err_set(e, ERR_USAGE, "the path \"%s\" is too long for a server's socket", dir);
        err_hint(e, "give a shorter --scratch-dir");
        goto fail;
    }
    if (mkdtemp(dir) == NULL) {
        err_errno(e, "could not make the scratch directory \"%s\"", dir);
        goto fail;
    }
    if (job->drop && chown(dir, job->uid, job->gid) != 0) {
        err_errno(e, "could not give the scratch directory \"%s\" to user \"%s\"", dir, job->user);
        (void)rmdir(dir);
        goto fail;
    }
    return dir;
fail:
    free(dir);
    return NULL;
}

static long
clamp(long v, long low, long high)
{
    return v < low ? low : v > high ? high : v;
}

/* Settings for one bulk load that nobody needs to survive: argv of the server. */
static void
server_args(struct strlist *args, const char *postgres, const char *dir,
            const struct scratch_options *o)
{
    long ram_mb = (long)(sysconf(_SC_PHYS_PAGES) / (MIB / (size_t)sysconf(_SC_PAGESIZE)));
    int  jobs = o->jobs > 0 ? o->jobs : 2;

    strlist_add(args, postgres);
    strlist_add(args, "-D");
    strlist_take(args, xasprintf("%s/data", dir));
#define SET(...)                                                                                   \
    do {                                                                                           \
        strlist_add(args, "-c");                                                                   \
        strlist_take(args, xasprintf(__VA_ARGS__));                                                \
    } while (0)
    SET("listen_addresses=");
    SET("port=" SCRATCH_PORT);
    SET("unix_socket_directories=%s", dir);
    SET("unix_socket_permissions=0700");
    SET("max_connections=%d", 2 * jobs + 20);
    SET("superuser_reserved_connections=3");
    SET("max_locks_per_transaction=%ld",
        clamp(2L * o->max_locks / (2 * jobs + 20) + 64, 128, 100000));
    SET("shared_buffers=%ldMB", clamp(ram_mb / 8, 32, 512));
    SET("maintenance_work_mem=%ldMB", clamp(ram_mb / 8 / jobs, 32, 256));
    SET("work_mem=%ldMB", clamp(ram_mb / 32 / jobs, 4, 64));
    SET("max_parallel_workers=%d", 2 * jobs);
    SET("max_worker_processes=%d", 2 * jobs + 4);
    SET("fsync=off");
    SET("synchronous_commit=off");
    SET("full_page_writes=off");
    SET("wal_level=minimal");
    SET("max_wal_senders=0");
    SET("max_wal_size=2GB");
    SET("min_wal_size=80MB");
    SET("checkpoint_timeout=1h");
    SET("wal_init_zero=off");
    SET("autovacuum=off");
    SET("jit=off");
    SET("huge_pages=off");
    SET("log_min_messages=warning");
    SET("log_min_error_statement=panic");
    SET("logging_collector=off");
    SET("log_destination=stderr");
    SET("cluster_name=pgassay scratch");
#undef SET
}

static void
initdb_args(struct strlist *args, const char *initdb, int version, const char *dir)
{
    static const char *const fixed[] = {"--no-sync", "--locale=C", "--encoding=UTF8",
                                        "--auth=trust", ("--username=" SCRATCH_SUPERUSER)};

    strlist_add(args, initdb);
    if (version >= 140000) {
        strlist_add(args, "--no-instructions");
    }
    for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i++) {
        strlist_add(args, fixed[i]);
    }
    strlist_take(args, xasprintf("--pgdata=%s/data", dir));
}

static char *
dirname_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash == NULL ? xstrdup(".") : xstrndup(path, (size_t)(slash - path));
}

/* Ends the vector with NULL, as execve() wants it. */
static char *const *
argv_of(struct strlist *l)
{
    VEC_GROW(l->v, l->n, l->cap);
    l->v[l->n] = NULL;
    return l->v;
}

static int
launch(struct scratch *s, const struct scratch_options *o, const char *initdb,
       struct guardian_job *job, struct err *e)
{
    struct strlist initdb_argv = {0}, postgres_argv = {0}, env = {0};
    char          *postgres = xasprintf("%s/postgres", s->bindir);
    int            rc;

    initdb_args(&initdb_argv, initdb, s->version, s->dir);
    server_args(&postgres_argv, postgres, s->dir, o);
    /* Nothing of ours: PGDATA, PGOPTIONS, LC_ALL and the like would change what is started. */
    strlist_add(&env, "PATH=/usr/local/bin:/usr/bin:/bin");
    strlist_add(&env, "LC_ALL=C");
    strlist_add(&env, "TZ=UTC");
    strlist_take(&env, xasprintf("HOME=%s", s->dir));
    job->dir = s->dir;
    job->initdb = argv_of(&initdb_argv);
    job->postgres = argv_of(&postgres_argv);
    job->env = argv_of(&env);
    rc = guardian_start(&s->guardian, job, START_TIMEOUT_MS, e);
    strlist_free(&initdb_argv);
    strlist_free(&postgres_argv);
    strlist_free(&env);
    free(postgres);
    return rc;
}

static void
scratch_free(struct scratch *s)
{
    free(s->dir);
    free(s->bindir);
    free(s->os_user);
    free(s);
}

struct scratch *
scratch_start(const struct scratch_options *o, struct err *e)
{
    struct scratch     *s = xcalloc(1, sizeof *s);
    struct guardian_job job = {0};
    struct pg_tool      initdb = {0};
    bool                ok = false;

    if (find_user(o->user != NULL ? o->user : "postgres", &job, e) != 0 ||
        pg_tool_find("initdb", o->at_least, &initdb, e) != 0 ||
        (s->dir = make_dir(o, &job, e)) == NULL) {
        goto out;
    }
    s->bindir = dirname_of(initdb.path);
    s->version = initdb.version_num;
    s->os_user = job.drop ? xstrdup(job.user) : NULL;
    if (launch(s, o, initdb.path, &job, e) != 0) {
        if (e->hint[0] == '\0' && e->kind != ERR_INTERRUPTED) {
            err_hint(e,
                     "it was to live in \"%s\": --scratch-dir names another directory, with more "
                     "room perhaps",
                     s->dir);
        }
        (void)rmdir(s->dir); /* there still, when not even the guardian started */
        goto out;
    }
    ok = true;
out:
    pg_tool_free(&initdb);
    if (!ok) {
        scratch_free(s);
        return NULL;
    }
    return s;
}

const char *
scratch_host(const struct scratch *s)
{
    return s->dir;
}

const char *
scratch_port(const struct scratch *s)
{
    (void)s;
    return SCRATCH_PORT;
}

const char *
scratch_user(const struct scratch *s)
{
    (void)s;
    return SCRATCH_SUPERUSER;
}

const char *
scratch_dir(const struct scratch *s)
{
    return s->dir;
}

int
scratch_version(const struct scratch *s)
{
    return s->version;
}

struct pg_target
scratch_target(const struct scratch *s, const char *dbname)
{
    return (struct pg_target){.host = s->dir,
                              .port = SCRATCH_PORT,
                              .user = SCRATCH_SUPERUSER,
                              .dbname = dbname,
                              .version = s->version};
}

/* In single quotes, as a shell wants it. */
static char *
shell_quoted(const char *text)
{
    struct buf b = BUF_INIT(BUF_NO_LIMIT);
    struct err e = ERR_INIT;
    char      *out;

    (void)buf_puts(&b, "'", &e);
    for (; *text != '\0'; text++) {
        (void)(*text == '\'' ? buf_puts(&b, "'\\''", &e) : buf_append(&b, text, 1, &e));
    }
    (void)buf_puts(&b, "'", &e);
    out = xstrdup(buf_str(&b));
    buf_free(&b);
    return out;
}

char *
scratch_keep(struct scratch *s)
{
    char *ctl = xasprintf("%s/pg_ctl", s->bindir), *data = xasprintf("%s/data", s->dir);
    char *qctl = shell_quoted(ctl), *qdata = shell_quoted(data), *qdir = shell_quoted(s->dir);
    char *as = s->os_user == NULL ? xstrdup("") : xasprintf("runuser -u %s -- ", s->os_user);
    char *command = xasprintf("%s%s -D %s -m immediate stop && rm -rf -- %s", as, qctl, qdata,
                              qdir);

    guardian_keep(&s->guardian);
    s->kept = true;
    free(ctl);
    free(data);
    free(qctl);
    free(qdata);
    free(qdir);
    free(as);
    return command;
}

int
scratch_end(struct scratch *s, struct err *e)
{
    int rc;

    if (s == NULL) {
        return 0;
    }
    rc = guardian_end(&s->guardian, s->dir, e);
    scratch_free(s);
    return rc;
}
