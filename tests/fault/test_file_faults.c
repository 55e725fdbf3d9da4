/* The file driver when the system says no: each call it makes failed once, a disk that is full, a
 * directory that may not be written. */
#include "storage/contract/location.h"
#include "storage/drivers/open.h"
#include "tests/fault/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* ---- our own fsync() and friends: the program's definition goes before the C library's ---- */

enum call { CALL_FSYNC, CALL_LINK, CALL_MKDIR, CALL_WRITE, CALLS };

static int      failing_call = -1; /* enum call */
static unsigned countdown;         /* that one fails */
static int      with_errno;
static int      synced = -1; /* the last one */
static unsigned let_go;      /* of how many files, all synced, the pages */

static bool
fails(enum call c)
{
    if (failing_call != (int)c || countdown == 0 || --countdown > 0) {
        return false;
    }
    errno = with_errno;
    return true;
}

int
fsync(int fd)
{
    synced = fd;
    return fails(CALL_FSYNC) ? -1 : (int)syscall(SYS_fsync, fd);
}

int
posix_fadvise(int fd, off_t offset, off_t n, int advice)
{
    let_go += fd == synced && offset == 0 && n == 0 && advice == POSIX_FADV_DONTNEED;
    return 0;
}

int
linkat(int from_dir, const char *from, int to_dir, const char *to, int flags)
{
    return fails(CALL_LINK) ? -1 : (int)syscall(SYS_linkat, from_dir, from, to_dir, to, flags);
}

int
mkdirat(int dir, const char *path, mode_t mode)
{
    return fails(CALL_MKDIR) ? -1 : (int)syscall(SYS_mkdirat, dir, path, mode);
}

/* The driver writes through pwrite-less write(); cmocka prints with it too, on 1 and 2. */
ssize_t
write(int fd, const void *data, size_t n)
{
    return fd > 2 && fails(CALL_WRITE) ? -1 : syscall(SYS_write, fd, data, n);
}

static void
arm(int call, unsigned n, int code)
{
    failing_call = call;
    countdown = n;
    with_errno = code;
}

/* ---- */

static int
count(void *ctx, const struct object_info *info, struct err *e)
{
    (void)info;
    (void)e;
    ++*(int *)ctx;
    return 0;
}

static void
one_call_fails(enum call call, int code, const char *words)
{
    unsigned failed = 0;

    for (unsigned n = 1;; n++) {
        char           *dir = fixture_dir();
        struct err      e = ERR_INIT;
        struct storage *st = storage_open(STORAGE_LOCATION(dir), true, &e);
        int             objects = 0;
        int             rc;
        bool            hit;

        assert_non_null(st);
        arm((int)call, n, code);
        rc = storage_put(st, "shop/chunks/1/aa/x", "hello", 5, &e);
        hit = countdown == 0;
        arm(-1, 0, 0);
        assert_ok(storage_list(st, "", count, &objects, &(struct err)ERR_INIT), &e);
        if (hit) {
            failed++;
            assert_int_equal(rc, -1);
            assert_err(&e, ERR_IO, "could not store \"shop/chunks/1/aa/x\"");
            assert_err(&e, ERR_IO, words);
            assert_int_equal(objects, 0);
            assert_ok(storage_put(st, "shop/chunks/1/aa/x", "hello", 5, &e), &e);
        } else {
            assert_int_equal(rc, 0);
            assert_int_equal(objects, 1);
        }
        storage_close(st);
        fixture_remove(dir);
        if (!hit) {
            break;
        }
    }
    assert_true(failed > 0);
}

static void
a_failed_fsync_fails_the_object(void **state)
{
    (void)state;
    one_call_fails(CALL_FSYNC, EIO, "Input/output error");
}

static void
a_failed_link_fails_the_object(void **state)
{
    (void)state;
    one_call_fails(CALL_LINK, ENOSPC, "No space left");
}

static void
a_failed_mkdir_fails_the_object(void **state)
{
    (void)state;
    one_call_fails(CALL_MKDIR, EDQUOT, "quota");
}

static void
a_failed_write_fails_the_object(void **state)
{
    (void)state;
    one_call_fails(CALL_WRITE, ENOSPC, "No space left");
}

