/* Finding the command on the line, and options that this command does not know (opts.h). */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/cli/opts_impl.h"
#include "core/similar.h"

/* ---- getopt_long()'s tables ---- */

void
opts_getopt_make(opts_tables tables, struct opts_getopt *t)
{
    const struct opt *o;
    size_t            n = 0;
    char             *s = t->shorts;

    while (opts_at(tables, n) != NULL) {
        n++;
    }
    t->longs = xcalloc(n + 4, sizeof *t->longs);
    *s++ = ':';
    for (size_t i = 0; i < n; i++) {
        o = opts_at(tables, i);
        t->longs[i] = (struct option){o->name,
                                      o->kind == OPT_FLAG ? no_argument : required_argument, NULL,
                                      OPTS_VAL_TABLE + (int)i};
        if (o->letter != 0 && memchr(t->shorts, o->letter, (size_t)(s - t->shorts)) == NULL) {
            *s++ = o->letter;
            if (o->kind != OPT_FLAG) {
                *s++ = ':';
            }
        }
    }
    *s = '\0';
    t->longs[n++] = (struct option){"help", optional_argument, NULL, OPTS_VAL_HELP};
    t->longs[n++] = (struct option){"version", no_argument, NULL, OPTS_VAL_VERSION};
    t->longs[n] = (struct option){"completion", required_argument, NULL, OPTS_VAL_COMPLETION};
}

/* ---- commands ---- */

bool
opts_in_group(const struct opts_verb *v, const char *word)
{
    size_t n = strlen(word);

    return strncmp(v->name, word, n) == 0 && v->name[n] == ' ';
}

bool
opts_has_group(const struct opts_spec *spec, const char *word)
{
    for (size_t i = 0; spec->verbs[i] != NULL; i++) {
        if (opts_in_group(spec->verbs[i], word)) {
            return true;
        }
    }
    return false;
}

/* The command of these words; of two if the first is a group's name. */
static const struct opts_verb *
named(const struct opts_spec *spec, const struct strlist *words)
{
    bool  two = words->n > 1 && opts_has_group(spec, words->v[0]);
    char *name = two ? xasprintf("%s %s", words->v[0], words->v[1]) : xstrdup(words->v[0]);
    const struct opts_verb *found = NULL;

    for (size_t i = 0; found == NULL && spec->verbs[i] != NULL; i++) {
        if (strcmp(spec->verbs[i]->name, name) == 0) {
            found = spec->verbs[i];
        }
    }
    free(name);
    return found;
}

/* The commands of a group; NULL: all, each group by its name only. */
static void
names_of(const struct opts_spec *spec, const char *group, struct strlist *names)
{
    for (size_t i = 0; spec->verbs[i] != NULL; i++) {
        const char *name = spec->verbs[i]->name;
        char       *first = xstrndup(name, strcspn(name, " "));

        if (group == NULL && !strlist_has(names, first)) {
            strlist_add(names, first);
        } else if (group != NULL && opts_in_group(spec->verbs[i], group)) {
            strlist_add(names, name);
        }
        free(first);
    }
}

static char *
joined(const struct strlist *names)
{
    char *text = xstrdup("");

    for (size_t i = 0; i < names->n; i++) {
        char *longer = xasprintf("%s%s%s", text, i == 0 ? "" : ", ", names->v[i]);

        free(text);
        text = longer;
    }
    return text;
}

/* Two words if the first is a group's name. */
static int
unknown_command(const struct opts_spec *spec, const struct strlist *words, struct err *e)
{
    const char *group = opts_has_group(spec, words->v[0]) ? words->v[0] : NULL;
    char *name = group != NULL ? xasprintf("%s %s", group, words->v[1]) : xstrdup(words->v[0]);
    struct strlist names = {0};
    char          *all;

    names_of(spec, group, &names);
    all = joined(&names);
    err_set(e, ERR_USAGE, "unknown command \"%s\"", name);
    (void)similar_say(similar_of(name, &names), e);
    err_hint(e, "there are %s; see %s --help", all, spec->program);
    free(all);
    free(name);
    strlist_free(&names);
    return -1;
}

/* The words that are not options; every option that any command knows is skipped.  e: about the
 * first option that no command knows. */
static void
read_words(const struct opts_spec *spec, int argc, char **argv, struct strlist *words,
           struct err *e)
{
    opts_tables        all = opts_all_tables(spec);
    struct opts_getopt t = {0};
    char             **copy = xcalloc((size_t)argc + 1, sizeof *copy);
    int                c;

    opts_getopt_make(all, &t);
    /* Of several options with the same prefix only this matters here: do they take a value?
     * getopt_long() does not see those that agree in this as ambiguous. */
    for (struct option *o = t.longs; o->name != NULL; o++) {
        o->val = OPTS_VAL_TABLE + o->has_arg;
    }
    memcpy(copy, argv, (size_t)argc * sizeof *copy); /* getopt_long() reorders it */
    optind = 0;
    while ((c = getopt_long(argc, copy, t.shorts, t.longs, NULL)) != -1) {
        if ((c == '?' || c == ':') && e->kind == ERR_NONE) {
            (void)opts_refuse(spec, NULL, all, c, copy, e);
        }
    }
    for (int i = optind; i < argc; i++) {
        strlist_add(words, copy[i]);
    }
    free(copy);
    free(t.longs);
    free((void *)(uintptr_t)all);
}

int
opts_verb(const struct opts_spec *spec, int argc, char **argv, const struct opts_verb **out,
          struct err *e)
{
    struct strlist words = {0};
    struct err     bad = ERR_INIT;
    int            rc = 0;

    *out = NULL;
    if (spec->verbs != NULL) {
        read_words(spec, argc, argv, &words, &bad);
    }
    if (words.n > 0 && (*out = named(spec, &words)) == NULL) {
        if (bad.kind == ERR_NONE) {
            rc = unknown_command(spec, &words, e);
        } else { /* what looks like a command may be such an option's value */
            *e = bad;
            rc = bad.hint[0] != '\0' ? -1 : opts_hint_help(spec, NULL, e);
        }
    }
    strlist_free(&words);
    return rc;
}
