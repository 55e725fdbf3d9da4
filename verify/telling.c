#include "verify/telling.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"

/* NULL: nobody is told. */
static const char *
condition_of(enum verb verb)
{
    switch (verb) {
    case VERB_DRILL:
        return "drill";
    case VERB_KEY_DRILL:
        return "key-drill";
    case VERB_OBJECTS:
        return "damage";
    case VERB_CHAIN:
        return "chain";
    case VERB_LIVE:
        break;
    }
    return NULL;
}

struct notify *
telling_begin(const struct options *o, enum verb verb)
{
    struct strlist names = {0};
    struct notify *n;

    if (condition_of(verb) == NULL)
        return NULL;
    if (o->database != NULL)
        strlist_add(&names, o->database);
    n = notify_begin(o->config, verb == VERB_DRILL ? "drill" : NULL, &names);
    strlist_free(&names);
    return n;
}

/* How many findings there are, and the first; allocated, NULL: there is none. */
static char *
findings_text(const struct findings *f)
{
    const struct finding *first = NULL;
    size_t                n = 0;

    for (size_t i = 0; i < f->n; i++) {
        if (f->v[i].class == FINDING_DIFFERENT || f->v[i].class == FINDING_UNCOMPARED) {
            first = first == NULL ? &f->v[i] : first;
            n++;
        }
    }
    if (first == NULL)
        return NULL;
    return n == 1 ? xasprintf("%s: %s", first->object, first->what)
                  : xasprintf("%zu findings, the first: %s: %s", n, first->object, first->what);
}

void
telling_add(struct notify *n, const struct options *o, const struct verify_result *r,
            const struct err *error)
{
    char *found = findings_text(&r->findings);

    notify_add(
        n,
        &(struct notify_event){.condition = condition_of(r->verb),
                               .database = o->database,
                               .repository = o->place.location,
                               .backup = r->label == NULL ? NULL : r->label->id,
                               .level = error->kind != ERR_NONE || found != NULL ? "failed" : NULL,
                               .text = error->kind != ERR_NONE ? error->text : found});
    free(found);
}

/* The repositories that were looked at, with commas between; allocated. */
static char *
scope_of(const struct status_places *places)
{
    char *all = xstrdup("");

    for (size_t i = 0; i < places->n_repos; i++) {
        char *longer = xasprintf("%s%s%s", all, i == 0 ? "" : ", ", places->repos[i].location);

        free(all);
        all = longer;
    }
    return all;
}

static char *
condition_of_check(const char *check)
{
    return xasprintf("status/%s", check);
}

/* A backup run of this host that failed has told of it itself. */
static const char *
told_by(const char *check)
{
    return strcmp(check, "schedule") == 0 ? "backup" : NULL;
}

void
telling_status(struct notify *n, const struct watch_report *r, const struct status_places *places)
{
    char *scope = scope_of(places);

    for (size_t i = 0; i < r->n_findings; i++) {
        const struct watch_finding *f = &r->findings[i];
        char                       *condition = condition_of_check(f->check);
        char                       *text = xasprintf("%s: %s %s%s%s", f->check, f->object, f->what,
                               f->means == NULL ? "" : ": ", f->means == NULL ? "" : f->means);

        if (f->severity >= WATCH_UNKNOWN)
            notify_add(n,
                       &(struct notify_event){.condition = condition,
                                              .database = f->object,
                                              .repository = scope,
                                              .level = watch_severity_text(f->severity),
                                              .text = text,
                                              .told_by = told_by(f->check)});
        free(condition);
        free(text);
    }
    /* Of a check that could not be made nothing is known to be over. */
    for (size_t i = 0; i < r->n_checks; i++) {
        char *condition = condition_of_check(r->checks[i].name);

        if (r->checks[i].severity != WATCH_UNKNOWN && r->checks[i].severity != WATCH_SKIPPED)
            notify_rest_good(n, condition, scope);
        free(condition);
    }
    free(scope);
}

void
telling_looked(struct notify *n, const struct status_places *places, const struct err *error)
{
    char *scope = scope_of(places);

    notify_add(n,
               &(struct notify_event){.condition = "status",
                                      .repository = scope,
                                      .level = error == NULL ? NULL : "unknown",
                                      .text = error == NULL ? NULL : error->text});
    free(scope);
}
