/* Encrypted repositories: who reads, who writes, what is reused, what is copied and healed, and
 * what a swapped key is good for. */
#include "tests/fault/encrypted.h"

#include "core/enc.h"
#include "storage/heal/copy.h"
#include "storage/heal/repair.h"
#include "storage/heal/scrub.h"
#include "storage/repo/readers.h"
#include "tests/support/drivers.h"

/* ---- who reads ---- */

static void
each_reader_reads_and_nobody_else(void **state)
{
    struct repo *r = new_encrypted();
    struct repo *other;
    char         id[BACKUP_ID_MAX];

    (void)state;
    (void)back_up(r, 1, id);
    assert_unread(r, id, ERR_AUTH, "this host has no key to read it with");
    for (int i = OPS; i <= ESCROW; i++) {
        other = open_clone(r, OPTIONS(cast.identity[i]));
        assert_reads(other, id, 1);
        repo_close(other);
    }
    other = open_clone(r, OPTIONS(cast.identity[MALLORY]));
    assert_unread(other, id, ERR_AUTH, "is not among those who can read it");
    repo_close(other);
    repo_close(r);
}

/* Several identities: the one that fits is found. */
static void
of_several_identities_one_is_enough(void **state)
{
    struct repo *r = new_encrypted();
    struct repo *other;
    char         id[BACKUP_ID_MAX];
    char        *both = xasprintf("identity=%s/mallory, %s/escrow", cast.dir, cast.dir);

    (void)state;
    (void)back_up(r, 1, id);
    other = open_clone(r, OPTIONS(both));
    assert_reads(other, id, 1);
    repo_close(other);
    repo_close(r);
    free(both);
}

/* Also when what was given to the first of them is damaged. */
static void
of_several_readers_one_whole_box_is_enough(void **state)
{
    struct repo *r = new_encrypted();
    struct repo *other;
    json_t      *o = get_json(r, "keys.1.1.json");
    json_t      *ops = json_array_get(json_object_get(o, "readers"), 0);
    char        *box = xstrdup(json_opt_str(ops, "box", ""));
    char        *both = xasprintf("identity=%s/ops,%s/escrow", cast.dir, cast.dir);
    char         id[BACKUP_ID_MAX];

    (void)state;
    assert_string_equal(json_opt_str(ops, "key", ""), cast.keys[OPS].pub.id);
    (void)back_up(r, 1, id);
    box[100] = box[100] == '0' ? '1' : '0';
    (void)json_object_set_new(ops, "box", json_string(box));
    put_json(r, "keys.1.1.json", o);
    other = open_clone(r, OPTIONS(cast.identity[OPS]));
    assert_unread(other, id, ERR_CORRUPT, "keys of epoch 1 for key");
    repo_close(other);
    other = open_clone(r, OPTIONS(both));
    assert_reads(other, id, 1);
    repo_close(other);
    repo_close(r);
    free(box);
    free(both);
}

static bool
anywhere(struct repo *r, const char *text)
{
    struct strlist keys = fixture_keys_with(r, "", "");
    struct buf     b = BUF_INIT(BUF_NO_LIMIT);
    bool           found = false;

    for (size_t i = 0; i < keys.n; i++) {
        fixture_get(r, keys.v[i], &b);
        found = found || memmem(b.data, b.len, text, strlen(text)) != NULL ||
            strstr(keys.v[i], text) != NULL;
    }
    strlist_free(&keys);
    buf_free(&b);
    return found;
}

/* A backup whose every text is a word to look for. */
static struct label *
back_up_words(struct repo *r, char *id)
{
    struct fanout_repo    to = {.repo = r};
    struct fanout_options o = {.db = "shop", .codec = {CODEC_NONE, 0}, .workers = 1};
    struct err            e = ERR_INIT;
    struct fanout        *f = fanout_begin(&to, 1, &o, &e);
    struct manifest      *m = manifest_new();
    struct label         *l = fixture_label();

    assert_non_null(f);
    l->note = xstrdup("zebra-note");
    l->host = xstrdup("zebra-host");
    l->selection = xstrdup("zebra-selection");
    strlist_add(&l->warnings, "zebra-warning");
    assert_ok(fixture_put(f, m, 1, &e), &e);
    strlist_add(&m->warnings, "zebra-manifest");
    assert_ok(fixture_commit(f, m, l, &e), &e);
    fanout_end(f);
    manifest_free(m);
    label_free(l);
    memcpy(id, to.label->id, BACKUP_ID_MAX);
    return to.label;
}

static void
what_is_nobodys_business_stands_nowhere(void **state)
{
    static const char *const words[] = {"zebra", "events", "1 of 1", "0 of 0", "bcdefgh"};
    struct repo             *r = new_encrypted();
    struct repo             *plain = fixture_repo_number(3);
    struct err               e = ERR_INIT;
    char                     id[BACKUP_ID_MAX];
    struct label            *l;

    (void)state;
    label_free(back_up_words(plain, id));
    label_free(back_up_words(r, id));
    assert_true(anywhere(plain, "zebra"));
    assert_true(anywhere(plain, "1 of 1"));
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        assert_false(anywhere(r, words[i]));
    }
    l = label_load(r, "shop", id, &e);
    assert_non_null(l);
    assert_true(l->encrypted && l->note == NULL && l->host == NULL && l->selection == NULL &&
                l->warnings.n == 0);
    label_free(l);
    r = reopen(r, OPTIONS(cast.identity[OPS]));
    l = label_load(r, "shop", id, &e);
    assert_non_null(l);
    assert_string_equal(l->note, "zebra-note");
    assert_string_equal(l->host, "zebra-host");
    assert_string_equal(l->selection, "zebra-selection");
    assert_string_equal(l->warnings.v[0], "zebra-warning");
    label_free(l);
    repo_close(plain);
    repo_close(r);
}

