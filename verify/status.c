#include "verify/status.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/exit.h"
#include "core/human.h"
#include "core/log.h"
#include "core/report/watch_show.h"
#include "verify/report/of_watch.h"
#include "verify/report/write.h"
#include "verify/status/judge.h"
#include "verify/status/prometheus.h"
#include "verify/status/tell.h"
#include "verify/telling.h"

/* The targets as options and keys of the configuration: a section's own beat those for all, an
 * option beats both. */
static const struct {
    const char *name;
    size_t      given, seconds;
} keys[] = {
    {"rpo", offsetof(struct options, rpo), offsetof(struct status_targets, rpo_s)},
    {"rto", offsetof(struct options, rto), offsetof(struct status_targets, rto_s)},
    {"proven-within", offsetof(struct options, proven_within),
     offsetof(struct status_targets, proven_s)},
    {"scrubbed-within", offsetof(struct options, scrubbed_within),
     offsetof(struct status_targets, scrubbed_s)},
    {"key-drilled-within", offsetof(struct options, key_drilled_within),
     offsetof(struct status_targets, key_drilled_s)},
};

/* db NULL: for those that have no section of their own. */
static int
read_targets(const struct options *o, const char *db, struct status_targets *t, struct err *e)
{
    *t = (struct status_targets)STATUS_TARGETS_DEFAULT;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const char *text = *(const char *const *)(const void *)((const char *)o + keys[i].given);
        uint64_t   *seconds = (uint64_t *)(void *)((char *)t + keys[i].seconds);
        const char *own = db == NULL ? NULL : config_get(o->config, "database", db, keys[i].name);

        if (own != NULL && !opts_given(&o->parsed, keys[i].name)) {
            text = own;
        }
        if (options_read_target(keys[i].name, text, seconds, e) != 0) {
            return -1;
        }
    }
    return 0;
}

static int
show(const struct options *o, struct watch_report *r, const struct status_places *places,
     struct err *e)
{
    if (o->nagios) {
        return watch_show_nagios(r);
    }
    if (!o->json) {
        watch_show_text(r, options_quiet(o));
    } else {
        (void)json_object_set_new(r->facts, "places", status_json(places));
        if (watch_show_json(r, e) != 0) {
            return -1;
        }
    }
    return watch_worst(r) == WATCH_OK ? EXIT_GOOD : EXIT_DIFFERENT;
}

static int
report(const struct options *o, const struct watch_report *r, const struct status_places *places,
       const struct status_targets *targets, struct err *e)
{
    json_t *document = NULL;

    if (!report_asked(o)) {
        return 0;
    }
    return report_of_status(r, places, targets, &document, e) != 0 ? -1
                                                                   : report_write(o, document, e);
}

static int
judge(const struct options *o, struct status_places *places, struct notify *notify, time_t now,
      double began, struct err *e)
{
    struct status_targets *targets = xcalloc(places->n + 1, sizeof *targets);
    struct watch_report    r;
    int                    rc = 0;

    watch_init(&r, "status");
    for (size_t i = 0; rc == 0 && i < places->n; i++) {
        rc = read_targets(o, places->v[i].db, &targets[i], e);
    }
    if (rc == 0) {
        status_judge(&r, places, targets);
        status_tell(&r, places, targets);
        watch_sort(&r);
        r.seconds = clock_seconds() - began;
        telling_status(notify, &r, places);
        rc = o->prometheus == NULL ? 0 : status_prometheus(o->prometheus, &r, places, now, e);
    }
    if (rc == 0) {
        rc = report(o, &r, places, targets, e);
    }
    if (rc == 0) {
        rc = show(o, &r, places, e);
    }
    watch_free(&r);
    free(targets);
    return rc;
}

/* A collector must see that no repository could be read: the file would else say that all is as it
 * was.  The error itself is the caller's. */
static void
write_unread(const struct options *o, const struct status_places *places, time_t now)
{
    struct watch_report r;
    struct err          e = ERR_INIT;

    if (o->prometheus == NULL || places->n_repos == 0) {
        return;
    }
    for (size_t i = 0; i < places->n_repos; i++) {
        if (places->repos[i].err.kind == ERR_NONE) {
            return;
        }
    }
    watch_init(&r, "status");
    status_judge_repositories(&r, places);
    if (status_prometheus(o->prometheus, &r, places, now, &e) != 0) {
        log_warn("%s", e.text);
    }
    watch_free(&r);
}

