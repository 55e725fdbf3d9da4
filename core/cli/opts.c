#include "core/cli/opts.h"

#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/cli/opts_print.h"
#include "core/cli/opts_table.h"

/* What getopt_long() returns for options without a letter. */
enum { VAL_TABLE = 256, VAL_HELP = 100000, VAL_VERSION, VAL_COMPLETION };

static int
set_flag(const struct opt *o, bool *value, const char *text, struct err *e)
{
    static const char *const yes[] = {"true", "yes", "on", "1"};
    static const char *const no[] = {"false", "no", "off", "0"};

    for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++) {
        if (text == NULL || strcmp(text, yes[i]) == 0) {
            *value = true;
            return 0;
        }
        if (strcmp(text, no[i]) == 0) {
            *value = false;
            return 0;
        }
    }
    return err_set(e, ERR_USAGE, "%s: \"%s\" is neither yes nor no", o->name, text);
}

static int
set_int(const struct opt *o, int *value, const char *text, struct err *e)
{
    char *end;
    long  v;

    errno = 0;
    v = strtol(text, &end, 10);
    if (*text == '\0' || *end != '\0' || errno != 0 || v < o->min || v > o->max) {
        return err_set(e, ERR_USAGE, "%s: \"%s\" is not a number from %d to %d", o->name, text,
                       o->min, o->max);
    }
    *value = (int)v;
    return 0;
}

static int
set_value(const struct opt *o, void *values, const char *text, struct err *e)
{
    char *at = (char *)values + o->offset;

    switch (o->kind) {
    case OPT_FLAG:
        return set_flag(o, (void *)at, text, e);
    case OPT_INT:
        return set_int(o, (void *)at, text, e);
    case OPT_LIST:
        strlist_add((void *)at, text);
        return 0;
    case OPT_TEXT:
        memcpy(at, &text, sizeof text);
        return 0;
    default:
        return 0;
    }
}

char *
opts_text(const struct opt *o, const void *values)
{
    const char *at = (const char *)values + o->offset;

    switch (o->kind) {
    case OPT_FLAG:
        return xstrdup(*(const bool *)(const void *)at ? "yes" : "no");
    case OPT_INT:
        return xasprintf("%d", *(const int *)(const void *)at);
    case OPT_TEXT: {
        const char *text;

        memcpy(&text, at, sizeof text);
        return text == NULL ? NULL : xstrdup(text);
    }
    default:
        return NULL; /* lists have no place in the configuration file */
    }
}

int
opts_set(const struct opts_spec *spec, void *values, const char *name, const char *text,
         struct err *e)
{
    const struct opt *o;

    for (size_t i = 0; (o = opts_at(spec, i)) != NULL; i++) {
        if (strcmp(o->name, name) == 0) {
            return set_value(o, values, text, e);
        }
    }
    return err_set(e, ERR_USAGE, "there is no option \"%s\"", name);
}

int
opts_given(const struct opts_result *r, const char *name)
{
    return strlist_has(&r->given, name) || strlist_has(&r->from_env, name);
}

static int
read_environment(const struct opts_spec *spec, void *values, struct opts_result *r, struct err *e)
{
    const struct opt *o;

    for (size_t i = 0; (o = opts_at(spec, i)) != NULL; i++) {
        const char *text = o->env == NULL ? NULL : getenv(o->env);

        if (text == NULL || *text == '\0') {
            continue;
        }
        if (set_value(o, values, text, e) != 0) {
            return err_wrap(e, "environment variable %s", o->env);
        }
        strlist_add(&r->from_env, o->name);
    }
    return 0;
}

/* getopt_long()'s own tables, made from ours.  shorts starts with ':': we print the errors. */
struct getopt_tables {
    struct option *longs;
    char           shorts[2 * 128 + 2];
};

static void
make_tables(const struct opts_spec *spec, struct getopt_tables *t)
{
    const struct opt *o;
    size_t            n = 0;
    char             *s = t->shorts;

    while (opts_at(spec, n) != NULL) {
        n++;
    }
    t->longs = xcalloc(n + 4, sizeof *t->longs);
    *s++ = ':';
    for (size_t i = 0; i < n; i++) {
        o = opts_at(spec, i);
        t->longs[i] = (struct option){o->name,
                                      o->kind == OPT_FLAG ? no_argument : required_argument, NULL,
                                      VAL_TABLE + (int)i};
        if (o->letter != 0) {
            *s++ = o->letter;
            if (o->kind != OPT_FLAG) {
                *s++ = ':';
            }
        }
    }
    *s = '\0';
    t->longs[n++] = (struct option){"help", no_argument, NULL, VAL_HELP};
    t->longs[n++] = (struct option){"version", no_argument, NULL, VAL_VERSION};
    t->longs[n] = (struct option){"completion", required_argument, NULL, VAL_COMPLETION};
}

