/* Parts of the scripts (completion_impl.h). */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/cli/completion_impl.h"
#include "core/cli/opts_impl.h"

/* ---- contents of the tables ---- */

int
completion_command(const struct opts_spec *spec, size_t i, const struct opts_verb **verb)
{
    *verb = i == 0 || spec->verbs == NULL ? NULL : spec->verbs[i - 1];
    return i == 0 || *verb != NULL;
}

const struct opt *
completion_option(const struct opts_spec *spec, const struct opts_verb *verb, size_t i)
{
    return opts_at_or_builtin(verb == NULL ? spec->tables : verb->tables, i);
}

static void
add_valued(const struct opt *o, struct strlist *out)
{
    char *name = xasprintf("--%s", o->name);

    if (o->kind != OPT_FLAG && !strlist_has(out, name)) {
        strlist_add(out, name);
        if (o->letter != 0) {
            strlist_take(out, xasprintf("-%c", o->letter));
        }
    }
    free(name);
}

void
completion_valued(const struct opts_spec *spec, struct strlist *out)
{
    const struct opts_verb *verb;
    const struct opt       *o;

    for (size_t i = 0; completion_command(spec, i, &verb); i++) {
        for (size_t k = 0; (o = completion_option(spec, verb, k)) != NULL; k++) {
            add_valued(o, out);
        }
    }
}

const struct config_key *
completion_key_at(const struct config_key *const *tables, size_t i)
{
    for (; *tables != NULL; tables++) {
        for (const struct config_key *k = *tables; k->name != NULL; k++) {
            if (i-- == 0) {
                return k;
            }
        }
    }
    return NULL;
}

const struct config_key *
completion_key(const struct opts_spec *spec, size_t i)
{
    return spec->keys == NULL ? NULL : completion_key_at(spec->keys()->repo, i);
}

/* ---- text ---- */

static void
print_prefix(const char *program)
{
    putchar('_');
    for (; *program != '\0'; program++) {
        putchar(*program == '-' ? '_' : *program);
    }
}

void
completion_text(const struct opts_spec *spec, const char *text)
{
    for (; *text != '\0'; text++) {
        if (text[0] == '%' && text[1] == 'P') {
            printf("%s", spec->program);
            text++;
        } else if (text[0] == '%' && text[1] == 'F') {
            print_prefix(spec->program);
            text++;
        } else {
            putchar(*text);
        }
    }
}

static void
quote(const char *text, const char *apostrophe, const char *backslash)
{
    putchar('\'');
    for (; *text != '\0'; text++) {
        if (*text == '\'') {
            printf("%s", apostrophe);
        } else if (*text == '\\') {
            printf("%s", backslash);
        } else {
            putchar(*text);
        }
    }
    putchar('\'');
}

void
completion_quote(const char *text)
{
    quote(text, "'\\''", "\\");
}

void
completion_quote_fish(const char *text)
{
    quote(text, "\\'", "\\\\");
}

/* ---- common to bash and zsh ---- */

static void
print_commands(const struct opts_spec *spec)
{
    completion_text(spec,
                    "# Takes the command off $places.\n"
                    "%F_command() {\n"
                    "    command=\n"
                    "    case \"${places[*]:0:2}\" in\n");
    for (int pairs = 1; spec->verbs != NULL && pairs >= 0; pairs--) {
        for (size_t i = 0; spec->verbs[i] != NULL; i++) {
            const char *name = spec->verbs[i]->name;

            if ((strchr(name, ' ') != NULL) != (pairs != 0)) {
                continue;
            }
            printf("    '%s'", name);
            if (!pairs) {
                printf(" | '%s '*", name);
            }
            printf(") command='%s' places=(\"${places[@]:%d}\") ;;\n", name, pairs + 1);
        }
    }
    printf("    esac\n}\n");
}

static void
print_arguments(const struct opts_spec *spec)
{
    const struct opts_verb *verb;

    completion_text(spec,
                    "# COMMAND N: what its N-th argument is, from 0.\n"
                    "%F_argument() {\n"
                    "    case \"$1 $2\" in\n");
    for (size_t i = 0; completion_command(spec, i, &verb); i++) {
        const char *args = verb != NULL ? verb->args : spec->verbs == NULL ? spec->args : "";
        char        name[32];

        for (size_t k = 0; k < 4; k++) {
            opts_args_name(args, k, name, sizeof name);
            if (*name != '\0') {
                printf("    '%s %zu') echo %s ;;\n", verb == NULL ? "" : verb->name, k,
                       opts_offer_text(opts_args_offer(name)));
            }
        }
    }
    printf("    esac\n}\n");
}

/* The options whose value is of one kind. */
static void
print_values_of(const struct opts_spec *spec, enum opts_offer offer)
{
    const struct opts_verb *verb;
    const struct opt       *o;
    struct strlist          names = {0};

    for (size_t i = 0; completion_command(spec, i, &verb); i++) {
        for (size_t k = 0; (o = completion_option(spec, verb, k)) != NULL; k++) {
            if (opts_args_offer(o->arg) == offer) {
                add_valued(o, &names);
            }
        }
    }
    for (size_t i = 0; i < names.n; i++) {
        printf("%s%s%s", i == 0 ? "    " : " | ", names.v[i], "");
    }
    if (names.n > 0) {
        printf(") echo %s ;;\n", opts_offer_text(offer));
    }
    strlist_free(&names);
}

void
completion_data(const struct opts_spec *spec)
{
    struct strlist valued = {0};

    print_commands(spec);
    print_arguments(spec);
    completion_text(spec,
                    "# OPTION: what its value is.\n"
                    "%F_value() {\n"
                    "    case $1 in\n");
    for (int offer = OFFER_FILES; offer < OFFERS; offer++) {
        print_values_of(spec, (enum opts_offer)offer);
    }
    printf("    esac\n}\n");
    completion_valued(spec, &valued);
    completion_text(spec,
                    "# WORD: is it an option whose value is the next word?\n%F_valued() {\n    "
                    "case $1 in\n");
    for (size_t i = 0; i < valued.n; i++) {
        printf("%s%s", i == 0 ? "    " : " | ", valued.v[i]);
    }
    printf(") return 0 ;;\n    esac\n    return 1\n}\n");
    strlist_free(&valued);
}
