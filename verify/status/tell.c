#include "verify/status/tell.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/human.h"
#include "core/when.h"
#include "storage/retention/policy.h"

/* ---- for people ---- */

/* "back to 02:15 (6 h 12 min ago), in about 3 min": as the last drill took. */
static char *
restore_clause(const struct standing *s)
{
    const struct drill_record *d = s->drilled.drill;
    char                       local[32], ago[32], took[32];

    if (s->newest.label == NULL) {
        return xstrdup("nothing to restore");
    }
    return xasprintf(
        "back to %s (%s ago%s)%s%s",
        when_local(s->newest.label->snapshot, s->now, local, sizeof local),
        duration_human(fmax(0, difftime(s->now, s->newest.label->snapshot)), ago, sizeof ago),
        label_is_imported(s->newest.label) ? ", imported" : "",
        d != NULL && d->readable ? ", in about " : ", in a time that no drill has measured",
        d != NULL && d->readable ? duration_human(d->recovery_seconds, took, sizeof took) : "");
}

static char *
proof_clause(const struct standing *s)
{
    char local[32];

    if (s->proven.label == NULL) {
        return xstrdup("not proven");
    }
    if (s->proven.label == s->newest.label) {
        return xstrdup("proven");
    }
    return xasprintf("proven: that of %s",
                     when_local(s->proven.label->snapshot, s->now, local, sizeof local));
}

static void
tell_place(struct watch_report *r, const struct status_place *p)
{
    const struct standing *s = &p->standing;
    char                  *restore = restore_clause(s), *proof = proof_clause(s);
    char                   backups[48], xid[48];

    watch_line(r, p->name, "%s; %s; %s%s", restore, proof,
               count_human(s->good, "good backup", backups, sizeof backups),
               policy_expires(&s->plan.policy) ? "" : ", none of which ever expires (no policy)");
    if (s->xid_age >= 0) {
        watch_line(r, "", "XID age at the source then: %s",
                   count_human((uint64_t)s->xid_age, NULL, xid, sizeof xid));
    } else if (s->newest.label != NULL) {
        watch_line(r, "", "XID age at the source: not known: %s", s->xid_unknown);
    }
    free(restore);
    free(proof);
}

/* ---- to plot ---- */

static double
limit(uint64_t seconds)
{
    return seconds == 0 ? NAN : (double)seconds;
}

static void
measure(struct watch_report *r, const struct status_place *p, const char *what, const char *unit,
        double value, double warning, double critical)
{
    watch_metric(r,
                 (struct watch_metric){watch_text(r, "%s.%s", p->name, what), unit, value, warning,
                                       critical});
}

static void
measure_place(struct watch_report *r, const struct status_place *p, const struct status_targets *t)
{
    const struct standing *s = &p->standing;

    if (s->newest.label != NULL) {
        measure(r, p, "age", "s", difftime(s->now, s->newest.label->snapshot), NAN,
                limit(t->rpo_s));
        measure(r, p, "bytes", "B", (double)s->newest.label->raw_bytes, NAN, NAN);
    }
    if (s->proven.label != NULL) {
        measure(r, p, "proven_age", "s", difftime(s->now, s->proven.label->snapshot),
                limit(t->proven_s), NAN);
    }
    if (s->drilled.drill != NULL && s->drilled.drill->readable) {
        measure(r, p, "recovery", "s", s->drilled.drill->recovery_seconds, NAN, limit(t->rto_s));
    }
    if (s->xid_age >= 0) {
        measure(r, p, "xid_age", "", (double)s->xid_age, STATUS_XID_WARNING, STATUS_XID_CRITICAL);
    }
}

void
status_tell(struct watch_report *r, const struct status_places *places,
            const struct status_targets *targets)
{
    for (size_t i = 0; i < places->n; i++) {
        tell_place(r, &places->v[i]);
        measure_place(r, &places->v[i], &targets[i]);
    }
}

/* ---- for programs ---- */

static json_t *
moment(time_t t)
{
    char text[32];

    return t == 0 ? json_null() : json_string(time_rfc3339(t, text, sizeof text));
}

static json_t *
backup_json(const struct standing *s, const struct standing_backup *b)
{
    const struct label *l = b->label;

    return l == NULL
        ? json_null()
        : json_pack("{s:s, s:o, s:f, s:I, s:I, s:I, s:b, s:b, s:b}", "backup", l->id, "snapshot",
                    moment(l->snapshot), "age_seconds", difftime(s->now, l->snapshot), "rows",
                    (json_int_t)l->rows, "raw_bytes", (json_int_t)l->raw_bytes, "stored_bytes",
                    (json_int_t)l->stored_bytes, "encrypted", (int)l->encrypted, "partial",
                    (int)label_is_partial(l), "imported", (int)label_is_imported(l));
}

static json_t *
drill_json(const struct drill_record *d)
{
    return d == NULL || !d->readable
        ? json_null()
        : json_pack("{s:s, s:o, s:b, s:f}", "backup", d->backup, "finished", moment(d->finished),
                    "equal", (int)d->equal, "recovery_seconds", d->recovery_seconds);
}

json_t *
status_json(const struct status_places *places)
{
    json_t *list = json_array();

    for (size_t i = 0; i < places->n; i++) {
        const struct standing *s = &places->v[i].standing;
        json_t                *o = json_object();

        (void)json_object_set_new(o, "db", json_text(places->v[i].db));
        (void)json_object_set_new(o, "repository", json_text(places->v[i].in->location));
        (void)json_object_set_new(o, "repo_id", json_text(s->repo->id));
        (void)json_object_set_new(o, "newest", backup_json(s, &s->newest));
        (void)json_object_set_new(o, "newest_partial", backup_json(s, &s->part));
        (void)json_object_set_new(o, "proven", backup_json(s, &s->proven));
        (void)json_object_set_new(o, "drill", drill_json(s->drilled.drill));
        (void)json_object_set_new(o, "good", json_integer((json_int_t)s->good));
        (void)json_object_set_new(o, "damaged", json_integer((json_int_t)s->damaged));
        (void)json_object_set_new(o, "untrusted",
                                  json_integer((json_int_t)s->untrusted + (json_int_t)s->future));
        (void)json_object_set_new(o, "missing", json_integer((json_int_t)s->missing.n));
        (void)json_object_set_new(o, "expires", json_boolean(policy_expires(&s->plan.policy)));
        (void)json_object_set_new(o, "scrubbed", json_real(s->scrubbed));
        (void)json_object_set_new(o, "scrubbed_last", moment(s->scrubbed_last));
        (void)json_object_set_new(o, "key_drilled", moment(s->key_drilled));
        (void)json_object_set_new(o, "overdue", json_integer((json_int_t)s->overdue));
        (void)json_object_set_new(
            o, "xid_age", s->xid_age >= 0 ? json_integer((json_int_t)s->xid_age) : json_null());
        (void)json_object_set_new(o, "xid_unknown", json_text(s->xid_unknown));
        (void)json_array_append_new(list, o);
    }
    return list;
}
