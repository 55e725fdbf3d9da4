/* import_text.c - what became of the files, as text and JSON. */
#include <string.h>
#include <unistd.h>

#include "core/exit.h"
#include "core/human.h"
#include "core/log.h"
#include "core/print.h"
#include "core/when.h"
#include "storage/commands/import.h"

bool
import_good(const struct import_result *r)
{
    return r->exit_status == EXIT_GOOD;
}

static const char *
drill_text(enum import_drill d)
{
    static const char *const texts[] = {", not drilled", ", proven", ", drill failed",
                                        ", could not be drilled"};

    return texts[d];
}

void
import_say(const struct import_run *run, const struct import_result *r)
{
    const struct cmd *c = &run->o->cmd;
    struct err        none = ERR_INIT;
    time_t            at = 0;
    char              taken[32] = "?";

    if (c->json || c->quiet || r->status == IMPORT_FAILED ||
        (!run->o->dry_run && !c->verbose && !isatty(STDOUT_FILENO))) {
        return;
    }
    if (r->taken != NULL && time_parse(r->taken, &at, &none) == 0) {
        (void)when_local(at, time(NULL), taken, sizeof taken);
    }
    switch (r->status) {
    case IMPORT_PLANNED:
        print_out("%s: would be imported as \"%s\" of %s\n", r->path, r->db, taken);
        break;
    case IMPORT_PRESENT:
        print_out("%s: is there already: backup %s of \"%s\"%s\n", r->path, r->id, r->db,
                  r->drill == DRILL_NONE ? "" : drill_text(r->drill));
        break;
    default:
        print_out("%s: imported as \"%s\" of %s: backup %s%s\n", r->path, r->db, taken, r->id,
                  drill_text(r->drill));
    }
    (void)fflush(stdout);
}

/* Does the error begin with the file, in quotes? */
static bool
names_itself(const struct import_result *r)
{
    size_t n = strlen(r->path);

    return r->error != NULL && r->error[0] == '"' && strncmp(r->error + 1, r->path, n) == 0 &&
        r->error[n + 1] == '"';
}

void
import_say_failures(const struct import_run *run)
{
    size_t bad = 0;
    char   all[48];

    for (size_t i = 0; i < run->n; i++) {
        const struct import_result *r = &run->v[i];

        if (import_good(r)) {
            continue;
        }
        bad++;
        if (r->status == IMPORT_FAILED && names_itself(r)) {
            log_hinted(LOG_ERROR, r->hint, "%s", r->error);
        } else if (r->status == IMPORT_FAILED) {
            log_hinted(LOG_ERROR, r->hint, "%s: %s", r->path,
                       r->error != NULL ? r->error : "it could not be imported");
        } else {
            log_hinted(LOG_ERROR, r->hint, "%s: backup %s of \"%s\": %s", r->path, r->id, r->db,
                       r->error);
        }
    }
    if (bad > 0 && run->n > 1) {
        log_error("%zu of %s could not be imported, or not be proven", bad,
                  count_human(run->n, "dump", all, sizeof all));
    }
}

static json_t *
result_json(const struct import_result *r)
{
    static const char *const status[] = {"stored", "present", "planned", "failed"};
    static const char *const drills[] = {NULL, "passed", "different", "failed"};
    json_t                  *o = json_object();

    (void)json_object_set_new(o, "file", json_text(r->path));
    (void)json_object_set_new(o, "database", json_text(r->db));
    (void)json_object_set_new(o, "status", json_text(status[r->status]));
    (void)json_object_set_new(o, "backup", json_text(r->id[0] != '\0' ? r->id : NULL));
    (void)json_object_set_new(o, "snapshot", json_text(r->taken));
    (void)json_object_set_new(o, "drill", json_text(drills[r->drill]));
    (void)json_object_set_new(o, "error", json_text(r->error));
    if (r->hint != NULL) {
        (void)json_object_set_new(o, "hint", json_text(r->hint));
    }
    return o;
}

int
import_say_json(const struct import_run *run, const struct strlist *passed, struct err *e)
{
    json_t *imports = json_array(), *over = json_array();

    for (size_t i = 0; i < run->n; i++) {
        (void)json_array_append_new(imports, result_json(&run->v[i]));
    }
    for (size_t i = 0; i < passed->n; i++) {
        (void)json_array_append_new(over, json_text(passed->v[i]));
    }
    return json_print(json_pack("{s:s, s:b, s:o, s:o}", "repository", run->repo->st->location,
                                "dry_run", (int)run->o->dry_run, "imports", imports, "passed_over",
                                over),
                      e);
}