/* Bytes that do not get smaller. */
static void
fill_noise(uint8_t *out, size_t n)
{
    uint64_t x = 88172645463325252u;

    for (size_t i = 0; i < n; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        out[i] = (uint8_t)(x >> 32);
    }
}

/* The largest chunk there can be. */
static void
a_chunk_of_the_greatest_size_comes_back(void **state)
{
    struct repo            *r = new_encrypted();
    struct fanout_repo      to = {.repo = r};
    struct fanout_options   o = {.db = "shop", .codec = CODEC_DEFAULT, .workers = 1};
    struct err              e = ERR_INIT;
    struct fanout          *f = fanout_begin(&to, 1, &o, &e);
    struct manifest        *m = manifest_new();
    struct label           *l = fixture_label();
    struct manifest_table  *t = manifest_add_table(m);
    struct manifest_segment s = {.length = CHUNK_RAW_MAX};
    struct chunk_number     chunk;
    uint8_t                *raw = xmalloc(CHUNK_RAW_MAX);
    struct buf              out = BUF_INIT(CHUNK_RAW_MAX);

    (void)state;
    fill_noise(raw, CHUNK_RAW_MAX);
    t->schema = xstrdup("public");
    t->name = xstrdup("noise");
    t->kind = 'r';
    t->persistence = 'p';
    t->ranges = xcalloc(1, sizeof *t->ranges);
    t->n_ranges = t->cap_ranges = 1;
    t->bytes = CHUNK_RAW_MAX;
    assert_ok(fanout_put(f, 0, raw, CHUNK_RAW_MAX, &chunk, &e), &e);
    s.chunk = manifest_add_chunk(m, chunk);
    segment_add(&t->ranges[0].segments, &t->ranges[0].n, &t->ranges[0].cap, &s);
    assert_ok(fixture_commit(f, m, l, &e), &e);
    fanout_end(f);
    manifest_free(m);
    r = reopen(r, OPTIONS(cast.identity[OPS]));
    m = manifest_load(r, to.label, &e);
    assert_non_null(m);
    assert_ok(segments_read(r, "shop", m, m->tables[0].ranges[0].segments, 1, &out, &e), &e);
    assert_int_equal(out.len, CHUNK_RAW_MAX);
    assert_memory_equal(out.data, raw, CHUNK_RAW_MAX);
    manifest_free(m);
    label_free(l);
    label_free(to.label);
    buf_free(&out);
    free(raw);
    repo_close(r);
}

/* ---- what is reused ---- */

static void
within_an_epoch_what_is_there_is_used_again(void **state)
{
    struct repo        *r = new_encrypted();
    struct writer_stats s;
    char                id[2][BACKUP_ID_MAX];

    (void)state;
    assert_int_equal(back_up(r, 1, id[0]).new_chunks, FIXTURE_CHUNKS);
    s = back_up(r, 2, id[1]);
    assert_int_equal(s.reused_chunks, 1); /* the first chunk is the same in all backups */
    assert_int_equal(back_up(r, 1, NULL).new_chunks,
                     FIXTURE_CHUNKS - 1); /* of those that the newest list holds */
    r = reopen(r, OPTIONS(cast.identity[ESCROW]));
    assert_reads(r, id[0], 1);
    assert_reads(r, id[1], 2);
    repo_close(r);
}

static struct repo *
next_epoch(struct repo *r, const char *drop, options o)
{
    struct err e = ERR_INIT;

    assert_ok(readers_next_epoch(r, drop, &e), &e);
    return reopen(r, o);
}

static void
a_plain_repository_is_turned_into_an_encrypted_one(void **state)
{
    struct repo        *r = fixture_repo_number(4);
    struct writer_stats s;
    char                plain[BACKUP_ID_MAX];
    char                sealed[BACKUP_ID_MAX];
    struct strlist      keys;

    (void)state;
    (void)back_up(r, 1, plain);
    r = reopen(r, OPTIONS(cast.encrypt_to_both));
    assert_refused(r, ERR_AUTH,
                   "the repository is not encrypted, and this host must encrypt (encrypt-to)");
    r = next_epoch(r, NULL, OPTIONS(cast.encrypt_to_both));
    assert_int_equal(r->epoch, 2);
    s = back_up(r, 1, sealed);
    assert_int_equal(s.new_chunks, FIXTURE_CHUNKS);
    assert_int_equal(s.reused_chunks, 0);
    keys = fixture_keys_with(r, "shop/chunks/2/", ".zst.enc");
    assert_int_equal(keys.n, FIXTURE_CHUNKS);
    strlist_free(&keys);
    assert_int_equal(fixture_count_keys(r, "shop/chunks/2/"), FIXTURE_CHUNKS);
    assert_int_equal(fixture_count(r, BACKUP_COMMITTED), 2);
    assert_reads(r, plain, 1); /* nobody needs a key for it */
    assert_unread(r, sealed, ERR_AUTH, "it is encrypted (epoch 2)");
    r = reopen(r, OPTIONS(cast.identity[OPS]));
    assert_reads(r, plain, 1);
    assert_reads(r, sealed, 1);
    repo_close(r);
}

