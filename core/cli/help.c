#include "core/cli/help.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "core/cli/opts_impl.h"

enum { HELP_COLUMN = 28, HELP_WIDTH = 100 };

/* Words, from the given column on, broken at HELP_WIDTH. */
static void
print_words(const char *text, size_t column)
{
    size_t at = column;

    while (*text != '\0') {
        size_t n = strcspn(text, " ");

        if (at > column && at + 1 + n > HELP_WIDTH) {
            printf("\n%*s", (int)column, "");
            at = column;
        } else if (at > column) {
            putchar(' ');
            at++;
        }
        printf("%.*s", (int)n, text);
        at += n;
        text += n;
        text += strspn(text, " ");
    }
    putchar('\n');
}

/* A label, and what it means from HELP_COLUMN on. */
static void
print_row(const char *label, const char *help)
{
    if (strlen(label) + 2 > HELP_COLUMN) {
        printf("%s\n%*s", label, HELP_COLUMN, "");
    } else {
        printf("%-*s", HELP_COLUMN, label);
    }
    print_words(help, HELP_COLUMN);
}

static void
print_option(const struct opt *o)
{
    char label[128];
    char help[1024];

    (void)snprintf(label, sizeof label, "  %c%c%s--%s%s%s", o->letter != 0 ? '-' : ' ',
                   o->letter != 0 ? o->letter : ' ', o->letter != 0 ? ", " : "  ", o->name,
                   o->arg != NULL ? "=" : "", o->arg != NULL ? o->arg : "");
    (void)snprintf(help, sizeof help, "%s%s%s%s%s", o->help, o->env != NULL ? " [$" : "",
                   o->env != NULL ? o->env : "", o->env != NULL ? "]" : "",
                   o->kind == OPT_LIST ? " (may be given again)" : "");
    print_row(label, help);
}

static void
print_options(opts_tables tables)
{
    const struct opt *o;

    if (*tables != NULL && (*tables)->kind != OPT_HEAD) {
        printf("\nOptions:\n");
    }
    for (; *tables != NULL; tables++) {
        for (o = *tables; o->kind != OPT_HEAD || o->name != NULL; o++) {
            if (o->kind == OPT_HEAD) {
                printf("\n%s:\n", o->name);
            } else {
                print_option(o);
            }
        }
    }
    for (size_t i = 0; (o = opts_builtin(i)) != NULL; i++) {
        print_option(o);
    }
}

/* The commands of a group; NULL: all that are in none. */
static void
print_verbs(const struct opts_spec *spec, const char *group)
{
    printf("\nCommands:\n");
    for (size_t i = 0; spec->verbs[i] != NULL; i++) {
        const struct opts_verb *v = spec->verbs[i];
        char                    label[128];

        if (group == NULL ? strchr(v->name, ' ') == NULL : opts_in_group(v, group)) {
            (void)snprintf(label, sizeof label, "  %s%s%s", v->name, *v->args == '\0' ? "" : " ",
                           v->args);
            print_row(label, v->summary);
        }
    }
}

static void
print_usage(const char *program, const char *verb, const char *args)
{
    printf("Usage: %s%s%s [OPTION]...%s%s\n", program, *verb == '\0' ? "" : " ", verb,
           *args == '\0' ? "" : " ", args);
}

static void
print_verb_help(const struct opts_spec *spec, const struct opts_verb *verb)
{
    char summary[512];

    (void)snprintf(summary, sizeof summary, "%c%s.", toupper((unsigned char)*verb->summary),
                   verb->summary + 1);
    print_usage(spec->program, verb->name, verb->args);
    print_words(summary, 0);
    if (opts_has_group(spec, verb->name)) {
        print_verbs(spec, verb->name);
    }
    print_options(verb->tables);
}

void
help_print(const struct opts_spec *spec, const struct opts_verb *verb)
{
    if (verb != NULL) {
        print_verb_help(spec, verb);
        return;
    }
    if (spec->verbs != NULL) {
        print_usage(spec->program, "COMMAND", "[ARGUMENT]...");
    } else {
        print_usage(spec->program, "", spec->args);
    }
    print_words(spec->summary, 0);
    if (spec->verbs != NULL) {
        print_verbs(spec, NULL);
    }
    print_options(spec->tables);
    if (spec->verbs != NULL) {
        printf("\n\"%s COMMAND --help\" shows the options of a command.\n", spec->program);
    }
    printf(
        "\nExit status: 0 good, 1 failed, 2 wrong usage or configuration, 3 verification found a "
        "difference,\n"
        "4 partly done, 130 or 143 interrupted.\n");
}

void
help_print_version(const struct opts_spec *spec)
{
    printf("%s %s\n", spec->program, PGASSAY_VERSION);
}
