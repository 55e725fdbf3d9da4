#include "pg/scratch/packed.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/mem.h"
#include "pg/scratch/newid.h"

enum { COPY_BYTES = 64 << 10 };

/* The entry's contents. */
static bool
pack_file(struct archive *in, struct archive *out)
{
    char      *bytes = xmalloc(COPY_BYTES);
    la_ssize_t n;

    while ((n = archive_read_data(in, bytes, COPY_BYTES)) > 0 &&
           archive_write_data(out, bytes, (size_t)n) == n) {
    }
    free(bytes);
    return n == 0;
}

/* Names in it begin with "data". */
static bool
pack_entry(struct archive *in, struct archive_entry *entry, size_t skip, struct archive *out)
{
    const char *path = archive_entry_pathname(entry);
    char       *name = strlen(path) > skip ? xstrdup(path + skip) : NULL;
    bool        ok = name != NULL;

    if (ok) {
        archive_entry_set_pathname(entry, name);
        ok = archive_read_disk_descend(in) >= ARCHIVE_WARN &&
            archive_write_header(out, entry) == ARCHIVE_OK && pack_file(in, out);
    }
    free(name);
    return ok;
}

bool
packed_make(const char *dir, const char *file)
{
    struct archive       *in = archive_read_disk_new(), *out = archive_write_new();
    struct archive_entry *entry = archive_entry_new();
    char                 *data = xasprintf("%s/data", dir);
    int                   more = ARCHIVE_EOF;
    bool                  ok = in != NULL && out != NULL &&
        archive_read_disk_set_symlink_physical(in) == ARCHIVE_OK &&
        archive_read_disk_set_behavior(in,
                                       ARCHIVE_READDISK_NO_TRAVERSE_MOUNTS |
                                           ARCHIVE_READDISK_NO_XATTR | ARCHIVE_READDISK_NO_ACL |
                                           ARCHIVE_READDISK_NO_FFLAGS) == ARCHIVE_OK &&
        archive_read_disk_open(in, data) == ARCHIVE_OK &&
        archive_write_set_format_ustar(out) == ARCHIVE_OK &&
        archive_write_add_filter_zstd(out) == ARCHIVE_OK &&
        archive_write_open_filename(out, file) == ARCHIVE_OK;

    while (ok && (more = archive_read_next_header2(in, entry)) == ARCHIVE_OK) {
        ok = pack_entry(in, entry, strlen(dir) + 1, out);
    }
    ok = ok && more == ARCHIVE_EOF && archive_write_close(out) == ARCHIVE_OK;
    archive_entry_free(entry);
    (void)archive_read_free(in);
    (void)archive_write_free(out);
    if (!ok) {
        (void)unlink(file);
    }
    free(data);
    return ok;
}

/* Nothing but directories and files. */
static bool
unpack_entry(struct archive *in, struct archive_entry *entry, const char *dir, struct archive *out)
{
    const char *name = archive_entry_pathname(entry);
    __LA_MODE_T kind = archive_entry_filetype(entry);
    char       *path = xasprintf("%s/%s", dir, name == NULL ? "" : name);
    bool ok = (kind == AE_IFREG || kind == AE_IFDIR) && archive_entry_hardlink(entry) == NULL;

    archive_entry_set_pathname(entry, path);
    free(path);
    return ok && archive_read_extract2(in, entry, out) == ARCHIVE_OK;
}

bool
packed_unpack(const struct buf *packed, const char *dir)
{
    struct archive       *in = archive_read_new(), *out = archive_write_disk_new();
    struct archive_entry *entry;
    int                   more = ARCHIVE_EOF;
    bool                  ok = in != NULL && out != NULL &&
        archive_write_disk_set_options(out,
                                       ARCHIVE_EXTRACT_PERM | ARCHIVE_EXTRACT_SPARSE |
                                           ARCHIVE_EXTRACT_SECURE_NODOTDOT) == ARCHIVE_OK &&
        archive_read_support_format_tar(in) == ARCHIVE_OK &&
        archive_read_support_filter_zstd(in) == ARCHIVE_OK &&
        archive_read_open_memory(in, packed->data, packed->len) == ARCHIVE_OK;

    while (ok && (more = archive_read_next_header(in, &entry)) == ARCHIVE_OK) {
        ok = unpack_entry(in, entry, dir, out);
    }
    ok = ok && more == ARCHIVE_EOF && archive_write_close(out) == ARCHIVE_OK;
    (void)archive_read_free(in);
    (void)archive_write_free(out);
    return ok && newid_give(dir);
}
