#include "core/cli/opts_print.h"

#include <stdio.h>
#include <string.h>

enum { HELP_COLUMN = 28, HELP_WIDTH = 100 };

static const struct opt builtin[] = {
    {.kind = OPT_FLAG, .name = "help", .help = "print this and leave"},
    {.kind = OPT_FLAG, .name = "version", .help = "print the version and leave"},
    {.kind = OPT_TEXT,
     .name = "completion",
     .arg = "bash",
     .help = "print a completion script for bash and leave"},
};
enum { BUILTINS = sizeof builtin / sizeof builtin[0] };

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

static void
print_option(const struct opt *o)
{
    char   label[128];
    char   help[1024];
    size_t n;

    n = (size_t)snprintf(label, sizeof label, "  %c%c%s--%s%s%s", o->letter != 0 ? '-' : ' ',
                         o->letter != 0 ? o->letter : ' ', o->letter != 0 ? ", " : "  ", o->name,
                         o->arg != NULL ? "=" : "", o->arg != NULL ? o->arg : "");
    (void)snprintf(help, sizeof help, "%s%s%s%s%s", o->help,
                   o->env != NULL ? " [environment: " : "", o->env != NULL ? o->env : "",
                   o->env != NULL ? "]" : "", o->kind == OPT_LIST ? " (may be given again)" : "");
    if (n + 2 > HELP_COLUMN) {
        printf("%s\n%*s", label, HELP_COLUMN, "");
    } else {
        printf("%-*s", HELP_COLUMN, label);
    }
    print_words(help, HELP_COLUMN);
}

void
opts_print_help(const struct opts_spec *spec)
{
    printf("Usage: %s %s\n", spec->program, spec->usage);
    print_words(spec->summary, 0);
    if (spec->table[0].kind != OPT_HEAD || spec->table[0].name == NULL) {
        printf("\nOptions:\n");
    }
    for (const struct opt *o = spec->table; o->kind != OPT_HEAD || o->name != NULL; o++) {
        if (o->kind == OPT_HEAD) {
            printf("\n%s:\n", o->name);
        } else {
            print_option(o);
        }
    }
    for (size_t i = 0; i < BUILTINS; i++) {
        print_option(&builtin[i]);
    }
    printf(
        "\nExit status: 0 good, 1 failed, 2 wrong usage or configuration, 3 verification found a "
        "difference,\n"
        "4 partly done, 130 or 143 interrupted.\n");
}

void
opts_print_version(const struct opts_spec *spec)
{
    printf("%s %s\n", spec->program, PGASSAY_VERSION);
}

static void
print_long_names(const struct opts_spec *spec)
{
    const struct opt *o;

    for (size_t i = 0; (o = opts_at(spec, i)) != NULL; i++) {
        printf("--%s%s ", o->name, o->kind == OPT_FLAG ? "" : "=");
    }
    for (size_t i = 0; i < BUILTINS; i++) {
        printf("%s--%s%s", i > 0 ? " " : "", builtin[i].name,
               builtin[i].kind == OPT_FLAG ? "" : "=");
    }
}

/* Long options, and files for everything else; no blank behind "--name=". */
void
opts_print_completion(const struct opts_spec *spec)
{
    char function[64];

    (void)snprintf(function, sizeof function, "_%s", spec->program);
    for (char *c = function; *c != '\0'; c++) {
        if (*c == '-') {
            *c = '_';
        }
    }
    printf("# bash completion for %s\n%s()\n{\n", spec->program, function);
    printf(
        "    local word=${COMP_WORDS[COMP_CWORD]}\n\n    COMPREPLY=()\n    case $word in\n    "
        "-*)\n");
    printf("        mapfile -t COMPREPLY < <(compgen -W '");
    print_long_names(spec);
    printf(
        "' -- \"$word\")\n        [[ ${COMPREPLY[0]-} == *= ]] && compopt -o nospace\n        ;;\n "
        "   esac\n}\n");
    printf("complete -o default -F %s %s\n", function, spec->program);
}
