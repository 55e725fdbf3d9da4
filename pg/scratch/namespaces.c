#include "pg/scratch/namespaces.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* unshare() would not do: once the first process of a PID namespace has ended, the process that
 * made it can no longer fork. */
static pid_t
fork_into(uint64_t flags)
{
    struct clone_args args = {.flags = flags, .exit_signal = SIGCHLD};

    return flags == 0 ? fork() : (pid_t)syscall(SYS_clone3, &args, sizeof args);
}

static int
write_text(const char *path, const char *text)
{
    int     fd = open(path, O_WRONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : write(fd, text, strlen(text));

    if (fd >= 0) {
        (void)close(fd);
    }
    return n == (ssize_t)strlen(text) ? 0 : -1;
}

/* Maps uid and gid to themselves in the new user namespace; until then both are nobody's. */
static int
map_ourselves(uid_t uid, gid_t gid)
{
    char users[64], groups[64];
    int  dumpable = prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), rc;

    (void)snprintf(users, sizeof users, "%u %u 1\n", (unsigned)uid, (unsigned)uid);
    (void)snprintf(groups, sizeof groups, "%u %u 1\n", (unsigned)gid, (unsigned)gid);
    /* Files in /proc/self are root's while a process protects secrets (core/crypto/secret.h); this
     * child has no copies of them. */
    (void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
    rc = write_text("/proc/self/setgroups", "deny") != 0 ||
            write_text("/proc/self/uid_map", users) != 0 ||
            write_text("/proc/self/gid_map", groups) != 0
        ? -1
        : 0;
    (void)prctl(PR_SET_DUMPABLE, dumpable, 0, 0, 0);
    return rc;
}

static int
wait_for(pid_t pid)
{
    int status = -1;

    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return status == 0 ? 0 : -1;
}

static uint64_t
wanted(const struct namespaces *n)
{
    return CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | (n->network ? 0 : CLONE_NEWNET);
}

/* The ids from before, for the child, which cannot find them out. */
static uid_t our_uid;
static gid_t our_gid;

/* A user namespace that cannot be mapped would be worse than none (some systems allow any user to
 * make one, but nothing in it): so it is tried first. */
static bool
have_user_namespace(uint64_t others)
{
    pid_t pid = fork_into(CLONE_NEWUSER | others);

    if (pid == 0) {
        _exit(map_ourselves(our_uid, our_gid) == 0 ? 0 : 1);
    }
    return wait_for(pid) == 0;
}

static int
bind_passwd(const char *passwd)
{
    return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
            mount(passwd, "/etc/passwd", NULL, MS_BIND, NULL) != 0
        ? -1
        : 0;
}

/* Makes every mount but that directory read-only.  Mounts where this fails stay writable. */
static int
mount_read_only(const char *dir)
{
    struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY};
    int own = open_tree(AT_FDCWD, dir, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);

    if (own >= 0) {
        if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
            mount_setattr(AT_FDCWD, "/", AT_RECURSIVE, &attr, sizeof attr) == 0) {
            (void)move_mount(own, "", AT_FDCWD, dir, MOVE_MOUNT_F_EMPTY_PATH);
        }
        (void)close(own);
    }
    return access(dir, W_OK);
}

bool
namespaces_have_passwd(void)
{
    pid_t pid = fork_into(CLONE_NEWNS);

    if (pid == 0) {
        _exit(bind_passwd("/etc/passwd") == 0 ? 0 : 1);
    }
    return wait_for(pid) == 0;
}

/* The flags of namespaces_fork(), for the child. */
static uint64_t made;

static pid_t
fork_and_tell(uint64_t flags)
{
    made = flags;
    return fork_into(flags);
}

pid_t
namespaces_fork(const struct namespaces *n)
{
    pid_t pid;

    our_uid = geteuid();
    our_gid = getegid();
    if (!n->root) {
        return fork_and_tell(have_user_namespace(wanted(n)) ? CLONE_NEWUSER | wanted(n) : 0);
    }
    pid = fork_and_tell(wanted(n));
    return pid >= 0 || errno == EAGAIN || errno == ENOMEM
        ? pid
        : fork_and_tell(n->passwd != NULL ? CLONE_NEWNS : 0);
}

int
namespaces_enter(const struct namespaces *n)
{
    if ((made & CLONE_NEWUSER) != 0 && map_ourselves(our_uid, our_gid) != 0) {
        return -1;
    }
    if (n->passwd != NULL && bind_passwd(n->passwd) != 0) {
        return -1;
    }
    return (made & CLONE_NEWNS) != 0 ? mount_read_only(n->dir) : 0;
}
