#include "backup/select.h"

#include <stdlib.h>
#include <string.h>

#include "core/crypto/hash.h"
#include "core/json.h"

struct part {
    const char           *option; /* pg_dump's and ours */
    const char           *key;    /* in the manifest */
    const struct strlist *patterns;
};
enum { N_PARTS = 5 };

static void
parts_of(const struct options *o, struct part out[N_PARTS])
{
    out[0] = (struct part){"--table", "tables", &o->tables};
    out[1] = (struct part){"--exclude-table", "exclude_tables", &o->exclude_tables};
    out[2] = (struct part){"--schema", "schemas", &o->schemas};
    out[3] = (struct part){"--exclude-schema", "exclude_schemas", &o->exclude_schemas};
    out[4] = (struct part){"--exclude-table-data", "exclude_table_data", &o->exclude_table_data};
}

/* {"tables": [...], "schema_only": true}: patterns sorted, so that their order does not make
 * another scope. */
static json_t *
as_json(const struct options *o)
{
    struct part parts[N_PARTS];
    json_t     *root = json_object();

    parts_of(o, parts);
    for (int i = 0; i < N_PARTS; i++) {
        struct strlist sorted = {0};
        json_t        *list = json_array();

        for (size_t k = 0; k < parts[i].patterns->n; k++) {
            strlist_add(&sorted, parts[i].patterns->v[k]);
        }
        strlist_sort(&sorted);
        for (size_t k = 0; k < sorted.n; k++) {
            json_array_append_new(list, json_text(sorted.v[k]));
        }
        if (sorted.n > 0) {
            json_object_set(root, parts[i].key, list);
        }
        json_decref(list);
        strlist_free(&sorted);
    }
    if (o->schema_only) {
        json_object_set_new(root, "schema_only", json_true());
    }
    if (o->data_only) {
        json_object_set_new(root, "data_only", json_true());
    }
    return root;
}

/* "--schema-only --table 'a*'" */
static char *
as_words(const struct options *o, struct err *e)
{
    struct part parts[N_PARTS];
    struct buf  out = BUF_INIT(64 * KIB);
    char       *text = NULL;
    int         rc = buf_puts(&out,
                      o->schema_only     ? " --schema-only"
                                  : o->data_only ? " --data-only"
                                                 : "",
                              e);

    parts_of(o, parts);
    for (int i = 0; i < N_PARTS; i++) {
        for (size_t k = 0; rc == 0 && k < parts[i].patterns->n; k++) {
            rc = buf_printf(&out, e, " %s '%s'", parts[i].option, parts[i].patterns->v[k]);
        }
    }
    if (rc == 0) {
        text = xstrdup(buf_str(&out) + 1);
    }
    buf_free(&out);
    return text;
}

static int
set_scope(struct selection *s, struct err *e)
{
    struct buf text = BUF_INIT(MIB);
    char       digest[SHA256_HEX + 1];
    int        rc = -1;

    s->json = as_json(s->o);
    if (json_object_size(s->json) == 0) {
        json_decref(s->json);
        s->json = NULL;
        strcpy(s->scope, "full");
        return 0;
    }
    if (json_write(s->json, &text, e) == 0 && (s->words = as_words(s->o, e)) != NULL) {
        sha256_hex(text.data, text.len, digest);
        memcpy(s->scope, digest, sizeof s->scope - 1);
        rc = 0;
    }
    buf_free(&text);
    return rc;
}

/* pg_dump's options; it does not dump rows. */
static void
set_dump_args(struct selection *s)
{
    struct part parts[N_PARTS];
    size_t      n = 0, all = 0;

    parts_of(s->o, parts);
    for (int i = 0; i < N_PARTS - 1; i++) {
        all += parts[i].patterns->n;
    }
    s->dump_args = xcalloc(2 * all + 1, sizeof *s->dump_args);
    for (int i = 0; i < N_PARTS - 1; i++) {
        for (size_t k = 0; k < parts[i].patterns->n; k++) {
            s->dump_args[n++] = parts[i].option;
            s->dump_args[n++] = parts[i].patterns->v[k];
        }
    }
}

/* The relations of the schemas that match. */
static int
tables_of_schemas(PGconn *conn, const struct strlist *patterns, bool must_match,
                  struct oid_set *out, struct err *e)
{
    struct oid_set schemas = {0};
    PGresult      *r = NULL;
    int            rc = -1;

