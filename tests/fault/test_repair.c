/* repair.h: what is lost in one repository comes back from the other, to the bit, and nothing
 * else does. */
#include "tests/fault/damage.h"

#include "storage/format/chunklist.h"
#include "storage/format/chunkname.h"
#include "storage/heal/repair.h"
#include "storage/heal/scrub.h"
#include "storage/retention/prune.h"

static char *state_dir;

struct two {
    struct repo *to, *from;
    char         id[BACKUP_ID_MAX]; /* a backup that was written into both at once */
};

/* Two repositories have different keys, so that nothing has the same name in both. */
static int
backup_into_both(struct two *t)
{
    struct fanout_repo v[2] = {{.repo = t->to}, {.repo = t->from}};
    struct err         e = ERR_INIT;
    struct fanout     *f = fixture_begin(v, 2, 1, &e);
    struct manifest   *m = manifest_new();
    struct label      *l = fixture_label();

    assert_non_null(f);
    assert_ok(fixture_put(f, m, 1, &e), &e);
    assert_ok(fixture_commit(f, m, l, &e), &e);
    memcpy(t->id, v[0].label->id, sizeof t->id);
    fanout_end(f);
    manifest_free(m);
    label_free(l);
    label_free(v[0].label);
    label_free(v[1].label);
    return 0;
}

static void
bind_source(struct repo *r, uint64_t system_identifier)
{
    char               name[] = "shop";
    struct repo_source s = {
        .system_identifier = system_identifier, .database_oid = 5, .dbname = name};
    struct err e = ERR_INIT;

    assert_ok(source_bind(r, "shop", &s, true, &e), &e);
}

static int
set_up(void **state)
{
    struct two *t = xcalloc(1, sizeof *t);

    state_dir = fixture_state();
    t->to = fixture_repo_in_memory();
    t->from = fixture_repo_in_memory();
    memset(t->from->id, 'f', sizeof t->from->id - 1);
    memset(fixture_naming(t->from), 0x5a, ID_KEY);
    *state = t;
    bind_source(t->to, 1);
    bind_source(t->from, 1);
    return backup_into_both(t);
}

static int
tear_down(void **state)
{
    struct two *t = *state;

    repo_close(t->to);
    repo_close(t->from);
    free(t);
    fixture_remove(state_dir);
    return 0;
}

/* A scrub of everything, then the repair. */
static struct repair
scrub_and_repair(struct two *t)
{
    struct scrub_request  all = {.span = UINT64_MAX, .jobs = 2, .quiet = true};
    struct repair_request q = {.db = "shop", .jobs = 2, .quiet = true};
    struct scrub          s = {.repo = t->to, .db = "shop"};
    struct repair         r;
    struct err            e = ERR_INIT;

    assert_ok(scrub_run(&s, &all, &e), &e);
    scrub_free(&s);
    assert_ok(repair_run(t->to, t->from, &q, &r, &e), &e);
    return r;
}

static void
assert_good(struct two *t, bool want)
{
    struct scrub s = {.repo = t->to, .db = "shop"};
    struct err   e = ERR_INIT;

    assert_ok(scrub_judge(&s, &e), &e);
    assert_int_equal(scrub_good(&s), want);
    assert_int_equal(fixture_read(t->to, t->id, 1, &e) == 0, want);
    scrub_free(&s);
    assert_int_equal(fixture_count_keys(t->to, "shop/runs/"), 0);
}

static void
a_bad_and_a_missing_chunk_come_back(void **state)
{
    struct two   *t = *state;
    char         *bad = fixture_chunk(t->to, t->id, 1);
    char         *missing = fixture_chunk(t->to, t->id, 2);
    struct repair r;
    struct err    e = ERR_INIT;
    struct buf    raw = BUF_INIT(MIB);

    fixture_flip(t->to, bad);
    fixture_take_away(t->to, missing);
    r = scrub_and_repair(t);
    assert_int_equal(r.chunks, 2);
    assert_int_equal(r.lost, 0);
    repair_free(&r);
    assert_good(t, true);
    /* The bad one was left where it is. */
    assert_ok(storage_get(t->to->st, bad, &raw, &e), &e);
    /* A second repair has nothing to do. */
    r = scrub_and_repair(t);
    assert_int_equal(r.chunks, 0);
    repair_free(&r);
    assert_good(t, true);
    buf_free(&raw);
    free(bad);
    free(missing);
}

