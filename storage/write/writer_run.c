/* writer_run.c - the run of a writer: its mark, and whether it was revoked (writer_impl.h). */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/human.h"
#include "core/log.h"
#include "storage/write/writer_impl.h"

int
writer_check_revoked(struct writer *w, struct err *e)
{
    int rc = run_mark_check(&w->mark, e);

    return rc != 0 && e->kind == ERR_BUSY ? err_hint(e, "take the backup again") : rc;
}

int
writer_tick(struct writer *w, struct err *e)
{
    double     now = clock_seconds();
    struct err late = ERR_INIT;
    bool       due;

    (void)pthread_mutex_lock(&w->lock);
    due = now - w->mark.renewed >= RUN_RENEW_SECONDS;
    if (due) {
        w->mark.renewed = now; /* one thread does it */
    }
    (void)pthread_mutex_unlock(&w->lock);
    if (!due) {
        return 0;
    }
    /* A late renewal is harmless for 72 hours: the next attempt is enough. */
    if (run_mark_put(&w->mark, &late) != 0) {
        log_warn("%s", late.text);
    }
    return writer_check_revoked(w, e);
}

/*
 * A backup taken with the clock ahead would be the newest until that time is reached, and one taken
 * with the clock behind never would be; locks would be too long or too short, and a lock cannot be
 * shortened.  The run mark's modified time is by the store's own clock.
 */
int
writer_check_clock(struct writer *w, struct err *e)
{
    struct object_info info;
    double             off;
    char               text[32];

    if (writer_look(w, w->mark.key, &info, e) != 0) {
        return err_wrap(e, "could not ask the store for its time");
    }
    off = difftime(time(NULL), info.modified);
    if (off >= -CLOCK_OFF_MAX && off <= CLOCK_OFF_MAX) {
        return 0;
    }
    err_set(e, ERR_IO, "this host's clock is %s %s the store's",
            duration_human(off < 0 ? -off : off, text, sizeof text),
            off < 0 ? "behind" : "ahead of");
    return err_hint(e,
                    "set the clock: a backup with a wrong time would be taken for the newest, or "
                    "never be the newest");
}
