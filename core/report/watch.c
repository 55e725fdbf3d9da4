#include "core/report/watch.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
watch_init(struct watch_report *r, const char *verb)
{
    *r = (struct watch_report){.verb = verb, .facts = json_object()};
}

void
watch_free(struct watch_report *r)
{
    free(r->findings);
    free(r->checks);
    free(r->metrics);
    json_decref(r->facts);
    strlist_free(&r->lines);
    strlist_free(&r->texts);
    *r = (struct watch_report){0};
}

static __attribute__((format(printf, 1, 0))) char *
format(const char *fmt, va_list ap)
{
    char *text = NULL;

    if (vasprintf(&text, fmt, ap) < 0) {
        text = xstrdup("");
    }
    return text;
}

const char *
watch_text(struct watch_report *r, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    strlist_take(&r->texts, format(fmt, ap));
    va_end(ap);
    return r->texts.v[r->texts.n - 1];
}

static const char *
keep(struct watch_report *r, const char *text)
{
    return text == NULL ? NULL : watch_text(r, "%s", text);
}

void
watch_begin(struct watch_report *r, const char *check)
{
    VEC_GROW(r->checks, r->n_checks, r->cap_checks);
    r->checks[r->n_checks++] = (struct watch_check){.name = keep(r, check), .severity = WATCH_OK};
}

void
watch_skip(struct watch_report *r, const char *why)
{
    r->checks[r->n_checks - 1].severity = WATCH_SKIPPED;
    r->checks[r->n_checks - 1].why = keep(r, why);
}

void
watch_find(struct watch_report *r, struct watch_finding f)
{
    struct watch_check *check = &r->checks[r->n_checks - 1];

    f.check = check->name;
    f.object = keep(r, f.object);
    f.what = keep(r, f.what);
    f.means = keep(r, f.means);
    f.action = keep(r, f.action);
    f.command = keep(r, f.command);
    f.detail = keep(r, f.detail);
    VEC_GROW(r->findings, r->n_findings, r->cap_findings);
    r->findings[r->n_findings++] = f;
    if (f.severity > check->severity) {
        check->severity = f.severity;
    }
}

void
watch_metric(struct watch_report *r, struct watch_metric m)
{
    m.name = keep(r, m.name);
    m.unit = keep(r, m.unit);
    VEC_GROW(r->metrics, r->n_metrics, r->cap_metrics);
    r->metrics[r->n_metrics++] = m;
}

void
watch_line(struct watch_report *r, const char *name, const char *fmt, ...)
{
    va_list ap;
    char   *text;

    va_start(ap, fmt);
    text = format(fmt, ap);
    va_end(ap);
    strlist_take(&r->lines, xasprintf("%-16s %s", name, text));
    free(text);
}

enum watch_severity
watch_worst(const struct watch_report *r)
{
    enum watch_severity worst = WATCH_OK;

    for (size_t i = 0; i < r->n_checks; i++) {
        if (r->checks[i].severity > worst) {
            worst = r->checks[i].severity;
        }
    }
    return worst;
}

size_t
watch_count(const struct watch_report *r, enum watch_severity severity)
{
    size_t n = 0;

    for (size_t i = 0; i < r->n_checks; i++) {
        n += r->checks[i].severity == severity;
    }
    return n;
}

/* Stable: by insertion; there are few. */
void
watch_sort(struct watch_report *r)
{
    for (size_t i = 1; i < r->n_findings; i++) {
        struct watch_finding f = r->findings[i];
        size_t               k = i;

        for (; k > 0 && r->findings[k - 1].severity < f.severity; k--) {
            r->findings[k] = r->findings[k - 1];
        }
        r->findings[k] = f;
    }
}

const char *
watch_severity_text(enum watch_severity severity)
{
    static const char *const names[] = {"skipped", "ok", "unknown", "warning", "critical"};

    return names[severity];
}
