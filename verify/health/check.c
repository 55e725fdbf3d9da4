#include "verify/health/check.h"

#include <stdlib.h>
#include <string.h>

/* What the server still needs, beyond the limit of its statement. */
enum { PATIENCE_MS = 3000 };

static const char *const right_words[] = {
    [RIGHT_NONE] = "a right that the role does not have",
    [RIGHT_STATS] = "the right to see other roles' sessions (pg_read_all_stats)",
    [RIGHT_SETTINGS] = "the right to see all settings (pg_read_all_settings)",
    [RIGHT_WAL_DIR] = "EXECUTE on pg_ls_waldir()",
};

/* pg_monitor has all of them. */
static void
not_allowed(struct health *h, const struct health_check *c)
{
    char *role = pg_ident(PQuser(h->conn));

    watch_find(
        h->report,
        (struct watch_finding){
            .severity = WATCH_UNKNOWN,
            .object = "it",
            .what = watch_text(h->report, "could not be checked: needs %s", right_words[c->right]),
            .action = "give it to the role that looks",
            .command = watch_text(h->report, "GRANT pg_monitor TO %s", role)});
    free(role);
}

/* What went wrong with a query is a finding of its check. */
static void
not_answered(struct health *h, const struct health_check *c, const struct err *e)
{
    struct watch_finding f = {.severity = WATCH_UNKNOWN,
                              .object = "it",
                              .what = watch_text(h->report, "could not be checked: %s", e->text),
                              .action = "look at the server's log"};

    if (strcmp(e->sqlstate, "42501") == 0 && c != NULL) {
        not_allowed(h, c);
        return;
    }
    if (PQstatus(h->conn) != CONNECTION_OK || e->sqlstate[0] == '\0') {
        f.severity = WATCH_CRITICAL;
        f.object = "the server";
        f.what = watch_text(h->report, "does not answer any more: %s", e->text);
        f.action = "look at the server's log, and whether its disks answer";
    } else if (strcmp(e->sqlstate, "57014") == 0) {
        f.what = watch_text(h->report, "could not be checked: no answer within %d s",
                            h->limits->timeout_s);
        f.action = "see what the server is busy with; --timeout gives it longer";
    } else if (strcmp(e->sqlstate, "55P03") == 0) {
        f.what = "could not be checked: a lock is held on what it reads";
        f.action = "see the check \"locks\"";
    }
    watch_find(h->report, f);
}

static PGresult *
ask(struct health *h, const struct health_check *c, const char *sql)
{
    struct err e = ERR_INIT;
    PGresult  *res = pg_query_within(h->conn, h->limits->timeout_s * 1000 + PATIENCE_MS, &e, sql);

    if (res == NULL) {
        not_answered(h, c, &e);
    }
    if (res == NULL && e.sqlstate[0] == '\0') {
        pg_close(h->conn);
        h->conn = NULL;
    }
    return res;
}

PGresult *
check_query(struct health *h, const char *sql)
{
    return ask(h, NULL, sql);
}

static const char *
query_of(const struct health *h, const struct health_check *c)
{
    for (size_t i = 0; i < sizeof c->queries / sizeof c->queries[0]; i++) {
        if (c->queries[i].sql != NULL && h->version >= c->queries[i].from) {
            return c->queries[i].sql;
        }
    }
    return NULL;
}

static void
run(struct health *h, const struct health_check *c)
{
    const char *sql = query_of(h, c);
    PGresult   *res;

    if (c->where == PRIMARY_ONLY && h->standby) {
        watch_skip(h->report, "the server is a standby");
    } else if (c->where == STANDBY_ONLY && !h->standby) {
        watch_skip(h->report, "the server is no standby");
    } else if (sql == NULL) {
        watch_skip(h->report, "this version of PostgreSQL does not know it");
    } else if (!h->rights[c->right]) {
        not_allowed(h, c);
    } else if ((res = ask(h, c, sql)) != NULL) {
        c->judge(h, res);
        PQclear(res);
    }
}

int
checks_run(struct health *h, const struct health_check *c)
{
    for (; c->name != NULL; c++) {
        watch_begin(h->report, c->name);
        if (h->conn != NULL) {
            run(h, c);
        } else {
            watch_find(h->report,
                       (struct watch_finding){.severity = WATCH_UNKNOWN,
                                              .object = "it",
                                              .what = "could not be checked: the server does not "
                                                      "answer",
                                              .action = "see above"});
        }
    }
    return h->conn != NULL ? 0 : -1;
}

static const char *
cell(const PGresult *r, int row, const char *column)
{
    int k = PQfnumber(r, column);

    return k < 0 || PQgetisnull(r, row, k) ? "" : PQgetvalue(r, row, k);
}

int64_t
cell_int(const PGresult *r, int row, const char *column)
{
    return strtoll(cell(r, row, column), NULL, 10);
}

double
cell_real(const PGresult *r, int row, const char *column)
{
    return strtod(cell(r, row, column), NULL);
}

bool
cell_true(const PGresult *r, int row, const char *column)
{
    return cell(r, row, column)[0] == 't';
}

bool
cell_null(const PGresult *r, int row, const char *column)
{
    int k = PQfnumber(r, column);

    return k < 0 || PQgetisnull(r, row, k);
}

const char *
cell_text(const PGresult *r, int row, const char *column)
{
    return cell(r, row, column);
}
