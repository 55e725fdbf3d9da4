#include "restore/load/small_keys.h"

#include <stdlib.h>
#include <string.h>

#include "core/cancel.h"
#include "core/groups.h"
#include "restore/job/entries.h"
#include "restore/load/load.h"
#include "restore/load/lost.h"

/* KEYS_TOGETHER: in a message; each locks its tables and their indexes.  PART_KEYS: of a task.
 * WORTH_IT: fewer are added before others have begun. */
enum { KEYS_TOGETHER = 16, PART_KEYS = 2 * KEYS_TOGETHER, WORTH_IT = 4 * KEYS_TOGETHER };
#define SMALL_BYTES MIB

/* The n-th of the tables that an entry depends on, which the backup has with rows of its own; NULL:
 * no more.  *other: there was another one. */
static const struct manifest_table *
table_of(const struct restore *r, const struct entry_ids *ids, const struct archive_entry *entry,
         size_t *at, bool *other)
{
    static const char *const table[] = {"TABLE", NULL};

    while (*at < entry->n_depends) {
        const struct archive_entry  *on = entry_ids_find(ids, entry->depends[(*at)++]);
        const struct manifest_table *t;

        if (on == NULL || !entry_is(on, table)) {
            continue;
        }
        t = manifest_find(r->manifest, on->schema == NULL ? "" : on->schema, on->tag);
        if (t != NULL && t->kind == 'r' && t->oid == on->oid) {
            return t;
        }
        *other = true;
    }
    return NULL;
}

bool
is_small_key(const struct restore *r, const struct entry_ids *ids,
             const struct archive_entry *entry)
{
    const struct manifest_table *t;
    uint64_t                     bytes = 0;
    size_t                       at = 0, tables = 0;
    bool                         other = false;

    if (strcmp(entry->desc, "FK CONSTRAINT") != 0) {
        return false;
    }
    for (; (t = table_of(r, ids, entry, &at, &other)) != NULL; tables++) {
        bytes += t->bytes;
    }
    return tables > 0 && !other && bytes < SMALL_BYTES;
}

/* Keys of tables that no other part has. */
struct part {
    struct entry_list keys, left;
};

struct parts {
    struct restore *r;
    struct part    *v;
    size_t          n;
};

/* One message, one transaction: all or none.  w: NULL is the main connection. */
static void
add_together(struct restore *r, struct worker *w, const struct archive_entry *const *v, size_t n,
             struct entry_list *left)
{
    struct buf sql = BUF_INIT(BUF_NO_LIMIT);
    struct err why = ERR_INIT;

    for (size_t i = 0; i < n; i++) {
        (void)buf_printf(&sql, &why, "%s\n", v[i]->sql);
    }
    if (pg_exec(w != NULL ? w->conn : r->conn, &why, buf_str(&sql)) != 0) {
        /* If the connection was lost, they may be there: whoever adds them again has to know. */
        (void)(w != NULL ? lost_again(r, w, NULL, &why) : lost_main_again(r, &why));
        for (size_t i = 0; i < n; i++) {
            entry_list_add(left, v[i]);
        }
    }
    buf_free(&sql);
}

static int
add_list(struct restore *r, struct worker *w, const struct entry_list *l, struct entry_list *left,
         struct err *e)
{
    for (size_t i = 0, n; i < l->n; i += n) {
        n = l->n - i < KEYS_TOGETHER ? l->n - i : KEYS_TOGETHER;
        if (cancel_check(e) != 0) {
            return -1;
        }
        add_together(r, w, l->v + i, n, left);
    }
    return 0;
}

static int
run_part(void *ctx, void *task, int number, struct err *e)
{
    struct restore *r = ((struct parts *)ctx)->r;
    struct part    *part = task;
    struct worker  *w = &r->workers[number];

    return worker_ready(r, w, e) != 0 ? -1 : add_list(r, w, &part->keys, &part->left, e);
}

/* Of each key, the number of its group, in their order: keys that have a table in common. */
static size_t
group_keys(const struct restore *r, const struct entry_ids *ids, const struct entry_list *keys,
           size_t *group)
{
    const struct manifest       *m = r->manifest;
    const struct manifest_table *t;
    struct groups                groups = groups_new(keys->n);
    size_t *with = xcalloc(m->n_tables + 1, sizeof *with); /* of a table: a key + 1 */
    size_t  numbers = 0;
    bool    other;

    for (size_t i = 0; i < keys->n; i++) {
        for (size_t at = 0; (t = table_of(r, ids, keys->v[i], &at, &other)) != NULL;) {
            size_t *key = &with[t - m->tables];

            if (*key != 0) {
                groups_join(&groups, i, *key - 1);
            }
            *key = i + 1;
        }
    }
    for (size_t i = 0; i < keys->n; i++) {
        size_t first = groups_first(&groups, i);

        group[i] = first == i ? numbers++ : group[first];
    }
    groups_free(&groups);
    free(with);
    return numbers;
}

/* Some groups of keys to a part. */
static void
cut(struct parts *p, const struct entry_ids *ids, const struct entry_list *keys)
{
    size_t *group = xcalloc(keys->n + 1, sizeof *group);
    size_t  n_groups = group_keys(p->r, ids, keys, group);
    size_t *part_of = groups_share(group, keys->n, n_groups, PART_KEYS, &p->n);

    p->v = xcalloc(p->n + 1, sizeof *p->v);
    for (size_t i = 0; i < keys->n; i++) {
        entry_list_add(&p->v[part_of[group[i]]].keys, keys->v[i]);
    }
    free(part_of);
    free(group);
}

int
small_keys_add(struct restore *r, const struct entry_ids *ids, const struct entry_list *keys,
               struct entry_list *left, struct err *e)
{
    struct parts p = {.r = r};
    int          rc;

    if (r->o->jobs > 1 && keys->n >= WORTH_IT) {
        cut(&p, ids, keys);
    }
    rc = p.n > 1 ? pool_each(r->o->jobs, run_part, &p, p.v, sizeof *p.v, p.n, e)
                 : add_list(r, NULL, keys, left, e);
    for (size_t i = 0; i < p.n; i++) {
        for (size_t k = 0; k < p.v[i].left.n; k++) {
            entry_list_add(left, p.v[i].left.v[k]);
        }
        entry_list_free(&p.v[i].keys);
        entry_list_free(&p.v[i].left);
    }
    free(p.v);
    return rc;
}
