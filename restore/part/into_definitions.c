/*
 * into_definitions.c - the definitions of tables that go into another schema: made in a working
 * database, moved there, and dumped (into_schema.h).
 */
#include <stdlib.h>
#include <string.h>

#include "core/log.h"
#include "pg/archive/entry_ids.h"
#include "pg/snapshot/dump.h"
#include "restore/job/entries.h"
#include "restore/part/into_schema_impl.h"

static const char *const left_out[] = {"FK CONSTRAINT",
                                       "TRIGGER",
                                       "RULE",
                                       "STATISTICS",
                                       "EVENT TRIGGER",
                                       "PUBLICATION",
                                       "PUBLICATION TABLE",
                                       "PUBLICATION TABLES IN SCHEMA",
                                       "SUBSCRIPTION",
                                       "DEFAULT ACL",
                                       NULL};
static const char *const about[] = {"COMMENT", "SECURITY LABEL", NULL};
static const char *const of_schema[] = {"SCHEMA", "DEFAULT ACL", NULL};

/* ---- definitions, in the working database -------------------------------------------------- */

static bool
is_of_left_out(const struct entry_ids *ids, const struct archive_entry *entry)
{
    for (size_t i = 0; entry_is(entry, about) && i < entry->n_depends; i++) {
        const struct archive_entry *on = entry_ids_find(ids, entry->depends[i]);

        if (on != NULL && entry_is(on, left_out)) {
            return true;
        }
    }
    return entry_is(entry, left_out);
}

static bool
is_put_back(const struct into *i, const struct archive_entry *table)
{
    for (size_t k = 0; k < i->n_tables; k++) {
        if (strcmp(i->tables[k].name, table->tag) == 0 && table->schema != NULL &&
            strcmp(i->tables[k].schema, table->schema) == 0) {
            return true;
        }
    }
    return false;
}

/* Not those of a table that is only needed here: it is in the live database, and has them.  A
 * foreign key was chosen by its tables. */
static bool
is_link(const struct into *i, const struct entry_ids *ids, const struct archive_entry *entry)
{
    static const char *const come_back[] = {"TRIGGER", "RULE", "STATISTICS", NULL};
    static const char *const key[] = {"FK CONSTRAINT", NULL}, *const table[] = {"TABLE", NULL};
    bool is = entry_is(entry, key);

    for (size_t k = 0; !is && k < entry->n_depends; k++) {
        const struct archive_entry *on = entry_ids_find(ids, entry->depends[k]);

        is = on != NULL &&
            (entry_is(entry, about)
                 ? !entry_is(on, about) && is_link(i, ids, on)
                 : entry_is(entry, come_back) && entry_is(on, table) && is_put_back(i, on));
    }
    return is;
}

/* What another table refers to, or is called by, is there once the tables are in their places. */
static void
keep_link(struct into *i, const struct entry_ids *ids, const struct archive_entry *entry)
{
    if (i->r->o->put_back && is_link(i, ids, entry)) {
        VEC_GROW(i->links, i->n_links, i->cap_links);
        i->links[i->n_links++] = (struct into_link){
            .kind = xstrdup(entry->desc),
            .schema = entry->schema == NULL ? NULL : xstrdup(entry->schema),
            .tag = xstrdup(entry->tag),
            .sql = xstrdup(entry->sql)};
    }
}

static int
make_definitions(struct into *i, struct err *e)
{
    struct restore   *r = i->r;
    struct entry_ids  ids = entry_ids_new(&r->archive);
    struct entry_list all = {0};
    int               rc;

    for (size_t k = 0; k < r->archive.n; k++) {
        const struct archive_entry *entry = &r->archive.v[k];

        if (entry->section != SECTION_PRE_DATA && entry->section != SECTION_POST_DATA) {
            continue;
        }
        if (is_of_left_out(&ids, entry)) {
            keep_link(i, &ids, entry);
        } else {
            entry_list_add(&all, entry);
        }
    }
    rc = entries_run(r, r->conn, &all, e);
    entry_list_free(&all);
    entry_ids_free(&ids);
    return rc;
}

static char *
sequence_key(const char *schema, const char *name)
{
    return xasprintf("%s\001%s", schema, name);
}

static bool
keeps_sequence(const void *ctx, const void *element)
{
    const struct manifest_sequence *s = element;
    char                           *key = sequence_key(s->schema, s->name);
    bool                            kept = strlist_find(ctx, key);

    free(key);
    return kept;
}

