#include "verify/job/control.h"

#include <stdlib.h>

#include "core/print.h"

void
result_control_add(struct result_control *c, const struct result_damage *one)
{
    VEC_GROW(c->v, c->n, c->cap);
    c->v[c->n++] = *one;
}

void
result_control_inapplicable(struct result_control *c, const char *name, const char *why)
{
    strlist_add(&c->inapplicable, name);
    strlist_add(&c->why, why != NULL ? why : "");
}

size_t
result_control_noticed(const struct result_control *c)
{
    size_t n = 0;

    for (size_t i = 0; i < c->n; i++)
        n += c->v[i].noticed;
    return n;
}

json_t *
result_control_json(const struct result_control *c)
{
    json_t *list = json_array(), *not_applicable = json_array();

    for (size_t i = 0; i < c->n; i++) {
        const struct result_damage *d = &c->v[i];

        (void)json_array_append_new(list,
                                    json_pack("{s:s, s:s, s:o, s:b}", "damage", d->name, "check",
                                              d->check, "object", json_text(d->object), "noticed",
                                              (int)d->noticed));
    }
    for (size_t i = 0; i < c->inapplicable.n; i++)
        (void)json_array_append_new(
            not_applicable,
            json_pack("{s:s, s:o}", "damage", c->inapplicable.v[i], "why",
                      json_text(c->why.v[i][0] == '\0' ? NULL : c->why.v[i])));
    return json_pack("{s:I, s:I, s:o, s:o}", "made", (json_int_t)c->n, "noticed",
                     (json_int_t)result_control_noticed(c), "damages", list, "not_applicable",
                     not_applicable);
}

void
result_control_print(const struct result_control *c)
{
    size_t noticed = result_control_noticed(c);

    if (!c->made)
        return;
    print_out("self-test        the copy was damaged in %zu ways, of which ", c->n);
    if (noticed == c->n)
        print_out("each was noticed");
    else
        print_out("%zu were NOT noticed", c->n - noticed);
    print_out("; it holds nothing for %zu others\n", c->inapplicable.n);
}

void
result_control_free(struct result_control *c)
{
    for (size_t i = 0; i < c->n; i++)
        free(c->v[i].object);
    free(c->v);
    strlist_free(&c->inapplicable);
    strlist_free(&c->why);
}
