/* Which repositories are meant, and where they are (config.h). */
#include <stdlib.h>
#include <string.h>

#include "core/config/config_in.h"
#include "core/mem.h"

static const char *
non_empty(const char *text)
{
    return text == NULL || text[strspn(text, " ,")] == '\0' ? NULL : text;
}

int
config_repo_names(const struct config *c, const struct strlist *args, const char *database,
                  struct strlist *names, struct err *e)
{
    const char *text;

    for (size_t i = 0; args != NULL && i < args->n; i++) {
        strlist_split(names, args->v[i]);
    }
    if (args != NULL && args->n > 0) {
        return names->n > 0 ? 0 : err_set(e, ERR_USAGE, "--repo names no repository");
    }
    text = non_empty(getenv("PGASSAY_REPO"));
    if (text == NULL && database != NULL) {
        text = non_empty(config_get(c, "database", database, "repo"));
    }
    if (text == NULL) {
        text = non_empty(config_get(c, "", NULL, "repo"));
    }
    if (text == NULL) {
        err_set(e, ERR_USAGE, "which repository?");
        return err_hint(e,
                        "give --repo PATH or set PGASSAY_REPO; or write \"repo = PATH\" into the "
                        "configuration");
    }
    strlist_split(names, text);
    return 0;
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
