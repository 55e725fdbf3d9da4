#include "storage/repo/labeltime.h"

#include "core/human.h"
#include "core/mem.h"

static bool
is_late(const struct backup_entry *b)
{
    return b->label != NULL && b->label->copied_repo[0] == '\0' && !label_is_imported(b->label) &&
        b->stored - b->label->snapshot > LABEL_LATE_MAX;
}

/* Since when the repository is in this place, by the store's clock. */
static int
since(struct repo *r, time_t *out, struct err *e)
{
    struct object_info info = {0};
    int                rc = storage_head(r->st, "repo.1.json", &info, e);

    *out = info.modified;
    return rc == 0 ? 0 : err_wrap(e, "could not see since when the repository is there");
}

static char *
doubt(const struct backup_entry *b)
{
    char says[32];
    char is[32];

    return xasprintf("its label says that it is of %s, and was stored on %s",
                     time_rfc3339(b->label->snapshot, says, sizeof says),
                     time_rfc3339(b->stored, is, sizeof is));
}

int
labeltime_judge(struct repo *r, struct backup_list *list, struct err *e)
{
    time_t begin = 0;

    for (size_t i = 0; i < list->n; i++) {
        struct backup_entry *b = &list->v[i];
        bool                 late = is_late(b);

        if (late && begin == 0 && since(r, &begin, e) != 0) {
            return -1;
        }
        b->ahead = b->label != NULL && b->label->snapshot - b->stored > CLOCK_OFF_MAX;
        if (b->ahead || (late && b->label->snapshot > begin)) {
            b->doubt = doubt(b);
        }
    }
    return 0;
}