/* A missing chunk is healed without a scrub having seen it. */
static void
what_no_scrub_saw_is_healed_too(void **state)
{
    struct two           *t = *state;
    struct repair_request q = {.db = "shop", .jobs = 1, .quiet = true};
    char                 *missing = fixture_chunk(t->to, t->id, 0);
    struct repair         r;
    struct err            e = ERR_INIT;

    fixture_take_away(t->to, missing);
    assert_ok(repair_run(t->to, t->from, &q, &r, &e), &e);
    assert_int_equal(r.chunks, 1);
    repair_free(&r);
    assert_good(t, true);
    free(missing);
}

/* Compresses text in the place of what a label names, and notes size and digest. */
static void
rewrite_part(struct repo *r, const char *key, const struct buf *text, uint64_t *size,
             char *sha256_out)
{
    struct codec *codec = codec_new(CODEC_DEFAULT);
    struct buf    stored = BUF_INIT(MIB);
    struct err    e = ERR_INIT;

    assert_ok(codec_compress(codec, text->data, text->len, &stored, &e), &e);
    *size = stored.len;
    sha256_hex(stored.data, stored.len, sha256_out);
    fixture_replace(r, key, stored.data, stored.len);
    buf_free(&stored);
    codec_free(codec);
}

/* Another manifest for a backup: manifest, chunk list and label say the same again. */
static void
rewrite(struct repo *r, struct label *l, const struct manifest *m)
{
    struct buf text = BUF_INIT(MIB);
    struct err e = ERR_INIT;
    char      *key[3] = {backup_key("shop", l->id, "manifest.json.zst"),
                         backup_key("shop", l->id, "chunks.zst"),
                         backup_key("shop", l->id, "label.json")};

    assert_ok(manifest_format(m, &text, &e), &e);
    l->manifest_raw_size = text.len;
    sha256_hex(text.data, text.len, l->manifest_raw_sha256);
    rewrite_part(r, key[0], &text, &l->manifest_size, l->manifest_sha256);
    buf_clear(&text);
    assert_ok(chunk_list_format(m->chunks, m->n_chunks, &text, &e), &e);
    l->chunks_raw_size = text.len;
    rewrite_part(r, key[1], &text, &l->chunks_size, l->chunks_sha256);
    buf_clear(&text);
    assert_ok(label_format(l, &text, &e), &e);
    fixture_replace(r, key[2], text.data, text.len);
    for (size_t i = 0; i < 3; i++) {
        free(key[i]);
    }
    buf_free(&text);
}

/* The other repository has the rows as other bytes: found by their place in the same backup. */
static void
contents_compressed_otherwise_are_found_by_their_place(void **state)
{
    struct two      *t = *state;
    struct err       e = ERR_INIT;
    struct label    *l = label_load(t->from, "shop", t->id, &e);
    struct manifest *m = manifest_load(t->from, l, &e);
    char             plain[FIXTURE_CHUNK_BYTES];
    char            *key;
    char            *lost = fixture_chunk(t->to, t->id, 3);
    struct repair    r;

    /* Its chunk 3 becomes an uncompressed one, in manifest, chunk list and label. */
    fixture_fill(1, 3, plain);
    m->chunks[3].name.codec = CODEC_NONE;
    sha256(plain, sizeof plain, m->chunks[3].name.sha256);
    key = chunk_key("shop", &m->chunks[3].name);
    assert_ok(storage_put(t->from->st, key, plain, sizeof plain, &e), &e);
    m->chunks[3].size = sizeof plain;
    rewrite(t->from, l, m);
    fixture_flip(t->to, lost);
    r = scrub_and_repair(t);
    assert_int_equal(r.chunks, 1);
    repair_free(&r);
    assert_good(t, true);
    free(key);
    free(lost);
    manifest_free(m);
    label_free(l);
}

