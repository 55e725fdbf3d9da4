/*
 * What of a copy can be damaged, and doing it.
 */
#include <stdlib.h>
#include <string.h>

#include "verify/compare/compare.h"
#include "verify/drill/selftest_impl.h"
#include "verify/job/baseline.h"

enum { TRIES = 50 };

static const struct manifest *
manifest_of(const struct selftest *t)
{
    return t->copy->baseline->man;
}

PGconn *
selftest_connect(const struct selftest *t, const char *dbname, struct err *e)
{
    struct pg_target target = copy_target(t->copy, dbname);

    return pg_connect(&target, PG_RESTORING, "pgassay-verify", e);
}

/* ---- what can be damaged ----------------------------------------------------------------------
 */

static bool
applies(const struct selftest *t, const struct damage *d)
{
    switch (d->needs) {
    case DAMAGE_DEFINITIONS:
        return holds_every_definition(manifest_of(t));
    case DAMAGE_DATABASE:
        return holds_database(manifest_of(t));
    default:
        return true;
    }
}

static bool
sequence_compared(const struct manifest *man, const char *schema, const char *name)
{
    for (size_t i = 0; i < man->n_sequences; i++)
        if (strcmp(man->sequences[i].name, name) == 0 &&
            strcmp(man->sequences[i].schema, schema) == 0)
            return true;
    return false;
}

/* Not every backup knows the state of these. */
static bool
compared(const struct selftest *t, const struct damage *d, const char *schema, const char *name)
{
    const struct manifest *man = manifest_of(t);

    if (strcmp(d->check, "sequences") == 0)
        return sequence_compared(man, schema, name);
    if (strcmp(d->check, "materialized views") == 0)
        return man->n_matviews > 0;
    if (strcmp(d->check, "large objects") == 0)
        return man->lo_count > 0;
    return true;
}

struct sized {
    uint32_t oid;
    uint64_t bytes;
};

static int
size_order(const void *a, const void *b)
{
    const struct sized *x = a, *y = b;

    if (x->bytes != y->bytes)
        return x->bytes < y->bytes ? -1 : 1;
    return x->oid < y->oid ? -1 : x->oid > y->oid;
}

static char *
array_of(struct sized *v, size_t n)
{
    struct buf text = BUF_INIT(BUF_NO_LIMIT);
    struct err never = ERR_INIT;
    char      *array;

    if (n > 0)
        qsort(v, n, sizeof *v, size_order);
    for (size_t i = 0; i < n; i++)
        (void)buf_printf(&text, &never, "%s%u", i == 0 ? "" : ",", v[i].oid);
    array = xasprintf("{%s}", buf_str(&text));
    buf_free(&text);
    return array;
}

/* Tables whose rows are compared one by one: not those that are summed over an ancestor. */
static int
find_tables(struct selftest *t, PGconn *conn, struct err *e)
{
    const struct manifest *man = manifest_of(t);
    struct catalog         cat = {0};
    struct sized          *v;
    size_t                 n = 0;

    if (catalog_read(conn, CATALOG_SIZES, &cat, e) != 0)
        return -1;
    v = xcalloc(man->n_tables + 1, sizeof *v);
    for (size_t i = 0; i < man->n_tables; i++) {
        const struct manifest_table *want = &man->tables[i];
        const struct cat_table      *have = catalog_find(&cat, want->schema, want->name);

        if (have != NULL && want->kind == 'r' && want->rows > 0 && want->skipped == NULL &&
            want->load_via == NULL)
            v[n++] = (struct sized){.oid = have->oid, .bytes = have->table_bytes};
    }
    t->tables = array_of(v, n);
    free(v);
    catalog_free(&cat);
    return 0;
}

/* ---- damaging ---------------------------------------------------------------------------------
 */

static char *
claims_array(const struct strlist *l)
{
    struct buf text = BUF_INIT(BUF_NO_LIMIT);
    struct err never = ERR_INIT;
    char      *array;

    for (size_t i = 0; i < l->n; i++)
        (void)buf_printf(&text, &never, "%s\"%s\"", i == 0 ? "" : ",", l->v[i]);
    array = xasprintf("{%s}", buf_str(&text));
    buf_free(&text);
    return array;
}

/* "{rows:16385,\"lo comment:5001\"}": nothing in it needs more than its quotes taken away. */
static void
claim(struct selftest *t, const char *array)
{
    char *text = xstrndup(array + 1, strlen(array + 1) - 1), *rest = NULL;

    for (char *one = strtok_r(text, ",", &rest); one != NULL; one = strtok_r(NULL, ",", &rest)) {
        size_t n = strlen(one);
        bool   quoted = one[0] == '"' && n > 1;

        strlist_take(&t->claimed, xstrndup(one + quoted, n - 2 * quoted));
    }
    free(text);
}

static PGresult *
candidates(struct selftest *t, PGconn *conn, const struct damage *d, struct err *e)
{
    char       *sql = xasprintf("%s%s", damage_given, d->query);
    char       *claimed = claims_array(&t->claimed);
    const char *params[] = {claimed, t->tables};
    PGresult   *res = pg_query(conn, e, sql, 2, params);

    free(sql);
    free(claimed);
    if (res == NULL)
        err_wrap(e, "%s", d->name);
    return res;
}

