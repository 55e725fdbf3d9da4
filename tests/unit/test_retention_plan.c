/* retention_plan.h and reclaimable.h: from what lies in a repository to what becomes of each
 * backup. */
#include "tests/unit/backdated.h"

#include "storage/format/chunklist.h"
#include "storage/read/reclaimable.h"
#include "storage/repo/condemned.h"
#include "storage/repo/drillrecord.h"
#include "storage/repo/pins.h"
#include "storage/retention/retention_plan.h"
#include "tests/unit/retention_history.h"

enum { NIGHTS = 5 };

struct shop {
    struct repo          *r;
    char                  id[NIGHTS][BACKUP_ID_MAX];
    struct backup_list    list;
    struct retention_plan d;
    char                 *state;
};

static int
shop_make(void **state)
{
    struct shop  *s = xcalloc(1, sizeof *s);
    struct policy p = POLICY("keep-last", "2");
    struct err    e = ERR_INIT;

    s->state = fixture_state();
    s->r = fixture_repo_in_memory();
    for (unsigned i = 0; i < NIGHTS; i++) {
        backdated_backup(s->r, i + 1, &(struct backdated){.at = DAY_2026((int)i), .rows = 100},
                         s->id[i]);
    }
    assert_ok(policy_store(s->r, NULL, &p, &e), &e);
    *state = s;
    return 0;
}

static int
shop_end(void **state)
{
    struct shop *s = *state;

    retention_plan_free(&s->d);
    backup_list_free(&s->list);
    repo_close(s->r);
    fixture_remove(s->state);
    free(s);
    return 0;
}

/* What becomes of the five, a letter each: s(tays), e(xpired), v(oid), g(iven up), f(reed). */
static void
expect(struct shop *s, const struct retention_plan_request *q, const char *fates)
{
    struct retention_plan_request request = {.db = "shop"};
    struct err                    e = ERR_INIT;

    if (q != NULL) {
        request = *q;
    }
    retention_plan_free(&s->d);
    backup_list_free(&s->list);
    assert_ok(backup_list_load(s->r, "shop", &s->list, &e), &e);
    assert_ok(retention_plan_make(s->r, &request, &s->list, DAY_2026(100), &s->d, &e), &e);
    assert_int_equal(s->d.n, strlen(fates));
    for (size_t i = 0; i < s->d.n; i++) {
        if ("sevgf"[s->d.v[i].fate] != fates[i]) {
            char *why = retention_verdict_text(&s->d, &s->d.v[i]);

            fail_msg("backup %zu: %c, not %c: %s", i, "sevgf"[s->d.v[i].fate], fates[i], why);
        }
    }
}

static void
expect_reason(const struct shop *s, size_t i, const char *text)
{
    char *why = retention_verdict_text(&s->d, &s->d.v[i]);

    assert_string_equal(why, text);
    free(why);
}

static void
the_policy_of_the_repository_decides(void **state)
{
    struct shop  *s = *state;
    struct policy p = POLICY("keep-last", "4");
    struct err    e = ERR_INIT;

    expect(s, NULL, "eeess");
    expect_reason(s, 0, "no rule keeps it");
    expect_reason(s, 3, "keep-last 2");
    expect_reason(s, 4, "min-keep 1, newest, keep-last 2");
    assert_ok(policy_store(s->r, "shop", &p, &e), &e);
    expect(s, NULL, "essss");
}

static void
pins_and_drills_protect(void **state)
{
    struct shop        *s = *state;
    struct drill_record d = {.equal = true, .finished = DAY_2026(9)};
    struct err          e = ERR_INIT;

    assert_ok(pin_put(s->r, "shop", s->id[0], "for the audit", &e), &e);
    expect(s, NULL, "seess");
    expect_reason(s, 0, "pinned (for the audit)");
    memcpy(d.backup, s->id[1], sizeof d.backup);
    memcpy(d.label_sha256, s->list.v[1].label->sha256, sizeof d.label_sha256);
    assert_ok(drill_record_put(s->r, "shop", &d, NULL, &e), &e);
    expect(s, NULL, "ssess");
    expect_reason(s, 1, "proven");
}

/* The same backup again, with a chunk list that says until when it is locked. */
static int
add_locked(void *ctx, const struct chunk_ref *line, struct err *e)
{
    char name[CHUNK_NAME_MAX];

    return buf_printf(ctx, e, "%s %ju %ju %jd\n", chunk_name_format(&line->name, name),
                      (uintmax_t)line->size, (uintmax_t)line->raw_size, (intmax_t)DAY_2026(120));
}