static void
in_a_new_epoch_nothing_is_used_again(void **state)
{
    struct repo        *r = new_encrypted();
    struct repo        *other;
    struct writer_stats s;
    char                id[2][BACKUP_ID_MAX];
    struct err          e = ERR_INIT;
    unsigned            done;

    (void)state;
    (void)back_up(r, 1, id[0]);
    r = next_epoch(r, cast.keys[ESCROW].pub.id, OPTIONS(NULL));
    s = back_up(r, 1, id[1]);
    assert_int_equal(s.new_chunks, FIXTURE_CHUNKS);
    assert_int_equal(s.reused_chunks, 0);
    other = open_clone(r, OPTIONS(cast.identity[OPS]));
    assert_reads(other, id[0], 1);
    assert_reads(other, id[1], 1);
    repo_close(other);
    other = open_clone(r, OPTIONS(cast.identity[ESCROW]));
    assert_reads(other, id[0], 1);
    assert_unread(other, id[1], ERR_AUTH, "is not among those who can read it");
    repo_close(other);
    /* He is made a reader again by one who is, and reads both. */
    r = reopen(r, OPTIONS(cast.identity[OPS]));
    assert_ok(readers_add(r, EPOCH_READER, &cast.keys[ESCROW].pub, &done, &e), &e);
    assert_int_equal(done, 2);
    r = reopen(r, OPTIONS(cast.identity[ESCROW]));
    assert_reads(r, id[1], 1);
    repo_close(r);
}

/* Else the next backup of this host would fail, in a repository that is half changed. */
static void
an_epoch_that_this_host_could_not_remember_is_not_begun(void **state)
{
    struct repo       *r = new_encrypted();
    struct err         e = ERR_INIT;
    char              *dir = xstrdup(getenv("PGASSAY_STATE_DIR"));
    struct object_info info;

    (void)state;
    assert_int_equal(setenv("PGASSAY_STATE_DIR", "/proc/nothing", 1), 0);
    assert_int_equal(readers_next_epoch(r, NULL, &e), -1);
    assert_non_null(strstr(e.text, "could not remember the keys of epoch 2"));
    assert_int_equal(setenv("PGASSAY_STATE_DIR", dir, 1), 0);
    assert_int_equal(storage_head(r->st, "keys.2.1.json", &info, &e), -1);
    assert_int_equal(storage_head(r->st, "repo.2.json", &info, &e), -1);
    err_clear(&e);
    assert_ok(readers_next_epoch(r, NULL, &e), &e);
    free(dir);
    repo_close(r);
}

static void
the_last_reader_cannot_be_removed(void **state)
{
    struct repo *r = new_encrypted();
    struct err   e = ERR_INIT;
    unsigned     done;

    (void)state;
    assert_ok(readers_remove(r, cast.keys[OPS].pub.id, false, &done, &e), &e);
    assert_int_equal(readers_remove(r, cast.keys[ESCROW].pub.id, false, &done, &e), -1);
    assert_err(&e, ERR_USAGE, "is the last that can read epoch 1");
    /* Who is revoked stays where nobody else could read. */
    err_clear(&e);
    assert_ok(readers_remove(r, cast.keys[ESCROW].pub.id, true, &done, &e), &e);
    err_clear(&e);
    assert_int_equal(readers_remove(r, cast.keys[MALLORY].pub.id, false, &done, &e), -1);
    assert_err(&e, ERR_NOT_FOUND, "no reader or writer has key");
    repo_close(r);
}

/* ---- who writes, and to whom ---- */

static void
a_host_that_nothing_vouches_for_writes_nothing(void **state)
{
    struct repo *r = new_encrypted();
    struct err   e = ERR_INIT;
    size_t       before = fixture_count_keys(r, "");

    (void)state;
    on_host(1);
    r = reopen(r, OPTIONS(NULL));
    assert_refused(r, ERR_AUTH, "nothing vouches on this host");
    assert_int_equal(fixture_count_keys(r, ""), before);
    /* With a reader's key once, and from then on without. */
    r = reopen(r, OPTIONS(cast.identity[OPS]));
    assert_ok(keyring_trust(r->keys, 1, &e), &e);
    r = reopen(r, OPTIONS(NULL));
    (void)back_up(r, 1, NULL);
    repo_close(r);
}

