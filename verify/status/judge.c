/*
 * judge.c - the checks of `verify status`.
 *
 * What makes a restore impossible or worse than promised is critical: no backup, one that is too
 * old, a drill that found a difference, the newest backup damaged, backups taken away.  What will
 * make it so is a warning: proof that grows old, objects that nobody has read for long, a size that
 * looks wrong.
 */
#include "verify/status/judge_impl.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/human.h"
#include "core/quote.h"
#include "storage/read/backup_find.h"

/* ---- is there something to restore, and to what moment? ---- */

static void
judge_backup(const struct judging *j)
{
    const struct standing *s = j->s;
    double                 old;

    if (s->newest.label == NULL) {
        judging_find(j, WATCH_CRITICAL, "has no backup that could be restored",
                     s->part.label != NULL ? "there are only backups of parts of it"
                         : s->list.n > 0   ? "none of those that are stored is good"
                                           : NULL,
                     "take one", judging_command(j, "backup"));
        return;
    }
    old = judging_age(j, s->newest.label->snapshot);
    if (j->targets->rpo_s > 0 && old > (double)j->targets->rpo_s) {
        judging_find(j, WATCH_CRITICAL,
                     watch_text(j->report, "was last backed up %s ago, and should be within %s",
                                judging_duration(j, old),
                                judging_duration(j, (double)j->targets->rpo_s)),
                     "all that was written since would be lost",
                     "look why the last run failed or did not begin, and take a backup",
                     judging_command(j, "backup"));
    }
}

/* ---- is it proven? ---- */

static void
judge_proof(const struct judging *j)
{
    const struct standing *s = j->s;
    const struct label    *proven = s->proven.label;

    if (s->newest.label == NULL) {
        return;
    }
    if (s->drilled.label != NULL && s->drilled.label != proven) {
        judging_find(j, WATCH_CRITICAL,
                     watch_text(j->report,
                                "did not come back equal in the last drill, of backup %s",
                                s->drilled.label->id),
                     "rows or definitions differed, or not all could be compared",
                     "see what it says", judging_command(j, "verify drill"));
    } else if (j->targets->proven_s > 0 && proven == NULL) {
        judging_find(j, WATCH_WARNING, "has no backup that a drill has proven",
                     "whether it can be restored is an assumption", "prove the newest",
                     judging_command(j, "verify drill"));
    } else if (j->targets->proven_s > 0 &&
               judging_age(j, proven->snapshot) > (double)j->targets->proven_s) {
        judging_find(j, WATCH_WARNING,
                     watch_text(j->report,
                                "has its newest proven backup from %s ago, and should within %s",
                                judging_duration(j, judging_age(j, proven->snapshot)),
                                judging_duration(j, (double)j->targets->proven_s)),
                     NULL, "prove the newest", judging_command(j, "verify drill"));
    }
}

static void
judge_recovery(const struct judging *j)
{
    const struct drill_record *d = j->s->drilled.drill;

    if (j->targets->rto_s == 0) {
        return;
    }
    if (d == NULL || !d->readable) {
        if (j->s->newest.label != NULL) {
            judging_find(j, WATCH_UNKNOWN, "has no drill that measured how long a restore takes",
                         NULL, "measure it", judging_command(j, "verify drill"));
        }
    } else if (d->recovery_seconds > (double)j->targets->rto_s) {
        judging_find(j, WATCH_CRITICAL,
                     watch_text(j->report, "took %s to recover in the last drill, and %s is wanted",
                                judging_duration(j, d->recovery_seconds),
                                judging_duration(j, (double)j->targets->rto_s)),
                     NULL, "more --jobs, a faster server or store, or another target", NULL);
    }
}

/* ---- is what is stored whole? ---- */

