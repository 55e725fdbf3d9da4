/* extensions.c - extensions of the backup, and the versions that the server has. */
#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "restore/preflight/checks.h"

/* As recorded at the source; NULL: not known. */
static const char *
version_of(const struct manifest *m, const char *name)
{
    const json_t *one;
    size_t        i;

    json_array_foreach (m->extensions, i, one) {
        if (strcmp(json_opt_str(one, "name", ""), name) == 0) {
            return json_opt_str(one, "version", NULL);
        }
    }
    return NULL;
}

/* CREATE EXTENSION in the archive names no version: the server's default one comes. */
static void
compare_versions(struct restore *r, const char *name, const char *comes, const char *available,
                 bool has_it)
{
    const char *was = version_of(r->manifest, name);
    char       *ident;

    if (was == NULL || strcmp(was, comes) == 0) {
        return;
    }
    ident = pg_ident(name);
    preflight_add(&r->preflight,
                  (struct preflight_finding){
                      .kind = strverscmp(was, comes) > 0 ? PREFLIGHT_WARNING : PREFLIGHT_NOTE,
                      .text = xasprintf("extension \"%s\" was version %s, and comes as %s "
                                        "(available: %s)",
                                        name, was, comes, available),
                      .sql = has_it && strverscmp(was, comes) > 0
                          ? xasprintf("ALTER EXTENSION %s UPDATE TO '%s';", ident, was)
                          : NULL});
    free(ident);
}

static const char available[] =
    "SELECT e.default_version, pg_catalog.string_agg(v.version, ', ' ORDER BY v.version), "
    "COALESCE(pg_catalog.bool_or(v.version = $2), false) FROM pg_catalog.pg_available_extensions "
    "e LEFT JOIN pg_catalog.pg_available_extension_versions v ON v.name = e.name "
    "WHERE e.name = $1 GROUP BY e.default_version";

/* Adds its name to missing. */
static int
look_for(struct restore *r, const char *name, struct strlist *missing, struct err *e)
{
    const char *was = version_of(r->manifest, name), *params[] = {name, was == NULL ? "" : was};
    PGresult   *res = pg_query(r->maintenance, e, available, 2, params);

    if (res == NULL) {
        return err_wrap(e, "looking at the target server");
    }
    if (PQntuples(res) == 0) {
        strlist_add(missing, name);
    } else if (!PQgetisnull(res, 0, 0)) {
        compare_versions(r, name, PQgetvalue(res, 0, 0), PQgetvalue(res, 0, 1),
                         *PQgetvalue(res, 0, 2) == 't');
    }
    PQclear(res);
    return 0;
}

/* "hstore 1.8, postgis 3.3.2"; allocated. */
static char *
with_versions(const struct restore *r, const struct strlist *names)
{
    char *text = xstrdup("");

    for (size_t i = 0; i < names->n; i++) {
        const char *was = version_of(r->manifest, names->v[i]);
        char       *longer = xasprintf("%s%s%s%s%s", text, i == 0 ? "" : ", ", names->v[i],
                                 was == NULL ? "" : " ", was == NULL ? "" : was);

        free(text);
        text = longer;
    }
    return text;
}

int
check_extensions(struct restore *r, struct err *e)
{
    struct strlist missing = {0};
    int            rc = 0;

    for (size_t i = 0; rc == 0 && i < r->archive.n; i++) {
        if (strcmp(r->archive.v[i].desc, "EXTENSION") == 0) {
            rc = look_for(r, r->archive.v[i].tag, &missing, e);
        }
    }
    if (missing.n > 0) {
        char *names = preflight_names(&missing), *versions = with_versions(r, &missing);

        preflight_costs(r,
                        (struct preflight_finding){.text = xasprintf("extensions not installed on "
                                                                     "the target server: %s; what "
                                                                     "needs them will be named and "
                                                                     "left out",
                                                                     names),
                                                   .hint = xasprintf("install their packages on "
                                                                     "the server's host; the "
                                                                     "backup has "
                                                                     "%s",
                                                                     versions)});
        free(names);
        free(versions);
    }
    strlist_free(&missing);
    return rc;
}
