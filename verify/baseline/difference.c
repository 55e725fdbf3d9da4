#include "verify/baseline/difference.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/human.h"
#include "core/json.h"
#include "verify/compare/compare.h"
#include "verify/compare/objectlist.h"
#include "verify/compare/sentences.h"

static void
add(struct difference *d, const char *schema, const char *name, struct finding f)
{
    char *object = finding_object(schema, name);

    f.object = object;
    findings_add(d->findings, f);
    free(object);
}

/* By schema and name, in both or one of them; the lists are sorted.  Returns which comes next: < 0
 * only in the first, > 0 only in the second. */
static int
order(const char *schema, const char *name, const char *other_schema, const char *other_name)
{
    int by_schema = strcmp(schema, other_schema);

    return by_schema != 0 ? by_schema : strcmp(name, other_name);
}

/* ---- tables ---- */

static bool
same_column(const struct manifest_column *a, const struct manifest_column *b)
{
    return strcmp(a->name, b->name) == 0 && strcmp(a->type, b->type) == 0 &&
        a->generated == b->generated && a->not_null == b->not_null;
}

static char *
column_text(const struct manifest_table *t, size_t i)
{
    const struct manifest_column *c = &t->columns[i];

    return i >= t->n_columns
        ? NULL
        : xasprintf("%s %s%s%s", c->name, c->type, c->not_null ? " not null" : "",
                    c->generated ? " generated" : "");
}

/* false: they differ, and so will the rows' text. */
static bool
compare_columns(struct difference *d, const struct manifest_table *a,
                const struct manifest_table *b)
{
    size_t n = a->n_columns > b->n_columns ? a->n_columns : b->n_columns;
    bool   same = true;

    for (size_t i = 0; i < n; i++) {
        char *want, *have, *what;

        if (i < a->n_columns && i < b->n_columns && same_column(&a->columns[i], &b->columns[i]))
            continue;
        same = false;
        want = column_text(a, i);
        have = column_text(b, i);
        what = xasprintf("column %zu", i + 1);
        add(d, a->schema, a->name,
            (struct finding){.group = "tables",
                             .what = what,
                             .want = want != NULL ? want : "none",
                             .have = have != NULL ? have : "none"});
        free(want);
        free(have);
        free(what);
    }
    return same;
}

static bool
has_contents(const struct manifest_table *t)
{
    return t->kind == 'r' && t->skipped == NULL && !t->counted && !t->estimated;
}

static bool
same_key(const struct difference *d)
{
    return memcmp(d->from.man->fingerprint_key, d->to.man->fingerprint_key,
                  sizeof d->from.man->fingerprint_key) == 0;
}

static void
compare_rows(struct difference *d, const struct manifest_table *a, const struct manifest_table *b,
             bool same_columns)
{
    bool estimated = a->estimated || b->estimated;

    if (a->kind != 'r' || a->skipped != NULL || b->skipped != NULL)
        return;
    if (a->rows != b->rows) {
        char *object = finding_object(a->schema, a->name);

        findings_add_u64(
            d->findings,
            (struct finding){.group = "rows",
                             .object = object,
                             .what = estimated ? "number of rows (estimated)" : "number of rows"},
            a->rows, b->rows);
        free(object);
        return;
    }
    if (!has_contents(a) || !has_contents(b) || !same_columns || a->format != b->format ||
        !same_key(d))
        return;
    d->contents++;
    if (!fingerprint_equal(&a->fp, &b->fp))
        add(d, a->schema, a->name,
            (struct finding){.group = "rows", .what = "contents (as many rows, other values)"});
}

/* A tenth, and enough to be worth a line. */
static void
compare_sizes(struct difference *d, const struct manifest_table *a, const struct manifest_table *b)
{
    uint64_t more = a->relation_bytes > b->relation_bytes ? a->relation_bytes : b->relation_bytes;
    uint64_t less = a->relation_bytes > b->relation_bytes ? b->relation_bytes : a->relation_bytes;
    char     want[16], have[16];

    if (more - less < MIB || (more - less) * 10 < more)
        return;
    add(d, a->schema, a->name,
        (struct finding){.class = FINDING_NOTE,
                         .group = "sizes",
                         .what = "heap and TOAST",
                         .want = size_human(a->relation_bytes, want, sizeof want),
                         .have = size_human(b->relation_bytes, have, sizeof have)});
}

