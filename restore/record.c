#include "restore/record.h"

#include <stdlib.h>
#include <string.h>

#include "core/exit.h"
#include "core/log.h"
#include "restore/job/succession.h"
#include "storage/repo/ledger.h"

/* Plan and preflight change nothing: what ends there was no restore. */
static bool
has_begun(const struct restore *r)
{
    for (size_t i = 0; i < r->n_phases; i++) {
        if (strcmp(r->phases[i].name, "plan") != 0 &&
            strcmp(r->phases[i].name, "server, preflight") != 0) {
            return true;
        }
    }
    return false;
}

static const char *
verdict(int status)
{
    return status == EXIT_GOOD  ? "complete"
        : status == EXIT_PARTLY ? "partly"
        : status > 128          ? "interrupted"
                                : "failed";
}

static json_t *
what_json(const struct restore *r)
{
    char   *server = target_name(r);
    json_t *o = json_pack("{s:o, s:o, s:I, s:I, s:I, s:f, s:I}", "database", json_text(r->name),
                          "server", json_text(server), "tables", (json_int_t)r->n_tables, "rows",
                          (json_int_t)r->rows, "bytes", (json_int_t)r->bytes, "seconds", r->seconds,
                          "not_restored", (json_int_t)r->problems.n);

    free(server);
    return o;
}

void
record_restore(const struct restore *r, int status, time_t started)
{
    struct err e = ERR_INIT;
    json_t    *what;

    if (r->o->no_record || r->o->as_of != NULL || r->repo == NULL || r->label == NULL ||
        !has_begun(r)) {
        return;
    }
    what = what_json(r);
    r->repo->st->hurry_s = SUCCESSION_WAIT_S;
    if (ledger_put(r->repo, r->label->db,
                   &(struct ledger_event){.event = "restore",
                                          .verdict = verdict(status),
                                          .good = status == EXIT_GOOD,
                                          .started = started,
                                          .backup = r->label->id,
                                          .label_sha256 = r->label->sha256,
                                          .what = what,
                                          .epoch = r->label->epoch},
                   &e) != 0) {
        log_info("this restore is not in the history of \"%s\": %s", r->label->db, e.text);
    }
    json_decref(what);
}