static void
replace(struct repo *r, const char *id, const char *object, const struct buf *bytes)
{
    char       *key = backup_key("shop", id, object);
    const char *gone = key;
    struct err  e = ERR_INIT;

    assert_ok(storage_remove(r->st, &gone, 1, &e), &e);
    assert_ok(storage_put(r->st, key, bytes->data, bytes->len, &e), &e);
    free(key);
}

static void
lock_backup(struct repo *r, const char *id)
{
    struct err    e = ERR_INIT;
    struct label *l = label_load(r, "shop", id, &e);
    struct buf    raw = BUF_INIT(BUF_NO_LIMIT), packed = BUF_INIT(BUF_NO_LIMIT),
               line = BUF_INIT(BUF_NO_LIMIT);
    struct codec *codec = codec_new(CODEC_DEFAULT);

    assert_non_null(l);
    assert_non_null(codec);
    assert_ok(chunk_list_read(r, l, add_locked, &raw, &e), &e);
    assert_ok(codec_compress(codec, raw.data, raw.len, &packed, &e), &e);
    replace(r, id, "chunks.zst", &packed);
    sha256_hex(packed.data, packed.len, l->chunks_sha256);
    l->chunks_size = packed.len;
    l->chunks_raw_size = raw.len;
    assert_ok(label_format(l, &line, &e), &e);
    replace(r, id, "label.json", &line);
    codec_free(codec);
    buf_free(&raw);
    buf_free(&packed);
    buf_free(&line);
    label_free(l);
}

static void
what_is_locked_stays(void **state)
{
    struct shop *s = *state;

    lock_backup(s->r, s->id[1]);
    expect(s, NULL, "esess");
    expect_reason(s, 1, "locked until 2026-05-01T00:00:00Z");
}

static void
a_backup_with_lost_chunks_does_not_count(void **state)
{
    struct shop                  *s = *state;
    struct err                    e = ERR_INIT;
    struct strlist                names = {0}, objects = {0};
    struct label                 *l;
    struct retention_plan_request give_up = {.db = "shop", .drop_damaged = true};

    char name[CHUNK_NAME_MAX];

    /* The newest one's last chunk is its own. */
    l = label_load(s->r, "shop", s->id[4], &e);
    assert_non_null(l);
    struct manifest *m = manifest_load(s->r, l, &e);
    assert_non_null(m);
    strlist_add(&names, chunk_name_format(&m->chunks[m->n_chunks - 1].name, name));
    manifest_free(m);
    label_free(l);
    assert_ok(condemned_put(s->r, "shop", &names, &objects, &e), &e);
    expect(s, NULL, "eesss");
    assert_int_equal(s->d.v[4].state, RETENTION_DAMAGED);
    expect_reason(s, 3, "min-keep 1, newest, keep-last 2");
    expect(s, &give_up, "eessg");
    strlist_free(&names);
    strlist_free(&objects);
}

static void
a_backup_that_cannot_be_read_keeps_all_of_them(void **state)
{
    struct shop                  *s = *state;
    struct retention_plan_request give_up = {.db = "shop", .drop_damaged = true};
    struct err                    e = ERR_INIT;
    char                         *key = backup_key("shop", s->id[2], "label.json");
    const char                   *gone = key;

    assert_ok(storage_remove(s->r->st, &gone, 1, &e), &e);
    assert_ok(storage_put(s->r->st, key, "{\n", 2, &e), &e);
    expect(s, NULL, "sssss");
    expect_reason(s, 0, "unreadable");
    assert_int_equal(s->d.v[2].snapshot, DAY_2026(2));
    expect(s, &give_up, "eegss");
    free(key);
}

/* This program cannot know what the backup needs, and whether it is good. */
static void
a_backup_of_a_newer_program_is_never_given_up(void **state)
{
    static const char label[] = "{\"format\":1,\"needs\":[\"telepathy\"],\"type\":\"label\"}\n";
    struct shop      *s = *state;
    struct retention_plan_request give_up = {.db = "shop", .drop_damaged = true};
    struct err                    e = ERR_INIT;
    char                         *key = backup_key("shop", s->id[2], "label.json");
    const char                   *gone = key;

    assert_ok(storage_remove(s->r->st, &gone, 1, &e), &e);
    assert_ok(storage_put(s->r->st, key, label, sizeof label - 1, &e), &e);
    expect(s, NULL, "sssss");
    expect(s, &give_up, "sssss");
    expect_reason(s, 2, "unreadable");
    free(key);
}

