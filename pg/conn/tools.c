#include "pg/conn/tools.h"

#include <ctype.h>
#include <dirent.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/cancel.h"
#include "core/host/proc.h"

#define DEBIAN_ROOT "/usr/lib/postgresql"

static const char *forced_bindir;

void
pg_tools_bindir(const char *dir)
{
    forced_bindir = dir;
}

void
pg_tool_free(struct pg_tool *t)
{
    free(t->path);
    free(t->version); // NOLINT(clang-analyzer-unix.Malloc): the next line makes a second call
                      // harmless
    *t = (struct pg_tool){0};
}

/* "pg_dump (PostgreSQL) 15.20 (Debian 15.20-0+deb12u1)", "... 19beta2".  -1: not such a line. */
static int
parse_version(const char *line, struct pg_tool *t)
{
    const char *at = strstr(line, "(PostgreSQL) ");
    char       *end;
    long        major, minor = 0;

    if (at == NULL) {
        return -1;
    }
    at += strlen("(PostgreSQL) ");
    major = strtol(at, &end, 10);
    if (end == at || major < 9 || major > 999) {
        return -1;
    }
    if (*end == '.') {
        minor = strtol(end + 1, NULL, 10);
    }
    t->version_num = (int)(major * 10000 + minor);
    t->version = xstrndup(at, strcspn(at, "\n"));
    return 0;
}

/*
 * To be asked for its version costs a program of PostgreSQL as much as many a query: it loads what
 * a client needs.  A package is unpacked with the time of its making, in whole seconds; so another
 * program of a directory, as old as the one that was asked, is of the same package and version.
 * (The directory that it lies in: links may lead to any; and not where all files are as old as
 * time itself, as in images that are made to be reproducible.)
 * (Not another name of the same file: Debian's wrapper runs one version or the other.)  The same
 * file under the same name is not asked again in any case.
 */
static struct asked {
    char       *dir, *name;
    struct stat st;
    char       *line; /* what it said */
} asked[16];
static size_t          n_asked;
static pthread_mutex_t asked_lock = PTHREAD_MUTEX_INITIALIZER;

/* So old that it tells nothing. */
enum { TOLD_NOTHING = 1000000000 };

/* The directory that the file really lies in; allocated. */
static char *
home_of(const char *path)
{
    char *real = realpath(path, NULL);
    char *slash = real == NULL ? NULL : strrchr(real, '/');

    if (slash != NULL) {
        *slash = '\0';
    }
    return real;
}

