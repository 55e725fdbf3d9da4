#include <stdlib.h>
#include <string.h>

#include "core/cli/texttable.h"
#include "core/human.h"
#include "core/print.h"
#include "storage/commands/prune.h"
#include "storage/format/object.h"

/* ---- for machines ---- */

static json_t *
sum_json(const struct prune_sum *s)
{
    return json_pack("{s:I, s:I}", "objects", (json_int_t)s->objects, "bytes",
                     (json_int_t)s->bytes);
}

static json_t *
ids_json(const struct strlist *ids)
{
    json_t *list = json_array();

    for (size_t i = 0; i < ids->n; i++) {
        (void)json_array_append_new(list, json_string(ids->v[i]));
    }
    return list;
}

static json_t *
verdict_json(const struct retention_verdict *v)
{
    char    at[32];
    json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:b, s:o}", "backup", v->id, "scope", v->scope,
                          "snapshot", time_rfc3339(v->snapshot, at, sizeof at), "state",
                          retention_state_text(v->state), "stays", (int)(v->fate == FATE_STAYS),
                          "reasons", retention_verdict_reasons(v));

    object_set_text(o, "problem", v->problem);
    object_set_text(o, "pinned", v->note);
    if (v->locked_until != 0) {
        (void)json_object_set_new(o, "locked_until",
                                  json_string(time_rfc3339(v->locked_until, at, sizeof at)));
    }
    return o;
}

static void
decision_json(const struct retention_plan *d, json_t *o)
{
    json_t *backups = json_array(), *alarms = json_array();

    for (size_t i = 0; i < d->n; i++) {
        (void)json_array_append_new(backups, verdict_json(&d->v[i]));
    }
    for (size_t i = 0; i < d->n_alarms; i++) {
        const struct retention_alarm *a = &d->alarms[i];

        (void)json_array_append_new(alarms,
                                    json_pack("{s:s, s:s, s:s, s:s, s:I, s:I}", "scope", a->scope,
                                              "since", a->since, "newest", a->newest, "measure",
                                              a->measure, "have", (json_int_t)a->have, "largest",
                                              (json_int_t)a->largest));
    }
    (void)json_object_set_new(o, "policy", policy_json(&d->policy));
    (void)json_object_set_new(o, "backups", backups);
    (void)json_object_set_new(o, "alarms", alarms);
}

static json_t *
list_json(const struct prune_list *l)
{
    static const char *const states[] = {"swept", "waits-grace", "waits-runs", "waits-objects"};
    char                     at[32];
    const char              *state = states[l->state];
    json_t                  *o;

    time_rfc3339(l->written, at, sizeof at);
    o = json_pack("{s:s, s:s, s:s}", "name", l->name, "written", at, "state", state);
    object_set_text(o, "why", l->why);
    return o;
}

static void
result_json(const struct prune_result *p, json_t *o)
{
    json_t *lists = json_array();

    for (size_t i = 0; i < p->n_lists; i++) {
        (void)json_array_append_new(lists, list_json(&p->lists[i]));
    }
    (void)json_object_set_new(o, "expired", ids_json(&p->expired));
    (void)json_object_set_new(o, "revoked", ids_json(&p->revoked));
    (void)json_object_set_new(o, "live", ids_json(&p->live));
    (void)json_object_set_new(o, "kept", sum_json(&p->kept));
    (void)json_object_set_new(o, "trashed", sum_json(&p->trashed));
    (void)json_object_set_new(o, "swept", sum_json(&p->swept));
    (void)json_object_set_new(o, "waiting", sum_json(&p->waiting));
    (void)json_object_set_new(o, "locked", sum_json(&p->locked));
    (void)json_object_set_new(o, "protected_objects",
                              json_integer((json_int_t)p->protected_objects));
    (void)json_object_set_new(o, "unknown_objects", json_integer((json_int_t)p->unknown_objects));
    (void)json_object_set_new(o, "leftovers", json_integer((json_int_t)p->leftovers));
    (void)json_object_set_new(o, "trash", lists);
}

json_t *
pruned_json(const struct pruned *p)
{
    json_t *o = json_object();

    object_set_text(o, "db", p->db);
    if (p->decided) {
        decision_json(&p->decision, o);
    }
    result_json(&p->result, o);
    if (p->err.kind != ERR_NONE) {
        object_set_text(o, "error", p->err.text);
        object_set_text(o, "hint", p->err.hint[0] != '\0' ? p->err.hint : NULL);
    }
    return o;
}

/* ---- for people ---- */

static void
print_decision(const struct retention_plan *d, bool dry_run)
{
    struct texttable t = {.heads = "backup|>age|fate|why"};

    for (size_t i = 0; i < d->n; i++) {
        const struct retention_verdict *v = &d->v[i];
        char                            age[32];
        char                           *why = retention_verdict_text(d, v);

        texttable_add(&t, v->id);
        texttable_add(&t, duration_human(difftime(time(NULL), v->snapshot), age, sizeof age));
        texttable_add(&t, v->fate == FATE_STAYS ? "stays" : dry_run ? "would go" : "goes");
        texttable_add(&t, why);
        free(why);
    }
    texttable_print(&t, stdout);
    texttable_free(&t);
}

static void
print_sum(const char *what, const struct prune_sum *s, const char *why)
{
    char n[48], size[16];

    if (s->objects > 0) {
        print_out("%-10s %s in %s%s%s\n", what, size_human(s->bytes, size, sizeof size),
                  count_human(s->objects, "object", n, sizeof n), *why == '\0' ? "" : ": ", why);
    }
}

static void
print_result(const struct prune_result *p, bool dry_run)
{
    char n[48];

    if (p->expired.n > 0) {
        print_out("%-10s %s\n", dry_run ? "would go" : "expired",
                  count_human(p->expired.n, "backup", n, sizeof n));
    }
    print_sum("needed", &p->kept, "");
    print_sum("garbage", &p->trashed,
              dry_run ? "would be named in the trash" : "named in the trash, still stored");
    print_sum(dry_run ? "free" : "freed", &p->swept, dry_run ? "could be removed now" : "");
    print_sum("waiting", &p->waiting, "");
    for (size_t i = 0; i < p->n_lists; i++) {
        if (p->lists[i].state != PRUNE_SWEPT && p->lists[i].why != NULL) {
            print_out("%-10s %s: %s\n", "", p->lists[i].name, p->lists[i].why);
        }
    }
    print_sum("locked", &p->locked, "the store refused to remove it");
    for (size_t i = 0; i < p->revoked.n; i++) {
        print_out("%-10s run %s showed no sign of life for 72 hours\n", "revoked", p->revoked.v[i]);
    }
}

void
pruned_print(const struct pruned *p, bool dry_run)
{
    print_out("%s\n", p->db);
    if (p->decided) {
        print_decision(&p->decision, dry_run || p->err.kind != ERR_NONE);
    }
    if (p->err.kind == ERR_NONE) {
        print_result(&p->result, dry_run);
    }
}
