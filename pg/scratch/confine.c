#include "pg/scratch/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * Landlock.  The kernel's interface is stable, and repeated here: the headers of the build may be
 * older than the running kernel.
 */

enum { LL_CREATE = 444, LL_ADD_RULE = 445, LL_RESTRICT = 446 }; /* one number on all machines */
enum { LL_ASK_VERSION = 1, LL_RULE_BENEATH = 1 };

enum ll_fs {
    LL_EXECUTE = 1 << 0,
    LL_WRITE = 1 << 1,
    LL_READ = 1 << 2,
    LL_LIST = 1 << 3,
    LL_REMOVE_DIR = 1 << 4,
    LL_REMOVE_FILE = 1 << 5,
    LL_MAKE_CHAR = 1 << 6,
    LL_MAKE_DIR = 1 << 7,
    LL_MAKE_FILE = 1 << 8,
    LL_MAKE_SOCKET = 1 << 9,
    LL_MAKE_FIFO = 1 << 10,
    LL_MAKE_BLOCK = 1 << 11,
    LL_MAKE_LINK = 1 << 12,
    LL_REFER = 1 << 13,     /* version 2 */
    LL_TRUNCATE = 1 << 14,  /* 3 */
    LL_IOCTL_DEV = 1 << 15, /* 5 */
    LL_ALL = (1 << 16) - 1,

    LL_READING = LL_EXECUTE | LL_READ | LL_LIST,
    LL_OF_FILES = LL_EXECUTE | LL_WRITE | LL_READ | LL_TRUNCATE | LL_IOCTL_DEV,
    /* No executing and no devices. */
    LL_OWN = LL_ALL & ~(LL_EXECUTE | LL_MAKE_CHAR | LL_MAKE_BLOCK),
};
enum { LL_NET_BOTH = 3 };   /* bind and connect; version 4 */
enum { LL_SCOPE_BOTH = 3 }; /* abstract Unix sockets, signals; version 6 */

struct ll_ruleset {
    uint64_t fs, net, scoped;
};

struct ll_beneath {
    uint64_t allowed;
    int32_t  parent;
} __attribute__((packed));

static long
ll_version(void)
{
    return syscall(LL_CREATE, NULL, 0, LL_ASK_VERSION);
}

static uint64_t
ll_fs_of(long version)
{
    return version >= 5 ? LL_ALL
        : version >= 3  ? LL_ALL & ~LL_IOCTL_DEV
        : version == 2  ? LL_REFER | (LL_REFER - 1)
                        : LL_REFER - 1;
}

static int
ll_allow(int ruleset, const char *path, uint64_t rights, uint64_t known)
{
    struct ll_beneath rule = {.parent = open(path, O_PATH | O_CLOEXEC)};
    struct stat       sb;
    int               rc = -1;

    if (rule.parent < 0) {
        return errno == ENOENT || errno == ENOTDIR || errno == EACCES ? 0 : -1;
    }
    if (fstat(rule.parent, &sb) == 0) {
        rule.allowed = rights & known & (S_ISDIR(sb.st_mode) ? LL_ALL : LL_OF_FILES);
        rc = (int)syscall(LL_ADD_RULE, ruleset, LL_RULE_BENEATH, &rule, 0);
    }
    (void)close(rule.parent);
    return rc;
}

static int
confine_files(const struct confinement *c)
{
    static const char *const devices[] = {"/dev/null", "/dev/zero", "/dev/full", "/dev/random",
                                          "/dev/urandom"};
    const long               version = ll_version();
    struct ll_ruleset        all = {.fs = ll_fs_of(version)};
    size_t                   size = version >= 6 ? sizeof all
                          : version >= 4         ? offsetof(struct ll_ruleset, scoped)
                                                 : offsetof(struct ll_ruleset, net);
    int                      ruleset, rc = -1;

    if (version < 1) {
        return 0;
    }
    all.net = version >= 4 && !c->network ? LL_NET_BOTH : 0;
    all.scoped = version >= 6 && !c->network ? LL_SCOPE_BOTH : version >= 6 ? LL_SCOPE_BOTH - 1 : 0;
    ruleset = (int)syscall(LL_CREATE, &all, size, 0);
    if (ruleset < 0 || ll_allow(ruleset, c->dir, LL_OWN, all.fs) != 0) {
        goto out;
    }
    for (size_t i = 0; i < c->read.n; i++) {
        if (ll_allow(ruleset, c->read.v[i], LL_READING, all.fs) != 0) {
            goto out;
        }
    }
    for (size_t i = 0; i < sizeof devices / sizeof devices[0]; i++) {
        if (ll_allow(ruleset, devices[i], LL_READ | LL_WRITE | LL_TRUNCATE, all.fs) != 0) {
            goto out;
        }
    }
    rc = (int)syscall(LL_RESTRICT, ruleset, 0);
out:
    if (ruleset >= 0) {
        (void)close(ruleset);
    }
    return rc;
}

