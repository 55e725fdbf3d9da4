#include "backup/prune.h"

#include <stdlib.h>
#include <string.h>

#include "core/cli/opts_log.h"
#include "core/host/proc.h"

enum { ARGS_MAX = 14, OUTPUT_MAX = 64 << 20 };

static void
run_prune(const struct job *j, const struct storage_location *place, struct outcome_repo *r)
{
    char          *program = proc_sibling("pgassay-storage", &r->prune_err);
    const char   **argv;
    struct buf     out = BUF_INIT(OUTPUT_MAX), said = BUF_INIT(OUTPUT_MAX);
    size_t         n = 0;
    struct strlist given = {0};

    storage_given_args(&place->given, &given);
    argv = xcalloc(ARGS_MAX + given.n, sizeof *argv);
    argv[n++] = program;
    argv[n++] = "prune";
    argv[n++] = "--repo";
    argv[n++] = storage_location_name(place);
    argv[n++] = "--log-format"; /* what it says is printed as it is */
    argv[n++] = opts_log_text("log-format");
    argv[n++] = "--log-to";
    argv[n++] = opts_log_text("log-to");
    if (j->o.verbose) {
        argv[n++] = "--verbose";
    }
    if (j->o.config_file != NULL) {
        argv[n++] = "--config";
        argv[n++] = j->o.config_file;
    }
    for (size_t i = 0; i < given.n; i++) {
        argv[n++] = given.v[i];
    }
    argv[n++] = "--"; /* any user who may create databases chooses their names */
    argv[n++] = j->name;
    argv[n] = NULL;
    if (program != NULL &&
        proc_run(
            &(struct proc_spec){
                .argv = argv, .out = &out, .err = &said, .idle_ms = -1, .status_ok = true},
            &r->prune_status, &r->prune_err) != 0) {
        r->prune_status = -1;
    }
    r->prune_text = xstrdup(buf_str(&out));
    r->prune_warnings = xstrdup(buf_str(&said));
    buf_free(&out);
    buf_free(&said);
    strlist_free(&given);
    free(argv);
    free(program);
}

void
prune_after(const struct job *j, struct outcome *out)
{
    struct storage_location *places = NULL;
    struct err               e = ERR_INIT;
    size_t                   n = 0;

    (void)storage_locations_find(j->run->config, &j->o.repos, j->name,
                                 &(struct storage_given){.options = &j->o.repo_options}, &places,
                                 &n, &e);
    for (size_t i = 0; i < out->n_repos; i++) {
        struct outcome_repo *r = &out->repos[i];

        if (r->label == NULL) {
            continue;
        }
        r->pruned = true;
        r->prune_status = -1;
        r->prune_err = e;
        if (i < n) {
            run_prune(j, &places[i], r);
        }
    }
    free(places);
}
