/*
 * facts.c - facts other than rows and dumped definitions: sequences, materialized views,
 * extensions, database properties, and what pg_dump omits.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "pg/snapshot/inventory.h"
#include "verify/compare/compare.h"
#include "verify/compare/sentences.h"
#include "verify/compare/tolerance.h"

static bool
selects(const struct manifest *man, const char *key)
{
    return json_object_get(man->selection, key) != NULL;
}

bool
holds_every_definition(const struct manifest *man)
{
    return !selects(man, "tables") && !selects(man, "exclude_tables") && !selects(man, "schemas") &&
        !selects(man, "exclude_schemas") && !selects(man, "data_only");
}

static void
add(struct compare *c, const char *schema, const char *name, struct finding f)
{
    char *object = finding_object(schema, name);

    f.object = object;
    findings_add(&c->result->findings, f);
    free(object);
}

static int
sequence_order(const void *a, const void *b)
{
    const struct sequence_state *x = a, *y = b;
    int                          by_schema = strcmp(x->schema, y->schema);

    return by_schema != 0 ? by_schema : strcmp(x->name, y->name);
}

/* Sequences are read one after another, and go on while tables are read: what is expected of them
 * when rows may change is only that they do not go back. */
struct sequence_fact {
    struct tolerance allowed;
    bool             descends;
};

/* Of each of the snapshot's sequences, in their order; NULL when nothing is expected that is not
 * exact. */
static int
sequence_facts(struct compare *c, struct sequence_fact **out, struct err *e)
{
    static const char sql[] =
        "SELECT n.nspname, s.relname, q.seqincrement < 0, tn.nspname, t.relname"
        " FROM pg_catalog.pg_sequence q JOIN pg_catalog.pg_class s ON s.oid = q.seqrelid"
        " JOIN pg_catalog.pg_namespace n ON n.oid = s.relnamespace"
        " LEFT JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_class'::regclass"
        " AND d.objid = s.oid AND d.refclassid = 'pg_catalog.pg_class'::regclass"
        " AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i')"
        " LEFT JOIN pg_catalog.pg_class t ON t.oid = d.refobjid"
        " LEFT JOIN pg_catalog.pg_namespace tn ON tn.oid = t.relnamespace";
    const struct snapshot *s = c->snap;
    PGresult              *r;

    *out = NULL;
    if (!tolerances_any(c->tolerances) || s->n_sequences == 0)
        return 0;
    if ((r = pg_query(s->conn, e, sql, 0, NULL)) == NULL)
        return err_wrap(e, "sequences");
    *out = xcalloc(s->n_sequences, sizeof **out);
    for (int i = 0; i < PQntuples(r); i++) {
        struct sequence_state  key = {.schema = PQgetvalue(r, i, 0), .name = PQgetvalue(r, i, 1)};
        struct sequence_state *at = bsearch(&key, s->sequences, s->n_sequences, sizeof key,
                                            sequence_order);
        struct tolerance       own = tolerances_of(c->tolerances, key.schema, key.name);

        if (at == NULL)
            continue;
        if (!own.said && !PQgetisnull(r, i, 4))
            own = tolerances_of(c->tolerances, PQgetvalue(r, i, 3), PQgetvalue(r, i, 4));
        (*out)[at - s->sequences] = (struct sequence_fact){
            .allowed = own, .descends = PQgetvalue(r, i, 2)[0] == 't'};
    }
    PQclear(r);
    return 0;
}

static bool
as_expected(const struct sequence_fact *fact, const struct manifest_sequence *want,
            const struct sequence_state *have)
{
    if (fact == NULL || fact->allowed.kind == TOLERANCE_EXACT ||
        fact->allowed.kind == TOLERANCE_STATIC)
        return false;
    return fact->allowed.kind == TOLERANCE_IGNORE || (!want->is_called && have->is_called) ||
        (have->is_called == want->is_called &&
         (fact->descends ? have->last_value <= want->last_value
                         : have->last_value >= want->last_value));
}

