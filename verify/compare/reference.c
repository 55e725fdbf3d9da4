#include "verify/compare/reference.h"

#include <stdlib.h>
#include <string.h>

#include "core/log.h"
#include "core/pool.h"
#include "pg/archive/apart_parts.h"
#include "pg/archive/entry_ids.h"
#include "pg/archive/isolate.h"
#include "pg/conn/tools.h"
#include "pg/snapshot/dump.h"
#include "pg/target/newdb.h"
#include "pg/target/roles.h"

#define DUMP_MAX (2 * GIB)
enum { TOGETHER = 64, DROP_TIMEOUT_MS = 60000 }; /* entries in one message */

char *
reference_key(const char *kind, const char *schema, const char *name)
{
    const char *in = schema == NULL ? "" : schema;

    /* With its length, else schema "a b" with table "c" would equal schema "a" with table "b c". */
    return xasprintf("%s %zu %s %s", kind, strlen(in), in, name);
}

static bool
is_named(const struct strlist *sorted, const struct archive_entry *entry)
{
    char *key = reference_key(entry->desc, entry->schema, entry->tag);
    bool  named = strlist_find(sorted, key);

    free(key);
    return named;
}

/* Leaves the entries that are named, and what they depend on. */
static void
narrow(struct archive *a, const struct strlist *sorted)
{
    struct entry_ids ids = entry_ids_new(a);
    bool            *keep = xcalloc(a->n + 1, sizeof *keep);
    size_t          *to_do = xcalloc(a->n + 1, sizeof *to_do), n = 0;

    for (size_t i = 0; i < a->n; i++)
        if ((keep[i] = is_named(sorted, &a->v[i])))
            to_do[n++] = i;
    while (n > 0) {
        const struct archive_entry *entry = &a->v[to_do[--n]], *other;

        for (size_t k = 0; k < entry->n_depends; k++) {
            if ((other = entry_ids_find(&ids, entry->depends[k])) == NULL || keep[other - a->v])
                continue;
            keep[other - a->v] = true;
            to_do[n++] = (size_t)(other - a->v);
        }
    }
    archive_keep(a, keep);
    entry_ids_free(&ids);
    free(keep);
    free(to_do);
}

/* A role that cannot be made shows in the entries that need it. */
static void
role_problem(void *ctx, const char *role, const struct err *why)
{
    (void)ctx;
    log_info("reference restore: role %s: %s", role, why->text);
}

static int
make_database(const struct reference_trip *t, struct err *e)
{
    struct pg_target target = t->server;
    PGconn          *conn;
    int              rc = -1;

    target.dbname = "postgres";
    if ((conn = pg_connect(&target, PG_RESTORING, "pgassay-verify", e)) == NULL)
        return -1;
    if (t->globals_sql->len > 0 &&
        roles_create(conn,
                     &(struct roles_wish){.globals_sql = buf_str(t->globals_sql),
                                          .temporary = true,
                                          .problem = role_problem},
                     e) != 0)
        goto out;
    rc = newdb_create(conn, t->database, t->name, NULL, e);
out:
    pg_close(conn);
    return rc;
}

/* *failed: the server refuses it, and says why in *fault. */
static int
run_entry(PGconn *conn, const struct reference_trip *t, const struct archive_entry *entry,
          bool *failed, struct err *fault, struct err *e)
{
    char *sql = isolate_sql(entry, t->isolated);
    int   rc = sql == NULL ? 0 : pg_exec(conn, fault, sql);

    free(sql);
    *failed = rc != 0;
    if (rc == 0)
        return 0;
    if (fault->kind == ERR_INTERRUPTED || PQstatus(conn) != CONNECTION_OK) {
        *e = *fault;
        return -1;
    }
    return 0;
}

/* Many entries in one message, which is one transaction: if nothing fails this is enough. */
static int
run_together(PGconn *conn, const struct reference_trip *t, const struct archive_entry *const *v,
             size_t n)
{
    struct buf sql = BUF_INIT(BUF_NO_LIMIT);
    struct err ignored = ERR_INIT;
    int        rc = 0;

    for (size_t i = 0; i < n && rc == 0; i++) {
        char *one = isolate_sql(v[i], t->isolated);

        if (one != NULL)
            rc = buf_printf(&sql, &ignored, "%s\n", one);
        free(one);
    }
    if (rc == 0)
        rc = pg_exec(conn, &ignored, buf_str(&sql));
    buf_free(&sql);
    return rc;
}

/* What the server refused, and its messages, one for each. */
struct refused {
    struct entry_list entries;
    struct strlist    why;
};

static int
run_entries(PGconn *conn, const struct reference_trip *t, const struct entry_list *l,
            struct refused *refused, struct err *e)
{
    int rc = 0;

    for (size_t i = 0, n; i < l->n && rc == 0; i += n) {
        n = l->n - i < TOGETHER ? l->n - i : TOGETHER;
        if (run_together(conn, t, l->v + i, n) == 0)
            continue;
        for (size_t k = i; k < i + n && rc == 0; k++) {
            struct err fault = ERR_INIT;
            bool       failed;

            rc = run_entry(conn, t, l->v[k], &failed, &fault, e);
            if (rc == 0 && failed) {
                entry_list_add(&refused->entries, l->v[k]);
                strlist_add(&refused->why, fault.text);
            }
        }
    }
    return rc;
}