static void
what_the_other_lacks_or_has_bad_itself_stays_lost(void **state)
{
    struct two   *t = *state;
    char         *here = fixture_chunk(t->to, t->id, 1);
    char         *there = fixture_chunk(t->from, t->id, 1);
    struct repair r;

    fixture_take_away(t->to, here);
    fixture_flip(t->from, there);
    r = scrub_and_repair(t);
    assert_int_equal(r.chunks, 0);
    assert_int_equal(r.lost, 1);
    repair_free(&r);
    assert_good(t, false);
    free(here);
    free(there);
}

static void
lists_are_made_again_to_the_bit(void **state)
{
    static const char *const objects[] = {"chunks.zst", "manifest.json.zst"};
    struct two              *t = *state;

    for (size_t i = 0; i < 2; i++) {
        for (int missing = 0; missing < 2; missing++) {
            char         *key = backup_key("shop", t->id, objects[i]);
            struct buf    before = BUF_INIT(MIB);
            struct buf    after = BUF_INIT(MIB);
            struct repair r;

            fixture_get(t->to, key, &before);
            if (missing == 1) {
                fixture_take_away(t->to, key);
            } else {
                fixture_flip(t->to, key);
            }
            r = scrub_and_repair(t);
            assert_int_equal(r.lists, 1);
            assert_int_equal(r.failed.n, 0);
            repair_free(&r);
            fixture_get(t->to, key, &after);
            assert_int_equal(before.len, after.len);
            assert_memory_equal(before.data, after.data, after.len);
            assert_good(t, true);
            buf_free(&before);
            buf_free(&after);
            free(key);
        }
    }
}

/* The label is bad or gone, or chunk list and manifest both: the backup comes back as a copy. */
static void
a_backup_of_which_too_little_is_left_is_copied(void **state)
{
    struct two *t = *state;

    for (int i = 0; i < 3; i++) {
        char         *label = backup_key("shop", t->id, "label.json");
        char         *list = backup_key("shop", t->id, "chunks.zst");
        char         *manifest = backup_key("shop", t->id, "manifest.json.zst");
        struct repair r;

        if (i == 0) {
            fixture_flip(t->to, list);
            fixture_take_away(t->to, manifest);
        } else if (i == 1) {
            fixture_cut(t->to, label);
        } else {
            fixture_take_away(t->to, label);
        }
        r = scrub_and_repair(t);
        assert_int_equal(r.failed.n, 0);
        assert_int_equal(r.backups, 1);
        repair_free(&r);
        assert_good(t, true);
        free(label);
        free(list);
        free(manifest);
    }
}

/* The repository's own bytes, elsewhere: the very label comes back. */
static void
a_mirror_gives_the_label_back(void **state)
{
    struct two    *t = *state;
    struct repo   *mirror = fixture_repo_in_memory();
    struct repo   *from = t->from;
    struct strlist keys = fixture_keys_with(t->to, "", "shop/");
    char          *label = backup_key("shop", t->id, "label.json");
    struct buf     before = BUF_INIT(MIB);
    struct buf     after = BUF_INIT(MIB);
    struct repair  r;
    struct err     e = ERR_INIT;

    for (size_t i = 0; i < keys.n; i++) {
        fixture_get(t->to, keys.v[i], &before);
        assert_ok(storage_put(mirror->st, keys.v[i], before.data, before.len, &e), &e);
    }
    fixture_get(t->to, label, &before);
    fixture_flip(t->to, label);
    fixture_cut(t->to, label);
    t->from = mirror;
    r = scrub_and_repair(t);
    t->from = from;
    assert_int_equal(r.backups, 1);
    repair_free(&r);
    fixture_get(t->to, label, &after);
    assert_int_equal(before.len, after.len);
    assert_memory_equal(before.data, after.data, after.len);
    assert_good(t, true);
    strlist_free(&keys);
    buf_free(&before);
    buf_free(&after);
    free(label);
    repo_close(mirror);
}

/* The name belongs to another database there: nothing of what is left here gives way. */
static void
another_database_of_that_name_is_no_source_of_a_copy(void **state)
{
    struct two   *t = *state;
    char         *label = backup_key("shop", t->id, "label.json");
    struct repair r;

    fixture_cut(t->to, label);
    bind_source(t->from, 2);
    r = scrub_and_repair(t);
    assert_int_equal(r.failed.n, 1);
    assert_non_null(strstr(r.failed.v[0], "another database"));
    repair_free(&r);
    assert_int_equal(fixture_count(t->to, BACKUP_DAMAGED), 1);
    free(label);
}