/* The newest that somebody would restore: neither void nor of somebody who is not trusted. */
static const struct backup_entry *
newest_entry(const struct standing *s)
{
    for (size_t i = s->list.n; i > 0; i--) {
        const struct backup_entry *b = &s->list.v[i - 1];

        if (b->state != BACKUP_VOID && !b->untrusted && !backup_is_future(b)) {
            return b;
        }
    }
    return NULL;
}

static void
judge_damage(const struct judging *j)
{
    const struct standing     *s = j->s;
    const struct backup_entry *last = newest_entry(s);
    bool                       newest = last != NULL && last->state == BACKUP_DAMAGED;

    if (s->damaged > 0) {
        judging_find(j, newest ? WATCH_CRITICAL : WATCH_WARNING,
                     watch_text(j->report, "has %zu damaged backup%s%s%s", s->damaged,
                                s->damaged == 1 ? "" : "s",
                                newest ? ", the newest among them: " : "",
                                newest && last->problem != NULL ? last->problem : ""),
                     NULL, "heal it from another repository (--repair-from), or take a new backup",
                     judging_command(j, "storage scrub"));
    }
    if (s->untrusted + s->future > 0) {
        judging_find(j, WATCH_WARNING,
                     watch_text(j->report,
                                "has %zu backup%s not to be trusted: unsigned, or of times that "
                                "are not "
                                "the store's",
                                s->untrusted + s->future, s->untrusted + s->future == 1 ? "" : "s"),
                     "somebody else can write into this repository, or a clock was wrong",
                     "see which, and why", judging_command(j, "storage list"));
    }
}

static void
judge_chain(const struct judging *j)
{
    for (size_t i = 0; i < j->s->missing.n; i++) {
        judging_find(j, WATCH_CRITICAL,
                     watch_text(j->report, "misses a backup: %s", j->s->missing.v[i]), NULL,
                     "see what is known of it", judging_command(j, "verify chain"));
    }
    if (j->s->settings != NULL) {
        judging_find(
            j, WATCH_CRITICAL, watch_text(j->report, "is under older settings: %s", j->s->settings),
            "other rules may be in force than those set last",
            "see docs/security.md, and put them back", judging_words(j, "storage recover", NULL));
    }
}

static void
judge_scrub(const struct judging *j)
{
    const struct standing *s = j->s;
    double                 target = (double)j->targets->scrubbed_s;

    /* What is younger than the target has had time. */
    if (target == 0 || s->oldest == 0 || judging_age(j, s->oldest) <= target || s->scrubbed >= 1) {
        return;
    }
    judging_find(j, WATCH_WARNING,
                 s->scrubbed_last == 0
                     ? "has stored objects that were never read again"
                     : watch_text(j->report, "had %.0f %% of what is stored read again within %s",
                                  floor(s->scrubbed * 100), judging_duration(j, target)),
                 "damage of the medium would be noticed by a restore",
                 "read it, a part every night", judging_command(j, "storage scrub --share 1/30"));
}

/* ---- is what is taken what it should be? ---- */

static void
judge_size(const struct judging *j)
{
    for (size_t i = 0; i < j->s->plan.n_alarms; i++) {
        const struct retention_alarm *a = &j->s->plan.alarms[i];
        char                          have[48], largest[48];

        judging_find(
            j, WATCH_WARNING,
            watch_text(j->report, "has %s %s in backup %s, and had up to %s before",
                       count_human(a->have, NULL, have, sizeof have), a->measure, a->since,
                       count_human(a->largest, NULL, largest, sizeof largest)),
            "something was lost before the backup, or nothing is wrong",
            "look; if it is right, accept the new size",
            judging_words(j, "storage accept", QUOTE_ARG(j->s->db), a->newest, "--reason", "TEXT"));
    }
}

static void
judge_xid(const struct judging *j)
{
    char text[32];

    if (j->s->xid_age >= STATUS_XID_WARNING) {
        judging_find(j, j->s->xid_age >= STATUS_XID_CRITICAL ? WATCH_CRITICAL : WATCH_WARNING,
                     watch_text(j->report,
                                "had an oldest transaction id of age %s when it was backed up",
                                count_human((uint64_t)j->s->xid_age, NULL, text, sizeof text)),
                     "at 2.1 billion the server stops", "see what holds it",
                     judging_command(j, "verify xid"));
    }
}

