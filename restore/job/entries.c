#include "restore/job/entries.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pg/archive/archive_owner.h"
#include "pg/archive/entry_ids.h"
#include "pg/archive/isolate.h"
#include "restore/job/extensions.h"

enum { BATCH_ENTRIES = 64, BATCH_BYTES = 128 << 10, ATTEMPTS = 5 };

/* Allocated, or NULL when it is left out. */
static char *
entry_sql(const struct restore *r, const struct archive_entry *entry)
{
    return isolate_sql(entry, r->o->isolated && !r->o->allow_remote);
}

/* Deadlocks with another worker's statement, serialization failures and the like pass. */
static int
exec_retrying(PGconn *conn, const char *sql, struct err *e)
{
    for (int attempt = 1;; attempt++) {
        if (pg_exec(conn, e, sql) == 0) {
            return 0;
        }
        if (!e->transient || PQstatus(conn) != CONNECTION_OK || attempt == ATTEMPTS) {
            return -1;
        }
        usleep((useconds_t)(20000 * attempt));
    }
}

static bool
constraint_is_there(PGconn *conn, const struct archive_entry *entry)
{
    static const char sql[] =
        "SELECT true FROM pg_catalog.pg_constraint c JOIN pg_catalog.pg_class t ON t.oid = "
        "c.conrelid JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace WHERE n.nspname = $1 "
        "AND t.relname || ' ' || c.conname = $2";
    const char *params[] = {entry->schema, entry->tag};
    struct err  ignored = ERR_INIT;
    char       *found = pg_value(conn, &ignored, sql, 2, params);
    bool        yes = found != NULL;

    free(found);
    return yes;
}

/* A restore that goes on has made it before: nobody else can have. */
static bool
is_there(const struct restore *r, PGconn *conn, const struct archive_entry *entry, struct err *e)
{
    static const char *const constraints[] = {"CONSTRAINT", "FK CONSTRAINT", "CHECK CONSTRAINT",
                                              NULL};
    static const char *const exists[] = {"42710", "42P07", "42P06"}; /* object, relation, schema */
    bool                     yes = false;

    if (!r->resumes || e->kind != ERR_PG) {
        return false;
    }
    for (size_t i = 0; i < sizeof exists / sizeof exists[0]; i++) {
        yes = yes || strcmp(e->sqlstate, exists[i]) == 0;
    }
    yes = yes || (entry_is(entry, constraints) && constraint_is_there(conn, entry));
    if (yes) {
        err_clear(e);
    }
    return yes;
}

int
entry_statement(struct restore *r, PGconn *conn, const struct archive_entry *entry, const char *sql,
                struct err *e)
{
    if (exec_retrying(conn, sql, e) == 0) {
        return 0;
    }
    if (problem_is_fatal(conn, e)) {
        return err_wrap(e, "%s %s", entry->desc, entry->tag);
    }
    if (!is_there(r, conn, entry, e)) {
        problem_entry(&r->problems, entry, e);
        err_clear(e);
    }
    return 0;
}

/*
 * One message is one transaction, so an owner that is missing would take the whole object with it:
 * pg_restore's statement that sets the owner runs separately, after the rest.
 */
static int
run_owner_apart(struct restore *r, PGconn *conn, const struct archive_entry *entry, const char *sql,
                const struct sql_span *owner, struct err *e)
{
    char *rest = xasprintf("%.*s%s", (int)(owner->from - sql), sql, owner->to);
    char *own = xstrndup(owner->from, (size_t)(owner->to - owner->from));
    int   rc;

    err_clear(e);
    rc = entry_statement(r, conn, entry, rest, e);
    if (rc == 0) {
        rc = entry_statement(r, conn, entry, own, e);
    }
    free(rest);
    free(own);
    return rc;
}

static int
entry_run_plain(struct restore *r, PGconn *conn, const struct archive_entry *entry, struct err *e)
{
    char           *sql = entry_sql(r, entry);
    struct sql_span owner;
    int             rc = 0;

    if (sql == NULL || exec_retrying(conn, sql, e) == 0) {
        goto out;
    }
    if (problem_is_fatal(conn, e)) {
        rc = err_wrap(e, "%s %s", entry->desc, entry->tag);
    } else if (archive_owner_statement(sql, &owner)) {
        rc = run_owner_apart(r, conn, entry, sql, &owner, e);
    } else if (!is_there(r, conn, entry, e)) {
        problem_entry(&r->problems, entry, e);
        err_clear(e);
    }
out:
    free(sql);
    return rc;
}

