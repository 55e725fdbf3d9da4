#include "verify/compare/schema.h"

#include <stdlib.h>
#include <string.h>

#include "pg/conn/tools.h"
#include "verify/compare/known.h"
#include "verify/compare/objectlist.h"
#include "verify/compare/public.h"
#include "verify/compare/reference.h"
#include "verify/compare/trips.h"

enum { SHOWN_BYTES = 160 };

struct schema {
    struct compare          *c;
    struct archive           archive;    /* of the database compared */
    struct objectlist        want, have; /* as dumped at the source, and today */
    struct objectlist_pairs  unequal;    /* by their text */
    struct reference_result *reference;  /* the manifest's archive after one trip: own, or kept */
    struct reference_result  own;
    struct reference_result
        live; /* today's archive after one trip; a copy has made its trip already */
};

/* pg_dump repeats the kind in the name of a user mapping. */
static char *
entry_text(const struct listed_object *o)
{
    size_t n = strlen(o->kind);
    bool   named = strncmp(o->name, o->kind, n) == 0 && o->name[n] == ' ';
    char  *name = finding_object(o->schema[0] == '\0' ? NULL : o->schema, o->name);
    char  *text = named ? xstrdup(name) : xasprintf("%s %s", o->kind, name);

    free(name);
    return text;
}

static void
report(struct schema *s, enum finding_class class, const struct listed_object *o, const char *what,
       const char *want, const char *have)
{
    char *object = entry_text(o);
    char *change = want != NULL && have != NULL ? finding_change(want, have) : NULL;
    char *fold = change == NULL ? NULL : xasprintf("%s: %s", what, change);

    findings_add(&s->c->result->findings,
                 (struct finding){.class = class,
                                  .group = "schema",
                                  .object = object,
                                  .what = what,
                                  .want = want,
                                  .have = have,
                                  .fold = fold});
    free(object);
    free(change);
    free(fold);
}

/* A part of the line where two definitions first differ, enough to recognise the change at `at`. */
static char *
line_at(const char *text, size_t start, size_t at)
{
    size_t from = start + strspn(text + start, " \t"), n;
    bool   late = at > from + SHOWN_BYTES / 2;

    if (text[from] == '\0') {
        return xstrdup("nothing more");
    }
    from = late ? at - SHOWN_BYTES / 4 : from;
    n = strcspn(text + from, "\n");
    return xasprintf("%s%.*s%s", late ? "..." : "", (int)(n > SHOWN_BYTES ? SHOWN_BYTES : n),
                     text + from, n > SHOWN_BYTES ? "..." : "");
}

/* One may end where the other continues: then the line is the other's next. */
static void
report_text(struct schema *s, const struct listed_object *o, const char *want, const char *have)
{
    size_t start = 0, at = 0;
    bool   ends;
    char  *w_line, *h_line;

    for (; want[at] != '\0' && want[at] == have[at]; at++) {
        start = want[at] == '\n' ? at + 1 : start;
    }
    ends = (want[at] == '\0' && have[at] == '\n') || (want[at] == '\n' && have[at] == '\0');
    start = ends ? at : start;
    w_line = line_at(want, start + (ends && want[at] == '\n'), at);
    h_line = line_at(have, start + (ends && have[at] == '\n'), at);
    report(s, FINDING_DIFFERENT, o, "definition", w_line, h_line);
    free(w_line);
    free(h_line);
}

static void
report_definition(struct schema *s, const struct listed_object *want,
                  const struct listed_object *have)
{
    char *w, *h;

    if (want->entry == NULL || have->entry == NULL) {
        report(s, FINDING_DIFFERENT, want, "definition", NULL, NULL);
        return;
    }
    w = archive_entry_normalised(want->entry);
    h = archive_entry_normalised(have->entry);
    report_text(s, want, w, h);
    free(w);
    free(h);
}

static void
report_pair(struct schema *s, const struct objectlist_pair *p)
{
    if (p->want == NULL) {
        if (holds_every_definition(s->c->man))
            report(s, FINDING_DIFFERENT, p->have, compare_new(s->c), NULL, NULL);
    } else if (p->have == NULL)
        report(s, FINDING_DIFFERENT, p->want, "missing", NULL, NULL);
    else if (strcmp(p->want->owner, p->have->owner) != 0)
        report(s, FINDING_DIFFERENT, p->want, "owner", p->want->owner, p->have->owner);
    else
        report_definition(s, p->want, p->have);
}

