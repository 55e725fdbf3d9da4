#include "core/report/plot.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/buf.h"
#include "core/human.h"
#include "core/mem.h"

/* Of the drawing, in its own units; wide enough for a phone at 1:1, and text in it stays legible.
 * More dots than that would touch each other. */
enum { WIDTH = 360, HEIGHT = 180, LEFT = 52, RIGHT = 10, TOP = 12, BOTTOM = 24, DOTS_MAX = 60 };

struct scale {
    double from, until; /* time */
    double top;         /* the highest value */
    double step;        /* of the grid */
};

static double
x_of(const struct scale *s, double t)
{
    double share = s->until > s->from ? (t - s->from) / (s->until - s->from) : 0.5;

    return LEFT + share * (WIDTH - LEFT - RIGHT);
}

static double
y_of(const struct scale *s, double v)
{
    return HEIGHT - BOTTOM - v / s->top * (HEIGHT - TOP - BOTTOM);
}

static char *
value_text(const char *unit, double v, char out[48])
{
    if (strcmp(unit, "bytes") == 0) {
        return size_human((uint64_t)v, out, 48);
    }
    if (strcmp(unit, "seconds") == 0) {
        return duration_human(v, out, 48);
    }
    if (v >= 999.5) { /* "1.6 G" would be read as bytes */
        static const char *const word[] = {"thousand", "million", "billion"};
        int                      i = v >= 999.5e6 ? 2 : v >= 999.5e3 ? 1 : 0;
        double                   in = v / pow(1000, i + 1);

        (void)snprintf(out, 48, in == floor(in) || in >= 99.95 ? "%.0f %s" : "%.1f %s", in,
                       word[i]);
        return out;
    }
    (void)snprintf(out, 48, "%.0f", v);
    return out;
}

/* In the margin there is no room for a word, and steps are even: see step_for(). */
static char *
axis_text(const char *unit, double v, char out[48])
{
    if (strcmp(unit, "seconds") == 0) {
        (void)snprintf(out, 48, "%g %s",
                       v /
                           (v >= 86400      ? 86400
                                : v >= 3600 ? 3600
                                : v >= 60   ? 60
                                            : 1),
                       v >= 86400      ? "d"
                           : v >= 3600 ? "h"
                           : v >= 60   ? "min"
                                       : "s");
        return out;
    }
    if (strcmp(unit, "count") != 0 || v < 999.5) {
        return value_text(unit, v, out);
    }
    (void)snprintf(out, 48, "%g %s",
                   v /
                       (v >= 1e9       ? 1e9
                            : v >= 1e6 ? 1e6
                                       : 1e3),
                   v >= 1e9       ? "bn"
                       : v >= 1e6 ? "m"
                                  : "k");
    return out;
}

/* ---- scales ---- */

static void
stretch(struct scale *s, const json_t *series)
{
    const json_t *points = json_object_get(series, "points"), *one;
    size_t        i;

    json_array_foreach (points, i, one) {
        double t = json_number_value(json_array_get(one, 0));
        double v = json_number_value(json_array_get(one, 1));

        s->from = s->from == 0 || t < s->from ? t : s->from;
        s->until = t > s->until ? t : s->until;
        s->top = v > s->top ? v : s->top;
    }
}

/* Steps that people count in, three to five of them. */
static double
step_for(const char *unit, double top)
{
    static const double seconds[] = {1,   2,   5,    10,   15,   30,    60,    120,   300,
                                     600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400};
    static const double tens[] = {1, 2, 2.5, 5, 10};
    double              ten;

    if (strcmp(unit, "seconds") == 0 && top > 4) {
        for (size_t i = 0; i < sizeof seconds / sizeof *seconds; i++) {
            if (top / seconds[i] <= 4) {
                return seconds[i];
            }
        }
    }
    ten = pow(10, floor(log10(top / 4)));
    for (size_t i = 0; i < sizeof tens / sizeof *tens; i++) {
        bool even = tens[i] == floor(tens[i]) || strcmp(unit, "seconds") != 0; /* 0.2 s, not 0.25 */

        if (even && top / (ten * tens[i]) <= 4) {
            return strcmp(unit, "seconds") == 0 || ten * tens[i] >= 1 ? ten * tens[i] : 1;
        }
    }
    return ten * 10;
}

static struct scale
scale_of(const json_t *plot, const char *unit)
{
    struct scale  s = {0};
    const json_t *one;
    size_t        i;

    json_array_foreach (json_object_get(plot, "series"), i, one) {
        stretch(&s, one);
    }
    json_array_foreach (json_object_get(plot, "limits"), i, one) {
        double v = json_number_value(json_object_get(one, "value"));

        s.top = v > s.top ? v : s.top;
    }
    s.top = s.top <= 0 ? 1 : s.top * 1.02;
    s.step = step_for(unit, s.top);
    s.top = ceil(s.top / s.step) * s.step;
    return s;
}

/* ---- parts of the drawing ---- */

