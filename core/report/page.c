#include "core/report/page.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "core/report/plot.h"
#include "core/report/template.h"

/* The template's text, as it stands in page.html. */
__asm__(
    ".section .rodata\n"
    ".hidden page_template\n"
    ".global page_template\n"
    "page_template:\n"
    ".incbin \"core/report/page.html\"\n"
    ".byte 0\n"
    ".previous\n");
extern const char page_template[];

/* KEY_shown: whether there is anything in a list, for what stands around it. */
static void
mark(json_t *o, const char *const *keys)
{
    char name[32];

    for (; *keys != NULL; keys++) {
        (void)snprintf(name, sizeof name, "%s_shown", *keys);
        (void)json_object_set_new(o, name,
                                  json_boolean(json_array_size(json_object_get(o, *keys)) > 0));
    }
}

static bool
has_text(const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);

    return v != NULL && !json_is_null(v);
}

static void
mark_all(json_t *report)
{
    static const char *const whole[] = {"overview", "findings", "checks", NULL};
    static const char *const part[] = {"facts", "plots", "history", NULL};
    static const char *const one[] = {"detail", NULL};
    json_t                  *x;
    size_t                   i;

    mark(report, whole);
    json_array_foreach (json_object_get(report, "sections"), i, x) {
        mark(x, part);
    }
    json_array_foreach (json_object_get(report, "findings"), i, x) {
        mark(x, one);
        (void)json_object_set_new(x, "differs",
                                  json_boolean(has_text(x, "want") || has_text(x, "have")));
    }
}

/* Each plot becomes its drawing. */
static void
draw(json_t *report)
{
    json_t *section, *plot;
    size_t  i, k;

    json_array_foreach (json_object_get(report, "sections"), i, section) {
        json_array_foreach (json_object_get(section, "plots"), k, plot) {
            (void)json_array_set_new(json_object_get(section, "plots"), k, plot_draw(plot));
        }
    }
}

int
page_html(const json_t *report, struct buf *out, struct err *e)
{
    json_t *filled = json_deep_copy(report);
    int     rc;

    draw(filled);
    mark_all(filled);
    rc = template_fill(page_template, strlen(page_template), filled, out, e);
    json_decref(filled);
    return rc;
}
