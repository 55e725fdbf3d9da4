#include "verify/status/standing.h"

#include <stdlib.h>
#include <string.h>

#include "storage/format/manifest.h"
#include "storage/heal/scrub.h"
#include "storage/read/backup_find.h"
#include "storage/read/damage.h"
#include "storage/read/missing.h"
#include "storage/read/parts.h"
#include "storage/repo/ledger.h"
#include "storage/repo/settings.h"

/* Both the state and the times of a backup must be in order. */
static bool
is_good(const struct backup_entry *b)
{
    return b->state == BACKUP_COMMITTED && b->label != NULL && b->doubt == NULL &&
        !backup_is_future(b);
}

static void
count(struct standing *s, const struct backup_entry *b)
{
    bool ahead = b->state != BACKUP_VOID && backup_is_future(b);

    s->void_ones += b->state == BACKUP_VOID;
    s->future += ahead;
    s->untrusted += b->untrusted || (!ahead && b->state == BACKUP_COMMITTED && b->doubt != NULL);
    s->damaged += b->state == BACKUP_DAMAGED && !b->untrusted;
}

/* In ascending order, so that the last of a kind is its newest. */
static void
look_at(struct standing *s)
{
    for (size_t i = 0; i < s->list.n; i++) {
        const struct backup_entry   *b = &s->list.v[i];
        const struct annotation     *a = &s->known.v[i];
        const struct standing_backup one = {b->label, a->drill};

        count(s, b);
        if (!is_good(b)) {
            continue;
        }
        s->good++;
        s->oldest = s->oldest == 0 ? b->label->snapshot : s->oldest;
        if (label_is_partial(b->label)) {
            s->part = one;
            continue;
        }
        s->newest = one;
        s->proven = a->proven ? one : s->proven;
        s->drilled = a->drill != NULL ? one : s->drilled;
    }
}

/* Only a reader's host can open an encrypted manifest. */
static void
look_at_xid(struct standing *s)
{
    struct err       e = ERR_INIT;
    struct manifest *m;

    s->xid_age = -1;
    if (s->newest.label == NULL) {
        s->xid_unknown = xstrdup("there is no backup");
        return;
    }
    if (s->newest.label->xid_age > 0) { /* labels of older programs do not have it */
        s->xid_age = (int64_t)s->newest.label->xid_age;
        return;
    }
    if (label_is_imported(s->newest.label)) {
        s->xid_unknown = xstrdup("it was imported, and a dump does not say");
        return;
    }
    m = manifest_load(s->repo, s->newest.label, &e);
    if (m == NULL) {
        s->xid_unknown = xstrdup(e.kind == ERR_AUTH ? "it is in the encrypted part of the backup, "
                                                      "and no key is "
                                                      "at hand (--identity)"
                                                    : e.text);
        return;
    }
    s->xid_age = m->xid == NULL ? -1 : (int64_t)json_opt_int(m->xid, "age", -1);
    if (s->xid_age < 0) {
        s->xid_unknown = xstrdup("the backup has none");
    }
    manifest_free(m);
}

/* What the policy says as of a week ago, of what was there then: what it gave up, a prune would
 * have removed since. */
static int
look_at_policy(struct standing *s, struct err *e)
{
    const struct retention_plan_request look = {.db = s->db, .look = true, .known = &s->known};
    const time_t                        then = s->now - 7 * 86400;
    struct backup_list                  older = s->list; /* borrows the first ones */
    struct retention_plan               plan = {0};
    bool                                any = false;

    for (size_t i = 0; i < s->plan.n; i++) {
        any |= s->plan.v[i].fate == FATE_EXPIRED;
    }
    while (older.n > 0 &&
           (older.v[older.n - 1].label == NULL || older.v[older.n - 1].label->snapshot > then)) {
        older.n--;
    }
    if (!any || older.n == 0) {
        return 0;
    }
    if (retention_plan_make(s->repo, &look, &older, then, &plan, e) != 0) {
        return -1;
    }
    for (size_t i = 0; i < plan.n; i++) {
        s->overdue += plan.v[i].fate == FATE_EXPIRED;
    }
    retention_plan_free(&plan);
    return 0;
}

int
standing_load(struct repo *r, const char *db, time_t now, time_t scrubbed_from, struct standing *s,
              struct err *e)
{
    const struct retention_plan_request look = {.db = db, .look = true, .known = &s->known};

    *s = (struct standing){.repo = r, .db = db, .now = now, .xid_age = -1};
    if (backup_list_look(r, db, &s->list, e) != 0 ||
        backup_list_check(r, db, &s->list, false, e) != 0 ||
        annotations_load(r, db, &s->list, &s->known, e) != 0 ||
        missing_find(r, db, &s->list, &s->missing, e) != 0 ||
        retention_plan_make(r, &look, &s->list, now, &s->plan, e) != 0 ||
        scrub_share_since(r, db, scrubbed_from, &s->scrubbed, &s->scrubbed_last, e) != 0) {
        standing_free(s);
        return -1;
    }
    s->settings = settings_behind(r);
    lastrun_load(r, db, &s->run);
    look_at(s);
    look_at_xid(s);
    if (look_at_policy(s, e) != 0 ||
        (s->newest.label != NULL && s->newest.label->encrypted &&
         ledger_last(r, db, "key-drill", &s->key_drilled, e) != 0)) {
        standing_free(s);
        return -1;
    }
    return 0;
}

void
standing_free(struct standing *s)
{
    retention_plan_free(&s->plan);
    strlist_free(&s->missing);
    annotations_free(&s->known);
    backup_list_free(&s->list);
    lastrun_free(&s->run);
    free(s->settings);
    free(s->xid_unknown);
    *s = (struct standing){0};
}
