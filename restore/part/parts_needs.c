/*
 * parts_needs.c - the objects needed by the wanted part.
 *
 * Two rules, applied until nothing changes:
 *
 *   An included entry includes its dependencies, which pg_dump takes from the catalog, and its
 *   schema.  Calls within functions are in no catalog: every word in one that is the name of
 *   another, or of a type, counts as a call.  An operator class is not among the dependencies of a
 *   constraint: those of a type are included with the type, and an exclusion constraint includes
 *   all.
 *
 *   An entry that belongs to another (an index, a trigger, a comment, the sequence of a column)
 *   follows that one, unless a list says what is included (--use-list).  A foreign key is included
 *   only when both tables have their rows.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "restore/part/live.h"
#include "restore/part/partitions.h"
#include "restore/part/parts_impl.h"

const char *const parts_relations[] = {
    "TABLE", "FOREIGN TABLE", "VIEW", "MATERIALIZED VIEW", "SEQUENCE", NULL};

/* These follow all their dependencies; the second ones follow one of these. */
static const char *const about_all[] = {"ACL",
                                        "COMMENT",
                                        "SECURITY LABEL",
                                        "TABLE ATTACH",
                                        "INDEX ATTACH",
                                        "PUBLICATION TABLE",
                                        "PUBLICATION TABLES IN SCHEMA",
                                        NULL};
static const char *const about_one[] = {"DEFAULT",
                                        "CONSTRAINT",
                                        "CHECK CONSTRAINT",
                                        "FK CONSTRAINT",
                                        "INDEX",
                                        "RULE",
                                        "POLICY",
                                        "ROW SECURITY",
                                        "TRIGGER",
                                        "STATISTICS",
                                        "STATISTICS DATA",
                                        "SEQUENCE OWNED BY",
                                        "SEQUENCE SET",
                                        "TABLE DATA",
                                        "MATERIALIZED VIEW DATA",
                                        "SUBSCRIPTION TABLE",
                                        NULL};
static const char *const bearers[] = {"TABLE",    "FOREIGN TABLE", "VIEW", "MATERIALIZED VIEW",
                                      "SEQUENCE", "DOMAIN",        NULL};
static const char *const types[] = {"TYPE", "DOMAIN", "SHELL TYPE", NULL};
static const char *const of_types[] = {"OPERATOR CLASS", "CAST", NULL};
static const char *const operators[] = {"EXTENSION", "OPERATOR CLASS", "OPERATOR FAMILY",
                                        "ACCESS METHOD", NULL};
static const char *const callers[] = {"FUNCTION", "PROCEDURE", "AGGREGATE", NULL};
static const char *const called[] = {"FUNCTION", "PROCEDURE", "AGGREGATE", "TYPE", "DOMAIN", NULL};
static const char *const constraint[] = {"CONSTRAINT", NULL};
static const char *const foreign_key[] = {"FK CONSTRAINT", NULL};
static const char *const table[] = {"TABLE", NULL};
static const char *const sequence[] = {"SEQUENCE", NULL};
static const char *const owned_by[] = {"SEQUENCE OWNED BY", NULL};

static const char *const schema[] = {"SCHEMA", NULL};

/* Entries of some kinds by name: the tag up to a parenthesis. */
struct named {
    char  *name;
    size_t entry;
};
struct names {
    struct named *v;
    size_t        n;
};

struct closing {
    struct parts *p;
    size_t       *todo; /* entries whose dependencies have not been examined */
    size_t        n_todo, cap_todo;
    struct names  callees, schemas;
    bool          operators; /* all of them are included */
};

size_t
parts_index(const struct parts *p, int dump_id)
{
    const struct archive_entry *found = entry_ids_find(&p->ids, dump_id);

    return found == NULL ? SIZE_MAX : (size_t)(found - p->a->v);
}

static const struct archive_entry *
depends_on(const struct parts *p, const struct archive_entry *entry, size_t i, size_t *index)
{
    *index = parts_index(p, entry->depends[i]);
    return *index == SIZE_MAX ? NULL : &p->a->v[*index];
}

