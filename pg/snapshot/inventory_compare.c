/*
 * inventory_compare.c - differences between two inventories, as sentences.
 *
 * The compared properties are tables: inventory_rules.c.
 */
#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "pg/snapshot/inventory.h"
#include "pg/snapshot/inventory_rules.h"

/* The destination of the sentences, and the sections that they are about. */
struct comparison {
    const struct inventory_pair *pair;
    struct strlist              *differences, *notes;
};

static bool
other_major(const struct comparison *c)
{
    return c->pair->want_major != c->pair->have_major;
}

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
    /* An older backup, or an older server, has no such key. */
    return a == NULL || b == NULL || json_equal(a, b);
}

static void
compare_key(const struct comparison *c, struct strlist *to, const char *name, const char *key,
            const json_t *want, const json_t *have)
{
    char *was, *is;

    if (strcmp(key, "digest") == 0) {
        strlist_take(to, xasprintf("%s: its definition differs", name));
        return;
    }
    if (strcmp(key, "password_sha256") == 0) { /* not visible */
        strlist_take(to, xasprintf("%s: another password", name));
        return;
    }
    was = shown(json_object_get(want, key));
    is = shown(json_object_get(have, key));
    if (strcmp(key, "version") == 0 && other_major(c) && json_opt_bool(have, "is_default", true)) {
        strlist_take(c->notes,
                     xasprintf("%s: version %s, was %s: PostgreSQL %d brings it, %d had the other; "
                               "its members are not compared",
                               name, is, was, c->pair->have_major, c->pair->want_major));
    } else {
        strlist_take(to, xasprintf("%s: %s %s, was %s", name, key, is, was));
    }
    free(was);
    free(is);
}

static void
compare_keys(const struct comparison *c, struct strlist *to, const char *name, const json_t *want,
             const json_t *have, const char *const *keys)
{
    for (; *keys != NULL; keys++) {
        if (!same(want, have, *keys)) {
            compare_key(c, to, name, *keys, want, have);
        }
    }
}

/* "membership of app in readers, granted by postgres".  Allocated. */
static char *
name_of_membership(const json_t *element)
{
    char *member = shown(json_object_get(element, "member")),
         *role = shown(json_object_get(element, "role")),
         *grantor = shown(json_object_get(element, "grantor"));
    char *text = xasprintf("membership of %s in %s, granted by %s", member, role, grantor);

    free(member);
    free(role);
    free(grantor);
    return text;
}

/* "function public.f(integer) of extension hstore", "database setting work_mem of role app",
 * "invalid index s.i".  Allocated. */
