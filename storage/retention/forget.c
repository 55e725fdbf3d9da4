#include "storage/retention/forget.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/human.h"
#include "storage/read/damage.h"
#include "storage/read/missing.h"
#include "storage/repo/backuplist.h"
#include "storage/repo/label_load.h"
#include "storage/repo/tombstone.h"

/* A backup that restores would take, and that rules count. */
static int
refuse_good(const struct backup_entry *b, struct err *e)
{
    if (b->state != BACKUP_COMMITTED || b->doubt != NULL ||
        b->label->snapshot > time(NULL) + CLOCK_OFF_MAX) {
        return 0;
    }
    err_set(e, ERR_USAGE, "backup %s is good", b->id);
    return err_hint(e,
                    "it is removed when the policy says so: pgassay storage policy, storage prune");
}

/* A backup that is not listed must be known from elsewhere: a typing error must not look like
 * success.  An outdated listing must not cost a good backup. */
static int
refuse_unlisted(struct repo *r, const char *db, const struct backup_list *list, const char *id,
                struct err *e)
{
    bool  stands;
    char *who;
    int   rc = 0;

    if (label_stands(r, db, id, &stands, e) != 0) {
        return -1;
    }
    if (stands) {
        return label_not_shown(id, e);
    }
    who = missing_witness(r, db, list, id);
    if (who == NULL && !strlist_has(&list->unlabelled, id)) {
        rc = err_set(e, ERR_NOT_FOUND,
                     "no backup %s of \"%s\", no label that names it, and this host has not seen "
                     "it",
                     id, db);
    }
    free(who);
    return rc;
}

int
forget_backup(struct repo *r, const char *db, const char *backup, const char *reason, struct err *e)
{
    struct backup_list         list;
    const struct backup_entry *b;
    char                      *key = backup_key(db, backup, "label.json");
    int                        rc = -1;

    if (!backup_id_valid(backup)) {
        err_set(e, ERR_USAGE, "\"%s\" is not the id of a backup", backup);
        free(key);
        return -1;
    }
    if (backup_list_load(r, db, &list, e) != 0 || backup_list_check(r, db, &list, false, e) != 0) {
        goto out;
    }
    b = backup_list_find(&list, backup);
    if ((b == NULL ? refuse_unlisted(r, db, &list, backup, e) : refuse_good(b, e)) == 0 &&
        tombstone_give_up(r, db, backup, b == NULL ? NULL : b->label, reason, e) == 0) {
        rc = storage_remove(r->st, (const char *const *)&key, 1, e);
    }
out:
    backup_list_free(&list);
    free(key);
    return rc;
}
