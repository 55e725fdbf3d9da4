/* list --names. */
#include <stdlib.h>
#include <string.h>

#include "core/enc.h"
#include "core/exit.h"
#include "core/print.h"
#include "storage/commands/list.h"

/* "<db>/backups/<id>/label.json": a backup exists when its label does. */
static int
add_backup(void *ctx, const struct object_info *info, struct err *e)
{
    const char *end = strrchr(info->key, '/');
    const char *id = end;

    (void)e;
    while (id != NULL && id > info->key && id[-1] != '/') {
        id--;
    }
    if (id != NULL && strcmp(end, "/label.json") == 0) {
        char *text = xstrndup(id, (size_t)(end - id));

        if (backup_id_valid(text)) {
            strlist_add(ctx, text);
        }
        free(text);
    }
    return 0;
}

static int
load_backups(struct repo *r, const char *db, struct strlist *ids, struct err *e)
{
    char *name = name_encode(db);
    char *below = xasprintf("%s/backups/", name);
    int   rc = storage_list(r->st, below, add_backup, ids, e);

    strlist_sort(ids);
    free(below);
    free(name);
    return rc;
}

int
list_names(const struct cmd *c, const char *db, struct err *e)
{
    struct repo   *r = cmd_open(c, db, e);
    struct strlist names = {0};
    int            rc = -1;

    if (r != NULL && cmd_databases(r, db, &names, e) == 0) {
        rc = 0;
    }
    if (rc == 0 && db != NULL) {
        strlist_free(&names);
        rc = load_backups(r, db, &names, e);
    }
    for (size_t i = 0; rc == 0 && i < names.n; i++) {
        print_out("%s\n", names.v[i]);
    }
    strlist_free(&names);
    repo_close(r);
    return rc;
}
