#include "verify/health/rate.h"

#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "storage/read/parts.h"
#include "storage/repo/backuplist.h"
#include "storage/repo/baselines.h"

enum { DAY = 86400, LONG_AGO = 30 * DAY, TOO_SHORT = 3600 };

/* *known: the label says it. */
static void
of_label(const struct label *l, struct xid_moment *m, bool *known)
{
    *m = (struct xid_moment){.at = l->snapshot,
                             .kind = label_kind(l),
                             .next = l->next_xid,
                             .age = l->xid_age,
                             .multixact_age = l->multixact_age};
    (void)snprintf(m->id, sizeof m->id, "%s", l->id);
    *known = l->system_identifier != NULL && l->next_xid > 0;
    if (*known)
        (void)snprintf(m->system, sizeof m->system, "%s", l->system_identifier);
}

/* By an older program. */
static int
of_manifest(struct repo *repo, const struct label *l, struct xid_moment *m, struct err *e)
{
    struct manifest *man = manifest_load(repo, l, e);
    int              rc = -1;

    if (man == NULL)
        return -1;
    (void)snprintf(m->system, sizeof m->system, "%s",
                   json_opt_str(man->server, "system_identifier", ""));
    rc = json_get_hex64(man->snapshot, "xmax", &m->next, e);
    manifest_free(man);
    return rc;
}

/* One of another server that has the same name (it was restored there) says nothing. */
static void
add(struct xid_moments *all, const struct xid_moment *m, const struct xid_moment *now)
{
    if (strcmp(m->system, now->system) != 0 || m->next > now->next)
        return;
    VEC_GROW(all->v, all->n, all->cap);
    all->v[all->n++] = *m;
}

static int
by_time(const void *a, const void *b)
{
    const struct xid_moment *x = a, *y = b;

    return (x->at > y->at) - (x->at < y->at);
}

static bool
is_usable(const struct backup_entry *b, time_t now)
{
    return b->state == BACKUP_COMMITTED && b->label != NULL && !b->untrusted && b->doubt == NULL &&
        !label_is_imported(b->label) && /* its XIDs are a scratch server's */
        difftime(now, b->label->snapshot) >= TOO_SHORT;
}

/* The best of those whose label says nothing is worth reading its manifest when no other says
 * anything. */
static int
add_backups(struct repo *repo, const char *db, const struct xid_moment *now,
            struct xid_moments *all, struct err *e)
{
    struct backup_list  list = {0};
    const struct label *old = NULL;
    struct xid_moment   m;
    bool                known;
    int                 rc = 0;

    if (backup_list_look(repo, db, &list, e) != 0)
        return -1;
    for (size_t i = 0; i < list.n; i++) {
        const struct label *l = list.v[i].label;

        if (!is_usable(&list.v[i], now->at))
            continue;
        of_label(l, &m, &known);
        if (known)
            add(all, &m, now);
        else if (old == NULL || difftime(now->at, l->snapshot) >= LONG_AGO)
            old = l;
    }
    if (all->n == 0 && old != NULL) {
        of_label(old, &m, &known);
        rc = of_manifest(repo, old, &m, e);
        if (rc == 0)
            add(all, &m, now);
        else
            (void)err_wrap(e, "backup %s of \"%s\"", old->id, db);
    }
    backup_list_free(&list);
    return rc;
}

static int
add_baselines(struct repo *repo, const char *db, const struct xid_moment *now,
              struct xid_moments *all, struct err *e)
{
    struct baseline_list list;
    struct xid_moment    m;
    bool                 known;

    if (baseline_list_load(repo, db, &list, e) != 0)
        return -1;
    for (size_t i = 0; i < list.n; i++) {
        if (list.v[i].label == NULL || difftime(now->at, list.v[i].label->snapshot) < TOO_SHORT)
            continue;
        of_label(list.v[i].label, &m, &known);
        if (known)
            add(all, &m, now);
    }
    baseline_list_free(&list);
    return 0;
}

int
rate_moments(struct repo *repo, const char *db, const struct xid_moment *now,
             struct xid_moments *all, struct err *e)
{
    *all = (struct xid_moments){0};
    if (add_baselines(repo, db, now, all, e) != 0 || add_backups(repo, db, now, all, e) != 0) {
        rate_moments_free(all);
        return -1;
    }
    if (all->n > 0)
        qsort(all->v, all->n, sizeof *all->v, by_time);
    return 0;
}

void
rate_moments_free(struct xid_moments *all)
{
    free(all->v);
    *all = (struct xid_moments){0};
}

const struct xid_moment *
rate_then(const struct xid_moments *all, time_t now)
{
    const struct xid_moment *then = all->n > 0 ? &all->v[0] : NULL;

    for (size_t i = 0; i < all->n; i++)
        if (difftime(now, all->v[i].at) >= LONG_AGO)
            then = &all->v[i];
    return then;
}

double
rate_per_day(const struct xid_moment *then, const struct xid_moment *now)
{
    return (double)(now->next - then->next) / difftime(now->at, then->at) * DAY;
}
