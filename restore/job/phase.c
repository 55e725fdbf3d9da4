/* restore.h: phases, and their durations; warnings. */
#include "core/human.h"
#include "core/log.h"
#include "core/progress.h"
#include "restore/job/restore.h"

void
restore_warn(struct restore *r, char *text)
{
    strlist_take(&r->warnings, text);
    log_warn("%s", text);
}

void
restore_phase(struct restore *r, const char *name)
{
    double now = clock_seconds();

    if (r->n_phases > 0) {
        r->phases[r->n_phases - 1].seconds = now - r->phase_start;
    }
    if (name != NULL && r->n_phases < sizeof r->phases / sizeof r->phases[0]) {
        r->phases[r->n_phases++] = (struct phase_time){.name = name};
        progress_phase(name);
        log_info("%s", name);
    }
    r->phase_start = now;
}