static void
a_writer_writes_by_what_an_admin_signed(void **state)
{
    struct repo *r = new_encrypted_as(OPTIONS(cast.sign_key[ADMIN], cast.trust_admin));
    struct err   e = ERR_INIT;
    char         id[BACKUP_ID_MAX];
    unsigned     done;

    (void)state;
    on_host(1);
    r = reopen(r, OPTIONS(cast.sign_key[HOST], cast.trust_admin));
    assert_refused(r, ERR_AUTH, "nothing vouches on this host");
    on_host(0);
    r = reopen(r, OPTIONS(cast.sign_key[ADMIN], cast.trust_admin));
    assert_ok(readers_add(r, EPOCH_WRITER, &cast.keys[HOST].pub, &done, &e), &e);
    on_host(1);
    /* A writer's key is enough only with whom an admin's signature says something to. */
    r = reopen(r, OPTIONS(cast.sign_key[HOST]));
    assert_refused(r, ERR_AUTH, "nothing vouches on this host");
    r = reopen(r, OPTIONS(cast.sign_key[HOST], cast.trust_admin));
    (void)back_up(r, 1, id);
    assert_unread(r, id, ERR_AUTH, "no key to read it with");
    r = reopen(r, OPTIONS(cast.identity[OPS]));
    assert_reads(r, id, 1);
    repo_close(r);
}

/* Whoever can write to the bucket makes an epoch of his own under the same number. */
static struct storage *
swap_epoch(const struct repo *r, unsigned number)
{
    struct epoch      made;
    struct epoch_plan plan = {
        .number = number, .readers = &cast.keys[MALLORY].pub, .n_readers = 1, .made = &made};
    struct storage *st = clone_storage(r->st);
    json_t         *o = json_deep_copy(r->object);
    struct err      e = ERR_INIT;
    char            key[32];

    on_host(1);
    if (number == r->epoch) {
        (void)json_object_del(o, "epochs");
    }
    for (unsigned i = 1; i < 4; i++) {
        const char *gone = key;

        (void)snprintf(key, sizeof key, "keys.%u.%u.json", number, i);
        assert_ok(storage_remove(st, &gone, 1, &e), &e);
    }
    assert_ok(epoch_begin((struct signed_store){.st = st}, o, &plan, &e), &e);
    epoch_deinit(&made);
    (void)snprintf(key, sizeof key, "repo.%u.json", r->generation + 1);
    assert_ok(object_put((struct signed_store){.st = st}, key, o, &e), &e);
    json_decref(o);
    on_host(0);
    return st;
}

static void
another_key_under_the_same_number_is_refused(void **state)
{
    struct repo *r = new_encrypted();
    struct repo *swapped = open_storage(swap_epoch(r, 1), OPTIONS(NULL));
    size_t       before = fixture_count_keys(swapped, "");

    (void)state;
    assert_refused(swapped, ERR_AUTH, "is not the one that this host knows");
    assert_int_equal(fixture_count_keys(swapped, ""), before);
    /* Nor is an epoch that comes next: nobody vouches for it. */
    repo_close(swapped);
    swapped = open_storage(swap_epoch(r, 2), OPTIONS(NULL));
    assert_refused(swapped, ERR_AUTH, "nothing vouches on this host for the key that epoch 2");
    repo_close(swapped);
    swapped = open_storage(swap_epoch(r, 2), OPTIONS(cast.encrypt_to_both));
    assert_refused(swapped, ERR_AUTH, "can read new backups, and encrypt-to does not name it");
    repo_close(swapped);
    repo_close(r);
}

static void
an_unsigned_epoch_is_passed_over(void **state)
{
    struct repo *r = new_encrypted_as(OPTIONS(cast.sign_key[ADMIN], cast.trust_admin));
    struct repo *swapped = open_storage(swap_epoch(r, 2),
                                        OPTIONS(cast.sign_key[ADMIN], cast.trust_admin));
    char         id[BACKUP_ID_MAX];

    (void)state;
    assert_int_equal(swapped->epoch, 1);
    (void)back_up(swapped, 1, id);
    swapped = reopen(swapped, OPTIONS(cast.identity[OPS], cast.trust_admin));
    assert_reads(swapped, id, 1);
    repo_close(swapped);
    repo_close(r);
}

static void
going_back_to_an_earlier_epoch_is_refused(void **state)
{
    struct repo *r = new_encrypted();
    char         key[32];

    (void)state;
    r = next_epoch(r, NULL, OPTIONS(NULL));
    (void)snprintf(key, sizeof key, "repo.%u.json", r->generation);
    fixture_take_away(r, key);
    r = reopen(r, OPTIONS(NULL));
    assert_int_equal(r->epoch, 1);
    assert_refused(r, ERR_AUTH, "the repository is in epoch 1, and this host has known epoch 2");
    repo_close(r);
}

/* The same id, and keys for all to see. */
static struct repo *
turn_plain(struct repo *r, int epoch)
{
    json_t *o = json_deep_copy(r->object);
    char    hex[65];
    char    key[32];

    (void)json_object_del(o, "epochs");
    (void)json_object_set_new(o, "needs", json_array());
    (void)json_object_set_new(o, "epoch", json_integer(epoch));
    random_hex(32, hex);
    (void)json_object_set_new(o, "id_key", json_string(hex));
    random_hex(16, hex);
    (void)json_object_set_new(o, "fingerprint_key", json_string(hex));
    (void)snprintf(key, sizeof key, "repo.%u.json", r->generation + 1);
    put_json(r, key, o);
    return reopen(r, OPTIONS(NULL));
}

