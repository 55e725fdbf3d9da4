#include "verify/drill/warm.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/host/outfile.h"
#include "core/human.h"
#include "core/json.h"
#include "core/log.h"
#include "pg/conn/tools.h"
#include "pg/scratch/rmtree.h"
#include "pg/scratch/scratch.h"

#define STATE_NAME "pgassay-warm.json"
#define STATE_TYPE "warm drill"
enum { STATE_MAX = 65536 };

/* ---- the directory ---- */

/* A scratch server's directory, perhaps on its way out, and not somebody's of such a name: nothing
 * but what servers have in theirs. */
static bool
is_server(const struct warm *w, const char *name)
{
    static const char *const known[] = {".", "..", "data", "log", "passwd"};
    char                    *path;
    DIR                     *d;
    struct dirent           *entry;
    struct stat              sb;
    bool                     ours;

    if (strncmp(name, "pgassay-", 8) != 0 || strlen(name) != strlen("pgassay-XXXXXX"))
        return false;
    path = xasprintf("%s/%s", w->dir, name);
    d = opendir(path);
    /* Gone by now: that of a drill that was killed is removed a moment later. */
    ours = d != NULL || (lstat(path, &sb) != 0 && errno == ENOENT);
    free(path);
    while (ours && d != NULL && (entry = readdir(d)) != NULL) {
        ours = strncmp(entry->d_name, ".s.PGSQL.", strlen(".s.PGSQL.")) == 0 ||
            strncmp(entry->d_name, RMTREE_MOVED, strlen(RMTREE_MOVED)) == 0;
        for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
            ours = ours || strcmp(entry->d_name, known[i]) == 0;
    }
    if (d != NULL)
        (void)closedir(d);
    return ours;
}

static bool
is_known(const struct warm *w, const char *name)
{
    static const char *const known[] = {".", "..", STATE_NAME, "rows.json", "data"};

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(name, known[i]) == 0)
            return true;
    /* A file that a kill left half written; a server that it left. */
    return strncmp(name, STATE_NAME ".", strlen(STATE_NAME ".")) == 0 ||
        strncmp(name, "rows.json.", strlen("rows.json.")) == 0 || is_server(w, name);
}

/* Ours: empty, or with our file in it, and nothing that we would not have put there. */
static int
check_contents(const struct warm *w, struct err *e)
{
    DIR           *d = opendir(w->dir);
    struct dirent *entry;
    bool           ours;
    int            rc = 0;

    if (d == NULL)
        return err_errno(e, "\"%s\"", w->dir);
    ours = access(w->state, F_OK) == 0;
    while (rc == 0 && (entry = readdir(d)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
            (ours && is_known(w, entry->d_name)))
            continue;
        rc = err_set(e, ERR_USAGE, "--warm: \"%s\" is no directory of a drill's: it holds \"%s\"",
                     w->dir, entry->d_name);
        (void)err_hint(e, "nothing in it was touched: name an empty directory, or a new one");
    }
    (void)closedir(d);
    return rc;
}

/* A server run by root lives in it as another user, who must be able to pass. */
static int
make_dir(const char *path, struct err *e)
{
    if (mkdir(path, geteuid() == 0 ? 0711 : 0700) == 0 || errno == EEXIST)
        return 0;
    return err_errno(e, "could not make \"%s\"", path);
}

