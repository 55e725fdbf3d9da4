/* pins.h, drillrecord.h, annotations.h: what is said of backups, and what of it counts. */
#include "tests/unit/backdated.h"

#include "storage/repo/annotations.h"
#include "storage/repo/perbackup.h"

/* Three good backups of "shop", a day apart. */
struct shop {
    struct repo       *r;
    char               id[3][BACKUP_ID_MAX];
    struct backup_list list;
    struct annotations known;
    char              *state;
};

static void
shop_look(struct shop *s)
{
    struct err e = ERR_INIT;

    annotations_free(&s->known);
    backup_list_free(&s->list);
    assert_ok(backup_list_load(s->r, "shop", &s->list, &e), &e);
    assert_ok(annotations_load(s->r, "shop", &s->list, &s->known, &e), &e);
}

static int
shop_make(void **state)
{
    struct shop *s = xcalloc(1, sizeof *s);

    s->state = fixture_state();
    s->r = fixture_repo_in_memory();
    for (unsigned i = 0; i < 3; i++) {
        backdated_backup(s->r, i + 1,
                         &(struct backdated){.at = 1767225600 + 86400 * (time_t)i, .rows = 100},
                         s->id[i]);
    }
    shop_look(s);
    *state = s;
    return 0;
}

static int
shop_end(void **state)
{
    struct shop *s = *state;

    annotations_free(&s->known);
    backup_list_free(&s->list);
    repo_close(s->r);
    fixture_remove(s->state);
    free(s);
    return 0;
}

static void
spoil(struct shop *s, const char *dir)
{
    struct strlist keys = {0};
    struct err     e = ERR_INIT;

    assert_ok(perbackup_list(s->r, "shop", dir, &keys, &e), &e);
    for (size_t i = 0; i < keys.n; i++) {
        const char *key = keys.v[i];

        assert_ok(storage_remove(s->r->st, &key, 1, &e), &e);
        assert_ok(storage_put(s->r->st, key, "{\n", 2, &e), &e);
    }
    strlist_free(&keys);
}

static void
drilled(struct shop *s, size_t i, bool equal, time_t when)
{
    struct drill_record d = {
        .equal = equal, .started = when, .finished = when, .recovery_seconds = 1.5};
    struct err e = ERR_INIT;

    memcpy(d.backup, s->id[i], sizeof d.backup);
    memcpy(d.label_sha256, s->list.v[i].label->sha256, sizeof d.label_sha256);
    assert_ok(drill_record_put(s->r, "shop", &d, NULL, &e), &e);
}

static void
the_digest_is_of_the_stored_line(void **state)
{
    struct shop *s = *state;
    char        *key = backup_key("shop", s->id[0], "label.json");
    struct buf   bytes = BUF_INIT(LABEL_BYTES_MAX);
    struct err   e = ERR_INIT;
    char         hex[SHA256_HEX + 1];

    assert_ok(storage_get(s->r->st, key, &bytes, &e), &e);
    sha256_hex(bytes.data, bytes.len, hex);
    assert_string_equal(s->list.v[0].label->sha256, hex);
    /* A signature in the second line does not change it. */
    assert_ok(buf_puts(&bytes, "signature\n", &e), &e);
    struct label *l = label_parse(bytes.data, bytes.len, &e);
    assert_non_null(l);
    assert_string_equal(l->sha256, hex);
    label_free(l);
    buf_free(&bytes);
    free(key);
}

static void
nothing_said_is_nothing(void **state)
{
    struct shop *s = *state;

    for (size_t i = 0; i < 3; i++) {
        assert_null(s->known.v[i].drill);
        assert_null(s->known.v[i].pin);
        assert_null(s->known.v[i].accepted);
        assert_false(s->known.v[i].proven);
    }
}