static void
encryption_that_is_turned_off_is_noticed(void **state)
{
    struct repo *r = new_encrypted();
    struct repo *plain = turn_plain(open_clone(r, OPTIONS(NULL)), 1);

    (void)state;
    assert_refused(plain, ERR_AUTH,
                   "is not encrypted in epoch 1, and this host has known epoch 1, which was");
    plain = reopen(plain, OPTIONS("must-encrypt=yes"));
    assert_refused(plain, ERR_AUTH, "this host must encrypt (must-encrypt)");
    repo_close(plain);
    plain = turn_plain(open_clone(r, OPTIONS(NULL)), 2);
    assert_refused(plain, ERR_AUTH,
                   "is not encrypted in epoch 2, and this host has known epoch 1, which was");
    repo_close(plain);
    repo_close(r);
}

static void
pins_are_insisted_on(void **state)
{
    struct repo *r = new_encrypted();
    struct err   e = ERR_INIT;
    char        *right = xasprintf("repo-id=%s", r->id);
    unsigned     done;

    (void)state;
    assert_null(
        try_open(clone_storage(r->st), OPTIONS("repo-id=00000000000000000000000000000000"), &e));
    assert_err(&e, ERR_AUTH,
               "and the configuration says 00000000000000000000000000000000 (repo-id)");
    r = reopen(r, OPTIONS(right, "must-encrypt=yes", cast.encrypt_to_both));
    (void)back_up(r, 1, NULL);
    r = reopen(r, OPTIONS(cast.encrypt_to[OPS]));
    assert_refused(r, ERR_AUTH, "(escrow) can read new backups, and encrypt-to does not name it");
    assert_ok(readers_remove(r, cast.keys[ESCROW].pub.id, false, &done, &e), &e);
    r = reopen(r, OPTIONS(cast.encrypt_to[OPS]));
    (void)back_up(r, 1, NULL);
    r = reopen(r, OPTIONS(cast.encrypt_to_both));
    assert_refused(r, ERR_AUTH, "(escrow) of encrypt-to cannot read new backups");
    repo_close(r);
    free(right);
}

/* ---- lost and replayed key objects ---- */

static void
the_copy_beside_a_backup_stands_in_for_a_lost_key_object(void **state)
{
    struct repo *r = new_encrypted();
    struct err   e = ERR_INIT;
    char         id[2][BACKUP_ID_MAX];
    char        *copy;

    (void)state;
    (void)back_up(r, 1, id[0]);
    fixture_take_away(r, "keys.1.1.json");
    r = reopen(r, OPTIONS(NULL));
    (void)back_up(r, 2, id[1]); /* which keeps a copy, too */
    r = reopen(r, OPTIONS(cast.identity[OPS]));
    assert_reads(r, id[0], 1);
    assert_reads(r, id[1], 2);
    for (int i = 0; i < 2; i++) {
        copy = backup_key("shop", id[i], "keys.json");
        fixture_take_away(r, copy);
        free(copy);
    }
    r = reopen(r, OPTIONS(cast.identity[OPS]));
    assert_int_equal(fixture_read(r, id[0], 1, &e), -1);
    assert_err(&e, ERR_AUTH, "no usable \"keys.1.<n>.json\", and no copy of one beside a backup");
    /* Who can open nothing must not take the backups for gone: a prune would. */
    err_clear(&e);
    assert_int_equal(fixture_count(r, BACKUP_COMMITTED), 2);
    repo_close(r);
}

static void
key_objects_behind_a_gap_are_found(void **state)
{
    struct repo      *r = new_encrypted();
    struct err        e = ERR_INIT;
    unsigned          done;
    char              id[BACKUP_ID_MAX];
    struct epoch_keys o;

    (void)state;
    (void)back_up(r, 1, id);
    r = reopen(r, OPTIONS(cast.identity[OPS]));
    assert_ok(readers_add(r, EPOCH_READER, &cast.keys[MALLORY].pub, &done, &e), &e);
    fixture_take_away(r, "keys.1.1.json");
    r = reopen(r, OPTIONS(cast.identity[MALLORY]));
    assert_reads(r, id, 1);
    assert_ok(readers_remove(r, cast.keys[MALLORY].pub.id, false, &done, &e), &e);
    assert_ok(epoch_keys_load(repo_signed(r), keyring_epoch(r->keys, 1, &e), &o, &e), &e);
    assert_int_equal(o.n, 3);
    assert_null(epoch_keys_find(&o, EPOCH_READER, cast.keys[MALLORY].pub.id));
    epoch_keys_free(&o);
    repo_close(r);
}

