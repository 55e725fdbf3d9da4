#include "verify/job/record.h"

#include <stdlib.h>
#include <string.h>

#include "core/exit.h"
#include "core/log.h"
#include "storage/repo/drillrecord.h"
#include "storage/repo/ledger.h"

static json_t *
compared_json(const struct verify_result *r, const char *copy)
{
    const struct result_compared *c = &r->compared;

    return json_pack("{s:s, s:s, s:f, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "against",
                     r->against == NULL ? "" : r->against, "copy", copy, "recovery_seconds",
                     r->recovery_s, "different",
                     (json_int_t)findings_count(&r->findings, FINDING_DIFFERENT), "not_compared",
                     (json_int_t)findings_count(&r->findings, FINDING_UNCOMPARED), "tables",
                     (json_int_t)c->tables, "rows", (json_int_t)c->rows, "bytes",
                     (json_int_t)c->bytes, "objects", (json_int_t)c->objects, "sequences",
                     (json_int_t)c->sequences, "large_objects", (json_int_t)c->large_objects);
}

static void
note_drill(struct repo *repo, const struct verify_result *r, const struct drill_record *d,
           const char *key)
{
    json_t *what = compared_json(r, d->copy);

    ledger_note(repo, r->label->db,
                &(struct ledger_event){.event = "drill",
                                       .verdict = d->allow_unsigned ? "unsigned"
                                           : d->equal               ? "equal"
                                           : d->different > 0       ? "different"
                                                                    : "not proven",
                                       .good = d->equal && !d->allow_unsigned,
                                       .started = d->started,
                                       .backup = d->backup,
                                       .label_sha256 = d->label_sha256,
                                       .record = key,
                                       .what = what,
                                       .epoch = d->epoch});
    json_decref(what);
}

bool
record_drill(struct repo *repo, const struct options *o, const struct verify_result *r,
             time_t started)
{
    char               *copy = result_copy_text(r);
    struct drill_record d = {
        .equal = result_exit_status(r) == EXIT_GOOD,
        .allow_unsigned = o->allow_unsigned,
        .started = started,
        .finished = time(NULL),
        .recovery_seconds = r->recovery_s,
        .different = findings_count(&r->findings, FINDING_DIFFERENT),
        .not_compared = findings_count(&r->findings, FINDING_UNCOMPARED),
        .tables = r->compared.tables,
        .rows = r->compared.rows,
        .bytes = r->compared.bytes,
        .damages = r->control.n,
        .noticed = result_control_noticed(&r->control),
        .against = r->against,
        .copy = copy,
        .times = r->times,
        .targets = r->targets,
        .epoch = r->label->epoch,
    };
    struct err e = ERR_INIT;
    char      *key = NULL;

    memcpy(d.backup, r->label->id, sizeof d.backup);
    memcpy(d.label_sha256, r->label->sha256, sizeof d.label_sha256);
    if (drill_record_put(repo, r->label->db, &d, &key, &e) == 0) {
        note_drill(repo, r, &d, key);
        free(key);
        free(copy);
        return true;
    }
    free(copy);
    log_warn("the drill was not recorded, and protects no backup from being pruned: %s", e.text);
    log_warn("where that is meant to be, say so: --no-record");
    return false;
}

void
record_key_drill(struct repo *repo, const struct options *o, const struct label *l,
                 const struct public_key *k, const struct result_proven *p, bool opened,
                 time_t started)
{
    json_t *what;

    if (o->no_record || o->as_of != NULL)
        return;
    what = json_pack("{s:s, s:o, s:I, s:I}", "key", k->id, "key_name", json_text(k->name), "chunks",
                     (json_int_t)p->chunks, "bytes", (json_int_t)p->bytes);
    ledger_note(repo, l->db,
                &(struct ledger_event){.event = "key-drill",
                                       .verdict = opened ? "opened" : "not opened",
                                       .good = opened,
                                       .started = started,
                                       .backup = l->id,
                                       .label_sha256 = l->sha256,
                                       .what = what,
                                       .epoch = l->epoch});
    json_decref(what);
}
