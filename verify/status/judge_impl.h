/*
 * judge_impl.h - what the parts of judge.c share: judge.c (can it be restored?), protect.c (is what
 * protects it as it should be?), judging.c (how they say it).
 */
#ifndef VERIFY_STATUS_JUDGE_IMPL_H
#define VERIFY_STATUS_JUDGE_IMPL_H

#include "verify/status/judge.h"

/* One place, while it is judged. */
struct judging {
    struct watch_report         *report;
    const struct status_places  *places;
    const struct status_place   *place;
    const struct standing       *s;
    const struct status_targets *targets;
};

/* judging.c */
void judging_find(const struct judging *, enum watch_severity, const char *what, const char *means,
                  const char *action, const char *command);
/* "pgassay WHAT ARGUMENTS", with --repo where that needs to be said; WHAT: two or three plain
 * words, the arguments (at most six) as for quote_command(). */
#define judging_words(j, what, ...)                                                                \
    judging_command_words(j, what, (const char *const[]){__VA_ARGS__, NULL})
const char *judging_command_words(const struct judging *, const char *what,
                                  const char *const *arguments);
/* The same for this database. */
const char *judging_command(const struct judging *, const char *what);
double      judging_age(const struct judging *, time_t moment); /* seconds, not below 0 */
const char *judging_duration(const struct judging *, double seconds);

/* protect.c */
void judge_second_place(const struct judging *);
void skip_second_place(struct watch_report *, const struct status_places *);
void judge_key_drill(const struct judging *);
void skip_key_drill(struct watch_report *, const struct status_places *);
void judge_policy(const struct judging *);
void judge_schedule(const struct judging *);
void skip_schedule(struct watch_report *, const struct status_places *);

#endif
