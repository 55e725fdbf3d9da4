#include "pg/archive/archive.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/host/proc.h"
#include "pg/archive/archive_fields.h"
#include "pg/archive/archive_split.h"

/* pg_restore of a damaged archive may run for ever (docs/postgresql.md); schema output never pauses
 * that long. */
enum { IDLE_MS = 120000 };
#define TEXT_MAX (4 * GIB)

/* Bytes as a file for a child to open.  It has no name, so nothing is left however the process
 * ends; a child that inherits the descriptor opens it by the path.  (Not by this process's number:
 * only root may look into a process that holds secrets.) */
struct temp {
    int   fd;
    char *path;
};
#define TEMP_NONE                                                                                  \
    {                                                                                              \
        .fd = -1                                                                                   \
    }

/* Runs pg_restore with what, the options, and -L list unless NULL. */
static int
run_pg_restore(const struct archive *a, const struct archive_options *o, const char *const *what,
               const struct temp *list, struct buf *out, struct err *e)
{
    const char      *argv[16];
    size_t           n = 0;
    struct proc_spec spec = {.out = out,
                             .idle_ms = IDLE_MS,
                             .argv = argv,
                             .keep_fd = {a->fd, list != NULL ? list->fd : 0}};

    argv[n++] = o->pg_restore;
    argv[n++] = "--schema-only";
    for (; *what != NULL; what++) {
        argv[n++] = *what;
    }
    if (o->no_owner) {
        argv[n++] = "--no-owner";
    }
    if (o->no_privileges) {
        argv[n++] = "--no-privileges";
    }
    if (o->no_tablespaces) {
        argv[n++] = "--no-tablespaces";
    }
    if (list != NULL) {
        argv[n++] = "-L";
        argv[n++] = list->path;
    }
    argv[n++] = a->path;
    argv[n] = NULL;
    buf_clear(out);
    if (proc_run(&spec, NULL, e) != 0) {
        return err_wrap(e, "reading the schema archive");
    }
    return 0;
}

static int
write_all(int fd, const char *data, size_t n)
{
    while (n > 0) {
        ssize_t put = write(fd, data, n);

        if (put < 0 && errno != EINTR) {
            return -1;
        }
        data += put > 0 ? put : 0;
        n -= put > 0 ? (size_t)put : 0;
    }
    return 0;
}

static int
temp_open(struct temp *t, const void *data, size_t n, struct err *e)
{
    const char *dir = getenv("TMPDIR");
    char       *name = xasprintf("%s/pgassay-XXXXXX", dir == NULL || *dir == '\0' ? "/tmp" : dir);

    t->fd = mkostemp(name, O_CLOEXEC);
    if (t->fd < 0) {
        err_errno(e, "could not make a temporary file \"%s\"", name);
        err_hint(e, "TMPDIR says where temporary files go");
    } else if (unlink(name) != 0 || write_all(t->fd, data, n) != 0) {
        err_errno(e, "could not write \"%s\"", name);
    } else {
        t->path = xasprintf("/proc/self/fd/%d", t->fd);
    }
    free(name);
    return t->path != NULL ? 0 : -1;
}

static void
temp_close(struct temp *t)
{
    if (t->fd >= 0) {
        (void)close(t->fd);
    }
    free(t->path);
}

static const char *const print_sql[] = {"-f", "-", "--verbose", NULL};
static const char *const print_list[] = {"--list", NULL};

/* The SQL of some entries, asked for with -L. */
static int
print_some(struct archive_split *s, const struct archive_options *o, const size_t *entries,
           size_t n, struct buf *out, struct err *e)
{
    struct buf  list = BUF_INIT(TEXT_MAX);
    struct temp file = TEMP_NONE;
    int         rc = -1;

    for (size_t i = 0; i < n; i++) {
        if (buf_printf(&list, e, "%d;\n", s->archive->v[entries[i]].dump_id) != 0) {
            goto out;
        }
    }
    if (temp_open(&file, list.data, list.len, e) != 0) {
        goto out;
    }
    rc = run_pg_restore(s->archive, o, print_sql, &file, out, e);
out:
    temp_close(&file);
    buf_free(&list);
    return rc;
}

static size_t *
numbers_below(size_t n)
{
    size_t *all = xcalloc(n + 1, sizeof *all);

    for (size_t i = 0; i < n; i++) {
        all[i] = i;
    }
    return all;
}

