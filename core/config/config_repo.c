/* Which repositories to use, and their locations (config.h). */
#include <stdlib.h>
#include <string.h>

#include "core/config/config_impl.h"
#include "core/mem.h"

/* The first source that names any. */
static void
configured(const struct config *c, const char *database, struct strlist *names)
{
    const char *text = getenv("PGASSAY_REPO");

    strlist_split(names, text == NULL ? "" : text);
    if (names->n == 0 && database != NULL) {
        (void)config_list(c, "database", database, "repo", names);
    }
    if (names->n == 0) {
        (void)config_list(c, "", NULL, "repo", names);
    }
}

int
config_repo_names(const struct config *c, const struct strlist *args, const char *database,
                  struct strlist *names, struct err *e)
{
    for (size_t i = 0; args != NULL && i < args->n; i++) {
        strlist_split(names, args->v[i]);
    }
    if (args != NULL && args->n > 0) {
        return names->n > 0 ? 0 : err_set(e, ERR_USAGE, "--repo names no repository");
    }
    configured(c, database, names);
    if (names->n > 0) {
        return 0;
    }
    err_set(e, ERR_USAGE, "which repository?");
    return err_hint(e,
                    "give --repo PATH or set PGASSAY_REPO; or write \"repo = PATH\" into the "
                    "configuration");
}

const char *
config_repo_path(const struct config *c, const char *name, const char **section, struct err *e)
{
    const char *path = name;
    const char *s;

    *section = NULL;
    for (size_t i = 0; *section == NULL && (s = config_section(c, "repo", i)) != NULL; i++) {
        if (strcmp(s, name) == 0) {
            *section = s;
            path = config_get(c, "repo", name, "path");
        }
    }
    if (path == NULL) {
        err_set(e, ERR_USAGE, "%s: [repo %s] has no path", config_path(c), name);
    }
    return path;
}
