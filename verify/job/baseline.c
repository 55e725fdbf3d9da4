#include "verify/job/baseline.h"

#include <string.h>

#include <stdlib.h>

#include "core/human.h"
#include "core/log.h"
#include "core/quote.h"
#include "storage/read/parts.h"
#include "storage/read/rollback.h"
#include "storage/repo/baselines.h"
#include "storage/repo/settings.h"

int
baseline_open(const struct options *o, struct baseline *b, struct err *e)
{
    *b = (struct baseline){.repo = repo_open(&o->place, e)};
    if (b->repo == NULL)
        return -1;
    if (o->allow_unsigned)
        repo_allow_unsigned(b->repo);
    b->label = o->baseline != NULL
        ? baseline_find(b->repo, o->database, o->baseline, e)
        : rollback_find(b->repo, o->database, o->backup, o->at_time, &b->missed, e);
    if (b->label != NULL)
        b->man = manifest_load(b->repo, b->label, e);
    if (b->man == NULL) {
        if (b->label != NULL)
            err_wrap(e, "%s %s of \"%s\"", label_kind(b->label), b->label->id, o->database);
        baseline_close(b);
        return -1;
    }
    log_info("%s %s of \"%s\"", label_kind(b->label), b->label->id, o->database);
    return 0;
}

int
settings_find(struct repo *repo, struct findings *findings, struct err *e)
{
    struct strlist older = {0};
    char          *behind = settings_behind(repo);
    int            rc;

    if (behind != NULL)
        strlist_take(&older, behind);
    rc = settings_look_keys(repo, &older, e);
    for (size_t i = 0; i < older.n; i++)
        findings_add(findings,
                     (struct finding){.group = "settings",
                                      .object = repo->st->location,
                                      .what = "older settings are in force",
                                      .have = older.v[i]});
    strlist_free(&older);
    return rc;
}

static void
judge_age(const struct options *o, const struct baseline *b, struct verify_result *r)
{
    double age = difftime(time(NULL), b->label->snapshot);
    char   have[32], *command;

    if (o->max_age_s == 0 || (age <= (double)o->max_age_s && age >= -CLOCK_OFF_MAX))
        return;
    if (age < 0) {
        findings_add(&r->findings,
                     (struct finding){.group = "backup",
                                      .object = b->label->id,
                                      .what = "is from the future: how old it is, is not known"});
        return;
    }
    command = b->label->baseline
        ? quote_command("pgassay", "verify", "baseline", "record", o->database)
        : quote_command("pgassay", "backup", o->database);
    findings_add(&r->findings,
                 (struct finding){.group = label_kind(b->label),
                                  .object = b->label->id,
                                  .what = "is older than max-age allows",
                                  .want = o->max_age,
                                  .have = duration_human(age, have, sizeof have),
                                  .advice = command});
    free(command);
}

int
baseline_judge(const struct options *o, const struct baseline *b, struct verify_result *r,
               struct err *e)
{
    struct finding f = {
        .group = "backup", .object = b->label->id, .want = b->missed.backup, .have = b->label->id};

    if (b->missed.state == ROLLBACK_GONE) {
        f.what = "is older than a backup that this host has seen, which is gone without a prune";
        findings_add(&r->findings, f);
    } else if (b->missed.state == ROLLBACK_REPLACED) {
        f.what = "its label is not the one that this host has seen under that id";
        f.want = f.have = NULL;
        findings_add(&r->findings, f);
    }
    for (size_t i = 0; i < b->missed.passed.n; i++)
        findings_add(&r->findings,
                     (struct finding){.group = "backup",
                                      .object = b->label->id,
                                      .what = "is not the newest that stands there",
                                      .have = b->missed.passed.v[i]});
    judge_age(o, b, r);
    return settings_find(b->repo, &r->findings, e);
}

void
baseline_close(struct baseline *b)
{
    rollback_deinit(&b->missed);
    manifest_free(b->man);
    label_free(b->label);
    repo_close(b->repo);
    *b = (struct baseline){0};
}

int
databases_meant(struct repo *repo, const struct options *o, bool remembered, struct strlist *names,
                struct err *e)
{
    struct strlist all = {0};
    int            rc = 0;

    if (repo_databases(repo, &all, e) != 0)
        return -1;
    if (remembered)
        lastseen_databases(repo, &all);
    strlist_sort(&all);
    for (size_t i = 0; i < all.n; i++)
        if (o->database == NULL || strcmp(o->database, all.v[i]) == 0)
            strlist_add(names, all.v[i]);
    if (o->database != NULL && names->n == 0)
        rc = repo_no_database(repo, o->database, e);
    strlist_free(&all);
    return rc;
}
