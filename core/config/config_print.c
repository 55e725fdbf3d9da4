/* Applying the configuration to a tool's options, and --print-config (config.h). */
#include <stdlib.h>
#include <string.h>

#include "core/config/config.h"
#include "core/config/config_impl.h"
#include "core/mem.h"

/* The section that sets a key: the database's, else the part before any section. */
static const char *
kind_of(const struct config *c, const char *database, const char *key)
{
    size_t at = 0;

    return database != NULL && config_next(c, "database", database, key, &at) != NULL ? "database"
                                                                                      : "";
}

static int
wrap_origin(const struct config *c, const struct config_entry *x, struct err *e)
{
    char *from = config_origin(c, x);

    (void)(x->env ? err_wrap(e, "environment variable %s", from)
                  : err_wrap(e, "%s:%d", from, x->line));
    free(from);
    return -1;
}

int
config_apply(const struct config *c, const char *database, const struct opts_result *r,
             void *values, struct err *e)
{
    const struct opt *o;

    for (size_t i = 0; (o = opts_at(r->tables, i)) != NULL; i++) {
        const struct config_entry *x;
        size_t                     at = 0;

        while (o->config != NULL && !opts_given(r, o->name) &&
               (x = config_next(c, kind_of(c, database, o->config), database, o->config, &at)) !=
                   NULL) {
            if (o->kind == OPT_LIST && *x->value == '\0') {
                continue; /* a list that is set but empty */
            }
            if (opts_set(r->tables, values, o->name, x->value, e) != 0) {
                return wrap_origin(c, x, e);
            }
        }
    }
    return 0;
}

/* ---- printing ---- */

/* After a value, as a comment, its origin. */
static void
print_origin(FILE *f, const char *from, int line)
{
    (void)fprintf(f, " ; %s", from);
    if (line > 0) {
        (void)fprintf(f, ":%d", line);
    }
    (void)putc('\n', f);
}

static void
print_value(FILE *f, const char *key, const char *value, const char *from, int line)
{
    if (config_is_secret(value)) {
        (void)fprintf(f, "; %s is hidden: it holds a password", key);
    } else {
        (void)fprintf(f, "%s = %s", key, value);
    }
    print_origin(f, from, line);
}

/* One value of a list.  If the key's own line would be split at commas, below it. */
static void
print_item(FILE *f, const char *key, const char *value, const char *from, int line)
{
    if (strchr(value, ',') != NULL) {
        (void)fprintf(f, "%s =\n    %s", key, value);
        print_origin(f, from, line);
    } else {
        print_value(f, key, value, from, line);
    }
}

static void
print_list(const struct config *c, FILE *f, const char *kind, const char *name, const char *key)
{
    const struct config_entry *x;
    size_t                     at = 0;

    while ((x = config_next(c, kind, name, key, &at)) != NULL) {
        char *from = config_origin(c, x);

        print_item(f, key, x->value, from, x->line);
        free(from);
    }
}

/* One key as the file or the environment has it. */
static void
print_entry(const struct config *c, FILE *f, const char *kind, const char *name, const char *key)
{
    size_t                     at = 0;
    const struct config_entry *x = config_next(c, kind, name, key, &at);
    char                      *from = config_origin(c, x);

    if (x->key->form == CONFIG_SECRET) {
        (void)fprintf(f, "; %s is hidden: it is a secret", key);
        print_origin(f, from, x->line);
    } else if (x->key->form == CONFIG_TEXT) {
        print_value(f, key, x->value, from, x->line);
    } else {
        print_list(c, f, kind, name, key);
    }
    free(from);
}

/* Every key of the s-th section, at its first occurrence. */
static void
print_keys(const struct config *c, size_t s, FILE *f)
{
    for (size_t i = 0; i < c->n; i++) {
        const struct config_entry *x = &c->entry[i];
        size_t                     at = 0;

        if (x->section == s &&
            config_next(c, c->section[s].kind, c->section[s].name, x->key->name, &at) == x) {
            print_entry(c, f, c->section[s].kind, c->section[s].name, x->key->name);
        }
    }
}

