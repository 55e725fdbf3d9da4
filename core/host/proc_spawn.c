#include "core/host/proc_spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/mem.h"

enum { GROUPS_MAX = 256, PASSWD_BYTES = 16384 };

/* Everything the child needs, made before fork(): after it, in a program with
 * threads, only async-signal-safe calls are allowed. */
struct plan {
    const struct proc_spec *spec;
    struct strlist          env;
    char                  **argv;
    gid_t                   groups[GROUPS_MAX];
    int                     n_groups;
    int                     in[2], out[2], err[2];
    int                     report[2]; /* the child's errno, when exec fails */
    pid_t                   parent;
};

static bool
same_name(const char *a, const char *b)
{
    size_t n = strcspn(a, "=");

    return n == strcspn(b, "=") && strncmp(a, b, n) == 0;
}

static void
env_remove(struct strlist *env, const char *entry)
{
    for (size_t i = 0; i < env->n; i++) {
        if (same_name(env->v[i], entry)) {
            free(env->v[i]);
            env->v[i--] = env->v[--env->n];
        }
    }
}

static void
env_set(struct strlist *env, const char *entry)
{
    env_remove(env, entry);
    if (strchr(entry, '=') != NULL) {
        strlist_add(env, entry);
    }
}

static void
env_set_home(struct strlist *env, const struct passwd *pw)
{
    const char *const name[] = {"HOME", "USER", "LOGNAME"};
    const char *const value[] = {pw->pw_dir, pw->pw_name, pw->pw_name};

    for (size_t i = 0; i < 3; i++) {
        char *entry = xasprintf("%s=%s", name[i], value[i]);

        env_set(env, entry);
        free(entry);
    }
}

/* Another user has a different home and other groups. */
static int
plan_user(struct plan *p, struct err *e)
{
    struct passwd  pw;
    struct passwd *found = NULL;
    char           text[PASSWD_BYTES];

    if (getpwuid_r(p->spec->uid, &pw, text, sizeof text, &found) != 0 || found == NULL) {
        return err_set(e, ERR_NOT_FOUND, "no user has the id %u", (unsigned)p->spec->uid);
    }
    p->n_groups = GROUPS_MAX;
    if (getgrouplist(pw.pw_name, p->spec->gid, p->groups, &p->n_groups) < 0) {
        p->n_groups = 0;
    }
    env_set_home(&p->env, &pw);
    return 0;
}

static int
plan_env(struct plan *p, struct err *e)
{
    for (char **v = environ; *v != NULL; v++) {
        strlist_add(&p->env, *v);
    }
    if (p->spec->as_user && plan_user(p, e) != 0) {
        return -1;
    }
    for (const char *const *v = p->spec->env; v != NULL && *v != NULL; v++) {
        env_set(&p->env, *v);
    }
    if (p->spec->ours) {
        env_set(&p->env, "PGASSAY_LOG_FORMAT=text");
        env_set(&p->env, "PGASSAY_LOG_TO=stderr");
        env_remove(&p->env, "PGASSAY_PROGRESS");
    }
    VEC_GROW(p->env.v, p->env.n, p->env.cap);
    p->env.v[p->env.n] = NULL; /* for execvpe(); not counted */
    return 0;
}

static void
close_both(int fd[2])
{
    for (int i = 0; i < 2; i++) {
        if (fd[i] >= 0) {
            (void)close(fd[i]);
            fd[i] = -1;
        }
    }
}

static void
close_one(int *fd)
{
    if (*fd >= 0) {
        (void)close(*fd);
        *fd = -1;
    }
}

static int
plan_pipes(struct plan *p, struct err *e)
{
    int *const fds[] = {p->out, p->err, p->report, p->in};
    size_t     n = p->spec->in == NULL ? 3 : 4;

    for (size_t i = 0; i < n; i++) {
        if (pipe2(fds[i], O_CLOEXEC) != 0) {
            return err_errno(e, "could not make a pipe");
        }
    }
    return 0;
}

static int
become_user(const struct plan *p)
{
    return setgroups((size_t)p->n_groups, p->groups) != 0 || setgid(p->spec->gid) != 0 ||
        setuid(p->spec->uid) != 0;
}

