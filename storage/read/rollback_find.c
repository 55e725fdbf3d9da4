/* rollback_find.c - finding the newest backup, compared with what this host has seen
 * (rollback.h). */
#include <stdlib.h>
#include <string.h>

#include "storage/read/backup_find.h"
#include "storage/read/rollback.h"
#include "storage/repo/lastseen.h"
#include "storage/repo/lastseen_impl.h"

/* Newer than the one found, and not taken for the newest. */
static void
note_passed(struct repo *r, const char *db, const struct backup_list *list, const char *found,
            struct rollback *m)
{
    for (size_t i = list->n; i-- > 0 && strcmp(list->v[i].id, found) > 0;) {
        char *text = backup_passed_over(r, db, list, &list->v[i]);

        if (text != NULL) {
            strlist_take(&m->passed, text);
        }
    }
}

void
rollback_deinit(struct rollback *m)
{
    strlist_free(&m->passed);
    free(m->safety);
    m->safety = NULL;
}

struct label *
rollback_find(struct repo *r, const char *db, const char *which, time_t at, struct rollback *m,
              struct err *e)
{
    bool               newest = backup_is_latest(which) && at == 0 && !lastseen_is_past(r);
    struct backup_list list;
    struct label      *l = NULL;

    *m = (struct rollback){.state = ROLLBACK_NONE};
    if (backup_list_look(r, db, &list, e) != 0) {
        return NULL;
    }
    if (newest) {
        rollback_judge(r, db, &list, m);
    }
    l = backup_find_listed(r, db, &list, which, at, e);
    if (l != NULL) {
        m->safety = backup_safety_passed(&list, l, which, at);
    }
    if (l != NULL && newest) {
        if (m->state != ROLLBACK_NONE && strcmp(m->backup, l->id) < 0) {
            m->state = ROLLBACK_NONE;
        }
        note_passed(r, db, &list, l->id, m);
        lastseen_update(r, db, &list, l, m->state == ROLLBACK_NONE, -1);
    }
    backup_list_free(&list);
    return l;
}
