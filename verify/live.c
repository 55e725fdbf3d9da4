#include "verify/live.h"

#include <stdlib.h>

#include "core/log.h"
#include "verify/checks/run.h"
#include "verify/compare/compare.h"
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

    return xasprintf("database \"%s\" on PostgreSQL %d.%d", PQdb(s->conn), version / 10000,
                     version % 10000);
}

int
verify_live(const struct options *o, const struct own_checks *checks, struct verify_result *r,
            struct baseline *b, struct err *e)
{
    struct pg_target        target = target_of(o, b->label);
    struct snapshot_options snap_options = {.target = &target,
                                            .lock_timeout_ms = o->lock_timeout_s * 1000,
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
                                 .contents = o->full};
    int                     rc;

    if (snapshot_take(&snap_options, &snap, e) != 0)
        return -1;
    for (size_t i = 0; i < snap.warnings.n; i++)
        log_warn("%s", snap.warnings.v[i]);
    r->against = describe(&snap);
    rc = compare_run(&c, e);
    snapshot_end(&snap);
    return rc == 0 ? checks_ask(checks, &target, false, time(NULL), r, e) : -1;
}