static const char *
why_failed(const struct reference_result *r, const struct listed_object *o)
{
    char       *key = reference_key(o->kind, o->schema, o->name);
    const char *why = NULL;

    for (size_t i = 0; i < r->failed.n && why == NULL; i++)
        if (strcmp(r->failed.v[i], key) == 0)
            why = r->why.v[i];
    free(key);
    return why;
}

/* A scratch server does not get definitions that reach outside.  There it can only be proven that
 * the archive holds exactly the definition that the manifest recorded. */
static void
report_left_out(struct schema *s, const struct objectlist_pair *p)
{
    struct objectlist source;
    bool              kept = false;

    if (p->want == NULL) {
        report_pair(s, p);
        return;
    }
    objectlist_of_archive(&s->reference->source, &source);
    for (size_t i = 0; i < source.n && !kept; i++)
        kept = objectlist_same(&source.v[i], p->want);
    objectlist_free(&source);
    if (kept)
        report(s, FINDING_NOTE, p->want,
               "not run on a scratch server; the archive holds it as recorded", NULL, NULL);
    else
        report(s, FINDING_DIFFERENT, p->want, "the archive does not hold what was recorded", NULL,
               NULL);
}

/* What the trips cannot show: objects that they leave out, and entries that failed in one of them
 * or in both (which is a difference, never equal: the result is unknown). */
static void
report_beyond_trips(struct schema *s, const struct objectlist_pair *p)
{
    const struct listed_object *o = p->want != NULL ? p->want : p->have;
    bool                        isolated = !(s->c->is_copy && s->c->remote_allowed);
    const char                 *why = why_failed(s->reference, o);

    if (trips_blind(o) && isolated && s->c->is_copy)
        report_left_out(s, p);
    else if (trips_blind(o) && isolated)
        report_pair(s, p);
    else if (why != NULL || (why = why_failed(&s->live, o)) != NULL)
        report(s, FINDING_DIFFERENT, o, "cannot be restored", NULL, why);
}

/* An object reported by its own text needs no second finding for its text after a trip. */
static bool
told_beyond(const struct schema *s, const struct objectlist_pair *p)
{
    return trips_blind(p->want != NULL ? p->want : p->have) &&
        !(s->c->is_copy && s->c->remote_allowed);
}

/* True: nothing was found. */
static bool
compare_after_trips(struct schema *s)
{
    const struct archive   *have_dump = s->c->is_copy ? &s->archive : &s->live.dump;
    struct objectlist       want, have;
    struct objectlist_pairs pairs;
    bool                    equal;

    objectlist_of_archive(&s->reference->dump, &want);
    objectlist_of_archive(have_dump, &have);
    objectlist_match(&want, &have, &pairs);
    for (size_t i = 0; i < pairs.n; i++)
        if (!told_beyond(s, &pairs.v[i]))
            report_pair(s, &pairs.v[i]);
    for (size_t i = 0; i < s->unequal.n; i++)
        report_beyond_trips(s, &s->unequal.v[i]);
    equal = pairs.n == 0 && s->reference->failed.n == 0 && s->live.failed.n == 0;
    objectlist_pairs_free(&pairs);
    objectlist_free(&want);
    objectlist_free(&have);
    return equal;
}

static int
open_archive(struct schema *s, struct err *e)
{
    struct pg_tool         pg_restore = {0};
    struct archive_options options = {0};
    int                    rc;

    if (snapshot_definitions(s->c->snap, e) != 0 ||
        pg_tool_find("pg_restore", 0, &pg_restore, e) != 0)
        return -1;
    options.pg_restore = pg_restore.path;
    rc = archive_open_bytes(&s->archive, s->c->snap->archive.data, s->c->snap->archive.len,
                            &options, e);
    pg_tool_free(&pg_restore);
    return rc;
}

