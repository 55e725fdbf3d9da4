/* chain.h, tombstone.h, lastseen.h: what labels say of each other, and what a host remembers of
 * them. */
#include "tests/fault/fixture.h"

#include "core/json.h"
#include "storage/format/label_heads.h"
#include "storage/read/rollback.h"
#include "storage/repo/chain.h"
#include "storage/repo/lastseen.h"
#include "storage/repo/tombstone.h"

#define SIGNER "00112233445566ff"

/* ---- a label's fields ---- */

/* The line of a whole label, with more keys. */
static json_t *
usual(void)
{
    struct err    e = ERR_INIT;
    struct label *l = fixture_label();
    json_t       *o;

    (void)snprintf(l->id, sizeof l->id, "20261121T021500Z-4f2a");
    (void)snprintf(l->run, sizeof l->run, "0123456789abcdef");
    l->db = xstrdup("shop");
    l->tool = xstrdup("test");
    l->finished = l->started;
    memset(l->chunks_sha256, 'a', SHA256_HEX);
    memset(l->manifest_sha256, 'b', SHA256_HEX);
    memset(l->manifest_raw_sha256, 'c', SHA256_HEX);
    o = label_json(l, &e);
    assert_non_null(o);
    label_free(l);
    return o;
}

static struct label *
parsed(json_t *o, struct err *e)
{
    struct buf    text = BUF_INIT(MIB);
    struct label *l;

    assert_ok(json_write(o, &text, e), e);
    assert_ok(buf_puts(&text, "\n", e), e);
    l = label_parse(text.data, text.len, e);
    buf_free(&text);
    json_decref(o);
    return l;
}

static json_t *
head(const char *id, char digit)
{
    char digest[SHA256_HEX + 1] = "";

    memset(digest, digit, SHA256_HEX);
    return json_pack("{s:s,s:s}", "backup", id, "sha256", digest);
}

static void
the_place_in_the_chain_survives_a_round_trip(void **state)
{
    struct err    e = ERR_INIT;
    json_t       *o = usual();
    struct label *l;
    struct label *copy;

    (void)state;
    (void)json_object_set_new(o, "heads",
                              (json_pack)("[o,o]", head("20261119T021500Z-0001", '1'),
                                          head("20261120T021500Z-0002", '2')));
    (void)json_object_set_new(o, "signer", json_string(SIGNER));
    (void)json_object_set_new(o, "sequence", json_integer(7));
    l = parsed(o, &e);
    assert_non_null(l);
    copy = label_copy(l);
    label_free(l);
    o = label_json(copy, &e);
    label_free(copy);
    l = parsed(o, &e);
    assert_non_null(l);
    assert_true(l->chained);
    assert_int_equal(l->n_heads, 2);
    assert_string_equal(l->heads[1].id, "20261120T021500Z-0002");
    assert_int_equal(l->heads[1].sha256[63], '2');
    assert_string_equal(l->signer, SIGNER);
    assert_int_equal(l->sequence, 7);
    label_free(l);
}

static void
an_older_label_has_none_and_gets_none(void **state)
{
    struct err    e = ERR_INIT;
    struct label *l = parsed(usual(), &e);
    json_t       *o;

    (void)state;
    assert_non_null(l);
    assert_false(l->chained);
    o = label_json(l, &e);
    assert_null(json_object_get(o, "heads"));
    assert_null(json_object_get(o, "signer"));
    assert_null(json_object_get(o, "sequence"));
    json_decref(o);
    label_free(l);
}