/*
 * Halves the entries until the ambiguous ones are alone: a few more runs of pg_restore, instead of
 * one for each entry.  A single entry whose text is still not only its own is refused.
 */
static int
split_halves(struct archive_split *s, const struct archive_options *o, const size_t *entries,
             size_t n, struct err *e)
{
    struct buf text = BUF_INIT(TEXT_MAX);
    bool       done;

    if (print_some(s, o, entries, n, &text, e) != 0) {
        buf_free(&text);
        return -1;
    }
    done = archive_split_text(s, entries, n, buf_str(&text));
    buf_free(&text);
    if (done) {
        return 0;
    }
    if (n == 1) {
        return err_set(e, ERR_CORRUPT,
                       "archive \"%s\": what pg_restore prints for entry %d (%s) is not that entry",
                       s->archive->path, s->archive->v[entries[0]].dump_id, s->lines.v[entries[0]]);
    }
    if (split_halves(s, o, entries, n / 2, e) != 0) {
        return -1;
    }
    return split_halves(s, o, entries + n / 2, n - n / 2, e);
}

/* The list, made while the text is. */
struct listing {
    const struct archive         *a;
    const struct archive_options *o;
    struct buf                    out;
    struct err                    e;
    int                           rc;
};

static void *
list_main(void *arg)
{
    struct listing *l = arg;

    l->rc = run_pg_restore(l->a, l->o, print_list, NULL, &l->out, &l->e);
    return NULL;
}

/* The list's error comes first: what it says is about the whole archive. */
static int
print_both(const struct archive *a, const struct archive_options *o, struct listing *list,
           struct buf *text, struct err *e)
{
    struct err why = ERR_INIT;
    pthread_t  thread;
    bool       beside;
    int        rc;

    *list = (struct listing){.a = a, .o = o, .out = BUF_INIT(TEXT_MAX), .e = ERR_INIT};
    beside = pthread_create(&thread, NULL, list_main, list) == 0;
    if (!beside) {
        (void)list_main(list);
    }
    rc = run_pg_restore(a, o, print_sql, NULL, text, &why);
    if (beside) {
        pthread_join(thread, NULL);
    }
    if (list->rc != 0 || rc != 0) {
        *e = list->rc != 0 ? list->e : why;
        return -1;
    }
    return 0;
}

static int
load(struct archive *a, const struct archive_options *o, struct err *e)
{
    struct archive_split s = {0};
    struct listing       list;
    struct buf           text = BUF_INIT(TEXT_MAX);
    size_t              *all = NULL;
    int                  rc = -1;

    if (print_both(a, o, &list, &text, e) != 0 ||
        archive_split_begin(&s, a, buf_str(&list.out), e) != 0) {
        goto out;
    }
    all = numbers_below(a->n);
    if (!archive_split_text(&s, all, a->n, buf_str(&text)) && a->n > 0 &&
        split_halves(&s, o, all, a->n, e) != 0) {
        goto out;
    }
    archive_split_sections(a);
    rc = 0;
out:
    free(all);
    buf_free(&list.out);
    buf_free(&text);
    archive_split_end(&s);
    return rc;
}

int
archive_open_bytes(struct archive *a, const void *data, size_t n, const struct archive_options *o,
                   struct err *e)
{
    struct temp file = TEMP_NONE;
    int         rc;

    *a = (struct archive){0};
    rc = temp_open(&file, data, n, e);
    /* The archive owns the file from here on. */
    a->is_open = true;
    a->fd = file.fd;
    a->path = file.path;
    if (rc != 0 || load(a, o, e) != 0) {
        archive_close(a);
        return -1;
    }
    return 0;
}

static void
entry_free(struct archive_entry *entry)
{
    archive_fields_free(entry);
    free(entry->depends);
    free(entry->sql);
}

void
archive_keep(struct archive *a, const bool *keep)
{
    size_t n = 0;

    for (size_t i = 0; i < a->n; i++) {
        if (keep[i]) {
            a->v[n++] = a->v[i];
        } else {
            entry_free(&a->v[i]);
        }
    }
    a->n = n;
}

void
archive_close(struct archive *a)
{
    for (size_t i = 0; i < a->n; i++) {
        entry_free(&a->v[i]);
    }
    free(a->v);
    if (a->is_open) {
        temp_close(&(struct temp){.fd = a->fd, .path = a->path});
    }
    *a = (struct archive){0};
}
