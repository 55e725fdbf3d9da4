#include "pg/scratch/template.h"

#include <fcntl.h>
#include <gnu/libc-version.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/crypto/hash.h"
#include "core/host/statedir.h"
#include "core/log.h"

/* TEMPLATE_VERSION: raised when the file, or what is in it, is made otherwise. */
enum { TEMPLATE_VERSION = 1, LINE = 2 * (SHA256_HEX + 1), PATH_HEX = 16 };

/* initdb makes collations of what is there. */
static const char *const locales[] = {"/usr/lib/locale", "/usr/lib/locale/locale-archive"};

static void
add_text(struct sha256_sum *sum, const char *text)
{
    sha256_sum_more(sum, text, strlen(text) + 1);
}

/* Which file it is, and when it was made so. */
static void
add_file(struct sha256_sum *sum, const char *path)
{
    struct stat sb = {0};
    char       *text;

    (void)stat(path, &sb);
    text = xasprintf("%s %llu %lld %lld.%09ld %lld.%09ld", path, (unsigned long long)sb.st_ino,
                     (long long)sb.st_size, (long long)sb.st_mtim.tv_sec, sb.st_mtim.tv_nsec,
                     (long long)sb.st_ctim.tv_sec, sb.st_ctim.tv_nsec);
    add_text(sum, text);
    free(text);
}

static char *
path_of(const char *initdb)
{
    struct err ignored = ERR_INIT;
    char       hex[SHA256_HEX + 1], *file, *path;

    sha256_hex(initdb, strlen(initdb), hex);
    file = xasprintf("%.*s.cluster", PATH_HEX, hex);
    path = state_file("scratch", file, &ignored);
    free(file);
    return path;
}

void
template_find(const struct strlist *argv, const char *postgres, struct template *t)
{
    struct sha256_sum *sum = sha256_sum_new();
    char              *version = xasprintf("%d %s", TEMPLATE_VERSION, gnu_get_libc_version());

    add_text(sum, version);
    free(version);
    for (size_t i = 0; i < argv->n; i++) {
        add_text(sum, argv->v[i]);
    }
    add_file(sum, argv->v[0]);
    add_file(sum, postgres);
    for (size_t i = 0; i < sizeof locales / sizeof locales[0]; i++) {
        add_file(sum, locales[i]);
    }
    sha256_sum_hex(sum, t->key);
    sha256_sum_free(sum);
    t->path = path_of(argv->v[0]);
}

static bool
only_ours(const char *path, mode_t others)
{
    struct stat sb;

    return lstat(path, &sb) == 0 && (S_ISREG(sb.st_mode) || S_ISDIR(sb.st_mode)) &&
        sb.st_uid == geteuid() && (sb.st_mode & others) == 0;
}

/* Its directory, and the one above, the state directory. */
static bool
is_private(const struct template *t)
{
    char *path = t->path == NULL ? NULL : xstrdup(t->path), *slash;
    bool  ok = path != NULL;

    for (int i = 0; i < 2 && ok; i++) {
        ok = (slash = strrchr(path, '/')) != NULL && slash != path;
        if (ok) {
            *slash = '\0';
            ok = only_ours(path, S_IWGRP | S_IWOTH);
        }
    }
    free(path);
    return ok;
}

bool
template_read(const struct template *t, struct buf *out)
{
    struct buf all = BUF_INIT(TEMPLATE_BYTES_MAX);
    struct err e = ERR_INIT;
    char       sum[SHA256_HEX + 1];
    bool       ok = is_private(t) && only_ours(t->path, S_IRWXG | S_IRWXO) &&
        state_read(t->path, &all, &e) == 0 && all.len > LINE;

    if (ok && memcmp(all.data, t->key, SHA256_HEX) == 0) {
        sha256_hex(all.data + LINE, all.len - LINE, sum);
        ok = memcmp(all.data + SHA256_HEX + 1, sum, SHA256_HEX) == 0;
        if (!ok) {
            log_warn("\"%s\", of which scratch servers are made, is damaged: it is made anew",
                     t->path);
        }
    } else {
        ok = false;
    }
    ok = ok && buf_append(out, all.data + LINE, all.len - LINE, &e) == 0;
    buf_free(&all);
    return ok;
}

/* What the account has made, and nobody else.  Allocated by the buffer. */
static bool
read_packed(const char *path, const struct account *a, struct buf *out)
{
    int         fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    struct stat sb;
    struct err  ignored = ERR_INIT;
    bool        ok = fd >= 0 && fstat(fd, &sb) == 0 && S_ISREG(sb.st_mode) && sb.st_nlink == 1 &&
        sb.st_uid == a->uid && sb.st_size > 0 && sb.st_size < TEMPLATE_BYTES_MAX / 2;

    if (ok) {
        size_t size = (size_t)sb.st_size;

        ok = buf_reserve(out, size, &ignored) == 0 &&
            read(fd, out->data + out->len, size) == (ssize_t)size;
        out->len += ok ? size : 0;
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    return ok;
}

void
template_keep(const struct template *t, const char *packed, const struct account *account)
{
    struct buf body = BUF_INIT(TEMPLATE_BYTES_MAX), all = BUF_INIT(TEMPLATE_BYTES_MAX);
    struct err e = ERR_INIT;
    char       sum[SHA256_HEX + 1];

    if (is_private(t) && read_packed(packed, account, &body)) {
        sha256_hex(body.data, body.len, sum);
        if (buf_printf(&all, &e, "%s %s\n", t->key, sum) != 0 ||
            buf_append(&all, body.data, body.len, &e) != 0 || state_write(t->path, &all, &e) != 0) {
            log_info("%s; the next scratch server is made by initdb, too", e.text);
        }
    }
    buf_free(&body);
    buf_free(&all);
}

void
template_free(struct template *t)
{
    free(t->path);
    *t = (struct template){0};
}
