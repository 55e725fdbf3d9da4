/*
 * judging.c - what the checks have in common: how they say what they found.
 */
#include <stdlib.h>

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

const char *
judging_command(const struct judging *j, const char *what)
{
    char       *name = quote_shell(j->s->db);
    const char *line = watch_text(j->report, "pgassay %s %s", what, name);

    free(name);
    return line;
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