static void
compare_sequence(struct compare *c, const struct manifest_sequence *want,
                 const struct sequence_state *have, const struct sequence_fact *fact)
{
    char want_text[48], have_text[48];

    c->result->compared.sequences++;
    if (have == NULL) {
        add(c, want->schema, want->name, (struct finding){.group = "sequences", .what = "missing"});
        return;
    }
    if ((have->last_value == want->last_value && have->is_called == want->is_called) ||
        as_expected(fact, want, have))
        return;
    snprintf(want_text, sizeof want_text, "%" PRId64 "%s", want->last_value,
             want->is_called ? "" : " (not called)");
    snprintf(have_text, sizeof have_text, "%" PRId64 "%s", have->last_value,
             have->is_called ? "" : " (not called)");
    add(c, want->schema, want->name,
        (struct finding){
            .group = "sequences", .what = "last value", .want = want_text, .have = have_text});
}

static int
compare_sequences(struct compare *c, struct err *e)
{
    struct snapshot *s = c->snap;
    bool            *known;
    bool             knows_all = holds_every_definition(c->man) && !selects(c->man, "schema_only");
    struct sequence_fact *facts;

    if (s->n_sequences > 0)
        qsort(s->sequences, s->n_sequences, sizeof *s->sequences, sequence_order);
    if (sequence_facts(c, &facts, e) != 0)
        return -1;
    known = xcalloc(s->n_sequences + 1, sizeof *known);
    for (size_t i = 0; i < c->man->n_sequences; i++) {
        const struct manifest_sequence *want = &c->man->sequences[i];
        struct sequence_state key = {.schema = want->schema, .name = want->name}, *have = NULL;

        if (s->n_sequences > 0)
            have = bsearch(&key, s->sequences, s->n_sequences, sizeof *s->sequences,
                           sequence_order);
        if (have != NULL)
            known[have - s->sequences] = true;
        compare_sequence(c, want, have,
                         have == NULL || facts == NULL ? NULL : &facts[have - s->sequences]);
    }
    for (size_t i = 0; i < s->n_sequences && knows_all; i++)
        if (!known[i])
            add(c, s->sequences[i].schema, s->sequences[i].name,
                (struct finding){.group = "sequences", .what = compare_new(c)});
    free(known);
    free(facts);
    return 0;
}

static const struct cat_matview *
find_matview(const struct catalog *cat, const struct manifest_matview *want)
{
    for (size_t i = 0; i < cat->n_matviews; i++)
        if (strcmp(cat->matviews[i].name, want->name) == 0 &&
            strcmp(cat->matviews[i].schema, want->schema) == 0)
            return &cat->matviews[i];
    return NULL;
}

/* The contents of a materialized view are never compared (docs/postgresql.md: REFRESH writes
 * frozen rows, visible to older snapshots): it only counts that its refresh ran. */
static void
compare_matview(struct compare *c, const struct manifest_matview *want)
{
    static const char *const  state[] = {"not populated", "populated"};
    const struct cat_matview *have = find_matview(&c->snap->catalog, want);

    c->result->compared.matviews++;
    if (have == NULL)
        add(c, want->schema, want->name,
            (struct finding){.group = "materialized views", .what = "missing"});
    else if (want->remote && want->populated && c->is_copy && !c->remote_allowed)
        add(c, want->schema, want->name,
            (struct finding){.class = FINDING_UNCOMPARED,
                             .group = "materialized views",
                             .what = "not refreshed: it reads a foreign server (see "
                                     "--allow-remote)"});
    else if (have->populated != want->populated)
        add(c, want->schema, want->name,
            (struct finding){.group = "materialized views",
                             .what = "state",
                             .want = state[want->populated],
                             .have = state[have->populated]});
}

static json_t *
read_omitted(struct compare *c, struct err *e)
{
    return inventory_omitted_like(c->snap->conn, c->man->inventory, e);
}

static json_t *
read_extensions(struct compare *c, struct err *e)
{
    json_t *have = inventory_extensions(c->snap->conn, e);

    /* Of another major version's server an extension may have the version that this one makes. */
    if (have != NULL && pg_version(c->snap->conn) / 10000 != c->label->server_version_num / 10000 &&
        inventory_extensions_default(c->snap->conn, have, e) != 0) {
        json_decref(have);
        return NULL;
    }
    return have;
}

static json_t *
read_database(struct compare *c, struct err *e)
{
    return inventory_database(c->snap->conn, e);
}

