#include "core/report/finding.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "core/mem.h"
#include "core/print.h"

static const char *const class_name[] = {"different", "not compared", "note", "good", "bad"};

static const char *
keep(struct findings *f, const char *s)
{
    if (s == NULL)
        return NULL;
    strlist_add(&f->texts, s);
    return f->texts.v[f->texts.n - 1];
}

void
findings_add(struct findings *f, struct finding one)
{
    pthread_mutex_lock(&f->lock);
    one.group = keep(f, one.group);
    one.object = keep(f, one.object);
    one.what = keep(f, one.what);
    one.want = keep(f, one.want);
    one.have = keep(f, one.have);
    one.advice = keep(f, one.advice);
    VEC_GROW(f->v, f->n, f->cap);
    f->v[f->n++] = one;
    pthread_mutex_unlock(&f->lock);
}

void
findings_add_u64(struct findings *f, struct finding one, unsigned long long want,
                 unsigned long long have)
{
    char want_text[24], have_text[24];

    snprintf(want_text, sizeof want_text, "%llu", want);
    snprintf(have_text, sizeof have_text, "%llu", have);
    one.want = want_text;
    one.have = have_text;
    findings_add(f, one);
}

size_t
findings_count(const struct findings *f, enum finding_class class)
{
    size_t n = 0;

    for (size_t i = 0; i < f->n; i++)
        n += f->v[i].class == class;
    return n;
}

/* A finding is one line, whatever it quotes. */
static void
print_finding(FILE *out, const struct finding *one)
{
    print_to(out, "  %-12s %s: %s", class_name[one->class], one->object, one->what);
    if (one->want != NULL) {
        print_to(out, ": want %s", one->want);
    }
    if (one->have != NULL) {
        print_to(out, "%s%s", one->want != NULL ? ", have " : ": ", one->have);
    }
    print_to(out, "\n");
}

/* Groups come in the order in which their first finding was made. */
void
findings_print(const struct findings *f, FILE *out)
{
    bool *done = xcalloc(f->n + 1, sizeof *done);

    for (size_t i = 0; i < f->n; i++) {
        if (done[i])
            continue;
        print_to(out, "%s\n", f->v[i].group);
        for (size_t k = i; k < f->n; k++) {
            if (done[k] || strcmp(f->v[k].group, f->v[i].group) != 0)
                continue;
            print_finding(out, &f->v[k]);
            done[k] = true;
        }
    }
    free(done);
}

json_t *
findings_json(const struct findings *f)
{
    static const char *const class_key[] = {"different", "not_compared", "note", "good", "bad"};
    json_t                  *list = json_array();

    for (size_t i = 0; i < f->n; i++) {
        const struct finding *one = &f->v[i];
        json_t               *o = json_object();

        json_object_set_new(o, "class", json_string(class_key[one->class]));
        json_object_set_new(o, "group", json_string(one->group));
        json_object_set_new(o, "object", json_text(one->object));
        json_object_set_new(o, "what", json_text(one->what));
        json_object_set_new(o, "want", json_text(one->want));
        json_object_set_new(o, "have", json_text(one->have));
        json_array_append_new(list, o);
    }
    return list;
}

void
findings_free(struct findings *f)
{
    free(f->v);
    strlist_free(&f->texts);
    f->v = NULL;
    f->n = f->cap = 0;
}
