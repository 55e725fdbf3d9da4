#include "core/report/condition.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/exit.h"
#include "core/print.h"

static const char *const level_name[] = {"ok", "unknown", "warning", "critical"};

const char *
level_text(enum level level)
{
    return level_name[level];
}

static const char *
keep(struct conditions *c, const char *s)
{
    if (s == NULL) {
        return NULL;
    }
    strlist_add(&c->texts, s);
    return c->texts.v[c->texts.n - 1];
}

void
conditions_add(struct conditions *c, struct condition one)
{
    one.check = keep(c, one.check);
    one.object = keep(c, one.object);
    one.text = keep(c, one.text);
    one.advice = keep(c, one.advice);
    VEC_GROW(c->v, c->n, c->cap);
    c->v[c->n++] = one;
}

void
conditions_measure(struct conditions *c, struct measure one)
{
    one.name = keep(c, one.name);
    VEC_GROW(c->measures, c->n_measures, c->cap_measures);
    c->measures[c->n_measures++] = one;
}

void
conditions_free(struct conditions *c)
{
    free(c->v);
    free(c->measures);
    strlist_free(&c->texts);
    *c = (struct conditions){0};
}

enum level
conditions_worst(const struct conditions *c)
{
    enum level worst = LEVEL_OK;

    for (size_t i = 0; i < c->n; i++) {
        worst = c->v[i].level > worst ? c->v[i].level : worst;
    }
    return worst;
}

int
conditions_exit_status(const struct conditions *c)
{
    return conditions_worst(c) == LEVEL_OK ? EXIT_GOOD : EXIT_DIFFERENT;
}

static void
print_condition(const struct condition *one, FILE *out)
{
    print_to(out, "%-9s %s%s%s\n", level_name[one->level], one->object != NULL ? one->object : "",
             one->object != NULL ? ": " : "", one->text);
    if (one->advice != NULL) {
        print_raw(out, "          -> ");
        print_to(out, "%s\n", one->advice);
    }
}

void
conditions_print(const struct conditions *c, bool all, FILE *out)
{
    for (int level = LEVEL_CRITICAL; level >= (all ? LEVEL_OK : LEVEL_UNKNOWN); level--) {
        for (size_t i = 0; i < c->n; i++) {
            if (c->v[i].level == (enum level)level) {
                print_condition(&c->v[i], out);
            }
        }
    }
}

static json_t *
text_or_null(const char *s)
{
    return s != NULL ? json_text(s) : json_null();
}

json_t *
conditions_json(const struct conditions *c)
{
    json_t *list = json_array();

    for (size_t i = 0; i < c->n; i++) {
        const struct condition *one = &c->v[i];
        json_t                 *o = json_object();

        (void)json_object_set_new(o, "level", json_string(level_name[one->level]));
        (void)json_object_set_new(o, "check", json_string(one->check));
        (void)json_object_set_new(o, "object", text_or_null(one->object));
        (void)json_object_set_new(o, "text", text_or_null(one->text));
        (void)json_object_set_new(o, "advice", text_or_null(one->advice));
        (void)json_array_append_new(list, o);
    }
    return list;
}

/* ---- one line for a monitoring plugin ---- */

static const struct condition *
first_of(const struct conditions *c, enum level level)
{
    for (size_t i = 0; i < c->n; i++) {
        if (c->v[i].level == level) {
            return &c->v[i];
        }
    }
    return NULL;
}

/* In the line a bar begins the numbers, so that no text may have one. */
static void
print_clause(const struct condition *one, FILE *out)
{
    char *text = xasprintf("%s%s%s", one->object != NULL ? one->object : "",
                           one->object != NULL ? ": " : "", one->text);

    for (char *p = text; (p = strchr(p, '|')) != NULL;) {
        *p = '/';
    }
    print_to(out, "%s", text);
    free(text);
}

static void
print_limit(double limit, FILE *out)
{
    print_raw(out, ";");
    if (!isnan(limit)) {
        print_to(out, "%.15g", limit);
    }
}

/* 'label'=value[UOM];[warn];[crit]: in quotes, in which a quote is doubled; "=" may not be in a
 * label. */
static void
print_measure(const struct measure *m, FILE *out)
{
    print_raw(out, " '");
    for (const char *s = m->name; *s != '\0'; s++) {
        char one[3] = {*s == '=' || *s == '|' ? '_' : *s, *s == '\'' ? '\'' : '\0'};

        print_raw(out, (unsigned char)*s < ' ' ? "_" : one);
    }
    print_to(out, "'=%.15g%s", m->value, m->unit);
    if (!isnan(m->warn) || !isnan(m->critical)) {
        print_limit(m->warn, out);
        print_limit(m->critical, out);
    }
}

int
conditions_nagios(const struct conditions *c, const char *good, FILE *out)
{
    static const struct {
        const char *word;
        int         status;
    } plugin[] = {{"OK", 0}, {"UNKNOWN", 3}, {"WARNING", 1}, {"CRITICAL", 2}};
    enum level worst = conditions_worst(c);
    size_t     more = 0;

    for (size_t i = 0; i < c->n; i++) {
        more += c->v[i].level != LEVEL_OK;
    }
    print_to(out, "PGASSAY %s: ", plugin[worst].word);
    if (worst == LEVEL_OK) {
        print_to(out, "%s", good);
    } else {
        print_clause(first_of(c, worst), out);
        if (more > 1) {
            print_to(out, " (and %zu more)", more - 1);
        }
    }
    if (c->n_measures > 0) {
        print_raw(out, " |");
    }
    for (size_t i = 0; i < c->n_measures; i++) {
        print_measure(&c->measures[i], out);
    }
    print_raw(out, "\n");
    return plugin[worst].status;
}
