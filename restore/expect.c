#include "restore/expect.h"

#include <stdlib.h>
#include <string.h>

#include "core/human.h"
#include "core/log.h"
#include "core/when.h"
#include "storage/repo/drillrecord.h"

void
expect_duration(struct restore *r)
{
    struct drill_records       records;
    const struct drill_record *d;
    const struct drill_record *own;
    struct err                 e = ERR_INIT;
    double                     bytes = (double)plan_sizes(r).bytes;

    if (drill_records_nearest(r->repo, r->label->db, r->label->id, &records, &e) != 0) {
        log_info("how long it will take is not known: %s", e.text);
        return;
    }
    d = records.n == 0 ? NULL : &records.v[0];
    own = drill_record_of(&records, r->label);
    r->drilled = own == NULL ? RESTORE_NOT_DRILLED
        : !own->readable     ? RESTORE_DRILL_UNKNOWN
        : own->equal         ? RESTORE_PROVEN
                             : RESTORE_DRILL_FOUND;
    r->drilled_at = d == NULL ? 0 : d->finished;
    if (d != NULL && d->readable && d->recovery_seconds > 0 && d->bytes > 0) {
        r->expected_seconds = d->recovery_seconds * bytes / (double)d->bytes;
        memcpy(r->expected_by, d->backup, sizeof r->expected_by);
    }
    drill_records_free(&records);
}

/* "proven by a drill 3 h ago"; allocated, NULL: not known. */
static char *
proof_text(const struct restore *r)
{
    char ago[96];

    switch (r->drilled) {
    case RESTORE_DRILL_UNKNOWN:
        return NULL;
    case RESTORE_NOT_DRILLED:
        return xstrdup("not proven: no drill of this backup");
    case RESTORE_DRILL_FOUND:
    case RESTORE_PROVEN:
        break;
    }
    (void)when_ago(r->drilled_at, time(NULL), ago, sizeof ago);
    return xasprintf(r->drilled == RESTORE_PROVEN ? "proven by its drill %s"
                                                  : "NOT PROVEN: its drill %s found differences, "
                                                    "or did not see all",
                     ago);
}

char *
expect_text(const struct restore *r)
{
    char  took[32];
    char *proof = proof_text(r), *text;

    if (r->expected_seconds <= 0) {
        return proof;
    }
    text = xasprintf("%s%sabout %s, by the last drill of backup %s", proof == NULL ? "" : proof,
                     proof == NULL ? "" : "; ",
                     duration_human(r->expected_seconds, took, sizeof took), r->expected_by);
    free(proof);
    return text;
}
