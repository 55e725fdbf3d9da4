#include "storage/commands/cmd.h"

#include "storage/repo/source.h"

const struct opt cmd_repo_options[] = {
    OPT_HEADING("Repository"),
    OPT_COMMON_REPO(struct cmd),
    OPT_COMMON_REPO_OPTION(struct cmd),
    OPTS_END,
};

const struct opt cmd_as_of_options[] = {
    OPT_COMMON_AS_OF(struct cmd),
    OPTS_END,
};

const struct opt cmd_key_options[] = {
    OPT_HEADING("Keys"),
    OPT_COMMON_IDENTITY(struct cmd),
    OPTS_COMMON_PASSPHRASE(struct cmd),
    OPTS_END,
};

const struct opt cmd_general_options[] = {
    OPT_HEADING("General"),
    OPTS_COMMON_GENERAL(struct cmd),
    OPTS_END,
};

struct repo *
cmd_open(const struct cmd *c, const char *database, struct err *e)
{
    struct storage_location place;

    return storage_location_find(c->config, c->repo, database, &c->given, &place, e) != 0
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

        if (e->kind != ERR_NOT_FOUND && e->kind != ERR_CORRUPT) {
            return -1;
        }
        if (repo_has_backups(r, db, &more) <= 0) {
            return e->kind == ERR_CORRUPT ? -1 : repo_no_database(r, db, e);
        }
        err_clear(e);
    }
    source_free(&s);
    strlist_add(names, db);
    return 0;
}
