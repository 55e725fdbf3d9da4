#include "verify/report/document.h"

#include <string.h>

#include "core/human.h"

static json_t *
list_of(json_t *o, const char *key)
{
    json_t *list = json_object_get(o, key);

    if (list == NULL) {
        list = json_array();
        (void)json_object_set_new(o, key, list);
    }
    return list;
}

json_t *
document_new(const char *title, time_t now)
{
    char    at[32];
    json_t *d = json_pack("{s:s, s:o, s:s, s:s, s:o, s:o, s:o, s:o}", "type", "report", "title",
                          json_text(title), "created", time_rfc3339(now, at, sizeof at), "tool",
                          "pgassay " PGASSAY_VERSION, "facts", json_array(), "checks", json_array(),
                          "findings", json_array(), "sections", json_array());

    json_set_run(d);
    return d;
}

void
document_verdict(json_t *d, const char *class, const char *word, const char *text)
{
    (void)json_object_set_new(
        d, "verdict",
        json_pack("{s:s, s:s, s:o}", "class", class, "word", word, "text", json_text(text)));
}

void
document_fact(json_t *to, const char *name, const char *value)
{
    if (value != NULL && *value != '\0') {
        (void)json_array_append_new(
            list_of(to, "facts"), json_pack("{s:s, s:o}", "name", name, "value", json_text(value)));
    }
}

void
document_check(json_t *d, const char *name, const char *class, const char *word, const char *text)
{
    (void)json_array_append_new(list_of(d, "checks"),
                                json_pack("{s:s, s:s, s:s, s:o}", "name", name, "class", class,
                                          "word", word, "text", json_text(text)));
}

void
document_finding(json_t *d, json_t *f)
{
    (void)json_array_append_new(list_of(d, "findings"), f);
}

static json_t *
table(json_t *list, const char *title, const char *columns)
{
    json_t *heads = json_array(), *t;

    while (*columns != '\0') {
        size_t n = strcspn(columns, "|");

        (void)json_array_append_new(heads, json_bytes(columns, n));
        columns += n + (columns[n] == '|');
    }
    t = json_pack("{s:s, s:o, s:o}", "title", title, "columns", heads, "rows", json_array());
    (void)json_array_append_new(list, t);
    return t;
}

json_t *
document_table(json_t *d, const char *title, const char *columns)
{
    return table(list_of(d, "tables"), title, columns);
}

json_t *
document_appendix(json_t *d, const char *title, const char *columns)
{
    return table(list_of(d, "appendix"), title, columns);
}

void
document_row(json_t *table, const char *const *cells, size_t n)
{
    json_t *row = json_array();

    for (size_t i = 0; i < n; i++) {
        (void)json_array_append_new(row, json_text(cells[i] == NULL ? "" : cells[i]));
    }
    (void)json_array_append_new(list_of(table, "rows"), row);
}

json_t *
document_section(json_t *d, const char *title, const char *anchor)
{
    json_t *s = json_pack("{s:o, s:s}", "title", json_text(title), "anchor", anchor);

    (void)json_array_append_new(list_of(d, "sections"), s);
    return s;
}

json_t *
document_plot(json_t *section, const char *title, const char *text, const char *unit)
{
    json_t *p = json_pack("{s:s, s:o, s:s, s:o, s:o}", "title", title, "text", json_text(text),
                          "unit", unit, "series", json_array(), "limits", json_array());

    (void)json_array_append_new(list_of(section, "plots"), p);
    return p;
}

json_t *
document_series(json_t *plot, const char *name)
{
    json_t *s = json_pack("{s:o, s:o}", "name", json_text(name), "points", json_array());

    (void)json_array_append_new(list_of(plot, "series"), s);
    return s;
}

void
document_point(json_t *series, time_t at, double value)
{
    json_t *point = json_array();

    (void)json_array_append_new(point, json_integer((json_int_t)at));
    (void)json_array_append_new(point, json_real(value));
    (void)json_array_append_new(list_of(series, "points"), point);
}

void
document_limit(json_t *plot, const char *name, double value, const char *class)
{
    (void)json_array_append_new(
        list_of(plot, "limits"),
        json_pack("{s:s, s:f, s:s}", "name", name, "value", value, "class", class));
}

void
document_drop_empty(json_t *section)
{
    json_t *plots = list_of(section, "plots");

    for (size_t i = json_array_size(plots); i > 0; i--) {
        const json_t *series = json_object_get(json_array_get(plots, i - 1), "series"), *one;
        size_t        k, points = 0;

        json_array_foreach (series, k, one) {
            points += json_array_size(json_object_get(one, "points"));
        }
        if (points == 0) {
            (void)json_array_remove(plots, i - 1);
        }
    }
}
