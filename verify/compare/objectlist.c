#include "verify/compare/objectlist.h"

#include <stdlib.h>
#include <string.h>

static int
identity_order(const struct listed_object *a, const struct listed_object *b)
{
    int d = strcmp(a->kind, b->kind);

    if (d == 0)
        d = strcmp(a->schema, b->schema);
    return d != 0 ? d : strcmp(a->name, b->name);
}

static int
value_order(const struct listed_object *a, const struct listed_object *b)
{
    int d = strcmp(a->digest, b->digest);

    return d != 0 ? d : strcmp(a->owner, b->owner);
}

static int
full_order(const void *a, const void *b)
{
    int d = identity_order(a, b);

    return d != 0 ? d : value_order(a, b);
}

/* Entries that describe the dump or the database itself: those are compared as the database's
 * properties, whatever the copy's name. */
static bool
about_database(const char *kind, const char *name)
{
    static const char *const kinds[] = {"ENCODING", "STDSTRINGS", "SEARCHPATH", "DATABASE",
                                        "DATABASE PROPERTIES"};

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp(kind, kinds[i]) == 0)
            return true;
    return strncmp(name, "DATABASE ", 9) == 0 &&
        (strcmp(kind, "COMMENT") == 0 || strcmp(kind, "ACL") == 0 ||
         strcmp(kind, "SECURITY LABEL") == 0);
}

static struct listed_object *
add(struct objectlist *l)
{
    VEC_GROW(l->v, l->n, l->cap);
    l->v[l->n] = (struct listed_object){0};
    return &l->v[l->n++];
}

static const char *
or_empty(const char *s)
{
    return s == NULL ? "" : s;
}

static void
sort(struct objectlist *l)
{
    if (l->n > 0)
        qsort(l->v, l->n, sizeof *l->v, full_order);
}

void
objectlist_of_manifest(const struct manifest *man, struct objectlist *l)
{
    *l = (struct objectlist){0};
    for (size_t i = 0; i < man->n_objects; i++) {
        const struct manifest_object *m = &man->objects[i];
        struct listed_object         *o;

        if (about_database(m->kind, m->name))
            continue;
        o = add(l);
        o->kind = m->kind;
        o->schema = or_empty(m->schema);
        o->name = m->name;
        o->owner = or_empty(m->owner);
        memcpy(o->digest, m->digest, sizeof o->digest);
    }
    sort(l);
}

void
objectlist_of_archive(const struct archive *a, struct objectlist *l)
{
    *l = (struct objectlist){0};
    for (size_t i = 0; i < a->n; i++) {
        const struct archive_entry *entry = &a->v[i];
        struct listed_object       *o;

        if (about_database(entry->desc, entry->tag))
            continue;
        o = add(l);
        o->kind = entry->desc;
        o->schema = or_empty(entry->schema);
        o->name = entry->tag;
        o->owner = or_empty(entry->owner);
        o->entry = entry;
        archive_entry_sha256(entry, o->digest);
    }
    sort(l);
}

void
objectlist_add(struct objectlist *l, const struct listed_object *o)
{
    *add(l) = *o;
    sort(l);
}

void
objectlist_free(struct objectlist *l)
{
    free(l->v);
    *l = (struct objectlist){0};
}

bool
objectlist_same(const struct listed_object *a, const struct listed_object *b)
{
    return full_order(a, b) == 0;
}

static void
pair(struct objectlist_pairs *p, const struct listed_object *want, const struct listed_object *have)
{
    VEC_GROW(p->v, p->n, p->cap);
    p->v[p->n++] = (struct objectlist_pair){want, have};
}

/* The number of entries from i on with v[i]'s identity. */
static size_t
same_identity(const struct objectlist *l, size_t i)
{
    size_t n = 1;

    while (i + n < l->n && identity_order(&l->v[i], &l->v[i + n]) == 0)
        n++;
    return n;
}

/* Objects of one identity: equal ones are matched first, the rest is paired in order. */
static void
match_group(const struct listed_object *want, size_t n_want, const struct listed_object *have,
            size_t n_have, struct objectlist_pairs *p)
{
    const struct listed_object **left = xcalloc(n_want + 1, sizeof *left),
                               **right = xcalloc(n_have + 1, sizeof *right);
    size_t i = 0, k = 0, n_left = 0, n_right = 0;

    while (i < n_want || k < n_have) {
        int d = i == n_want ? 1 : k == n_have ? -1 : value_order(&want[i], &have[k]);

        if (d < 0) {
            left[n_left++] = &want[i++];
        } else if (d > 0) {
            right[n_right++] = &have[k++];
        } else {
            i++;
            k++;
        }
    }
    for (i = 0; i < n_left || i < n_right; i++)
        pair(p, i < n_left ? left[i] : NULL, i < n_right ? right[i] : NULL);
    free(left);
    free(right);
}

void
objectlist_match(const struct objectlist *want, const struct objectlist *have,
                 struct objectlist_pairs *p)
{
    size_t i = 0, k = 0;

    *p = (struct objectlist_pairs){0};
    while (i < want->n || k < have->n) {
        int d = i == want->n ? 1 : k == have->n ? -1 : identity_order(&want->v[i], &have->v[k]);

        if (d < 0) {
            pair(p, &want->v[i++], NULL);
        } else if (d > 0) {
            pair(p, NULL, &have->v[k++]);
        } else {
            size_t n = same_identity(want, i), m = same_identity(have, k);

            match_group(&want->v[i], n, &have->v[k], m, p);
            i += n;
            k += m;
        }
    }
}

void
objectlist_pairs_free(struct objectlist_pairs *p)
{
    free(p->v);
    *p = (struct objectlist_pairs){0};
}
