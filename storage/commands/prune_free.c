#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/human.h"
#include "storage/commands/prune.h"
#include "storage/read/reclaimable.h"
#include "storage/repo/backuplist.h"

/* One database's backups that may be removed, the oldest first. */
struct candidates {
    struct retention_plan decision;
    uint64_t *
        freed; /* [0]: by backups removed anyway; [k]: by the k-th candidate, after all before it */
    size_t *which; /* the k-th candidate's verdict, from 1 */
    size_t  n, next;
};

static void
candidates_free(struct candidates *c)
{
    retention_plan_free(&c->decision);
    free(c->freed);
    free(c->which);
}

/* A decision that frees everything unprotected shows the candidates. */
static int
decide_all(struct repo *r, const struct prune_options *o, const char *db,
           const struct backup_list *list, struct retention_plan *d, struct err *e)
{
    struct strlist                all = {0};
    struct retention_plan_request q = {.db = db, .drop_damaged = o->drop_damaged, .freed = &all};
    int                           rc;

    for (size_t i = 0; i < list->n; i++) {
        strlist_add(&all, list->v[i].id);
    }
    rc = retention_plan_make(r, &q, list, time(NULL), d, e);
    strlist_free(&all);
    return rc;
}

static int
measure(struct repo *r, const struct backup_list *list, struct candidates *c, struct err *e)
{
    uint32_t *step = xcalloc(list->n + 1, sizeof *step);
    int       rc;

    c->which = xcalloc(list->n + 1, sizeof *c->which);
    for (size_t i = 0; i < list->n; i++) {
        enum fate fate = c->decision.v[i].fate;

        step[i] = fate == FATE_STAYS ? RECLAIMABLE_STAYS : 0;
        if (fate == FATE_FREED) {
            step[i] = (uint32_t)++c->n;
            c->which[c->n] = i;
        }
    }
    c->freed = xcalloc(c->n + 1, sizeof *c->freed);
    rc = reclaimable(r, list, step, (uint32_t)c->n + 1, c->freed, e);
    c->next = 1;
    free(step);
    return rc;
}

static int
look(const struct prune_options *o, struct repo *r, const char *db, struct candidates *c,
     struct err *e)
{
    struct backup_list list;
    int                rc = -1;

    if (backup_list_load(r, db, &list, e) != 0) {
        return -1;
    }
    if (decide_all(r, o, db, &list, &c->decision, e) == 0) {
        rc = measure(r, &list, c, e);
    }
    backup_list_free(&list);
    return rc == 0 ? 0 : err_wrap(e, "\"%s\"", db);
}

/* The one whose next candidate is the oldest; NULL: none is left. */
static struct candidates *
oldest(struct candidates *v, size_t n)
{
    struct candidates *found = NULL;
    time_t             at = 0;

    for (size_t i = 0; i < n; i++) {
        time_t t;

        if (v[i].next > v[i].n) {
            continue;
        }
        t = v[i].decision.v[v[i].which[v[i].next]].snapshot;
        if (found == NULL || t < at) {
            found = &v[i];
            at = t;
        }
    }
    return found;
}

static int
choose(struct candidates *v, struct free_plan *p, struct err *e)
{
    char a[16], b[16];

    for (size_t i = 0; i < p->n; i++) {
        p->planned += v[i].freed[0];
    }
    while (p->planned < p->wanted) {
        struct candidates *c = oldest(v, p->n);

        if (c == NULL) {
            err_set(e, ERR_NOT_FOUND,
                    "%s cannot be freed: all that may go holds %s, so nothing was removed",
                    size_human(p->wanted, a, sizeof a), size_human(p->planned, b, sizeof b));
            return err_hint(e,
                            "see what protects the others with --dry-run; pins are taken off by: "
                            "pgassay storage "
                            "unpin DB BACKUP");
        }
        strlist_add(&p->freed[c - v], c->decision.v[c->which[c->next]].id);
        p->planned += c->freed[c->next++];
    }
    return 0;
}

int
free_plan_make(const struct prune_options *o, struct repo *r, const struct strlist *dbs,
               uint64_t wanted, struct free_plan *p, struct err *e)
{
    struct candidates *v = xcalloc(dbs->n + 1, sizeof *v);
    int                rc = 0;

    *p = (struct free_plan){
        .wanted = wanted, .freed = xcalloc(dbs->n + 1, sizeof *p->freed), .n = dbs->n};
    for (size_t i = 0; rc == 0 && i < dbs->n; i++) {
        rc = look(o, r, dbs->v[i], &v[i], e);
    }
    if (rc == 0) {
        rc = choose(v, p, e);
    }
    for (size_t i = 0; i < dbs->n; i++) {
        candidates_free(&v[i]);
    }
    free(v);
    return rc;
}

void
free_plan_free(struct free_plan *p)
{
    for (size_t i = 0; i < p->n; i++) {
        strlist_free(&p->freed[i]);
    }
    free(p->freed);
    *p = (struct free_plan){0};
}
