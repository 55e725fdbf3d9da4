#include "backup/telling.h"

#include <stddef.h>

#include "core/exit.h"

struct notify *
telling_begin(const struct backup_request *run, const struct targets *targets)
{
    struct strlist names = {0};
    struct notify *n;

    if (run->options->file != NULL || run->options->dry_run) {
        return NULL;
    }
    for (size_t i = 0; i < targets->n; i++) {
        const struct database *db = &targets->v[i];

        if (db->name != NULL || db->dbname != NULL) {
            strlist_add(&names, db->name != NULL ? db->name : db->dbname);
        }
    }
    n = notify_begin(run->config, "backup", &names);
    strlist_free(&names);
    return n;
}

static void
add_pruned(struct notify *n, const struct outcome *o, const struct outcome_repo *r)
{
    struct notify_event event = {
        .condition = "prune", .database = o->name, .repository = r->location};

    if (r->pruned && r->prune_status != EXIT_GOOD) {
        event.level = "failed";
        event.text = r->prune_err.kind != ERR_NONE ? r->prune_err.text : r->prune_warnings;
    }
    if (r->pruned) {
        notify_add(n, &event);
    }
}

static void
add_stored(struct notify *n, const struct outcome *o)
{
    struct notify_event whole = {.condition = "backup", .database = o->name};

    for (size_t i = 0; i < o->n_repos; i++) {
        const struct outcome_repo *r = &o->repos[i];
        bool                       bad = r->err.kind != ERR_NONE;

        notify_add(n,
                   &(struct notify_event){.condition = "backup",
                                          .database = o->name,
                                          .repository = r->location,
                                          .level = bad ? "failed" : NULL,
                                          .text = r->err.text});
        add_pruned(n, o, r);
    }
    /* What is in no repository's name. */
    if (o->hook_err.kind != ERR_NONE) {
        whole.level = "warning";
        whole.text = o->hook_err.text;
    }
    if (outcome_alarm(o) != NULL) {
        whole.level = "failed";
        whole.text = outcome_alarm(o);
    }
    notify_add(n, &whole);
}

void
telling_add(struct notify *n, const struct outcome *o)
{
    const struct label *l = outcome_label(o);

    if (o->status == OUTCOME_FAILED && o->err.kind != ERR_BUSY) {
        notify_add(
            n,
            &(struct notify_event){.condition = "backup",
                                   .database = o->name,
                                   .repository = o->n_repos == 1 ? o->repos[0].location : NULL,
                                   .level = "failed",
                                   .text = o->err.text});
    } else if (o->status == OUTCOME_STORED && l != NULL && !label_is_partial(l)) {
        add_stored(n, o);
    }
}

void
telling_none(struct notify *n, const struct options *o, const struct err *e)
{
    notify_add(n,
               &(struct notify_event){.condition = "backup",
                                      .database = o->name,
                                      .level = e == NULL ? NULL : "failed",
                                      .text = e == NULL ? NULL : e->text});
}
