#include "verify/health/terminate.h"

#include <stdlib.h>
#include <string.h>

#include "core/cli/texttable.h"
#include "core/human.h"
#include "core/print.h"
#include "verify/health/checks.h"
#include "verify/health/session.h"

/* $1: seconds; $2: application or null; $3: in a transaction. */
static const char LIST[] =
    "SELECT a.pid, coalesce(a.application_name, '') AS application, coalesce(a.usename, '') AS "
    "\"user\", coalesce(a.datname, '') AS database, coalesce(host(a.client_addr), '') AS client,"
    " extract(epoch FROM clock_timestamp() - a.state_change)::float8 AS idle,"
    " a.backend_start::text AS started, a.state_change::text AS changed"
    " FROM pg_stat_activity a WHERE a.backend_type = 'client backend' AND a.pid <> "
    "pg_backend_pid() AND CASE WHEN $3::bool THEN a.state LIKE 'idle in transaction%' ELSE "
    "a.state = 'idle' END AND a.state_change <= clock_timestamp() - $1::int8 * interval '1 "
    "second' AND CASE WHEN $2::text IS NULL THEN" NOT_OURS("a") "ELSE a.application_name = $2 END"
    " ORDER BY a.state_change, a.pid";

/* The same session, and nothing done since. */
static const char END[] =
    "SELECT pg_terminate_backend(a.pid) AS ended FROM pg_stat_activity a WHERE a.pid = $1::int"
    " AND a.backend_start::text = $2 AND a.state_change::text = $3 AND a.state LIKE 'idle%'";

static void
end_one(PGconn *conn, struct terminated *t, const char *started, const char *changed)
{
    struct err e = ERR_INIT;
    PGresult  *res = pg_query(conn, &e, END, 3, (const char *const[]){t->pid, started, changed});

    if (res == NULL) {
        t->outcome = TERMINATE_FAILED;
        t->error = strcmp(e.sqlstate, "42501") == 0
            ? xasprintf("%s (needs pg_signal_backend, or its own role)", e.text)
            : xstrdup(e.text);
    } else {
        t->outcome = PQntuples(res) == 1 && cell_true(res, 0, "ended") ? TERMINATE_ENDED
                                                                       : TERMINATE_SPARED;
    }
    PQclear(res);
}

static int
end_all(struct health *h, const struct terminate_request *q, struct terminate_result *r,
        struct err *e)
{
    char       *seconds = xasprintf("%llu", (unsigned long long)q->idle_s);
    const char *params[] = {seconds, q->application, q->in_transaction ? "t" : "f"};
    PGresult   *res = pg_query(h->conn, e, LIST, 3, params);

    for (int i = 0; res != NULL && i < PQntuples(res); i++) {
        VEC_GROW(r->v, r->n, r->cap);
        r->v[r->n] = (struct terminated){.pid = xstrdup(cell_text(res, i, "pid")),
                                         .application = xstrdup(cell_text(res, i, "application")),
                                         .user = xstrdup(cell_text(res, i, "user")),
                                         .database = xstrdup(cell_text(res, i, "database")),
                                         .client = xstrdup(cell_text(res, i, "client")),
                                         .idle_s = cell_real(res, i, "idle")};
        if (q->yes)
            end_one(h->conn, &r->v[r->n], cell_text(res, i, "started"),
                    cell_text(res, i, "changed"));
        r->n++;
    }
    free(seconds);
    PQclear(res);
    return res != NULL ? 0 : -1;
}

int
terminate_run(const struct pg_target *target, const struct health_limits *limits,
              const struct terminate_request *q, struct terminate_result *r, struct err *e)
{
    struct health h = {.limits = limits};
    int           rc = session_open(&h, target, e);

    if (rc == 0 && !h.rights[RIGHT_STATS]) {
        err_set(e, ERR_AUTH, "the role does not see how long other roles' sessions have been idle");
        rc = err_hint(e, "GRANT pg_monitor, pg_signal_backend TO the role");
    }
    if (rc == 0)
        rc = end_all(&h, q, r, e);
    session_close(&h);
    return rc;
}

size_t
terminate_failed(const struct terminate_result *r)
{
    size_t n = 0;

    for (size_t i = 0; i < r->n; i++)
        n += r->v[i].outcome == TERMINATE_FAILED;
    return n;
}

static const char *
outcome_text(enum terminate_outcome o)
{
    static const char *const words[] = {"listed", "ended", "spared", "failed"};

    return words[o];
}

void
terminate_print(const struct terminate_result *r, const struct terminate_request *q)
{
    struct texttable table = {.heads = q->yes ? ">pid|application|role|database|client|>idle "
                                                "for|now"
                                              : ">pid|application|role|database|client|>idle for"};
    char             text[48];

    for (size_t i = 0; i < r->n; i++) {
        const struct terminated *t = &r->v[i];

        texttable_add(&table, t->pid);
        texttable_add(&table, t->application);
        texttable_add(&table, t->user);
        texttable_add(&table, t->database);
        texttable_add(&table, t->client[0] != '\0' ? t->client : "local");
        texttable_add(&table, duration_human(t->idle_s, text, sizeof text));
        if (q->yes)
            texttable_add(&table,
                          t->outcome == TERMINATE_ENDED        ? "ended"
                              : t->outcome == TERMINATE_SPARED ? "spared: it is busy again, or gone"
                                                               : t->error);
    }
    if (r->n > 0)
        texttable_print(&table, stdout);
    texttable_free(&table);
    count_human(r->n, "session", text, sizeof text);
    if (r->n == 0)
        print_out("no session has been idle%s for that long\n",
                  q->in_transaction ? " in a transaction" : "");
    else if (!q->yes)
        print_out("%s would be ended: --yes does it\n", text);
}

json_t *
terminate_json(const struct terminate_result *r, const struct terminate_request *q)
{
    json_t *list = json_array();

    for (size_t i = 0; i < r->n; i++) {
        const struct terminated *t = &r->v[i];

        (void)json_array_append_new(
            list,
            json_pack("{s:I, s:o, s:o, s:o, s:s, s:f, s:s, s:o}", "pid",
                      (json_int_t)strtoll(t->pid, NULL, 10), "application",
                      json_text(t->application), "role", json_text(t->user), "database",
                      json_text(t->database), "client", t->client, "idle_seconds", t->idle_s,
                      "outcome", outcome_text(t->outcome), "error", json_text(t->error)));
    }
    return json_pack("{s:s, s:I, s:o, s:b, s:b, s:o}", "verb", "terminate-idle", "idle_seconds",
                     (json_int_t)q->idle_s, "application", json_text(q->application),
                     "in_transaction", (int)q->in_transaction, "yes", (int)q->yes, "sessions",
                     list);
}

void
terminate_free(struct terminate_result *r)
{
    for (size_t i = 0; i < r->n; i++) {
        free(r->v[i].pid);
        free(r->v[i].application);
        free(r->v[i].user);
        free(r->v[i].database);
        free(r->v[i].client);
        free(r->v[i].error);
    }
    free(r->v);
    *r = (struct terminate_result){0};
}