static void
compare_table(struct difference *d, const struct manifest_table *a, const struct manifest_table *b)
{
    char want[2] = {a->kind, '\0'}, have[2] = {b->kind, '\0'};

    d->tables++;
    if (a->kind != b->kind)
        add(d, a->schema, a->name,
            (struct finding){.group = "tables", .what = "kind", .want = want, .have = have});
    want[0] = a->persistence;
    have[0] = b->persistence;
    if (a->persistence != b->persistence)
        add(d, a->schema, a->name,
            (struct finding){.group = "tables", .what = "persistence", .want = want, .have = have});
    if (strcmp(a->owner, b->owner) != 0)
        add(d, a->schema, a->name,
            (struct finding){
                .group = "tables", .what = "owner", .want = a->owner, .have = b->owner});
    compare_rows(d, a, b, compare_columns(d, a, b));
    compare_sizes(d, a, b);
}

/* What only one of them has: gone, or new.  A selection says nothing about the rest. */
static void
only_one(struct difference *d, bool in_first, const char *group, const char *schema,
         const char *name)
{
    if (!holds_every_definition(in_first ? d->to.man : d->from.man))
        return;
    add(d, schema, name, (struct finding){.group = group, .what = in_first ? "missing" : "new"});
}

static int
table_order(const struct manifest_table *a, const struct manifest_table *b)
{
    return order(a->schema, a->name, b->schema, b->name);
}

static void
compare_tables_of(struct difference *d)
{
    const struct manifest *a = d->from.man, *b = d->to.man;

    for (size_t i = 0, k = 0; i < a->n_tables || k < b->n_tables;) {
        const struct manifest_table *x = &a->tables[i], *y = &b->tables[k];
        int at = i == a->n_tables ? 1 : k == b->n_tables ? -1 : table_order(x, y);

        if (at == 0)
            compare_table(d, x, y);
        else
            only_one(d, at < 0, "tables", at < 0 ? x->schema : y->schema,
                     at < 0 ? x->name : y->name);
        i += at <= 0;
        k += at >= 0;
    }
}

/* ---- sequences ---- */

static int
sequence_order(const void *a, const void *b)
{
    const struct manifest_sequence *x = *(const struct manifest_sequence *const *)a,
                                   *y = *(const struct manifest_sequence *const *)b;

    return order(x->schema, x->name, y->schema, y->name);
}

static const struct manifest_sequence **
sorted(const struct manifest *m)
{
    const struct manifest_sequence **v = xcalloc(m->n_sequences + 1, sizeof(void *));

    for (size_t i = 0; i < m->n_sequences; i++)
        v[i] = &m->sequences[i];
    if (m->n_sequences > 0)
        qsort(v, m->n_sequences, sizeof *v, sequence_order);
    return v;
}

static void
compare_sequence(struct difference *d, const struct manifest_sequence *a,
                 const struct manifest_sequence *b)
{
    char want[48], have[48];

    d->sequences++;
    if (a->last_value == b->last_value && a->is_called == b->is_called)
        return;
    (void)snprintf(want, sizeof want, "%" PRId64 "%s", a->last_value,
                   a->is_called ? "" : " (not called)");
    (void)snprintf(have, sizeof have, "%" PRId64 "%s", b->last_value,
                   b->is_called ? "" : " (not called)");
    add(d, a->schema, a->name,
        (struct finding){.group = "sequences", .what = "last value", .want = want, .have = have});
}

static void
compare_sequences_of(struct difference *d)
{
    const struct manifest_sequence **a = sorted(d->from.man), **b = sorted(d->to.man);
    size_t                           n = d->from.man->n_sequences, m = d->to.man->n_sequences;

    for (size_t i = 0, k = 0; i < n || k < m;) {
        int at = i == n ? 1 : k == m ? -1 : sequence_order(&a[i], &b[k]);

        if (at == 0)
            compare_sequence(d, a[i], b[k]);
        else
            only_one(d, at < 0, "sequences", at < 0 ? a[i]->schema : b[k]->schema,
                     at < 0 ? a[i]->name : b[k]->name);
        i += at <= 0;
        k += at >= 0;
    }
    free(a);
    free(b);
}

/* ---- definitions ---- */