/* Somebody puts the object of before a reader was added (or removed) behind the newest. */
static void
an_older_key_object_under_a_newer_name_decides_nothing(void **state)
{
    struct repo      *r = new_encrypted_as(OPTIONS(cast.sign_key[ADMIN], cast.trust_admin));
    struct err        e = ERR_INIT;
    struct buf        b = BUF_INIT(MIB);
    unsigned          done;
    struct epoch_keys o;

    (void)state;
    assert_ok(readers_remove(r, cast.keys[ESCROW].pub.id, false, &done, &e), &e);
    fixture_get(r, "keys.1.1.json", &b);
    assert_ok(storage_put(r->st, "keys.1.3.json", b.data, b.len, &e), &e);
    assert_ok(epoch_keys_load(repo_signed(r), keyring_epoch(r->keys, 1, &e), &o, &e), &e);
    assert_null(epoch_keys_find(&o, EPOCH_READER, cast.keys[ESCROW].pub.id));
    epoch_keys_free(&o);
    buf_free(&b);
    repo_close(r);
}

/* ---- copies ---- */

static const struct copy_request everything = {
    .db = "shop", .which = "all", .quiet = true, .jobs = 2, .decrypt = true};

static void
bind_shop(struct repo *r)
{
    char               name[] = "shop";
    struct repo_source s = {.system_identifier = 1, .database_oid = 5, .dbname = name};
    struct err         e = ERR_INIT;

    assert_ok(source_bind(r, "shop", &s, false, &e), &e);
}

static void
assert_copied(struct repo *from, struct repo *to, size_t n)
{
    struct copy_result out = {0};
    struct err         e = ERR_INIT;

    assert_ok(copy_run(from, to, &everything, &out, &e), &e);
    assert_int_equal(out.n, n);
    for (size_t i = 0; i < n; i++) {
        if (out.v[i].status != COPY_DONE) {
            fail_msg("%s: %s", copy_status_text(out.v[i].status), out.v[i].err.text);
        }
    }
    copy_result_free(&out);
}

/* A source with two backups. */
static struct repo *
source_of_two(struct repo *r, char id[2][BACKUP_ID_MAX])
{
    bind_shop(r);
    (void)back_up(r, 1, id[0]);
    (void)back_up(r, 2, id[1]);
    return r;
}

/* A repository that has the keys of r, on a host that can read nothing. */
static struct repo *
mirror_of(struct repo *r, unsigned number)
{
    struct repo *to = fixture_repo_number(number);
    struct err   e = ERR_INIT;
    unsigned     done;

    assert_ok(readers_import(to, r, &done, &e), &e);
    assert_int_equal(done, 1);
    return reopen(to, OPTIONS(NULL));
}

/* How many of a's chunks stand in b with the same bytes. */
static size_t
same_bytes(struct repo *a, struct repo *b)
{
    struct strlist    keys = fixture_keys_with(a, "shop/chunks/", "");
    struct chunk_name name;
    size_t            n = 0;

    for (size_t i = 0; i < keys.n; i++) {
        struct strlist found;
        char           sha[SHA256_HEX + 1];

        assert_int_equal(chunk_name_parse(keys.v[i] + strlen("shop/chunks/"), &name), 0);
        hex_encode(name.sha256, sizeof name.sha256, sha);
        found = fixture_keys_with(b, "shop/chunks/", sha);
        n += found.n;
        strlist_free(&found);
    }
    strlist_free(&keys);
    return n;
}

static void
between_repositories_that_share_keys_nobody_opens_anything(void **state)
{
    char         id[2][BACKUP_ID_MAX];
    struct repo *from = source_of_two(new_encrypted(), id);
    struct repo *to = mirror_of(from, 5);

    (void)state;
    on_host(1);
    from = reopen(from, OPTIONS(NULL));
    to = reopen(to, OPTIONS(NULL));
    assert_copied(from, to, 2);
    assert_int_equal(same_bytes(from, to), 2 * FIXTURE_CHUNKS - 1);
    assert_int_equal(fixture_count(to, BACKUP_COMMITTED), 2);
    assert_unread(to, id[0], ERR_AUTH, "no key to read it with");
    to = reopen(to, OPTIONS(cast.identity[ESCROW]));
    assert_reads(to, id[0], 1);
    assert_reads(to, id[1], 2);
    /* And a copy of the copy. */
    repo_close(from);
    from = mirror_of(to, 6);
    assert_copied(to, from, 2);
    from = reopen(from, OPTIONS(cast.identity[OPS]));
    assert_reads(from, id[1], 2);
    repo_close(from);
    repo_close(to);
}

static void
keys_are_not_taken_over_by_who_has_his_own(void **state)
{
    struct repo *a = new_encrypted();
    struct repo *b = new_encrypted();
    struct repo *c = fixture_repo_number(8);
    struct err   e = ERR_INIT;
    unsigned     done;

    (void)state;
    assert_int_equal(readers_import(b, a, &done, &e), -1);
    assert_err(&e, ERR_EXISTS, "epoch 1 of \"memory\" has keys of its own");
    bind_shop(c);
    err_clear(&e);
    assert_int_equal(readers_import(c, a, &done, &e), -1);
    assert_err(&e, ERR_EXISTS, "has keys of its own");
    repo_close(a);
    repo_close(b);
    repo_close(c);
}

static void
a_copy_is_encrypted_when_its_destination_is(void **state)
{
    char         id[2][BACKUP_ID_MAX];
    struct repo *from = source_of_two(fixture_repo_number(9), id);
    struct repo *to = new_encrypted();

    (void)state;
    assert_copied(from, to, 2);
    assert_unread(to, id[0], ERR_AUTH, "no key to read it with");
    to = reopen(to, OPTIONS(cast.identity[OPS]));
    assert_reads(to, id[0], 1);
    assert_reads(to, id[1], 2);
    repo_close(from);
    repo_close(to);
}