/* How well other fits as the object of "orders orders_pkey": its name comes first. */
static size_t
fits(const struct archive_entry *entry, const struct archive_entry *other)
{
    size_t n = strlen(other->tag);
    bool   same = entry->schema != NULL && other->schema != NULL &&
        strcmp(entry->schema, other->schema) == 0;

    return same && strncmp(entry->tag, other->tag, n) == 0 &&
            (entry->tag[n] == '\0' || entry->tag[n] == ' ')
        ? n + 1
        : 0;
}

/* The object of an index, a trigger …: SIZE_MAX when it is unknown. */
static size_t
bearer_of(const struct parts *p, const struct archive_entry *entry)
{
    size_t best = SIZE_MAX, best_fit = 0, other;

    for (size_t i = 0; i < entry->n_depends; i++) {
        const struct archive_entry *on = depends_on(p, entry, i, &other);

        if (on != NULL && entry_is(on, bearers) &&
            (best == SIZE_MAX || fits(entry, on) > best_fit)) {
            best = other;
            best_fit = fits(entry, on);
        }
    }
    return best;
}

/* The table that a sequence belongs to. */
static size_t
table_of_sequence(const struct parts *p, const struct archive_entry *entry)
{
    size_t other;

    for (size_t i = 0; i < entry->n_depends; i++) {
        const struct archive_entry *on = depends_on(p, entry, i, &other);

        if (on != NULL && entry_is(on, table)) {
            return other;
        }
    }
    return SIZE_MAX;
}

/* The weakest state among the entry's dependencies; *any: there are some. */
static enum part
least(const struct parts *p, const struct archive_entry *entry, bool *any)
{
    enum part all = PART_WANTED;
    size_t    other;

    *any = false;
    for (size_t i = 0; i < entry->n_depends; i++) {
        if (depends_on(p, entry, i, &other) != NULL) {
            *any = true;
            all = p->of[other] < all ? p->of[other] : all;
        }
    }
    return *any ? all : PART_NONE;
}

bool
parts_follows(const struct parts *p, size_t i)
{
    const struct archive_entry *entry = &p->a->v[i];
    bool                        any;

    if (entry_is(entry, about_all)) {
        (void)least(p, entry, &any);
        return any;
    }
    return (entry_is(entry, about_one) && bearer_of(p, entry) != SIZE_MAX) ||
        (entry_is(entry, sequence) && table_of_sequence(p, entry) != SIZE_MAX);
}

/* A wanted table's key refers to rows, so the other table must have its own. */
static enum part
foreign_key_follows(const struct parts *p, const struct archive_entry *entry, size_t on)
{
    enum part state = p->of[on];
    size_t    other;

    for (size_t i = 0; i < entry->n_depends; i++) {
        const struct archive_entry *to = depends_on(p, entry, i, &other);

        if (to != NULL && entry_is(to, table) && p->of[other] < state) {
            return PART_NONE;
        }
    }
    return state;
}

/* --put-back: the other table is in the live database. */
static enum part
foreign_key_comes_back(const struct parts *p, const struct archive_entry *entry)
{
    size_t other;

    for (size_t i = 0; i < entry->n_depends; i++) {
        if (depends_on(p, entry, i, &other) != NULL && p->of[other] == PART_WANTED) {
            return PART_WANTED;
        }
    }
    return PART_NONE;
}

/* A sequence's own entry may be included without the table of its column. */
static enum part
owned_by_follows(const struct parts *p, size_t on)
{
    size_t its = table_of_sequence(p, &p->a->v[on]);

    return its != SIZE_MAX && p->of[its] == PART_NONE ? PART_NONE : p->of[on];
}

static bool
schema_is_used(const struct parts *p, const char *name)
{
    for (size_t i = 0; i < p->a->n; i++) {
        if (p->of[i] != PART_NONE && p->a->v[i].schema != NULL &&
            strcmp(p->a->v[i].schema, name) == 0) {
            return true;
        }
    }
    return false;
}

static enum part
type_follows(const struct parts *p, const struct archive_entry *entry)
{
    size_t other;

    for (size_t i = 0; i < entry->n_depends; i++) {
        const struct archive_entry *on = depends_on(p, entry, i, &other);

        if (on != NULL && entry_is(on, types) && p->of[other] != PART_NONE) {
            return PART_NEEDED;
        }
    }
    return PART_NONE;
}

