#include "pg/scratch/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/human.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/quote.h"
#include "pg/conn/tools.h"
#include "pg/scratch/guardian.h"
#include "pg/scratch/namespaces.h"
#include "pg/scratch/template.h"

/* The port only names the socket, which is in the server's own directory; no TCP. */
#define SCRATCH_PORT "5432"
/* The usual name, so that owners and grants of "postgres" need no translation. */
#define SCRATCH_SUPERUSER "postgres"

/* ROOM_MIN: a segment of WAL. */
#define LOG_CODE  "SQLSTATE "
#define DISK_FULL "53100"

enum { START_TIMEOUT_MS = 120000, LOG_TAIL = 1 << 16, ROOM_MIN = 16 << 20 };

struct scratch {
    char           *dir;
    char           *bindir;
    char           *data; /* where its data are left; NULL */
    int             version;
    struct account  account;
    struct guardian guardian;
    struct template template;
    struct buf cluster; /* of which it is made; empty: by initdb */
};

/* The parent of scratch directories; allocated. */
static char *
parent_dir(const struct scratch_options *o, struct err *e)
{
    const char *named = o->parent_dir != NULL ? o->parent_dir : getenv("TMPDIR");
    const char *dir = named == NULL || *named == '\0' ? "/tmp" : named;
    char       *real = realpath(dir, NULL);

    if (real == NULL) {
        err_errno(e, "scratch directory \"%s\"", dir);
        err_hint(e, "--scratch-dir or TMPDIR says where throw-away servers live");
    }
    return real;
}

static char *
make_dir(const char *parent, struct err *e)
{
    char              *dir = xasprintf("%s/pgassay-XXXXXX", parent);
    struct sockaddr_un un;

    if (strlen(dir) + sizeof "/.s.PGSQL." SCRATCH_PORT ".lock" > sizeof un.sun_path) {
        err_set(e, ERR_USAGE, "the path \"%s\" is too long for a server's socket", dir);
        err_hint(e, "give a shorter --scratch-dir");
    } else if (mkdtemp(dir) == NULL) {
        err_errno(e, "could not make the scratch directory \"%s\"", dir);
        err_hint(e, "--scratch-dir DIR, or TMPDIR, names another place for the scratch server");
    } else {
        return dir;
    }
    free(dir);
    return NULL;
}

/* initdb looks up its user's name.  An account without a name gets a file of one line as
 * /etc/passwd. */
static int
write_passwd(const char *path, const struct account *a)
{
    FILE *f = fopen(path, "wxe");
    int   rc;

    if (f == NULL) {
        return -1;
    }
    (void)fprintf(f, "pgassay-scratch:x:%u:%u::/:/usr/sbin/nologin\n", (unsigned)a->uid,
                  (unsigned)a->gid);
    rc = fchmod(fileno(f), 0644);
    return fclose(f) == 0 ? rc : -1;
}

/* The directory is the account's from now on.  *passwd: allocated, or NULL when it needs none. */
static int
give_dir(const char *dir, const struct account *a, char **passwd, struct err *e)
{
    *passwd = a->unnamed ? xasprintf("%s/passwd", dir) : NULL;
    if (*passwd != NULL && write_passwd(*passwd, a) != 0) {
        return err_errno(e, "could not write \"%s\"", *passwd);
    }
    if (a->drop && chown(dir, a->uid, a->gid) != 0) {
        return err_errno(e, "could not give the scratch directory \"%s\" to user \"%s\"", dir,
                         a->name);
    }
    return 0;
}

static long
clamp(long v, long low, long high)
{
    return v < low ? low : v > high ? high : v;
}

