#include "verify/health/rate.h"

#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "storage/read/parts.h"
#include "storage/repo/backuplist.h"

enum { DAY = 86400, LONG_AGO = 30 * DAY, TOO_SHORT = 3600 };
/* A backup of another server that has the same name (it was restored there) says nothing. */
enum { TRIES = 5 };

static bool
is_usable(const struct backup_entry *b, time_t now)
{
    return b->state == BACKUP_COMMITTED && b->label != NULL && !b->untrusted && b->doubt == NULL &&
        !label_is_imported(b->label) && /* its XIDs are a scratch server's */
        difftime(now, b->label->snapshot) >= TOO_SHORT;
}

static int
read_moment(struct repo *repo, const struct label *l, struct xid_moment *m, struct err *e)
{
    struct manifest *man = manifest_load(repo, l, e);
    const char      *system;
    int              rc = -1;

    if (man == NULL)
        return -1;
    system = json_opt_str(man->server, "system_identifier", "");
    *m = (struct xid_moment){.at = l->snapshot};
    (void)snprintf(m->system, sizeof m->system, "%s", system);
    (void)snprintf(m->backup, sizeof m->backup, "%s", l->id);
    rc = json_get_hex64(man->snapshot, "xmax", &m->next, e);
    manifest_free(man);
    return rc;
}

static bool
fits(const struct xid_moment *then, const struct xid_moment *now)
{
    return strcmp(then->system, now->system) == 0 && then->next <= now->next;
}

int
rate_then(struct repo *repo, const char *db, const struct xid_moment *now, struct xid_moment *then,
          struct err *e)
{
    struct backup_list list = {0};
    size_t             first = 0;
    int                tries = TRIES, rc = -1;

    if (backup_list_look(repo, db, &list, e) != 0)
        return -1;
    for (size_t i = 0; i < list.n; i++)
        if (is_usable(&list.v[i], now->at) &&
            difftime(now->at, list.v[i].label->snapshot) >= LONG_AGO)
            first = i;
    for (size_t i = first; i < list.n && tries > 0 && rc != 0; i++) {
        if (!is_usable(&list.v[i], now->at))
            continue;
        tries--;
        if (read_moment(repo, list.v[i].label, then, e) != 0) {
            (void)err_wrap(e, "backup %s of \"%s\"", list.v[i].id, db);
            tries = 0;
        } else if (fits(then, now)) {
            rc = 0;
        }
    }
    if (rc != 0 && e->kind == ERR_NONE)
        err_set(e, ERR_NOT_FOUND, "no backup of \"%s\" that is an hour old is of this server", db);
    backup_list_free(&list);
    return rc;
}

double
rate_per_day(const struct xid_moment *then, const struct xid_moment *now)
{
    return (double)(now->next - then->next) / difftime(now->at, then->at) * DAY;
}
