#include "storage/exchange/tarball.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>

#include "core/buf.h"
#include "core/mem.h"

struct tarball {
    struct tarball_to     to;
    struct archive       *a;
    struct archive_entry *entry;
    uint64_t              left; /* bytes that the current file still has to get */
    struct err            failed;
};

static la_ssize_t
on_write(struct archive *a, void *ctx, const void *data, size_t n)
{
    struct tarball *t = ctx;

    if (t->failed.kind == ERR_NONE && t->to.write(t->to.ctx, data, n, &t->failed) == 0) {
        return (la_ssize_t)n;
    }
    archive_set_error(a, EIO, "%s", t->failed.text);
    return -1;
}

/* Why the library gave up: the error of the one who takes the bytes, if it was that. */
static int
refused(struct tarball *t, struct err *e)
{
    if (t->failed.kind != ERR_NONE) {
        *e = t->failed;
        return -1;
    }
    return err_set(e, ERR_IO, "tar archive: %s",
                   archive_error_string(t->a) == NULL ? "libarchive says no more"
                                                      : archive_error_string(t->a));
}

struct tarball *
tarball_new(const struct tarball_to *to, struct err *e)
{
    struct tarball *t = xcalloc(1, sizeof *t);

    t->to = *to;
    t->a = archive_write_new();
    t->entry = archive_entry_new();
    if (t->a == NULL || t->entry == NULL) {
        err_set(e, ERR_IO, "libarchive: out of memory");
    } else if (archive_write_set_format_pax_restricted(t->a) != ARCHIVE_OK ||
               (to->zstd && archive_write_add_filter_zstd(t->a) != ARCHIVE_OK) ||
               archive_write_set_bytes_per_block(t->a, (int)(128 * KIB)) != ARCHIVE_OK ||
               archive_write_set_bytes_in_last_block(t->a, 1) != ARCHIVE_OK ||
               archive_write_open(t->a, t, NULL, on_write, NULL) != ARCHIVE_OK) {
        refused(t, e);
    } else {
        return t;
    }
    tarball_free(t);
    return NULL;
}

static int
complete(const struct tarball *t, struct err *e)
{
    return t->left == 0 ? 0
                        : err_set(e, ERR_IO, "tar archive: \"%s\" is shorter than it should be",
                                  archive_entry_pathname(t->entry));
}

int
tarball_file(struct tarball *t, const char *name, uint64_t bytes, bool program, struct err *e)
{
    if (complete(t, e) != 0) {
        return -1;
    }
    archive_entry_clear(t->entry);
    archive_entry_set_pathname(t->entry, name);
    archive_entry_set_filetype(t->entry, AE_IFREG);
    archive_entry_set_perm(t->entry, program ? 0700 : 0600);
    archive_entry_set_size(t->entry, (la_int64_t)bytes);
    archive_entry_set_mtime(t->entry, t->to.time, 0);
    archive_entry_set_uid(t->entry, 0);
    archive_entry_set_gid(t->entry, 0);
    t->left = bytes;
    return archive_write_header(t->a, t->entry) == ARCHIVE_OK ? 0 : refused(t, e);
}

int
tarball_data(struct tarball *t, const void *data, size_t n, struct err *e)
{
    if (n > t->left) { /* the library would drop the rest in silence */
        return err_set(e, ERR_IO, "tar archive: \"%s\" is longer than it should be",
                       archive_entry_pathname(t->entry));
    }
    t->left -= n;
    return archive_write_data(t->a, data, n) == (la_ssize_t)n ? 0 : refused(t, e);
}

int
tarball_end(struct tarball *t, struct err *e)
{
    if (complete(t, e) != 0) {
        return -1;
    }
    return archive_write_close(t->a) == ARCHIVE_OK ? 0 : refused(t, e);
}

void
tarball_free(struct tarball *t)
{
    if (t == NULL) {
        return;
    }
    if (t->a != NULL) {
        (void)archive_write_fail(t->a); /* no end for what has none */
        (void)archive_write_free(t->a);
    }
    archive_entry_free(t->entry);
    free(t);
}
