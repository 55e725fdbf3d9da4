#include "backup/facts.h"

#include <stdlib.h>
#include <string.h>

#include "core/human.h"
#include "facts/describe.h"
#include "pg/rows/largeobject.h"
#include "pg/snapshot/inventory_changes.h"

/* A table whose definition belongs to an extension has no entry in the archive. */
static bool
belongs(struct selection *sel, const struct cat_table *t)
{
    return selection_wants(sel, t) && (!t->extension_member || t->extension != NULL);
}

/* The archive's tables must be the manifest's, else a restore would lack a table, or the rows of
 * one. */
static int
check_tables(const struct catalog *c, struct selection *sel, const struct archive *a, struct err *e)
{
    struct oid_set tables = {0}, foreign = {0};
    size_t         found = 0;
    int            rc = 0;

    describe_oids(a, "TABLE", &tables);
    describe_oids(a, "FOREIGN TABLE", &foreign);
    for (size_t i = 0; rc == 0 && i < c->n_tables; i++) {
        const struct cat_table *t = &c->tables[i];
        bool in_archive = oid_set_has(t->kind == 'f' ? &foreign : &tables, t->oid);

        if (t->extension_member) {
            continue;
        }
        found += in_archive;
        if (in_archive != belongs(sel, t)) {
            rc = err_set(
                e, ERR_BUSY, "table %s.%s is %s pg_dump's schema archive, but %s the table list",
                t->schema, t->name, in_archive ? "in" : "not in", in_archive ? "not in" : "in");
        }
    }
    if (rc == 0 && found != tables.n + foreign.n) {
        rc = err_set(e, ERR_BUSY, "pg_dump's schema archive has %zu tables, the table list %zu",
                     tables.n + foreign.n, found);
    }
    e->transient = rc != 0;
    oid_set_free(&tables);
    oid_set_free(&foreign);
    return rc;
}

/* NULL: its rows are read. */
static const char *
why_skipped(const struct catalog *c, struct selection *sel, const struct cat_table *t)
{
    if (t->kind == 'r' && sel->o->schema_only) {
        return "--schema-only";
    }
    if (t->kind == 'r' && !selection_wants_rows(sel, t)) {
        return "--exclude-table-data";
    }
    return describe_skipped(c, t);
}

static void
add_table(struct manifest *m, const struct catalog *c, struct selection *sel,
          const struct cat_table *t)
{
    struct manifest_table *out = describe_table(m, t, sel->o->all_text, why_skipped(c, sel, t));

    if (t->persistence == 'u' && out->skipped != NULL && c->in_recovery && !sel->o->schema_only) {
        strlist_take(&m->warnings,
                     xasprintf("table %s.%s is unlogged: its rows cannot be read on a standby",
                               t->schema, t->name));
    }
}

/* The work for one table; *names is where its column lists go. */
static void
add_scan(struct scan_table *s, struct manifest_table *t, const struct cat_table *c,
         const char ***names)
{
    *s = (struct scan_table){
        .copy = {.schema = c->schema,
                 .name = c->name,
                 .columns = *names,
                 .binary = t->format == COPY_BINARY,
                 .condition = c->condition},
        .heap_blocks = c->heap_blocks,
        .bytes = c->table_bytes,
        .rangeable = c->access_method != NULL && strcmp(c->access_method, "heap") == 0 &&
            c->condition == NULL,
        .foreign_code = c->foreign_code,
        .text_falls_back = t->format == COPY_TEXT,
        .user = t,
    };
    for (size_t i = 0; i < c->n_columns; i++) {
        if (!c->columns[i].generated && !c->columns[i].virtual_generated) {
            *(*names)++ = c->columns[i].name;
            s->copy.n_columns++;
        }
    }
    s->generated = *names;
    for (size_t i = 0; i < c->n_columns; i++) {
        if (c->columns[i].generated) {
            *(*names)++ = c->columns[i].name;
            s->n_generated++;
        }
    }
}

