#include "storage/contract/location.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

const struct config_key location_keys[] = {
    [LOCATION_PATH] = {"path", CONFIG_TEXT, "the directory, or s3://BUCKET/PREFIX", NULL},
    [LOCATION_LISTING_DELAY] = {"listing-delay", CONFIG_TEXT,
                                "maximum age in seconds of the store's listings", NULL},
    [LOCATION_AS_OF] = {"as-of", CONFIG_TEXT, "the time as of which the repository is read", NULL},
    [LOCATION_OBJECT_LOCK] = {"object-lock", CONFIG_TEXT,
                              "new objects are locked: governance or compliance", NULL},
    [LOCATION_OBJECT_LOCK_DAYS] = {"object-lock-days", CONFIG_TEXT,
                                   "for how many days new objects are locked at least", NULL},
    {NULL, CONFIG_TEXT, NULL, NULL},
};

/* ---- what was given ---- */

/* The keys that have an option of their own. */
static const struct {
    const char *key;
    bool        list;
    size_t      offset;
} options[] = {
    {"identity", true, offsetof(struct storage_given, identity)},
    {"encrypt-to", true, offsetof(struct storage_given, encrypt_to)},
    {"passphrase-file", false, offsetof(struct storage_given, passphrase_file)},
    {"passphrase-command", false, offsetof(struct storage_given, passphrase_command)},
    {"passphrase-fd", false, offsetof(struct storage_given, passphrase_fd)},
    {"as-of", false, offsetof(struct storage_given, as_of)},
};
enum { N_OPTIONS = sizeof options / sizeof options[0] };

static const char *
text_of(const struct storage_given *g, size_t i)
{
    return options[i].list
        ? NULL
        : *(const char *const *)(const void *)((const char *)g + options[i].offset);
}

/* NULL: empty. */
static const struct strlist *
list_of(const struct storage_given *g, size_t i)
{
    const struct strlist *list = !options[i].list
        ? NULL
        : *(const struct strlist *const *)(const void *)((const char *)g + options[i].offset);

    return list == NULL || list->n == 0 ? NULL : list;
}

/* "KEY=VALUE" of this key?  "_" is the same as "-" in keys, as in the file. */
static const char *
value_of(const char *text, const char *key)
{
    for (; *key != '\0'; text++, key++) {
        if (*text != *key && !(*text == '_' && *key == '-')) {
            return NULL;
        }
    }
    return *text == '=' ? text + 1 : NULL;
}

/* The value that the command line gives for a key that is not a list (the last one), or NULL. */
static const char *
given_text(const struct storage_location *p, const char *key)
{
    const struct strlist *list = p->given.options;

    for (size_t i = 0; i < N_OPTIONS; i++) {
        if (strcmp(options[i].key, key) == 0 && text_of(&p->given, i) != NULL) {
            return text_of(&p->given, i);
        }
    }
    for (size_t i = list == NULL ? 0 : list->n; i-- > 0;) {
        const char *value = value_of(list->v[i], key);

        if (value != NULL) {
            return value;
        }
    }
    return NULL;
}

/* The same for a list; false: none was given.  The argument of a dedicated option is one name,
 * commas included. */
static bool
given_list(const struct storage_location *p, const char *key, struct strlist *out)
{
    const struct strlist *list = p->given.options;
    bool                  any = false;

    for (size_t i = 0; i < N_OPTIONS; i++) {
        const struct strlist *own = list_of(&p->given, i);

        if (own != NULL && strcmp(options[i].key, key) == 0) {
            strlist_add_all(out, own);
            return true;
        }
    }
    for (size_t i = 0; list != NULL && i < list->n; i++) {
        const char *value = value_of(list->v[i], key);

        if (value != NULL && *value == '\0') {
            strlist_free(out);
        }
        strlist_split(out, value == NULL ? "" : value);
        any = any || value != NULL;
    }
    return any;
}

void
storage_given_args(const struct storage_given *g, struct strlist *args)
{
    for (size_t i = 0; g->options != NULL && i < g->options->n; i++) {
        strlist_take(args, xasprintf("--repo-option=%s", g->options->v[i]));
    }
    for (size_t i = 0; i < N_OPTIONS; i++) {
        const struct strlist *list = list_of(g, i);

        for (size_t k = 0; list != NULL && k < list->n; k++) {
            strlist_take(args, xasprintf("--%s=%s", options[i].key, list->v[k]));
        }
        if (text_of(g, i) != NULL) {
            strlist_take(args, xasprintf("--%s=%s", options[i].key, text_of(g, i)));
        }
    }
}

static int
check_options(const struct config *config, const struct storage_given *g, struct err *e)
{
    for (size_t i = 0; g != NULL && g->options != NULL && i < g->options->n; i++) {
        const char *text = g->options->v[i];
        char       *key = xstrndup(text, strcspn(text, "="));
        int         rc = 0;

        for (char *p = key; *p != '\0'; p++) {
            *p = *p == '_' ? '-' : *p;
        }
        if (strlen(key) == strlen(text)) {
            rc = err_set(e, ERR_USAGE, "--repo-option %s: not KEY=VALUE", text);
        } else if (strcmp(key, location_keys[LOCATION_PATH].name) == 0) {
            rc = err_set(e, ERR_USAGE, "--repo-option path: that is what --repo is for");
        } else if (config_check_key(config, "repo", key, e) != 0) {
            rc = err_wrap(e, "--repo-option %s", text);
        }
        free(key);
        if (rc != 0) {
            return -1;
        }
    }
    return 0;
}

/* ---- which repository ---- */

static int
find_place(const struct config *config, const char *name, const struct storage_given *given,
           struct storage_location *out, struct err *e)
{
    const char *location;

