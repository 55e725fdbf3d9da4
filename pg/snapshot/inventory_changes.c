#include "pg/snapshot/inventory_changes.h"

#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "core/mem.h"

enum { NAMED = 4 };

static char *
text_of(const json_t *o, const char *key)
{
    struct err    ignored = ERR_INIT;
    const json_t *value = json_object_get(o, key);
    size_t        n;

    return value == NULL || json_is_null(value) ? NULL : json_bytes_get(value, &n, &ignored);
}

/* sql: whether it may be brought back by what the element says. */
static void
add(struct inventory_changes *all, const char *kind, const json_t *element, bool sql)
{
    char *own = text_of(element, "kind"), *name = text_of(element, "name");

    VEC_GROW(all->v, all->n, all->cap);
    all->v[all->n++] = (struct inventory_change){
        .kind = own != NULL ? own : xstrdup(kind),
        .name = name != NULL ? name : xstrdup("?"),
        .sql = sql ? text_of(element, "sql") : NULL,
    };
}

static bool
same_key(const json_t *a, const json_t *b, const char *key)
{
    return json_equal(json_object_get(a, key), json_object_get(b, key)) ||
        json_object_get(a, key) == json_object_get(b, key);
}

/* The object of that kind and name. */
static const json_t *
find(const json_t *list, const json_t *element)
{
    const json_t *one;
    size_t        i;

    json_array_foreach (list, i, one) {
        if (same_key(one, element, "kind") && same_key(one, element, "name")) {
            return one;
        }
    }
    return NULL;
}

/* A row modified only by a GRANT is not changed; and not all objects listed for comparison were
 * changed.  Without the other side nobody knows what became of a row with privileges. */
static bool
is_change(const json_t *element, bool alone)
{
    return json_opt_bool(element, "changed", true) && !json_opt_bool(element, "granted", false) &&
        !(alone && json_opt_bool(element, "acl", false));
}

/* Built-in objects that the source had removed. */
static void
add_deleted(const json_t *there, struct inventory_changes *all)
{
    const json_t *element;
    size_t        i;

    json_array_foreach (json_object_get(there, "deleted_builtins"), i, element) {
        if (json_opt_bool(element, "here", false)) {
            char *own;

            add(all, "?", element, true);
            own = all->v[all->n - 1].kind;
            all->v[all->n - 1].kind = xasprintf("removal of %s", own);
            free(own);
        }
    }
}

void
inventory_changes(const json_t *inventory, const json_t *there, struct inventory_changes *all)
{
    static const struct {
        const char *key, *kind;
    } lists[] = {
        {"beyond", NULL},
        {"changed_builtins", NULL},
        {"changed_members", NULL},
        {"broken", NULL},
        {"disabled_constraints", "disabled constraint"},
    };

    for (size_t k = 0; k < sizeof lists / sizeof lists[0]; k++) {
        const json_t *element;
        size_t        i;

        json_array_foreach (json_object_get(inventory, lists[k].key), i, element) {
            const json_t *one = find(json_object_get(there, lists[k].key), element);

            if (is_change(element, there == NULL) &&
                (one == NULL || !same_key(one, element, "state") ||
                 !same_key(one, element, "digest"))) {
                /* What was right for one version of an extension need not be for another. */
                add(all, lists[k].kind, element, one == NULL || same_key(one, element, "version"));
            }
        }
    }
    add_deleted(there, all);
}

size_t
inventory_changes_repairable(const struct inventory_changes *all)
{
    size_t n = 0;

    for (size_t i = 0; i < all->n; i++) {
        n += all->v[i].sql != NULL;
    }
    return n;
}

char *
inventory_changes_text(const struct inventory_changes *all)
{
    struct buf b = BUF_INIT(BUF_NO_LIMIT);
    struct err never = ERR_INIT;
    char      *text;

    for (size_t i = 0; i < all->n; i++) {
        if (i == NAMED && all->n > NAMED + 1) {
            (void)buf_printf(&b, &never, " and %zu more", all->n - i);
            break;
        }
        (void)buf_printf(&b, &never, "%s%s %s", i == 0 ? "" : ", ", all->v[i].kind, all->v[i].name);
    }
    text = xstrdup(buf_str(&b));
    buf_free(&b);
    return text;
}

void
inventory_changes_free(struct inventory_changes *all)
{
    for (size_t i = 0; i < all->n; i++) {
        free(all->v[i].kind);
        free(all->v[i].name);
        free(all->v[i].sql);
    }
    free(all->v);
    *all = (struct inventory_changes){0};
}