/* As its owner, if possible.  *done: it was made. */
static int
run_as_owner(struct restore *r, PGconn *conn, const struct archive_entry *entry, bool *done,
             struct err *e)
{
    char *sql = extension_as_owner(r, entry);
    int   rc = 0;

    *done = sql != NULL && exec_retrying(conn, sql, e) == 0;
    if (sql != NULL && !*done) {
        rc = problem_is_fatal(conn, e) ? err_wrap(e, "%s %s", entry->desc, entry->tag) : 0;
    }
    if (rc == 0) {
        err_clear(e);
    }
    free(sql);
    return rc;
}

int
entry_run(struct restore *r, PGconn *conn, const struct archive_entry *entry, struct err *e)
{
    bool done;

    if (run_as_owner(r, conn, entry, &done, e) != 0 || done) {
        return done ? 0 : -1;
    }
    return entry_run_plain(r, conn, entry, e);
}

/* All but the statement that sets an owner, who may be missing: it is that statement's problem.
 * *made: the rest has succeeded. */
static int
try_owner_apart(struct restore *r, PGconn *conn, const struct archive_entry *entry, const char *sql,
                bool *made, struct err *e)
{
    struct sql_span owner;
    struct err      ignored = ERR_INIT;
    char           *rest, *own;
    int             rc = 0;

    *made = false;
    if (strcmp(e->sqlstate, "42704") != 0 || !archive_owner_statement(sql, &owner)) {
        return 0;
    }
    rest = xasprintf("%.*s%s", (int)(owner.from - sql), sql, owner.to);
    own = xstrndup(owner.from, (size_t)(owner.to - owner.from));
    *made = exec_retrying(conn, rest, &ignored) == 0;
    if (*made) {
        err_clear(e);
        rc = entry_statement(r, conn, entry, own, e);
    }
    free(rest);
    free(own);
    return rc;
}

static int
entry_try(struct restore *r, PGconn *conn, const struct archive_entry *entry,
          struct entry_list *failed, struct err *e)
{
    char *sql = entry_sql(r, entry);
    bool  made;
    int   rc = 0;

    err_clear(e);
    if (sql == NULL || exec_retrying(conn, sql, e) == 0) {
        goto out;
    }
    if (problem_is_fatal(conn, e)) {
        rc = err_wrap(e, "%s %s", entry->desc, entry->tag);
        goto out;
    }
    rc = try_owner_apart(r, conn, entry, sql, &made, e);
    if (rc == 0 && !made) {
        entry_list_add(failed, entry);
        err_clear(e);
    }
out:
    free(sql);
    return rc;
}

/* Entries from..to as one message; after a failure they are run again one by one. */
static int
run_batch(struct restore *r, PGconn *conn, const struct entry_list *l, size_t from, size_t to,
          struct entry_list *failed, struct err *e)
{
    struct buf text = BUF_INIT(BUF_NO_LIMIT);
    int        rc = 0;

    for (size_t i = from; rc == 0 && to - from > 1 && i < to; i++) {
        char *sql = extension_as_owner(r, l->v[i]);

        sql = sql != NULL ? sql : entry_sql(r, l->v[i]);
        rc = sql == NULL ? 0 : buf_printf(&text, e, "%s\n", sql);
        free(sql);
    }
    if (rc == 0 && text.len > 0 && pg_exec(conn, e, buf_str(&text)) == 0) {
        goto out;
    }
    for (size_t i = from; rc == 0 && i < to; i++) {
        rc = failed != NULL ? entry_try(r, conn, l->v[i], failed, e)
                            : entry_run(r, conn, l->v[i], e);
    }
out:
    buf_free(&text);
    return rc;
}

/* failed: as for entries_try(), or NULL. */
static int
run_batches(struct restore *r, PGconn *conn, const struct entry_list *l, struct entry_list *failed,
            struct err *e)
{
    for (size_t from = 0, to; from < l->n; from = to) {
        size_t bytes = 0;

        for (to = from;
             to < l->n && to - from < BATCH_ENTRIES && (to == from || bytes < BATCH_BYTES); to++) {
            bytes += strlen(l->v[to]->sql);
        }
        if (run_batch(r, conn, l, from, to, failed, e) != 0) {
            return -1;
        }
    }
    return 0;
}

int
entries_run(struct restore *r, PGconn *conn, const struct entry_list *l, struct err *e)
{
    return run_batches(r, conn, l, NULL, e);
}

int
entries_try(struct restore *r, PGconn *conn, const struct entry_list *l, struct entry_list *failed,
            struct err *e)
{
    return run_batches(r, conn, l, failed, e);
}