static void
add_work(struct manifest *m, const struct catalog *c, struct facts_tables *w)
{
    size_t       columns = 0;
    const char **next;

    for (size_t i = 0; i < c->n_tables; i++) {
        columns += c->tables[i].n_columns;
    }
    /* Two more for large objects. */
    w->v = xcalloc(m->n_tables + 2, sizeof *w->v);
    w->names = next = xcalloc(columns + 1, sizeof *w->names);
    for (size_t i = 0, k = 0; i < c->n_tables && k < m->n_tables; i++) {
        struct manifest_table *t = &m->tables[k];

        if (t->oid != c->tables[i].oid) {
            continue;
        }
        k++;
        if (t->kind == 'r' && t->skipped == NULL) {
            add_scan(&w->v[w->n++], t, &c->tables[i], &next);
        }
    }
}

static void
name_lo_table(struct manifest_table *t, const char *name, struct scan_table *s)
{
    t->schema = xstrdup("pg_catalog");
    t->name = xstrdup(name);
    t->owner = xstrdup("");
    t->kind = 'r';
    t->persistence = 'p';
    s->user = t;
}

static int
add_large_objects(struct snapshot *s, struct selection *sel, struct manifest *m,
                  struct facts_tables *w, struct err *e)
{
    struct scan_table *pages = &w->v[w->n], *metadata = &w->v[w->n + 1];

    if (s->catalog.lo_count == 0 || !selection_wants_large_objects(sel)) {
        return 0;
    }
    m->lo_count = s->catalog.lo_count;
    m->lo_by_function = !s->catalog.superuser;
    /* Held until the end, this lock keeps VACUUM FULL from moving pages between two block
     * ranges. */
    if (s->catalog.superuser &&
        pg_exec(s->conn, e, "SELECT FROM pg_catalog.pg_largeobject LIMIT 0") != 0) {
        return err_wrap(e, "large objects");
    }
    if (lo_pages_table(s->conn, m->lo_by_function, pages, e) != 0) {
        return -1;
    }
    lo_metadata_table(metadata);
    m->lo_pages.relation_bytes = pages->bytes;
    name_lo_table(&m->lo_pages, "pg_largeobject", pages);
    name_lo_table(&m->lo_metadata, "pg_largeobject_metadata", metadata);
    w->n += 2;
    return 0;
}

/* In one line: what a restore of this backup does not bring back by itself. */
static void
note_changes(struct manifest *m)
{
    struct inventory_changes changes = {0};
    char                    *names, count[48], *option;
    size_t                   n;

    inventory_changes(m->inventory, NULL, &changes);
    if (changes.n > 0) {
        n = inventory_changes_repairable(&changes);
        names = inventory_changes_text(&changes);
        option = n == 0 ? xstrdup("") : xasprintf("; restore --beyond brings back %zu of them", n);
        strlist_take(&m->warnings,
                     xasprintf("%s that pg_dump does not carry: %s%s",
                               count_human(changes.n, "change", count, sizeof count), names,
                               option));
        free(option);
        free(names);
    }
    inventory_changes_free(&changes);
}

/* -t of a partitioned table selects, as in pg_dump, only the table itself, which has no rows. */
static int
warn_without_partitions(struct snapshot *s, struct manifest *m, struct err *e)
{
    struct oid_set ours = {0}, divided = {0}, with_some = {0};
    PGresult *r = pg_query(s->conn, e, "SELECT inhparent, inhrelid FROM pg_catalog.pg_inherits", 0,
                           NULL);

    if (r == NULL) {
        return err_wrap(e, "list partitions");
    }
    for (size_t i = 0; i < m->n_tables; i++) {
        oid_set_add(&ours, m->tables[i].oid);
    }
    oid_set_add_column(&divided, r, 0);
    for (int i = 0; i < PQntuples(r); i++) {
        if (oid_set_has(&ours, (uint32_t)strtoul(PQgetvalue(r, i, 1), NULL, 10))) {
            oid_set_add(&with_some, (uint32_t)strtoul(PQgetvalue(r, i, 0), NULL, 10));
        }
    }
    for (size_t i = 0; i < m->n_tables; i++) {
        const struct manifest_table *t = &m->tables[i];

        if (t->kind == 'p' && oid_set_has(&divided, t->oid) && !oid_set_has(&with_some, t->oid)) {
            strlist_take(&m->warnings,
                         xasprintf("table %s.%s is partitioned, and the selection has none of its "
                                   "partitions: there are no rows in this backup of it",
                                   t->schema, t->name));
        }
    }
    PQclear(r);
    oid_set_free(&ours);
    oid_set_free(&divided);
    oid_set_free(&with_some);
    return 0;
}

