#include "storage/retention/retention_plan.h"

#include <stdlib.h>
#include <string.h>

#include "core/human.h"
#include "core/mem.h"
#include "storage/read/damage.h"
#include "storage/read/parts.h"

/* Collected while deciding. */
struct gathered {
    struct repo                         *repo;
    const struct retention_plan_request *request;
    struct backup_entry      *entries; /* shallow copies, so that damage can be noted in them */
    const struct annotations *known;
    struct annotations        loaded;
    struct retention          r;
};

/* "20261121T021500Z-4f2a": when the run began. */
static time_t
time_of_id(const char *id)
{
    struct tm tm = {0};

    return strptime(id, "%Y%m%dT%H%M%SZ", &tm) == NULL ? 0 : timegm(&tm);
}

static enum retention_state
state_of(const struct backup_entry *b)
{
    return b->state == BACKUP_COMMITTED && b->doubt == NULL  ? RETENTION_GOOD
        : b->state == BACKUP_VOID                            ? RETENTION_VOID
        : b->state == BACKUP_COMMITTED || b->lost_chunks > 0 ? RETENTION_DAMAGED
                                                             : RETENTION_UNREADABLE;
}

/* Copies of the entries, with the lost chunks found by scrubs. */
static int
look_for_damage(struct gathered *g, const struct backup_list *list, struct err *e)
{
    struct damage d = {0};
    bool          done = g->request->known != NULL;
    int           rc = done ? 0 : damage_load(g->repo, g->request->db, &d, e);

    g->entries = xcalloc(list->n + 1, sizeof *g->entries);
    for (size_t i = 0; rc == 0 && i < list->n; i++) {
        g->entries[i] = list->v[i];
        g->entries[i].problem = list->v[i].problem == NULL ? NULL : xstrdup(list->v[i].problem);
        rc = done ? 0 : damage_judge(g->repo, &d, &g->entries[i], e);
    }
    damage_free(&d);
    return rc;
}

static void
fill_item(struct retention_item *x, struct retention_verdict *v, const struct backup_entry *b,
          const struct annotation *s)
{
    memcpy(v->id, b->id, sizeof v->id);
    v->scope = xstrdup(b->label == NULL ? "full" : b->label->scope);
    v->state = state_of(b);
    v->snapshot = b->label == NULL ? time_of_id(b->id) : b->label->snapshot;
    v->problem = b->problem != NULL ? xstrdup(b->problem)
        : b->doubt != NULL          ? xstrdup(b->doubt)
                                    : NULL;
    v->note = s->pin == NULL || s->pin->text == NULL ? NULL : xstrdup(s->pin->text);
    *x = (struct retention_item){
        .id = v->id,
        .scope = v->scope,
        .state = v->state,
        .time = v->snapshot,
        .proven = s->proven,
        .pinned = s->pin != NULL,
        .newer = b->newer,
    };
    if (b->label != NULL) {
        x->imported = label_is_imported(b->label);
        x->tables = b->label->tables;
        x->rows = b->label->rows;
        x->bytes = b->label->raw_bytes;
    }
}

static void
fill_baselines(struct gathered *g)
{
    const struct pins    *m = &g->known->accepted;
    struct accepted_size *v = xcalloc(m->n + 1, sizeof *v);

    for (size_t i = 0; i < m->n; i++) {
        v[i] = (struct accepted_size){m->v[i].scope, m->v[i].backup};
    }
    g->r.baselines = v;
    g->r.n_baselines = m->n;
}

/* ---- locks ---- */

static int
take_later(void *ctx, const struct chunk_ref *line, struct err *e)
{
    time_t *until = ctx;

    (void)e;
    if (line->retain_until > *until) {
        *until = line->retain_until;
    }
    return 0;
}

/* A backup is locked as long as its chunks are (its own objects never longer).  A backup that is
 * given up may have no readable list. */
static int
ask_for_lock(struct gathered *g, const struct backup_entry *b, struct retention_verdict *v,
             struct err *e)
{
    if (b->label == NULL ||
        chunk_list_read(g->repo, b->label, take_later, &v->locked_until, e) == 0) {
        return 0;
    }
    if (v->state == RETENTION_GOOD || (e->kind != ERR_CORRUPT && e->kind != ERR_NOT_FOUND)) {
        return -1;
    }
    err_clear(e);
    return 0;
}

/* ---- the verdicts ---- */

static enum fate
fate_of(const struct retention_plan_request *q, const struct retention_item *x)
{
    if (x->why == 0) {
        return x->state == RETENTION_VOID                   ? FATE_VOID
            : x->state != RETENTION_GOOD && q->drop_damaged ? FATE_GIVEN_UP
                                                            : FATE_EXPIRED;
    }
    if (q->freed != NULL && (x->why & WHY_NEVER) == 0 && strlist_has(q->freed, x->id)) {
        return FATE_FREED;
    }
    return FATE_STAYS;
}

static int
judge(struct gathered *g, struct retention_plan *d, struct err *e)
{
    for (size_t i = 0; i < d->n; i++) {
        struct retention_verdict *v = &d->v[i];
        struct retention_item    *x = &g->r.items[i];

        v->fate = fate_of(g->request, x);
        if (v->fate != FATE_STAYS && v->fate != FATE_VOID && !g->request->look) {
            if (ask_for_lock(g, &g->entries[i], v, e) != 0) {
                return -1;
            }
            if (v->locked_until > g->r.now) {
                x->why |= WHY_LOCKED;
                v->fate = FATE_STAYS;
            }
        }
        v->why = v->fate == FATE_STAYS ? x->why : 0;
    }
    return 0;
}

