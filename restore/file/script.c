#include "restore/file/script.h"

#include <string.h>

#include "core/cancel.h"
#include "core/host/proc.h"

/* The server takes no longer statement. */
#define STATEMENT_MAX (GIB - 1)

/* It prints all the time, but while nobody reads; of a damaged archive it may run for ever
 * (docs/postgresql.md). */
enum { IDLE_MS = 600000 };

struct pass {
    const struct found *found;
    uint64_t            printed; /* by pg_restore, which undoes an archive's own compression */
    struct sql_stream  *sql;
    script_fn          *take;
    void               *ctx;
};

static int
take_all(const struct pass *p, struct err *e)
{
    struct sql_piece piece;
    int              rc;

    while ((rc = sql_stream_next(p->sql, &piece, e)) == 1) {
        if (p->take(p->ctx, p->sql, &piece, e) != 0) {
            return -1;
        }
    }
    return rc;
}

static int
take_bytes(void *ctx, const void *data, size_t n, struct err *e)
{
    const struct pass *p = ctx;

    return sql_stream_feed(p->sql, data, n, e) != 0 ? -1 : take_all(p, e);
}

static int
take_printed(void *ctx, const void *data, size_t n, struct err *e)
{
    struct pass              *p = ctx;
    const struct unpack_file *file = &p->found->file;

    p->printed += n;
    return unpack_check_limits(file->limits, file->size_bytes, p->printed, e) != 0
        ? -1
        : take_bytes(p, data, n, e);
}

static int
read_plain(const struct script *s, struct pass *p, struct err *e)
{
    struct found_reader r;
    const void         *data;
    size_t              n;
    int                 rc;

    if (found_begin(s->found, &r, e) != 0) {
        return -1;
    }
    while ((rc = cancel_check(e)) == 0 && (rc = found_read(&r, &data, &n, e)) == 1) {
        if ((rc = take_bytes(p, data, n, e)) != 0) {
            break;
        }
    }
    found_end(&r);
    return rc;
}

static int
run_pg_restore(const struct script *s, const char *const *what, struct proc_spec *spec,
               struct err *e)
{
    static const char *const env[] = {"LC_ALL=C", NULL};
    const char              *argv[12];
    size_t                   n = 0;

    argv[n++] = s->pg_restore;
    for (; *what != NULL; what++) {
        argv[n++] = *what;
    }
    if (s->no_owner) {
        argv[n++] = "--no-owner";
    }
    if (s->no_privileges) {
        argv[n++] = "--no-privileges";
    }
    if (s->no_tablespaces) {
        argv[n++] = "--no-tablespaces";
    }
    argv[n++] = s->spool->path;
    argv[n] = NULL;
    spec->argv = argv;
    spec->env = env;
    spec->idle_ms = IDLE_MS;
    spec->must_print = true;
    spec->keep_fd[0] = s->spool->fd;
    return proc_run(spec, NULL, e);
}

int
script_list(const struct script *s, struct buf *out, struct err *e)
{
    static const char *const what[] = {"--list", NULL};

    return run_pg_restore(s, what, &(struct proc_spec){.out = out}, e);
}

static int
read_archive(const struct script *s, struct pass *p, struct err *e)
{
    static const char *const all[] = {"--create", "-f", "-", NULL};
    static const char *const before[] = {"--create", "--section=pre-data", "-f", "-", NULL};
    static const char *const after[] = {"--section=post-data", "-f", "-", NULL};
    const char *const       *what = s->section == NULL ? all
              : strcmp(s->section, "pre-data") == 0    ? before
                                                       : after;

    return run_pg_restore(s, what, &(struct proc_spec){.out_fn = take_printed, .out_ctx = p}, e);
}

int
script_read(const struct script *s, script_fn *take, void *ctx, struct err *e)
{
    struct pass p = {
        .found = s->found, .sql = sql_stream_new(STATEMENT_MAX), .take = take, .ctx = ctx};
    int rc = dump_kind_is_sql(s->found->kind->kind) ? read_plain(s, &p, e) : read_archive(s, &p, e);

    if (rc == 0) {
        sql_stream_end(p.sql);
        rc = take_all(&p, e);
    }
    sql_stream_free(p.sql);
    return rc;
}
