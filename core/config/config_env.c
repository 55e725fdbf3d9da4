/* Keys from the environment: PGASSAY_HOOK_TIMEOUT is "hook-timeout" (config.h). */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "core/config/config_impl.h"
#include "core/mem.h"

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
    return x->env ? config_env_name(CONFIG_ENV, x->key) : xstrdup(config_path(c));
}
