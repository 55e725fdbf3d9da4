#include "pg/scratch/account.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pg/scratch/clusters.h"
#include "pg/scratch/namespaces.h"

#define OWN_USER  "pgassay-scratch"
#define LOCK_DIR  "/run/pgassay"
#define MAKE_USER "useradd --system --no-create-home " OWN_USER

/* Neither a distribution nor systemd assigns these ("Users, Groups, UIDs and GIDs on systemd
 * systems"), and a container with 2^16 ids has them. */
enum { ID_FIRST = 60578, ID_LAST = 61183, IDS = ID_LAST - ID_FIRST + 1 };

void
account_free(struct account *a)
{
    free(a->name);
    if (a->lock >= 0) {
        (void)close(a->lock);
    }
    *a = (struct account)ACCOUNT_INIT;
}

int
account_become(const struct account *a)
{
    if (!a->drop) {
        return 0;
    }
    return (a->unnamed ? setgroups(0, NULL) : initgroups(a->name, a->gid)) != 0 ||
            setgid(a->gid) != 0 || setuid(a->uid) != 0
        ? -1
        : 0;
}

/*
 * An id of its own
 */

/* Ids of the range in use by a process: real, effective, saved, or for file access. */
static void
mark_processes(bool taken[IDS])
{
    DIR           *proc = opendir("/proc");
    struct dirent *entry;

    while (proc != NULL && (entry = readdir(proc)) != NULL) {
        char     path[64], line[256];
        unsigned id[4];
        FILE    *f;

        if (!isdigit((unsigned char)entry->d_name[0])) {
            continue;
        }
        (void)snprintf(path, sizeof path, "/proc/%.20s/status", entry->d_name);
        f = fopen(path, "re");
        while (f != NULL && fgets(line, sizeof line, f) != NULL) {
            if (sscanf(line, "Uid: %u %u %u %u", &id[0], &id[1], &id[2], &id[3]) == 4 ||
                sscanf(line, "Gid: %u %u %u %u", &id[0], &id[1], &id[2], &id[3]) == 4) {
                for (size_t i = 0; i < 4; i++) {
                    if (id[i] >= ID_FIRST && id[i] <= ID_LAST) {
                        taken[id[i] - ID_FIRST] = true;
                    }
                }
            }
        }
        if (f != NULL) {
            (void)fclose(f);
        }
    }
    if (proc != NULL) {
        (void)closedir(proc);
    }
}

/* Ids that own files left by an earlier server, for example after a crash of the machine. */
static void
mark_leftovers(const char *parent, bool taken[IDS])
{
    DIR           *d = opendir(parent);
    struct dirent *entry;
    struct stat    sb;

    while (d != NULL && (entry = readdir(d)) != NULL) {
        if (strncmp(entry->d_name, "pgassay-", 8) == 0 &&
            fstatat(dirfd(d), entry->d_name, &sb, AT_SYMLINK_NOFOLLOW) == 0 &&
            sb.st_uid >= ID_FIRST && sb.st_uid <= ID_LAST) {
            taken[sb.st_uid - ID_FIRST] = true;
        }
    }
    if (d != NULL) {
        (void)closedir(d);
    }
}

/* -1: another scratch server has it, or (EACCES and the like) no lock file can be made. */
static int
lock_id(uid_t id)
{
    char path[64];
    int  fd;

    (void)snprintf(path, sizeof path, LOCK_DIR "/scratch-%u.lock", (unsigned)id);
    if (mkdir(LOCK_DIR, 0700) != 0 && errno != EEXIST) {
        return -1;
    }
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0) {
        int why = errno;
        (void)close(fd);
        errno = why;
        return -1;
    }
    return fd;
}

static bool
is_named(uid_t id)
{
    struct passwd pw, *user = NULL;
    struct group  gr, *group = NULL;
    char          text[16384];

    return getpwuid_r(id, &pw, text, sizeof text, &user) != 0 || user != NULL ||
        getgrgid_r(id, &gr, text, sizeof text, &group) != 0 || group != NULL;
}

static int
take_id(const char *parent, struct account *a, struct err *e)
{
    bool taken[IDS] = {false};

    if (!namespaces_have_passwd()) {
        err_set(e, ERR_USAGE,
                "root may not make a mount namespace here, and so not give the scratch server a "
                "user "
                "id of its own");
        return err_hint(e, "make a user for it: " MAKE_USER);
    }
    mark_processes(taken);
    mark_leftovers(parent, taken);
    for (size_t i = 0; i < IDS; i++) {
        uid_t id = ID_FIRST + (uid_t)i;

        if (taken[i] || is_named(id)) {
            continue;
        }
        if ((a->lock = lock_id(id)) >= 0) {
            a->uid = id;
            a->gid = id;
            a->name = xasprintf("%u", (unsigned)id);
            a->drop = a->unnamed = true;
            return 0;
        }
        if (errno != EWOULDBLOCK) {
            err_errno(e, "could not take a user id for the scratch server: \"%s\"", LOCK_DIR);
            return err_hint(e, "make a user for it: " MAKE_USER);
        }
    }
    err_set(e, ERR_BUSY, "every user id from %d to %d, for scratch servers, is in use", ID_FIRST,
            ID_LAST);
    return err_hint(e, "make a user for them: " MAKE_USER);
}

/*
 * An existing user
 */

