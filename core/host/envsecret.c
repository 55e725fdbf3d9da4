#include "core/host/envsecret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/host/ownership.h"
#include "core/mem.h"
#include "core/quote.h"

/* A session token of AWS's has a few KiB. */
enum { SECRET_MAX = 16384 };

static const char *const exported[] = {"PGPASSWORD", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
                                       "AWS_SESSION_TOKEN", NULL};

/* The only line of n bytes, which are followed by a NUL. */
static int
take_line(char *text, size_t n, const char *path, struct err *e)
{
    size_t line = strcspn(text, "\r\n"), end = strspn(text + line, "\r\n");

    if (line == 0) {
        return err_set(e, ERR_USAGE, "\"%s\" is empty", path);
    }
    if (n > SECRET_MAX) {
        return err_set(e, ERR_USAGE, "\"%s\" is longer than %d bytes", path, SECRET_MAX);
    }
    if (line + end < n) {
        return err_set(e, ERR_USAGE, "\"%s\" is not one line of text", path);
    }
    text[line] = '\0';
    return 0;
}

static int
check(int fd, const char *path, struct err *e)
{
    struct stat sb;

    if (fstat(fd, &sb) != 0) {
        return err_errno(e, "could not look at \"%s\"", path);
    }
    if (!ownership_is_secret(&sb, geteuid())) {
        err_set(e, ERR_USAGE, "\"%s\" holds a secret, and others may read it", path);
        return quote_hint(e, "by the mode of its mount, or: ", "chmod", "600", QUOTE_ARG(path));
    }
    return ownership_check(fd, "file", path, e);
}

static char *
read_line(const char *path, struct err *e)
{
    char    text[SECRET_MAX + 2], *line = NULL;
    int     fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    size_t  n = 0;
    ssize_t got = 1;

    if (fd < 0) {
        err_errno(e, "could not open \"%s\"", path);
        return NULL;
    }
    if (check(fd, path, e) == 0) {
        while (n <= SECRET_MAX && got > 0) {
            got = read(fd, text + n, SECRET_MAX + 1 - n);
            n += got > 0 ? (size_t)got : 0;
        }
        text[n] = '\0';
        if (got < 0) {
            err_errno(e, "could not read \"%s\"", path);
        } else if (take_line(text, n, path, e) == 0) {
            line = xstrdup(text);
        }
    }
    (void)close(fd);
    explicit_bzero(text, sizeof text);
    return line;
}

static const char *
value_of(const char *name)
{
    const char *text = getenv(name);

    return text == NULL || *text == '\0' ? NULL : text;
}

char *
envsecret_get(const char *name, struct err *e)
{
    char       *of_file = xasprintf("%s_FILE", name), *out = NULL;
    const char *text = value_of(name), *path = value_of(of_file);

    if (text != NULL && path != NULL) {
        err_set(e, ERR_USAGE, "%s and %s are both set, and exclude each other", name, of_file);
    } else if (text != NULL) {
        out = xstrdup(text);
    } else if (path != NULL && (out = read_line(path, e)) == NULL) {
        err_wrap(e, "%s", of_file);
        e->kind = ERR_USAGE;
    }
    free(of_file);
    return out;
}

/* When NAME_FILE says something. */
static int export(const char *name, const char *of_file, struct err *e)
{
    char *text = envsecret_get(name, e);

    if (text == NULL) {
        return -1;
    }
    (void)setenv(name, text, 1);
    (void)unsetenv(of_file);
    explicit_bzero(text, strlen(text));
    free(text);
    return 0;
}

int
envsecret_export(struct err *e)
{
    int rc = 0;

    for (const char *const *name = exported; rc == 0 && *name != NULL; name++) {
        char *of_file = xasprintf("%s_FILE", *name);

        if (value_of(of_file) != NULL) {
            rc = export(*name, of_file, e);
        }
        free(of_file);
    }
    return rc;
}
