#include "restore/load/small_keys.h"

#include <stdlib.h>
#include <string.h>

#include "core/cancel.h"
#include "restore/job/entries.h"
#include "restore/load/load.h"
#include "restore/load/lost.h"

/* KEYS_TOGETHER: in a message; each locks its tables and their indexes.  WORTH_IT: fewer are added
 * before others have begun. */
enum { KEYS_TOGETHER = 16, WORTH_IT = 4 * KEYS_TOGETHER };
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
    size_t          n, cap;
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

static size_t
head(size_t *leads, size_t i)
{
    while (leads[i] != i) {
        leads[i] = leads[leads[i]];
        i = leads[i];
    }
    return i;
}

/* Tables that a key joins lead to one of them: leads[table of the manifest]. */
static size_t *
join_tables(const struct restore *r, const struct entry_ids *ids, const struct entry_list *keys)
{
    const struct manifest *m = r->manifest;
    size_t                *leads = xcalloc(m->n_tables + 1, sizeof *leads);
    bool                   other;

    for (size_t i = 0; i < m->n_tables; i++) {
        leads[i] = i;
    }
    for (size_t i = 0; i < keys->n; i++) {
        size_t                       at = 0;
        const struct manifest_table *first = table_of(r, ids, keys->v[i], &at, &other), *t;

        while ((t = table_of(r, ids, keys->v[i], &at, &other)) != NULL) {
            leads[head(leads, (size_t)(t - m->tables))] = head(leads, (size_t)(first - m->tables));
        }
    }
    return leads;
}

/* Some groups of tables to a part. */
static void
cut(struct parts *p, const struct entry_ids *ids, const struct entry_list *keys)
{
    const struct manifest *m = p->r->manifest;
    size_t                *leads = join_tables(p->r, ids, keys);
    size_t                *size = xcalloc(m->n_tables + 1, sizeof *size);
    size_t                *part_of = xcalloc(m->n_tables + 1, sizeof *part_of), in_part = 0;
    bool                   other;

    for (int counted = 0; counted < 2; counted++) {
        for (size_t i = 0; i < keys->n; i++) {
            size_t at = 0, g = (size_t)(table_of(p->r, ids, keys->v[i], &at, &other) - m->tables);

            g = head(leads, g);
            if (counted == 0) {
                size[g]++;
                continue;
            }
            if (part_of[g] == 0) {
                if (p->n == 0 || in_part + size[g] > 2 * KEYS_TOGETHER) {
                    VEC_GROW(p->v, p->n, p->cap);
                    p->v[p->n++] = (struct part){0};
                    in_part = 0;
                }
                in_part += size[g];
                part_of[g] = p->n;
            }
            entry_list_add(&p->v[part_of[g] - 1].keys, keys->v[i]);
        }
    }
    free(leads);
    free(size);
    free(part_of);
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