/* Did it do anything?  A statement that reports rows must report some.  why: replaced, if not. */
static bool
has_effect(PGconn *conn, const char *sql, char **why)
{
    struct err  e = ERR_INIT;
    PGresult   *res = pg_query(conn, &e, sql, 0, NULL);
    const char *none = res != NULL && strcmp(PQcmdTuples(res), "0") == 0 ? "changes nothing" : NULL;
    bool        ok = res != NULL && none == NULL;

    PQclear(res);
    if (!ok) {
        free(*why);
        *why = xstrdup(none != NULL ? none : e.text);
    }
    return ok;
}

enum { CLAIMS, KIND, SCHEMA, NAME, WHAT, SQL };

/* pg_dump's list of entries has no line ends in names. */
static void
on_one_line(char *name)
{
    for (; *name != '\0'; name++)
        *name = *name == '\n' || *name == '\r' ? ' ' : *name;
}

static void
note_made(struct selftest *t, struct trial *trial, const PGresult *res, int i)
{
    const char *kind = PQgetvalue(res, i, KIND);
    char *object = finding_object(PQgetisnull(res, i, SCHEMA) ? NULL : PQgetvalue(res, i, SCHEMA),
                                  PQgetvalue(res, i, NAME));

    claim(t, PQgetvalue(res, i, CLAIMS));
    free(trial->object);
    free(trial->what);
    trial->object = kind[0] == '\0' ? xstrdup(object) : xasprintf("%s %s", kind, object);
    trial->what = PQgetisnull(res, i, WHAT) ? NULL : xstrdup(PQgetvalue(res, i, WHAT));
    if (strcmp(trial->damage->check, "schema") == 0)
        on_one_line(trial->object);
    trial->any_kind = PQgetisnull(res, i, KIND);
    trial->made = true;
    t->made++;
    free(object);
}

/* The first candidate to which it can be done.  Where there was none because others had been here
 * before, it waits for another round. */
static int
damage(struct selftest *t, PGconn *conn, struct trial *trial, struct err *e)
{
    const struct damage *d = trial->damage;
    PGresult            *res = candidates(t, conn, d, e);
    int                  n, rc = 0;

    if (res == NULL)
        return -1;
    n = PQntuples(res) < TRIES ? PQntuples(res) : TRIES;
    for (int i = 0; i < n && rc == 0 && !trial->made; i++) {
        if (!compared(t, d, PQgetvalue(res, i, SCHEMA), PQgetvalue(res, i, NAME)))
            continue;
        rc = pg_exec(conn, e, "SAVEPOINT damage");
        if (rc == 0 && has_effect(conn, PQgetvalue(res, i, SQL), &trial->why))
            note_made(t, trial, res, i);
        else if (rc == 0)
            rc = pg_exec(conn, e, "ROLLBACK TO SAVEPOINT damage");
    }
    if (!trial->made && PQntuples(res) == trial->candidates)
        trial->pending = false; /* there will never be more of them */
    t->left |= trial->pending && !trial->made;
    PQclear(res);
    return rc;
}

/* Not one of them is left to a trigger, and the keys between tables are not looked at. */
static const char begin[] =
    "BEGIN; SELECT pg_catalog.set_config('session_replication_role', 'replica', true) WHERE "
    "pg_catalog.current_setting('is_superuser') = 'on'";

/* Leaves the transaction open. */
static int
damage_all(struct selftest *t, PGconn *conn, struct err *e)
{
    strlist_free(&t->claimed);
    t->made = 0;
    t->left = false;
    if (pg_exec(conn, e, begin) != 0)
        return -1;
    for (size_t i = 0; i < t->n; i++) {
        t->v[i].made = false;
        if (t->v[i].pending && damage(t, conn, &t->v[i], e) != 0)
            return -1;
    }
    return 0;
}

int
selftest_damage(struct selftest *t, const char *dbname, enum staying staying, bool *stay,
                struct err *e)
{
    PGconn *conn = selftest_connect(t, dbname, e);
    int     rc = -1;

    if (conn == NULL)
        return -1;
    if (damage_all(t, conn, e) == 0) {
        *stay = t->made > 0 && (staying == STAY || (staying == STAY_IF_ALL && !t->left));
        rc = pg_exec(conn, e, *stay ? "COMMIT" : "ROLLBACK");
    }
    pg_close(conn);
    return rc;
}

int
selftest_prepare(struct selftest *t, struct err *e)
{
    PGconn *conn = selftest_connect(t, t->copy->name, e);
    int     rc;

    while (damages[t->n].name != NULL)
        t->n++;
    t->v = xcalloc(t->n, sizeof *t->v);
    if (conn == NULL)
        return -1;
    rc = find_tables(t, conn, e);
    for (size_t i = 0; i < t->n && rc == 0; i++) {
        struct trial *trial = &t->v[i];
        PGresult     *res;

        trial->damage = &damages[i];
        if (!applies(t, trial->damage))
            continue;
        if ((res = candidates(t, conn, trial->damage, e)) == NULL)
            rc = -1;
        trial->candidates = PQntuples(res);
        trial->pending = trial->candidates > 0;
        PQclear(res);
    }
    pg_close(conn);
    return rc;
}