static void
gathered_free(struct gathered *g, size_t n)
{
    for (size_t i = 0; i < n && g->entries != NULL; i++) {
        free(g->entries[i].problem);
    }
    free(g->entries);
    free(g->r.items);
    free((void *)(uintptr_t)g->r.baselines);
    retention_free(&g->r);
    annotations_free(&g->loaded);
}

int
retention_plan_make(struct repo *r, const struct retention_plan_request *q,
                    const struct backup_list *list, time_t now, struct retention_plan *d,
                    struct err *e)
{
    struct gathered g = {
        .repo = r,
        .request = q,
        .r = {.policy = &d->policy, .now = now, .n = list->n, .drop_damaged = q->drop_damaged}};
    int rc = -1;

    *d = (struct retention_plan){.v = xcalloc(list->n + 1, sizeof *d->v), .n = list->n};
    g.r.items = xcalloc(list->n + 1, sizeof *g.r.items);
    if (policy_load(r, q->db, &d->policy, e) != 0 || look_for_damage(&g, list, e) != 0 ||
        (q->known == NULL &&
         annotations_load(r, q->db, &(const struct backup_list){.v = g.entries, .n = list->n},
                          &g.loaded, e) != 0)) {
        goto out;
    }
    g.known = q->known != NULL ? q->known : &g.loaded;
    for (size_t i = 0; i < list->n; i++) {
        fill_item(&g.r.items[i], &d->v[i], &g.entries[i], &g.known->v[i]);
    }
    fill_baselines(&g);
    retention_apply(&g.r);
    rc = judge(&g, d, e);
    d->alarms = g.r.alarms;
    d->n_alarms = g.r.n_alarms;
    g.r.alarms = NULL;
out:
    gathered_free(&g, list->n);
    if (rc != 0) {
        retention_plan_free(d);
    }
    return rc;
}

void
retention_plan_free(struct retention_plan *d)
{
    for (size_t i = 0; i < d->n; i++) {
        free(d->v[i].scope);
        free(d->v[i].problem);
        free(d->v[i].note);
    }
    free(d->v);
    free(d->alarms);
    *d = (struct retention_plan){0};
}

/* ---- in words ---- */

const char *
retention_state_text(enum retention_state s)
{
    static const char *const names[] = {"good", "damaged", "unreadable", "void"};

    return names[s];
}

/* "keep-daily 7", "pinned (before the migration)": one reason, with what belongs to it. */
static char *
reason_text(const struct retention_plan *d, const struct retention_verdict *v, unsigned bit)
{
    char  at[32];
    char *value, *text;

    if (1U << bit == WHY_PINNED && v->note != NULL) {
        return xasprintf("pinned (%s)", v->note);
    }
    if (1U << bit == WHY_LOCKED) {
        return xasprintf("locked until %s", time_rfc3339(v->locked_until, at, sizeof at));
    }
    if (1U << bit > WHY_MIN_KEEP) {
        return xstrdup(retention_why(bit));
    }
    value = policy_text(&d->policy, bit); /* rules are in the same order in both */
    text = xasprintf("%s %s", retention_why(bit), value != NULL ? value : "");
    free(value);
    return text;
}

static char *
fate_text(const struct retention_verdict *v)
{
    switch (v->fate) {
    case FATE_VOID:
    case FATE_GIVEN_UP:
        return xasprintf("%s: %s", v->fate == FATE_VOID ? "void" : "given up",
                         v->problem != NULL ? v->problem : "");
    case FATE_FREED:
        return xstrdup("to free space");
    default:
        return xstrdup("no rule keeps it");
    }
}

char *
retention_verdict_text(const struct retention_plan *d, const struct retention_verdict *v)
{
    char *text = NULL;

    if (v->fate != FATE_STAYS) {
        return fate_text(v);
    }
    /* Protections first, then the rules. */
    for (unsigned k = 0; k < WHY_BITS; k++) {
        unsigned bit = (k + 2 * N_PERIODS) % WHY_BITS;
        char    *reason, *longer;

        if ((v->why >> bit & 1) == 0) {
            continue;
        }
        reason = reason_text(d, v, bit);
        longer = text == NULL ? xstrdup(reason) : xasprintf("%s, %s", text, reason);
        free(text);
        free(reason);
        text = longer;
    }
    return text != NULL ? text : xstrdup("");
}

json_t *
retention_verdict_reasons(const struct retention_verdict *v)
{
    static const char *const fates[] = {[FATE_EXPIRED] = "expired",
                                        [FATE_VOID] = "void",
                                        [FATE_GIVEN_UP] = "given-up",
                                        [FATE_FREED] = "freed"};
    json_t                  *list = json_array();

    if (v->fate != FATE_STAYS) {
        (void)json_array_append_new(list, json_string(fates[v->fate]));
    }
    for (unsigned bit = 0; bit < WHY_BITS; bit++) {
        if ((v->why >> bit & 1) != 0) {
            (void)json_array_append_new(list, json_string(retention_why(bit)));
        }
    }
    return list;
}