/* Is the server another one than that which was backed up?  If one of the ids is unknown, it is
 * taken for the same. */
static int
read_elsewhere(struct compare *c, bool *elsewhere, struct err *e)
{
    const char *want = json_opt_str(c->man->server, "system_identifier", NULL), *have;
    json_t     *server = inventory_server(c->snap->conn, e);

    if (server == NULL)
        return err_wrap(e, "server");
    have = json_opt_str(server, "system_identifier", NULL);
    *elsewhere = want != NULL && have != NULL && strcmp(want, have) != 0;
    json_decref(server);
    return 0;
}

static void
add_plain(struct compare *c, enum finding_class class, const char *group, const char *what)
{
    add(c, NULL, group, (struct finding){.class = class, .group = group, .what = what});
}

/* Compares one JSON section of the manifest with the same section of today. */
static int
compare_section(struct compare *c, const char *section, const char *group,
                struct inventory_pair pair, json_t *(*read)(struct compare *, struct err *),
                struct err           *e)
{
    json_t *have;

    if (pair.want == NULL) {
        add_plain(c, FINDING_UNCOMPARED, group, "not in the manifest");
        return 0;
    }
    if ((have = read(c, e)) == NULL)
        return err_wrap(e, "%s", group);
    pair.have = have;
    sentences_find(&c->result->findings, section, group, &pair);
    json_decref(have);
    return 0;
}

/* Roles, tablespaces and privileges on parameters are the cluster's, and a throw-away server has
 * none of its own: a drill reports that it does not compare them (result.c). */
static void
compare_globals(struct compare *c, struct inventory_pair pair)
{
    const struct snapshot *s = c->snap;

    if (c->is_copy || c->estimates)
        return;
    if (!c->label->globals) {
        add_plain(c, FINDING_NOTE, "globals",
                  "not in the backup: the server did not let them be "
                  "read");
        return;
    }
    if (!s->globals) {
        add_plain(c, FINDING_UNCOMPARED, "globals", "the role may not read them");
        return;
    }
    if (c->label->passwords && !s->passwords)
        add_plain(c, FINDING_UNCOMPARED, "globals", "passwords: the role may not read pg_authid");
    c->result->compared.roles = json_array_size(json_object_get(c->man->globals, "roles"));
    pair.want = c->man->globals;
    pair.have = s->globals_data;
    sentences_find(&c->result->findings, "globals", "globals", &pair);
}

/* pg_dump leaves extensions and the database's own properties out when tables or schemas are
 * selected, not when some are excluded. */
bool
holds_database(const struct manifest *man)
{
    return !selects(man, "tables") && !selects(man, "schemas") && !selects(man, "data_only");
}

static int
compare_sections(struct compare *c, struct err *e)
{
    struct inventory_pair pair = {.want_major = c->label->server_version_num / 10000,
                                  .have_major = pg_version(c->snap->conn) / 10000,
                                  .without_tablespaces = c->is_copy};

    if (read_elsewhere(c, &pair.elsewhere, e) != 0)
        return -1;
    compare_globals(c, pair);
    pair.want = c->man->extensions;
    if (compare_section(c, "extensions", "extensions", pair, read_extensions, e) != 0)
        return -1;
    pair.want = c->man->database;
    if (compare_section(c, "database", "database", pair, read_database, e) != 0)
        return -1;
    if (c->estimates)
        return 0;
    pair.want = c->man->inventory;
    return compare_section(c, "omitted", "beyond pg_dump", pair, read_omitted, e);
}

int
compare_facts(struct compare *c, struct err *e)
{
    if (compare_sequences(c, e) != 0)
        return -1;
    for (size_t i = 0; i < c->man->n_matviews; i++)
        compare_matview(c, &c->man->matviews[i]);
    c->result->xid = json_incref(c->man->xid);
    if (!holds_database(c->man)) {
        add(c, NULL, c->label->id,
            (struct finding){.class = FINDING_NOTE,
                             .group = "database",
                             .what = "holds a selection: extensions, properties of the database "
                                     "and globals are not compared"});
        return 0;
    }
    c->result->compared.extensions = json_array_size(c->man->extensions);
    return compare_sections(c, e);
}