static void
a_copy_into_another_form_needs_a_key(void **state)
{
    char               id[2][BACKUP_ID_MAX];
    struct repo       *from = source_of_two(new_encrypted(), id);
    struct repo       *plain = fixture_repo_number(10);
    struct repo       *others = new_encrypted();
    struct copy_result out = {0};
    struct err         e = ERR_INIT;
    const char        *text;

    (void)state;
    text = copy_run(from, plain, &everything, &out, &e) != 0 ? e.text : out.v[0].err.text;
    assert_non_null(strstr(text, "this host has no key to read it with"));
    copy_result_free(&out);
    assert_int_equal(fixture_count(plain, BACKUP_COMMITTED), 0);
    assert_int_equal(fixture_count_keys(plain, "shop/runs/"), 0);
    from = reopen(from, OPTIONS(cast.identity[OPS]));
    /* With a key, too, nothing loses its encryption without anybody saying so. */
    assert_ok(
        copy_run(from, plain,
                 &(struct copy_request){.db = "shop", .which = "all", .quiet = true, .jobs = 1},
                 &out, &e),
        &e);
    assert_int_equal(out.v[0].status, COPY_FAILED);
    assert_err(&out.v[0].err, ERR_USAGE, "is encrypted, and repository");
    assert_int_equal(fixture_count(plain, BACKUP_COMMITTED), 0);
    copy_result_free(&out);
    assert_copied(from, plain, 2);
    assert_reads(plain, id[0], 1);
    assert_reads(plain, id[1], 2);
    assert_copied(from, others, 2);
    assert_int_equal(same_bytes(from, others), 0);
    others = reopen(others, OPTIONS(cast.identity[ESCROW]));
    assert_reads(others, id[1], 2);
    repo_close(from);
    repo_close(plain);
    repo_close(others);
}

/* ---- healing ---- */

static struct repair
scrub_and_repair(struct repo *to, struct repo *from, bool good_before)
{
    struct scrub_request  all = {.span = UINT64_MAX, .jobs = 2, .quiet = true};
    struct repair_request q = {.db = "shop", .jobs = 2, .quiet = true};
    struct scrub          s = {.repo = to, .db = "shop"};
    struct repair         r;
    struct err            e = ERR_INIT;

    assert_ok(scrub_run(&s, &all, &e), &e);
    assert_int_equal(scrub_good(&s), good_before);
    scrub_free(&s);
    assert_ok(repair_run(to, from, &q, &r, &e), &e);
    return r;
}

static void
a_mirror_heals_without_any_key(void **state)
{
    char           id[2][BACKUP_ID_MAX];
    struct repo   *from = source_of_two(new_encrypted(), id);
    struct repo   *to = mirror_of(from, 11);
    struct strlist chunks;
    struct strlist manifests;
    struct repair  out;

    (void)state;
    on_host(1);
    from = reopen(from, OPTIONS(NULL));
    to = reopen(to, OPTIONS(NULL));
    assert_copied(from, to, 2);
    chunks = fixture_keys_with(to, "shop/chunks/", "");
    manifests = fixture_keys_with(to, "shop/backups/", "/manifest-");
    fixture_flip(to, chunks.v[0]);
    fixture_take_away(to, chunks.v[1]);
    fixture_flip(to, manifests.v[0]);
    out = scrub_and_repair(to, from, false);
    assert_int_equal(out.chunks, 2);
    assert_int_equal(out.lists + out.backups, 1);
    assert_int_equal(out.lost, 0);
    assert_int_equal(out.failed.n, 0);
    repair_free(&out);
    out = scrub_and_repair(to, from, true);
    repair_free(&out);
    to = reopen(to, OPTIONS(cast.identity[OPS]));
    assert_reads(to, id[0], 1);
    assert_reads(to, id[1], 2);
    strlist_free(&chunks);
    strlist_free(&manifests);
    repo_close(from);
    repo_close(to);
}

/* From one with other keys it takes an identity that reads the other. */
static void
another_repository_heals_with_a_key(void **state)
{
    char           id[2][BACKUP_ID_MAX];
    struct repo   *from = source_of_two(fixture_repo_number(12), id);
    struct repo   *to = new_encrypted();
    struct strlist chunks;
    struct repair  out;

    (void)state;
    assert_copied(from, to, 2);
    chunks = fixture_keys_with(to, "shop/chunks/", "");
    fixture_flip(to, chunks.v[0]);
    fixture_take_away(to, chunks.v[1]);
    to = reopen(to, OPTIONS(cast.identity[OPS]));
    out = scrub_and_repair(to, from, false);
    assert_int_equal(out.chunks, 2);
    assert_int_equal(out.failed.n, 0);
    repair_free(&out);
    assert_reads(to, id[0], 1);
    assert_reads(to, id[1], 2);
    strlist_free(&chunks);
    repo_close(from);
    repo_close(to);
}

/* ---- several at once ---- */

