/*
 * retention_history.h - histories of backups that never were, for the tests of retention_rules.h.
 */
#ifndef TESTS_UNIT_RETENTION_HISTORY_H
#define TESTS_UNIT_RETENTION_HISTORY_H

#include "tests/unit/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "core/human.h"
#include "core/mem.h"
#include "storage/retention/retention_rules.h"

/* Midnight of the n-th day of 2026, from 0. */
#define DAY_2026(n) ((time_t)1767225600 + (time_t)(n)*86400)

struct history {
    struct retention       r;
    struct retention_item *items;
    size_t                 n, cap;
    char (*ids)[32];
    size_t               n_ids, cap_ids;
    struct accepted_size baselines[4];
};

static inline struct policy
policy_of(const char *const *words)
{
    struct policy p = POLICY_INIT;
    struct err    e = ERR_INIT;

    for (; words[0] != NULL; words += 2) {
        assert_ok(policy_set(&p, words[0], words[1], &e), &e);
    }
    return p;
}
#define POLICY(...) policy_of((const char *const[]){__VA_ARGS__, NULL})

/* A good full backup of 100 rows, 10 tables, 1000 bytes. */
static inline void
history_add(struct history *h, time_t at)
{
    char text[20];

    VEC_GROW(h->ids, h->n_ids, h->cap_ids);
    (void)snprintf(h->ids[h->n_ids], sizeof *h->ids, "%s-%04zx",
                   time_compact(at, text, sizeof text), h->n_ids);
    h->n_ids++;
    VEC_GROW(h->items, h->n, h->cap);
    h->items[h->n++] = (struct retention_item){
        .scope = "full", .time = at, .rows = 100, .tables = 10, .bytes = 1000};
    for (size_t i = 0; i < h->n; i++) {
        h->items[i].id = h->ids[i]; /* it may have moved */
    }
}

static inline void
history_days(struct history *h, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        history_add(h, DAY_2026((int)i) + 12 * 3600);
    }
}

static inline void
history_accept(struct history *h, const char *scope, const char *id)
{
    h->baselines[h->r.n_baselines++] = (struct accepted_size){scope, id};
}

static inline void
history_apply(struct history *h, const struct policy *p)
{
    h->r.policy = p;
    h->r.items = h->items;
    h->r.n = h->n;
    h->r.baselines = h->baselines;
    if (h->r.now == 0) {
        h->r.now = DAY_2026(365 * 10);
    }
    retention_free(&h->r);
    retention_apply(&h->r);
}

static inline void
history_free(struct history *h)
{
    retention_free(&h->r);
    free(h->items);
    free(h->ids);
}

/* want: one character a backup, '.' for those that go. */
static inline void
history_stays(const char *file, int line, const struct history *h, const char *want)
{
    assert_int_equal(strlen(want), h->n);
    for (size_t i = 0; i < h->n; i++) {
        if ((h->items[i].why != 0) != (want[i] != '.')) {
            print_error("%s:%d: backup %zu %s (why %x)\n", file, line, i,
                        want[i] == '.' ? "should go" : "should stay", h->items[i].why);
            fail();
        }
    }
}
#define HISTORY_STAYS(h, want) history_stays(__FILE__, __LINE__, h, want)

#endif