/* Settings for one bulk load without durability: argv of the server. */
static void
server_args(struct strlist *args, const char *postgres, const char *dir,
            const struct scratch_options *o)
{
    long ram_mb = (long)(sysconf(_SC_PHYS_PAGES) / (MIB / (size_t)sysconf(_SC_PAGESIZE)));
    int  jobs = o->jobs > 0 ? o->jobs : 2;
    long buffers_mb = clamp(ram_mb / 8, 32, 512);

    if (o->bytes > 0 && o->bytes < (uint64_t)buffers_mb * MIB / 2) {
        buffers_mb = clamp((long)(2 * o->bytes / MIB) + 64, 32, buffers_mb);
    }
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
    /* A worker has two: its own, and one as the owner whose rows it loads. */
    SET("max_connections=%d", 3 * jobs + 20);
    SET("superuser_reserved_connections=3");
    SET("max_locks_per_transaction=%ld",
        clamp(2L * o->max_locks / (3 * jobs + 20) + 64, 128, 100000));
    SET("shared_buffers=%ldMB", buffers_mb);
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
    /* Files of its own: /dev/shm is shared, and closed to the server. */
    SET("dynamic_shared_memory_type=mmap");
    SET("log_min_messages=warning");
    SET("log_line_prefix=%%m [%%p] " LOG_CODE "%%e ");
    SET("log_min_error_statement=panic");
    SET("logging_collector=off");
    SET("log_destination=stderr");
    SET("cluster_name=" SCRATCH_CLUSTER_NAME);
#undef SET
}

/* Without the directory. */
static void
initdb_args(struct strlist *args, const char *initdb, int version)
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
}

/* Looks for a cluster that is ready, unless its data are there.  Code that runs as the account must
 * not have had a hand in it. */
static void
find_cluster(struct scratch *s, const struct scratch_options *o, const char *initdb)
{
    struct strlist args = {0};
    char          *postgres = xasprintf("%s/postgres", s->bindir);

    s->cluster = (struct buf)BUF_INIT(TEMPLATE_BYTES_MAX);
    if (s->data != NULL && access(s->data, F_OK) == 0) {
        goto out;
    }
    if (s->account.unnamed || (confine_has_files() && !o->unconfined)) {
        initdb_args(&args, initdb, s->version);
        template_find(&args, postgres, &s->template);
        (void)template_read(&s->template, &s->cluster);
    }
out:
    strlist_free(&args);
    free(postgres);
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
       const struct confinement *confinement, const char *passwd, struct err *e)
{
    struct strlist    initdb_argv = {0}, postgres_argv = {0}, env = {0};
    char             *postgres = xasprintf("%s/postgres", s->bindir);
    char             *packed = xasprintf("%s/cluster", s->dir);
    const bool        pack = s->template.path != NULL && initdb != NULL;
    struct server_job job = {.dir = s->dir,
                             .cluster = &s->cluster,
                             .packed = pack ? packed : NULL,
                             .leave_at = s->data,
                             .account = &s->account,
                             .confinement = confinement};
    int               rc;

    if (initdb != NULL) {
        initdb_args(&initdb_argv, initdb, s->version);
        strlist_take(&initdb_argv, xasprintf("--pgdata=%s/data", s->dir));
    }
    server_args(&postgres_argv, postgres, s->dir, o);
    /* Nothing is inherited: PGDATA, PGOPTIONS, LC_ALL and the like would change the server. */
    strlist_add(&env, "PATH=/usr/local/bin:/usr/bin:/bin");
    strlist_add(&env, "LC_ALL=C");
    strlist_add(&env, "TZ=UTC");
    strlist_take(&env, xasprintf("HOME=%s", s->dir));
    job.initdb = initdb == NULL ? NULL : argv_of(&initdb_argv);
    job.postgres = argv_of(&postgres_argv);
    job.env = argv_of(&env);
    rc = guardian_start(&s->guardian, &job, passwd, START_TIMEOUT_MS, e);
    if (rc == 0 && pack) {
        /* If initdb has made one. */
        template_keep(&s->template, packed, &s->account);
    }
    free(packed);
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
    free(s->data);
    account_free(&s->account);
    template_free(&s->template);
    buf_free(&s->cluster);
    free(s);
}

/* The failed server was to use the directory; nothing of it stays. */
static void
abandon_dir(const struct scratch *s, const char *passwd, struct err *e)
{
    if (e->hint[0] == '\0' && e->kind != ERR_INTERRUPTED) {
        err_hint(e,
                 "it was to live in \"%s\": --scratch-dir names another directory, with more room "
                 "perhaps",
                 s->dir);
    }
    /* Still there if not even the guardian started. */
    if (passwd != NULL) {
        (void)unlink(passwd);
    }
    (void)rmdir(s->dir);
}