static void
a_large_object_does_not_stay_in_memory(void **state)
{
    char           *dir = fixture_dir();
    struct err      e = ERR_INIT;
    struct storage *st = storage_open(STORAGE_LOCATION(dir), true, &e);
    char           *chunk = xcalloc(1, 2 * MIB);

    (void)state;
    let_go = 0;
    assert_ok(storage_put(st, "shop/chunks/1/aa/small", "hello", 5, &e), &e);
    assert_int_equal(let_go, 0);
    assert_ok(storage_put(st, "shop/chunks/1/aa/large", chunk, 2 * MIB, &e), &e);
    assert_int_equal(let_go, 1);
    free(chunk);
    storage_close(st);
    fixture_remove(dir);
}

/* ---- in a child, so that limits and mounts are its own ---- */

static void
in_child(void (*fn)(const char *dir), const char *dir)
{
    int   status;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        fn(dir);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77) {
        skip();
    }
    assert_int_equal(WEXITSTATUS(status), 0);
}

#define CHILD_CHECK(what)                                                                          \
    do {                                                                                           \
        if (!(what)) {                                                                             \
            (void)fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #what);                       \
            _exit(1);                                                                              \
        }                                                                                          \
    } while (0)

static void
beyond_the_file_limit(const char *dir)
{
    struct rlimit   limit = {4096, 4096};
    struct err      e = ERR_INIT;
    struct storage *st = storage_open(STORAGE_LOCATION(dir), false, &e);
    static char     big[100000];
    int             objects = 0;

    (void)signal(SIGXFSZ, SIG_IGN);
    CHILD_CHECK(st != NULL && setrlimit(RLIMIT_FSIZE, &limit) == 0);
    CHILD_CHECK(storage_put(st, "small", "x", 1, &e) == 0);
    CHILD_CHECK(storage_put(st, "big", big, sizeof big, &e) == -1 && e.kind == ERR_IO);
    CHILD_CHECK(storage_list(st, "", count, &objects, &e) == 0 && objects == 1);
    storage_close(st);
}

static void
a_file_limit_leaves_no_part(void **state)
{
    char *dir = fixture_dir();

    (void)state;
    in_child(beyond_the_file_limit, dir);
    fixture_remove(dir);
}

/* A whole backup on a file system of 1 MB, then with room again. */
static void
on_a_full_disk(const char *dir)
{
    struct err   e = ERR_INIT;
    struct repo *r;
    char         id[BACKUP_ID_MAX];
    char        *filler = xasprintf("%s/filler", dir);
    char        *root = xasprintf("%s/repo", dir);
    static char  block[65536];
    int          fd;

    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("tmpfs", dir, "tmpfs", 0, "size=1m,nr_inodes=1000") != 0) {
        _exit(77);
    }
    CHILD_CHECK(repo_init(STORAGE_LOCATION(root), &e) == 0);
    r = repo_open(STORAGE_LOCATION(root), &e);
    CHILD_CHECK(r != NULL);
    CHILD_CHECK(fixture_backup(r, 1, NULL, NULL, &e) == 0);
    fd = open(filler, O_WRONLY | O_CREAT, 0600);
    while (write(fd, block, sizeof block) > 0) {
    }
    while (write(fd, block, 512) > 0) {
    }
    (void)close(fd);
    CHILD_CHECK(fixture_backup(r, 2, NULL, NULL, &e) == -1 && e.kind == ERR_IO &&
                strstr(e.text, "No space left") != NULL);
    CHILD_CHECK(fixture_count(r, BACKUP_COMMITTED) == 1 && fixture_count(r, BACKUP_DAMAGED) == 0);
    CHILD_CHECK(unlink(filler) == 0);
    CHILD_CHECK(fixture_backup(r, 2, id, NULL, &e) == 0 && fixture_read(r, id, 2, &e) == 0);
    repo_close(r);
    free(filler);
    free(root);
}

static void
a_full_disk_leaves_what_was_there(void **state)
{
    char *dir = fixture_dir();

    (void)state;
    in_child(on_a_full_disk, dir);
    fixture_remove(dir);
}

static void
without_rights(const char *dir)
{
    struct err      e = ERR_INIT;
    struct storage *st;

    if (getuid() == 0) {
        CHILD_CHECK(chown(dir, 65534, 65534) == 0 && setgid(65534) == 0 && setuid(65534) == 0);
    }
    CHILD_CHECK(chmod(dir, 0555) == 0);
    st = storage_open(STORAGE_LOCATION(dir), false, &e);
    CHILD_CHECK(st != NULL);
    CHILD_CHECK(storage_put(st, "a", "x", 1, &e) == -1 && e.kind == ERR_AUTH);
    storage_close(st);
    CHILD_CHECK(chmod(dir, 0755) == 0);
}