static void
what_the_other_does_not_hold_whole_is_left_as_it_is(void **state)
{
    struct two   *t = *state;
    char         *label = backup_key("shop", t->id, "label.json");
    char         *manifest = backup_key("shop", t->id, "manifest.json.zst");
    struct repair r;

    fixture_take_away(t->to, manifest);
    fixture_flip(t->from, manifest);
    r = scrub_and_repair(t);
    assert_int_equal(r.failed.n, 1);
    assert_non_null(strstr(r.failed.v[0], "manifest"));
    repair_free(&r);
    fixture_cut(t->to, label);
    r = scrub_and_repair(t);
    assert_int_equal(r.failed.n, 1);
    assert_non_null(strstr(r.failed.v[0], "label"));
    repair_free(&r);
    assert_int_equal(fixture_count(t->to, BACKUP_DAMAGED), 1);
    free(label);
    free(manifest);
}

/* ---- a prune at work meanwhile ---- */

static struct two               *meanwhile;
static const struct storage_ops *inner_ops;

/* Just before the prune lists the chunks, a scrub condemns, a repair heals and ends. */
static int
list_but_heal(struct storage *st, const char *prefix, storage_list_fn *fn, void *ctx, struct err *e)
{
    if (meanwhile != NULL && strncmp(prefix, "shop/chunks/", strlen("shop/chunks/")) == 0) {
        struct two   *t = meanwhile;
        struct repair r;

        meanwhile = NULL;
        r = scrub_and_repair(t);
        assert_int_equal(r.chunks, 1);
        repair_free(&r);
    }
    return inner_ops->list(st, prefix, fn, ctx, e);
}

static void
what_is_healed_while_a_prune_runs_stays(void **state)
{
    struct two          *t = *state;
    struct storage_ops   ops = *t->to->st->ops;
    struct prune_request q = {.db = "shop"};
    struct prune_result  out;
    struct err           e = ERR_INIT;
    char                *bad = fixture_chunk(t->to, t->id, 1);

    fixture_flip(t->to, bad);
    meanwhile = t;
    inner_ops = t->to->st->ops;
    ops.list = list_but_heal;
    t->to->st->ops = &ops;
    assert_ok(prune_run(t->to, &q, &out, &e), &e);
    t->to->st->ops = inner_ops;
    assert_null(meanwhile);
    prune_result_free(&out);
    assert_good(t, true);
    /* And a later prune leaves it alone too. */
    assert_ok(prune_run(t->to, &q, &out, &e), &e);
    prune_result_free(&out);
    assert_good(t, true);
    free(bad);
}

/* ---- what must not be touched ---- */

static const struct storage_ops *real_ops;
static const char               *spoilt_key; /* bad at its first reading: */
static size_t                    spoilt_at;  /* at this share of 64 of its length */
static const char               *refused;    /* no object with this in its key can be put */
static unsigned                  removed;    /* labels, chunk lists and manifests */

static int
get_badly_once(struct storage *st, const char *key, struct buf *out, struct err *e)
{
    int rc = real_ops->get(st, key, out, e);

    if (rc == 0 && spoilt_key != NULL && strcmp(key, spoilt_key) == 0) {
        out->data[out->len * spoilt_at / 64] ^= 1;
        spoilt_key = NULL;
    }
    return rc;
}

static int
put_or_refuse(struct storage *st, const char *key, const struct blob *blob, struct err *e)
{
    return refused != NULL && strstr(key, refused) != NULL ? err_set(e, ERR_IO, "no space left")
                                                           : real_ops->put(st, key, blob, e);
}

static int
count_removed(struct storage *st, const char *const *keys, size_t n, struct err *e)
{
    for (size_t i = 0; i < n; i++) {
        removed += strstr(keys[i], "/backups/") != NULL;
    }
    return real_ops->remove(st, keys, n, e);
}

static int
repair_with(struct two *t, const char *spoilt, const char *refuse, struct repair *out,
            struct err *e)
{
    struct repair_request q = {.db = "shop", .jobs = 1, .quiet = true};
    struct storage_ops    ops = *t->to->st->ops;
    int                   rc;

