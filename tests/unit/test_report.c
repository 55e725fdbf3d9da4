/* core/report/: text in markup, templates, drawings. */
#include "tests/unit/check.h"

#include <string.h>

#include "core/json.h"
#include "core/report/junit.h"
#include "core/report/markup.h"
#include "core/report/page.h"
#include "core/report/plot.h"
#include "core/report/template.h"

static void
markup_is_text_and_shows_what_could_mislead(void **state)
{
    struct buf out = BUF_INIT(KIB);
    struct err e = ERR_INIT;

    (void)state;
    assert_ok(markup_text(&out, "<a href=\"x\" b='y'>&amp;", &e), &e);
    assert_string_equal(buf_str(&out), "&lt;a href=&quot;x&quot; b=&#39;y&#39;&gt;&amp;amp;");
    buf_clear(&out);
    assert_ok(markup_text(&out, "a\n\033[1m \xc2\x9b \xe2\x80\xae \xff \xc3\xa9", &e), &e);
    assert_string_equal(buf_str(&out), "a\\n\\x1b[1m \\u009b \\u202e \\xff \xc3\xa9");
    buf_free(&out);
}

static void
assert_filled(const char *template, const char *data, const char *want)
{
    struct buf out = BUF_INIT(KIB);
    struct err e = ERR_INIT;
    json_t    *o = json_read(data, strlen(data), &e);

    assert_non_null(o);
    assert_ok(template_fill(template, strlen(template), o, &out, &e), &e);
    assert_string_equal(buf_str(&out), want);
    json_decref(o);
    buf_free(&out);
}

static void
a_template_is_filled_from_the_inside_out(void **state)
{
    (void)state;
    assert_filled("a {{x}} b {{y}} {{none}}.", "{\"x\":\"<1>\",\"y\":7}", "a &lt;1&gt; b 7 .");
    assert_filled("{{#l}}[{{n}}{{x}}]{{/l}}",
                  "{\"x\":\"o\",\"l\":[{\"n\":1},{\"n\":2,\"x\":\"i\"}]}", "[1o][2i]");
    assert_filled("{{#l}}{{.}},{{/l}}{{^l}}none{{/l}}", "{\"l\":[\"a\",\"b\"]}", "a,b,");
    assert_filled("{{#l}}{{.}},{{/l}}{{^l}}none{{/l}}", "{\"l\":[]}", "none");
    assert_filled("{{#b}}yes{{/b}}{{^b}}no{{/b}}", "{\"b\":false}", "no");
    assert_filled("{{#t}}({{t}}){{/t}}", "{\"t\":{\"b64\":\"PGI+/w==\"}}", "(&lt;b&gt;\\xff)");
    assert_filled("{{#o}}{{#p}}{{q}}{{/p}}{{/o}}{{#p}}never{{/p}}",
                  "{\"o\":{\"p\":{\"q\":\"in\"}}}", "in");
}

static void
a_template_that_is_none_is_refused(void **state)
{
    static const char *const wrong[] = {"{{x",    "{{}}",         "{{#x}}",
                                        "{{/x}}", "{{#x}}{{/y}}", "{{^x}}{{#y}}{{/x}}{{/y}}"};
    json_t                  *o = json_object();

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct buf out = BUF_INIT(KIB);
        struct err e = ERR_INIT;

        assert_int_equal(template_fill(wrong[i], strlen(wrong[i]), o, &out, &e), -1);
        assert_int_equal(e.kind, ERR_CORRUPT);
        buf_free(&out);
    }
    json_decref(o);
}

/* Whatever is in it, all that is drawn lies within the drawing. */
static void
a_drawing_begins_at_zero_and_holds_its_points(void **state)
{
    static const char *const plots[] = {
        "{\"title\":\"t\",\"unit\":\"bytes\",\"series\":[{\"name\":\"a\",\"points\":[]}],"
        "\"limits\":[]}",
        "{\"title\":\"t\",\"unit\":\"count\",\"series\":[{\"name\":\"a\",\"points\":[[5,0]]}],"
        "\"limits\":[]}",
        "{\"title\":\"t\",\"unit\":\"seconds\",\"series\":[{\"name\":\"a\",\"points\":[[5,0.001],["
        "900000,86400]]}],"
        "\"limits\":[{\"name\":\"l\",\"value\":100000,\"class\":\"bad\"}]}",
        "{\"title\":\"t\",\"unit\":\"bytes\",\"series\":[{\"name\":\"a\",\"points\":[[5,1e18],[6,3]"
        "]}],\"limits\":[]}"};

    (void)state;
    for (size_t i = 0; i < sizeof plots / sizeof *plots; i++) {
        struct err e = ERR_INIT;
        json_t    *plot = json_read(plots[i], strlen(plots[i]), &e), *drawn, *line, *dot, *rule;
        size_t     k, n;

        assert_non_null(plot);
        drawn = plot_draw(plot);
        assert_true(json_array_size(json_object_get(drawn, "grid")) >= 2);
        assert_true(json_array_size(json_object_get(drawn, "grid")) <= 6);
        /* What stands in the margin has room there. */
        json_array_foreach (json_object_get(drawn, "grid"), k, rule) {
            assert_true(strlen(json_opt_str(rule, "label", "much too long")) <= 8);
        }
        assert_int_equal(json_array_size(json_object_get(drawn, "lines")), i == 0 ? 0 : 1);
        json_array_foreach (json_object_get(drawn, "lines"), k, line) {
            json_array_foreach (json_object_get(line, "dots"), n, dot) {
                double x = atof(json_opt_str(dot, "x", "-1")),
                       y = atof(json_opt_str(dot, "y", "-1"));

                assert_true(x >= 52 && x <= 350 && y >= 12 && y <= 156);
            }
        }
        json_decref(drawn);
        json_decref(plot);
    }
}

static void
an_empty_report_is_a_page_and_a_suite(void **state)
{
    struct buf page = BUF_INIT(MIB), xml = BUF_INIT(MIB);
    struct err e = ERR_INIT;
    json_t    *o = json_object();

    (void)state;
    assert_ok(page_html(o, &page, &e), &e);
    assert_non_null(strstr(buf_str(&page), "</html>"));
    assert_null(strstr(buf_str(&page), "{{"));
    assert_ok(junit_xml(o, &xml, &e), &e);
    assert_non_null(strstr(buf_str(&xml), "tests=\"0\""));
    json_decref(o);
    buf_free(&page);
    buf_free(&xml);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(markup_is_text_and_shows_what_could_mislead),
        cmocka_unit_test(a_template_is_filled_from_the_inside_out),
        cmocka_unit_test(a_template_that_is_none_is_refused),
        cmocka_unit_test(a_drawing_begins_at_zero_and_holds_its_points),
        cmocka_unit_test(an_empty_report_is_a_page_and_a_suite),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
