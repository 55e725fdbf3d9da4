/*
 * protect.c - is what protects the backups as it should be: a second place, a key that opens them,
 * a policy that is carried out, a schedule that runs?
 */
#include <stdlib.h>
#include <string.h>

#include "core/human.h"
#include "core/quote.h"
#include "verify/status/judge_impl.h"

/* ---- a second place ---- */

static bool
holds(const struct standing *s, const char *backup)
{
    const struct backup_entry *b = backup_list_find(&s->list, backup);

    return b != NULL && b->state == BACKUP_COMMITTED;
}

/* Another repository has this backup, or one that is not much older: as far as the target for the
 * newest allows. */
static bool
is_elsewhere(const struct judging *j)
{
    const struct label *mine = j->s->newest.label;

    for (size_t i = 0; i < j->places->n; i++) {
        const struct status_place *p = &j->places->v[i];
        const struct label        *l = p->standing.newest.label;

        if (p == j->place || strcmp(p->db, j->place->db) != 0) {
            continue;
        }
        if (holds(&p->standing, mine->id) ||
            (l != NULL && j->targets->rpo_s > 0 &&
             difftime(mine->snapshot, l->snapshot) <= (double)j->targets->rpo_s)) {
            return true;
        }
    }
    return false;
}

static const struct status_place *
second_place(const struct judging *j)
{
    for (size_t i = 0; i < j->places->n; i++) {
        if (&j->places->v[i] != j->place && strcmp(j->places->v[i].db, j->place->db) == 0) {
            return &j->places->v[i];
        }
    }
    return NULL;
}

void
judge_second_place(const struct judging *j)
{
    const struct status_place *p = second_place(j);
    char                      *command;

    if (j->s->newest.label == NULL || p == NULL || is_elsewhere(j)) {
        return;
    }
    command = quote_command("pgassay", "storage", "copy", j->place->in->name, p->in->name,
                            QUOTE_ARG(j->s->db));
    judging_find(
        j, WATCH_WARNING,
        watch_text(j->report, "is the only place of its newest backup, %s", j->s->newest.label->id),
        "what destroys this repository takes the backup with it", "copy it",
        watch_text(j->report, "%s", command));
    free(command);
}

/* A database that is configured for one repository has no second one to look into. */
void
skip_second_place(struct watch_report *r, const struct status_places *places)
{
    for (size_t i = 0; i < places->n; i++) {
        for (size_t k = 0; k < i; k++) {
            if (strcmp(places->v[i].db, places->v[k].db) == 0) {
                return;
            }
        }
    }
    watch_skip(r, "no database is in more than one of the repositories that were looked at");
}

/* ---- a key that opens them ---- */

static bool
is_encrypted(const struct standing *s)
{
    return s->newest.label != NULL && s->newest.label->encrypted;
}

/* What is younger than the target has had time. */
void
judge_key_drill(const struct judging *j)
{
    const struct standing *s = j->s;
    double                 target = (double)j->targets->key_drilled_s;

    if (!is_encrypted(s) || target == 0 || judging_age(j, s->oldest) <= target ||
        (s->key_drilled > 0 && judging_age(j, s->key_drilled) <= target)) {
        return;
    }
    judging_find(
        j, WATCH_WARNING,
        s->key_drilled == 0
            ? "has no key drill on record: no key has been shown to open its backups"
            : watch_text(j->report, "had its last good key drill %s ago, and should within %s",
                         judging_duration(j, judging_age(j, s->key_drilled)),
                         judging_duration(j, target)),
        "a key that is lost or forgotten is noticed by a restore", "try the key from the safe",
        judging_command(j, "verify key-drill --identity FILE"));
}

void
skip_key_drill(struct watch_report *r, const struct status_places *places)
{
    for (size_t i = 0; i < places->n; i++) {
        if (is_encrypted(&places->v[i].standing)) {
            return;
        }
    }
    watch_skip(r, "no backup is encrypted");
}

/* ---- a policy that is carried out ---- */

void
judge_policy(const struct judging *j)
{
    char count[48];

    if (j->s->overdue == 0) {
        return;
    }
    judging_find(j, WATCH_WARNING,
                 watch_text(j->report, "still holds %s that its policy gave up a week ago",
                            count_human(j->s->overdue, "backup", count, sizeof count)),
                 "the repository grows, and nobody prunes it", "let a prune run every night",
                 judging_command(j, "storage prune"));
}

/* ---- a schedule that runs ---- */

/* What this host remembers of its own runs.  Where others take the backups it knows nothing; and a
 * run that failed is of no interest once there is a newer backup, whoever took it.  One of the same
 * second is not newer: had this host taken it after the failure, its run would be the last. */
void
judge_schedule(const struct judging *j)
{
    const struct lastrun *run = &j->s->run;
    const struct label   *newest = j->s->newest.label;
    double                rpo = (double)j->targets->rpo_s;

    if (run->finished == 0) {
        return;
    }
    if (run->error != NULL && (newest == NULL || newest->snapshot <= run->started)) {
        judging_find(j, WATCH_WARNING,
                     watch_text(j->report, "had its last backup run on this host fail %s ago: %s",
                                judging_duration(j, judging_age(j, run->finished)), run->error),
                     NULL, "mend that, and take a backup", judging_command(j, "backup"));
    } else if (run->error == NULL && rpo > 0 && judging_age(j, run->started) > rpo &&
               (newest == NULL || judging_age(j, newest->snapshot) > rpo)) {
        judging_find(j, WATCH_WARNING,
                     watch_text(j->report, "had its last backup run on this host %s ago",
                                judging_duration(j, judging_age(j, run->started))),
                     "what begins it did not since", "look at the timer, or at cron",
                     "systemctl list-timers 'pgassay*'");
    }
}

void
skip_schedule(struct watch_report *r, const struct status_places *places)
{
    for (size_t i = 0; i < places->n; i++) {
        if (places->v[i].standing.run.finished > 0) {
            return;
        }
    }
    watch_skip(r, "this host takes no backups of these databases");
}
