#include "storage/commands/cmd.h"

#include "storage/contract/location.h"
#include "storage/repo/source.h"

struct repo *
cmd_open(const struct cmd *c, const char *database, struct err *e)
{
    struct storage_location place;

    return storage_location_find(c->config, c->repo, database, &c->repo_options, &place, e) != 0
        ? NULL
        : repo_open(&place, e);
}

int
cmd_databases(struct repo *r, const char *db, struct strlist *names, struct err *e)
{
    struct repo_source s = {0};

    if (db == NULL) {
        return repo_databases(r, names, e);
    }
    if (source_load(r, db, &s, e) != 0) {
        struct err more = ERR_INIT;

        if (e->kind != ERR_NOT_FOUND || repo_has_backups(r, db, &more) <= 0) {
            return -1;
        }
        err_clear(e);
    }
    source_free(&s);
    strlist_add(names, db);
    return 0;
}
