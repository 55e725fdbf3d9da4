#include "storage/format/chunkspool.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/mem.h"

/* Created without a name, so that a killed process leaves nothing; where the file system cannot do
 * that, unlinked at once. */
static int
open_nameless(struct err *e)
{
    const char *tmp = getenv("TMPDIR");
    const char *dir = tmp != NULL && *tmp != '\0' ? tmp : "/tmp";
    char       *path = xasprintf("%s/pgassay-XXXXXX", dir);
    int         fd = open(dir, O_TMPFILE | O_RDWR | O_EXCL | O_CLOEXEC, 0600);

    if (fd < 0) {
        fd = mkostemp(path, O_CLOEXEC);
        if (fd < 0) {
            err_errno(e, "could not create temporary file \"%s\"", path);
            err_hint(e, "TMPDIR says where temporary files go");
        } else {
            (void)unlink(path);
        }
    }
    free(path);
    return fd;
}

struct chunkspool *
chunkspool_new(struct err *e)
{
    int                fd = open_nameless(e);
    struct chunkspool *s;

    if (fd < 0) {
        return NULL;
    }
    s = xcalloc(1, sizeof *s);
    s->file = fdopen(fd, "w+");
    if (s->file == NULL) {
        err_errno(e, "could not open a temporary file");
        (void)close(fd);
        free(s);
        return NULL;
    }
    return s;
}

void
chunkspool_free(struct chunkspool *s)
{
    if (s != NULL) {
        (void)fclose(s->file);
        free(s);
    }
}

int
chunkspool_add(struct chunkspool *s, const char *name, uint64_t size, struct err *e)
{
    int order = s->n == 0 ? 1 : strcmp(name, s->name);

    if (order == 0 && size == s->size) {
        return 0;
    }
    if (order < 0 || (order == 0 && size < s->size) || strlen(name) >= sizeof s->name ||
        strchr(name, '\n') != NULL) {
        return err_set(e, ERR_CORRUPT, "\"%.200s\" is not the name of a chunk, or out of order",
                       name);
    }
    if (fprintf(s->file, "%s %" PRIu64 "\n", name, size) < 0) {
        err_errno(e, "could not write to a temporary file");
        return err_hint(e, "TMPDIR says where it lies");
    }
    memcpy(s->name, name, strlen(name) + 1);
    s->size = size;
    s->n++;
    return 0;
}

int
chunkspool_add_line(void *ctx, const struct chunk_ref *line, struct err *e)
{
    char name[CHUNK_NAME_MAX];

    return chunkspool_add(ctx, chunk_name_format(&line->name, name), line->size, e);
}

int
chunkspool_rewind(struct chunkspool *s, struct err *e)
{
    if (fflush(s->file) != 0 || fseek(s->file, 0, SEEK_SET) != 0) {
        err_errno(e, "could not write to a temporary file");
        return err_hint(e, "TMPDIR says where it lies");
    }
    s->end = false;
    return chunkspool_next(s, e);
}

int
chunkspool_next(struct chunkspool *s, struct err *e)
{
    char  line[CHUNK_NAME_MAX + 24];
    char *blank;

    if (s->end) {
        return 0;
    }
    if (fgets(line, sizeof line, s->file) == NULL) {
        s->end = true;
        return ferror(s->file) ? err_errno(e, "could not read a temporary file") : 0;
    }
    blank = strrchr(line, ' ');
    if (blank == NULL || strchr(blank, '\n') == NULL) {
        return err_set(e, ERR_CORRUPT, "a temporary file does not contain what was written");
    }
    *blank = '\0';
    memcpy(s->name, line, strlen(line) + 1);
    s->size = strtoull(blank + 1, NULL, 10);
    return 0;
}

int
chunkspool_seek(struct chunkspool *s, const char *name, bool *there, struct err *e)
{
    int order = -1;

    while (!s->end && (order = strcmp(s->name, name)) < 0) {
        if (chunkspool_next(s, e) != 0) {
            return -1;
        }
    }
    *there = !s->end && order == 0;
    return 0;
}

/* ---- the union ---- */

/* The one with the smallest current name; NULL when all have ended. */
static struct chunkspool *
least(struct chunkspool *const *v, size_t n)
{
    struct chunkspool *first = NULL;

    for (size_t i = 0; i < n; i++) {
        int order = first == NULL || v[i]->end ? -1 : strcmp(v[i]->name, first->name);

        if (!v[i]->end && (order < 0 || (order == 0 && v[i]->size < first->size))) {
            first = v[i];
        }
    }
    return first;
}

/* Merges all of them into one. */
static int
merge(struct chunkspool_union *u, struct err *e)
{
    struct chunkspool *all = chunkspool_new(e);
    struct chunkspool *s;
    int                rc = all == NULL ? -1 : 0;

    for (size_t i = 0; rc == 0 && i < u->n; i++) {
        rc = chunkspool_rewind(u->v[i], e);
    }
    while (rc == 0 && (s = least(u->v, u->n)) != NULL) {
        rc = chunkspool_add(all, s->name, s->size, e) != 0 || chunkspool_next(s, e) != 0 ? -1 : 0;
    }
    if (rc != 0) {
        chunkspool_free(all);
        return -1;
    }
    chunkspool_union_free(u);
    u->v[0] = all;
    u->n = 1;
    return 0;
}

int
chunkspool_union_add(struct chunkspool_union *u, struct chunkspool *s, struct err *e)
{
    if (u->n == CHUNKSPOOL_OPEN_MAX && merge(u, e) != 0) {
        chunkspool_free(s);
        return -1;
    }
    u->v[u->n++] = s;
    return 0;
}

struct chunkspool *
chunkspool_union_all(struct chunkspool_union *u, struct err *e)
{
    if (u->n != 1 && merge(u, e) != 0) {
        return NULL;
    }
    return chunkspool_rewind(u->v[0], e) == 0 ? u->v[0] : NULL;
}

void
chunkspool_union_free(struct chunkspool_union *u)
{
    for (size_t i = 0; i < u->n; i++) {
        chunkspool_free(u->v[i]);
    }
    *u = (struct chunkspool_union){0};
}