    if (patterns->n == 0) {
        return 0;
    }
    if (pattern_schemas(conn, patterns, must_match, &schemas, e) != 0 ||
        (r = pg_query(conn, e,
                      "SELECT oid, relnamespace FROM pg_catalog.pg_class WHERE relkind IN ('r', "
                      "'p', 'f')",
                      0, NULL)) == NULL) {
        goto out;
    }
    for (int i = 0; i < PQntuples(r); i++) {
        if (oid_set_has(&schemas, (uint32_t)strtoul(PQgetvalue(r, i, 1), NULL, 10))) {
            oid_set_add(out, (uint32_t)strtoul(PQgetvalue(r, i, 0), NULL, 10));
        }
    }
    rc = 0;
out:
    oid_set_free(&schemas);
    PQclear(r);
    return rc;
}

static bool
asked_for(struct selection *s, const struct cat_table *t)
{
    if (s->o->tables.n > 0) {
        return oid_set_has(&s->tables, t->oid);
    }
    return s->o->schemas.n == 0 || oid_set_has(&s->schema_tables, t->oid);
}

/* -T and -N that leave no table: certainly a mistake. */
static int
check_something_left(struct selection *s, PGconn *conn, struct err *e)
{
    struct catalog c = {0};
    size_t         there = 0, left = 0;

    if (s->o->schema_only || (s->o->exclude_tables.n == 0 && s->o->exclude_schemas.n == 0)) {
        return 0;
    }
    if (catalog_read(conn, CATALOG_WITHOUT_SIZES, &c, e) != 0) {
        return -1;
    }
    for (size_t i = 0; i < c.n_tables; i++) {
        there += asked_for(s, &c.tables[i]);
        left += selection_wants(s, &c.tables[i]);
    }
    catalog_free(&c);
    if (there == 0 || left > 0) {
        return 0;
    }
    err_set(e, ERR_USAGE,
            "%s leaves no table of database \"%s\": that would be a backup of no rows", s->words,
            PQdb(conn));
    return err_hint(e, "--schema-only takes the definitions of what has no rows");
}

int
selection_make(const struct options *o, PGconn *conn, struct selection *s, struct err *e)
{
    *s = (struct selection){.o = o};
    if (set_scope(s, e) != 0 || pattern_relations(conn, &o->tables, true, &s->tables, e) != 0 ||
        pattern_relations(conn, &o->exclude_tables, false, &s->exclude_tables, e) != 0 ||
        pattern_relations(conn, &o->exclude_table_data, false, &s->exclude_data, e) != 0 ||
        tables_of_schemas(conn, &o->schemas, true, &s->schema_tables, e) != 0 ||
        tables_of_schemas(conn, &o->exclude_schemas, false, &s->exclude_schema_tables, e) != 0 ||
        check_something_left(s, conn, e) != 0) {
        selection_free(s);
        return -1;
    }
    oid_set_sort(&s->tables);
    oid_set_sort(&s->exclude_tables);
    oid_set_sort(&s->exclude_data);
    oid_set_sort(&s->schema_tables);
    oid_set_sort(&s->exclude_schema_tables);
    set_dump_args(s);
    return 0;
}

void
selection_free(struct selection *s)
{
    oid_set_free(&s->tables);
    oid_set_free(&s->exclude_tables);
    oid_set_free(&s->exclude_data);
    oid_set_free(&s->schema_tables);
    oid_set_free(&s->exclude_schema_tables);
    free(s->dump_args);
    free(s->words);
    json_decref(s->json);
    *s = (struct selection){0};
}

bool
selection_wants(void *ctx, const struct cat_table *t)
{
    struct selection *s = ctx;

    return asked_for(s, t) && !oid_set_has(&s->exclude_tables, t->oid) &&
        (s->o->tables.n > 0 || !oid_set_has(&s->exclude_schema_tables, t->oid));
}

bool
selection_wants_rows(struct selection *s, const struct cat_table *t)
{
    return !oid_set_has(&s->exclude_data, t->oid);
}

bool
selection_wants_large_objects(const struct selection *s)
{
    return s->o->tables.n == 0 && s->o->schemas.n == 0 && !s->o->schema_only;
}
