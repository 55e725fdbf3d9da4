/* Every storage call of a decision, of pins, acceptances, drill records and policies failed
 * once: no answer is given without having read everything, and what was to be written is there
 * as a whole or not at all. */
#include "tests/unit/backdated.h"

#include "storage/repo/annotations.h"
#include "storage/repo/condemned.h"
#include "storage/retention/retention_plan.h"
#include "tests/support/drivers.h"
#include "tests/unit/retention_history.h"

enum {
    NIGHTS = 4,
    OPENING = 3
}; /* repo.1.json, repo.2.json, and repo.3.json, which is not there */

struct shop {
    char id[NIGHTS][BACKUP_ID_MAX];
};

static struct drill_record
passed(struct repo *r, const char *id)
{
    struct drill_record d = {.equal = true, .finished = DAY_2026(9)};
    struct err          e = ERR_INIT;
    struct label       *l = label_load(r, "shop", id, &e);

    assert_non_null(l);
    memcpy(d.backup, id, sizeof d.backup);
    memcpy(d.label_sha256, l->sha256, sizeof d.label_sha256);
    label_free(l);
    return d;
}

/* One pinned, one proven, one accepted, one that has lost a chunk. */
static void
fill(struct repo *r, struct shop *s)
{
    struct policy       p = POLICY("keep-last", "1");
    char                name[CHUNK_NAME_MAX];
    struct strlist      names = {0}, objects = {0};
    struct err          e = ERR_INIT;
    struct drill_record d;
    struct label       *l;
    struct manifest    *m;

    for (unsigned i = 0; i < NIGHTS; i++) {
        backdated_backup(r, i + 1, &(struct backdated){.at = DAY_2026((int)i), .rows = 100},
                         s->id[i]);
    }
    assert_ok(policy_store(r, NULL, &p, &e), &e);
    assert_ok(pin_put(r, "shop", s->id[0], "for the audit", &e), &e);
    d = passed(r, s->id[1]);
    assert_ok(drill_record_put(r, "shop", &d, NULL, &e), &e);
    l = label_load(r, "shop", s->id[2], &e);
    assert_non_null(l);
    assert_ok(accept_put(r, "shop", l, "moved away", &e), &e);
    m = manifest_load(r, l, &e);
    assert_non_null(m);
    strlist_add(&names, chunk_name_format(&m->chunks[m->n_chunks - 1].name, name));
    assert_ok(condemned_put(r, "shop", &names, &objects, &e), &e);
    manifest_free(m);
    label_free(l);
    strlist_free(&names);
}

/* The same repository through a driver whose n-th call fails; 0: none. */
static struct repo *
with_fault(unsigned n, bool after, unsigned *calls, struct shop *s)
{
    struct repo    *plain = fixture_repo_in_memory(), *r;
    struct storage *inner;
    struct err      e = ERR_INIT;

    fill(plain, s);
    inner = plain->st;
    plain->st = NULL;
    repo_close(plain);
    *calls = 0;
    r = repo_open_storage(storage_failing_new(inner, n == 0 ? 0 : n + OPENING, after, calls), &e);
    assert_non_null(r);
    assert_int_equal(*calls, OPENING);
    return r;
}

static void
no_decision_without_reading_everything(void **state)
{
    struct shop s;
    unsigned    calls, n = 1;
    bool        hit = true;

    (void)state;
    for (; hit; n++) {
        struct retention_plan_request q = {.db = "shop"};
        struct repo                  *r = with_fault(n, false, &calls, &s);
        struct backup_list            list = {0};
        struct retention_plan         d = {0};
        struct err                    e = ERR_INIT;
        int                           rc = backup_list_load(r, "shop", &list, &e);

        if (rc == 0) {
            rc = retention_plan_make(r, &q, &list, DAY_2026(100), &d, &e);
        }
        hit = calls >= n + OPENING;
        assert_int_equal(rc, hit ? -1 : 0);
        if (hit) {
            assert_err(&e, ERR_IO, "injected fault");
        } else {
            static const enum fate want[NIGHTS] = {FATE_STAYS, FATE_STAYS, FATE_EXPIRED,
                                                   FATE_STAYS};

            for (size_t i = 0; i < NIGHTS; i++) {
                assert_int_equal(d.v[i].fate, want[i]);
            }
            assert_int_equal(d.v[2].state, RETENTION_DAMAGED);
        }
        retention_plan_free(&d);
        backup_list_free(&list);
        repo_close(r);
    }
    assert_in_range(n, 15, 100); /* there was something to fail */
}