static void
void_backups_go_also_without_a_policy(void **state)
{
    struct shop  *s = *state;
    struct policy none = POLICY_INIT;
    struct label *l;
    struct err    e = ERR_INIT;
    char         *key;

    assert_ok(policy_store(s->r, NULL, &none, &e), &e);
    expect(s, NULL, "sssss");
    expect_reason(s, 0, "no-policy");
    l = label_load(s->r, "shop", s->id[4], &e);
    assert_non_null(l);
    key = xasprintf("shop/runs/%s.revoked", l->run);
    assert_ok(storage_put(s->r->st, key, "x", 1, &e), &e);
    expect(s, NULL, "ssssv");
    label_free(l);
    free(key);
}

static void
a_shrink_is_told(void **state)
{
    struct shop *s = *state;
    char         id[BACKUP_ID_MAX];
    struct err   e = ERR_INIT;

    backdated_backup(s->r, 9, &(struct backdated){.at = DAY_2026(NIGHTS), .rows = 49}, id);
    expect(s, NULL, "ssssss");
    assert_int_equal(s->d.n_alarms, 1);
    assert_string_equal(s->d.alarms[0].since, id);
    assert_int_equal(s->d.alarms[0].largest, 100);
    expect_reason(s, 0, "before-shrink");
    assert_ok(accept_put(s->r, "shop", s->list.v[NIGHTS].label, "moved away", &e), &e);
    expect(s, NULL, "eeeess");
    assert_int_equal(s->d.n_alarms, 0);
}

static void
an_emergency_takes_what_nothing_protects(void **state)
{
    struct shop                  *s = *state;
    struct strlist                all = {0};
    struct retention_plan_request free_all = {.db = "shop", .freed = &all};
    struct policy                 p = POLICY("keep-daily", "30", "min-keep", "2");
    struct err                    e = ERR_INIT;

    for (int i = 0; i < NIGHTS; i++) {
        strlist_add(&all, s->id[i]);
    }
    assert_ok(policy_store(s->r, NULL, &p, &e), &e);
    assert_ok(pin_put(s->r, "shop", s->id[1], "for the audit", &e), &e);
    expect(s, NULL, "sssss");
    expect(s, &free_all, "fsfss");
    expect_reason(s, 0, "to free space");
    lock_backup(s->r, s->id[2]);
    expect(s, &free_all, "fssss");
    strlist_free(&all);
}

/* Each has one chunk in common with all others, and three of its own. */
static void
a_chunk_is_freed_with_its_last_backup(void **state)
{
    struct shop   *s = *state;
    const uint32_t all[NIGHTS] = {0, 1, 2, 3, 4},
                   some[NIGHTS] = {RECLAIMABLE_STAYS, 0, 0, 1, RECLAIMABLE_STAYS};
    uint64_t   freed[NIGHTS], stored = 0, own;
    struct err e = ERR_INIT;

    expect(s, NULL, "eeess");
    assert_ok(reclaimable(s->r, &s->list, all, NIGHTS, freed, &e), &e);
    for (int i = 0; i < NIGHTS; i++) {
        stored += s->list.v[i].label->new_bytes;
        assert_int_equal(freed[i] > 0, true);
    }
    assert_int_equal(freed[0] + freed[1] + freed[2] + freed[3] + freed[4], stored);
    own = freed[3];
    assert_true(freed[4] > own); /* and the common one */
    assert_int_equal(freed[0],
                     s->list.v[0].label->stored_bytes - (freed[4] - s->list.v[4].label->new_bytes));
    assert_ok(reclaimable(s->r, &s->list, some, 2, freed, &e), &e);
    assert_int_equal(freed[1], own);
}

#define shop_test(f) cmocka_unit_test_setup_teardown(f, shop_make, shop_end)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        shop_test(the_policy_of_the_repository_decides),
        shop_test(pins_and_drills_protect),
        shop_test(what_is_locked_stays),
        shop_test(a_backup_with_lost_chunks_does_not_count),
        shop_test(a_backup_that_cannot_be_read_keeps_all_of_them),
        shop_test(a_backup_of_a_newer_program_is_never_given_up),
        shop_test(void_backups_go_also_without_a_policy),
        shop_test(a_shrink_is_told),
        shop_test(an_emergency_takes_what_nothing_protects),
        shop_test(a_chunk_is_freed_with_its_last_backup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
