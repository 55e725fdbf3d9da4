#include "verify/drill/record.h"

#include <string.h>

#include "core/exit.h"
#include "core/log.h"
#include "storage/repo/drillrecord.h"

bool
record_drill(struct repo *repo, const struct options *o, const struct verify_result *r,
             time_t started)
{
    struct drill_record d = {
        .equal = result_exit_status(r) == EXIT_GOOD,
        .allow_unsigned = o->allow_unsigned,
        .started = started,
        .finished = time(NULL),
        .recovery_seconds = r->recovery_s,
        .different = findings_count(&r->findings, FINDING_DIFFERENT),
        .not_compared = findings_count(&r->findings, FINDING_UNCOMPARED),
        .tables = r->compared.tables,
        .rows = r->compared.rows,
        .bytes = r->compared.bytes,
        .against = r->against,
        .epoch = r->label->epoch,
    };
    struct err e = ERR_INIT;

    memcpy(d.backup, r->label->id, sizeof d.backup);
    memcpy(d.label_sha256, r->label->sha256, sizeof d.label_sha256);
    if (drill_record_put(repo, r->label->db, &d, &e) == 0)
        return true;
    log_warn("the drill was not recorded, and protects no backup from being pruned: %s", e.text);
    log_warn("where that is meant to be, say so: --no-record");
    return false;
}
