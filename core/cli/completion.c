#include "core/cli/completion.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/cli/completion_impl.h"
#include "core/similar.h"

enum { LINES_MAX = 4096 };

static void
print_plain_option(const struct opts_verb *verb, const struct opt *o)
{
    printf("option\t%s\t--%s\t", verb == NULL ? "" : verb->name, o->name);
    if (o->letter != 0) {
        printf("-%c", o->letter);
    }
    printf("\t%s\t%s\n", o->arg == NULL ? "" : o->arg, o->help);
}

static void
print_plain_keys(const char *section, const struct config_key *const *tables)
{
    const struct config_key *k;

    for (size_t i = 0; (k = completion_key_at(tables, i)) != NULL; i++) {
        printf("key\t%s\t%s\t%s\n", section, k->name, k->help);
    }
}

static void
print_plain(const struct opts_spec *spec)
{
    const struct opts_verb *verb;
    const struct opt       *o;

    for (size_t i = 0; completion_command(spec, i, &verb); i++) {
        if (verb != NULL) {
            printf("command\t%s\t%s\t%s\n", verb->name, verb->args, verb->summary);
        }
        for (size_t k = 0; (o = completion_option(spec, verb, k)) != NULL; k++) {
            print_plain_option(verb, o);
        }
    }
    if (spec->keys != NULL) {
        print_plain_keys("", spec->keys()->common);
        print_plain_keys("database", spec->keys()->database);
        print_plain_keys("repo", spec->keys()->repo);
        for (const struct config_kind *k = spec->keys()->others; k->name != NULL; k++) {
            print_plain_keys(k->name, (const struct config_key *const[]){k->keys, NULL});
        }
    }
}

/* The first line of standard input is a word, the others are names. */
static void
print_nearest(const struct opts_spec *spec)
{
    struct strlist lines = {0};
    char          *line = NULL;
    size_t         cap = 0;

    (void)spec;
    while (lines.n < LINES_MAX && getline(&line, &cap, stdin) > 0) {
        line[strcspn(line, "\n")] = '\0';
        strlist_add(&lines, line);
    }
    if (lines.n > 0) {
        const char *nearest = similar_of(lines.v[0], &lines);

        printf("%s%s", nearest == NULL ? "" : nearest, nearest == NULL ? "" : "\n");
    }
    free(line);
    strlist_free(&lines);
}

int
completion_print(const struct opts_spec *spec, const char *shell, struct err *e)
{
    static const struct {
        const char *name;
        void (*print)(const struct opts_spec *);
    } shells[] = {{"bash", completion_bash},
                  {"zsh", completion_zsh},
                  {"fish", completion_fish},
                  {"plain", print_plain},
                  {"nearest", print_nearest}};

    for (size_t i = 0; i < sizeof shells / sizeof shells[0]; i++) {
        if (strcmp(shells[i].name, shell) == 0) {
            shells[i].print(spec);
            return 0;
        }
    }
    return err_set(e, ERR_USAGE, "--completion knows bash, zsh, fish and plain, not \"%s\"", shell);
}