/* A backup of a selection says nothing about objects outside it. */
static void
drop_unknown(struct objectlist_pairs *p)
{
    size_t kept = 0;

    for (size_t i = 0; i < p->n; i++)
        if (p->v[i].want != NULL)
            p->v[kept++] = p->v[i];
    p->n = kept;
}

/* Only text is unstable: an object that is missing, new or has another owner certainly differs, as
 * long as pg_dumps of one major release name their entries the same way. */
static bool
trip_can_tell(const struct schema *s)
{
    const struct compare *c = s->c;

    if (c->label->baseline)
        return false; /* it has digests, and no archive to restore */
    if (strtol(c->label->pg_dump_version, NULL, 10) != strtol(c->snap->pg_dump_version, NULL, 10))
        return true;
    for (size_t i = 0; i < s->unequal.n; i++) {
        const struct objectlist_pair *p = &s->unequal.v[i];

        if (p->want != NULL && p->have != NULL && strcmp(p->want->owner, p->have->owner) == 0)
            return true;
        if (c->is_copy && p->want != NULL && trips_blind(p->want))
            return true;
    }
    return false;
}

/* Is nothing but the text of definitions unequal, all of which a trip can judge? */
static bool
only_text(const struct schema *s)
{
    for (size_t i = 0; i < s->unequal.n; i++) {
        const struct objectlist_pair *p = &s->unequal.v[i];

        if (p->want == NULL || p->have == NULL || trips_blind(p->want) ||
            strcmp(p->want->owner, p->have->owner) != 0)
            return false;
    }
    return true;
}

/* Of text alone an earlier answer counts. */
static int
take_trip(struct schema *s, struct err *e)
{
    struct trips trips = {.c = s->c,
                          .unequal = &s->unequal,
                          .only_text = only_text(s),
                          .have = &s->archive,
                          .reference = s->reference,
                          .live = &s->live};
    struct known known = {0};
    int          rc = 0;

    if (trips.only_text)
        known_ask(s->c, &s->want, &s->have, &known);
    if (known_equal(&known))
        goto out;
    rc = trips_make(&trips, e);
    if (rc == 0 && (trips.settled || compare_after_trips(s)))
        known_keep(&known);
out:
    known_free(&known);
    return rc;
}

static int
resolve(struct schema *s, struct err *e)
{
    if (trip_can_tell(s))
        return take_trip(s, e);
    for (size_t i = 0; i < s->unequal.n; i++)
        report_pair(s, &s->unequal.v[i]);
    return 0;
}

/* Text of another major release is another text, and a baseline has nothing else. */
static bool
text_can_tell(struct compare *c)
{
    const char *then = c->label->pg_dump_version, *now = c->snap->pg_dump_version;

    if (!c->label->baseline || strtol(then, NULL, 10) == strtol(now, NULL, 10))
        return true;
    findings_add(&c->result->findings,
                 (struct finding){.class = FINDING_UNCOMPARED,
                                  .group = "schema",
                                  .object = c->label->id,
                                  .what = "definitions: other major releases of pg_dump write them "
                                          "otherwise; record a baseline with this one",
                                  .want = then,
                                  .have = now});
    return false;
}

int
compare_schema(struct compare *c, struct err *e)
{
    struct schema s = {.c = c};
    int           rc = -1;

    s.reference = c->reference != NULL ? c->reference : &s.own;
    if (c->estimates || !holds_definitions(c))
        return 0; /* --data-only */
    if (!text_can_tell(c))
        return 0;
    if (open_archive(&s, e) != 0)
        goto out;
    objectlist_of_manifest(c->man, &s.want);
    objectlist_of_archive(&s.archive, &s.have);
    if (!holds_every_definition(c->man))
        public_schema_add(c->public_schema, &s.want, &s.have);
    objectlist_match(&s.want, &s.have, &s.unequal);
    if (!holds_every_definition(c->man))
        drop_unknown(&s.unequal);
    c->result->compared.objects = s.want.n;
    rc = resolve(&s, e);
out:
    reference_result_free(&s.own);
    reference_result_free(&s.live);
    objectlist_pairs_free(&s.unequal);
    objectlist_free(&s.want);
    objectlist_free(&s.have);
    archive_close(&s.archive);
    return rc == 0 ? 0 : err_wrap(e, "schema");
}