static void
a_drill_without_a_difference_proves(void **state)
{
    struct shop *s = *state;

    drilled(s, 1, true, 1767900000);
    shop_look(s);
    assert_false(s->known.v[0].proven);
    assert_true(s->known.v[1].proven);
    assert_true(s->known.v[1].drill->recovery_seconds == 1.5);
    /* The last drill is what counts. */
    drilled(s, 1, false, 1767900001);
    shop_look(s);
    assert_false(s->known.v[1].proven);
    assert_non_null(s->known.v[1].drill);
    drilled(s, 1, true, 1767900002);
    shop_look(s);
    assert_true(s->known.v[1].proven);
}

static void
a_record_of_another_label_proves_nothing(void **state)
{
    struct shop        *s = *state;
    struct drill_record d = {.equal = true};
    struct err          e = ERR_INIT;

    memcpy(d.backup, s->id[1], sizeof d.backup);
    memcpy(d.label_sha256, s->list.v[0].label->sha256, sizeof d.label_sha256);
    assert_ok(drill_record_put(s->r, "shop", &d, NULL, &e), &e);
    shop_look(s);
    assert_false(s->known.v[0].proven);
    assert_false(s->known.v[1].proven);
    assert_null(s->known.v[1].drill);
}

static void
a_record_that_cannot_be_read_protects(void **state)
{
    struct shop *s = *state;

    drilled(s, 1, false, 1767900000);
    spoil(s, "drills");
    shop_look(s);
    assert_true(s->known.v[1].proven);
    assert_false(s->known.v[1].drill->readable);
}

static void
pins_come_and_go(void **state)
{
    struct shop *s = *state;
    struct err   e = ERR_INIT;

    assert_ok(pin_put(s->r, "shop", s->id[1], "until the audit", &e), &e);
    assert_ok(pin_put(s->r, "shop", s->id[1], "until the audit", &e), &e);
    shop_look(s);
    assert_null(s->known.v[0].pin);
    assert_string_equal(s->known.v[1].pin->text, "until the audit");
    spoil(s, "pins");
    shop_look(s);
    assert_non_null(s->known.v[1].pin);
    assert_null(s->known.v[1].pin->text);
    assert_ok(pin_remove(s->r, "shop", s->id[1], &e), &e);
    shop_look(s);
    assert_null(s->known.v[1].pin);
    assert_int_equal(pin_remove(s->r, "shop", s->id[1], &e), -1);
    assert_err(&e, ERR_NOT_FOUND, "not pinned");
}

static void
a_size_is_accepted_once(void **state)
{
    struct shop *s = *state;
    struct err   e = ERR_INIT;

    assert_ok(accept_put(s->r, "shop", s->list.v[1].label, "moved away", &e), &e);
    assert_int_equal(accept_put(s->r, "shop", s->list.v[1].label, "again", &e), -1);
    assert_err(&e, ERR_EXISTS, "accepted already");
    shop_look(s);
    assert_string_equal(s->known.v[1].accepted->text, "moved away");
    assert_string_equal(s->known.accepted.v[0].scope, "full");
    spoil(s, "accepted");
    shop_look(s);
    assert_null(s->known.v[1].accepted);
}

static void
other_objects_beside_them_are_left_alone(void **state)
{
    struct shop *s = *state;
    struct err   e = ERR_INIT;

    assert_ok(storage_put(s->r->st, "shop/pins/README", "x", 1, &e), &e);
    assert_ok(storage_put(s->r->st, "shop/drills/20261121T021500Z-4f2a", "x", 1, &e), &e);
    shop_look(s);
    assert_int_equal(s->known.pins.n, 0);
    assert_int_equal(s->known.drills.n, 0);
}

#define shop_test(f) cmocka_unit_test_setup_teardown(f, shop_make, shop_end)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        shop_test(the_digest_is_of_the_stored_line),
        shop_test(nothing_said_is_nothing),
        shop_test(a_drill_without_a_difference_proves),
        shop_test(a_record_of_another_label_proves_nothing),
        shop_test(a_record_that_cannot_be_read_protects),
        shop_test(pins_come_and_go),
        shop_test(a_size_is_accepted_once),
        shop_test(other_objects_beside_them_are_left_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
