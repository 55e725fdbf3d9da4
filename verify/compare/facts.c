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

static void
compare_sequence(struct compare *c, const struct manifest_sequence *want,
                 const struct sequence_state *have)
{
    char want_text[48], have_text[48];

    c->result->compared.sequences++;
    if (have == NULL) {
        add(c, want->schema, want->name, (struct finding){.group = "sequences", .what = "missing"});
        return;
    }
    if (have->last_value == want->last_value && have->is_called == want->is_called)
        return;
    snprintf(want_text, sizeof want_text, "%" PRId64 "%s", want->last_value,
             want->is_called ? "" : " (not called)");
    snprintf(have_text, sizeof have_text, "%" PRId64 "%s", have->last_value,
             have->is_called ? "" : " (not called)");
    add(c, want->schema, want->name,
        (struct finding){
            .group = "sequences", .what = "last value", .want = want_text, .have = have_text});
}

static void
compare_sequences(struct compare *c)
{
    struct snapshot *s = c->snap;
    bool            *known = xcalloc(s->n_sequences + 1, sizeof *known);
    bool             knows_all = holds_every_definition(c->man) && !selects(c->man, "schema_only");

    if (s->n_sequences > 0)
        qsort(s->sequences, s->n_sequences, sizeof *s->sequences, sequence_order);
    for (size_t i = 0; i < c->man->n_sequences; i++) {
        const struct manifest_sequence *want = &c->man->sequences[i];
        struct sequence_state key = {.schema = want->schema, .name = want->name}, *have = NULL;

        if (s->n_sequences > 0)
            have = bsearch(&key, s->sequences, s->n_sequences, sizeof *s->sequences,
                           sequence_order);
        if (have != NULL)
            known[have - s->sequences] = true;
        compare_sequence(c, want, have);
    }
    for (size_t i = 0; i < s->n_sequences && knows_all; i++)
        if (!known[i])
            add(c, s->sequences[i].schema, s->sequences[i].name,
                (struct finding){.group = "sequences", .what = "not in the backup"});
    free(known);
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

/* A sentence of inventory_compare() as a finding: "extension hstore: version 1.8, was 1.7",
 * "index a is missing". */
static void
add_sentence(struct compare *c, const char *group, enum finding_class class, const char *sentence)
{
    static const char *const endings[][2] = {{" is missing", "missing"},
                                             {" was not there", "not in the backup"}};
    const char *colon = strstr(sentence, ": "), *what = colon == NULL ? "differs" : colon + 2;
    size_t      length = colon == NULL ? strlen(sentence) : (size_t)(colon - sentence);
    char       *object, *member, *fold; /* all members of an extension may change */

    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        size_t n = strlen(endings[i][0]), all = strlen(sentence);

        if (all > n && strcmp(sentence + all - n, endings[i][0]) == 0) {
            length = all - n;
            what = endings[i][1];
        }
    }
    object = xstrndup(sentence, length);
    member = strstr(object, " of extension ");
    fold = member == NULL ? NULL : xasprintf("%s: %s", member + 1, what);
    add(c, NULL, object,
        (struct finding){.class = class, .group = group, .what = what, .fold = fold});
    free(object);
    free(fold);
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
add_sentences(struct compare *c, const char *section, const char *group,
              const struct inventory_pair *pair)
{
    struct strlist differences = {0}, notes = {0};

    inventory_compare(section, pair, &differences, &notes);
    for (size_t i = 0; i < differences.n; i++)
        add_sentence(c, group, FINDING_DIFFERENT, differences.v[i]);
    for (size_t i = 0; i < notes.n; i++)
        add_sentence(c, group, FINDING_NOTE, notes.v[i]);
    strlist_free(&differences);
    strlist_free(&notes);
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
    add_sentences(c, section, group, &pair);
    json_decref(have);
    return 0;
}

/* Roles, tablespaces and privileges on parameters are the cluster's, and a throw-away server has
 * none of its own: a drill reports that it does not compare them (result.c). */
static void
compare_globals(struct compare *c, struct inventory_pair pair)
{
    const struct snapshot *s = c->snap;

    if (c->is_copy)
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
    add_sentences(c, "globals", "globals", &pair);
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
    pair.want = c->man->inventory;
    return compare_section(c, "omitted", "beyond pg_dump", pair, read_omitted, e);
}

int
compare_facts(struct compare *c, struct err *e)
{
    compare_sequences(c);
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
