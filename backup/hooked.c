#include "backup/hooked.h"

#include <stddef.h>

#include "core/exit.h"
#include "core/hooks/hook.h"
#include "core/logline.h"
#include "core/mem.h"

static const char *
first(const char *a, const char *b)
{
    return a != NULL ? a : b;
}

int
hooked_status(const struct outcome *o)
{
    if (o->status == OUTCOME_FAILED) {
        return err_exit_status(&o->err);
    }
    if (outcome_failures(o) + outcome_unpruned(o) > 0 || o->hook_err.kind != ERR_NONE) {
        return EXIT_PARTLY;
    }
    return outcome_alarm(o) != NULL ? EXIT_DIFFERENT : EXIT_GOOD;
}

/* Of the whole backup, or of the first repository that has none. */
static const char *
error_of(const struct outcome *o)
{
    if (o->status == OUTCOME_FAILED) {
        return o->err.text;
    }
    for (size_t i = 0; i < o->n_repos; i++) {
        if (o->repos[i].err.kind != ERR_NONE) {
            return o->repos[i].err.text;
        }
    }
    return NULL;
}

static void
run_after(struct hook *h, struct outcome *out)
{
    const struct label *l = outcome_label(out);

    h->database = first(out->name, h->database);
    (void)hook_after(h,
                     &(struct hook_ended){.status = hooked_status(out),
                                          .backup = l == NULL ? NULL : l->id,
                                          .error = error_of(out)},
                     &out->hook_err);
}

void
hooked_run(const struct backup_request *run, const struct database *db, struct outcome *out)
{
    const char *name = first(db->name, db->dbname);
    struct hook h = {.config = run->config, .work = "backup", .section = name, .database = name};
    struct err  e = ERR_INIT;

    logline_database_set(name);
    if (run->import != NULL || run->options->dry_run) {
        backup_run(run, db, out);
        return;
    }
    if (hook_before(&h, &e) != 0) {
        *out = (struct outcome){.status = OUTCOME_FAILED,
                                .name = name == NULL ? NULL : xstrdup(name),
                                .dbname = db->dbname == NULL ? NULL : xstrdup(db->dbname),
                                .err = e};
    } else {
        backup_run(run, db, out);
    }
    run_after(&h, out);
}