static enum part
follows(const struct parts *p, const struct archive_entry *entry)
{
    static const char of_schema[] = "SCHEMA ";
    bool              any;
    enum part         state;
    size_t            on;

    if (entry_is(entry, about_all)) {
        state = least(p, entry, &any);
        /* Schema public has no entry of its own. */
        return !any && strncmp(entry->tag, of_schema, sizeof of_schema - 1) == 0 &&
                schema_is_used(p, entry->tag + sizeof of_schema - 1)
            ? PART_NEEDED
            : state;
    }
    if (entry_is(entry, of_types)) {
        return type_follows(p, entry);
    }
    if (entry_is(entry, sequence)) {
        on = table_of_sequence(p, entry);
        return on == SIZE_MAX ? PART_NONE : p->of[on];
    }
    if (!entry_is(entry, about_one) || (on = bearer_of(p, entry)) == SIZE_MAX) {
        return PART_NONE;
    }
    if (entry_is(entry, foreign_key)) {
        return p->r->o->put_back ? foreign_key_comes_back(p, entry)
                                 : foreign_key_follows(p, entry, on);
    }
    return entry_is(entry, owned_by) ? owned_by_follows(p, on) : p->of[on];
}

static void
raise_to(struct closing *c, size_t entry, enum part state)
{
    if (state > c->p->of[entry]) {
        if (c->p->of[entry] == PART_NONE) {
            VEC_GROW(c->todo, c->n_todo, c->cap_todo);
            c->todo[c->n_todo++] = entry;
        }
        c->p->of[entry] = state;
    }
}

static int
by_name(const void *a, const void *b)
{
    return strcmp(((const struct named *)a)->name, ((const struct named *)b)->name);
}

static struct names
names_of(const struct archive *a, const char *const *kinds)
{
    struct names l = {.v = xcalloc(a->n + 1, sizeof *l.v)};

    for (size_t i = 0; i < a->n; i++) {
        if (entry_is(&a->v[i], kinds)) {
            size_t n = kinds == schema ? strlen(a->v[i].tag) : strcspn(a->v[i].tag, "(");

            l.v[l.n++] = (struct named){.name = xstrndup(a->v[i].tag, n), .entry = i};
        }
    }
    qsort(l.v, l.n, sizeof *l.v, by_name);
    return l;
}

static void
names_free(struct names *l)
{
    for (size_t i = 0; i < l->n; i++) {
        free(l->v[i].name);
    }
    free(l->v);
}

static void
raise_named(struct closing *c, const struct names *l, const char *name)
{
    size_t lo = 0, hi = l->n;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;

        if (strcmp(l->v[mid].name, name) < 0) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    for (; lo < l->n && strcmp(l->v[lo].name, name) == 0; lo++) {
        raise_to(c, l->v[lo].entry, PART_NEEDED);
    }
}

static bool
in_word(char ch)
{
    return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9') ||
        ch == '_' || ch == '$' || (unsigned char)ch >= 0x80;
}

static void
raise_callees(struct closing *c, const char *sql)
{
    while (*sql != '\0') {
        size_t n = 0;

        while (in_word(sql[n])) {
            n++;
        }
        if (n > 0) {
            char *word = xstrndup(sql, n);

            raise_named(c, &c->callees, word);
            free(word);
        }
        sql += n > 0 ? n : 1;
    }
}

static void
raise_operators(struct closing *c)
{
    for (size_t i = 0; !c->operators && i < c->p->a->n; i++) {
        if (entry_is(&c->p->a->v[i], operators)) {
            raise_to(c, i, PART_NEEDED);
        }
    }
    c->operators = true;
}

/* Includes everything that an included entry requires. */
static void
raise_needs(struct closing *c, size_t i)
{
    const struct archive_entry *entry = &c->p->a->v[i];
    size_t                      other;

    if (c->p->r->o->put_back && entry_is(entry, foreign_key)) {
        return;
    }
    for (size_t k = 0; k < entry->n_depends; k++) {
        const struct archive_entry *on = depends_on(c->p, entry, k, &other);

        /* A sequence can exist without the table whose column owns it. */
        if (on != NULL && !(c->p->owned[i] && entry_is(on, table))) {
            raise_to(c, other, PART_NEEDED);
        }
    }
    if (entry->schema != NULL) {
        raise_named(c, &c->schemas, entry->schema);
    }
    if (entry_is(entry, callers)) {
        raise_callees(c, entry->sql);
    }
    if (entry_is(entry, constraint) && entry_has_words(entry, "EXCLUDE")) {
        raise_operators(c);
    }
}