/* 0: found.  1: there is no such user. */
static int
find_user(const char *name, struct account *a)
{
    struct passwd pw, *found = NULL;
    char          text[16384];

    if (getpwnam_r(name, &pw, text, sizeof text, &found) != 0 || found == NULL) {
        return 1;
    }
    a->drop = true;
    a->uid = pw.pw_uid;
    a->gid = pw.pw_gid;
    a->name = xstrdup(name);
    return 0;
}

/* Is it one of the directories, or below one? */
static bool
lies_beneath(const char *path, const struct strlist *dirs)
{
    char *real = realpath(path, NULL);
    bool  found = false;

    for (size_t i = 0; real != NULL && !found && i < dirs->n; i++) {
        char  *dir = realpath(dirs->v[i], NULL);
        size_t n = dir == NULL ? 0 : strlen(dir);

        found = n > 0 && strncmp(real, dir, n) == 0 && (real[n] == '/' || real[n] == '\0');
        free(dir);
    }
    free(real);
    return found;
}

/* The index of the first path that this process may read (and that is below one of open, if that is
 * not NULL); n: none. */
static size_t
first_readable(const struct strlist *paths, const struct strlist *open)
{
    size_t i = 0;

    while (i < paths->n &&
           (faccessat(AT_FDCWD, paths->v[i], R_OK, AT_EACCESS) != 0 ||
            (open != NULL && !lies_beneath(paths->v[i], open)))) {
        i++;
    }
    return i;
}

/* The same for the account, tested by a process running as it. */
static int
readable_by(const struct account *a, const struct strlist *paths, const struct strlist *open,
            size_t *which, struct err *e)
{
    int     fd[2];
    pid_t   pid;
    ssize_t n;

    if (!a->drop || paths->n == 0) {
        *which = first_readable(paths, open);
        return 0;
    }
    if (pipe2(fd, O_CLOEXEC) != 0) {
        return err_errno(e, "could not make a pipe");
    }
    if ((pid = fork()) == 0) {
        size_t i = account_become(a) == 0 ? first_readable(paths, NULL) : SIZE_MAX;

        _exit(write(fd[1], &i, sizeof i) == (ssize_t)sizeof i ? 0 : 1);
    }
    (void)close(fd[1]);
    n = read(fd[0], which, sizeof *which);
    (void)close(fd[0]);
    while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
    }
    return pid > 0 && n == (ssize_t)sizeof *which && *which != SIZE_MAX
        ? 0
        : err_set(e, ERR_IO, "could not find out what user \"%s\" may read", a->name);
}

/* The remedy depends on who started it. */
static int
refuse(const struct account *a, const char *what, const char *path, struct err *e)
{
    err_set(e, ERR_USAGE, "the scratch server would run as \"%s\", who %s \"%s\"", a->name, what,
            path);
    return a->drop ? err_hint(e,
                              "functions of the backup run in it: leave --scratch-user out, and it "
                              "gets a user "
                              "id of its own, or name a user who owns nothing (" MAKE_USER ")")
                   : err_hint(e,
                              "functions of the backup run in it, and this kernel has no Landlock "
                              "to confine "
                              "them: run this as root, or as a user without keys and clusters, or "
                              "accept it "
                              "with --scratch-unconfined");
}

static int
check(const struct account *a, const struct account_wish *w, struct err *e)
{
    const struct strlist none = {0}, *secrets = w->secrets != NULL ? w->secrets : &none;
    struct strlist       clusters = {0};
    size_t               i = 0;
    int                  rc = -1;

    clusters_running(&clusters);
    if (readable_by(a, secrets, w->open, &i, e) != 0) {
        goto out;
    }
    if (i < secrets->n) {
        (void)refuse(a, "may read", secrets->v[i], e);
        goto out;
    }
    if (readable_by(a, &clusters, w->open, &i, e) != 0) {
        goto out;
    }
    if (i < clusters.n) {
        (void)refuse(a, "may read the running cluster", clusters.v[i], e);
        goto out;
    }
    rc = 0;
out:
    strlist_free(&clusters);
    return rc;
}

static int
not_root(const char *name, const char *why, struct err *e)
{
    err_set(e, ERR_USAGE, "%s \"%s\"", why, name);
    return err_hint(e,
                    "PostgreSQL refuses to run as root: name another user with --scratch-user, or "
                    "leave it out");
}

static int
choose_as_root(const struct account_wish *w, struct account *a, struct err *e)
{
    if (w->user != NULL) {
        if (find_user(w->user, a) != 0) {
            return not_root(w->user,
                            "the scratch server is to run as a user that does not exist:", e);
        }
        if (a->uid == 0) {
            return not_root(w->user, "the scratch server cannot run as", e);
        }
        return check(a, w, e);
    }
    return find_user(OWN_USER, a) == 0 ? check(a, w, e) : take_id(w->parent_dir, a, e);
}

int
account_choose(const struct account_wish *w, struct account *out, struct err *e)
{
    struct passwd pw, *found = NULL;
    char          text[16384];

    *out = (struct account)ACCOUNT_INIT;
    if (geteuid() == 0) {
        return choose_as_root(w, out, e);
    }
    out->uid = geteuid();
    out->gid = getegid();
    out->name = getpwuid_r(out->uid, &pw, text, sizeof text, &found) == 0 && found != NULL
        ? xstrdup(pw.pw_name)
        : xasprintf("%u", (unsigned)out->uid);
    return w->unconfined ? 0 : check(out, w, e);
}
