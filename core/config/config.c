#include "core/config/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/config/config_impl.h"
#include "core/host/envsecret.h"
#include "core/host/ownership.h"
#include "core/log.h"
#include "core/mem.h"

/* More than any hand-written file. */
#define FILE_MAX MIB

/* Warns of a secret in a file that others can read. */
static void
warn_if_readable(const struct config *c, FILE *f)
{
    struct stat st;

    if (fstat(fileno(f), &st) != 0 || (st.st_mode & (S_IRGRP | S_IROTH)) == 0) {
        return;
    }
    for (size_t i = 0; i < c->n; i++) {
        if (c->entry[i].key->form == CONFIG_SECRET) {
            log_warn("%s:%d: a secret (%s) in a file that not only its owner can read", c->path,
                     c->entry[i].line, c->entry[i].key->name);
            return;
        } else if (strcmp(c->entry[i].key->name, "conninfo") == 0 &&
                   config_is_secret(c->entry[i].value)) {
            log_warn(
                "%s:%d: a password in a file that other users can read; ~/.pgpass is the place for "
                "it",
                c->path, c->entry[i].line);
        }
    }
}

static int
unreadable(const struct config *c, struct err *e)
{
    err_errno(e, "could not read the configuration \"%s\"", c->path);
    e->kind = ERR_USAGE;
    return -1;
}

/* It names trusted keys and commands to run. */
static int
check_owner(const struct config *c, FILE *f, struct err *e)
{
    return ownership_check(fileno(f), "configuration", c->path, e);
}

static int
parse(struct config *c, FILE *f, struct err *e)
{
    struct buf text = BUF_INIT(FILE_MAX);
    char       part[4096];
    size_t     n;
    int        rc = check_owner(c, f, e);

    while (rc == 0 && (n = fread(part, 1, sizeof part, f)) > 0) {
        rc = buf_append(&text, part, n, e) == 0 ? 0 : err_wrap(e, "configuration \"%s\"", c->path);
    }
    if (rc != 0) {
        e->kind = ERR_USAGE;
    } else if (ferror(f) != 0) {
        rc = unreadable(c, e);
    } else if (memchr(buf_str(&text), '\0', text.len) != NULL) {
        rc = err_set(e, ERR_USAGE, "configuration \"%s\": not a text: it holds a NUL", c->path);
    } else if ((rc = config_read(c, buf_str(&text), e)) == 0) {
        warn_if_readable(c, f);
    }
    buf_free(&text);
    return rc;
}

/* The first default path that applies; allocated, NULL when there is none. */
static char *
default_path(int i)
{
    const char *const xdg = getenv("XDG_CONFIG_HOME");
    const char *const home = getenv("HOME");

    if (i == 1) {
        return xstrdup("/etc/pgassay.conf");
    }
    if (xdg != NULL && *xdg == '/') {
        return xasprintf("%s/pgassay/pgassay.conf", xdg);
    }
    return home == NULL ? NULL : xasprintf("%s/.config/pgassay/pgassay.conf", home);
}

/* Missing, or in a directory that this user cannot search.  A file that exists but may not be read
 * is different: its repositories and keys would be silently ignored. */
static bool
is_absent(const char *path, int error)
{
    return error == ENOENT || error == ENOTDIR ||
        (error == EACCES && faccessat(AT_FDCWD, path, F_OK, AT_EACCESS) != 0);
}

static int
open_default(struct config *c, FILE **f, struct err *e)
{
    int error;

    for (int i = 0; i < 2 && *f == NULL; i++) {
        free(c->path);
        c->path = default_path(i);
        *f = c->path == NULL ? NULL : fopen(c->path, "re");
        error = errno;
        if (*f == NULL && c->path != NULL && !is_absent(c->path, error)) {
            errno = error;
            return unreadable(c, e);
        }
    }
    if (*f == NULL) {
        free(c->path);
        c->path = NULL;
    }
    return 0;
}

struct config *
config_load(const char *path, const struct config_keys *keys, struct err *e)
{
    struct config *c = xcalloc(1, sizeof *c);
    FILE          *f = NULL;
    int            rc = 0;

    c->keys = keys;
    c->kept = xcalloc(1, sizeof *c->kept);
    if (envsecret_export(e) != 0) {
        config_free(c);
        return NULL;
    }
    if (path == NULL) {
        const char *env = getenv("PGASSAY_CONFIG");

        path = env != NULL && *env != '\0' ? env : NULL;
    }
    if (path == NULL) {
        rc = open_default(c, &f, e);
    } else {
        c->path = xstrdup(path);
        f = fopen(path, "re");
        if (f == NULL) {
            rc = unreadable(c, e);
        }
    }
    if (f != NULL) {
        rc = parse(c, f, e);
        (void)fclose(f);
    }
    if (rc == 0 && f == NULL) {
        rc = config_read(c, "", e);
    }
    if (rc != 0) {
        config_free(c);
        return NULL;
    }
    config_read_environment(c);
    config_warn_of_environment(c);
    return c;
}

void
config_free(struct config *c)
{
    if (c == NULL) {
        return;
    }
    for (size_t i = 0; i < c->n_sections; i++) {
        free(c->section[i].kind);
        free(c->section[i].name);
    }
    for (size_t i = 0; i < c->n; i++) {
        free(c->entry[i].value);
    }
    free(c->section);
    free(c->entry);
    free(c->path);
    strlist_free(c->kept);
    free(c->kept);
    free(c);
}

static bool
key_equal(const char *stored, const char *asked)
{
    for (; *stored != '\0' && (*stored == *asked || (*stored == '-' && *asked == '_'));
         stored++, asked++) {
    }
    return *stored == *asked;
}

const struct config_entry *
config_next(const struct config *c, const char *kind, const char *name, const char *key, size_t *at)
{
    for (size_t i = *at; i < c->n; i++) {
        const struct config_entry   *x = &c->entry[i];
        const struct config_section *s = &c->section[x->section];

        if (strcmp(s->kind, kind) == 0 && (*kind == '\0' || strcmp(s->name, name) == 0) &&
            key_equal(x->key->name, key)) {
            *at = i + 1;
            return x;
        }
    }
    return NULL;
}

const char *
config_get(const struct config *c, const char *kind, const char *name, const char *key)
{
    size_t                     at = 0;
    const struct config_entry *x = config_next(c, kind, name, key, &at);

    return x == NULL ? NULL : x->value;
}

bool
config_list(const struct config *c, const char *kind, const char *name, const char *key,
            struct strlist *out)
{
    const struct config_entry *x;
    size_t                     at = 0;

    while ((x = config_next(c, kind, name, key, &at)) != NULL) {
        if (*x->value != '\0') {
            strlist_add(out, x->value);
        }
    }
    return at > 0;
}

const char *
config_section(const struct config *c, const char *kind, size_t i)
{
    for (size_t s = 0; s < c->n_sections; s++) {
        if (strcmp(c->section[s].kind, kind) == 0 && i-- == 0) {
            return c->section[s].name;
        }
    }
    return NULL;
}

const char *
config_path(const struct config *c)
{
    return c->path;
}

const char *
config_keep(const struct config *c, const char *text)
{
    if (!strlist_has(c->kept, text)) {
        strlist_add(c->kept, text);
    }
    for (size_t i = 0;; i++) {
        if (strcmp(c->kept->v[i], text) == 0) {
            return c->kept->v[i];
        }
    }
}