/* Sessions that make the archive's parts. */
struct sessions {
    const struct reference_trip *trip;
    PGconn                     **conns; /* NULL: not needed yet */
};

static PGconn *
connect_to(const struct reference_trip *t, struct err *e)
{
    struct pg_target target = t->server;

    target.dbname = t->name;
    return pg_connect(&target, PG_RESTORING, "pgassay-verify", e);
}

static int
run_part(void *ctx, void *task, int number, struct err *e)
{
    struct sessions   *s = ctx;
    struct apart_part *part = task;
    struct refused     refused = {0};
    int                rc = -1;

    if (s->conns[number] != NULL || (s->conns[number] = connect_to(s->trip, e)) != NULL)
        rc = run_entries(s->conns[number], s->trip, &part->entries, &refused, e);
    part->early = refused.entries;
    strlist_free(&refused.why);
    return rc;
}

static int
run_parts(const struct reference_trip *t, struct apart_parts *p, struct err *e)
{
    struct sessions s = {.trip = t, .conns = xcalloc((size_t)t->jobs + 1, sizeof *s.conns)};
    int             rc = pool_each(t->jobs, run_part, &s, p->v, sizeof *p->v, p->n, e);

    for (int i = 0; i < t->jobs; i++)
        pg_close(s.conns[i]);
    free(s.conns);
    return rc;
}

static struct apart_parts
cut(const struct archive *a, int sessions)
{
    struct entry_list  all = {0};
    struct apart_parts parts;

    for (size_t i = 0; i < a->n; i++)
        entry_list_add(&all, &a->v[i]);
    parts = apart_parts_cut(a, &all, sessions);
    entry_list_free(&all);
    return parts;
}

static int
run_archive(const struct reference_trip *t, struct reference_result *r, struct err *e)
{
    struct apart_parts p = cut(&r->source, t->jobs);
    struct refused     refused = {0};
    PGconn            *conn = connect_to(t, e);
    int                rc = -1;

    if (conn != NULL && run_entries(conn, t, &p.before, &refused, e) == 0 &&
        run_parts(t, &p, e) == 0) {
        apart_parts_take_back(&p);
        rc = run_entries(conn, t, &p.after, &refused, e);
    }
    for (size_t i = 0; i < refused.entries.n; i++) {
        const struct archive_entry *entry = refused.entries.v[i];

        strlist_take(&r->failed, reference_key(entry->desc, entry->schema, entry->tag));
    }
    r->why = refused.why;
    entry_list_free(&refused.entries);
    apart_parts_free(&p);
    pg_close(conn);
    return rc;
}

static int
dump_again(const struct reference_trip *t, const struct archive_options *options,
           struct reference_result *r, struct err *e)
{
    struct pg_target target = t->server;
    struct buf       dump = BUF_INIT(DUMP_MAX);
    PGconn          *conn;
    int              rc = -1;

    target.dbname = t->name;
    if ((conn = pg_connect(&target, PG_READING, "pgassay-verify", e)) != NULL &&
        schema_dump_now(conn, NULL, &dump, e) == 0)
        rc = archive_open_bytes(&r->dump, dump.data, dump.len, options, e);
    pg_close(conn);
    buf_free(&dump);
    return rc;
}

int
reference_make(const struct reference_trip *t, struct reference_result *r, struct err *e)
{
    struct archive_options options = {.no_tablespaces = true};
    struct pg_tool         pg_restore = {0};
    int                    rc = -1;

    *r = (struct reference_result){0};
    if (pg_tool_find("pg_restore", 0, &pg_restore, e) != 0)
        return -1;
    options.pg_restore = pg_restore.path;
    if (archive_open_bytes(&r->source, t->archive->data, t->archive->len, &options, e) != 0)
        goto out;
    if (t->only != NULL)
        narrow(&r->source, t->only);
    if (make_database(t, e) != 0 || run_archive(t, r, e) != 0 ||
        dump_again(t, &options, r, e) != 0) {
        err_wrap(e, "reference restore");
        goto out;
    }
    rc = 0;
out:
    pg_tool_free(&pg_restore);
    if (rc != 0)
        reference_result_free(r);
    return rc;
}

void
reference_drop(const struct reference_trip *t)
{
    struct pg_target target = t->server;
    struct err       ignored = ERR_INIT;
    PGconn          *conn;

    target.dbname = "postgres";
    if ((conn = pg_connect(&target, PG_RESTORING, "pgassay-verify", &ignored)) != NULL) {
        char *ident = pg_ident(t->name);
        char *sql = xasprintf("DROP DATABASE IF EXISTS %s WITH (FORCE)", ident);

        (void)pg_tidy(conn, DROP_TIMEOUT_MS, &ignored, sql);
        free(sql);
        free(ident);
    }
    pg_close(conn);
}

void
reference_result_free(struct reference_result *r)
{
    archive_close(&r->source);
    archive_close(&r->dump);
    strlist_free(&r->failed);
    strlist_free(&r->why);
    *r = (struct reference_result){0};
}
