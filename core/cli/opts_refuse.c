/* opts_refuse.c - errors for unknown options, and for options of other commands (opts.h). */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/cli/opts_impl.h"
#include "core/similar.h"

int
opts_hint_help(const struct opts_spec *spec, const struct opts_verb *verb, struct err *e)
{
    return err_hint(e, "see %s%s%s --help", spec->program, verb == NULL ? "" : " ",
                    verb == NULL ? "" : verb->name);
}

/* The options with that prefix, in words; allocated.  *n: how many there are, *one: the last. */
static char *
beginning_with(opts_tables tables, const char *name, size_t *n, const struct opt **one)
{
    const struct opt *o;
    char             *text = xstrdup("");

    *n = 0;
    *one = NULL;
    for (size_t i = 0; (o = opts_at_or_builtin(tables, i)) != NULL; i++) {
        bool exact = strcmp(o->name, name) == 0;

        if (strncmp(o->name, name, strlen(name)) == 0) {
            char *longer = xasprintf("%s%s--%s", text, *n == 0 ? "" : ", ", o->name);

            free(text);
            text = longer;
            *one = o;
            *n = exact ? 1 : *n + 1;
        }
        if (exact) {
            break;
        }
    }
    return text;
}

/* The commands that take the option, with commas between; allocated, NULL when there is none. */
static char *
takers(const struct opts_spec *spec, const struct opt *o)
{
    char *text = NULL;

    for (size_t i = 0; spec->verbs != NULL && spec->verbs[i] != NULL; i++) {
        if (opts_named(spec->verbs[i]->tables, o->name) != NULL) {
            char *longer = xasprintf("%s%s%s", text == NULL ? "" : text, text == NULL ? "" : ", ",
                                     spec->verbs[i]->name);

            free(text);
            text = longer;
        }
    }
    return text;
}

/* Another command has it, but not this one. */
static int
of_others(const struct opts_spec *spec, const struct opts_verb *verb, const char *dashes,
          const char *name, const struct opt *o, struct err *e)
{
    char *who = takers(spec, o);

    if (verb != NULL) {
        err_set(e, ERR_USAGE, "%s%s means nothing to %s", dashes, name, verb->name);
    } else {
        err_set(e, ERR_USAGE, "%s%s wants a command", dashes, name);
    }
    err_hint(e, "it belongs to: %s", who == NULL ? "nothing" : who);
    free(who);
    return -1;
}

static int
unknown(opts_tables tables, const char *name, struct err *e)
{
    struct similar    s = SIMILAR(name);
    const struct opt *o;

    for (size_t i = 0; (o = opts_at_or_builtin(tables, i)) != NULL; i++) {
        similar_try(&s, o->name);
    }
    err_set(e, ERR_USAGE, "--%s is not an option", name);
    if (s.best != NULL) {
        char *option = xasprintf("--%s", s.best);

        (void)similar_say(option, e);
        free(option);
    }
    return -1;
}

static int
refuse_long(const struct opts_spec *spec, const struct opts_verb *verb, opts_tables tables,
            const char *name, struct err *e)
{
    opts_tables       all = opts_all_tables(spec);
    const struct opt *o;
    size_t            n;
    char             *several = beginning_with(tables, name, &n, &o);

    if (n > 1) {
        err_set(e, ERR_USAGE, "--%s is ambiguous: %s", name, several);
    } else {
        free(several);
        several = beginning_with(all, name, &n, &o);
        if (n == 1 && *name != '\0') {
            (void)of_others(spec, verb, "--", o->name, o, e);
        } else {
            (void)unknown(tables, name, e);
        }
    }
    free(several);
    free((void *)(uintptr_t)all);
    return -1;
}

static int
refuse_letter(const struct opts_spec *spec, const struct opts_verb *verb, int letter, struct err *e)
{
    opts_tables       all = opts_all_tables(spec);
    const struct opt *o;
    char              name[2] = {(char)letter, '\0'};

    for (size_t i = 0; (o = opts_at(all, i)) != NULL && o->letter != letter; i++) {
    }
    if (o != NULL) {
        (void)of_others(spec, verb, "-", name, o, e);
    } else {
        err_set(e, ERR_USAGE, "-%c is not an option", letter);
    }
    free((void *)(uintptr_t)all);
    return -1;
}

int
opts_refuse(const struct opts_spec *spec, const struct opts_verb *verb, opts_tables tables, int c,
            char **argv, struct err *e)
{
    const char *arg = argv[optind - 1];
    char       *name;

    if (optopt > 0 && optopt < OPTS_VAL_TABLE) {
        return c == ':' ? err_set(e, ERR_USAGE, "-%c needs a value", optopt)
                        : refuse_letter(spec, verb, optopt, e);
    }
    name = xstrndup(arg, strcspn(arg, "="));
    if (c == ':') {
        err_set(e, ERR_USAGE, "%s needs a value", name);
    } else if (optopt >= OPTS_VAL_TABLE) {
        err_set(e, ERR_USAGE, "%s takes no value", name);
    } else {
        (void)refuse_long(spec, verb, tables, name + strspn(name, "-"), e);
    }
    free(name);
    return -1;
}
