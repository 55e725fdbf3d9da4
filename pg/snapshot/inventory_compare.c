/*
 * inventory_compare.c - differences between two inventories, as sentences.
 *
 * A table of rules says what is compared; all that is not in it may legitimately differ: server,
 * snapshot and XID ages altogether (a restore lives on another server, and has new XIDs), sizes,
 * OIDs, the database's name, tablespaces, versions of collations, what only describes the moment
 * (slots, prepared transactions, whether a subscription runs).  Between servers of two major
 * versions an extension's version is the server's: that is a note.
 */
#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "pg/snapshot/inventory.h"

enum { KEYS = 8 };

/* A list of objects: which keys tell an element from the others, which are compared. */
struct list_rule {
    const char *what, *key; /* key NULL: the section is the list */
    const char *prefix;
    const char *noun; /* NULL: the element's "kind" */
    const char *identity[3];
    const char *compared[KEYS];
};

static const struct list_rule lists[] = {
    {"extensions", NULL, "", "extension", {"name"}, {"version", "schema", "owner"}},
    {"database", "settings", "", "database setting", {"role", "name"}, {"value"}},
    {"database", "labels", "", "security label of the database by", {"provider"}, {"label"}},
    {"omitted", "members", "", NULL, {"extension", "kind", "name"}, {"owner", "comment", "digest"}},
    {"omitted", "system_schema_objects", "", NULL, {"kind", "name"}, {"digest"}},
    {"omitted",
     "changed_builtins",
     "change of built-in ",
     NULL,
     {"kind", "name"},
     {"owner", "digest"}},
    {"omitted", "builtin_comments", "comment on built-in ", NULL, {"kind", "name"}, {"comment"}},
    {"omitted", "subscriptions", "", "subscription", {"name"}, {"owner", "publications"}},
    {"omitted", "invalid_indexes", "", "invalid index", {"schema", "name"}, {"definition"}},
    {"omitted",
     "disabled_constraints",
     "",
     "disabled enforcement of constraint",
     {"schema", "name"},
     {"state"}},
    {"omitted",
     "access_methods",
     "",
     "access method of its own of table",
     {"schema", "name"},
     {"method"}},
};

/* Where the sentences go, and whose sections they are about. */
struct comparison {
    const struct inventory_pair *pair;
    struct strlist              *differences, *notes;
};

static bool
other_major(const struct comparison *c)
{
    return c->pair->want_major != c->pair->have_major;
}

static const char *const database_keys[] = {"owner",    "encoding", "collate",   "ctype",
                                            "provider", "locale",   "icu_rules", "connection_limit",
                                            "comment",  "acl",      NULL};

/* A value for messages.  Allocated. */
static char *
shown(const json_t *v)
{
    char *text;

    if (v == NULL || json_is_null(v)) {
        return xstrdup("not set");
    }
    if (json_is_string(v)) {
        return json_string_value(v)[0] != '\0' ? xstrdup(json_string_value(v)) : xstrdup("\"\"");
    }
    if (json_is_array(v)) {
        struct buf b = BUF_INIT(BUF_NO_LIMIT);
        struct err never = ERR_INIT;

        for (size_t i = 0; i < json_array_size(v); i++) {
            char *one = shown(json_array_get(v, i));

            (void)buf_printf(&b, &never, "%s%s", i > 0 ? ", " : "", one);
            free(one);
        }
        text = xstrdup(b.len > 0 ? buf_str(&b) : "empty");
        buf_free(&b);
        return text;
    }
    text = json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT);
    return text != NULL ? text : xstrdup("?");
}

static bool
same(const json_t *want, const json_t *have, const char *key)
{
    const json_t *a = json_object_get(want, key), *b = json_object_get(have, key);

    /* The role that initdb made has another name on another server. */
    if (strcmp(key, "owner") == 0 && json_opt_bool(want, "owner_is_bootstrap", false) &&
        json_opt_bool(have, "owner_is_bootstrap", false)) {
        return true;
    }
    if ((a == NULL || json_is_null(a)) && (b == NULL || json_is_null(b))) {
        return true;
    }
    return a != NULL && b != NULL && json_equal(a, b);
}

static void
compare_key(const struct comparison *c, const char *name, const char *key, const json_t *want,
            const json_t *have)
{
    char *was, *is;

    if (strcmp(key, "digest") == 0) {
        strlist_take(c->differences, xasprintf("%s: its definition differs", name));
        return;
    }
    was = shown(json_object_get(want, key));
    is = shown(json_object_get(have, key));
    if (strcmp(key, "version") == 0 && other_major(c)) {
        strlist_take(c->notes,
                     xasprintf("%s: version %s, was %s: PostgreSQL %d brings it, %d had the other; "
                               "its members are not compared",
                               name, is, was, c->pair->have_major, c->pair->want_major));
    } else {
        strlist_take(c->differences, xasprintf("%s: %s %s, was %s", name, key, is, was));
    }
    free(was);
    free(is);
}

static void
compare_keys(const struct comparison *c, const char *name, const json_t *want, const json_t *have,
             const char *const *keys)
{
    for (; *keys != NULL; keys++) {
        if (!same(want, have, *keys)) {
            compare_key(c, name, *keys, want, have);
        }
    }
}

/* "function public.f(integer) of extension hstore", "database setting work_mem of role app",
 * "invalid index s.i".  Allocated. */