/* For nftw(), which takes no argument. */
static const struct account *new_owner;

/* Nobody works there.  A file with two names may be one of somebody else's: a server has none. */
static int
own_file(const char *path, const struct stat *sb, int kind, struct FTW *at)
{
    (void)at;
    if (kind == FTW_DNR || kind == FTW_NS || (S_ISREG(sb->st_mode) && sb->st_nlink > 1)) {
        errno = EPERM;
        return -1;
    }
    return lchown(path, new_owner->uid, new_owner->gid);
}

/* As root: an account may have an id of its own, another one each time. */
static int
own_data(const char *data, const struct account *a, struct err *e)
{
    new_owner = a;
    return nftw(data, own_file, 16, FTW_PHYS | FTW_MOUNT) == 0
        ? 0
        : err_errno(e, "could not give \"%s\" to the scratch server's user \"%s\"", data, a->name);
}

/* Moves a data directory that was left to where this server has its own.  1: there is none. */
static int
take_data(const struct scratch *s, struct err *e)
{
    char       *to;
    struct stat sb;
    int         rc;

    if (s->data == NULL || lstat(s->data, &sb) != 0) {
        return s->data == NULL || errno == ENOENT ? 1 : err_errno(e, "\"%s\"", s->data);
    }
    if (S_ISDIR(sb.st_mode) && sb.st_uid != s->account.uid && s->account.drop) {
        if (own_data(s->data, &s->account, e) != 0) {
            return -1;
        }
    } else if (!S_ISDIR(sb.st_mode) || sb.st_uid != s->account.uid) {
        return err_set(e, ERR_USAGE, "\"%s\" does not belong to the scratch server's user \"%s\"",
                       s->data, s->account.name);
    }
    to = xasprintf("%s/data", s->dir);
    rc = rename(s->data, to) == 0 ? 0 : err_errno(e, "could not move \"%s\"", s->data);
    free(to);
    return rc;
}

static int
start_in_dir(struct scratch *s, const struct scratch_options *o, const char *initdb,
             const struct confinement *confinement, struct err *e)
{
    char *passwd = NULL;
    int   rc = take_data(s, e), made = rc;

    if (rc >= 0) {
        rc = give_dir(s->dir, &s->account, &passwd, e) == 0
            ? launch(s, o, made == 0 ? NULL : initdb, confinement, passwd, e)
            : -1;
    }
    if (rc != 0) {
        abandon_dir(s, passwd, e);
    }
    free(passwd);
    return rc;
}

/* The account it runs as, with what it will be confined to, and what it must not read. */
static int
choose_account(struct scratch *s, const struct scratch_options *o, const char *parent,
               const struct confinement *c, struct err *e)
{
    bool confined = confine_has_files() && (o->network || confine_has_sockets());

    return account_choose(&(struct account_wish){.user = o->user,
                                                 .parent_dir = parent,
                                                 .secrets = o->secrets,
                                                 .open = confined ? &c->read : NULL,
                                                 .unconfined = o->unconfined},
                          &s->account, e);
}

static int
start_in_new_dir(struct scratch *s, const struct scratch_options *o, const char *parent,
                 const char *initdb, struct confinement *confinement, struct err *e)
{
    free(s->dir);
    if ((s->dir = make_dir(parent, e)) == NULL) {
        return -1;
    }
    confinement->dir = s->dir;
    return start_in_dir(s, o, initdb, confinement, e);
}

/* A kept cluster in which no server starts is no reason to have none. */
static int
start_somewhere(struct scratch *s, const struct scratch_options *o, const char *parent,
                const char *initdb, struct confinement *confinement, struct err *e)
{
    int rc = start_in_new_dir(s, o, parent, initdb, confinement, e);

    if (rc != 0 && s->cluster.len > 0 && e->kind != ERR_INTERRUPTED) {
        log_info("%s; once more, with a cluster that initdb makes", e->text);
        err_clear(e);
        buf_free(&s->cluster);
        rc = start_in_new_dir(s, o, parent, initdb, confinement, e);
    }
    buf_free(&s->cluster);
    return rc;
}

