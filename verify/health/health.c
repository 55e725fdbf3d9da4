#include "verify/health/health.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/cancel.h"
#include "core/human.h"
#include "verify/health/checks.h"
#include "verify/health/rate.h"
#include "verify/health/session.h"
#include "verify/health/xid.h"

/* Where it is, as people write it. */
static const char *
place(struct health *h)
{
    const char *host = PQhost(h->conn);

    return watch_text(h->report, "%s:%s", host != NULL && *host != '\0' ? host : "local",
                      PQport(h->conn));
}

/* 1: the server cannot be reached, which is a finding. */
static int
begin(struct health *h, const struct pg_target *target, struct err *e)
{
    watch_begin(h->report, "connection");
    if (session_open(h, target, e) == 0) {
        h->report->server = place(h);
        return 0;
    }
    if (!session_diagnose(h, e))
        return -1;
    err_clear(e);
    return 1;
}

/* What a signal kept from being looked at is no statement about the server. */
static int
finish(struct watch_report *report, double start, int rc, struct err *e)
{
    report->seconds = clock_seconds() - start;
    watch_sort(report);
    return rc < 0 || cancel_check(e) != 0 ? -1 : 0;
}

int
health_run(const struct pg_target *target, const struct health_limits *limits,
           struct watch_report *report, struct err *e)
{
    static const struct health_check *const tables[] = {
        sessions_checks, locks_checks, replication_checks, xid_checks, space_checks, objects_checks,
    };
    struct health h = {.limits = limits, .report = report};
    double        start = clock_seconds();
    int           rc = begin(&h, target, e);

    for (size_t i = 0; rc == 0 && i < sizeof tables / sizeof tables[0]; i++)
        (void)checks_run(&h, tables[i]);
    session_close(&h);
    return finish(report, start, rc, e);
}

/* ---- xid ---- */

static int
read_now(struct health *h, struct xid_moment *now)
{
    PGresult *res = check_query(h,
                                "SELECT lpad(to_hex(system_identifier), 16, '0') AS system, "
                                "pg_snapshot_xmax("
                                "pg_current_snapshot())::text AS next FROM pg_control_system()");

    if (res == NULL)
        return -1;
    *now = (struct xid_moment){.next = (uint64_t)cell_int(res, 0, "next"), .at = time(NULL)};
    (void)snprintf(now->system, sizeof now->system, "%s", cell_text(res, 0, "system"));
    PQclear(res);
    return 0;
}

/* Not a finding: a repository without an older backup is nothing wrong with the server. */
static void
say_rate(struct health *h, const struct xid_request *q)
{
    struct xid_moment now, then;
    struct err        e = ERR_INIT;
    double            rate, days;
    char              per_day[48], ago[32];
    int64_t           age = json_opt_int(h->report->facts, "xid_age", 0);

    watch_begin(h->report, "rate");
    if (q->repo == NULL) {
        watch_skip(h->report, q->no_rate);
        watch_line(h->report, "days left", "not known: %s", q->no_rate);
        return;
    }
    if (read_now(h, &now) != 0)
        return;
    if (rate_then(q->repo, q->db, &now, &then, &e) != 0) {
        watch_skip(h->report, e.text);
        watch_line(h->report, "days left", "not known: %s", e.text);
        return;
    }
    rate = rate_per_day(&then, &now);
    days = rate > 0 ? (double)(XID_SPACE - age) / rate : INFINITY;
    count_human((uint64_t)rate, NULL, per_day, sizeof per_day);
    duration_human(difftime(now.at, then.at), ago, sizeof ago);
    if (rate > 0)
        watch_line(h->report, "days left",
                   "%.0f if nothing were frozen, at %s transactions a day (since backup %s, %s "
                   "ago)",
                   floor(days), per_day, then.backup, ago);
    else
        watch_line(h->report, "days left", "no transaction since backup %s, %s ago", then.backup,
                   ago);
    watch_metric(h->report, (struct watch_metric){"xid_per_day", "", rate, NAN, NAN});
    json_object_set_new(h->report->facts, "rate",
                        json_pack("{s:s, s:f, s:f, s:o}", "since_backup", then.backup,
                                  "since_seconds", difftime(now.at, then.at), "per_day", rate,
                                  "days_left", rate > 0 ? json_real(days) : json_null()));
}

/* Tables of one database; of another than the session's by a session of its own. */
static void
look_into(struct health *h, const struct pg_target *target, const char *database)
{
    struct health    there = {.limits = h->limits, .report = h->report};
    struct pg_target t = *target;
    struct err       e = ERR_INIT;

    if (strcmp(PQdb(h->conn), database) == 0) {
        xid_tables(h, database);
        return;
    }
    t.dbname = database;
    if (session_open(&there, &t, &e) == 0) {
        xid_tables(&there, database);
        session_close(&there);
        return;
    }
    watch_begin(h->report, watch_text(h->report, "tables of %s", database));
    watch_find(h->report,
               (struct watch_finding){
                   .severity = WATCH_UNKNOWN,
                   .object = watch_text(h->report, "database %s", database),
                   .what = watch_text(h->report, "could not be looked into: %s", e.text),
                   .action = "connect as a role that may"});
}

/* Databases whose age is a finding, and that can be connected to. */
static void
add_old(struct health *h, struct strlist *databases)
{
    PGresult *res = check_query(h, "SELECT datname FROM pg_database WHERE datallowconn");
    size_t    n = h->report->n_findings;

    for (int i = 0; res != NULL && i < PQntuples(res); i++) {
        const char *name = PQgetvalue(res, i, 0),
                   *object = watch_text(h->report, "database %s", name);

        for (size_t k = 0; k < n; k++)
            if (strcmp(h->report->findings[k].object, object) == 0 && !strlist_has(databases, name))
                strlist_add(databases, name);
    }
    PQclear(res);
}

int
xid_run(const struct pg_target *target, const struct xid_request *q,
        const struct health_limits *limits, struct watch_report *report, struct err *e)
{
    struct health  h = {.limits = limits, .report = report};
    struct strlist databases = {0};
    double         start = clock_seconds();
    int            rc = begin(&h, target, e);

    if (rc == 0 && checks_run(&h, xid_checks) == 0) {
        strlist_add_all(&databases, &q->databases);
        if (q->databases.n == 0) {
            strlist_add(&databases, PQdb(h.conn));
            add_old(&h, &databases);
        }
        for (size_t i = 0; h.conn != NULL && i < databases.n; i++)
            look_into(&h, target, databases.v[i]);
        if (h.conn != NULL)
            say_rate(&h, q);
    }
    session_close(&h);
    strlist_free(&databases);
    return finish(report, start, rc, e);
}
