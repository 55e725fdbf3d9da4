#include "backup/facts.h"

#include <stdlib.h>
#include <string.h>

#include "core/human.h"
#include "pg/rows/largeobject.h"
#include "pg/snapshot/inventory.h"
#include "pg/snapshot/inventory_changes.h"

enum { PG_CLASS = 1259 };

/* OIDs of the archive's entries of one kind; with schema_only's pg_dump they are the
 * definitions. */
static void
archive_oids(const struct archive *a, const char *desc, struct oid_set *out)
{
    for (size_t i = 0; i < a->n; i++) {
        if (a->v[i].class_oid == PG_CLASS && strcmp(a->v[i].desc, desc) == 0) {
            oid_set_add(out, a->v[i].oid);
        }
    }
}

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

    archive_oids(a, "TABLE", &tables);
    archive_oids(a, "FOREIGN TABLE", &foreign);
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

static void
add_columns(struct manifest_table *t, const struct cat_table *c)
{
    t->n_columns = c->n_columns;
    t->cap_columns = c->n_columns + 1;
    t->columns = xcalloc(t->cap_columns, sizeof *t->columns);
    for (size_t i = 0; i < c->n_columns; i++) {
        t->columns[i] = (struct manifest_column){
            .name = xstrdup(c->columns[i].name),
            .type = xstrdup(c->columns[i].type),
            .generated = c->columns[i].generated || c->columns[i].virtual_generated,
            .not_null = c->columns[i].not_null,
        };
    }
}

/* NULL: its rows are read. */
static const char *
why_skipped(const struct catalog *c, struct selection *sel, const struct cat_table *t)
{
    if (t->kind == 'f') {
        return "foreign table: definition only";
    }
    if (t->kind == 'p') {
        return NULL;
    }
    if (sel->o->schema_only) {
        return "--schema-only";
    }
    if (!selection_wants_rows(sel, t)) {
        return "--exclude-table-data";
    }
    if (t->persistence == 'u' && c->in_recovery) {
        return "unlogged table: not readable on a standby";
    }
    return NULL;
}

static char *
copied(const char *s)
{
    return s == NULL ? NULL : xstrdup(s);
}

