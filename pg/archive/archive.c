#include "pg/archive/archive.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/host/proc.h"
#include "pg/archive/archive_split.h"
#include "pg/archive/sqlsplit.h"
#include "pg/conn/conn.h"

/* pg_restore of a damaged archive may run for ever (docs/postgresql.md); schema output never
 * stands still so long. */
enum { IDLE_MS = 120000 };
#define TEXT_MAX (4 * GIB)

/* Bytes as a file for a child to open.  It has no name of its own, so nothing is left behind
 * however we end; the path leads there for a child that is given the descriptor.  (Not by our
 * own number: nobody but root may look into a process that holds secrets.) */
struct temp {
    int   fd;
    char *path;
};
#define TEMP_NONE                                                                                  \
    {                                                                                              \
        .fd = -1                                                                                   \
    }

/* Runs pg_restore with what, our options, and perhaps -L list. */
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
    out->len = 0;
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

/* The SQL of some entries, asked for with -L. */
static int
print_some(struct archive_split *s, const struct archive_options *o, const char *const *what,
           const size_t *entries, size_t n, struct buf *out, struct err *e)
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
    rc = run_pg_restore(s->archive, o, what, &file, out, e);
out:
    temp_close(&file);
    buf_free(&list);
    return rc;
}

static const char *const print_sql[] = {"-f", "-", "--verbose", NULL};
static const char *const print_sql_create[] = {"-f", "-", "--verbose", "--create", NULL};
static const char *const print_list[] = {"--list", NULL};
static const char *const print_list_create[] = {"--list", "--create", NULL};

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
 * Halves the entries until every forged header is alone with the entry that holds it: a
 * few more runs of pg_restore, instead of one for each entry.
 */
static int
split_halves(struct archive_split *s, const struct archive_options *o, const size_t *entries,
             size_t n, struct err *e)
{
    struct buf text = BUF_INIT(TEXT_MAX);
    bool       done;

    if (print_some(s, o, print_sql, entries, n, &text, e) != 0) {
        buf_free(&text);
        return -1;
    }
    done = archive_split_text(s, entries, n, buf_str(&text), n == 1);
    buf_free(&text);
    if (done) {
        return 0;
    }
    if (n == 1) {
        return err_set(e, ERR_CORRUPT, "archive \"%s\": pg_restore prints no SQL for entry %d (%s)",
                       s->archive->path, s->archive->v[entries[0]].dump_id, s->lines.v[entries[0]]);
    }
    if (split_halves(s, o, entries, n / 2, e) != 0) {
        return -1;
    }
    return split_halves(s, o, entries + n / 2, n - n / 2, e);
}

static int
load(struct archive *a, const struct archive_options *o, struct err *e)
{
    struct archive_split s = {0};
    struct buf           text = BUF_INIT(TEXT_MAX);
    size_t              *all = NULL;
    int                  rc = -1;

    if (run_pg_restore(a, o, print_list, NULL, &text, e) != 0 ||
        archive_split_begin(&s, a, buf_str(&text), e) != 0 ||
        run_pg_restore(a, o, print_sql, NULL, &text, e) != 0) {
        goto out;
    }
    all = numbers_below(a->n);
    if (!archive_split_text(&s, all, a->n, buf_str(&text), false) && a->n > 0 &&
        split_halves(&s, o, all, a->n, e) != 0) {
        goto out;
    }
    archive_split_sections(a);
    rc = 0;
out:
    free(all);
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
        archive_free(a);
        return -1;
    }
    return 0;
}

void
archive_free(struct archive *a)
{
    for (size_t i = 0; i < a->n; i++) {
        free(a->v[i].desc);
        free(a->v[i].schema);
        free(a->v[i].tag);
        free(a->v[i].owner);
        free(a->v[i].depends);
        free(a->v[i].sql);
    }
    free(a->v);
    if (a->is_open) {
        temp_close(&(struct temp){.fd = a->fd, .path = a->path});
    }
    *a = (struct archive){0};
}

/* The indices of b's entries that a does not have; both are in the archive's order. */
static size_t
only_in_second(const struct archive *a, const struct archive *b, size_t *out)
{
    size_t n = 0, j = 0;

    for (size_t i = 0; i < b->n; i++) {
        if (j < a->n && a->v[j].dump_id == b->v[i].dump_id) {
            j++;
        } else {
            out[n++] = i;
        }
    }
    return n;
}

/* The statement with the name behind its first word DATABASE replaced. */
static char *
rename_database(const char *sql, const char *new_name)
{
    char       *quoted = pg_ident(new_name), *out = NULL;
    const char *p = sql;

    while (out == NULL && p != NULL && *p != '\0') {
        const char *next = sql_token(p);
        if (sql_word(p, "DATABASE") && *next == ' ') {
            const char *end = sql_token(next + 1);
            out = end == NULL ? NULL
                              : xasprintf("%.*s%s%s", (int)(next + 1 - sql), sql, quoted, end);
        }
        p = next;
    }
    free(quoted);
    return out;
}

/* CREATE DATABASE is the restore's own business, and a template cannot be dropped again. */
static bool
wanted_property(const char *sql)
{
    return !sql_word(sql, "CREATE") && !sql_word(sql, "DROP") && !sql_word(sql, "SET") &&
        !sql_word(sql, "SELECT") && strstr(sql, " IS_TEMPLATE ") == NULL;
}

/* The statements of every entry that has SQL, renamed. */
static int
database_statements(const struct archive *b, const char *new_name, struct strlist *out,
                    struct err *e)
{
    struct strlist statements = {0};
    int            rc = 0;

    for (size_t i = 0; rc == 0 && i < b->n; i++) {
        if (b->v[i].sql != NULL) {
            rc = sql_split(b->v[i].sql, &statements, e);
        }
    }
    for (size_t i = 0; rc == 0 && i < statements.n; i++) {
        char *renamed = wanted_property(statements.v[i])
            ? rename_database(statements.v[i], new_name)
            : NULL;
        if (renamed != NULL) {
            strlist_take(out, renamed);
        }
    }
    strlist_free(&statements);
    return rc;
}

int
archive_database_sql(const struct archive *a, const char *new_name, const struct archive_options *o,
                     struct strlist *out, struct err *e)
{
    struct archive       b = {.path = xstrdup(a->path), .fd = a->fd};
    struct archive_split s = {0};
    struct buf           text = BUF_INIT(TEXT_MAX);
    size_t              *own = NULL, n = 0;
    int                  rc = -1;

    if (run_pg_restore(&b, o, print_list_create, NULL, &text, e) != 0 ||
        archive_split_begin(&s, &b, buf_str(&text), e) != 0) {
        goto out;
    }
    own = numbers_below(b.n);
    n = only_in_second(a, &b, own);
    if (n > 0 && print_some(&s, o, print_sql_create, own, n, &text, e) != 0) {
        goto out;
    }
    if (n > 0 && !archive_split_text(&s, own, n, buf_str(&text), false)) {
        err_set(e, ERR_CORRUPT,
                "archive \"%s\": the properties of the database cannot be told apart", a->path);
        goto out;
    }
    rc = database_statements(&b, new_name, out, e);
out:
    free(own);
    buf_free(&text);
    archive_split_end(&s);
    archive_free(&b);
    return rc;
}