int
verify_status(struct options *o, struct err *e)
{
    double                began = clock_seconds();
    time_t                now = time(NULL);
    struct status_targets targets;
    struct status_places  places = {0};
    struct status_request q = {
        .config = o->config, .repos = &o->repos, .databases = &o->parsed.rest, .given = &o->given};
    struct notify *notify;
    int            rc;

    if (read_targets(o, NULL, &targets, e) != 0) {
        return -1;
    }
    q.scrubbed_s = targets.scrubbed_s;
    notify = o->notify ? notify_begin(o->config, NULL, NULL) : NULL;
    rc = status_places_load(&q, now, &places, e);
    if (rc == 0) {
        rc = judge(o, &places, notify, now, began, e);
    } else {
        write_unread(o, &places, now);
    }
    telling_looked(notify, &places, rc < 0 ? e : NULL);
    notify_end(notify, rc);
    status_places_free(&places);
    return rc;
}

/* ---- beside a look at the server ---- */

static bool
any_was_read(const struct status_places *places)
{
    for (size_t i = 0; i < places->n_repos; i++) {
        if (places->repos[i].err.kind == ERR_NONE) {
            return true;
        }
    }
    return false;
}

/* There is no backup, or it is not known whether there is one. */
static int
tell_unread(struct watch_report *r, const struct status_places *places, const char *db,
            struct err *e)
{
    bool none = e->kind == ERR_NOT_FOUND && any_was_read(places);

    if (e->kind == ERR_INTERRUPTED || e->kind == ERR_USAGE) {
        return -1;
    }
    watch_begin(r, "backup");
    watch_find(r,
               (struct watch_finding){.severity = none ? WATCH_CRITICAL : WATCH_UNKNOWN,
                                      .object = db,
                                      .what = none ? "has no backup that could be restored"
                                                   : "is not known to have a backup",
                                      .means = watch_text(r, "%s", e->text),
                                      .action = e->hint[0] != '\0' ? watch_text(r, "%s", e->hint)
                                                                   : "see whether the repository "
                                                                     "is reachable"});
    watch_sort(r);
    err_clear(e);
    return 0;
}

static bool
knows_repository(const struct options *o)
{
    struct strlist names = {0};
    struct err     none = ERR_INIT;
    bool           known = o->repos.n > 0 ||
        config_repo_names(o->config, &o->repos, o->database, &names, &none) == 0;

    strlist_free(&names);
    return known;
}

static int
judge_newest(const struct options *o, struct watch_report *r, const struct status_places *places,
             struct err *e)
{
    struct status_targets *targets = xcalloc(places->n + 1, sizeof *targets);
    int                    rc = 0;

    for (size_t i = 0; rc == 0 && i < places->n; i++) {
        rc = read_targets(o, places->v[i].db, &targets[i], e);
    }
    if (rc == 0) {
        status_judge_newest(r, places, targets);
        status_tell(r, places, targets);
        watch_sort(r);
    }
    free(targets);
    return rc;
}

int
verify_status_beside(const struct options *o, struct watch_report *r, struct err *e)
{
    double                began = clock_seconds();
    struct strlist        databases = {0};
    struct status_places  places = {0};
    struct status_request q = {
        .config = o->config, .repos = &o->repos, .databases = &databases, .given = &o->given};
    int rc;

    if (o->database == NULL && o->repos.n > 0) {
        return err_set(e, ERR_USAGE, "--repo needs the name of a database in it");
    }
    if (o->database == NULL || !knows_repository(o)) {
        return 0;
    }
    strlist_add(&databases, o->database);
    rc = status_places_load(&q, time(NULL), &places, e);
    rc = rc == 0 ? judge_newest(o, r, &places, e) : tell_unread(r, &places, o->database, e);
    r->seconds += clock_seconds() - began;
    status_places_free(&places);
    strlist_free(&databases);
    return rc;
}
