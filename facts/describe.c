#include "facts/describe.h"

#include <stdlib.h>
#include <string.h>

#include "core/utf8.h"
#include "pg/snapshot/inventory.h"

enum { PG_CLASS = 1259 };

void
describe_oids(const struct archive *a, const char *desc, struct oid_set *out)
{
    for (size_t i = 0; i < a->n; i++) {
        if (a->v[i].class_oid == PG_CLASS && strcmp(a->v[i].desc, desc) == 0) {
            oid_set_add(out, a->v[i].oid);
        }
    }
}

static char *
copied(const char *s)
{
    return s == NULL ? NULL : xstrdup(s);
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

const char *
describe_skipped(const struct catalog *c, const struct cat_table *t)
{
    if (t->kind == 'f') {
        return "foreign table: definition only";
    }
    return t->kind == 'r' && t->persistence == 'u' && c->in_recovery ? "unlogged table: not "
                                                                       "readable on a standby"
                                                                     : NULL;
}

struct manifest_table *
describe_table(struct manifest *m, const struct cat_table *t, bool all_text, const char *skipped)
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
    out->skipped = copied(skipped);
    out->format = t->all_binary && !all_text ? COPY_BINARY : COPY_TEXT;
    out->relation_bytes = t->table_bytes;
    add_columns(out, t);
    return out;
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
int
describe_sequences(const struct snapshot *s, struct oid_set *defined, struct manifest *m,
                   struct err *e)
{
    static const char configured[] =
        "SELECT pg_catalog.unnest(extconfig) FROM pg_catalog.pg_extension";
    struct oid_set ours = {0};
    PGresult      *r = pg_query(s->conn, e, configured, 0, NULL);

    if (r == NULL) {
        return err_wrap(e, "list configuration tables");
    }
    oid_set_add_column(&ours, r, 0);
    PQclear(r);
    for (size_t i = 0; i < s->n_sequences; i++) {
        uint32_t oid = sequence_oid(&s->catalog, &s->sequences[i], i);

        if (!oid_set_has(&ours, oid) && !oid_set_has(defined, oid)) {
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
void
describe_matviews(const struct catalog *c, const struct oid_set *in_order, struct manifest *m)
{
    for (size_t i = 0; i < in_order->n; i++) {
        for (size_t k = 0; k < c->n_matviews; k++) {
            const struct cat_matview *v = &c->matviews[k];

            if (v->oid == in_order->v[i]) {
                VEC_GROW(m->matviews, m->n_matviews, m->cap_matviews);
                m->matviews[m->n_matviews++] = (struct manifest_matview){
                    xstrdup(v->schema), xstrdup(v->name), v->populated, v->remote};
            }
        }
    }
}

void
describe_objects(const struct archive *a, struct manifest *m)
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

void
describe_globals(const struct snapshot *s, struct manifest *m)
{
    m->globals = json_incref(s->globals_data);
}

int
describe_sections(const struct snapshot *s, struct manifest *m, struct err *e)
{
    if ((m->server = inventory_server(s->conn, e)) == NULL ||
        (m->database = inventory_database(s->conn, e)) == NULL ||
        (m->snapshot = inventory_snapshot(s->conn, e)) == NULL ||
        (m->xid = inventory_xid(s->conn, e)) == NULL ||
        (m->extensions = inventory_extensions(s->conn, e)) == NULL ||
        (m->inventory = inventory_omitted(s->conn, e)) == NULL) {
        return err_wrap(e, "read the baseline");
    }
    return 0;
}

static void
sum_tables(const struct manifest *m, struct label *l)
{
    l->tables = m->n_tables;
    for (size_t i = 0; i < m->n_tables; i++) {
        l->rows += m->tables[i].rows;
        l->raw_bytes += m->tables[i].bytes;
    }
    l->raw_bytes += m->lo_pages.bytes + m->lo_metadata.bytes;
}

/* "/var/run/postgresql" is not a host for others to connect to. */
static char *
host_of(const PGconn *conn)
{
    const char *host = PQhost(conn);

    return host == NULL || *host == '\0' || *host == '/' || *host == '@' ? NULL : xstrdup(host);
}

static uint64_t
age_in(const json_t *xid, const char *key)
{
    int64_t age = json_opt_int(xid, key, 0);

    return age > 0 ? (uint64_t)age : 0;
}

/* What shows from label to label how fast the server uses XIDs up. */
static void
describe_xids(const struct manifest *m, struct label *l)
{
    struct err none = ERR_INIT;

    l->system_identifier = copied(json_opt_str(m->server, "system_identifier", NULL));
    l->xid_age = age_in(m->xid, "age");
    l->multixact_age = age_in(m->xid, "multixact_age");
    if (json_get_hex64(m->snapshot, "xmax", &l->next_xid, &none) != 0) {
        l->next_xid = 0;
    }
}

void
describe_label(const struct snapshot *s, const struct manifest *m, struct label *l)
{
    l->snapshot = s->taken;
    l->tool = xstrdup("pgassay " PGASSAY_VERSION);
    l->host = host_of(s->conn);
    l->server_version_num = pg_version(s->conn);
    l->server_version = copied(PQparameterStatus(s->conn, "server_version"));
    l->pg_dump_version = copied(s->pg_dump_version);
    l->standby = s->catalog.in_recovery;
    l->globals = s->globals;
    l->passwords = s->passwords;
    l->database_bytes = (uint64_t)json_opt_int(m->database, "size_bytes", 0);
    sum_tables(m, l);
    describe_xids(m, l);
    for (size_t i = 0; i < m->warnings.n; i++) {
        utf8_clean(m->warnings.v[i]); /* names and messages come in the server's encoding */
        strlist_add(&l->warnings, m->warnings.v[i]);
    }
}
