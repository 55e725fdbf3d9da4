/* A directory: its file system, and whether it stores data durably. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "core/human.h"
#include "storage/doctor/probe.h"
#include "storage/drivers/file/file.h"

enum { ROUNDS = 5, PIECE = 4096, FREE_PERCENT = 5 };

enum fs_kind { FS_LOCAL, FS_NETWORK, FS_MEMORY, FS_OTHER };

/* f_type of statfs(2), <linux/magic.h>. */
static const struct {
    const char  *name;
    uint32_t     magic;
    enum fs_kind kind;
} file_systems[] = {
    {"ext4", 0xEF53, FS_LOCAL},       {"XFS", 0x58465342, FS_LOCAL},
    {"Btrfs", 0x9123683E, FS_LOCAL},  {"ZFS", 0x2FC12FC1, FS_LOCAL},
    {"F2FS", 0xF2F52010, FS_LOCAL},   {"overlayfs", 0x794C7630, FS_LOCAL},
    {"NFS", 0x6969, FS_NETWORK},      {"CIFS", 0xFF534D42, FS_NETWORK},
    {"SMB", 0xFE534D42, FS_NETWORK},  {"CephFS", 0x00C36400, FS_NETWORK},
    {"FUSE", 0x65735546, FS_OTHER},   {"tmpfs", 0x01021994, FS_MEMORY},
    {"ramfs", 0x858458F6, FS_MEMORY},
};

static void
probe_file_system(struct doctor *d, int root)
{
    struct statfs fs;
    const char   *name = NULL;
    enum fs_kind  kind = FS_OTHER;

    if (fstatfs(root, &fs) != 0) {
        doctor_add(d, "file-system", FINDING_BAD, NULL, "could not be determined: %s",
                   strerror(errno));
        return;
    }
    for (size_t i = 0; i < sizeof file_systems / sizeof file_systems[0]; i++) {
        if (file_systems[i].magic == (uint32_t)fs.f_type) {
            name = file_systems[i].name;
            kind = file_systems[i].kind;
        }
    }
    if (kind == FS_LOCAL) {
        doctor_add(d, "file-system", FINDING_GOOD, NULL, "%s: listings are never late", name);
    } else if (kind == FS_MEMORY) {
        doctor_add(d, "file-system", FINDING_NOTE, "keep backups on a disk",
                   "%s: gone at the next start of this host", name);
    } else if (kind == FS_NETWORK) {
        doctor_add(d, "file-system", FINDING_NOTE,
                   "mount it hard and synchronously exported; listing-delay says how late listings "
                   "may be when attributes are cached "
                   "for longer than the default of 60 s",
                   "%s: what other hosts wrote may be seen late", name);
    } else {
        doctor_add(d, "file-system", FINDING_NOTE,
                   "if other hosts write into it, set listing-delay to how late they are seen",
                   "%s (type %#" PRIx32 "): nothing is known of how late its listings are",
                   name != NULL ? name : "an unusual one", (uint32_t)fs.f_type);
    }
}

/* Writes, syncs and takes a file's time; -1 with errno. */
static double
synced_write(int root, const char *name)
{
    uint8_t data[PIECE] = {0};
    double  at = clock_seconds();
    int     fd = openat(root, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    bool    good;

    if (fd < 0) {
        return -1;
    }
    good = write(fd, data, sizeof data) == (ssize_t)sizeof data && fsync(fd) == 0 &&
        fsync(root) == 0;
    (void)close(fd);
    return good ? clock_seconds() - at : -1;
}

static void
probe_fsync(struct doctor *d, int root, const char *name)
{
    double best = -1;

    for (int i = 0; i < ROUNDS; i++) {
        double took = synced_write(root, name);
        int    why = errno;

        (void)unlinkat(root, name, 0);
        if (took < 0) {
            doctor_add(d, "fsync", FINDING_BAD,
                       "a backup that cannot be synced is none: use another file system",
                       "a file could not be written and synced: %s", strerror(why));
            return;
        }
        best = best < 0 || took < best ? took : best;
    }
    doctor_add(d, "fsync", FINDING_GOOD, NULL, "file and directory can be synced, in %.1f ms",
               1e3 * best);
}

/* link(2) never replaces a file. */
static void
probe_link(struct doctor *d, int root, const char *name)
{
    char *other = xasprintf("%s.2", name);

    if (synced_write(root, name) < 0) {
        free(other);
        return; /* found by probe_fsync() */
    }
    if (linkat(root, name, root, other, 0) != 0) {
        doctor_add(d, "link", FINDING_BAD,
                   "FAT, exFAT and some network shares have no hard links: use another file system",
                   "no hard link can be made: %s", strerror(errno));
    } else if (linkat(root, name, root, other, 0) == 0 || errno != EEXIST) {
        doctor_add(d, "link", FINDING_BAD, "use another file system",
                   "a hard link replaces a name that exists");
    } else {
        doctor_add(d, "link", FINDING_GOOD, NULL, "hard links work, and replace nothing");
    }
    (void)unlinkat(root, other, 0);
    (void)unlinkat(root, name, 0);
    free(other);
}

static void
probe_space(struct doctor *d, int root)
{
    struct statvfs v;
    char           avail[16], all[16];
    uint64_t       percent, files;

    if (fstatvfs(root, &v) != 0 || v.f_blocks == 0) {
        doctor_add(d, "space", FINDING_NOTE, NULL, "it does not say how much room there is");
        return;
    }
    percent = 100 * (uint64_t)v.f_bavail / v.f_blocks;
    files = v.f_files > 0 ? 100 * (uint64_t)v.f_favail / v.f_files : 100;
    (void)size_human((uint64_t)v.f_bavail * v.f_frsize, avail, sizeof avail);
    (void)size_human((uint64_t)v.f_blocks * v.f_frsize, all, sizeof all);
    if (files < FREE_PERCENT) {
        doctor_add(d, "space", FINDING_NOTE, "prune, or make room for more files",
                   "%s of %s are free, but only %" PRIu64 " %% of its inodes", avail, all, files);
    } else {
        doctor_add(d, "space", percent < FREE_PERCENT ? FINDING_NOTE : FINDING_GOOD,
                   percent < FREE_PERCENT ? "prune, or make room" : NULL,
                   "%s of %s are free (%" PRIu64 " %%)", avail, all, percent);
    }
}

void
doctor_directory(struct doctor *d)
{
    int   root = ((const struct file_storage *)d->st)->root;
    char *name = xasprintf(".%.*s", (int)strcspn(d->prefix, "/"), d->prefix);

    d->had_tmp = faccessat(root, ".tmp", F_OK, AT_SYMLINK_NOFOLLOW) == 0;
    probe_file_system(d, root);
    probe_space(d, root);
    probe_fsync(d, root, name);
    probe_link(d, root, name);
    free(name);
}

void
doctor_directory_leave(struct doctor *d)
{
    int   root = ((const struct file_storage *)d->st)->root;
    char *runs = xstrndup(d->prefix, strlen(d->prefix) - 1);
    char *top = xstrndup(d->prefix, strcspn(d->prefix, "/"));
    char *b = doctor_key(d, "b");

    (void)unlinkat(root, b, AT_REMOVEDIR);
    (void)unlinkat(root, runs, AT_REMOVEDIR);
    (void)unlinkat(root, top, AT_REMOVEDIR);
    if (!d->had_tmp) {
        (void)unlinkat(root, ".tmp", AT_REMOVEDIR);
    }
    free(b);
    free(top);
    free(runs);
}
