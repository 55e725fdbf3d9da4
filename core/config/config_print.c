/* How the configuration meets a tool's options, and --print-config (config.h). */
#include <stdlib.h>
#include <string.h>

#include "core/config/config.h"
#include "core/config/config_in.h"
#include "core/mem.h"

static const char *
find(const struct config *c, const char *database, const char *key, int *line)
{
    const char *text = database == NULL ? NULL : config_find(c, "database", database, key, line);

    return text == NULL ? config_find(c, "", NULL, key, line) : text;
}

int
config_apply(const struct config *c, const char *database, const struct opts_spec *spec,
             const struct opts_result *r, void *values, struct err *e)
{
    const struct opt *o;

    for (size_t i = 0; (o = opts_at(spec, i)) != NULL; i++) {
        const char *text;
        int         line = 0;

        if (o->config == NULL || opts_given(r, o->name)) {
            continue;
        }
        text = find(c, database, o->config, &line);
        if (text != NULL && opts_set(spec, values, o->name, text, e) != 0) {
            return err_wrap(e, "%s:%d", config_path(c), line);
        }
    }
    return 0;
}

static void
print_value(FILE *f, const char *key, const char *value, const char *from, int line)
{
    if (config_is_secret(value)) {
        (void)fprintf(f, "; %s is hidden: it holds a password ; %s", key, from);
    } else {
        (void)fprintf(f, "%s = %s ; %s", key, value, from);
    }
    if (line > 0) {
        (void)fprintf(f, ":%d", line);
    }
    (void)putc('\n', f);
}

static void
print_section(const struct config *c, const char *kind, const char *name, FILE *f)
{
    const char *key;
    int         line = 0;

    (void)fprintf(f, "\n[%s %s]\n", kind, name);
    for (size_t i = 0; (key = config_key(c, kind, name, i)) != NULL; i++) {
        const char *value = config_find(c, kind, name, key, &line);

        print_value(f, key, value, config_path(c), line);
    }
}

static void
print_sections(const struct config *c, FILE *f)
{
    static const char *const kinds[] = {"repo", "database"};

    for (size_t k = 0; k < 2; k++) {
        const char *name;

        for (size_t i = 0; (name = config_section(c, kinds[k], i)) != NULL; i++) {
            print_section(c, kinds[k], name, f);
        }
    }
}

static void
print_file(const struct config *c, FILE *f)
{
    (void)fprintf(f, "; file: %s\n", config_path(c) == NULL ? "none" : config_path(c));
}

void
config_print(const struct config *c, FILE *f)
{
    const char *key;
    int         line = 0;

    print_file(c, f);
    for (size_t i = 0; (key = config_key(c, "", "", i)) != NULL; i++) {
        const char *value = config_find(c, "", "", key, &line);

        print_value(f, key, value, config_path(c), line);
    }
    print_sections(c, f);
}

void
config_print_options(const struct config *c, const char *database, const struct opts_spec *spec,
                     const struct opts_result *r, const void *values, FILE *f)
{
    const struct opt *o;

    print_file(c, f);
    for (size_t i = 0; (o = opts_at(spec, i)) != NULL; i++) {
        char *text = o->config == NULL ? NULL : opts_text(o, values);
        int   line = 0;

        if (text == NULL) {
            continue;
        }
        if (strlist_has(&r->given, o->name)) {
            print_value(f, o->config, text, "command line", 0);
        } else if (strlist_has(&r->from_env, o->name)) {
            print_value(f, o->config, text, o->env, 0);
        } else if (find(c, database, o->config, &line) != NULL) {
            print_value(f, o->config, text, config_path(c), line);
        } else {
            print_value(f, o->config, text, "default", 0);
        }
        free(text);
    }
    print_sections(c, f);
}
