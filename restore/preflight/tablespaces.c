/* tablespaces.c - tablespaces of the backup that the server does not have. */
#include <stdlib.h>
#include <string.h>

#include "restore/job/tablespaces.h"
#include "restore/preflight/checks.h"

/* A mapped name that the backup does not have is misspelt. */
static void
check_tablespace_map(const struct restore *r, const struct strlist *used, const char *own,
                     struct preflight *f)
{
    const struct strlist *map = &r->o->tablespace_map;

    for (size_t i = 0; i < map->n; i++) {
        char *old = xstrndup(map->v[i], strcspn(map->v[i], "="));

        if (!strlist_has(used, old) && (own == NULL || strcmp(own, old) != 0)) {
            preflight_stop(f, "--tablespace-map names those of the backup first: OLD=NEW",
                           xasprintf("nothing of the backup lies in tablespace \"%s\"", old));
        }
        free(old);
    }
}

/* Without its own tablespace the database is still complete; its new place is reported. */
static void
place_database(struct restore *r, const struct strlist *there, const char *own, struct preflight *f)
{
    const char *name = tablespaces_mapped(&r->o->tablespace_map, own);

    if (name == NULL || strlist_has(there, name)) {
        r->tablespace = name == NULL ? NULL : xstrdup(name);
    } else if (name != own) {
        preflight_stop(
            f, "create it first",
            xasprintf("tablespace \"%s\" of --tablespace-map is not on the target server", name));
    } else {
        preflight_warn(f,
                       xasprintf("tablespace \"%s\", in which the database lay, is not on the "
                                 "target "
                                 "server: it goes into the default one (--tablespace-map "
                                 "\"%s\"=NEW "
                                 "names another)",
                                 name, name));
    }
}

/* An entry with a tablespace that is missing fails, and with it the table. */
static void
check_entries(const struct restore *r, const struct strlist *there, const struct strlist *used,
              struct preflight *f)
{
    struct strlist missing = {0};

    for (size_t i = 0; i < used->n; i++) {
        const char *name = tablespaces_mapped(&r->o->tablespace_map, used->v[i]);

        if (!strlist_has(there, name) && !strlist_has(&missing, name)) {
            strlist_add(&missing, name);
        }
    }
    if (missing.n > 0) {
        char *names = preflight_names(&missing);

        preflight_stop(
            f,
            "create them first, name others (--tablespace-map OLD=NEW), or do without "
            "(--no-tablespaces; a scratch server always does)",
            xasprintf("tablespaces of the backup are not on the target server: %s", names));
        free(names);
    }
    strlist_free(&missing);
}

int
check_tablespaces(struct restore *r, struct err *e)
{
    struct preflight *f = &r->preflight;
    struct strlist    there = {0};
    char             *own = tablespaces_of_database(r);
    int rc = preflight_column(r, "SELECT spcname FROM pg_catalog.pg_tablespace", &there, e);

    if (rc == 0 && !r->o->no_tablespaces) {
        check_tablespace_map(r, &r->tablespaces, own, f);
        check_entries(r, &there, &r->tablespaces, f);
        place_database(r, &there, own, f);
    }
    free(own);
    strlist_free(&there);
    return rc;
}