/* What no place knows was not checked. */
static void
skip_unknown_xids(struct watch_report *r, const struct status_places *places)
{
    const char *why = NULL;

    for (size_t i = 0; i < places->n; i++) {
        if (places->v[i].standing.xid_age >= 0) {
            return;
        }
        why = places->v[i].standing.xid_unknown;
    }
    if (why != NULL) {
        watch_skip(r, why);
    }
}

static const struct {
    const char *name;
    void (*judge)(const struct judging *);
    void (*all)(struct watch_report *, const struct status_places *); /* behind them; or NULL */
    bool newest; /* about what a server would lose now */
} checks[] = {
    {"backup", judge_backup, NULL, true},
    {"proof", judge_proof, NULL, true},
    {"recovery-time", judge_recovery, NULL, false},
    {"damage", judge_damage, NULL, false},
    {"chain", judge_chain, NULL, false},
    {"scrub", judge_scrub, NULL, false},
    {"size", judge_size, NULL, false},
    {"xid", judge_xid, skip_unknown_xids, false},
    {"second-place", judge_second_place, skip_second_place, false},
    {"key-drill", judge_key_drill, skip_key_drill, false},
    {"policy", judge_policy, NULL, false},
    {"schedule", judge_schedule, skip_schedule, false},
};

static const char *
backup_into(struct watch_report *r, const struct status_repo *in)
{
    char       *line = in->named ? quote_command("pgassay", "backup", "--all", "--repo", in->name)
                                 : quote_command("pgassay", "backup", "--all");
    const char *text = watch_text(r, "%s", line);

    free(line);
    return text;
}

/* A repository that could not be looked at is not known to be good; one with nothing in it protects
 * nothing. */
void
status_judge_repositories(struct watch_report *r, const struct status_places *places)
{
    watch_begin(r, "repository");
    for (size_t i = 0; i < places->n_repos; i++) {
        const struct status_repo *in = &places->repos[i];
        bool                      empty = in->err.kind == ERR_NONE;

        for (size_t k = 0; k < places->n; k++) {
            empty &= places->v[k].in != in;
        }
        if (in->err.kind != ERR_NONE) {
            watch_find(r,
                       (struct watch_finding){
                           .severity = WATCH_UNKNOWN,
                           .object = in->name,
                           .what = watch_text(r, "could not be looked at: %s", in->err.text),
                           .action = in->err.hint[0] != '\0' ? in->err.hint
                                                             : "see whether it is reachable"});
        } else if (empty) {
            watch_find(r,
                       (struct watch_finding){.severity = WATCH_CRITICAL,
                                              .object = in->name,
                                              .what = "holds no backup of any database",
                                              .action = "take one",
                                              .command = backup_into(r, in)});
        }
    }
}

static void
judge_each(struct watch_report *r, const struct status_places *places,
           const struct status_targets *targets, bool only_newest)
{
    status_judge_repositories(r, places);
    for (size_t c = 0; c < sizeof checks / sizeof *checks; c++) {
        if (only_newest && !checks[c].newest) {
            continue;
        }
        watch_begin(r, checks[c].name);
        for (size_t i = 0; i < places->n; i++) {
            const struct judging j = {r, places, &places->v[i], &places->v[i].standing,
                                      &targets[i]};

            checks[c].judge(&j);
        }
        if (checks[c].all != NULL) {
            checks[c].all(r, places);
        }
    }
}

void
status_judge(struct watch_report *r, const struct status_places *places,
             const struct status_targets *targets)
{
    judge_each(r, places, targets, false);
}

void
status_judge_newest(struct watch_report *r, const struct status_places *places,
                    const struct status_targets *targets)
{
    judge_each(r, places, targets, true);
}