static int
lock_dir(struct warm *w, struct err *e)
{
    struct stat sb;

    if ((w->fd = open(w->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
        return err_errno(e, "\"%s\"", w->dir);
    if (fstat(w->fd, &sb) != 0)
        return err_errno(e, "\"%s\"", w->dir);
    if (sb.st_uid != geteuid() || (sb.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        err_set(e, ERR_AUTH, "--warm: \"%s\" %s", w->dir,
                sb.st_uid != geteuid() ? "belongs to another user" : "can be written to by others");
        return err_hint(e, "nothing in it was touched: name a directory that is this user's alone");
    }
    if (flock(w->fd, LOCK_EX | LOCK_NB) == 0)
        return 0;
    return errno == EWOULDBLOCK ? err_set(e, ERR_BUSY, "another drill is using \"%s\"", w->dir)
                                : err_errno(e, "could not lock \"%s\"", w->dir);
}

static int
open_dir(struct warm *w, const char *path, struct err *e)
{
    char real[PATH_MAX];

    if (make_dir(path, e) != 0)
        return -1;
    if (realpath(path, real) == NULL)
        return err_errno(e, "\"%s\"", path);
    w->dir = xstrdup(real);
    w->data = xasprintf("%s/data", real);
    w->rows = xasprintf("%s/rows.json", real);
    w->state = xasprintf("%s/" STATE_NAME, real);
    return lock_dir(w, e) == 0 ? check_contents(w, e) : -1;
}

/* Servers of drills that were killed with their guardians. */
static void
remove_servers(const struct warm *w)
{
    DIR           *d = opendir(w->dir);
    struct dirent *entry;

    while (d != NULL && (entry = readdir(d)) != NULL) {
        struct err why = ERR_INIT;
        char      *path = xasprintf("%s/%s", w->dir, entry->d_name);

        if (is_server(w, entry->d_name) && scratch_forget(path, &why) != 0)
            log_warn("%s", why.text);
        free(path);
    }
    if (d != NULL)
        (void)closedir(d);
}

/* ---- the state ---- */

/* NULL: there is none, or none that can be read. */
static json_t *
read_state(const struct warm *w)
{
    char       text[STATE_MAX];
    int        fd = open(w->state, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    ssize_t    n = fd < 0 ? -1 : read(fd, text, sizeof text);
    struct err ignored = ERR_INIT;
    json_t    *o = n > 0 ? json_read(text, (size_t)n, &ignored) : NULL;

    if (fd >= 0)
        (void)close(fd);
    if (o != NULL && strcmp(json_opt_str(o, "type", ""), STATE_TYPE) == 0)
        return o;
    json_decref(o);
    return NULL;
}

/* Takes the reference. */
static int
write_state(const struct warm *w, json_t *o, struct err *e)
{
    struct buf      text = BUF_INIT(STATE_MAX);
    struct outfile *out = NULL;
    int             rc = -1;

    if (json_write(o, &text, e) == 0 && (out = outfile_open(w->state, true, e)) != NULL &&
        outfile_write(out, text.data, text.len, e) == 0)
        rc = outfile_publish(out, e);
    outfile_close(out);
    buf_free(&text);
    json_decref(o);
    return rc;
}

/* ---- warm or cold ---- */

/* Another text: why; allocated, or NULL. */
static char *
other(const struct warm *w, const char *key, const char *now, const char *what)
{
    const char *was = json_opt_str(w->was, key, "?");

    return strcmp(was, now) == 0 ? NULL : xasprintf("the kept copy is of %s %s", what, was);
}

static char *
other_server(const struct warm *w, const struct options *o, const struct baseline *b)
{
    struct pg_tool initdb = {0};
    struct err     ignored = ERR_INIT;
    int            at_least = o->major != 0 ? o->major * 10000 : b->label->server_version_num;
    int            was = (int)json_opt_int(w->was, "server_version_num", 0) / 10000, now;

    if (pg_tool_find("initdb", at_least, &initdb, &ignored) != 0)
        return NULL; /* it will be said */
    now = initdb.version_num / 10000;
    pg_tool_free(&initdb);
    return was == now ? NULL : xasprintf("the kept copy is on PostgreSQL %d, not %d", was, now);
}

static char *
why_cold(const struct warm *w, const struct options *o, const struct baseline *b)
{
    struct stat sb;
    char       *lock, *why;
    bool        running;

    if (w->was == NULL)
        return access(w->state, F_OK) == 0 ? xstrdup("what is noted of the kept copy is damaged")
                                           : xstrdup("nothing was kept");
    if (!json_opt_bool(w->was, "clean", false))
        return xstrdup(json_opt_str(w->was, "why", "the last drill did not end, or did not pass"));
    if (lstat(w->data, &sb) != 0 || access(w->rows, F_OK) != 0)
        return xstrdup("the kept copy is gone");
    lock = xasprintf("%s/postmaster.pid", w->data);
    running = lstat(lock, &sb) == 0;
    free(lock);
    if (running)
        return xstrdup("the kept copy's server was started by somebody else, and not stopped");
    if ((why = other(w, "repo_id", b->repo->id, "repository")) != NULL ||
        (why = other(w, "database", b->label->db, "database")) != NULL ||
        (why = other(w, "tool", PGASSAY_VERSION, "pgassay")) != NULL ||
        (why = other_server(w, o, b)) != NULL)
        return why;
    if (json_opt_bool(w->was, "allow_remote", false) != o->allow_remote ||
        json_opt_bool(w->was, "beyond", false) != o->beyond)
        return xstrdup("the kept copy was made with other options");
    if (json_opt_int(w->was, "warm_drills", 0) + 1 < o->cold_every)
        return NULL;
    return o->cold_every == 1 ? xstrdup("each is") : xasprintf("one drill in %d is", o->cold_every);
}

void
warm_turn_cold(struct warm *w, struct verify_result *r, char *why)
{
    w->warm = false;
    r->copy.warm = false;
    free(r->copy.why);
    r->copy.why = why;
    log_info("a cold drill: %s", why);
}

int
warm_open(struct warm *w, const struct options *o, const struct baseline *b,
          struct verify_result *r, struct err *e)
{
    char *why;

    *w = (struct warm){.fd = -1};
    if (open_dir(w, o->warm, e) != 0)
        return -1;
    w->was = read_state(w);
    w->warm = r->copy.warm = true;
    if ((why = why_cold(w, o, b)) != NULL)
        warm_turn_cold(w, r, why);
    return 0;
}

static json_t *
state_new(void)
{
    return json_pack("{s:s}", "type", STATE_TYPE);
}

int
warm_begin(struct warm *w, struct err *e)
{
    if (write_state(w, state_new(), e) != 0)
        return -1;
    remove_servers(w);
    if (w->warm)
        return 0;
    if (unlink(w->rows) != 0 && errno != ENOENT)
        return err_errno(e, "\"%s\"", w->rows);
    return scratch_forget(w->data, e);
}

void
warm_take_recovery(const struct warm *w, struct verify_result *r)
{
    struct err ignored = ERR_INIT;

    r->recovery_s = json_number_value(json_object_get(w->was, "recovery_seconds"));
    (void)time_parse(json_opt_str(w->was, "cold", ""), &r->copy.cold, &ignored);
}

int
warm_done(const struct warm *w, const struct options *o, const struct baseline *b,
          int server_version, const struct verify_result *r, struct err *e)
{
    json_t *s;
    char    at[32];
    time_t  cold = w->warm ? r->copy.cold : r->circumstances.started;
    int64_t n = w->warm ? json_opt_int(w->was, "warm_drills", 0) + 1 : 0;

    /* Its server writes nothing through. */
    if (syncfs(w->fd) != 0)
        return err_errno(e, "could not write \"%s\" to disk", w->dir);
    s = state_new();
    (void)json_object_set_new(s, "clean", json_true());
    (void)json_object_set_new(s, "repo_id", json_string(b->repo->id));
    (void)json_object_set_new(s, "database", json_string(b->label->db));
    (void)json_object_set_new(s, "backup", json_string(b->label->id));
    (void)json_object_set_new(s, "tool", json_string(PGASSAY_VERSION));
    (void)json_object_set_new(s, "server_version_num", json_integer(server_version));
    (void)json_object_set_new(s, "allow_remote", json_boolean(o->allow_remote));
    (void)json_object_set_new(s, "beyond", json_boolean(o->beyond));
    (void)json_object_set_new(s, "warm_drills", json_integer((json_int_t)n));
    (void)json_object_set_new(s, "cold", json_string(time_rfc3339(cold, at, sizeof at)));
    (void)json_object_set_new(s, "recovery_seconds", json_real(r->recovery_s));
    return write_state(w, s, e);
}

void
warm_close(struct warm *w)
{
    free(w->dir);
    free(w->data);
    free(w->rows);
    free(w->state);
    json_decref(w->was);
    if (w->fd >= 0)
        (void)close(w->fd);
}

int
warm_spoilt(const struct warm *w, const char *why, struct err *e)
{
    json_t *s = state_new();

    (void)json_object_set_new(s, "why", json_string(why));
    return write_state(w, s, e);
}