static void
print_sections(const struct config *c, FILE *f)
{
    for (size_t s = 0; s < c->n_sections; s++) {
        if (*c->section[s].kind != '\0') {
            (void)fprintf(f, "\n[%s %s]\n", c->section[s].kind, c->section[s].name);
            print_keys(c, s, f);
        }
    }
}

static void
print_file(const struct config *c, FILE *f)
{
    (void)fprintf(f, "; file: %s\n", config_path(c) == NULL ? "none" : config_path(c));
}

/* Keys of repositories from the environment: no section has them, so they are comments. */
static void
print_repo_environment(const struct config *c, FILE *f)
{
    for (size_t t = 0; c->keys->repo[t] != NULL; t++) {
        for (const struct config_key *k = c->keys->repo[t]; k->name != NULL; k++) {
            const char *value = config_env(CONFIG_REPO_ENV, k);
            char       *name = config_env_name(CONFIG_REPO_ENV, k);

            if (value != NULL) {
                (void)fprintf(f, "; %s, of each repository: %s\n", name,
                              k->form == CONFIG_SECRET ? "hidden: it is a secret" : value);
            }
            free(name);
        }
    }
}

/* ---- the options in force ---- */

static void
print_values(FILE *f, const char *key, const struct strlist *values, const char *from)
{
    for (size_t i = 0; i < values->n; i++) {
        print_item(f, key, values->v[i], from, 0);
    }
}

/* "repo", which each tool reads by itself: as one option, or a list (config_repo_names()). */
static void
print_repo(const struct config *c, const char *database, const struct opts_result *r,
           const void *values, FILE *f)
{
    const struct opt *o = opts_named(r->tables, "repo");
    bool              flag = strlist_has(&r->given, "repo");
    struct strlist    args = {0}, names = {0};
    struct err        none = ERR_INIT;
    const char       *env = getenv("PGASSAY_REPO");

    if (o == NULL) {
        return;
    }
    opts_texts(o, values, &args);
    if (flag && o->kind == OPT_TEXT) {
        print_values(f, "repo", &args, "command line");
    } else if (config_repo_names(c, flag ? &args : NULL, database, &names, &none) != 0) {
        (void)fprintf(f, "; repo is not set\n");
    } else if (flag || (env != NULL && env[strspn(env, " ,\t")] != '\0')) {
        print_values(f, "repo", &names, flag ? "command line" : "PGASSAY_REPO");
    } else {
        print_list(c, f, kind_of(c, database, "repo"), database, "repo");
    }
    strlist_free(&args);
    strlist_free(&names);
}

static void
print_option(const struct config *c, const char *database, const struct opts_result *r,
             const struct opt *o, const void *values, FILE *f)
{
    struct strlist texts = {0};
    size_t         at = 0;
    const char    *from = "default";

    opts_texts(o, values, &texts);
    if (strlist_has(&r->given, o->name)) {
        from = "command line";
    } else if (strlist_has(&r->from_env, o->name)) {
        from = o->env;
    } else if (config_next(c, kind_of(c, database, o->config), database, o->config, &at) != NULL) {
        print_entry(c, f, kind_of(c, database, o->config), database, o->config);
        from = NULL;
    }
    if (from != NULL && o->kind == OPT_LIST && texts.n > 0) {
        print_values(f, o->config, &texts, from);
    } else if (from != NULL && texts.n > 0) {
        print_value(f, o->config, texts.v[0], from, 0);
    }
    strlist_free(&texts);
}

void
config_print_options(const struct config *c, const char *database, const struct opts_result *r,
                     const void *values, FILE *f)
{
    const struct opt *o;

    print_file(c, f);
    print_repo(c, database, r, values, f);
    for (size_t i = 0; (o = opts_at(r->tables, i)) != NULL; i++) {
        if (o->config != NULL) {
            print_option(c, database, r, o, values, f);
        }
    }
    print_repo_environment(c, f);
    print_sections(c, f);
}