/* ---- writing ---- */

typedef int operation(struct repo *, struct shop *, struct err *);

static int
pin(struct repo *r, struct shop *s, struct err *e)
{
    return pin_put(r, "shop", s->id[3], "new", e);
}

static int
unpin(struct repo *r, struct shop *s, struct err *e)
{
    return pin_remove(r, "shop", s->id[0], e);
}

static int
set_policy(struct repo *r, struct shop *s, struct err *e)
{
    struct policy p = POLICY("keep-last", "7");

    (void)s;
    return policy_store(r, "shop", &p, e);
}

static int
accept(struct repo *r, struct shop *s, struct err *e)
{
    struct label *l = label_load(r, "shop", s->id[3], e);
    int           rc = l == NULL ? -1 : accept_put(r, "shop", l, "new", e);

    label_free(l);
    return rc;
}

static int
record(struct repo *r, struct shop *s, struct err *e)
{
    struct drill_record d = {.equal = false, .finished = DAY_2026(9)};

    memcpy(d.backup, s->id[3], sizeof d.backup);
    memset(d.label_sha256, 'a', SHA256_HEX);
    return drill_record_put(r, "shop", &d, NULL, e);
}

/* Whatever happened, all that is there can be read. */
static void
assert_readable(struct repo *r)
{
    struct backup_list list;
    struct annotations known;
    struct policy      p;
    struct err         e = ERR_INIT;

    assert_ok(backup_list_load(r, "shop", &list, &e), &e);
    assert_int_equal(list.n, NIGHTS);
    assert_ok(annotations_load(r, "shop", &list, &known, &e), &e);
    for (size_t i = 0; i < known.pins.n; i++) {
        assert_non_null(known.pins.v[i].text);
    }
    for (size_t i = 0; i < known.drills.n; i++) {
        assert_true(known.drills.v[i].readable);
    }
    assert_ok(policy_load(r, "shop", &p, &e), &e);
    assert_true(p.keep[PERIOD_EACH] == 1 || p.keep[PERIOD_EACH] == 7);
    annotations_free(&known);
    backup_list_free(&list);
}

static void
what_is_said_is_there_as_a_whole_or_not_at_all(void **state)
{
    static operation *const operations[] = {pin, unpin, set_policy, accept, record};

    (void)state;
    for (size_t i = 0; i < sizeof operations / sizeof *operations; i++) {
        for (int after = 0; after < 2; after++) {
            bool hit = true;

            for (unsigned n = 1; hit; n++) {
                struct shop  s;
                unsigned     calls;
                struct repo *r = with_fault(n, after, &calls, &s);
                struct err   e = ERR_INIT;
                int          rc = operations[i](r, &s, &e);

                hit = calls >= n + OPENING;
                assert_int_equal(rc, hit ? -1 : 0);
                if (hit) {
                    assert_readable(r);
                }
                repo_close(r);
            }
        }
    }
}

static int
set_state(void **state)
{
    *state = fixture_state();
    return 0;
}

static int
remove_state(void **state)
{
    fixture_remove(*state);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_decision_without_reading_everything),
        cmocka_unit_test(what_is_said_is_there_as_a_whole_or_not_at_all),
    };

    return cmocka_run_group_tests(tests, set_state, remove_state);
}
