#include "restore/job/elsewhere.h"

#include <stdlib.h>
#include <string.h>

#include "core/quote.h"

/* "offsite, nas": those that get the same backups, else all others of the configuration;
 * allocated, NULL: none is known. */
static char *
others(const struct storage_location *place)
{
    struct strlist names = {0};
    const char    *name;
    char          *text = NULL;

    if (place->others != NULL) {
        return xstrdup(place->others);
    }
    for (size_t i = 0;
         place->config != NULL && (name = config_section(place->config, "repo", i)) != NULL; i++) {
        if (place->section == NULL || strcmp(place->section, name) != 0) {
            strlist_add(&names, name);
        }
    }
    for (size_t i = 0; i < names.n; i++) {
        char *longer = xasprintf("%s%s%s", text == NULL ? "" : text, text == NULL ? "" : ", ",
                                 names.v[i]);

        free(text);
        text = longer;
    }
    strlist_free(&names);
    return text;
}

char *
elsewhere_advice(const struct restore *r)
{
    const char *here = storage_location_name(&r->o->place);
    char       *known = others(&r->o->place);
    size_t      n = known == NULL ? 0 : strcspn(known, ",");
    char       *other = n == 0 ? xstrdup("OTHER") : xstrndup(known, n);
    char *heal = quote_command("pgassay", "storage", "scrub", QUOTE_ARG(r->o->database), "--repo",
                               here, "--repair-from", other, NULL);
    char *text;

    text = xasprintf("%s%s%s--repo %s restores from there; %s heals what is lost here",
                     known == NULL ? "if another repository has this backup, "
                                   : "other repositories: ",
                     known == NULL ? "" : known, known == NULL ? "" : "; ", other, heal);
    free(known);
    free(other);
    free(heal);
    return text;
}

int
elsewhere_hint(const struct restore *r, struct err *e)
{
    if ((e->kind == ERR_CORRUPT || e->kind == ERR_NOT_FOUND) && e->hint[0] == '\0') {
        char *advice = elsewhere_advice(r);

        err_hint(e, "%s", advice);
        free(advice);
    }
    return -1;
}
