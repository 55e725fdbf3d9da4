#include "storage/repo/recover.h"
#include "core/exit.h"
#include "core/json.h"
#include "core/log.h"
#include "core/print.h"
#include "storage/commands/cmd.h"

struct recover_options {
    struct cmd cmd;
    bool       dry_run;
};

static int
report(const struct cmd *c, const char *location, bool dry_run, const struct recovery *done,
       struct err *e)
{
    json_t *list = json_array();

    for (size_t i = 0; i < done->n; i++) {
        const struct recovered *x = &done->v[i];

        (void)json_array_append_new(list,
                                    json_pack("{s:s,s:s}", "object", x->object, "from", x->from));
        if (!c->json && !c->quiet) {
            print_out("%s %s from %s\n", x->object, dry_run ? "would be written" : "was written",
                      x->from);
        }
    }
    if (c->json) {
        return json_print(
            json_pack("{s:s,s:b,s:o}", "repository", location, "dry_run", dry_run, "objects", list),
            e);
    }
    json_decref(list);
    if (done->n == 0 && !c->quiet) {
        log_info("no settings are missing");
    }
    return 0;
}

static int
run(const struct cmd *c, struct err *e)
{
    bool                    dry_run = CMD_OPTIONS(c, recover_options)->dry_run;
    struct storage_location place;
    struct recovery         done = {.n = 0};
    int                     rc = -1;

    if (storage_location_find(c->config, c->repo, NULL, &c->given, &place, e) == 0) {
        rc = recover_settings(&place, dry_run, &done, e) != 0
            ? err_wrap(e, "could not recover the settings of \"%s\"", place.location)
            : report(c, place.location, dry_run, &done, e);
    }
    recovery_free(&done);
    return rc == 0 ? EXIT_GOOD : -1;
}

static const struct opt options[] = {
    {OPT_FLAG, "dry-run", 0, NULL, "report what would be done, change nothing",
     offsetof(struct recover_options, dry_run), 0, 0, NULL, NULL},
    OPTS_END,
};

const struct cmd_verb cmd_recover = {
    .cli = {.name = "recover",
            .args = "",
            .summary = "bring lost settings back from the copies beside backups",
            .tables = CMD_TABLES(options, cmd_repo_options, cmd_general_options)},
    .size = sizeof(struct recover_options),
    .run = run,
};
