#include "core/report/junit.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/report/markup.h"

struct writer {
    struct buf *out;
    struct err *e;
    int         rc;
};

static void
raw(struct writer *w, const char *text)
{
    w->rc = w->rc != 0 ? w->rc : buf_puts(w->out, text, w->e);
}

static void
text(struct writer *w, const char *value)
{
    w->rc = w->rc != 0 ? w->rc : markup_text(w->out, value, w->e);
}

/* name="value" */
static void
attribute(struct writer *w, const char *name, const char *value)
{
    raw(w, " ");
    raw(w, name);
    raw(w, "=\"");
    text(w, value);
    raw(w, "\"");
}

static void
count(struct writer *w, const char *name, size_t n)
{
    char digits[32];

    (void)snprintf(digits, sizeof digits, "%zu", n);
    attribute(w, name, digits);
}

/* A value that is text or {"b64": …}; allocated, "" for null. */
static char *
value(const json_t *o, const char *key)
{
    struct err ignored = ERR_INIT;
    size_t     n;
    char      *s = json_bytes_get(json_object_get(o, key), &n, &ignored);

    return s == NULL ? xstrdup("") : s;
}

/* The element that a check or finding of this class becomes; NULL: none. */
static const char *
element_of(const json_t *x)
{
    const char *class = json_opt_str(x, "class", "");

    return strcmp(class, "bad") == 0 || strcmp(class, "warning") == 0 ? "failure"
        : strcmp(class, "unknown") == 0                               ? "error"
        : strcmp(class, "skipped") == 0                               ? "skipped"
                                                                      : NULL;
}

/* "public.orders: number of rows (want 3, have 2)", and what to do. */
static void
sentence(struct writer *w, const json_t *f)
{
    static const struct {
        const char *before, *key, *after;
    } parts[] = {{"", "object", ": "},     {"", "what", ""},    {" (want ", "want", ")"},
                 {" (have ", "have", ")"}, {"; ", "means", ""}, {" -> ", "action", ""},
                 {": ", "command", ""}};

    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        char *s = value(f, parts[i].key);

        if (*s != '\0') {
            raw(w,
                *parts[i].before == ' ' && parts[i].before[1] == '-' ? " -&gt; " : parts[i].before);
            text(w, s);
            raw(w, parts[i].after);
        }
        free(s);
    }
    raw(w, "\n");
}

/* How many findings of a check become this element; print: as its text. */
static size_t
findings(struct writer *w, const json_t *report, const char *check, const char *element, bool print)
{
    const json_t *f;
    size_t        i, n = 0;

    json_array_foreach (json_object_get(report, "findings"), i, f) {
        const char *is = element_of(f);

        if (strcmp(json_opt_str(f, "check", ""), check) == 0 &&
            (is == NULL ? element == NULL : element != NULL && strcmp(is, element) == 0)) {
            n++;
            if (print) {
                sentence(w, f);
            }
        }
    }
    return n;
}

static void
test_case(struct writer *w, const json_t *report, const json_t *check)
{
    const char *name = json_opt_str(check, "name", "?");
    const char *element = element_of(check);
    char       *note = value(check, "text"), *message;

    raw(w, "  <testcase");
    attribute(w, "classname", json_opt_str(report, "title", "?"));
    attribute(w, "name", name);
    raw(w, ">\n");
    if (element != NULL) {
        raw(w, "    <");
        raw(w, element);
        message = xasprintf("%s%s%s", json_opt_str(check, "word", ""), *note != '\0' ? "; " : "",
                            note);
        attribute(w, "message", message);
        free(message);
        raw(w, ">");
        (void)findings(w, report, name, "failure", true);
        (void)findings(w, report, name, "error", true);
        raw(w, "</");
        raw(w, element);
        raw(w, ">\n");
    }
    if (findings(w, report, name, NULL, false) > 0) {
        raw(w, "    <system-out>");
        (void)findings(w, report, name, NULL, true);
        raw(w, "</system-out>\n");
    }
    raw(w, "  </testcase>\n");
    free(note);
}

static size_t
of_element(const json_t *checks, const char *element)
{
    const json_t *one;
    size_t        i, n = 0;

    json_array_foreach (checks, i, one) {
        const char *is = element_of(one);

        n += is != NULL && strcmp(is, element) == 0;
    }
    return n;
}

int
junit_xml(const json_t *report, struct buf *out, struct err *e)
{
    struct writer w = {.out = out, .e = e};
    const json_t *checks = json_object_get(report, "checks"), *one;
    size_t        i;
    char          seconds[32];

    (void)snprintf(seconds, sizeof seconds, "%.3f",
                   json_number_value(json_object_get(report, "seconds")));
    raw(&w, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n <testsuite");
    attribute(&w, "name", json_opt_str(report, "title", "?"));
    count(&w, "tests", json_array_size(checks));
    count(&w, "failures", of_element(checks, "failure"));
    count(&w, "errors", of_element(checks, "error"));
    count(&w, "skipped", of_element(checks, "skipped"));
    attribute(&w, "time", seconds);
    attribute(&w, "timestamp", json_opt_str(report, "created", ""));
    raw(&w, ">\n");
    json_array_foreach (checks, i, one) {
        test_case(&w, report, one);
    }
    raw(&w, " </testsuite>\n</testsuites>\n");
    return w.rc;
}