/* Sequences of columns: serial and identity. */
static const char sequences_sql[] =
    "SELECT tn.nspname, t.relname, s.relname FROM pg_catalog.pg_depend d JOIN "
    "pg_catalog.pg_class s ON s.oid = d.objid JOIN pg_catalog.pg_class t ON t.oid = "
    "d.refobjid JOIN pg_catalog.pg_namespace tn ON tn.oid = t.relnamespace WHERE d.classid "
    "= 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refclassid = d.classid AND "
    "d.deptype IN ('a', 'i') AND s.relkind = 'S'";

/* The sequences that move with tables: those of their columns. */
static int
choose_sequences(const struct into *i, struct err *e)
{
    struct manifest *m = i->r->manifest;
    struct strlist   owned = {0};
    PGresult        *res = pg_query(i->r->conn, e, sequences_sql, 0, NULL);

    for (int k = 0; res != NULL && k < PQntuples(res); k++) {
        const char *schema = PQgetvalue(res, k, 0);

        if (manifest_find(m, schema, PQgetvalue(res, k, 1)) != NULL) {
            strlist_take(&owned, sequence_key(schema, PQgetvalue(res, k, 2)));
        }
    }
    PQclear(res);
    strlist_sort(&owned);
    manifest_keep(m, "sequences", keeps_sequence, &owned);
    strlist_free(&owned);
    return res == NULL ? -1 : 0;
}

/* Each parent that stays, in its order; the bounds are those of a partition. */
static const char parents_sql[] =
    "SELECT c.relname, i.inhparent::pg_catalog.regclass, pg_catalog.pg_get_expr(c.relpartbound, "
    "c.oid) FROM pg_catalog.pg_inherits i JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid JOIN "
    "pg_catalog.pg_class p ON p.oid = i.inhparent JOIN pg_catalog.pg_namespace n ON n.oid "
    "= c.relnamespace WHERE n.nspname = $1 AND p.relnamespace <> c.relnamespace AND "
    "c.relkind IN ('r', 'p') ORDER BY 1, i.inhseqno";

static const struct into_table *
place_of(const struct into *i, const char *name)
{
    for (size_t k = 0; k < i->n_tables; k++) {
        if (strcmp(i->tables[k].name, name) == 0) {
            return &i->tables[k];
        }
    }
    return NULL;
}

/* To the parent, once the table is in its place.  bound: NULL, or a partition's. */
static void
keep_parent(struct into *i, const char *name, const char *parent, const char *bound)
{
    const struct into_table *t = i->r->o->put_back ? place_of(i, name) : NULL;
    char                    *own;

    if (t == NULL) {
        return;
    }
    own = pg_qualified(t->schema, t->name);
    VEC_GROW(i->links, i->n_links, i->cap_links);
    i->links[i->n_links++] = (struct into_link){
        .kind = xstrdup(bound != NULL ? "TABLE ATTACH" : "INHERITS"),
        .schema = xstrdup(t->schema),
        .tag = xstrdup(t->name),
        .to_parent = true,
        .sql = bound != NULL
            ? xasprintf("ALTER TABLE ONLY %s ATTACH PARTITION %s %s", parent, own, bound)
            : xasprintf("ALTER TABLE %s INHERIT %s", own, parent)};
    free(own);
}

/* From parents and partitioned tables that stay where they are. */
static int
detach(struct into *i, struct err *e)
{
    const char *params[] = {i->schema};
    PGresult   *res = pg_query(i->r->conn, e, parents_sql, 1, params);
    int         rc = res == NULL ? -1 : 0;

    for (int k = 0; rc == 0 && k < PQntuples(res); k++) {
        const char *name = PQgetvalue(res, k, 0), *parent = PQgetvalue(res, k, 1);
        const char *bound = PQgetisnull(res, k, 2) ? NULL : PQgetvalue(res, k, 2);
        char       *moved = pg_qualified(i->schema, name);

        rc = bound != NULL
            ? pg_execf(i->r->conn, e, "ALTER TABLE %s DETACH PARTITION %s", parent, moved)
            : pg_execf(i->r->conn, e, "ALTER TABLE %s NO INHERIT %s", moved, parent);
        keep_parent(i, name, parent, bound);
        free(moved);
    }
    PQclear(res);
    return rc;
}

