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

/* A repository that cannot be asked, or says nothing, is nothing wrong with the server. */
static void
rate_unknown(struct health *h, const char *why)
{
    watch_skip(h->report, why);
    watch_line(h->report, "days left", "not known: %s", why);
}

static json_t *
moment_json(const struct xid_moment *m)
{
    char at[32];

    return json_pack("{s:s, s:s, s:s, s:I, s:I, s:I}", "kind", m->kind, "id", m->id, "at",
                     time_rfc3339(m->at, at, sizeof at), "next_xid", (json_int_t)m->next, "age",
                     (json_int_t)m->age, "multixact_age", (json_int_t)m->multixact_age);
}

/* A week is long enough to tell a change from the hours of a day. */
enum { WEEK_DAYS = 7 };

/* Over the last week or so, when that is known besides: a rate that has risen is the news. */
static double
recent_rate(const struct xid_moments *all, const struct xid_moment *then,
            const struct xid_moment *now)
{
    const struct xid_moment *from = NULL;

    for (size_t i = 0; i < all->n; i++)
        if (difftime(now->at, all->v[i].at) >= WEEK_DAYS * 86400.0)
            from = &all->v[i];
    return from == NULL || from == then ? NAN : rate_per_day(from, now);
}

static void
tell_rate(struct health *h, const struct xid_moments *all, const struct xid_moment *then,
          const struct xid_moment *now)
{
    int64_t age = json_opt_int(h->report->facts, "xid_age", 0);
    double  rate = rate_per_day(then, now), recent = recent_rate(all, then, now),
           days = rate > 0 ? (double)(XID_SPACE - age) / rate : INFINITY;
    char    per_day[48], ago[32], lately[48];
    json_t *trend = json_array();

    count_human((uint64_t)rate, NULL, per_day, sizeof per_day);
    duration_human(difftime(now->at, then->at), ago, sizeof ago);
    if (rate > 0)
        watch_line(h->report, "days left",
                   "%.0f if nothing were frozen, at %s transactions a day (since %s %s, %s ago)",
                   floor(days), per_day, then->kind, then->id, ago);
    else
        watch_line(h->report, "days left", "no transaction since %s %s, %s ago", then->kind,
                   then->id, ago);
    if (!isnan(recent))
        watch_line(h->report, "trend",
                   "%s transactions a day over the last %d days, %s before that",
                   count_human((uint64_t)recent, NULL, lately, sizeof lately), WEEK_DAYS,
                   recent > 1.5 * rate       ? "fewer"
                       : recent < rate / 1.5 ? "more"
                                             : "about as many");
    watch_metric(h->report, (struct watch_metric){"xid_per_day", "", rate, NAN, NAN});
    for (size_t i = 0; i < all->n; i++)
        json_array_append_new(trend, moment_json(&all->v[i]));
    json_object_set_new(h->report->facts, "rate",
                        json_pack("{s:s, s:s, s:f, s:f, s:o, s:o, s:o}", "since_kind", then->kind,
                                  "since", then->id, "since_seconds", difftime(now->at, then->at),
                                  "per_day", rate, "recent_per_day",
                                  isnan(recent) ? json_null() : json_real(recent), "days_left",
                                  rate > 0 ? json_real(days) : json_null(), "trend", trend));
}

static void
say_rate(struct health *h, const struct xid_request *q)
{
    struct xid_moment        now;
    struct xid_moments       all = {0};
    const struct xid_moment *then;
    struct err               e = ERR_INIT;

    watch_begin(h->report, "rate");
    if (q->repo == NULL) {
        rate_unknown(h, q->no_rate);
        return;
    }
    if (read_now(h, &now) != 0)
        return;
    if (rate_moments(q->repo, q->db, &now, &all, &e) != 0)
        rate_unknown(h, e.text);
    else if ((then = rate_then(&all, now.at)) == NULL)
        rate_unknown(h,
                     watch_text(h->report,
                                "no backup or baseline of \"%s\" that is an hour old is of this "
                                "server",
                                q->db));
    else
        tell_rate(h, &all, then, &now);
    rate_moments_free(&all);
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
        if (q->connected || q->databases.n == 0)
            strlist_add(&databases, PQdb(h.conn));
        strlist_add_all(&databases, &q->databases);
        if (!q->connected && q->databases.n == 0)
            add_old(&h, &databases);
        for (size_t i = 0; h.conn != NULL && i < databases.n; i++)
            look_into(&h, target, databases.v[i]);
        if (h.conn != NULL)
            say_rate(&h, q);
    }
    session_close(&h);
    strlist_free(&databases);
    return finish(report, start, rc, e);
}

int
xid_beside(const struct pg_target *target, const struct xid_request *q,
           const struct health_limits *limits, struct watch_report *report, struct err *e)
{
    struct health h = {.limits = limits, .report = report};
    double        start = clock_seconds();
    int           rc = begin(&h, target, e);

    if (rc == 0 && checks_run(&h, h.rights[RIGHT_STATS] ? xid_checks : xid_ages) == 0) {
        xid_tables(&h, PQdb(h.conn));
        if (h.conn != NULL)
            say_rate(&h, q);
    }
    session_close(&h);
    return finish(report, start, rc, e);
}