static void
plain_encrypted_and_with_other_keys_at_once(void **state)
{
    struct fanout_repo v[3] = {
        {.repo = fixture_repo_number(13)}, {.repo = new_encrypted()}, {.repo = new_encrypted()}};
    struct err       e = ERR_INIT;
    struct fanout   *f = fixture_begin(v, 3, 2, &e);
    struct manifest *m = manifest_new();
    struct label    *l = fixture_label();

    (void)state;
    assert_non_null(f);
    memcpy(m->fingerprint_key, fanout_fingerprint_key(f), sizeof m->fingerprint_key);
    m->has_fingerprint_key = true;
    l->note = xstrdup("zebra-note");
    assert_ok(fixture_put(f, m, 1, &e), &e);
    assert_ok(fixture_commit(f, m, l, &e), &e);
    fanout_end(f);
    assert_true(anywhere(v[0].repo, "zebra-note"));
    assert_false(anywhere(v[1].repo, "zebra-note"));
    assert_int_equal(same_bytes(v[0].repo, v[1].repo) + same_bytes(v[1].repo, v[2].repo), 0);
    for (int i = 0; i < 3; i++) {
        struct repo *r = reopen(v[i].repo, OPTIONS(i == 0 ? NULL : cast.identity[ESCROW]));

        assert_int_equal(v[i].failed.kind, ERR_NONE);
        assert_reads(r, v[i].label->id, 1);
        label_free(v[i].label);
        repo_close(r);
    }
    manifest_free(m);
    label_free(l);
}

/* ---- faults ---- */

/* True as long as there was an n-th call. */
static bool
backup_with_a_fault_at(const struct repo *whole, unsigned n, bool after)
{
    unsigned     calls = 0;
    unsigned     opening;
    struct err   e = ERR_INIT;
    char         id[BACKUP_ID_MAX];
    struct repo *r = open_storage(storage_failing_new(clone_storage(whole->st), n, after, &calls),
                                  OPTIONS(NULL));
    int          rc;
    size_t       committed;

    opening = calls;
    assert_true(n > opening);
    rc = fixture_backup(r, 2, id, NULL, &e);
    if (calls < n) {
        assert_int_equal(rc, 0);
        repo_close(r);
        return false;
    }
    committed = fixture_count(r, BACKUP_COMMITTED);
    assert_int_equal(fixture_count(r, BACKUP_DAMAGED), 0);
    assert_true(committed == 1 || committed == 2);
    if (rc == 0) {
        assert_int_equal(committed, 2); /* but for the run mark that stayed */
    } else {
        assert_err(&e, ERR_IO, "injected fault");
    }
    r = reopen(r, OPTIONS(cast.identity[OPS]));
    err_clear(&e);
    assert_ok(fixture_backup(r, 2, id, NULL, &e), &e);
    assert_reads(r, id, 2);
    repo_close(r);
    return true;
}

static void
a_fault_at_any_call_leaves_all_or_nothing(void **state)
{
    struct repo *r = new_encrypted();

    (void)state;
    (void)back_up(r, 1, NULL);
    for (int after = 0; after < 2; after++) {
        unsigned n = 3; /* opening takes two calls */

        while (backup_with_a_fault_at(r, n, after == 1)) {
            n++;
        }
        assert_true(n > 20);
    }
    repo_close(r);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_hosts, free_hosts)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_reader_reads_and_nobody_else),
        TEST(of_several_identities_one_is_enough),
        TEST(of_several_readers_one_whole_box_is_enough),
        TEST(what_is_nobodys_business_stands_nowhere),
        TEST(a_chunk_of_the_greatest_size_comes_back),
        TEST(within_an_epoch_what_is_there_is_used_again),
        TEST(a_plain_repository_is_turned_into_an_encrypted_one),
        TEST(in_a_new_epoch_nothing_is_used_again),
        TEST(the_last_reader_cannot_be_removed),
        TEST(an_epoch_that_this_host_could_not_remember_is_not_begun),
        TEST(a_host_that_nothing_vouches_for_writes_nothing),
        TEST(a_writer_writes_by_what_an_admin_signed),
        TEST(another_key_under_the_same_number_is_refused),
        TEST(an_unsigned_epoch_is_passed_over),
        TEST(going_back_to_an_earlier_epoch_is_refused),
        TEST(encryption_that_is_turned_off_is_noticed),
        TEST(pins_are_insisted_on),
        TEST(the_copy_beside_a_backup_stands_in_for_a_lost_key_object),
        TEST(key_objects_behind_a_gap_are_found),
        TEST(an_older_key_object_under_a_newer_name_decides_nothing),
        TEST(between_repositories_that_share_keys_nobody_opens_anything),
        TEST(keys_are_not_taken_over_by_who_has_his_own),
        TEST(a_copy_is_encrypted_when_its_destination_is),
        TEST(a_copy_into_another_form_needs_a_key),
        TEST(a_mirror_heals_without_any_key),
        TEST(another_repository_heals_with_a_key),
        TEST(plain_encrypted_and_with_other_keys_at_once),
        TEST(a_fault_at_any_call_leaves_all_or_nothing),
    };

    return cmocka_run_group_tests(tests, make_cast, free_cast);
}
