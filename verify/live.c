#include "verify/live.h"

#include <stdlib.h>
#include <string.h>

#include "core/log.h"
#include "verify/checks/run.h"
#include "verify/compare/compare.h"
#include "verify/compare/tolerance.h"
#include "verify/drill/amcheck.h"
#include "verify/health/health.h"
#include "verify/job/baseline.h"

/* For a backup of a selection, nothing else needs a lock. */
static bool
in_manifest(void *man, const struct cat_table *t)
{
    return manifest_find(man, t->schema, t->name) != NULL;
}

/* Without a database name the one that was backed up is used. */
static struct pg_target
target_of(const struct options *o, const struct label *l)
{
    struct pg_target t = options_target(o);

    if (!options_name_database(o))
        t.dbname = l->dbname;
    return t;
}

static char *
describe(const struct snapshot *s)
{
    int version = pg_version(s->conn);

    return xasprintf("database \"%s\" on PostgreSQL %d.%d at %s:%s", PQdb(s->conn), version / 10000,
                     version % 10000, PQhost(s->conn), PQport(s->conn));
}

/* Sections that match nothing: a name that is spelt wrong would be compared exactly, or a table
 * that is gone be missed by nobody. */
static void
find_idle(struct compare *c)
{
    const char *name;
    size_t      at = 0;

    for (size_t i = 0; i < c->snap->catalog.n_tables; i++)
        (void)tolerances_of(c->tolerances, c->snap->catalog.tables[i].schema,
                            c->snap->catalog.tables[i].name);
    for (size_t i = 0; i < c->snap->catalog.n_sequences; i++)
        (void)tolerances_of(c->tolerances, c->snap->catalog.sequences[i].schema,
                            c->snap->catalog.sequences[i].name);
    while ((name = tolerances_idle(c->tolerances, &at)) != NULL) {
        char *object = xasprintf("[expect %s]", name);

        findings_add(&c->result->findings,
                     (struct finding){.class = FINDING_UNCOMPARED,
                                      .group = "configuration",
                                      .object = object,
                                      .what = "matches no table"});
        free(object);
    }
}

/* Of a look at the server what concerns this verdict. */
static void
take_watched(struct verify_result *r, const struct watch_report *w)
{
    for (size_t i = 0; i < w->n_findings; i++) {
        const struct watch_finding *f = &w->findings[i];
        /* How fast they are used up is more than was asked for. */
        bool  beside = strcmp(f->check, "rate") == 0;
        char *advice = f->command == NULL ? xstrdup(f->action)
                                          : xasprintf("%s: %s", f->action, f->command);

        findings_add(&r->findings,
                     (struct finding){.class = beside                    ? FINDING_NOTE
                                          : f->severity == WATCH_UNKNOWN ? FINDING_UNCOMPARED
                                                                         : FINDING_DIFFERENT,
                                      .group = "XID age",
                                      .object = f->object,
                                      .what = f->what,
                                      .advice = advice});
        free(advice);
    }
    for (size_t i = 0; i < w->lines.n; i++)
        strlist_add(&r->lines, w->lines.v[i]);
    r->xid_now = json_incref(w->facts);
}

static int
look_at_xids(const struct options *o, struct verify_result *r, struct baseline *b,
             const struct pg_target *target, struct err *e)
{
    struct xid_request  q = {.repo = b->repo, .db = o->database};
    struct watch_report w;
    int                 rc;

    watch_init(&w, "xid");
    rc = xid_beside(target, &q, &o->health, &w, e);
    if (rc == 0)
        take_watched(r, &w);
    watch_free(&w);
    return rc;
}

static int
compare(struct compare *c, struct err *e)
{
    const struct options *o = c->options;

    for (size_t i = 0; i < c->snap->warnings.n; i++)
        log_warn("%s", c->snap->warnings.v[i]);
    c->result->against = describe(c->snap);
    if (compare_run(c, e) != 0)
        return -1;
    if (holds_every_definition(c->man))
        find_idle(c);
    return o->amcheck ? amcheck_live(o, c->snap->conn, c->result, e) : 0;
}

int
verify_live(const struct options *o, const struct own_checks *checks, struct verify_result *r,
            struct baseline *b, struct err *e)
{
    struct pg_target        target = target_of(o, b->label);
    struct snapshot_options snap_options = {.target = &target,
                                            .lock_timeout_ms = o->lock_timeout_s * 1000,
                                            .no_definitions = o->estimate,
                                            .rough_sizes = o->estimate,
                                            .wants = holds_every_definition(b->man) ? NULL
                                                                                    : in_manifest,
                                            .ctx = b->man};
    struct snapshot         snap = {0};
    struct compare          c = {.repo = b->repo,
                                 .label = b->label,
                                 .man = b->man,
                                 .snap = &snap,
                                 .snap_opts = &snap_options,
                                 .options = o,
                                 .result = r,
                                 .contents = o->full,
                                 .estimates = o->estimate};
    int                     rc = -1;

    if (tolerances_load(o->config, o->database, &c.tolerances, e) == 0 &&
        snapshot_take(&snap_options, &snap, e) == 0) {
        rc = compare(&c, e);
        snapshot_end(&snap);
    }
    tolerances_free(c.tolerances);
    if (rc != 0 || checks_ask(checks, &target, false, time(NULL), r, e) != 0)
        return -1;
    return look_at_xids(o, r, b, &target, e);
}