/* A list may keep a foreign key, and the rows of one of its tables only. */
static void
leave_out_keys(struct parts *p)
{
    for (size_t i = 0; p->listed && i < p->a->n; i++) {
        size_t on = entry_is(&p->a->v[i], foreign_key) ? bearer_of(p, &p->a->v[i]) : SIZE_MAX;

        if (on != SIZE_MAX && p->of[i] != PART_NONE) {
            p->of[i] = p->of[on] == PART_WANTED ? foreign_key_follows(p, &p->a->v[i], on)
                                                : PART_NONE;
        }
    }
}

/* A foreign key of a wanted table that does not come along. */
static bool
is_left_out(const struct parts *p, size_t i, size_t *on)
{
    const struct archive_entry *entry = &p->a->v[i];

    return entry_is(entry, foreign_key) && p->of[i] == PART_NONE &&
        (*on = bearer_of(p, entry)) != SIZE_MAX && p->of[*on] == PART_WANTED;
}

static size_t
root_of(const size_t *parents, size_t i)
{
    while (parents[i] != SIZE_MAX) {
        i = parents[i];
    }
    return i;
}

/* Each partition may have keys of its own: one line for those of all partitions of a table. */
static void
warn_left_out(struct parts *p)
{
    size_t *parents = partitions_parents(p->a, &p->ids);
    size_t *keys = xcalloc(p->a->n + 1, sizeof *keys); /* by root: how many of its partitions */
    size_t  on;

    for (size_t i = 0; i < p->a->n; i++) {
        if (is_left_out(p, i, &on) && parents[on] != SIZE_MAX) {
            keys[root_of(parents, on)]++;
        }
    }
    for (size_t i = 0; i < p->a->n; i++) {
        const struct archive_entry *entry = &p->a->v[i], *of;
        size_t                      n;

        if (!is_left_out(p, i, &on)) {
            continue;
        }
        n = parents[on] == SIZE_MAX ? 1 : keys[root_of(parents, on)];
        of = &p->a->v[root_of(parents, on)];
        if (n == 1) {
            restore_warn(p->r,
                         xasprintf("foreign key %s.%s is left out: it refers to a table whose "
                                   "rows are not restored",
                                   entry->schema, entry->tag));
        } else if (n > 1) {
            restore_warn(p->r,
                         xasprintf("%zu foreign keys of partitions of %s.%s are left out "
                                   "(%s.%s, ...): they refer to tables whose rows are not "
                                   "restored",
                                   n, of->schema, of->tag, entry->schema, entry->tag));
            keys[root_of(parents, on)] = 0; /* said */
        }
    }
    free(keys);
    free(parents);
}

void
parts_close(struct parts *p)
{
    struct closing c = {
        .p = p, .callees = names_of(p->a, called), .schemas = names_of(p->a, schema)};
    bool more = true;

    for (size_t i = 0; i < p->a->n; i++) {
        size_t on = entry_is(&p->a->v[i], owned_by) ? bearer_of(p, &p->a->v[i]) : SIZE_MAX;

        if (on != SIZE_MAX) {
            p->owned[on] = true;
        }
        if (p->of[i] != PART_NONE) {
            VEC_GROW(c.todo, c.n_todo, c.cap_todo);
            c.todo[c.n_todo++] = i;
        }
    }
    while (more) {
        more = false;
        while (c.n_todo > 0) {
            raise_needs(&c, c.todo[--c.n_todo]);
        }
        for (size_t i = 0; !p->listed && i < p->a->n; i++) {
            enum part was = p->of[i];

            raise_to(&c, i, follows(p, &p->a->v[i]));
            more = more || p->of[i] != was;
        }
    }
    leave_out_keys(p);
    if (!live_asked(p->r->o)) {
        warn_left_out(p);
    }
    names_free(&c.callees);
    names_free(&c.schemas);
    free(c.todo);
}
