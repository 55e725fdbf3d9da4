/*
 * judging.c - what the checks have in common: how they say what they found.
 */
#include <stdlib.h>
#include <string.h>

#include "core/human.h"
#include "core/quote.h"
#include "verify/status/judge_impl.h"

void
judging_find(const struct judging *j, enum watch_severity severity, const char *what,
             const char *means, const char *action, const char *command)
{
    watch_find(j->report,
               (struct watch_finding){.severity = severity,
                                      .object = j->place->name,
                                      .what = what,
                                      .means = means,
                                      .action = action,
                                      .command = command});
}

/* A backup goes into every repository that the configuration names; other tools take the first. */
static bool
needs_repo(const struct judging *j, const char *what)
{
    return j->place->in->named || (!j->place->first && strcmp(what, "backup") != 0);
}

const char *
judging_command_words(const struct judging *j, const char *what, const char *const *arguments)
{
    enum { WORDS = 16 };
    const char *words[WORDS] = {"pgassay"};
    char       *own = xstrdup(what), *rest = NULL, *line;
    const char *text;
    size_t      n = 1;

    for (char *w = strtok_r(own, " ", &rest); w != NULL; w = strtok_r(NULL, " ", &rest)) {
        words[n++] = w;
    }
    for (; *arguments != NULL; arguments++) {
        words[n++] = *arguments;
    }
    if (needs_repo(j, what)) {
        words[n++] = "--repo";
        words[n++] = j->place->in->name;
    }
    line = quote_words(words);
    text = watch_text(j->report, "%s", line);
    free(line);
    free(own);
    return text;
}

const char *
judging_command(const struct judging *j, const char *what)
{
    return judging_words(j, what, QUOTE_ARG(j->s->db));
}

double
judging_age(const struct judging *j, time_t moment)
{
    double seconds = difftime(j->s->now, moment);

    return seconds < 0 ? 0 : seconds;
}

const char *
judging_duration(const struct judging *j, double seconds)
{
    char text[32];

    return watch_text(j->report, "%s", duration_human(seconds, text, sizeof text));
}
