#include "verify/drill/copy.h"

#include "verify/compare/compare.h"
#include "verify/job/baseline.h"

struct pg_target
copy_target(const struct copy *copy, const char *dbname)
{
    struct pg_target target = copy->server;

    target.dbname = dbname;
    return target;
}

int
copy_compare(struct copy *copy, const struct copy_look *look, struct verify_result *r,
             struct err *e)
{
    const struct options   *o = copy->options;
    struct pg_target        target = copy_target(copy, look->dbname);
    struct snapshot_options snap_options = {
        .target = &target, .lock_timeout_ms = o->lock_timeout_s * 1000, .unshared = copy->unshared};
    struct snapshot snap = {0};
    struct compare  c = {.repo = copy->baseline->repo,
                         .label = copy->baseline->label,
                         .man = copy->baseline->man,
                         .snap = &snap,
                         .snap_opts = &snap_options,
                         .trips = &copy->server,
                         .reference = &copy->reference,
                         .reads = look->reads,
                         .reads_ctx = look->ctx,
                         .options = o,
                         .result = r,
                         .contents = true,
                         .is_copy = true,
                         .remote_allowed = o->allow_remote};
    int             rc;

    if (snapshot_take(&snap_options, &snap, e) != 0)
        return -1;
    rc = compare_run(&c, e);
    if (rc == 0)
        rc = snapshot_definitions(&snap, e); /* which nothing may have asked for */
    snapshot_end(&snap);
    return rc;
}

void
copy_deinit(struct copy *copy)
{
    reference_result_free(&copy->reference);
}