bool
confine_has_files(void)
{
    return ll_version() >= 1;
}

/* PREFIX of Debian's PREFIX/lib/postgresql/15/bin, whose files are in PREFIX/share/postgresql. (Not
 * /var of /var/lib/postgresql/15/bin: clusters are there.)  Cuts dir; false: it is another layout.
 */
static bool
cut_to_prefix(char *dir)
{
    char *lib = strstr(dir, "/lib/postgresql/"), *share;
    bool  found = false;

    if (lib != NULL) {
        share = xasprintf("%.*s/share/postgresql", (int)(lib - dir), dir);
        found = access(share, F_OK) == 0;
        free(share);
    }
    if (found) {
        *lib = '\0';
    }
    return found;
}

/* Copied programs may have their libraries, and so their loader, by a link in another system's
 * "usr". */
static void
add_linked(struct strlist *out, const char *bin)
{
    static const char *const around[] = {"lib", "lib64", "usr/lib", "usr/share"};
    char                    *lib = xasprintf("%s/../lib", bin);
    char                    *real = realpath(lib, NULL);
    const char              *usr = real == NULL ? NULL : strstr(real, "/usr/");

    for (size_t i = 0; usr != NULL && usr != real && i < sizeof around / sizeof around[0]; i++) {
        strlist_take(out, xasprintf("%.*s/%s", (int)(usr - real), real, around[i]));
    }
    free(real);
    free(lib);
}

/*
 * Programs with their own prefix have their files around them: PREFIX/bin beside PREFIX/lib and
 * PREFIX/share, or Debian's layout.  The loader and the C library may be beside PREFIX, if that is
 * a "usr".
 */
static void
add_installation(struct strlist *out, const char *bindir)
{
    static const char *const around[] = {"lib", "lib64", "share"};
    char                    *program = xasprintf("%s/postgres", bindir);
    char                    *at = realpath(program, NULL), *slash;

    free(program);
    if (at == NULL || (slash = strrchr(at, '/')) == at) {
        free(at);
        return;
    }
    *slash = '\0';
    strlist_add(out, at); /* the programs */
    add_linked(out, at);
    if (!cut_to_prefix(at) && (slash = strrchr(at, '/')) != NULL) {
        *slash = '\0';
    }
    for (size_t i = 0; i < sizeof around / sizeof around[0]; i++) {
        strlist_take(out, xasprintf("%s/%s", at, around[i]));
    }
    slash = strrchr(at, '/');
    for (size_t i = 0; slash != NULL && strcmp(slash, "/usr") == 0 && i < 2; i++) {
        strlist_take(out, xasprintf("%.*s/%s", (int)(slash - at), at, around[i]));
    }
    free(at);
}

void
confine_read_paths(struct strlist *out, const char *bindir, bool network)
{
    static const char *const always[] = {
        /* programs and libraries; not /usr/local/pgsql/data, which may be a cluster's */
        "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/usr/bin", "/usr/sbin", "/usr/lib",
        "/usr/lib32", "/usr/lib64", "/usr/libx32", "/usr/libexec", "/usr/share", "/usr/local/bin",
        "/usr/local/lib", "/usr/local/lib64", "/usr/local/share", "/nix/store", "/gnu/store",
        /* the loader, the C library, names of users */
        "/etc/ld.so.cache", "/etc/ld.so.preload", "/etc/nsswitch.conf", "/etc/passwd", "/etc/group",
        "/etc/localtime", "/etc/timezone", "/etc/locale.alias", "/etc/alternatives",
        /* configuration of extensions and their languages */
        "/etc/ssl/openssl.cnf", "/etc/pki/tls/openssl.cnf", "/etc/crypto-policies", "/etc/perl",
        "/etc/python3", "/etc/R", "/etc/fonts", "/etc/proj", "/etc/postgresql-common",
        "/var/cache/postgresql", /* Debian's dictionaries */
        /* properties of the machine */
        "/sys/devices/system", "/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/proc/version",
        "/proc/filesystems", "/proc/sys/kernel", "/proc/sys/vm"};
    static const char *const others[] = {
        "/etc/hosts",    "/etc/resolv.conf", "/etc/host.conf",
        "/etc/gai.conf", "/etc/services",    "/etc/protocols",
        "/etc/ssl",      "/etc/pki",         "/run/systemd/resolve"};

    for (size_t i = 0; i < sizeof always / sizeof always[0]; i++) {
        strlist_add(out, always[i]);
    }
    for (size_t i = 0; network && i < sizeof others / sizeof others[0]; i++) {
        strlist_add(out, others[i]);
    }
    add_installation(out, bindir);
}