static char *
name_of(const struct inventory_rule *rule, const json_t *element)
{
    const char *own = rule->identity[0], *link = "";
    char       *noun, *name, *more, *text;

    if (strcmp(own, "member") == 0) {
        return name_of_membership(element);
    }
    noun = rule->noun != NULL ? xstrdup(rule->noun) : shown(json_object_get(element, "kind"));
    name = shown(json_object_get(element, strcmp(own, "provider") == 0 ? own : "name"));
    if (strcmp(own, "role") == 0 && !json_is_null(json_object_get(element, own))) {
        link = " of role ";
    } else if (strcmp(own, "schema") == 0) {
        link = " in schema ";
    } else if (strcmp(own, "extension") == 0 && !json_is_null(json_object_get(element, own))) {
        link = " of extension ";
    }
    more = link[0] != '\0' ? shown(json_object_get(element, own)) : xstrdup("");
    text = xasprintf("%s%s %s%s%s", rule->prefix != NULL ? rule->prefix : "", noun, name, link,
                     more);
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

/* The elements by identity, so that 10,000 members of extensions are compared in one pass.
 * loosely: ignoring differences of notation between server versions. */
static json_t *
by_identity(const struct inventory_rule *rule, const json_t *list, bool loosely)
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

/* Extension to version, of a list of members. */
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

/* Members of an extension that is missing, or has another version, always differ: one sentence of
 * the section "extensions" reports it. */
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

/* The list of sentences for an object that only one side has. */
static struct strlist *
one_sided(const struct comparison *c, const struct inventory_rule *rule)
{
    return c->pair->elsewhere && rule->elsewhere != ELSEWHERE_COUNTS ? c->notes : c->differences;
}

/* Found only here.  A GRANT on a built-in function leaves a new row, and is restored with the
 * schema. */
static void
found_only_here(const struct comparison *c, const struct inventory_rule *rule,
                const json_t *element)
{
    char *name = name_of(rule, element);

    if (json_opt_bool(element, "granted", false)) {
        strlist_take(c->notes,
                     xasprintf("%s: touched after the backup, by a GRANT as it seems", name));
    } else {
        strlist_take(one_sided(c, rule), xasprintf("%s was not there", name));
    }
    free(name);
}

/* ... that both have, but that differs. */
static struct strlist *
two_sided(const struct comparison *c, const struct inventory_rule *rule, const json_t *element)
{
    bool theirs = rule->elsewhere == ELSEWHERE_NOTE || json_opt_bool(element, "bootstrap", false);

    return c->pair->elsewhere && theirs ? c->notes : c->differences;
}

static bool
left_out(const struct comparison *c, const struct inventory_rule *rule)
{
    return (rule->same_major && other_major(c)) ||
        (c->pair->without_tablespaces && rule->key != NULL &&
         strcmp(rule->key, "object_tablespaces") == 0);
}

/* A list that one of the two lacks: from an older backup or server. */
static bool
both_have(const struct inventory_pair *p, const struct inventory_rule *rule)
{
    return rule->key == NULL ||
        (json_object_get(p->want, rule->key) != NULL &&
         json_object_get(p->have, rule->key) != NULL);
}

static void
compare_lists(const struct comparison *c, const struct inventory_rule *rule, const json_t *want,
              const json_t *have)
{
    bool    loosely = other_major(c);
    json_t *old = by_identity(rule, want, loosely), *new = by_identity(rule, have, loosely);
    json_t *old_versions = versions_of(json_object_get(c->pair->want, "members")),
           *new_versions = versions_of(json_object_get(c->pair->have, "members"));
    const char *key;
    json_t     *element;

    json_object_foreach (old, key, element) {
        const json_t *now = json_object_get(new, key);
        char         *name = name_of(rule, element);

        if (now != NULL && counts(element, new_versions)) {
            compare_keys(c, two_sided(c, rule, element), name, element, now, rule->compared);
        } else if (now == NULL && counts(element, new_versions)) {
            strlist_take(one_sided(c, rule), xasprintf("%s is missing", name));
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

/* Built-in objects that one of the two has removed, by name.  False: none, or it is not known. */
static bool
compare_deleted(const struct comparison *c)
{
    const json_t *list = json_object_get(c->pair->have, "deleted_builtins");
    const json_t *element;
    size_t        i;

    json_array_foreach (list, i, element) {
        char *kind = shown(json_object_get(element, "kind"));
        char *name = shown(json_object_get(element, "name"));

        strlist_take(
            c->differences,
            xasprintf("removal of %s %s %s", kind, name,
                      json_opt_bool(element, "here", false) ? "is missing" : "was not there"));
        free(kind);
        free(name);
    }
    return json_array_size(list) > 0;
}

void
inventory_compare(const char *what, const struct inventory_pair *p, struct strlist *differences,
                  struct strlist *notes)
{
    struct comparison c = {.pair = p, .differences = differences, .notes = notes};
    bool              named = false;

    if (p->want == NULL || p->have == NULL) {
        return;
    }
    if (strcmp(what, "database") == 0) {
        compare_keys(&c, differences, "database", p->want, p->have, inventory_database_keys);
        if (!p->without_tablespaces) {
            compare_keys(&c, p->elsewhere ? notes : differences, "database", p->want, p->have,
                         (const char *const[]){"tablespace", NULL});
        }
    }
    if (strcmp(what, "omitted") == 0 && !other_major(&c)) {
        named = compare_deleted(&c);
    }
    for (const struct inventory_rule *rule = inventory_rules; rule->what != NULL; rule++) {
        bool counted = named && rule->key != NULL && strcmp(rule->key, "builtin_counts") == 0;

        if (strcmp(rule->what, what) == 0 && both_have(p, rule) && !left_out(&c, rule) &&
            !counted) {
            compare_lists(&c, rule,
                          rule->key != NULL ? json_object_get(p->want, rule->key) : p->want,
                          rule->key != NULL ? json_object_get(p->have, rule->key) : p->have);
        }
    }
}