static json_t *
number(double v)
{
    char text[32];

    (void)snprintf(text, sizeof text, "%.1f", v);
    return json_string(text);
}

static json_t *
grid(const struct scale *s, const char *unit)
{
    json_t *list = json_array();
    char    text[48];

    for (int i = 0; i <= (int)(s->top / s->step + 0.5); i++) {
        double v = i * s->step;

        (void)json_array_append_new(list,
                                    json_pack("{s:o, s:o, s:s}", "y", number(y_of(s, v)), "text_y",
                                              number(y_of(s, v) + 4), "label",
                                              axis_text(unit, v, text)));
    }
    return list;
}

static json_t *
limits(const struct scale *s, const json_t *plot, const char *unit)
{
    json_t       *list = json_array();
    const json_t *one;
    size_t        i;
    char          text[48];

    json_array_foreach (json_object_get(plot, "limits"), i, one) {
        double v = json_number_value(json_object_get(one, "value"));

        (void)json_array_append_new(
            list,
            json_pack("{s:o, s:o, s:O, s:s, s:s}", "y", number(y_of(s, v)), "text_y",
                      number(y_of(s, v) - 3), "name", json_object_get(one, "name"), "value",
                      value_text(unit, v, text), "class", json_opt_str(one, "class", "warning")));
    }
    return list;
}

static json_t *
times(const struct scale *s)
{
    json_t *list = json_array();
    int     n = s->until - s->from >= 2 * 86400 ? 3 : s->until > s->from ? 2 : 1;

    for (int i = 0; i < n && s->until > 0; i++) {
        double    at = n == 1 ? s->from : s->from + (s->until - s->from) * i / (n - 1);
        time_t    t = (time_t)at;
        struct tm tm;
        char      text[32];

        (void)gmtime_r(&t, &tm);
        (void)strftime(text, sizeof text,
                       s->until - s->from < 2 * 86400 ? "%m-%d %H:%M" : "%Y-%m-%d", &tm);
        (void)json_array_append_new(list,
                                    json_pack("{s:o, s:s, s:s}", "x", number(x_of(s, at)), "anchor",
                                              n == 1           ? "middle"
                                                  : i == 0     ? "start"
                                                  : i == n - 1 ? "end"
                                                               : "middle",
                                              "label", text));
    }
    return list;
}

static json_t *
dots(const struct scale *s, const json_t *points, const char *unit)
{
    json_t       *list = json_array();
    const json_t *one;
    size_t        i;

    json_array_foreach (points, i, one) {
        double t = json_number_value(json_array_get(one, 0));
        double v = json_number_value(json_array_get(one, 1));
        char   at[32], text[48], title[96];

        (void)snprintf(title, sizeof title, "%s: %s", time_rfc3339((time_t)t, at, sizeof at),
                       value_text(unit, v, text));
        (void)json_array_append_new(list,
                                    json_pack("{s:o, s:o, s:s}", "x", number(x_of(s, t)), "y",
                                              number(y_of(s, v)), "title", title));
    }
    return list;
}

static json_t *
line(const struct scale *s, const json_t *series, const char *unit, size_t n)
{
    const json_t *points = json_object_get(series, "points"), *one;
    size_t        count = json_array_size(points), i;
    struct buf    text = BUF_INIT(BUF_NO_LIMIT);
    struct err    never = ERR_INIT;
    char          last[48] = "";
    json_t       *o;

    json_array_foreach (points, i, one) {
        double v = json_number_value(json_array_get(one, 1));

        (void)buf_printf(&text, &never, "%s%.1f,%.1f", i == 0 ? "" : " ",
                         x_of(s, json_number_value(json_array_get(one, 0))), y_of(s, v));
        (void)value_text(unit, v, last);
    }
    o = json_pack("{s:I, s:s, s:O, s:s, s:o}", "n", (json_int_t)n, "points", buf_str(&text), "name",
                  json_object_get(series, "name"), "last", last, "dots",
                  count > DOTS_MAX ? json_array() : dots(s, points, unit));
    buf_free(&text);
    return o;
}

json_t *
plot_draw(const json_t *plot)
{
    const char   *unit = json_opt_str(plot, "unit", "count");
    struct scale  s = scale_of(plot, unit);
    json_t       *o = json_object(), *lines = json_array();
    const json_t *one;
    size_t        i;

    json_array_foreach (json_object_get(plot, "series"), i, one) {
        if (json_array_size(json_object_get(one, "points")) > 0) {
            (void)json_array_append_new(lines, line(&s, one, unit, i + 1));
        }
    }
    (void)json_object_set(o, "title", json_object_get(plot, "title"));
    (void)json_object_set(o, "text", json_object_get(plot, "text"));
    (void)json_object_set_new(o, "lines", lines);
    (void)json_object_set_new(o, "grid", grid(&s, unit));
    (void)json_object_set_new(o, "limits", limits(&s, plot, unit));
    (void)json_object_set_new(o, "times", times(&s));
    return o;
}