/*
 * seccomp
 */

#if defined(__x86_64__)
#define OUR_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__) && defined(__AARCH64EL__)
#define OUR_ARCH AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define OUR_ARCH AUDIT_ARCH_RISCV64
#endif

#ifdef OUR_ARCH
#define LOAD(what)     BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, what))
#define RETURN(what)   BPF_STMT(BPF_RET | BPF_K, (what))
#define REFUSE(number) RETURN(SECCOMP_RET_ERRNO | ((number)&SECCOMP_RET_DATA))
/* Skips the next n instructions unless the value is this. */
#define UNLESS(value, skip) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), 0, (skip))
#define DENY(call)          UNLESS((call), 1), REFUSE(EPERM)

/*
 * Arguments are 64 bits, of which the kernel takes the lower 32 for an int: on these machines, all
 * little-endian, the first half.  A call with another ABI's numbers (a 32-bit program, x32) is
 * refused, as its numbers have other meanings.
 */
#define MACHINE                                                                                    \
    LOAD(arch), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OUR_ARCH, 1, 0), REFUSE(EPERM), LOAD(nr),      \
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1), REFUSE(EPERM)
#define OTHER_PROCESSES                                                                            \
    DENY(SYS_ptrace), DENY(SYS_process_vm_readv), DENY(SYS_process_vm_writev), DENY(SYS_keyctl),   \
        DENY(SYS_add_key), DENY(SYS_request_key)

/*
 * Landlock does not restrict changes of mode and owner by a file's owner, nor of ACLs, which are
 * extended attributes.  The server needs one of these calls, for its socket: mode 0700, which gives
 * nobody else access.  The newest calls have the same number on all machines, but none in older
 * headers.
 */
enum { CALL_FCHMODAT2 = 452, CALL_SETXATTRAT = 463, CALL_REMOVEXATTRAT = 466 };
#define DENY_UNLESS_0700(call, argument)                                                           \
    UNLESS((call), 4), LOAD(args[argument]), UNLESS(0700, 1), RETURN(SECCOMP_RET_ALLOW),           \
        REFUSE(EPERM)
#ifdef SYS_chmod
#define OLD_CALLS DENY_UNLESS_0700(SYS_chmod, 1), DENY(SYS_chown), DENY(SYS_lchown),
#else
#define OLD_CALLS
#endif
#define FILES_OF_OTHERS                                                                            \
    OLD_CALLS DENY_UNLESS_0700(SYS_fchmodat, 2), DENY_UNLESS_0700(CALL_FCHMODAT2, 2),              \
        DENY(SYS_fchownat), DENY(SYS_setxattr), DENY(SYS_lsetxattr), DENY(SYS_removexattr),        \
        DENY(SYS_lremovexattr), DENY(CALL_SETXATTRAT), DENY(CALL_REMOVEXATTRAT)

/* io_uring performs these operations without the system calls. */
#define ALWAYS MACHINE, OTHER_PROCESSES, FILES_OF_OTHERS, DENY(SYS_io_uring_setup)

static struct sock_filter with_network[] = {ALWAYS, RETURN(SECCOMP_RET_ALLOW)};

static struct sock_filter without_network[] = {
    ALWAYS,
    DENY(SYS_connect),
    /* Only Unix stream sockets: to listen on, or a pair.  Datagrams can be sent to any socket
     * without a connection. */
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socketpair, 3, 0),
    UNLESS(SYS_socket, 6),
    LOAD(args[0]),
    UNLESS(AF_UNIX, 3),
    LOAD(args[1]),
    BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xf),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SOCK_STREAM, 1, 0),
    REFUSE(EACCES),
    RETURN(SECCOMP_RET_ALLOW),
};

static int
confine_calls(const struct confinement *c)
{
    const struct sock_fprog filter = c->network
        ? (struct sock_fprog){sizeof with_network / sizeof with_network[0], with_network}
        : (struct sock_fprog){sizeof without_network / sizeof without_network[0], without_network};

    /* SPEC_ALLOW: older kernels would also turn off speculative execution, which makes a server
     * slow.
     */
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, &filter) ==
            0 ||
        syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) == 0) {
        return 0;
    }
    return confine_has_sockets() ? -1 : 0;
}

bool
confine_has_sockets(void)
{
    const uint32_t action = SECCOMP_RET_ERRNO;

    return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}
#else
static int
confine_calls(const struct confinement *c)
{
    (void)c;
    return 0;
}

bool
confine_has_sockets(void)
{
    return false;
}
#endif

int
confine_self(const struct confinement *c)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || confine_files(c) != 0) {
        return -1;
    }
    return confine_calls(c);
}