int
facts_make(struct snapshot *s, struct selection *sel, struct manifest *m, struct facts_tables *w,
           struct err *e)
{
    *w = (struct facts_tables){0};
    for (size_t i = 0; i < s->catalog.n_tables; i++) {
        if (belongs(sel, &s->catalog.tables[i])) {
            add_table(m, &s->catalog, sel, &s->catalog.tables[i]);
        }
    }
    add_work(m, &s->catalog, w);
    if (sel->o->data_only) {
        strlist_add(&m->warnings,
                    "--data-only: this backup holds no definitions, and pgassay restore can make "
                    "no "
                    "database of it; into tables that are there, restore --data-only brings "
                    "its rows (by hand: docs/recipe.md)");
    }
    if ((sel->json != NULL && !sel->o->schema_only && warn_without_partitions(s, m, e) != 0) ||
        add_large_objects(s, sel, m, w, e) != 0 || describe_sections(s, m, e) != 0) {
        facts_tables_free(w);
        return -1;
    }
    note_changes(m);
    m->selection = json_incref(sel->json);
    return 0;
}

void
facts_tables_free(struct facts_tables *w)
{
    free(w->v);
    free(w->names);
    *w = (struct facts_tables){0};
}

int
facts_define(const struct snapshot *s, struct selection *sel, const struct archive *a,
             struct facts_defined *d, struct err *e)
{
    if (check_tables(&s->catalog, sel, a, e) != 0) {
        return -1;
    }
    if (!sel->o->data_only) {
        describe_objects(a, d->m);
    }
    describe_oids(a, "MATERIALIZED VIEW", &d->matviews);
    describe_oids(a, "SEQUENCE", &d->sequences);
    return 0;
}

void
facts_defined_free(struct facts_defined *d)
{
    manifest_free(d->m);
    oid_set_free(&d->sequences);
    oid_set_free(&d->matviews);
    *d = (struct facts_defined){0};
}

/* Places are those of the other's chunks, of which this one has none yet. */
static void
take_over(struct manifest *m, struct manifest *from)
{
    m->archive = from->archive;
    m->n_archive = from->n_archive;
    m->cap_archive = from->cap_archive;
    m->globals_sql = from->globals_sql;
    m->n_globals_sql = from->n_globals_sql;
    m->cap_globals_sql = from->cap_globals_sql;
    m->objects = from->objects;
    m->n_objects = from->n_objects;
    m->cap_objects = from->cap_objects;
    m->numbers = from->numbers;
    m->n_numbers = from->n_numbers;
    m->cap_numbers = from->cap_numbers;
    *from = (struct manifest){0};
}

/* Warnings in the order in which a reader expects them: of the server first. */
static void
join_warnings(const struct snapshot *s, struct manifest *m)
{
    struct strlist own = m->warnings;

    m->warnings = (struct strlist){0};
    strlist_add_all(&m->warnings, &s->warnings);
    strlist_add_all(&m->warnings, &own);
    strlist_free(&own);
}

int
facts_join(const struct snapshot *s, const struct selection *sel, struct facts_defined *d,
           struct manifest *m, struct err *e)
{
    take_over(m, d->m);
    describe_matviews(&s->catalog, &d->matviews, m);
    describe_globals(s, m);
    join_warnings(s, m);
    return sel->o->schema_only ? 0 : describe_sequences(s, &d->sequences, m, e);
}