static void
malformed_fields_are_named(void **state)
{
    static const struct {
        const char *keys, *says;
    } cases[] = {
        {"{\"signer\": \"00112233445566ff\"}", "\"sequence\" is missing"},
        {"{\"sequence\": 1}", "\"signer\" is missing"},
        {"{\"signer\": \"xyz\", \"sequence\": 1}", "\"signer\" is not 16 hex digits"},
        {"{\"signer\": \"00112233445566ff\", \"sequence\": 0}",
         "\"sequence\" is not a number from 1"},
        {"{\"signer\": \"00112233445566ff\", \"sequence\": 9007199254740992}",
         "\"sequence\" is not"},
        {"{\"signer\": \"00112233445566ff\", \"sequence\": \"1\"}", "\"sequence\""},
        {"{\"heads\": {}}", "\"heads\""},
        {"{\"heads\": [7]}", "\"heads\", element 0: it is not an object"},
        {"{\"heads\": [{\"backup\": \"20261120T021500Z-0002\"}]}",
         "\"heads\", element 0: key \"sha256\" is missing"},
        {"{\"heads\": [{\"sha256\": \"00\"}]}", "\"heads\", element 0: key \"backup\" is missing"},
        {"{\"heads\": [{\"backup\": \"20261120T021500Z-0002\", \"sha256\": \"00\"}]}",
         "\"sha256\" is not 64 hex digits"},
        {"{\"heads\": [{\"backup\": \"../../etc/passwd\", \"sha256\": "
         "\"0000000000000000000000000000000000000000000000000000000000000000\"}]}",
         "\"backup\" is not the id of a backup"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct err e = ERR_INIT;
        json_t    *o = usual();
        json_t    *more = json_loads(cases[i].keys, 0, NULL);

        (void)json_object_update(o, more);
        json_decref(more);
        assert_null(parsed(o, &e));
        assert_err(&e, ERR_CORRUPT, cases[i].says);
    }
}

static void
more_heads_than_the_limit_are_refused(void **state)
{
    struct err e = ERR_INIT;
    json_t    *o = usual();
    json_t    *heads = json_array();

    (void)state;
    for (int i = 0; i <= CHAIN_HEADS_MAX; i++) {
        (void)json_array_append_new(heads, head("20261120T021500Z-0002", '2'));
    }
    (void)json_object_set_new(o, "heads", heads);
    assert_null(parsed(o, &e));
    assert_err(&e, ERR_CORRUPT, "\"heads\" has more than 256");
}

/* ---- heads ---- */

struct shop {
    char        *state;
    struct repo *r;
};

static int
shop_make(void **state)
{
    struct shop *s = xcalloc(1, sizeof *s);

    s->state = fixture_state();
    s->r = fixture_repo_in_memory();
    *state = s;
    return 0;
}

static int
shop_end(void **state)
{
    struct shop *s = *state;

    repo_close(s->r);
    fixture_remove(s->state);
    free(s);
    return 0;
}

static struct label *
take(struct shop *s, unsigned seed)
{
    struct err    e = ERR_INIT;
    char          id[BACKUP_ID_MAX];
    struct label *l;

    assert_ok(fixture_backup(s->r, seed, id, NULL, &e), &e);
    l = label_load(s->r, "shop", id, &e);
    assert_non_null(l);
    return l;
}

static void
drop(struct shop *s, const struct label *l)
{
    struct err e = ERR_INIT;
    char      *key = backup_key("shop", l->id, "label.json");

    assert_ok(storage_remove(s->r->st, (const char *const *)&key, 1, &e), &e);
    free(key);
}

static void
a_backup_names_the_one_before_it_and_what_lost_its_successor(void **state)
{
    struct shop  *s = *state;
    struct label *a = take(s, 1), *b = take(s, 2), *c = take(s, 3), *d, *f;

    assert_true(a->chained);
    assert_int_equal(a->n_heads, 0);
    assert_int_equal(a->sequence, 0);
    assert_int_equal(c->n_heads, 1);
    assert_string_equal(c->heads[0].id, b->id);
    assert_string_equal(c->heads[0].sha256, b->sha256);
    drop(s, b); /* nothing names a any more */
    d = take(s, 4);
    assert_int_equal(d->n_heads, 2);
    assert_string_equal(d->heads[0].id, a->id);
    assert_string_equal(d->heads[1].id, c->id);
    f = take(s, 5);
    assert_int_equal(f->n_heads, 1);
    assert_string_equal(f->heads[0].id, d->id);
    label_free(a);
    label_free(b);
    label_free(c);
    label_free(d);
    label_free(f);
}

static void
what_is_left_out_are_the_oldest(void **state)
{
    enum { N = CHAIN_HEADS_MAX + 10 };
    struct shop       *s = *state;
    struct err         e = ERR_INIT;
    struct backup_list list = {.v = xcalloc(N, sizeof *list.v), .n = N};
    struct label      *l = fixture_label();
    struct chain       c;

    for (int i = 0; i < N; i++) {
        list.v[i].label = fixture_label();
        (void)snprintf(list.v[i].id, BACKUP_ID_MAX, "20261121T021500Z-%04x", (unsigned)i);
        (void)snprintf(list.v[i].label->id, BACKUP_ID_MAX, "%s", list.v[i].id);
    }
    assert_ok(chain_load(s->r, "shop", &list, &c, &e), &e);
    (void)snprintf(l->id, sizeof l->id, "%s", list.v[N - 1].id);
    chain_fill(&c, 0, l);
    assert_int_equal(l->n_heads,
                     CHAIN_HEADS_MAX - 1); /* a label that replaces another does not name it */
    assert_string_equal(l->heads[0].id, "20261121T021500Z-000a");
    chain_append(&c, l);
    assert_int_equal(c.n, 1);
    chain_free(&c);
    label_free(l);
    backup_list_free(&list);
}

/* ---- tombstones ---- */

static void
a_tombstone_keeps_the_place_of_what_expired(void **state)
{
    struct shop     *s = *state;
    struct err       e = ERR_INIT;
    struct label    *l = take(s, 1);
    struct strlist   names = {0};
    struct tombstone t;
    bool             expired;

    (void)snprintf(l->signer, sizeof l->signer, SIGNER);
    l->sequence = 3;
    assert_ok(tombstone_put(s->r, "shop", l->id, l, time(NULL), "0123456789abcdef", &e), &e);
    assert_ok(tombstone_put(s->r, "shop", "20200101T000000Z-0000", NULL, time(NULL),
                            "0123456789abcdef", &e),
              &e);
    assert_ok(tombstones_load(s->r, "shop", &names, &e), &e);
    assert_int_equal(names.n, 2);
    assert_ok(tombstone_load(s->r, "shop", names.v[1], &t, &e), &e);
    assert_string_equal(t.backup, l->id);
    assert_string_equal(t.run, l->run);
    assert_string_equal(t.label_sha256, l->sha256);
    assert_string_equal(t.signer, SIGNER);
    assert_int_equal(t.sequence, 3);
    assert_ok(tombstone_load(s->r, "shop", names.v[0], &t, &e), &e);
    assert_string_equal(t.label_sha256, "");
    assert_int_equal(t.sequence, 0);
    assert_ok(chain_expired(s->r, "shop", &names, l->id, l->sha256, &expired, &e), &e);
    assert_true(expired);
    memset(l->sha256, '0', SHA256_HEX); /* the same backup, another label */
    assert_ok(chain_expired(s->r, "shop", &names, l->id, l->sha256, &expired, &e), &e);
    assert_false(expired);
    assert_ok(chain_expired(s->r, "shop", &names, "20200101T000000Z-0000", l->sha256, &expired, &e),
              &e);
    assert_true(expired);
    strlist_free(&names);
    label_free(l);
}

/* ---- memory ---- */

static char *
memory_path(const struct shop *s)
{
    return xasprintf("%s/%s/shop.seen", s->state, s->r->id);
}

static void
a_newer_backup_that_is_gone_is_missed_until_a_tombstone_names_it(void **state)
{
    struct shop    *s = *state;
    struct err      e = ERR_INIT;
    struct label   *a = take(s, 1), *b = take(s, 2), *found;
    struct rollback m;
    char           *text;

    drop(s, b);
    found = rollback_find(s->r, "shop", NULL, 0, &m, &e);
    assert_non_null(found);
    assert_string_equal(found->id, a->id);
    assert_int_equal(m.state, ROLLBACK_GONE);
    assert_string_equal(m.backup, b->id);
    text = rollback_text(&m, found);
    assert_non_null(strstr(text, b->id));
    free(text);
    label_free(found);
    found = rollback_find(s->r, "shop", a->id, 0, &m, &e); /* whoever names one has it */
    assert_int_equal(m.state, ROLLBACK_NONE);
    label_free(found);
    assert_ok(tombstone_put(s->r, "shop", b->id, b, time(NULL), "0123456789abcdef", &e), &e);
    found = rollback_find(s->r, "shop", "latest", 0, &m, &e);
    assert_int_equal(m.state, ROLLBACK_NONE);
    label_free(found);
    drop(s, a); /* which is the newest by now */
    assert_null(rollback_find(s->r, "shop", NULL, 0, &m, &e));
    assert_int_equal(m.state, ROLLBACK_GONE);
    assert_string_equal(m.backup, a->id);
    label_free(a);
    label_free(b);
}

static void
another_label_under_the_id_is_missed(void **state)
{
    struct shop    *s = *state;
    struct err      e = ERR_INIT;
    struct label   *a = take(s, 1), *found;
    struct rollback m;
    struct buf      line = BUF_INIT(MIB);
    char           *key = backup_key("shop", a->id, "label.json");

    a->rows = 12345;
    drop(s, a);
    assert_ok(label_format(a, &line, &e), &e);
    assert_ok(storage_put(s->r->st, key, line.data, line.len, &e), &e);
    for (int i = 0; i < 2; i++) { /* and not forgotten by being told */
        found = rollback_find(s->r, "shop", NULL, 0, &m, &e);
        assert_non_null(found);
        assert_int_equal(m.state, ROLLBACK_REPLACED);
        label_free(found);
    }
    free(key);
    buf_free(&line);
    label_free(a);
}

static void
garbage_in_the_memory_is_forgotten(void **state)
{
    static const char *const garbage[] = {
        "",
        "{",
        "[]\n",
        "{\"format\":1,\"needs\":[],\"type\":\"seen\"}\n",
        "{\"format\":2,\"needs\":[],\"type\":\"seen\",\"signers\":{}}\n",
        "{\"format\":1,\"needs\":[],\"type\":\"seen\",\"signers\":{\"x\":1}}\n",
        "{\"format\":1,\"needs\":[],\"type\":\"seen\",\"signers\":{\"00112233445566ff\":-1}}\n",
        "{\"format\":1,\"needs\":[],\"type\":\"seen\",\"signers\":{\"00112233445566ff\":1e300}}\n",
        "{\"format\":1,\"needs\":[],\"type\":\"seen\",\"signers\":{},\"backup\":\"../"
        "x\",\"label_sha256\":\"00\",\"snapshot\":\"2026-11-21T02:15:00Z\"}\n",
        "{\"format\":1,\"needs\":[],\"type\":\"seen\",\"signers\":{},\"backup\":\"20261121T021500Z-"
        "4f2a\",\"label_sha256\":\"00\",\"snapshot\":\"soon\"}\n",
    };
    struct shop *s = *state;
    char        *path = memory_path(s);

    for (size_t i = 0; i < sizeof garbage / sizeof garbage[0]; i++) {
        struct label   *l = take(s, (unsigned)i);
        struct lastseen seen;
        FILE           *f = fopen(path, "w");

        assert_non_null(f);
        assert_true(fputs(garbage[i], f) >= 0);
        assert_int_equal(fclose(f), 0);
        lastseen_load(s->r, "shop", &seen);
        assert_string_equal(seen.backup, "");
        assert_int_equal(seen.n, 0);
        lastseen_remember(s->r, "shop", l, -1);
        lastseen_load(s->r, "shop", &seen);
        assert_string_equal(seen.backup, l->id);
        lastseen_free(&seen);
        label_free(l);
    }
    free(path);
}

static void
a_memory_that_is_too_large_is_forgotten(void **state)
{
    struct shop    *s = *state;
    char           *path;
    struct lastseen seen;

    label_free(take(s, 1));
    path = memory_path(s);
    assert_int_equal(truncate(path, 1 << 20), 0);
    lastseen_load(s->r, "shop", &seen);
    assert_string_equal(seen.backup, "");
    free(path);
}

static void
only_what_goes_on_is_remembered(void **state)
{
    struct shop    *s = *state;
    struct label   *a = take(s, 1), *b = take(s, 2);
    struct lastseen seen;
    struct strlist  names = {0};

    (void)snprintf(b->signer, sizeof b->signer, SIGNER);
    b->sequence = 9;
    lastseen_remember(s->r, "shop", b, -1); /* not signed by who it says */
    lastseen_load(s->r, "shop", &seen);
    assert_int_equal(lastseen_sequence(&seen, SIGNER), 0);
    (void)snprintf(b->signed_by, sizeof b->signed_by, SIGNER);
    lastseen_remember(s->r, "shop", b, -1);
    b->sequence = 8;
    lastseen_remember(s->r, "shop", b, -1);
    lastseen_remember(s->r, "shop", a, -1);
    lastseen_load(s->r, "shop", &seen);
    assert_int_equal(lastseen_sequence(&seen, SIGNER), 9);
    assert_string_equal(seen.backup, b->id);
    lastseen_free(&seen);
    lastseen_databases(s->r, &names);
    assert_int_equal(names.n, 1);
    assert_string_equal(names.v[0], "shop");
    strlist_free(&names);
    label_free(a);
    label_free(b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_place_in_the_chain_survives_a_round_trip),
        cmocka_unit_test(an_older_label_has_none_and_gets_none),
        cmocka_unit_test(malformed_fields_are_named),
        cmocka_unit_test(more_heads_than_the_limit_are_refused),
        cmocka_unit_test_setup_teardown(
            a_backup_names_the_one_before_it_and_what_lost_its_successor, shop_make, shop_end),
        cmocka_unit_test_setup_teardown(what_is_left_out_are_the_oldest, shop_make, shop_end),
        cmocka_unit_test_setup_teardown(a_tombstone_keeps_the_place_of_what_expired, shop_make,
                                        shop_end),
        cmocka_unit_test_setup_teardown(
            a_newer_backup_that_is_gone_is_missed_until_a_tombstone_names_it, shop_make, shop_end),
        cmocka_unit_test_setup_teardown(another_label_under_the_id_is_missed, shop_make, shop_end),
        cmocka_unit_test_setup_teardown(garbage_in_the_memory_is_forgotten, shop_make, shop_end),
        cmocka_unit_test_setup_teardown(a_memory_that_is_too_large_is_forgotten, shop_make,
                                        shop_end),
        cmocka_unit_test_setup_teardown(only_what_goes_on_is_remembered, shop_make, shop_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