static void
a_read_only_repository_is_named(void **state)
{
    char *dir = fixture_dir();

    (void)state;
    in_child(without_rights, dir);
    fixture_remove(dir);
}

static void
init_takes_only_an_empty_directory(void **state)
{
    char      *dir = fixture_dir();
    char      *other = xasprintf("%s/some file", dir);
    struct err e = ERR_INIT;

    (void)state;
    assert_int_equal(mkdir(other, 0755), 0);
    assert_int_equal(repo_init(STORAGE_LOCATION(dir), &e), -1);
    assert_err(&e, ERR_EXISTS, "is not empty");
    assert_int_equal(rmdir(other), 0);
    assert_null(repo_open(STORAGE_LOCATION(dir), &e));
    assert_err(&e, ERR_NOT_FOUND, "not a repository");
    assert_non_null(strstr(e.hint, "storage init"));
    assert_ok(repo_init(STORAGE_LOCATION(dir), &e), &e);
    assert_int_equal(repo_init(STORAGE_LOCATION(dir), &e), -1);
    assert_int_equal(e.kind, ERR_EXISTS);
    free(other);
    fixture_remove(dir);
}

static char *journals;

static int
set_up(void **state)
{
    (void)state;
    journals = fixture_state();
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    fixture_remove(journals);
    return 0;
}

/* init as root, cron as postgres. */
static void
whose_a_repository_is_that_may_not_be_opened(void **state)
{
    char          *dir = fixture_dir();
    struct err     e = ERR_INIT;
    uid_t          who = geteuid();
    struct passwd *owner = getpwuid(who);

    (void)state;
    if (who == 0) {
        assert_int_equal(seteuid(65534), 0);
    } else {
        assert_int_equal(chmod(dir, 0), 0);
    }
    assert_null(storage_open(STORAGE_LOCATION(dir), false, &e));
    assert_int_equal(seteuid(who), 0);
    assert_err(&e, ERR_AUTH, dir);
    assert_non_null(owner);
    assert_non_null(strstr(e.hint, owner->pw_name));
    assert_int_equal(chmod(dir, 0700), 0);
    fixture_remove(dir);
}

/* Each expired backup would leave an empty directory; and whoever is about to store into one
 * must not fail. */
static void
an_empty_backup_directory_goes_and_comes_back(void **state)
{
    static const char  first[] = "shop/backups/20261121T021500Z-0001/label.json";
    static const char  second[] = "shop/backups/20261121T021500Z-0001/manifest.json.zst";
    const char        *keys[] = {first};
    char              *dir = fixture_dir();
    char              *path = xasprintf("%s/shop/backups/20261121T021500Z-0001", dir);
    struct err         e = ERR_INIT;
    struct storage    *one = storage_open(STORAGE_LOCATION(dir), false, &e);
    struct storage    *other = storage_open(STORAGE_LOCATION(dir), false, &e);
    struct stat        sb;
    struct object_info info;

    (void)state;
    assert_non_null(one);
    assert_non_null(other);
    assert_ok(storage_put(one, first, "x", 1, &e), &e);
    assert_ok(storage_remove(other, keys, 1, &e), &e);
    assert_int_equal(stat(path, &sb), -1);
    assert_ok(storage_put(one, second, "x", 1, &e), &e);
    assert_ok(storage_head(other, second, &info, &e), &e);
    assert_ok(storage_remove(one, keys, 1, &e),
              &e); /* not there: no error, and the other one stays */
    assert_ok(storage_head(other, second, &info, &e), &e);
    storage_close(one);
    storage_close(other);
    free(path);
    fixture_remove(dir);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failed_fsync_fails_the_object),
        cmocka_unit_test(a_failed_link_fails_the_object),
        cmocka_unit_test(a_failed_mkdir_fails_the_object),
        cmocka_unit_test(a_failed_write_fails_the_object),
        cmocka_unit_test(a_large_object_does_not_stay_in_memory),
        cmocka_unit_test(a_file_limit_leaves_no_part),
        cmocka_unit_test(a_full_disk_leaves_what_was_there),
        cmocka_unit_test(a_read_only_repository_is_named),
        cmocka_unit_test(whose_a_repository_is_that_may_not_be_opened),
        cmocka_unit_test(an_empty_backup_directory_goes_and_comes_back),
        cmocka_unit_test(init_takes_only_an_empty_directory),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
