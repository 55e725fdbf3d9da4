#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "core/report/watch_show.h"

static json_t *
number(double d)
{
    return isnan(d) ? json_null() : json_real(d);
}

static json_t *
lines_json(const char *text)
{
    json_t *list = json_array();

    while (text != NULL && *text != '\0') {
        size_t n = strcspn(text, "\n");
        char  *line = xstrndup(text, n);

        (void)json_array_append_new(list, json_text(line));
        free(line);
        text += n + (text[n] == '\n');
    }
    return list;
}

static json_t *
findings_array(const struct watch_report *r)
{
    json_t *list = json_array();

    for (size_t i = 0; i < r->n_findings; i++) {
        const struct watch_finding *f = &r->findings[i];

        (void)json_array_append_new(
            list,
            json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "severity",
                      watch_severity_text(f->severity), "check", f->check, "object",
                      json_text(f->object), "what", json_text(f->what), "means",
                      json_text(f->means), "action", json_text(f->action), "command",
                      json_text(f->command), "detail", lines_json(f->detail)));
    }
    return list;
}

static json_t *
checks_array(const struct watch_report *r)
{
    json_t *list = json_array();

    for (size_t i = 0; i < r->n_checks; i++) {
        const struct watch_check *c = &r->checks[i];

        (void)json_array_append_new(list,
                                    json_pack("{s:s, s:s, s:o}", "name", c->name, "status",
                                              watch_severity_text(c->severity), "why",
                                              json_text(c->why)));
    }
    return list;
}

static json_t *
metrics_array(const struct watch_report *r)
{
    json_t *list = json_array();

    for (size_t i = 0; i < r->n_metrics; i++) {
        const struct watch_metric *m = &r->metrics[i];

        (void)json_array_append_new(list,
                                    json_pack("{s:o, s:s, s:o, s:o, s:o}", "name",
                                              json_text(m->name), "unit", m->unit, "value",
                                              number(m->value), "warning", number(m->warning),
                                              "critical", number(m->critical)));
    }
    return list;
}

int
watch_show_json(const struct watch_report *r, struct err *e)
{
    return json_print(json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:O, s:f}", "verb", r->verb,
                                "status", watch_severity_text(watch_worst(r)), "server",
                                json_text(r->server), "checks", checks_array(r), "findings",
                                findings_array(r), "metrics", metrics_array(r), "facts", r->facts,
                                "seconds", r->seconds),
                      e);
}