static bool
same_change(const struct stat *a, const struct stat *b)
{
    return a->st_size == b->st_size && a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
        a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

static bool
is_known(const char *dir, const char *name, const struct stat *st, struct buf *line)
{
    struct err ignored = ERR_INIT;
    bool       is = false;

    (void)pthread_mutex_lock(&asked_lock);
    for (size_t i = 0; !is && i < n_asked; i++) {
        const struct asked *a = &asked[i];

        is = strcmp(a->dir, dir) == 0 && a->st.st_dev == st->st_dev && a->st.st_uid == st->st_uid &&
            a->st.st_mtim.tv_sec == st->st_mtim.tv_sec &&
            a->st.st_mtim.tv_nsec == st->st_mtim.tv_nsec &&
            (a->st.st_ino == st->st_ino
                 ? strcmp(a->name, name) == 0 && same_change(&a->st, st)
                 : st->st_mtim.tv_nsec == 0 && st->st_mtim.tv_sec > TOLD_NOTHING) &&
            buf_puts(line, a->line, &ignored) == 0;
    }
    (void)pthread_mutex_unlock(&asked_lock);
    return is;
}

static void
note_asked(const char *dir, const char *name, const struct stat *st, const char *line)
{
    (void)pthread_mutex_lock(&asked_lock);
    if (n_asked < sizeof asked / sizeof asked[0]) {
        asked[n_asked++] = (struct asked){xstrdup(dir), xstrdup(name), *st, xstrdup(line)};
    }
    (void)pthread_mutex_unlock(&asked_lock);
}

/* Whether there is such a program in dir, and its version.  -1: no; *e is set if there is one that
 * cannot be used. */
static int
look_in(const char *dir, const char *name, struct pg_tool *t, struct err *e)
{
    struct buf  out = BUF_INIT(4 * KIB);
    struct stat st;
    const char *argv[] = {NULL, "--version", NULL};
    char       *home = NULL;
    int         rc = -1;

    t->path = xasprintf("%s/%s", dir, name);
    argv[0] = t->path;
    if (stat(t->path, &st) != 0 || access(t->path, X_OK) != 0 ||
        (home = home_of(t->path)) == NULL) {
        goto out;
    }
    if (is_known(home, name, &st, &out)) {
        rc = parse_version(buf_str(&out), t);
    } else if (proc_run(&(struct proc_spec){.argv = argv, .out = &out, .total_ms = 20000}, NULL,
                        e) == 0 &&
               (rc = parse_version(buf_str(&out), t)) != 0) {
        err_set(e, ERR_PG, "it does not say its version");
    } else if (t->version != NULL) {
        note_asked(home, name, &st, buf_str(&out));
    }
out:
    free(home);
    buf_free(&out);
    if (rc != 0) {
        pg_tool_free(t);
    }
    return rc;
}

static void
debian_dirs(struct strlist *dirs)
{
    DIR           *d = opendir(DEBIAN_ROOT);
    struct dirent *entry;

    while (d != NULL && (entry = readdir(d)) != NULL) {
        if (isdigit((unsigned char)entry->d_name[0])) {
            strlist_take(dirs, xasprintf(DEBIAN_ROOT "/%s/bin", entry->d_name));
        }
    }
    if (d != NULL) {
        (void)closedir(d);
    }
}

static void
pg_config_dir(struct strlist *dirs)
{
    struct err  e = ERR_INIT;
    struct buf  out = BUF_INIT(4 * KIB);
    const char *argv[] = {"pg_config", "--bindir", NULL};

    if (proc_run(&(struct proc_spec){.argv = argv, .out = &out, .total_ms = 20000}, NULL, &e) ==
        0) {
        strlist_take(dirs, xstrndup(buf_str(&out), strcspn(buf_str(&out), "\n")));
    }
    buf_free(&out);
}

static void
path_dirs(struct strlist *dirs)
{
    const char *path = getenv("PATH");

    while (path != NULL && *path != '\0') {
        size_t n = strcspn(path, ":");

        if (n > 0) {
            strlist_take(dirs, xstrndup(path, n));
        }
        path += n + (path[n] == ':');
    }
}

/* Whether the program in dir is another than those of debian_dirs().  Debian's in /usr/bin is a
 * script that runs one of these: to ask it for its version takes as long as all else. */
static bool
is_another(const char *dir, const char *name)
{
    char       *path = xasprintf("%s/%s", dir, name);
    char       *real = realpath(path, NULL);
    const char *last = real == NULL ? NULL : strrchr(real, '/');
    bool        is = last != NULL && strcmp(last, "/pg_wrapper") != 0 &&
        strncmp(real, DEBIAN_ROOT "/", strlen(DEBIAN_ROOT "/")) != 0;

    free(real);
    free(path);
    return is;
}

/* Nearest: the oldest major that is not below the server's, of that the newest minor. */
static int
better(const struct pg_tool *a, const struct pg_tool *b, int at_least)
{
    int major_a = a->version_num / 10000, major_b = b->version_num / 10000;

    if (b->path == NULL) {
        return 1;
    }
    if (at_least == 0 || major_a == major_b) {
        return a->version_num > b->version_num;
    }
    return major_a < major_b;
}

/* The best of those in dirs; those too old are added to seen. */
static void
best_of(const struct strlist *dirs, const char *name, int at_least, struct pg_tool *best,
        struct strlist *seen)
{
    for (size_t i = 0; i < dirs->n && !cancel_requested(); i++) {
        struct pg_tool t = {0};
        struct err     why = ERR_INIT;

        if (look_in(dirs->v[i], name, &t, &why) != 0) {
            if (why.kind != ERR_NONE) {
                strlist_take(seen,
                             xasprintf("one in %s that cannot be used: %s", dirs->v[i], why.text));
            }
            continue;
        }
        if (t.version_num / 10000 >= at_least / 10000 && better(&t, best, at_least)) {
            pg_tool_free(best);
            *best = t;
            continue;
        }
        if (!strlist_has(seen, t.version)) {
            strlist_add(seen, t.version);
        }
        pg_tool_free(&t);
    }
}

/* Those of PATH that stand beside Debian's. */
static void
best_beside(const char *name, struct pg_tool *best, struct strlist *seen)
{
    struct strlist path = {0}, dirs = {0};

    path_dirs(&path);
    for (size_t i = 0; i < path.n; i++) {
        if (is_another(path.v[i], name)) {
            strlist_add(&dirs, path.v[i]);
        }
    }
    best_of(&dirs, name, 0, best, seen);
    strlist_free(&path);
    strlist_free(&dirs);
}

/* Debian's package, of that version or (0) of the newest. */
static void
hint_package(const char *name, int at_least, const char *only, struct err *e)
{
    static const char *const of_servers[] = {"initdb", "postgres", "pg_ctl"};
    char                     version[16] = "";
    const char              *package = "postgresql-client";

    for (size_t i = 0; i < sizeof of_servers / sizeof of_servers[0]; i++) {
        package = strcmp(name, of_servers[i]) == 0 ? "postgresql" : package;
    }
    if (at_least > 0) {
        (void)snprintf(version, sizeof version, "-%d", at_least / 10000);
    }
    if (only != NULL) {
        err_hint(e, "%s is in the package %s%s; is \"%s\" (--pg-bindir) its directory?", name,
                 package, version, only);
    } else {
        err_hint(e, "install %s%s, or name its directory with --pg-bindir", package, version);
    }
}

static int
not_found(const char *name, int at_least, const char *only, const struct strlist *seen,
          struct err *e)
{
    struct buf list = BUF_INIT(KIB);

    for (size_t i = 0; i < seen->n; i++) {
        (void)buf_printf(&list, e, "%s%s", i == 0 ? "" : ", ", seen->v[i]);
    }
    if (at_least == 0) {
        err_set(e, ERR_NOT_FOUND, "could not find %s%s%s%s", name,
                seen->n == 0 ? "" : " (found: ", buf_str(&list), seen->n == 0 ? "" : ")");
    } else {
        err_set(e, ERR_NOT_FOUND, "could not find %s of version %d or newer (found: %s)", name,
                at_least / 10000, seen->n == 0 ? "none" : buf_str(&list));
    }
    hint_package(name, at_least, only, e);
    buf_free(&list);
    return -1;
}

int
pg_tool_find(const char *name, int at_least, struct pg_tool *out, struct err *e)
{
    const char    *only = forced_bindir != NULL ? forced_bindir : getenv("PGASSAY_PG_BINDIR");
    struct strlist dirs = {0}, seen = {0};
    int            rc = 0;

    *out = (struct pg_tool){0};
    only = only != NULL && *only != '\0' ? only : NULL;
    if (only != NULL) {
        strlist_add(&dirs, only);
        best_of(&dirs, name, at_least, out, &seen);
    } else {
        debian_dirs(&dirs);
        best_of(&dirs, name, at_least, out, &seen);
        /* PATH comes second: Debian's /usr/bin/pg_dump is a wrapper that chooses a version by
         * its own rules.  But the newest (0) may be only there. */
        if (out->path == NULL) {
            pg_config_dir(&dirs);
            path_dirs(&dirs);
            best_of(&dirs, name, at_least, out, &seen);
        } else if (at_least == 0) {
            best_beside(name, out, &seen);
        }
    }
    /* Interrupted while searching: this does not show that there is none. */
    if (cancel_check(e) != 0) {
        pg_tool_free(out);
        rc = -1;
    } else if (out->path == NULL) {
        rc = not_found(name, at_least, only, &seen, e);
    }
    strlist_free(&dirs);
    strlist_free(&seen);
    return rc;
}