    *out = (struct storage_location){.config = config};
    if (given != NULL) {
        out->given = *given;
    }
    location = config_repo_path(config, name, &out->section, e);
    if (location == NULL) {
        return -1;
    }
    out->location = config_keep(config, location);
    return 0;
}

/* "offsite, s3://bucket/prefix", for messages: all but the first; NULL when there is only one. */
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
                      const struct storage_given *given, struct storage_location *out,
                      struct err *e)
{
    struct strlist names = {0};
    int            rc = check_options(config, given, e);

    if (rc == 0 && arg != NULL) {
        strlist_add(&names, arg); /* one, commas included */
    } else if (rc == 0) {
        rc = config_repo_names(config, NULL, database, &names, e);
    }
    if (rc == 0) {
        rc = find_place(config, names.v[0], given, out, e);
    }
    if (rc == 0) {
        out->others = others(config, &names);
    }
    strlist_free(&names);
    return rc;
}

int
storage_locations_find(const struct config *config, const struct strlist *args,
                       const char *database, const struct storage_given *given,
                       struct storage_location **out, size_t *n, struct err *e)
{
    struct strlist           names = {0};
    struct storage_location *v = NULL;
    int                      rc = check_options(config, given, e);

    *n = 0;
    if (rc == 0) {
        rc = config_repo_names(config, args, database, &names, e);
    }
    v = xcalloc(names.n + 1, sizeof *v);
    for (size_t i = 0; rc == 0 && i < names.n; i++) {
        rc = find_place(config, names.v[i], given, &v[i], e);
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

const char *
storage_location_name(const struct storage_location *p)
{
    return p->section != NULL ? p->section : p->location;
}

/* ---- settings ---- */

static const char *
non_empty(const char *text)
{
    return text == NULL || *text == '\0' ? NULL : text;
}

static const char *
section_text(const struct storage_location *p, const struct config_key *key)
{
    return p->config == NULL || p->section == NULL
        ? NULL
        : config_get(p->config, "repo", p->section, key->name);
}

bool
storage_location_has(const struct storage_location *p, const struct config_key *key)
{
    return section_text(p, key) != NULL;
}

/* The first variable that is set; *name (allocated) is its name. */
static const char *
env_value(const struct config_key *key, char **name)
{
    const char *value = config_env(CONFIG_REPO_ENV, key);

    if (value != NULL) {
        *name = config_env_name(CONFIG_REPO_ENV, key);
        return value;
    }
    for (const char *const *env = key->env; env != NULL && *env != NULL; env++) {
        const char *text = non_empty(getenv(*env));

        if (text != NULL) {
            *name = xstrdup(*env);
            return text;
        }
    }
    return NULL;
}

const char *
storage_location_get(const struct storage_location *p, const struct config_key *key)
{
    const char *text = given_text(p, key->name);
    char       *name = NULL;

    if (text == NULL) {
        text = env_value(key, &name);
    }
    free(name);
    return non_empty(text == NULL ? section_text(p, key) : text);
}

void
storage_location_list(const struct storage_location *p, const struct config_key *key,
                      struct strlist *out)
{
    if (!given_list(p, key->name, out) && !config_env_list(CONFIG_REPO_ENV, key, out) &&
        p->config != NULL && p->section != NULL) {
        (void)config_list(p->config, "repo", p->section, key->name, out);
    }
}

char *
storage_location_origin(const struct storage_location *p, const struct config_key *key)
{
    char *name = NULL;

    for (size_t i = 0; i < N_OPTIONS; i++) {
        if (strcmp(options[i].key, key->name) == 0 &&
            (text_of(&p->given, i) != NULL || list_of(&p->given, i) != NULL)) {
            return xasprintf("--%s", key->name);
        }
    }
    for (size_t i = 0; p->given.options != NULL && i < p->given.options->n; i++) {
        if (value_of(p->given.options->v[i], key->name) != NULL) {
            return xasprintf("--repo-option %s", key->name);
        }
    }
    if (env_value(key, &name) != NULL) {
        return name;
    }
    if (storage_location_has(p, key)) {
        return xasprintf("%s: [repo %s] %s", config_path(p->config), p->section, key->name);
    }
    return xstrdup(key->name);
}

void
storage_location_secrets(const struct config *config, const struct storage_given *given,
                         struct strlist *out)
{
    static const char *const keys[] = {"identity", "sign-key", "passphrase-file",
                                       "sse-customer-key-file"};
    const char              *passphrase = getenv("PGASSAY_PASSPHRASE_FILE"), *section;

    for (size_t k = 0; k < sizeof keys / sizeof keys[0]; k++) {
        (void)config_env_list(
            CONFIG_REPO_ENV,
            &(struct config_key){.name = keys[k], .form = k == 0 ? CONFIG_COMMA_LIST : CONFIG_TEXT},
            out);
        for (size_t i = 0; (section = config_section(config, "repo", i)) != NULL; i++) {
            const char *value = config_get(config, "repo", section, keys[k]);

            if (k == 0) {
                (void)config_list(config, "repo", section, keys[k], out); /* a list */
            } else if (value != NULL && *value != '\0') {
                strlist_add(out, value);
            }
        }
        for (size_t i = 0; given->options != NULL && i < given->options->n; i++) {
            const char *value = value_of(given->options->v[i], keys[k]);

            if (value != NULL && *value != '\0') {
                strlist_add(out, value);
            }
        }
    }
    for (size_t i = 0; given->identity != NULL && i < given->identity->n; i++) {
        strlist_add(out, given->identity->v[i]);
    }
    if (given->passphrase_file != NULL) {
        strlist_add(out, given->passphrase_file);
    }
    if (passphrase != NULL && *passphrase != '\0') {
        strlist_add(out, passphrase);
    }
}
