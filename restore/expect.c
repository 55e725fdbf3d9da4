#include "restore/expect.h"

#include <string.h>

#include "core/human.h"
#include "core/log.h"
#include "storage/repo/drillrecord.h"

void
expect_duration(struct restore *r)
{
    struct drill_records       records;
    const struct drill_record *d;
    struct err                 e = ERR_INIT;
    double                     bytes = (double)plan_sizes(r).bytes;

    if (drill_records_nearest(r->repo, r->label->db, r->label->id, &records, &e) != 0) {
        log_info("how long it will take is not known: %s", e.text);
        return;
    }
    d = records.n == 0 ? NULL : &records.v[0];
    if (d != NULL && d->readable && d->recovery_seconds > 0 && d->bytes > 0) {
        r->expected_seconds = d->recovery_seconds * bytes / (double)d->bytes;
        memcpy(r->expected_by, d->backup, sizeof r->expected_by);
    }
    drill_records_free(&records);
}

char *
expect_text(const struct restore *r)
{
    char took[32];

    return r->expected_seconds <= 0
        ? NULL
        : xasprintf("about %s, by the last drill of backup %s",
                    duration_human(r->expected_seconds, took, sizeof took), r->expected_by);
}
