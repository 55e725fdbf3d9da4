#include "core/report/finding.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
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

char *
finding_object(const char *schema, const char *name)
{
    return schema == NULL ? xstrdup(name) : xasprintf("%s.%s", schema, name);
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
    one.fold = keep(f, one.fold);
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

/* A finding is one line, whatever text it quotes, and one more for what to do about it. */
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
    if (one->advice != NULL) {
        print_to(out, "  %-12s -> %s\n", "", one->advice);
    }
}

/* ---- folding ---- */

/* Of this many similar ones only the first are named. */
enum { FOLD_FROM = 5, FOLD_NAMED = 2 };

/* One finding among similar ones. */
struct alike {
    const struct finding *finding;
    size_t                rank, count;
};

static size_t
word_length(const char *s)
{
    size_t n = 0;

    while (isalnum((unsigned char)s[n]) || s[n] == '_' || (unsigned char)s[n] >= 0x80) {
        n++;
    }
    return n > 0 ? n : *s != '\0';
}

char *
finding_change(const char *want, const char *have)
{
    struct strlist pairs = {0};
    struct buf     text = BUF_INIT(BUF_NO_LIMIT);
    struct err     never = ERR_INIT;
    char          *change;

    while (*want != '\0' && *have != '\0') {
        size_t n = word_length(want), m = word_length(have);

        if (n != m || memcmp(want, have, n) != 0) {
            char *pair = xasprintf("want %.*s, have %.*s", (int)n, want, (int)m, have);

            if (!strlist_has(&pairs, pair)) {
                strlist_add(&pairs, pair);
            }
            free(pair);
        }
        want += n;
        have += m;
    }
    for (size_t i = 0; i < pairs.n; i++) {
        (void)buf_printf(&text, &never, "%s%s", i == 0 ? "" : "; ", pairs.v[i]);
    }
    change = *want == '\0' && *have == '\0' && pairs.n > 0 ? xstrdup(buf_str(&text)) : NULL;
    buf_free(&text);
    strlist_free(&pairs);
    return change;
}

static int
by_place(const void *a, const void *b)
{
    const struct alike *x = a, *y = b;

    return (x->finding > y->finding) - (x->finding < y->finding);
}

static int
likeness(const struct finding *x, const struct finding *y)
{
    int c = (int)x->class - (int)y->class;

    if (x->fold == NULL || y->fold == NULL) {
        return (x->fold != NULL) - (y->fold != NULL);
    }
    c = c != 0 ? c : strcmp(x->group, y->group);
    return c != 0 ? c : strcmp(x->fold, y->fold);
}

static int
by_likeness(const void *a, const void *b)
{
    const struct alike *x = a, *y = b;
    int                 c = likeness(x->finding, y->finding);

    return c != 0 ? c : by_place(a, b);
}

/* For each finding, in order: how many are like it, and which of these it is. */
static struct alike *
find_alike(const struct findings *f)
{
    struct alike *v = xcalloc(f->n + 1, sizeof *v);

    for (size_t i = 0; i < f->n; i++) {
        v[i].finding = &f->v[i];
    }
    qsort(v, f->n, sizeof *v, by_likeness);
    for (size_t i = 0, n; i < f->n; i += n) {
        for (n = 1; v[i].finding->fold != NULL && i + n < f->n &&
             likeness(v[i].finding, v[i + n].finding) == 0;
             n++) {
            v[i + n].rank = n;
        }
        for (size_t k = i; k < i + n; k++) {
            v[k].count = n;
        }
    }
    qsort(v, f->n, sizeof *v, by_place);
    return v;
}

static void
print_folded(FILE *out, const struct alike *a)
{
    const struct finding *one = a->finding;

    if (a->count < FOLD_FROM || a->rank < FOLD_NAMED) {
        print_finding(out, one);
    } else if (a->rank + 1 == a->count) {
        print_to(out, "  %-12s ... and %zu more: %s (--json names them)\n", class_name[one->class],
                 a->count - FOLD_NAMED, one->fold);
    }
}

/* Groups come in the order in which their first finding was made. */
void
findings_print(const struct findings *f, FILE *out)
{
    bool         *done = xcalloc(f->n + 1, sizeof *done);
    struct alike *alike = find_alike(f);

    for (size_t i = 0; i < f->n; i++) {
        if (done[i])
            continue;
        print_to(out, "%s\n", f->v[i].group);
        for (size_t k = i; k < f->n; k++) {
            if (done[k] || strcmp(f->v[k].group, f->v[i].group) != 0)
                continue;
            print_folded(out, &alike[k]);
            done[k] = true;
        }
    }
    free(alike);
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
        if (one->advice != NULL) {
            json_object_set_new(o, "advice", json_text(one->advice));
        }
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
