#include "storage/exchange/dumpscan.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static void
pass(struct dump_scan *s, const char *name, const char *why)
{
    strlist_take(&s->passed, xasprintf("%s: %s", name, why));
}

/* Of pg_dump -Fd. */
static bool
is_dump_directory(int dir, const char *name)
{
    struct stat st;
    char       *toc = xasprintf("%s/toc.dat", name);
    char       *packed = xasprintf("%s/toc.dat.gz", name);
    bool        is = fstatat(dir, toc, &st, 0) == 0 || fstatat(dir, packed, &st, 0) == 0;

    free(toc);
    free(packed);
    return is;
}

/* What it is; NULL: a file or a directory that may be a dump.  *st: of what it leads to. */
static const char *
unfit(int dir, const char *name, struct stat *st, bool *link)
{
    struct stat self;

    *link = fstatat(dir, name, &self, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(self.st_mode);
    if (fstatat(dir, name, st, 0) != 0) {
        return *link ? "a link that leads nowhere" : strerror(errno);
    }
    if (S_ISDIR(st->st_mode)) {
        return is_dump_directory(dir, name) ? NULL : "a directory that is no dump";
    }
    return S_ISREG(st->st_mode) ? NULL : "no file";
}

/* The same under another name: the one that is no link counts. */
static bool
is_there(struct dump_scan *s, const struct dump_file *f)
{
    for (size_t i = 0; i < s->n; i++) {
        struct dump_file *other = &s->v[i];

        if (other->dev != f->dev || other->ino != f->ino) {
            continue;
        }
        if (other->link && !f->link) {
            struct dump_file was = *other;

            *other = *f;
            free(was.path);
            free(was.name.db);
        } else {
            free(f->path);
            free(f->name.db);
        }
        return true;
    }
    return false;
}

static void
see(struct dump_scan *s, const char *path, int dir, const char *name, const char *named)
{
    static const char *const whys[] = {
        [DUMP_NAME_NO_DATE] = "no date in its name", [DUMP_NAME_NO_DUMP] = "not named like a dump"};
    struct dump_file  f = {0};
    struct stat       st = {0};
    const char       *why = unfit(dir, name, &st, &f.link);
    enum dump_name_is is;

    if (why != NULL) {
        pass(s, name, why);
        return;
    }
    is = dump_name_parse(name, S_ISDIR(st.st_mode), &f.name);
    if (is != DUMP_NAME_GOOD) {
        pass(s, name, whys[is]);
        if (is == DUMP_NAME_NO_DATE && !f.link) {
            strlist_add(&s->undated, s->passed.v[s->passed.n - 1]);
        }
        return;
    }
    if (named != NULL && (f.name.db == NULL || strcmp(f.name.db, named) != 0)) {
        free(f.name.db);
        return;
    }
    f.path = xasprintf("%s%s%s", path, path[strlen(path) - 1] == '/' ? "" : "/", name);
    f.dev = st.st_dev;
    f.ino = st.st_ino;
    if (!is_there(s, &f)) {
        VEC_GROW(s->v, s->n, s->cap);
        s->v[s->n++] = f;
    }
}

static int
by_time(const void *a, const void *b)
{
    const struct dump_file *x = a, *y = b;

    return x->name.at != y->name.at ? (x->name.at < y->name.at ? -1 : 1) : strcmp(x->path, y->path);
}

int
dump_scan(const char *dir, const char *named, struct dump_scan *s, struct err *e)
{
    DIR           *d = opendir(dir);
    struct dirent *entry;

    *s = (struct dump_scan){0};
    if (d == NULL) {
        return err_set(e, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "could not read \"%s\": %s",
                       dir, strerror(errno));
    }
    while ((entry = readdir(d)) != NULL) {
        if (entry->d_name[0] != '.') {
            see(s, dir, dirfd(d), entry->d_name, named);
        }
    }
    (void)closedir(d);
    if (s->n > 0) {
        qsort(s->v, s->n, sizeof *s->v, by_time);
    }
    strlist_sort(&s->passed);
    return 0;
}

void
dump_scan_free(struct dump_scan *s)
{
    for (size_t i = 0; i < s->n; i++) {
        free(s->v[i].path);
        free(s->v[i].name.db);
    }
    free(s->v);
    strlist_free(&s->passed);
    strlist_free(&s->undated);
    *s = (struct dump_scan){0};
}
