/*
 * inventory_compare.c - differences between two inventories, as sentences.
 *
 * A table of rules says what is compared; all that is not in it may legitimately differ: server,
 * snapshot and XID ages altogether (a restore lives on another server, and has new XIDs), sizes,
 * OIDs, the database's name, tablespaces, versions of collations, what only describes the moment
 * (slots, prepared transactions, whether a subscription runs).
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

static const char *const database_keys[] = {"owner",    "encoding", "collate",   "ctype",
                                            "provider", "locale",   "icu_rules", "connection_limit",
                                            "comment",  "acl",      NULL};

/* A value for people.  Allocated. */
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
compare_keys(const char *name, const json_t *want, const json_t *have, const char *const *keys,
             struct strlist *out)
{
    for (; *keys != NULL; keys++) {
        char *was, *is;

        if (same(want, have, *keys)) {
            continue;
        }
        if (strcmp(*keys, "digest") == 0) {
            strlist_take(out, xasprintf("%s: its definition differs", name));
            continue;
        }
        was = shown(json_object_get(want, *keys));
        is = shown(json_object_get(have, *keys));
        strlist_take(out, xasprintf("%s: %s %s, was %s", name, *keys, is, was));
        free(was);
        free(is);
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

/* The elements by identity, so that 10,000 members of extensions are compared in one pass. */
static json_t *
by_identity(const struct list_rule *rule, const json_t *list)
{
    json_t *index = json_object();
    size_t  i;
    json_t *element;

    json_array_foreach (list, i, element) {
        json_t *key = json_array();
        char   *text;

        for (int k = 0; k < 3 && rule->identity[k] != NULL; k++) {
            json_t *part = json_object_get(element, rule->identity[k]);

            json_array_append_new(key, part != NULL ? json_incref(part) : json_null());
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

static void
compare_lists(const struct list_rule *rule, const json_t *want, const json_t *have,
              struct strlist *out)
{
    json_t     *old = by_identity(rule, want), *new = by_identity(rule, have);
    json_t     *old_versions = versions_of(want), *new_versions = versions_of(have);
    const char *key;
    json_t     *element;

    json_object_foreach (old, key, element) {
        const json_t *now = json_object_get(new, key);
        char         *name = name_of(rule, element);

        if (now != NULL && counts(element, new_versions)) {
            compare_keys(name, element, now, rule->compared, out);
        } else if (now == NULL && counts(element, new_versions)) {
            strlist_take(out, xasprintf("%s is missing", name));
        }
        free(name);
    }
    json_object_foreach (new, key, element) {
        if (json_object_get(old, key) == NULL && counts(element, old_versions)) {
            char *name = name_of(rule, element);

            strlist_take(out, xasprintf("%s was not there", name));
            free(name);
        }
    }
    json_decref(old);
    json_decref(new);
    json_decref(old_versions);
    json_decref(new_versions);
}

void
inventory_compare(const char *what, const json_t *want, const json_t *have, struct strlist *out)
{
    if (want == NULL || have == NULL) {
        return;
    }
    if (strcmp(what, "database") == 0) {
        compare_keys("database", want, have, database_keys, out);
    }
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        const struct list_rule *rule = &lists[i];

        if (strcmp(rule->what, what) == 0) {
            compare_lists(rule, rule->key != NULL ? json_object_get(want, rule->key) : want,
                          rule->key != NULL ? json_object_get(have, rule->key) : have, out);
        }
    }
}