struct scratch *
scratch_start(const struct scratch_options *o, struct err *e)
{
    struct scratch    *s = xcalloc(1, sizeof *s);
    struct pg_tool     initdb = {0};
    struct confinement confinement = {.network = o->network};
    char              *parent = parent_dir(o, e);
    int                rc = -1;

    s->account = (struct account)ACCOUNT_INIT;
    if (parent == NULL || pg_tool_find("initdb", o->at_least, &initdb, e) != 0) {
        goto out;
    }
    s->data = o->data == NULL ? NULL : xstrdup(o->data);
    s->bindir = dirname_of(initdb.path);
    s->version = initdb.version_num;
    confine_read_paths(&confinement.read, s->bindir, o->network);
    if (choose_account(s, o, parent, &confinement, e) != 0) {
        goto out;
    }
    find_cluster(s, o, initdb.path);
    rc = start_somewhere(s, o, parent, initdb.path, &confinement, e);
out:
    free(parent);
    strlist_free(&confinement.read);
    pg_tool_free(&initdb);
    if (rc != 0) {
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

/* By the server's code for it, as its words differ ("No space left", "wrote only 4096 of 8192
 * bytes"); or by a program's words before there is a server.  Its user could have put anything
 * there. */
static bool
log_says_full(const struct scratch *s)
{
    char   *path = xasprintf("%s/log", s->dir);
    int     fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    char   *text = xcalloc(1, LOG_TAIL + 1);
    off_t   size = fd < 0 ? 0 : lseek(fd, 0, SEEK_END);
    ssize_t n = fd < 0 ? 0 : pread(fd, text, LOG_TAIL, size > LOG_TAIL ? size - LOG_TAIL : 0);
    bool    full = n > 0 &&
        (strstr(text, LOG_CODE DISK_FULL) != NULL || strstr(text, strerror(ENOSPC)) != NULL);

    if (fd >= 0) {
        (void)close(fd);
    }
    free(text);
    free(path);
    return full;
}

void
scratch_explain(const struct scratch *s, struct err *e)
{
    struct statvfs fs;
    uint64_t       left;
    char           size[32];

    if ((e->kind != ERR_PG && e->kind != ERR_IO) || statvfs(s->dir, &fs) != 0) {
        return;
    }
    left = (uint64_t)fs.f_bavail * fs.f_frsize;
    if (left < ROOM_MIN || strcmp(e->sqlstate, DISK_FULL) == 0 || log_says_full(s)) {
        err_wrap(e, "the scratch server's disk is full (%s are free in \"%s\")",
                 size_human(left, size, sizeof size), s->dir);
        err_hint(e, "make room there, or name a directory with more room with --scratch-dir");
    }
}

char *
scratch_keep(struct scratch *s)
{
    char *dir = quote_shell(s->dir), *command = xasprintf("rm -rf -- %s", dir);

    guardian_keep(&s->guardian);
    free(dir);
    return command;
}

void
scratch_leave(struct scratch *s)
{
    guardian_leave(&s->guardian);
}

int
scratch_forget(const char *data, struct err *e)
{
    struct account owner = ACCOUNT_INIT;
    struct stat    sb;

    if (lstat(data, &sb) != 0) {
        return errno == ENOENT ? 0 : err_errno(e, "\"%s\"", data);
    }
    if (!S_ISDIR(sb.st_mode)) {
        return err_set(e, ERR_IO, "\"%s\" is no directory", data);
    }
    owner.drop = owner.unnamed = geteuid() == 0 && sb.st_uid != 0;
    owner.uid = sb.st_uid;
    owner.gid = sb.st_gid;
    guardian_remove(data, &owner);
    return access(data, F_OK) != 0 ? 0 : err_set(e, ERR_IO, "could not remove \"%s\"", data);
}

int
scratch_end(struct scratch *s, struct err *e)
{
    int rc;

    if (s == NULL) {
        return 0;
    }
    rc = guardian_end(&s->guardian, s->dir, &s->account, e);
    scratch_free(s);
    return rc;
}
