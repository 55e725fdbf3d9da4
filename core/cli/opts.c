#include "core/cli/opts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/cli/completion.h"
#include "core/cli/help.h"
#include "core/cli/opts_args.h"
#include "core/cli/opts_impl.h"
#include "core/cli/opts_log.h"

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
    case OPT_LOG:
        return opts_log_set(o->name, text, e);
    default:
        return 0;
    }
}

void
opts_texts(const struct opt *o, const void *values, struct strlist *out)
{
    const char           *at = (const char *)values + o->offset;
    const struct strlist *list = (const void *)at;
    const char           *text;

    switch (o->kind) {
    case OPT_FLAG:
        strlist_add(out, *(const bool *)(const void *)at ? "yes" : "no");
        break;
    case OPT_INT:
        strlist_take(out, xasprintf("%d", *(const int *)(const void *)at));
        break;
    case OPT_TEXT:
        memcpy(&text, at, sizeof text);
        if (text != NULL) {
            strlist_add(out, text);
        }
        break;
    case OPT_LIST:
        for (size_t i = 0; i < list->n; i++) {
            strlist_add(out, list->v[i]);
        }
        break;
    case OPT_LOG:
        strlist_add(out, opts_log_text(o->name));
        break;
    default:
        break;
    }
}

int
opts_set(opts_tables tables, void *values, const char *name, const char *text, struct err *e)
{
    const struct opt *o = opts_named(tables, name);

    return o != NULL ? set_value(o, values, text, e)
                     : err_set(e, ERR_USAGE, "there is no option \"%s\"", name);
}

int
opts_given(const struct opts_result *r, const char *name)
{
    return strlist_has(&r->given, name) || strlist_has(&r->from_env, name);
}

static int
read_environment(void *values, struct opts_result *r, struct err *e)
{
    const struct opt *o;

    for (size_t i = 0; (o = opts_at(r->tables, i)) != NULL; i++) {
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

static const struct opt *
option_of(opts_tables tables, int val)
{
    const struct opt *o;

    if (val >= OPTS_VAL_TABLE) {
        return opts_at(tables, (size_t)(val - OPTS_VAL_TABLE));
    }
    for (size_t i = 0; (o = opts_at(tables, i)) != NULL; i++) {
        if (o->letter == val) {
            return o;
        }
    }
    return NULL;
}

static int
take_option(const struct opt *o, void *values, struct opts_result *r, struct err *e)
{
    if (o->kind == OPT_LIST && !strlist_has(&r->given, o->name)) {
        strlist_free((void *)((char *)values + o->offset)); /* the value from the environment */
    }
    if (set_value(o, values, optarg, e) != 0) {
        return err_wrap(e, "command line");
    }
    strlist_add(&r->given, o->name);
    return 0;
}

static int
take(const struct opts_spec *spec, const struct opts_verb *verb, int c, char **argv, void *values,
     struct opts_result *r, struct err *e)
{
    switch (c) {
    case OPTS_VAL_HELP:
        r->done = 1;
        return help_print(spec, verb, optarg, e);
    case OPTS_VAL_VERSION:
        help_print_version(spec);
        r->done = 1;
        return 0;
    case OPTS_VAL_COMPLETION:
        r->done = 1;
        return completion_print(spec, optarg, e);
    case ':':
    case '?':
        return opts_refuse(spec, verb, r->tables, c, argv, e);
    default:
        return take_option(option_of(r->tables, c), values, r, e);
    }
}

int
opts_parse(const struct opts_spec *spec, const struct opts_verb *verb, int argc, char **argv,
           void *values, struct opts_result *r, struct err *e)
{
    struct opts_getopt t = {0};
    int                rc = -1;
    int                c;

    *r = (struct opts_result){.tables = verb != NULL ? verb->tables : spec->tables};
    if (read_environment(values, r, e) != 0) {
        return -1;
    }
    opts_getopt_make(r->tables, &t);
    optind = 0; /* GNU: start afresh */
    while (!r->done && (c = getopt_long(argc, argv, t.shorts, t.longs, NULL)) != -1) {
        if (take(spec, verb, c, argv, values, r, e) != 0) {
            goto out;
        }
    }
    /* The command's own words come first among those that are left. */
    optind += verb == NULL ? 0 : strchr(verb->name, ' ') == NULL ? 1 : 2;
    for (int i = optind; i < argc && !r->done; i++) {
        strlist_add(&r->rest, argv[i]);
    }
    rc = 0;
out:
    if (rc != 0 && e->hint[0] == '\0') {
        (void)opts_hint_help(spec, verb, e);
    }
    free(t.longs);
    return rc;
}

int
opts_check(const struct opts_spec *spec, const struct opts_verb *verb, const struct opts_result *r,
           struct err *e)
{
    if (spec->verbs != NULL && verb == NULL) {
        err_set(e, ERR_USAGE, "which command?");
        return opts_hint_help(spec, NULL, e);
    }
    if (opts_args_check(verb != NULL ? verb->args : spec->args, verb != NULL ? verb->name : NULL,
                        &r->rest, e) != 0) {
        return opts_hint_help(spec, verb, e);
    }
    return 0;
}

static struct strlist *
list_of(const struct opt *o, void *values)
{
    return o->kind == OPT_LIST ? (void *)((char *)values + o->offset) : NULL;
}

void
opts_lists_free(opts_tables tables, void *values)
{
    const struct opt *o;

    for (size_t i = 0; (o = opts_at(tables, i)) != NULL; i++) {
        if (list_of(o, values) != NULL) {
            strlist_free(list_of(o, values));
        }
    }
}

void
opts_lists_copy(opts_tables tables, void *values)
{
    const struct opt *o;

    for (size_t i = 0; (o = opts_at(tables, i)) != NULL; i++) {
        struct strlist *list = list_of(o, values);
        struct strlist  copy = {0};

        for (size_t k = 0; list != NULL && k < list->n; k++) {
            strlist_add(&copy, list->v[k]);
        }
        if (list != NULL) {
            *list = copy;
        }
    }
}

void
opts_result_free(struct opts_result *r)
{
    strlist_free(&r->rest);
    strlist_free(&r->given);
    strlist_free(&r->from_env);
}
