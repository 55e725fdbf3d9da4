/* import_file.c - the file of an import: its digest, and what pgassay-restore makes of it. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backup/import.h"
#include "core/cancel.h"
#include "core/exit.h"
#include "core/host/proc.h"
#include "core/human.h"
#include "core/json.h"
#include "core/progress.h"
#include "core/when.h"
#include "storage/format/object.h"

#define WORKING_NAME "pgassay_import" /* of a cluster's dump, which makes its databases itself */

enum { JSON_MAX = 256 << 20, READ_BYTES = 1 << 20 };

/* ---- its digest ---- */

static int
digest_file(int dir, const char *name, char sha256[SHA256_HEX + 1], struct err *e)
{
    struct sha256_sum *sum = sha256_sum_new();
    uint8_t           *buf = xmalloc(READ_BYTES);
    ssize_t            n = -1;
    int                fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    while (fd >= 0 && !cancel_requested() && (n = read(fd, buf, READ_BYTES)) > 0) {
        sha256_sum_more(sum, buf, (size_t)n);
    }
    sha256_sum_hex(sum, sha256);
    if (fd < 0 || n < 0) {
        err_set(e, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "could not read \"%s\": %s", name,
                strerror(errno));
    } else if (n > 0) {
        (void)cancel_check(e);
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    free(buf);
    sha256_sum_free(sum);
    return e->kind == ERR_NONE ? 0 : -1;
}

static int
digest_directory(const char *path, char sha256[SHA256_HEX + 1], struct err *e)
{
    DIR           *d = opendir(path);
    struct dirent *entry;
    struct stat    st;
    struct strlist names = {0};
    struct buf     list = BUF_INIT(BUF_NO_LIMIT);
    int            rc = 0;

    if (d == NULL) {
        return err_set(e, ERR_IO, "could not read \"%s\": %s", path, strerror(errno));
    }
    while ((entry = readdir(d)) != NULL) {
        if (fstatat(dirfd(d), entry->d_name, &st, 0) == 0 && S_ISREG(st.st_mode)) {
            strlist_add(&names, entry->d_name);
        }
    }
    strlist_sort(&names);
    for (size_t i = 0; rc == 0 && i < names.n; i++) {
        rc = digest_file(dirfd(d), names.v[i], sha256, e) != 0
            ? err_wrap(e, "\"%s\"", path)
            : buf_printf(&list, e, "%s  %s\n", sha256, names.v[i]);
    }
    sha256_hex(list.data, list.len, sha256);
    (void)closedir(d);
    buf_free(&list);
    strlist_free(&names);
    return rc;
}

int
import_digest(struct import *m, struct err *e)
{
    const char *end = strrchr(m->path, '/');

    m->file = xstrdup(end != NULL && end[1] != '\0' ? end + 1 : m->path);
    if (stat(m->path, &m->was) != 0) {
        return err_set(e, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "could not read \"%s\": %s",
                       m->path, strerror(errno));
    }
    if (!S_ISREG(m->was.st_mode) && !S_ISDIR(m->was.st_mode)) {
        return err_set(e, ERR_USAGE, "\"%s\" is neither a file nor a directory", m->path);
    }
    return S_ISDIR(m->was.st_mode) ? digest_directory(m->path, m->sha256, e)
                                   : digest_file(AT_FDCWD, m->path, m->sha256, e);
}

/* What was restored is what the label names. */
static int
unchanged(const struct import *m, struct err *e)
{
    struct stat now;

    return stat(m->path, &now) == 0 && now.st_size == m->was.st_size &&
            now.st_ino == m->was.st_ino && now.st_mtim.tv_sec == m->was.st_mtim.tv_sec &&
            now.st_mtim.tv_nsec == m->was.st_mtim.tv_nsec
        ? 0
        : err_set(e, ERR_IO, "\"%s\" has changed while it was read", m->path);
}

/* ---- pgassay-restore ---- */

static void
take_error(const char *what, int status, const json_t *report, struct buf *said, struct err *e)
{
    const char *text = json_opt_str(report, "error", NULL);
    const char *hint = json_opt_str(report, "hint", NULL);

    if (status > 128) {
        err_set(e, ERR_INTERRUPTED, "pgassay-restore was interrupted");
        return;
    }
    err_set(e, status == EXIT_USAGE ? ERR_USAGE : ERR_IO, "%s", text != NULL ? text : what);
    if (text == NULL) {
        err_set(e, ERR_IO, "%s: pgassay-restore ended with status %d: %.*s", what, status,
                (int)strcspn(buf_str(said), "\n"), buf_str(said));
    }
    if (hint != NULL) {
        err_hint(e, "%s", hint);
    }
}

/* more: its further arguments.  The report is the caller's. */
static int
run_restore(const struct import *m, const struct options *o, const struct strlist *more,
            json_t **report, struct err *e)
{
    char          *program = proc_sibling("pgassay-restore", e);
    struct strlist args = {0};
    struct buf     out = BUF_INIT(JSON_MAX), said = BUF_INIT(JSON_MAX);
    struct err     ignored = ERR_INIT;
    int            status = 0, rc = -1;

    *report = NULL;
    if (program != NULL) {
        strlist_add(&args, program);
        strlist_add(&args, "--json");
        strlist_take(&args, xasprintf("--file=%s", m->path));
        const char *const pass[][2] = {{"member", o->member},
                                       {"max-size", o->max_size},
                                       {"config", o->config_file},
                                       {"pg-bindir", o->pg_bindir}};
        for (size_t i = 0; i < sizeof pass / sizeof pass[0]; i++) {
            if (pass[i][1] != NULL) {
                strlist_take(&args, xasprintf("--%s=%s", pass[i][0], pass[i][1]));
            }
        }
        if (o->max_ratio > 0) {
            strlist_take(&args, xasprintf("--max-ratio=%d", o->max_ratio));
        }
        strlist_add_all(&args, more);
        strlist_take(&args, NULL);
        rc = proc_run(&(struct proc_spec){.argv = (const char *const *)args.v,
                                          .out = &out,
                                          .err = &said,
                                          .idle_ms = -1,
                                          .status_ok = true,
                                          .ours = true},
                      &status, e);
    }
    if (rc == 0) {
        *report = json_read(out.data, out.len, &ignored);
        if (status != EXIT_GOOD || *report == NULL) {
            take_error("the dump could not be restored", status, *report, &said, e);
            rc = -1;
        }
    }
    buf_free(&out);
    buf_free(&said);
    strlist_free(&args);
    free(program);
    return rc;
}

/* ---- what it is ---- */

/* "2026-09-30 02:15:00 CEST" as pg_restore prints it: the wall clock of the host that dumped, which
 * was most likely set as this one's; or RFC 3339, with or without fractions of a second.  0: it
 * does not say. */
static time_t
created(const json_t *file)
{
    const char *text = json_opt_str(file, "created", NULL);
    struct tm   tm = {.tm_isdst = -1};
    struct err  ignored = ERR_INIT;
    time_t      t = 0;
    char       *utc;

    if (text == NULL) {
        return 0;
    }
    if (strptime(text, "%Y-%m-%d %H:%M:%S", &tm) != NULL) {
        return mktime(&tm);
    }
    utc = xasprintf("%.*sZ", (int)strcspn(text, ".Z"), text);
    if (time_parse(utc, &t, &ignored) != 0) {
        t = 0;
    }
    free(utc);
    return t;
}

/* As --taken says, and within that (a day, perhaps) the dump itself, or the file; else these. */
static int
find_time(struct import *m, const struct options *o, const json_t *file, struct err *e)
{
    time_t      now = time(NULL), tries[2] = {created(file), m->was.st_mtime};
    struct when w = {.until = now};

    if (o->taken != NULL && when_parse(o->taken, now, &w, e) != 0) {
        return err_wrap(e, "--taken");
    }
    m->from = w.from;
    m->until = w.until;
    m->taken = w.from;
    for (size_t i = 2; i-- > 0;) {
        if (tries[i] > 0 && tries[i] >= w.from && tries[i] <= w.until && tries[i] <= now) {
            m->taken = tries[i];
        }
    }
    if (o->taken == NULL && tries[0] == 0) {
        strlist_add(&m->warnings,
                    "the dump does not say when it was made, and is filed under the time of its "
                    "file, which may be that of a copy: --taken TIME says it");
    }
    if (m->taken != 0) {
        return 0;
    }
    err_set(e, ERR_USAGE, "\"%s\" is of the future, and when it was dumped is not known", m->path);
    return err_hint(e, "--taken TIME says when");
}

static void
add_target(struct importing *m, const char *name, const char *dbname)
{
    VEC_GROW(m->v, m->n, m->cap);
    m->v[m->n++] = (struct import_target){.name = xstrdup(name), .dbname = xstrdup(dbname)};
}

/* Of a dump of one database. */
static int
find_name(struct importing *m, const struct options *o, const json_t *file, struct err *e)
{
    struct err none = ERR_INIT;
    char      *said = object_text(file, "database", &none);

    if (said == NULL && o->name == NULL) {
        err_set(e, ERR_USAGE, "\"%s\" does not say which database it is of", m->import.path);
        return err_hint(e, "--name NAME says under which name it is backed up");
    }
    add_target(m, o->name != NULL ? o->name : said, said != NULL ? said : o->name);
    free(said);
    return 0;
}

/* Of pg_dumpall's: the one of that name, or the only one; with --all each under its own. */
static int
find_names(struct importing *m, const struct options *o, const json_t *file, struct err *e)
{
    const json_t  *list = json_object_get(file, "databases"), *one;
    struct strlist names = {0};
    struct buf     text = BUF_INIT(256);
    struct err     full = ERR_INIT;
    size_t         i;
    int            rc = 0;

    json_array_foreach (list, i, one) {
        char *name = object_text_of(one, &full);

        if (name != NULL) {
            (void)buf_printf(&text, &full, "%s\"%s\"", text.len == 0 ? "" : ", ", name);
            strlist_take(&names, name);
        }
    }
    if (names.n == 0) {
        rc = err_set(e, ERR_USAGE, "\"%s\" holds no database, only roles and settings of a server",
                     m->import.path);
    } else if (o->all || (names.n == 1 && o->name == NULL)) {
        for (size_t k = 0; k < names.n; k++) {
            add_target(m, names.v[k], names.v[k]);
        }
    } else if (o->name != NULL && (names.n == 1 || strlist_has(&names, o->name))) {
        add_target(m, o->name, names.n == 1 ? names.v[0] : o->name);
    } else {
        err_set(e, ERR_USAGE, "\"%s\" holds the databases %s", m->import.path, buf_str(&text));
        rc = err_hint(e, "--name NAME says which, --all takes each under its own name");
    }
    buf_free(&text);
    strlist_free(&names);
    return rc;
}

static char *
copy_of(const json_t *file, const char *key)
{
    const char *text = json_opt_str(file, key, NULL);

    return text == NULL ? NULL : xstrdup(text);
}

int
import_look(struct importing *m, const struct options *o, struct err *e)
{
    struct import *x = &m->import;
    struct strlist more = {0};
    json_t        *report;
    const json_t  *file;
    int            rc;

    strlist_add(&more, "--list");
    progress_start("reading", 0, o->quiet);
    rc = run_restore(x, o, &more, &report, e);
    progress_end();
    if (rc == 0) {
        file = json_object_get(report, "file");
        x->kind = xstrdup(json_opt_str(file, "kind", "plain"));
        x->cluster = strcmp(x->kind, "cluster") == 0;
        x->server_version = copy_of(file, "server_version");
        x->pg_dump_version = copy_of(file, "pg_dump_version");
        x->server_version_num = (int)json_opt_int(file, "server_version_num", 0);
        x->locale = json_is_object(json_object_get(file, "locale"))
            ? json_deep_copy(json_object_get(file, "locale"))
            : NULL;
        x->tables = (uint64_t)json_opt_int(file, "tables", 0);
        x->rows = (uint64_t)json_opt_int(file, "rows", 0);
        rc = find_time(x, o, file, e) != 0 ? -1
            : x->cluster                   ? find_names(m, o, file, e)
                                           : find_name(m, o, file, e);
    }
    json_decref(report);
    strlist_free(&more);
    return rc;
}

/* ---- restoring it ---- */

/* The scratch server's own database gives way to the dump's. */
static int
make_way(const struct scratch *s, const char *dbname, struct err *e)
{
    struct pg_target t = scratch_target(s, "template1");
    PGconn          *conn;
    int              rc;

    if (strcmp(dbname, "postgres") != 0) {
        return 0;
    }
    conn = pg_connect(&t, PG_RESTORING, "pgassay-backup", e);
    rc = conn == NULL ? -1 : pg_exec(conn, e, "DROP DATABASE postgres");
    pg_close(conn);
    return rc;
}

int
import_restore(struct importing *m, const struct options *o, struct err *e)
{
    struct import *x = &m->import;
    const char    *dbname = x->cluster ? WORKING_NAME : m->v[0].dbname;
    struct strlist more = {0};
    json_t        *report = NULL;
    const json_t  *one;
    size_t         i;
    int            rc;

    strlist_add(&more, "--isolated");
    strlist_add(&more, "--no-analyze");
    strlist_take(&more, xasprintf("--to=%s", dbname));
    strlist_take(&more, xasprintf("--host=%s", scratch_host(x->scratch)));
    strlist_take(&more, xasprintf("--port=%s", scratch_port(x->scratch)));
    strlist_take(&more, xasprintf("--username=%s", scratch_user(x->scratch)));
    progress_start("restoring", 0, o->quiet);
    rc = make_way(x->scratch, dbname, e) != 0 ? -1 : run_restore(x, o, &more, &report, e);
    progress_end();
    json_array_foreach (json_object_get(report, "warnings"), i, one) {
        strlist_add(&x->warnings, json_is_string(one) ? json_string_value(one) : "?");
    }
    json_decref(report);
    strlist_free(&more);
    return rc == 0 ? unchanged(x, e) : -1;
}