static int
move_tables(struct into *i, struct err *e)
{
    const struct manifest *m = i->r->manifest;
    int                    rc = pg_execf(i->r->conn, e, "CREATE SCHEMA %s", i->ident);

    for (size_t k = 0; rc == 0 && k < m->n_tables; k++) {
        char *name = pg_qualified(m->tables[k].schema, m->tables[k].name);

        rc = pg_execf(i->r->conn, e, "ALTER TABLE %s SET SCHEMA %s", name, i->ident);
        if (rc != 0) {
            err_wrap(e, "giving %s its new schema", name);
        }
        free(name);
    }
    return rc == 0 ? detach(i, e) : -1;
}

/* pg_dump's new output for the tables replaces the backup's archive. */
static int
read_definitions(const struct into *i, struct err *e)
{
    struct restore *r = i->r;
    const char     *args[] = {"--schema", i->ident, NULL};
    struct buf      bytes = BUF_INIT(BUF_NO_LIMIT);
    bool           *keep = NULL;
    int             rc = schema_dump_now(r->conn, args, &bytes, e);

    if (rc == 0) {
        plan_forget(r);
        archive_close(&r->archive);
        pg_tool_free(&r->pg_restore);
        r->has_archive = false;
        rc = pg_tool_find("pg_restore", 0, &r->pg_restore, e);
        r->archive_options.pg_restore = r->pg_restore.path;
    }
    if (rc == 0) {
        rc = archive_open_bytes(&r->archive, bytes.data, bytes.len, &r->archive_options, e);
        r->has_archive = rc == 0;
    }
    keep = xcalloc(r->archive.n + 1, sizeof *keep);
    for (size_t k = 0; rc == 0 && k < r->archive.n; k++) {
        const struct archive_entry *entry = &r->archive.v[k];

        keep[k] = !entry_is(entry, of_schema) && strncmp(entry->tag, "SCHEMA ", 7) != 0;
    }
    archive_keep(&r->archive, keep);
    free(keep);
    buf_free(&bytes);
    return rc;
}

/* ---- the manifest, with the new names ------------------------------------------------------ */

static void
rename_to(char **text, char *to)
{
    free(*text);
    *text = to;
}

/* The partitioned table that rows go in through, if it is among those that moved. */
static char *
new_via(const struct into *i, const char *via)
{
    const struct manifest *m = i->r->manifest;
    char                  *found = NULL;

    for (size_t k = 0; via != NULL && found == NULL && k < m->n_tables; k++) {
        char *name = pg_qualified(m->tables[k].schema, m->tables[k].name);

        if (strcmp(name, via) == 0) {
            found = pg_qualified(i->schema, m->tables[k].name);
        }
        free(name);
    }
    return found;
}

static void
rename_all(const struct into *i)
{
    struct manifest *m = i->r->manifest;
    char           **via = xcalloc(m->n_tables + 1, sizeof *via);

    for (size_t k = 0; k < m->n_tables; k++) {
        via[k] = new_via(i, m->tables[k].load_via);
    }
    for (size_t k = 0; k < m->n_tables; k++) {
        rename_to(&m->tables[k].load_via, via[k]);
        rename_to(&m->tables[k].schema, xstrdup(i->schema));
    }
    for (size_t k = 0; k < m->n_sequences; k++) {
        rename_to(&m->sequences[k].schema, xstrdup(i->schema));
    }
    free(via);
    manifest_sort(m);
    /* An index is built with its table where both have the same oid. */
    for (size_t k = 0; k < i->r->archive.n; k++) {
        const struct archive_entry *entry = &i->r->archive.v[k];
        struct manifest_table      *t = manifest_find(m, i->schema, entry->tag);

        if (t != NULL && strcmp(entry->desc, "TABLE") == 0) {
            t->oid = entry->oid;
        }
    }
    plan_phases(i->r);
}

static void
drop_working_database(struct restore *r)
{
    struct err why = ERR_INIT;
    char      *ident = pg_ident(r->working_name);

    pg_close(r->conn);
    r->conn = NULL;
    if (pg_execf(r->maintenance, &why, "DROP DATABASE %s WITH (FORCE)", ident) != 0) {
        log_warn("could not remove the working database %s: %s", ident, why.text);
    }
    r->created = false;
    free(ident);
}

int
into_definitions(struct into *i, struct err *e)
{
    restore_phase(i->r, "definitions");
    if (target_create(i->r, e) != 0 || target_schemas(i->r, e) != 0 ||
        make_definitions(i, e) != 0 || choose_sequences(i, e) != 0 || move_tables(i, e) != 0 ||
        read_definitions(i, e) != 0) {
        return err_wrap(e, "working database \"%s\"", i->r->working_name);
    }
    rename_all(i);
    drop_working_database(i->r);
    return 0;
}
