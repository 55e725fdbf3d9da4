/* Keys from the environment: PGASSAY_HOOK_TIMEOUT is "hook-timeout" (config.h). */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/config/config_impl.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/similar.h"

const char *const config_env_others[] = {
    /* what an administrator sets */
    "PGASSAY_CONFIG", "PGASSAY_STATE_DIR", "PGASSAY_RUN_ID", "PGASSAY_PROGRESS",
    "PGASSAY_PASSPHRASE_FILE", "PGASSAY_PASSPHRASE_COMMAND", "PGASSAY_WEBHOOK",
    "PGASSAY_WEBHOOK_FILE", "PGASSAY_WEBHOOK_SHAPE", "PGASSAY_PING_URL", "PGASSAY_PING_URL_FILE",
    /* what hooks and commands are told (core/hooks, core/notify), who may run these programs */
    "PGASSAY_HOOK", "PGASSAY_DATABASE", "PGASSAY_TARGET", "PGASSAY_STATUS", "PGASSAY_EXIT_STATUS",
    "PGASSAY_BACKUP_ID", "PGASSAY_ERROR", "PGASSAY_EVENT", "PGASSAY_LEVEL", "PGASSAY_SUBJECT",
    "PGASSAY_TEXT", NULL};

char *
config_env_name(const char *prefix, const struct config_key *key)
{
    char *name = xasprintf("%s%s", prefix, key->name);

    for (char *p = name; *p != '\0'; p++) {
        *p = *p == '-' ? '_' : (char)toupper((unsigned char)*p);
    }
    return name;
}

const char *
config_env(const char *prefix, const struct config_key *key)
{
    char       *name = config_env_name(prefix, key);
    const char *text = getenv(name);

    free(name);
    return text == NULL || *text == '\0' ? NULL : text;
}

bool
config_env_list(const char *prefix, const struct config_key *key, struct strlist *out)
{
    const char *text = config_env(prefix, key), *at = text;

    for (size_t n; at != NULL && *at != '\0'; at += n + (at[n] == '\n')) {
        char *line;

        n = strcspn(at, "\n");
        line = xstrndup(at, n);
        if (key->form == CONFIG_COMMA_LIST) {
            strlist_split(out, line);
        } else if (n > 0) {
            strlist_add(out, line);
        }
        free(line);
    }
    return text != NULL;
}

/* What the file says of it, in "[database NAME]", too: the declaration is the same there. */
static void
forget(struct config *c, const struct config_key *key)
{
    size_t n = 0;

    for (size_t i = 0; i < c->n; i++) {
        if (c->entry[i].key == key) {
            free(c->entry[i].value);
        } else {
            c->entry[n++] = c->entry[i];
        }
    }
    c->n = n;
}

static void
take(struct config *c, const struct config_key *key)
{
    struct config_entry what = {.section = 0, .key = key, .env = true};
    const char         *text = config_env(CONFIG_ENV, key);
    struct strlist      values = {0};

    if (text == NULL) {
        return;
    }
    forget(c, key);
    if (config_is_one(key)) {
        strlist_add(&values, text);
    } else {
        (void)config_env_list(CONFIG_ENV, key, &values);
    }
    for (size_t i = 0; i < values.n; i++) {
        config_add_entry(c, what, values.v[i]);
    }
    strlist_free(&values);
}

void
config_read_environment(struct config *c)
{
    for (size_t t = 0; c->keys->common[t] != NULL; t++) {
        for (const struct config_key *k = c->keys->common[t]; k->name != NULL; k++) {
            if (strcmp(k->name, "repo") != 0) { /* config_repo_names() */
                take(c, k);
            }
        }
    }
}

char *
config_origin(const struct config *c, const struct config_entry *x)
{
    return x->env ? config_env_name(CONFIG_ENV, x->key) : xstrdup(c->path);
}

/* ---- names that mean nothing ---- */

enum { PREFIX = sizeof CONFIG_ENV - 1 };

/* Without CONFIG_ENV, which would make all of them look alike. */
static void
names_of(const char *prefix, const struct config_key *const *tables, struct strlist *out)
{
    for (; *tables != NULL; tables++) {
        for (const struct config_key *k = *tables; k->name != NULL; k++) {
            char *name = config_env_name(prefix, k);

            strlist_add(out, name + PREFIX);
            free(name);
        }
    }
}

static void
warn_unless_known(const char *name, const struct strlist *known)
{
    const char *nearest;
    char       *meant;

    if (strncmp(name, CONFIG_ENV, PREFIX) != 0 || strlist_has(known, name + PREFIX)) {
        return;
    }
    nearest = similar_of(name + PREFIX, known);
    meant = nearest == NULL ? xstrdup("") : xasprintf(" (did you mean %s%s?)", CONFIG_ENV, nearest);
    log_warn("environment variable %s means nothing%s", name, meant);
    free(meant);
}

void
config_warn_of_environment(const struct config *c)
{
    struct strlist known = {0};

    for (const char *const *name = config_env_others; *name != NULL; name++) {
        strlist_add(&known, *name + PREFIX);
    }
    names_of(CONFIG_ENV, c->keys->common, &known);
    names_of(CONFIG_REPO_ENV, c->keys->repo, &known);
    for (char **v = environ; *v != NULL; v++) {
        char *name = xstrndup(*v, strcspn(*v, "="));

        warn_unless_known(name, &known);
        free(name);
    }
    strlist_free(&known);
}