static const struct opt *
find(const struct opts_spec *spec, int val)
{
    const struct opt *o;

    if (val >= VAL_TABLE) {
        return opts_at(spec, (size_t)(val - VAL_TABLE));
    }
    for (size_t i = 0; (o = opts_at(spec, i)) != NULL; i++) {
        if (o->letter == val) {
            return o;
        }
    }
    return NULL;
}

static int
print_completion(const struct opts_spec *spec, const char *shell, struct err *e)
{
    if (strcmp(shell, "bash") != 0) {
        return err_set(e, ERR_USAGE, "--completion knows bash only, not \"%s\"", shell);
    }
    opts_print_completion(spec);
    return 0;
}

/* The argument that getopt_long() just refused. */
static int
refuse(int c, char **argv, struct err *e)
{
    const char *what = c == ':' ? "needs a value" : "is not an option, or stands for several";

    if (optopt > 0 && optopt < VAL_TABLE) {
        return err_set(e, ERR_USAGE, "-%c %s", optopt, c == ':' ? what : "is not an option");
    }
    if (optopt >= VAL_TABLE && c != ':') {
        what = "takes no value";
    }
    return err_set(e, ERR_USAGE, "%s %s", argv[optind - 1], what);
}

static int
take_option(const struct opts_spec *spec, int c, char **argv, void *values, struct opts_result *r,
            struct err *e)
{
    const struct opt *o;

    switch (c) {
    case VAL_HELP:
        opts_print_help(spec);
        r->done = 1;
        return 0;
    case VAL_VERSION:
        opts_print_version(spec);
        r->done = 1;
        return 0;
    case VAL_COMPLETION:
        r->done = 1;
        return print_completion(spec, optarg, e);
    case ':':
    case '?':
        return refuse(c, argv, e);
    default:
        o = find(spec, c);
        if (o->kind == OPT_LIST && !strlist_has(&r->given, o->name)) {
            strlist_free((void *)((char *)values + o->offset)); /* what the environment said */
        }
        if (set_value(o, values, optarg, e) != 0) {
            return err_wrap(e, "command line");
        }
        strlist_add(&r->given, o->name);
        return 0;
    }
}

int
opts_parse(const struct opts_spec *spec, int argc, char **argv, void *values, struct opts_result *r,
           struct err *e)
{
    struct getopt_tables t = {0};
    int                  rc = -1;
    int                  c;

    *r = (struct opts_result){0};
    if (read_environment(spec, values, r, e) != 0) {
        return -1;
    }
    make_tables(spec, &t);
    optind = 0; /* GNU: start afresh */
    while ((c = getopt_long(argc, argv, t.shorts, t.longs, NULL)) != -1) {
        if (take_option(spec, c, argv, values, r, e) != 0) {
            goto out;
        }
        if (r->done) {
            break;
        }
    }
    for (int i = optind; i < argc && !r->done; i++) {
        strlist_add(&r->rest, argv[i]);
    }
    rc = 0;
out:
    if (rc != 0 && e->hint[0] == '\0') {
        err_hint(e, "see %s --help", spec->program);
    }
    free(t.longs);
    return rc;
}

static bool
has_word(const char *words, const char *word)
{
    size_t n = strlen(word);

    for (const char *w = words; *w != '\0'; w += strcspn(w, " "), w += strspn(w, " ")) {
        if (strcspn(w, " ") == n && strncmp(w, word, n) == 0) {
            return true;
        }
    }
    return false;
}

int
opts_check_verb(const struct opts_result *r, const char *verb, const struct opt_verbs *table,
                struct err *e)
{
    for (const struct opt_verbs *t = table; t->options != NULL; t++) {
        for (size_t i = 0; i < r->given.n && !has_word(t->verbs, verb); i++) {
            if (has_word(t->options, r->given.v[i])) {
                err_set(e, ERR_USAGE, "--%s means nothing to %s", r->given.v[i], verb);
                return err_hint(e, "it belongs to: %s", t->verbs);
            }
        }
    }
    return 0;
}

void
opts_result_free(struct opts_result *r)
{
    strlist_free(&r->rest);
    strlist_free(&r->given);
    strlist_free(&r->from_env);
}