    real_ops = t->to->st->ops;
    ops.get = get_badly_once;
    ops.put = put_or_refuse;
    ops.remove = count_removed;
    spoilt_key = spoilt;
    refused = refuse;
    removed = 0;
    t->to->st->ops = &ops;
    rc = repair_run(t->to, t->from, &q, out, e);
    t->to->st->ops = real_ops;
    assert_null(spoilt_key);
    return rc;
}

static void
what_is_bad_at_one_reading_only_stays(void **state)
{
    static const char *const objects[] = {"label.json", "chunks.zst", "manifest.json.zst"};
    struct two              *t = *state;

    for (size_t i = 0; i < 64 * sizeof objects / sizeof objects[0]; i++) {
        char         *key = backup_key("shop", t->id, objects[i / 64]);
        struct repair r;
        struct err    e = ERR_INIT;

        spoilt_at = i % 64; /* a label may be readable all the same, and say something else */

        assert_ok(repair_with(t, key, NULL, &r, &e), &e);
        assert_int_equal(removed, 0);
        assert_int_equal(r.lists + r.backups + r.failed.n, 0);
        repair_free(&r);
        assert_good(t, true);
        free(key);
    }
}

/* Whatever a newer program means by it: this one can only make it worse. */
static void
what_a_newer_program_wrote_stays(void **state)
{
    static const char label[] = "{\"format\":1,\"needs\":[\"telepathy\"],\"type\":\"label\"}\n";
    struct two       *t = *state;
    char             *key = backup_key("shop", t->id, "label.json");
    struct repair     r;
    struct err        e = ERR_INIT;

    fixture_replace(t->to, key, label, sizeof label - 1);
    assert_ok(repair_with(t, NULL, NULL, &r, &e), &e);
    assert_int_equal(removed, 0);
    assert_int_equal(r.backups, 0);
    assert_int_equal(r.failed.n, 1);
    assert_non_null(strstr(r.failed.v[0], "needs \"telepathy\""));
    repair_free(&r);
    free(key);
}

/* What is left gives way only when all of the copy but its label stands. */
static void
a_copy_that_fails_takes_nothing_away(void **state)
{
    struct two   *t = *state;
    char         *list = backup_key("shop", t->id, "chunks.zst");
    char         *manifest = backup_key("shop", t->id, "manifest.json.zst");
    struct repair r;
    struct err    e = ERR_INIT;

    fixture_flip(t->to, list);
    fixture_take_away(t->to, manifest);
    assert_int_equal(repair_with(t, NULL, "/manifest-", &r, &e), -1);
    assert_err(&e, ERR_IO, "no space left");
    assert_int_equal(removed, 0);
    repair_free(&r);
    assert_int_equal(fixture_count(t->to, BACKUP_DAMAGED), 1);
    assert_ok(repair_with(t, NULL, NULL, &r, &e), &e);
    assert_int_equal(r.backups, 1);
    repair_free(&r);
    assert_good(t, true);
    free(list);
    free(manifest);
}

#define REPAIR_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        REPAIR_TEST(a_bad_and_a_missing_chunk_come_back),
        REPAIR_TEST(what_no_scrub_saw_is_healed_too),
        REPAIR_TEST(contents_compressed_otherwise_are_found_by_their_place),
        REPAIR_TEST(what_the_other_lacks_or_has_bad_itself_stays_lost),
        REPAIR_TEST(lists_are_made_again_to_the_bit),
        REPAIR_TEST(a_backup_of_which_too_little_is_left_is_copied),
        REPAIR_TEST(a_mirror_gives_the_label_back),
        REPAIR_TEST(another_database_of_that_name_is_no_source_of_a_copy),
        REPAIR_TEST(what_the_other_does_not_hold_whole_is_left_as_it_is),
        REPAIR_TEST(what_is_healed_while_a_prune_runs_stays),
        REPAIR_TEST(what_is_bad_at_one_reading_only_stays),
        REPAIR_TEST(what_a_newer_program_wrote_stays),
        REPAIR_TEST(a_copy_that_fails_takes_nothing_away),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
