#include "backup/remember.h"

#include <stdlib.h>

#include "storage/repo/lastrun.h"

/* alarm: what a run that went well has found all the same, or NULL. */
static void
note(const char *id, const char *location, const char *name, time_t started, const struct err *e,
     const char *alarm)
{
    if (e->kind != ERR_BUSY) {
        lastrun_note(*id != '\0' ? id : NULL, location, name, started,
                     e->kind != ERR_NONE ? e->text : alarm);
    }
}

/* It ended before it opened any: for those that it would have been for. */
static void
note_unreached(const struct backup_request *run, const char *name, const struct outcome *out,
               time_t started)
{
    struct options           o = {0};
    struct storage_location *places = NULL;
    struct err               ignored = ERR_INIT;
    size_t                   n = 0;

    if (options_for(run->options, run->given, run->config, name, &o, &ignored) != 0) {
        return;
    }
    (void)storage_locations_find(run->config, &o.repos, name,
                                 &(struct storage_given){.options = &o.repo_options}, &places, &n,
                                 &ignored);
    for (size_t i = 0; i < n; i++) {
        struct err   why = ERR_INIT;
        struct repo *r = repo_open(&places[i], &why);

        note(r != NULL ? r->id : "", places[i].location, name, started, &out->err, NULL);
        repo_close(r);
    }
    free(places);
    options_free(&o);
}

void
remember(const struct backup_request *run, const struct database *db, const struct outcome *out,
         time_t started)
{
    const struct label *l = outcome_label(out);
    const char *name = out->name != NULL ? out->name : db->name != NULL ? db->name : db->dbname;

    if (name == NULL || run->options->dry_run || out->err.kind == ERR_BUSY ||
        (l != NULL && label_is_partial(l))) {
        return;
    }
    for (size_t i = 0; i < out->n_repos; i++) {
        note(out->repos[i].id, out->repos[i].location, name, started, &out->repos[i].err,
             outcome_alarm(out));
    }
    if (out->n_repos == 0) {
        note_unreached(run, name, out, started);
    }
}