static void
report_pair(struct difference *d, const struct objectlist_pair *p)
{
    const struct listed_object *o = p->want != NULL ? p->want : p->have;
    char *name = finding_object(o->schema[0] == '\0' ? NULL : o->schema, o->name);
    char *object = xasprintf("%s %s", o->kind, name);

    if (p->want == NULL || p->have == NULL)
        only_one(d, p->have == NULL, "schema", NULL, object);
    else if (strcmp(p->want->owner, p->have->owner) != 0)
        add(d, NULL, object,
            (struct finding){.group = "schema",
                             .what = "owner",
                             .want = p->want->owner,
                             .have = p->have->owner});
    else
        add(d, NULL, object, (struct finding){.group = "schema", .what = "definition"});
    free(name);
    free(object);
}

static bool
has_definitions(const struct difference_side *s)
{
    return s->label->baseline || s->man->n_archive > 0;
}

static void
compare_definitions(struct difference *d)
{
    struct objectlist       a, b;
    struct objectlist_pairs unequal;
    const char *then = d->from.label->pg_dump_version, *now = d->to.label->pg_dump_version;

    if (!has_definitions(&d->from) || !has_definitions(&d->to)) {
        const struct difference_side *s = has_definitions(&d->from) ? &d->to : &d->from;

        add(d, NULL, s->label->id,
            (struct finding){.class = FINDING_NOTE,
                             .group = "schema",
                             .what = "holds no definitions (--data-only): they are not compared"});
        return;
    }
    if (then == NULL || now == NULL || strtol(then, NULL, 10) != strtol(now, NULL, 10)) {
        add(d, NULL, d->to.label->id,
            (struct finding){.class = FINDING_UNCOMPARED,
                             .group = "schema",
                             .what = "definitions: another major release of pg_dump writes them "
                                     "otherwise",
                             .want = then,
                             .have = now});
        return;
    }
    objectlist_of_manifest(d->from.man, &a);
    objectlist_of_manifest(d->to.man, &b);
    objectlist_match(&a, &b, &unequal);
    d->objects = a.n;
    for (size_t i = 0; i < unequal.n; i++)
        report_pair(d, &unequal.v[i]);
    objectlist_pairs_free(&unequal);
    objectlist_free(&a);
    objectlist_free(&b);
}

/* ---- the rest ---- */

static void
compare_settings(struct difference *d)
{
    json_t     *a = json_object_get(d->from.man->server, "settings"), *want;
    json_t     *b = json_object_get(d->to.man->server, "settings"), *have;
    const char *name;

    json_object_foreach (a, name, want) {
        have = json_object_get(b, name);
        if (have != NULL && !json_equal(want, have))
            add(d, NULL, name,
                (struct finding){.group = "settings",
                                 .what = "setting",
                                 .want = json_string_value(want),
                                 .have = json_string_value(have)});
    }
}

static void
compare_sections(struct difference *d)
{
    const struct manifest *a = d->from.man, *b = d->to.man;
    const struct {
        const char   *section, *group;
        const json_t *want, *have;
    } sections[] = {{"extensions", "extensions", a->extensions, b->extensions},
                    {"database", "database", a->database, b->database},
                    {"omitted", "beyond pg_dump", a->inventory, b->inventory},
                    {"globals", "globals", a->globals, b->globals}};

    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++) {
        struct inventory_pair pair = {.want = sections[i].want,
                                      .have = sections[i].have,
                                      .want_major = d->from.label->server_version_num / 10000,
                                      .have_major = d->to.label->server_version_num / 10000};

        if (pair.want != NULL && pair.have != NULL)
            sentences_find(d->findings, sections[i].section, sections[i].group, &pair);
    }
}

static void
compare_large_objects_of(struct difference *d)
{
    const struct manifest *a = d->from.man, *b = d->to.man;
    struct finding         f = {.group = "large objects", .object = "pg_largeobject"};

    if (a->lo_count != b->lo_count) {
        f.what = "number of large objects";
        findings_add_u64(d->findings, f, a->lo_count, b->lo_count);
    } else if (!d->from.label->baseline && !d->to.label->baseline &&
               a->lo_by_function == b->lo_by_function && same_key(d) &&
               !fingerprint_equal(&a->lo_pages.fp, &b->lo_pages.fp)) {
        f.what = "contents (as many, other bytes)";
        findings_add(d->findings, f);
    }
}

void
difference_find(struct difference *d)
{
    compare_tables_of(d);
    compare_sequences_of(d);
    compare_definitions(d);
    compare_sections(d);
    compare_settings(d);
    compare_large_objects_of(d);
}
