/*
 * The table list and each table's columns, which must be equal before rows can be compared.
 */
#include <stdlib.h>
#include <string.h>

#include "verify/compare/compare.h"

static void
differ(struct compare *c, const char *object, const char *what, const char *want, const char *have)
{
    findings_add(
        &c->result->findings,
        (struct finding){
            .group = "tables", .object = object, .what = what, .want = want, .have = have});
}

/* The same type may be that of columns of many tables, and the same role the owner of them. */
static void
differ_alike(struct compare *c, const char *object, const char *what, const char *of,
             const char *want, const char *have)
{
    char *change = want != NULL && have != NULL ? finding_change(want, have) : NULL;
    char *fold = change == NULL ? NULL : xasprintf("%s: %s", of, change);

    findings_add(&c->result->findings,
                 (struct finding){.group = "tables",
                                  .object = object,
                                  .what = what,
                                  .want = want != NULL ? want : "none",
                                  .have = have != NULL ? have : "none",
                                  .fold = fold});
    free(change);
    free(fold);
}

static bool
is_generated(const struct cat_column *c)
{
    return c->generated || c->virtual_generated;
}

static bool
same_column(const struct manifest_column *want, const struct cat_column *have)
{
    return strcmp(want->name, have->name) == 0 && strcmp(want->type, have->type) == 0 &&
        want->generated == is_generated(have) && want->not_null == have->not_null;
}

const struct cat_column *
table_column(const struct cat_table *t, const char *name)
{
    for (size_t i = 0; i < t->n_columns; i++)
        if (strcmp(t->columns[i].name, name) == 0)
            return &t->columns[i];
    return NULL;
}

/* Names and types decide whether rows are comparable; not whether NULLs are refused, nor the order,
 * as rows are read in the manifest's order. */
static bool
same_shape(const struct manifest_table *want, const struct cat_table *have)
{
    if (want->n_columns != have->n_columns)
        return false;
    for (size_t i = 0; i < want->n_columns; i++) {
        const struct cat_column *h = table_column(have, want->columns[i].name);

        if (h == NULL || strcmp(want->columns[i].type, h->type) != 0 ||
            want->columns[i].generated != is_generated(h))
            return false;
    }
    return true;
}

/* The same columns in another order.  pg_dump makes a child with its parent's columns first,
 * whatever they were: any other change of order shows in the definition (schema.c). */
static bool
only_moved(const struct manifest_table *want, const struct cat_table *have)
{
    for (size_t i = 0; i < want->n_columns; i++) {
        const struct cat_column *h = table_column(have, want->columns[i].name);

        if (h == NULL || !same_column(&want->columns[i], h))
            return false;
    }
    return want->n_columns == have->n_columns;
}

const struct cat_table *
comparable(const struct compare *c, const struct manifest_table *want)
{
    const struct cat_table *have = catalog_find(&c->snap->catalog, want->schema, want->name);

    return have != NULL && have->kind == want->kind && same_shape(want, have) ? have : NULL;
}

static char *
column_text(const char *name, const char *type, bool not_null, bool generated)
{
    return xasprintf("%s %s%s%s", name, type, not_null ? " not null" : "",
                     generated ? " generated" : "");
}

static void
compare_columns(struct compare *c, const char *object, const struct manifest_table *want,
                const struct cat_table *have)
{
    static const char not_compared[] = "rows were not compared, as the columns differ";
    size_t            n = want->n_columns > have->n_columns ? want->n_columns : have->n_columns;

    if (only_moved(want, have)) {
        for (size_t i = 0; i < n; i++)
            if (strcmp(want->columns[i].name, have->columns[i].name) != 0) {
                findings_add(&c->result->findings,
                             (struct finding){.class = holds_definitions(c) ? FINDING_NOTE
                                                                            : FINDING_DIFFERENT,
                                              .group = "tables",
                                              .object = object,
                                              .what = "its columns are in another order"});
                return;
            }
        return;
    }
    for (size_t i = 0; i < n; i++) {
        bool                          wanted = i < want->n_columns, there = i < have->n_columns;
        const struct manifest_column *w = want->columns + i;
        const struct cat_column      *h = have->columns + i;
        char                         *want_text = NULL, *have_text = NULL, *what;

        if (wanted && there && same_column(w, h))
            continue;
        if (wanted)
            want_text = column_text(w->name, w->type, w->not_null, w->generated);
        if (there)
            have_text = column_text(h->name, h->type, h->not_null, is_generated(h));
        what = xasprintf("column %zu", i + 1);
        differ_alike(c, object, what, "column", want_text, have_text);
        free(what);
        free(want_text);
        free(have_text);
    }
    if (!same_shape(want, have) && want->skipped == NULL)
        findings_add(
            &c->result->findings,
            (struct finding){
                .group = "tables", .object = object, .what = not_compared, .fold = not_compared});
}

static void
compare_table(struct compare *c, const struct manifest_table *want, const struct cat_table *have)
{
    char *object = finding_object(want->schema, want->name);
    char  want_kind[2] = {want->kind, '\0'}, have_kind[2] = {have->kind, '\0'};
    char  want_persistence[2] = {want->persistence, '\0'},
         have_persistence[2] = {have->persistence, '\0'};

    if (want->kind != have->kind)
        differ(c, object, "kind", want_kind, have_kind);
    if (want->persistence != have->persistence)
        differ(c, object, "persistence", want_persistence, have_persistence);
    if (strcmp(want->owner, have->owner) != 0)
        differ_alike(c, object, "owner", "owner", want->owner, have->owner);
    compare_columns(c, object, want, have);
    if (want->skipped != NULL)
        findings_add(&c->result->findings,
                     (struct finding){.class = FINDING_NOTE,
                                      .group = "tables",
                                      .object = object,
                                      .what = "no rows in the backup",
                                      .have = want->skipped});
    c->result->compared.tables++;
    free(object);
}

/* A table that is not in the backup.  Those made by an extension belong to it, and a backup
 * of a selection says nothing about the rest. */
static void
check_unknown(struct compare *c, const struct cat_table *have)
{
    char *object;

    if (manifest_find(c->man, have->schema, have->name) != NULL)
        return;
    if ((have->extension_member && have->extension == NULL) || !holds_every_definition(c->man))
        return;
    object = finding_object(have->schema, have->name);
    differ(c, object, compare_new(c), NULL, NULL);
    free(object);
}

void
compare_tables(struct compare *c)
{
    for (size_t i = 0; i < c->man->n_tables; i++) {
        const struct manifest_table *want = &c->man->tables[i];
        const struct cat_table *have = catalog_find(&c->snap->catalog, want->schema, want->name);

        if (have != NULL) {
            compare_table(c, want, have);
        } else {
            char *object = finding_object(want->schema, want->name);

            differ(c, object, "missing", NULL, NULL);
            free(object);
        }
    }
    for (size_t i = 0; i < c->snap->catalog.n_tables; i++)
        check_unknown(c, &c->snap->catalog.tables[i]);
}