static int
redirect(const struct plan *p)
{
    int in = p->in[0] >= 0 ? p->in[0] : open("/dev/null", O_RDONLY | O_CLOEXEC);

    return in < 0 || dup2(in, STDIN_FILENO) < 0 || dup2(p->out[1], STDOUT_FILENO) < 0 ||
        dup2(p->err[1], STDERR_FILENO) < 0;
}

/* For this child only: children of other threads do not inherit them. */
static int
keep_open(const struct plan *p)
{
    for (size_t i = 0; i < sizeof p->spec->keep_fd / sizeof p->spec->keep_fd[0]; i++) {
        if (p->spec->keep_fd[i] > 0 && fcntl(p->spec->keep_fd[i], F_SETFD, 0) != 0) {
            return -1;
        }
    }
    return 0;
}

/* In the child.  Never returns. */
static _Noreturn void
child_main(const struct plan *p)
{
    const struct proc_spec *s = p->spec;
    const char             *cwd = s->cwd != NULL ? s->cwd : s->as_user ? "/" : NULL;
    sigset_t                none;
    int                     why;
    ssize_t                 n;

    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)signal(SIGPIPE, SIG_DFL);
    (void)setpgid(0, 0);
    errno = 0;
    if ((s->as_user && become_user(p) != 0) || (cwd != NULL && chdir(cwd) != 0) ||
        redirect(p) != 0 || keep_open(p) != 0) {
        goto fail;
    }
    /* After the change of user, which clears it; the parent may be gone by now. */
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != p->parent) {
        _exit(127);
    }
    (void)execvpe(p->argv[0], p->argv, p->env.v);
fail:
    why = errno;
    n = write(p->report[1], &why, sizeof why);
    (void)n;
    _exit(127);
}

/* Waits until the child has passed exec (the pipe closes) or reports why not. */
static int
await_exec(struct plan *p, struct err *e)
{
    int     why = 0;
    ssize_t n;

    do {
        n = read(p->report[0], &why, sizeof why);
    } while (n < 0 && errno == EINTR);
    if (n != (ssize_t)sizeof why) {
        return 0;
    }
    errno = why;
    return err_errno(e, "could not run \"%s\"", p->argv[0]);
}

static void
not_blocking(int fd)
{
    (void)fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

/* Hands over the parent's ends of the pipes. */
static void
take_ends(struct plan *p, pid_t pid, struct proc_child *out)
{
    *out = (struct proc_child){.pid = pid, .in = p->in[1], .out = p->out[0], .err = p->err[0]};
    p->in[1] = p->out[0] = p->err[0] = -1;
    not_blocking(out->out);
    not_blocking(out->err);
    if (out->in >= 0) {
        not_blocking(out->in);
    }
}

static void
copy_argv(struct plan *p)
{
    size_t n = 0;

    while (p->spec->argv[n] != NULL) {
        n++;
    }
    p->argv = xcalloc(n + 1, sizeof *p->argv);
    for (size_t i = 0; i < n; i++) {
        p->argv[i] = xstrdup(p->spec->argv[i]); /* exec wants them writable */
    }
}

static void
plan_free(struct plan *p)
{
    for (size_t i = 0; p->argv != NULL && p->argv[i] != NULL; i++) {
        free(p->argv[i]);
    }
    free(p->argv);
    strlist_free(&p->env);
    close_both(p->in);
    close_both(p->out);
    close_both(p->err);
    close_both(p->report);
}

int
proc_spawn(const struct proc_spec *spec, struct proc_child *out, struct err *e)
{
    struct plan p = {
        .spec = spec, .in = {-1, -1}, .out = {-1, -1}, .err = {-1, -1}, .report = {-1, -1}};
    pid_t pid;
    int   rc = -1;

    p.parent = getpid();
    copy_argv(&p);
    if (plan_env(&p, e) != 0 || plan_pipes(&p, e) != 0) {
        goto out;
    }
    pid = fork();
    if (pid == 0) {
        child_main(&p);
    }
    if (pid < 0) {
        err_errno(e, "could not start \"%s\"", p.argv[0]);
        goto out;
    }
    (void)setpgid(pid, pid); /* both sides do it, in any order */
    close_one(&p.report[1]);
    if (await_exec(&p, e) != 0) {
        (void)waitpid(pid, NULL, 0);
        goto out;
    }
    take_ends(&p, pid, out);
    rc = 0;
out:
    plan_free(&p);
    return rc;
}
