#include "storage/contract/location.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* "_" is the same as "-" in keys, as in the file. */
static bool
same_key(const char *text, size_t n, const char *key)
{
    if (strlen(key) != n) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        if (text[i] != key[i] && !(text[i] == '_' && key[i] == '-')) {
            return false;
        }
    }
    return true;
}

/* The value behind KEY=, of the last that is given. */
static const char *
option_value(const struct storage_location *p, const char *key)
{
    for (size_t i = p->options == NULL ? 0 : p->options->n; i-- > 0;) {
        const char *text = p->options->v[i];
        size_t      n = strcspn(text, "=");

        if (same_key(text, n, key)) {
            return text + n + 1;
        }
    }
    return NULL;
}

static int
check_options(const struct strlist *options, struct err *e)
{
    for (size_t i = 0; i < options->n; i++) {
        const char *text = options->v[i];
        char       *key = xstrndup(text, strcspn(text, "="));
        int         rc = 0;

        if (strlen(key) == strlen(text)) {
            rc = err_set(e, ERR_USAGE, "--repo-option %s: not KEY=VALUE", text);
        } else if (strcmp(key, "path") == 0) {
            rc = err_set(e, ERR_USAGE, "--repo-option path: that is what --repo is for");
        } else {
            for (char *p = key; *p != '\0'; p++) {
                *p = *p == '_' ? '-' : *p;
            }
            rc = config_check_key("repo", key, e);
            if (rc != 0) {
                err_wrap(e, "--repo-option %s", text);
            }
        }
        free(key);
        if (rc != 0) {
            return -1;
        }
    }
    return 0;
}

static int
find_place(const struct config *config, const char *name, const struct strlist *options,
           struct storage_location *out, struct err *e)
{
    const char *location;

    *out = (struct storage_location){.config = config, .options = options};
    location = config_repo_path(config, name, &out->section, e);
    if (location == NULL) {
        return -1;
    }
    out->location = config_keep(config, location);
    return 0;
}

/* "offsite, s3://bucket/prefix": all but the first; NULL when there is but one. */
static const char *
others(const struct config *config, const struct strlist *names)
{
    char       *text = NULL;
    const char *kept;

    for (size_t i = 1; i < names->n; i++) {
        char *longer = xasprintf("%s%s%s", text == NULL ? "" : text, text == NULL ? "" : ", ",
                                 names->v[i]);

        free(text);
        text = longer;
    }
    kept = text == NULL ? NULL : config_keep(config, text);
    free(text);
    return kept;
}

int
storage_location_find(const struct config *config, const char *arg, const char *database,
                      const struct strlist *options, struct storage_location *out, struct err *e)
{
    struct strlist args = {0};
    struct strlist names = {0};
    int            rc = options == NULL ? 0 : check_options(options, e);

    if (arg != NULL) {
        strlist_add(&args, arg);
    }
    if (rc == 0) {
        rc = config_repo_names(config, &args, database, &names, e);
    }
    if (rc == 0) {
        rc = find_place(config, names.v[0], options, out, e);
    }
    if (rc == 0) {
        out->others = others(config, &names);
    }
    strlist_free(&args);
    strlist_free(&names);
    return rc;
}

int
storage_locations_find(const struct config *config, const struct strlist *args,
                       const char *database, const struct strlist *options,
                       struct storage_location **out, size_t *n, struct err *e)
{
    struct strlist           names = {0};
    struct storage_location *v = NULL;
    int                      rc = options == NULL ? 0 : check_options(options, e);

    *n = 0;
    if (rc == 0) {
        rc = config_repo_names(config, args, database, &names, e);
    }
    v = xcalloc(names.n + 1, sizeof *v);
    for (size_t i = 0; rc == 0 && i < names.n; i++) {
        rc = find_place(config, names.v[i], options, &v[i], e);
        for (size_t k = 0; rc == 0 && k < i; k++) {
            if (strcmp(v[k].location, v[i].location) == 0) {
                rc = err_set(e, ERR_USAGE, "repository \"%s\" is named twice", names.v[i]);
            }
        }
    }
    if (rc == 0) {
        *n = names.n;
        *out = v;
    } else {
        free(v);
    }
    strlist_free(&names);
    return rc;
}

void
storage_location_as_of(struct strlist *options, const char *as_of)
{
    if (as_of != NULL) {
        strlist_take(options, xasprintf("as-of=%s", as_of));
    }
}

/* "KEY=a,b" */
static void
add_list(struct strlist *options, const char *key, const struct strlist *files)
{
    char *text = NULL;

    for (size_t i = 0; files != NULL && i < files->n; i++) {
        char *longer = text == NULL ? xasprintf("%s=%s", key, files->v[i])
                                    : xasprintf("%s,%s", text, files->v[i]);

        free(text);
        text = longer;
    }
    if (text != NULL) {
        strlist_take(options, text);
    }
}

static void
add_text(struct strlist *options, const char *key, const char *text)
{
    if (text != NULL) {
        strlist_take(options, xasprintf("%s=%s", key, text));
    }
}

void
storage_location_keys(struct strlist *options, const struct storage_keys_given *k)
{
    add_list(options, "identity", k->identity);
    add_list(options, "encrypt-to", k->encrypt_to);
    add_text(options, "passphrase-file", k->passphrase_file);
    add_text(options, "passphrase-command", k->passphrase_command);
    add_text(options, "passphrase-fd", k->passphrase_fd);
}

const char *
storage_location_name(const struct storage_location *p)
{
    return p->section != NULL ? p->section : p->location;
}

static const char *
non_empty(const char *text)
{
    return text == NULL || *text == '\0' ? NULL : text;
}

const char *
storage_location_section_get(const struct storage_location *p, const char *key)
{
    return p->config == NULL || p->section == NULL ? NULL
                                                   : config_get(p->config, "repo", p->section, key);
}

/* The first variable that is set; *name is its name. */
static const char *
env_value(const char *const *env, const char **name)
{
    for (; env != NULL && *env != NULL; env++) {
        const char *text = non_empty(getenv(*env));

        if (text != NULL) {
            *name = *env;
            return text;
        }
    }
    return NULL;
}

const char *
storage_location_get(const struct storage_location *p, const char *key, const char *const *env)
{
    const char *text = option_value(p, key);
    const char *name;

    if (text == NULL) {
        text = env_value(env, &name);
    }
    return non_empty(text == NULL ? storage_location_section_get(p, key) : text);
}

char *
storage_location_origin(const struct storage_location *p, const char *key, const char *const *env)
{
    const char *name;

    if (option_value(p, key) != NULL) {
        return xasprintf("--repo-option %s", key);
    }
    if (env_value(env, &name) != NULL) {
        return xstrdup(name);
    }
    if (storage_location_section_get(p, key) != NULL) {
        return xasprintf("%s: [repo %s] %s", config_path(p->config), p->section, key);
    }
    return xstrdup(key);
}
