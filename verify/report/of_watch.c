#include "verify/report/of_watch.h"

#include <stdlib.h>
#include <string.h>

#include "core/human.h"
#include "verify/report/document.h"
#include "verify/report/trend.h"

static const char *
class_of(enum watch_severity s)
{
    static const char *const classes[] = {"skipped", "good", "unknown", "warning", "bad"};

    return classes[s];
}

static json_t *
lines(const char *text)
{
    json_t *list = json_array();

    while (text != NULL && *text != '\0') {
        size_t n = strcspn(text, "\n");

        (void)json_array_append_new(list, json_bytes(text, n));
        text += n + (text[n] == '\n');
    }
    return list;
}

static void
add_verdict(json_t *d, const struct watch_report *r)
{
    enum watch_severity worst = watch_worst(r);
    static const char  *words[] = {"GOOD", "GOOD", "NOT KNOWN", "WARNING", "CRITICAL"};
    char               *text;

    if (worst <= WATCH_OK) {
        text = xasprintf("%zu checks, and nothing was found.", watch_count(r, WATCH_OK));
    } else {
        text = xasprintf("Of the checks %zu critical, %zu warning, %zu not made, %zu good.",
                         watch_count(r, WATCH_CRITICAL), watch_count(r, WATCH_WARNING),
                         watch_count(r, WATCH_UNKNOWN), watch_count(r, WATCH_OK));
    }
    document_verdict(d, class_of(worst), words[worst], text);
    free(text);
}

/* Lines of "name   text": facts for people. */
static void
add_lines(json_t *d, const struct watch_report *r)
{
    for (size_t i = 0; i < r->lines.n; i++) {
        const char *line = r->lines.v[i];
        const char *gap = strstr(line, "  ");
        char       *name;

        if (gap == NULL || gap == line) {
            continue;
        }
        name = xstrndup(line, (size_t)(gap - line));
        document_fact(d, name, gap + strspn(gap, " "));
        free(name);
    }
}

static json_t *
base(const struct watch_report *r, const char *title)
{
    json_t *d = document_new(title, time(NULL));

    (void)json_object_set_new(d, "seconds", json_real(r->seconds));
    add_verdict(d, r);
    document_fact(d, "at", r->server);
    for (size_t i = 0; i < r->n_checks; i++) {
        const struct watch_check *c = &r->checks[i];

        document_check(d, c->name, class_of(c->severity), watch_severity_text(c->severity), c->why);
    }
    for (size_t i = 0; i < r->n_findings; i++) {
        const struct watch_finding *f = &r->findings[i];

        document_finding(d,
                         json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "class",
                                   class_of(f->severity), "word", watch_severity_text(f->severity),
                                   "check", f->check, "object", json_text(f->object), "what",
                                   json_text(f->what), "means", json_text(f->means), "action",
                                   json_text(f->action), "command", json_text(f->command), "detail",
                                   lines(f->detail)));
    }
    return d;
}

json_t *
report_of_watch(const struct watch_report *r, const char *title)
{
    json_t *d = base(r, title);

    add_lines(d, r);
    return d;
}

/* ---- status ---- */

static char *
age_text(const struct standing *s, const struct label *l, char out[48])
{
    double age = l == NULL ? -1 : difftime(s->now, l->snapshot);

    if (age < 0) {
        (void)snprintf(out, 48, "none");
    } else {
        char text[32];

        (void)snprintf(out, 48, "%s ago", duration_human(age, text, sizeof text));
    }
    return out;
}

/* The worst finding about this place. */
static enum watch_severity
worst_of(const struct watch_report *r, const char *name)
{
    enum watch_severity worst = WATCH_OK;

    for (size_t i = 0; i < r->n_findings; i++) {
        if (strcmp(r->findings[i].object, name) == 0 && r->findings[i].severity > worst) {
            worst = r->findings[i].severity;
        }
    }
    return worst;
}

static json_t *
overview_row(const struct watch_report *r, const struct status_place *p, const char *anchor)
{
    const struct standing *s = &p->standing;
    enum watch_severity    worst = worst_of(r, p->name);
    char                   newest[48], proven[48], recovery[32] = "not measured", scrubbed[32];

    if (s->drilled.drill != NULL && s->drilled.drill->readable) {
        (void)duration_human(s->drilled.drill->recovery_seconds, recovery, sizeof recovery);
    }
    (void)snprintf(scrubbed, sizeof scrubbed, "%.0f %%", s->scrubbed * 100);
    return json_pack("{s:o, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "name", json_text(p->name),
                     "anchor", anchor, "class", class_of(worst), "word", watch_severity_text(worst),
                     "newest", age_text(s, s->newest.label, newest), "proven",
                     age_text(s, s->proven.label, proven), "recovery", recovery, "scrubbed",
                     scrubbed);
}

static void
add_place_facts(json_t *section, const struct status_place *p, const struct status_targets *t)
{
    const struct standing *s = &p->standing;
    char                   text[64], more[32], *line;

    document_fact(section, "repository", p->in->location);
    document_fact(section, "newest backup", s->newest.label == NULL ? "none" : s->newest.label->id);
    document_fact(section, "proven backup", s->proven.label == NULL ? "none" : s->proven.label->id);
    line = xasprintf("%zu good, %zu damaged", s->good, s->damaged);
    document_fact(section, "backups", line);
    free(line);
    if (s->newest.label != NULL) {
        document_fact(section, "rows", count_human(s->newest.label->rows, NULL, text, sizeof text));
        document_fact(section, "stored",
                      size_human(s->newest.label->stored_bytes, text, sizeof text));
    }
    if (t->rpo_s > 0) {
        document_fact(section, "RPO target", duration_human((double)t->rpo_s, more, sizeof more));
    }
    if (t->rto_s > 0) {
        document_fact(section, "RTO target", duration_human((double)t->rto_s, more, sizeof more));
    }
}

int
report_of_status(const struct watch_report *r, const struct status_places *places,
                 const struct status_targets *targets, json_t **out, struct err *e)
{
    json_t *d = base(r, "State of the backups"), *overview = json_array();
    int     rc = 0;

    (void)json_object_set_new(d, "overview", overview);
    for (size_t i = 0; rc == 0 && i < places->n; i++) {
        const struct status_place *p = &places->v[i];
        char                       anchor[32];
        json_t                    *section;

        (void)snprintf(anchor, sizeof anchor, "database-%zu", i + 1);
        (void)json_array_append_new(overview, overview_row(r, p, anchor));
        section = document_section(d, p->name, anchor);
        add_place_facts(section, p, &targets[i]);
        rc = trend_add(section,
                       &(struct trend_request){.repo = p->standing.repo,
                                               .db = p->standing.db,
                                               .rto_s = targets[i].rto_s},
                       e);
    }
    if (rc != 0) {
        json_decref(d);
        d = NULL;
    }
    *out = d;
    return rc;
}
