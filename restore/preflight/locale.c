/* locale.c - encoding, locales and their provider; the version of the collation. */
#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "restore/preflight/checks.h"

static int
check_encoding(struct restore *r, const char *encoding, struct err *e)
{
    const char *params[] = {encoding};
    char       *known = pg_value(r->maintenance, e,
                                 "SELECT pg_catalog.pg_char_to_encoding($1::name) >= 0", 1, params);

    if (known == NULL) {
        return -1;
    }
    if (*known != 't') {
        preflight_stop(&r->preflight, "restore into a server of the backup's version",
                       xasprintf("the target server does not know the encoding \"%s\"", encoding));
    }
    free(known);
    return 0;
}

/* A parameter of the locale's kind refuses a name that the operating system does not know, as
 * CREATE DATABASE will. */
static int
check_locale(struct restore *r, const char *locale, struct err *e)
{
    const char *params[] = {locale};
    char       *value;

    if (locale == NULL || strcmp(locale, "C") == 0 || strcmp(locale, "POSIX") == 0) {
        return 0;
    }
    value = pg_value(r->maintenance, e, "SELECT pg_catalog.set_config('lc_time', $1, true)", 1,
                     params);
    free(value);
    if (value != NULL || strcmp(e->sqlstate, "22023") != 0) {
        return value != NULL ? 0 : -1;
    }
    err_clear(e);
    preflight_add(&r->preflight,
                  (struct preflight_finding){.kind = PREFLIGHT_STOP,
                                             .text = xasprintf("the operating system of the target "
                                                               "server does not have "
                                                               "the database's locale \"%s\"",
                                                               locale),
                                             .hint = xasprintf("install it on the server's host "
                                                               "(locale-gen %s, or the "
                                                               "distribution's language package), "
                                                               "and restart the server",
                                                               locale)});
    return 0;
}

static int
check_provider(struct restore *r, const char *provider, struct err *e)
{
    int   version = pg_version(r->maintenance);
    char *has_icu;

    if (strcmp(provider, "libc") == 0) {
        return 0;
    }
    if (strcmp(provider, "icu") == 0 ? version < 150000 : version < 170000) {
        char *hint = xasprintf("restore into PostgreSQL %d or later",
                               strcmp(provider, "builtin") == 0 ? 17 : 15);

        preflight_stop(&r->preflight, hint,
                       xasprintf("the database's locale provider \"%s\" is not known to the target "
                                 "server, PostgreSQL %d",
                                 provider, version / 10000));
        free(hint);
        return 0;
    }
    if (strcmp(provider, "icu") != 0) {
        return 0;
    }
    has_icu = pg_value(r->maintenance, e,
                       "SELECT EXISTS (SELECT FROM pg_catalog.pg_collation WHERE collprovider = "
                       "'i')",
                       0, NULL);
    if (has_icu != NULL && *has_icu != 't') {
        preflight_stop(&r->preflight, "restore into a server that was built with ICU",
                       xstrdup("the database's locale provider is ICU, and the target server was "
                               "built without it"));
    }
    free(has_icu);
    return has_icu == NULL ? -1 : 0;
}

static const char actual_version[] =
    "SELECT pg_catalog.max(pg_catalog.pg_collation_actual_version(oid)) FROM "
    "pg_catalog.pg_collation c WHERE collprovider = $1::\"char\" AND ($1 = 'c' OR $2 IN "
    "(pg_catalog.to_jsonb(c)->>'colllocale', pg_catalog.to_jsonb(c)->>'colliculocale', "
    "pg_catalog.to_jsonb(c)->>'collcollate'))";

/* What this server would record for the same locale; NULL: it has no version, or none is known. The
 * C library has one for all locales; a column of pg_collation has had three names. */
static char *
version_here(struct restore *r, bool icu, const char *locale, struct err *e)
{
    const char *params[] = {icu ? "i" : "c", locale};
    char       *version = pg_value(r->maintenance, e, actual_version, 2, params);

    if (version == NULL && e->kind == ERR_NOT_FOUND) {
        err_clear(e);
    }
    return version;
}

/* Indexes are made anew by a restore, so none is wrong. */
static int
compare_version(struct restore *r, const json_t *db, const char *provider, struct err *e)
{
    const char *was = json_opt_str(db, "collation_version", NULL);
    bool        icu = strcmp(provider, "icu") == 0;
    const char *locale = json_opt_str(db, icu ? "locale" : "collate", NULL);
    char       *here;

    if (was == NULL || locale == NULL) {
        return 0;
    }
    here = version_here(r, icu, locale, e);
    if (e->kind != ERR_NONE) {
        return -1;
    }
    if (here != NULL && strcmp(here, was) != 0) {
        preflight_note(&r->preflight,
                       xasprintf("text was ordered by version %s of collation \"%s\" (%s), and is "
                                 "by %s here: the restore makes all indexes anew, so that they fit",
                                 was, locale, provider, here));
    }
    free(here);
    return 0;
}

int
check_collation(struct restore *r, struct err *e)
{
    const json_t *db = r->manifest->database;
    const char   *provider = json_opt_str(db, "provider", "libc");
    const char   *encoding = json_opt_str(db, "encoding", NULL);
    const char *collate = json_opt_str(db, "collate", NULL), *ctype = json_opt_str(db, "ctype", "");
    int         rc = encoding == NULL ? 0 : check_encoding(r, encoding, e);

    rc = rc == 0 ? check_provider(r, provider, e) : rc;
    rc = rc == 0 ? check_locale(r, collate, e) : rc;
    if (rc == 0 && collate != NULL && *ctype != '\0' && strcmp(collate, ctype) != 0) {
        rc = check_locale(r, ctype, e);
    }
    rc = rc == 0 ? compare_version(r, db, provider, e) : rc;
    return rc == 0 ? 0 : err_wrap(e, "looking at the target server");
}
