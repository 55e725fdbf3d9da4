#include "verify/drill/selftest.h"

#include <stdlib.h>
#include <string.h>

#include "verify/drill/selftest_impl.h"

enum { DROP_TIMEOUT_MS = 60000 };

/* ---- and finding ------------------------------------------------------------------------------
 */

static bool
rows_claimed(const void *ctx, const struct cat_table *table)
{
    const struct selftest *t = ctx;
    char                  *key = xasprintf("rows:%u", table->oid);
    bool                   claimed = strlist_has(&t->claimed, key);

    free(key);
    return claimed;
}

static bool
about(const struct finding *f, const struct trial *trial)
{
    size_t all = strlen(f->object), n = strlen(trial->object);

    if (!trial->any_kind)
        return strcmp(f->object, trial->object) == 0;
    return all > n && f->object[all - n - 1] == ' ' &&
        strcmp(f->object + all - n, trial->object) == 0;
}

static bool
found(const struct findings *findings, const struct trial *trial)
{
    for (size_t i = 0; i < findings->n; i++) {
        const struct finding *f = &findings->v[i];

        if (f->class == FINDING_DIFFERENT && strcmp(f->group, trial->damage->check) == 0 &&
            about(f, trial) &&
            (trial->what == NULL || strncmp(f->what, trial->what, strlen(trial->what)) == 0))
            return true;
    }
    return false;
}

static void
judge(struct selftest *t, const struct findings *findings)
{
    for (size_t i = 0; i < t->n; i++) {
        struct trial        *trial = &t->v[i];
        struct result_damage one = {.name = trial->damage->name, .check = trial->damage->check};

        if (!trial->made)
            continue;
        one.noticed = found(findings, trial);
        one.object = trial->object;
        if (!one.noticed) {
            char *what = xasprintf("%s: the drill does not notice it", one.name);

            findings_add(
                &t->result->findings,
                (struct finding){.group = "self-test", .object = one.object, .what = what});
            free(what);
        }
        result_control_add(&t->result->control, &one);
        trial->object = NULL;
        trial->pending = trial->made = false;
    }
}

static int
look(struct selftest *t, const char *dbname, struct err *e)
{
    struct verify_result seen;
    int                  rc;

    result_init(&seen, VERB_DRILL);
    seen.label = t->result->label;
    rc = copy_compare(
        t->copy, &(struct copy_look){.dbname = dbname, .reads = rows_claimed, .ctx = t}, &seen, e);
    if (rc == 0)
        judge(t, &seen.findings);
    result_free(&seen);
    return rc;
}

/* ---- rounds -----------------------------------------------------------------------------------
 */

static void
drop(PGconn *conn)
{
    struct err ignored = ERR_INIT;

    (void)pg_tidy(conn, DROP_TIMEOUT_MS, &ignored, "DROP DATABASE IF EXISTS " SELFTEST_NAME);
}

/* A file by file copy, as versions before 15 make all of them: their contents are not logged. */
static int
copy_of_copy(const struct selftest *t, PGconn *conn, struct err *e)
{
    char *template = pg_ident(t->copy->name);
    int rc = pg_execf(conn, e, "CREATE DATABASE " SELFTEST_NAME " TEMPLATE %s%s", template,
                      t->copy->server.version >= 150000 ? " STRATEGY file_copy" : "");

    free(template);
    return rc == 0 ? 0 : err_wrap(e, "copy of the copy");
}

static int
round_on_copy(struct selftest *t, struct err *e)
{
    PGconn *conn = selftest_connect(t, "postgres", e);
    bool    stay;
    int     rc;

    if (conn == NULL)
        return -1;
    rc = copy_of_copy(t, conn, e);
    if (rc == 0)
        rc = selftest_damage(t, SELFTEST_NAME, STAY, &stay, e);
    if (rc == 0)
        rc = look(t, SELFTEST_NAME, e);
    drop(conn);
    pg_close(conn);
    return rc;
}

/* *more: there is another round to make. */
static int
make_round(struct selftest *t, bool *more, struct err *e)
{
    enum staying staying = t->copy->options->keep ? STAY_NEVER : STAY_IF_ALL;
    bool         stay = false;

    if (selftest_damage(t, t->copy->name, staying, &stay, e) != 0)
        return -1;
    *more = t->made > 0 && t->left;
    if (stay)
        return look(t, t->copy->name, e);
    return t->made == 0 ? 0 : round_on_copy(t, e);
}

static void
note_inapplicable(struct selftest *t)
{
    struct result_control *c = &t->result->control;

    for (size_t i = 0; i < t->n; i++) {
        bool tried = false;

        for (size_t k = 0; k < c->n; k++)
            tried |= strcmp(c->v[k].name, t->v[i].damage->name) == 0;
        if (!tried)
            result_control_inapplicable(c, t->v[i].damage->name, t->v[i].why);
    }
}

int
selftest_run(struct copy *copy, struct verify_result *r, struct err *e)
{
    struct selftest t = {.copy = copy, .result = r};
    bool            more = true;
    int             rc;

    rc = selftest_prepare(&t, e);
    while (rc == 0 && more)
        rc = make_round(&t, &more, e);
    if (rc == 0)
        note_inapplicable(&t);
    r->control.made = rc == 0;
    for (size_t i = 0; i < t.n; i++) {
        free(t.v[i].why);
        free(t.v[i].object);
        free(t.v[i].what);
    }
    free(t.v);
    free(t.tables);
    strlist_free(&t.claimed);
    return rc == 0 ? 0 : err_wrap(e, "self-test");
}