static char *
name_of(const struct list_rule *rule, const json_t *element)
{
    const char *own = rule->identity[0], *link = "";
    char *noun = rule->noun != NULL ? xstrdup(rule->noun) : shown(json_object_get(element, "kind"));
    char *name = shown(json_object_get(element, strcmp(own, "provider") == 0 ? own : "name"));
    char *more = NULL, *text;

    if (strcmp(own, "role") == 0 && !json_is_null(json_object_get(element, own))) {
        link = " of role ";
    } else if (strcmp(own, "schema") == 0) {
        link = " in schema ";
    } else if (strcmp(own, "extension") == 0) {
        link = " of extension ";
    }
    more = link[0] != '\0' ? shown(json_object_get(element, own)) : xstrdup("");
    text = xasprintf("%s%s %s%s%s", rule->prefix, noun, name, link, more);
    free(noun);
    free(name);
    free(more);
    return text;
}

/* 17 and older say "cast (hstore AS pg_catalog.json)", newer ones "cast (hstore AS json)". */
static json_t *
without_system_schema(json_t *text)
{
    static const char schema[] = "pg_catalog.";
    char             *s = xstrdup(json_string_value(text));
    json_t           *out;

    for (char *at = s; (at = strstr(at, schema)) != NULL;) {
        memmove(at, at + sizeof schema - 1, strlen(at + sizeof schema - 1) + 1);
    }
    out = json_string(s);
    free(s);
    return out;
}

/* The elements by identity, so that 10,000 members of extensions are compared in one pass. loosely:
 * as servers of different versions write it. */
static json_t *
by_identity(const struct list_rule *rule, const json_t *list, bool loosely)
{
    json_t *index = json_object();
    size_t  i;
    json_t *element;

    json_array_foreach (list, i, element) {
        json_t *key = json_array();
        char   *text;

        for (int k = 0; k < 3 && rule->identity[k] != NULL; k++) {
            json_t *part = json_object_get(element, rule->identity[k]);

            json_array_append_new(key,
                                  part == NULL ? json_null()
                                      : loosely && json_is_string(part)
                                      ? without_system_schema(part)
                                      : json_incref(part));
        }
        text = json_dumps(key, JSON_COMPACT);
        json_object_set(index, text != NULL ? text : "", element);
        free(text);
        json_decref(key);
    }
    return index;
}

/* Extension to version, for a list of members; empty for other lists. */
static json_t *
versions_of(const json_t *list)
{
    json_t *versions = json_object();
    size_t  i;
    json_t *element;

    json_array_foreach (list, i, element) {
        const char *extension = json_opt_str(element, "extension", NULL);

        if (extension != NULL) {
            json_object_set(versions, extension, json_object_get(element, "version"));
        }
    }
    return versions;
}

/* Members of an extension that is missing, or has another version, differ by nature: one
 * sentence of the section "extensions" has said it already. */
static bool
counts(const json_t *element, const json_t *versions_there)
{
    const char *extension = json_opt_str(element, "extension", NULL);
    json_t     *there;

    if (extension == NULL) {
        return true;
    }
    there = json_object_get(versions_there, extension);
    return there != NULL && json_equal(there, json_object_get(element, "version"));
}

/* Found only here.  A GRANT on a built-in function leaves a new row, and comes with the schema. */
static void
found_only_here(const struct comparison *c, const struct list_rule *rule, const json_t *element)
{
    char *name = name_of(rule, element);

    if (json_opt_bool(element, "granted", false)) {
        strlist_take(c->notes,
                     xasprintf("%s: touched after the backup, by a GRANT as it seems", name));
    } else {
        strlist_take(c->differences, xasprintf("%s was not there", name));
    }
    free(name);
}

static void
compare_lists(const struct comparison *c, const struct list_rule *rule, const json_t *want,
              const json_t *have)
{
    bool        loosely = other_major(c);
    json_t     *old = by_identity(rule, want, loosely), *new = by_identity(rule, have, loosely);
    json_t     *old_versions = versions_of(want), *new_versions = versions_of(have);
    const char *key;
    json_t     *element;

    json_object_foreach (old, key, element) {
        const json_t *now = json_object_get(new, key);
        char         *name = name_of(rule, element);

        if (now != NULL && counts(element, new_versions)) {
            compare_keys(c, name, element, now, rule->compared);
        } else if (now == NULL && counts(element, new_versions)) {
            strlist_take(c->differences, xasprintf("%s is missing", name));
        }
        free(name);
    }
    json_object_foreach (new, key, element) {
        if (json_object_get(old, key) == NULL && counts(element, old_versions)) {
            found_only_here(c, rule, element);
        }
    }
    json_decref(old);
    json_decref(new);
    json_decref(old_versions);
    json_decref(new_versions);
}

void
inventory_compare(const char *what, const struct inventory_pair *p, struct strlist *differences,
                  struct strlist *notes)
{
    struct comparison c = {.pair = p, .differences = differences, .notes = notes};

    if (p->want == NULL || p->have == NULL) {
        return;
    }
    if (strcmp(what, "database") == 0) {
        compare_keys(&c, "database", p->want, p->have, database_keys);
    }
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        const struct list_rule *rule = &lists[i];

        if (strcmp(rule->what, what) == 0) {
            compare_lists(&c, rule,
                          rule->key != NULL ? json_object_get(p->want, rule->key) : p->want,
                          rule->key != NULL ? json_object_get(p->have, rule->key) : p->have);
        }
    }
}