static void
add_table(struct manifest *m, const struct catalog *c, struct selection *sel,
          const struct cat_table *t)
{
    struct manifest_table *out = manifest_add_table(m);

    out->schema = xstrdup(t->schema);
    out->name = xstrdup(t->name);
    out->oid = t->oid;
    out->kind = t->kind;
    out->persistence = t->persistence;
    out->owner = xstrdup(t->owner);
    out->load_via = copied(t->load_via);
    out->condition = copied(t->condition);
    out->extension = copied(t->extension);
    out->skipped = copied(why_skipped(c, sel, t));
    out->format = t->all_binary && !sel->o->all_text ? COPY_BINARY : COPY_TEXT;
    out->relation_bytes = t->table_bytes;
    add_columns(out, t);
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

/* Both lists have the same order, unless one was dropped in between. */
static uint32_t
sequence_oid(const struct catalog *c, const struct sequence_state *s, size_t guess)
{
    for (size_t i = 0; i < c->n_sequences; i++) {
        const struct cat_sequence *q = &c->sequences[(guess + i) % c->n_sequences];

        if (strcmp(q->name, s->name) == 0 && strcmp(q->schema, s->schema) == 0) {
            return q->oid;
        }
    }
    return 0;
}

/* Sequences that the archive defines, and those that extensions declare as configuration. */
static int
add_sequences(struct snapshot *s, struct selection *sel, const struct archive *a,
              struct manifest *m, struct err *e)
{
    struct oid_set ours = {0};
    PGresult      *r;

    if (sel->o->schema_only) {
        return 0;
    }
    r = pg_query(s->conn, e, "SELECT pg_catalog.unnest(extconfig) FROM pg_catalog.pg_extension", 0,
                 NULL);
    if (r == NULL) {
        return err_wrap(e, "list configuration tables");
    }
    oid_set_add_column(&ours, r, 0);
    PQclear(r);
    archive_oids(a, "SEQUENCE", &ours);
    for (size_t i = 0; i < s->n_sequences; i++) {
        if (!oid_set_has(&ours, sequence_oid(&s->catalog, &s->sequences[i], i))) {
            continue;
        }
        VEC_GROW(m->sequences, m->n_sequences, m->cap_sequences);
        m->sequences[m->n_sequences++] = (struct manifest_sequence){
            .schema = xstrdup(s->sequences[i].schema),
            .name = xstrdup(s->sequences[i].name),
            .last_value = s->sequences[i].last_value,
            .is_called = s->sequences[i].is_called,
        };
    }
    oid_set_free(&ours);
    return 0;
}

/* pg_dump puts them in the order in which they must be refreshed. */
static void
add_matviews(const struct catalog *c, const struct archive *a, struct manifest *m)
{
    for (size_t i = 0; i < a->n; i++) {
        if (a->v[i].class_oid != PG_CLASS || strcmp(a->v[i].desc, "MATERIALIZED VIEW") != 0) {
            continue;
        }
        for (size_t k = 0; k < c->n_matviews; k++) {
            const struct cat_matview *v = &c->matviews[k];

            if (v->oid == a->v[i].oid) {
                VEC_GROW(m->matviews, m->n_matviews, m->cap_matviews);
                m->matviews[m->n_matviews++] = (struct manifest_matview){
                    xstrdup(v->schema), xstrdup(v->name), v->populated, v->remote};
            }
        }
    }
}

static void
add_objects(const struct archive *a, struct manifest *m)
{
    for (size_t i = 0; i < a->n; i++) {
        struct manifest_object *o;

        VEC_GROW(m->objects, m->n_objects, m->cap_objects);
        o = &m->objects[m->n_objects++];
        *o = (struct manifest_object){
            .kind = xstrdup(a->v[i].desc),
            .schema = copied(a->v[i].schema),
            .name = xstrdup(a->v[i].tag),
            .owner = xstrdup(a->v[i].owner),
        };
        archive_entry_sha256(&a->v[i], o->digest);
    }
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

static int
add_sections(struct snapshot *s, struct selection *sel, struct manifest *m, struct err *e)
{
    if ((m->server = inventory_server(s->conn, e)) == NULL ||
        (m->database = inventory_database(s->conn, e)) == NULL ||
        (m->snapshot = inventory_snapshot(s->conn, e)) == NULL ||
        (m->xid = inventory_xid(s->conn, e)) == NULL ||
        (m->extensions = inventory_extensions(s->conn, e)) == NULL ||
        (m->inventory = inventory_omitted(s->conn, e)) == NULL) {
        return err_wrap(e, "read the baseline");
    }
    note_changes(m);
    m->globals = json_incref(s->globals_data);
    m->selection = json_incref(sel->json);
    return 0;
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
facts_make(struct snapshot *s, struct selection *sel, const struct archive *a, struct manifest *m,
           struct facts_tables *w, struct err *e)
{
    *w = (struct facts_tables){0};
    if (check_tables(&s->catalog, sel, a, e) != 0) {
        return -1;
    }
    for (size_t i = 0; i < s->warnings.n; i++) {
        strlist_add(&m->warnings, s->warnings.v[i]);
    }
    for (size_t i = 0; i < s->catalog.n_tables; i++) {
        if (belongs(sel, &s->catalog.tables[i])) {
            add_table(m, &s->catalog, sel, &s->catalog.tables[i]);
        }
    }
    add_work(m, &s->catalog, w);
    if (!sel->o->data_only) {
        add_objects(a, m);
    } else {
        strlist_add(&m->warnings,
                    "--data-only: this backup holds no definitions, and pgassay restore can make "
                    "no "
                    "database of it; its rows can be loaded by hand (docs/recipe.md)");
    }
    add_matviews(&s->catalog, a, m);
    if ((sel->json != NULL && !sel->o->schema_only && warn_without_partitions(s, m, e) != 0) ||
        add_sequences(s, sel, a, m, e) != 0 || add_large_objects(s, sel, m, w, e) != 0 ||
        add_sections(s, sel, m, e) != 0) {
        facts_tables_free(w);
        return -1;
    }
    return 0;
}

void
facts_tables_free(struct facts_tables *w)
{
    free(w->v);
    free(w->names);
    *w = (struct facts_tables){0};
}
