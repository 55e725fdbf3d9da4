/* Somebody who can write to the repository, against hosts that pin keys: what he puts in, takes
 * out, or puts back. */
#include "tests/fault/encrypted.h"

#include <fcntl.h>
#include <pty.h>
#include <sys/wait.h>
#include <termios.h>

#include "core/cancel.h"
#include "storage/heal/copy.h"
#include "storage/repo/readers.h"
#include "storage/repo/runmark.h"

/* ---- the repository's id, which every signature is bound to ---- */

static void
assert_unopened(const struct repo *r, options o, const char *words)
{
    struct err   e = ERR_INIT;
    struct repo *opened = try_open(clone_storage(r->st), o, &e);

    assert_null(opened);
    assert_err(&e, ERR_CORRUPT, words);
}

/* The first object without an id, and all that he likes in the second: no signature can be
 * checked, so none is good. */
static void
a_repository_without_an_id_is_not_believed(void **state)
{
    struct repo *r = new_encrypted_as(OPTIONS(cast.sign_key[ADMIN], cast.trust_admin));
    json_t      *forged = get_json(r, "repo.1.json");
    json_t      *first = json_deep_copy(forged);

    (void)state;
    (void)json_object_del(first, "repo_id");
    fixture_take_away(r, "repo.1.json");
    put_json(r, "repo.1.json", first);
    put_json(r, "repo.2.json", forged);
    assert_unopened(r, OPTIONS(cast.trust_admin), "\"repo.1.json\": key \"repo_id\" is missing");
    assert_unopened(r, OPTIONS(cast.trust_backup), "\"repo.1.json\": key \"repo_id\" is missing");
    repo_close(r);
}

/* Backups of another repository of the same host carry his good signature, for that repository. */
static void
a_repository_has_one_id(void **state)
{
    struct repo *r = new_encrypted();
    json_t      *second = get_json(r, "repo.1.json");

    (void)state;
    (void)json_object_set_new(second, "repo_id", json_string("00112233445566778899aabbccddeeff"));
    put_json(r, "repo.2.json", second);
    assert_unopened(r, OPTIONS(cast.trust_backup, "repo-id=00112233445566778899aabbccddeeff"),
                    "is of repository 00112233");
    repo_close(r);
}

/* What no admin has signed decides nothing, not even whether it can be read. */
static void
garbage_behind_a_signed_object_is_passed_over(void **state)
{
    struct repo *r = new_encrypted_as(OPTIONS(cast.sign_key[ADMIN], cast.trust_admin));
    struct repo *other;
    struct err   e = ERR_INIT;

    (void)state;
    assert_ok(storage_put(r->st, "repo.2.json", "{", 1, &e), &e);
    other = open_clone(r, OPTIONS(cast.trust_admin));
    assert_string_equal(other->id, r->id);
    assert_int_equal(other->generation, 2); /* the next is repo.3.json */
    repo_close(other);
    assert_unopened(r, OPTIONS(NULL), "\"repo.2.json\": is cut short");
    repo_close(r);
}

/* ---- who puts his own key in ---- */

/* The state of the store when somebody has made an epoch himself, whose secret he has, and
 * sealed it to the readers, whose public keys stand there. */
static struct storage *
with_epoch_of_his(const struct repo *r, unsigned number)
{
    const struct public_key readers[] = {cast.keys[OPS].pub, cast.keys[ESCROW].pub};
    struct epoch            his;
    struct epoch_plan plan = {.number = number, .readers = readers, .n_readers = 2, .made = &his};
    struct storage   *st = clone_storage(r->st);
    json_t           *o = json_deep_copy(r->object);
    const char       *gone[] = {"repo.1.json", "keys.1.1.json"};
    struct err        e = ERR_INIT;

    if (number == 1) {
        (void)json_object_del(o, "epochs");
        assert_ok(storage_remove(st, gone, 2, &e), &e);
    }
    assert_ok(epoch_begin((struct signed_store){.st = st}, o, &plan, &e), &e);
    assert_ok(object_put((struct signed_store){.st = st},
                         number == 1 ? "repo.1.json" : "repo.2.json", o, &e),
              &e);
    epoch_deinit(&his);
    json_decref(o);
    return st;
}

/* What an identity opens is believed once. */
static void
a_host_with_an_identity_keeps_to_the_key_it_has_used(void **state)
{
    struct repo *r = new_encrypted();
    struct repo *mine;
    struct repo *his;
    struct err   e = ERR_INIT;

    (void)state;
    on_host(1);
    mine = open_clone(r, OPTIONS(cast.identity[OPS], cast.encrypt_to_both));
    (void)back_up(mine, 1, NULL);
    his = open_storage(with_epoch_of_his(r, 1), OPTIONS(cast.identity[OPS], cast.encrypt_to_both));
    assert_refused(his, ERR_AUTH, "is not the one that this host knows");
    assert_int_equal(keyring_trust(his->keys, 1, &e), -1);
    assert_err(&e, ERR_AUTH, "is not the one that this host knows");
    repo_close(his);
    his = open_storage(with_epoch_of_his(r, 2), OPTIONS(cast.identity[OPS], cast.encrypt_to_both));
    assert_refused(his, ERR_AUTH, "nothing vouches on this host for the key that epoch 2");
    err_clear(&e);
    assert_ok(keyring_trust(his->keys, 2, &e), &e); /* whoever says so has looked */
    (void)back_up(his, 1, NULL);
    repo_close(his);
    repo_close(mine);
    repo_close(r);
}

/* An admin would sign it. */
static void
keys_that_nobody_vouches_for_are_not_taken_over(void **state)
{
    struct repo *r = new_encrypted();
    struct repo *his = open_storage(with_epoch_of_his(r, 2), OPTIONS(NULL));
    struct repo *to = fixture_repo_number(5);
    struct err   e = ERR_INIT;
    unsigned     done;

    (void)state;
    assert_int_equal(readers_import(to, his, &done, &e), -1);
    assert_err(&e, ERR_AUTH, "nothing vouches on this host for the key that epoch 2");
    repo_close(to);
    repo_close(his);
    repo_close(r);
}

/* ---- two at once, and one that dies ---- */

/* The object that says who reads is read, changed and put: what came in between must not be
 * lost. */
static void
two_who_change_the_readers_at_once_do_not_undo_each_other(void **state)
{
    struct repo        *r = new_encrypted();
    struct err          e = ERR_INIT;
    const struct epoch *ep;
    struct epoch_keys   mine;
    struct epoch_keys   his;

    (void)state;
    r = reopen(r, OPTIONS(cast.identity[OPS]));
    ep = keyring_read(r->keys, 1, &e);
    assert_non_null(ep);
    assert_ok(epoch_keys_load(repo_signed(r), ep, &mine, &e), &e);
    assert_ok(epoch_keys_load(repo_signed(r), ep, &his, &e), &e);
    assert_true(epoch_keys_drop(&mine, cast.keys[ESCROW].pub.id));
    assert_ok(epoch_keys_put(repo_signed(r), &mine, &e), &e);
    assert_ok(epoch_keys_add(&his, EPOCH_READER, &cast.keys[ADMIN].pub, ep, &e), &e);
    assert_int_equal(epoch_keys_put(repo_signed(r), &his, &e), -1);
    assert_err(&e, ERR_EXISTS, "the readers and writers of epoch 1 were changed at the same time");
    epoch_keys_free(&his);
    err_clear(&e);
    assert_ok(epoch_keys_load(repo_signed(r), ep, &his, &e), &e);
    assert_null(epoch_keys_find(&his, EPOCH_READER, cast.keys[ESCROW].pub.id));
    epoch_keys_free(&his);
    epoch_keys_free(&mine);
    repo_close(r);
}

/* Threads that name contents hold the keys while another one opens the epoch for reading. */
static void
keys_in_use_stay_where_they_are(void **state)
{
    struct repo        *r = new_encrypted();
    struct err          e = ERR_INIT;
    const struct epoch *ep;
    uint8_t             first;

    (void)state;
    r = reopen(r, OPTIONS(cast.identity[OPS]));
    ep = keyring_write(r->keys, 1, true, &e);
    assert_non_null(ep);
    ep->naming.data[0] ^= 1; /* what would be put in its place is told by that */
    first = ep->naming.data[0];
    assert_null(keyring_read(r->keys, 1, &e));
    assert_err(&e, ERR_CORRUPT, "its naming keys are not those that this host knows");
    assert_int_equal(ep->naming.data[0], first);
    ep->naming.data[0] ^= 1;
    err_clear(&e);
    assert_ptr_equal(keyring_read(r->keys, 1, &e), ep);
    repo_close(r);
}

/* Its keys are stored, and no repo.<n>.json names them: the old epoch goes on, and the next
 * attempt begins one. */
static void
an_epoch_whose_host_died_stops_nobody(void **state)
{
    struct repo *r = new_encrypted();
    struct err   e = ERR_INIT;
    char         id[BACKUP_ID_MAX];

    (void)state;
    put_json(r, "repo.2.json", get_json(r, "repo.1.json")); /* somebody else was faster */
    assert_int_equal(readers_next_epoch(r, NULL, &e), -1);
    assert_err(&e, ERR_EXISTS, "the repository's settings were changed at the same time");
    fixture_take_away(r, "repo.2.json"); /* and now it looks as if it had died */
    assert_int_equal(fixture_count_keys(r, ""), 3);
    (void)back_up(r, 1, NULL);
    err_clear(&e);
    assert_ok(readers_next_epoch(r, NULL, &e), &e);
    r = reopen(r, OPTIONS(NULL));
    assert_int_equal(r->epoch, 2);
    (void)back_up(r, 1, id);
    r = reopen(r, OPTIONS(cast.identity[ESCROW]));
    assert_reads(r, id, 1);
    repo_close(r);
}

/* ---- who says that a backup does not count ---- */

/* A host that signs its backups and believes itself, and the admin in everything. */
static struct repo *
signed_backup(struct label **l)
{
    char        *trust_prune = xasprintf("trust-prune=%s/admin.pub", cast.dir);
    struct repo *r = reopen(fixture_repo_number(7),
                            OPTIONS(cast.sign_key[HOST], cast.trust_backup, trust_prune));
    struct err   e = ERR_INIT;
    char         id[BACKUP_ID_MAX];

    free(trust_prune);
    (void)back_up(r, 1, id);
    *l = label_load(r, "shop", id, &e);
    assert_non_null(*l);
    return r;
}

static void
put_object_as(struct repo *r, options o, const char *key, json_t *object)
{
    struct repo *other = open_clone(r, o);
    struct buf   b = BUF_INIT(MIB);
    struct err   e = ERR_INIT;

    fixture_take_away(other, key);
    assert_ok(object_put(repo_signed(other), key, object, &e), &e);
    fixture_get(other, key, &b);
    fixture_replace(r, key, b.data, b.len);
    buf_free(&b);
    json_decref(object);
    repo_close(other);
}

static json_t *
revocation(const struct label *l)
{
    json_t *o = object_new("revoked");

    (void)json_object_set_new(o, "run", json_string(l->run));
    return o;
}

/* Who may put run marks, as each backup host may, would take all backups away, and a prune their
 * chunks. */
static void
a_revocation_that_no_prune_has_signed_voids_nothing(void **state)
{
    struct label   *l;
    struct repo    *r = signed_backup(&l);
    struct run_list runs;
    struct err      e = ERR_INIT;
    char           *key = xasprintf("shop/runs/%s.revoked", l->run);

    (void)state;
    put_object_as(r, OPTIONS(NULL), key, revocation(l));
    assert_int_equal(fixture_count(r, BACKUP_COMMITTED), 1);
    put_object_as(r, OPTIONS(cast.sign_key[HOST]), key, revocation(l));
    assert_int_equal(fixture_count(r, BACKUP_COMMITTED), 1);
    fixture_replace(r, key, "x", 1);
    assert_int_equal(fixture_count(r, BACKUP_COMMITTED), 1);
    assert_ok(run_list_load(r, "shop", &runs, &e), &e);
    assert_int_equal(runs.n, 1);
    assert_false(runs.v[0].revoked);
    run_list_free(&runs);
    put_object_as(r, OPTIONS(cast.sign_key[ADMIN]), key, revocation(l));
    assert_int_equal(fixture_count(r, BACKUP_VOID), 1);
    free(key);
    label_free(l);
    repo_close(r);
}

/* A tombstone's name says whom it buries; one that cannot be read is signed by nobody either. */
static void
a_tombstone_of_garbage_buries_nothing(void **state)
{
    struct label *l;
    struct repo  *r = signed_backup(&l);
    struct err    e = ERR_INIT;
    char         *key = xasprintf("shop/tombstones/%s.%s.json", l->id, l->run);

    (void)state;
    assert_ok(storage_put(r->st, key, "x", 1, &e), &e);
    assert_int_equal(fixture_count(r, BACKUP_COMMITTED), 1);
    free(key);
    label_free(l);
    repo_close(r);
}

/* Nor does it keep a backup from being copied. */
static void
a_tombstone_of_nobodys_stops_no_copy(void **state)
{
    const struct copy_request q = {.db = "shop", .which = "all", .quiet = true, .jobs = 1};
    char                     *trust_prune = xasprintf("trust-prune=%s/admin.pub", cast.dir);
    char                      name[] = "shop";
    const struct repo_source  source = {.system_identifier = 1, .database_oid = 5, .dbname = name};
    struct repo              *from = fixture_repo_number(7);
    struct repo              *to = fixture_repo_number(8);
    struct copy_result        out = {0};
    struct err                e = ERR_INIT;
    char                      id[BACKUP_ID_MAX];
    char                     *key;

    (void)state;
    to = reopen(to, OPTIONS(cast.sign_key[HOST], cast.trust_backup, trust_prune));
    assert_ok(source_bind(from, "shop", &source, false, &e), &e);
    (void)back_up(from, 1, id);
    key = xasprintf("shop/tombstones/%s.none.json", id);
    assert_ok(storage_put(to->st, key, "{}\n", 3, &e), &e);
    assert_ok(copy_run(from, to, &q, &out, &e), &e);
    assert_int_equal(out.n, 1);
    assert_int_equal(out.v[0].status, COPY_DONE);
    copy_result_free(&out);
    free(trust_prune);
    free(key);
    repo_close(from);
    repo_close(to);
}

/* ---- what errors say ---- */

/* A passphrase where a key file belongs, and a key file cut in its secret. */
static void
errors_quote_no_secret(void **state)
{
    static const char *const texts[] = {"correcthorse",
                                        "{\"type\":\"secret-key\",\"secret\":\"correcthorse"};
    struct secret_key        k = {0};
    struct public_key        pub = {0};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct err e = ERR_INIT;

        assert_int_equal(secret_key_parse(texts[i], strlen(texts[i]), "ops",
                                          &(struct passphrase_source)PASSPHRASE_ASK, &k, &e),
                         -1);
        assert_err(&e, ERR_CORRUPT, "key file \"ops\": not valid JSON: line 1");
        assert_null(strstr(e.text, "correct"));
        assert_int_equal(public_key_parse(texts[i], strlen(texts[i]), "ops", &pub, &e), -1);
        assert_null(strstr(e.text, "correct"));
    }
}

/* ---- passphrases ---- */

static void
a_descriptor_is_not_handed_on(void **state)
{
    struct secret            got = SECRET_INIT;
    struct passphrase_source from = PASSPHRASE_ASK;
    struct err               e = ERR_INIT;
    int                      ends[2];

    (void)state;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "correct horse\n", 14), 14);
    from.fd = ends[0];
    assert_ok(passphrase_get(&from, "passphrase", false, &got, &e), &e);
    assert_int_equal(fcntl(ends[0], F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    secret_free(&got);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

/* In the child: asks at its own terminal, and says how that ended. */
static void
ask_and_exit(void)
{
    struct secret            got = SECRET_INIT;
    struct passphrase_source ask = PASSPHRASE_ASK;
    struct err               e = ERR_INIT;
    struct termios           t;
    int                      rc;

    cancel_install();
    rc = passphrase_get(&ask, "passphrase", false, &got, &e);
    _exit(rc == -1 && e.kind == ERR_INTERRUPTED && tcgetattr(0, &t) == 0 && (t.c_lflag & ECHO) != 0
              ? 7
              : 1);
}

/* Control-C at the prompt ends it, and the terminal shows again what is typed. */
static void
who_is_asked_can_go(void **state)
{
    char   said[256] = "";
    size_t n = 0;
    int    tty;
    int    status;
    pid_t  child;

    (void)state;
    (void)unsetenv("PGASSAY_PASSPHRASE_FILE");
    (void)unsetenv("PGASSAY_PASSPHRASE_COMMAND");
    child = forkpty(&tty, NULL, NULL, NULL);
    assert_true(child >= 0);
    if (child == 0) {
        (void)alarm(20);
        ask_and_exit();
    }
    while (strstr(said, "passphrase: ") == NULL && n < sizeof said - 1) {
        ssize_t got = read(tty, said + n, sizeof said - 1 - n);

        assert_true(got > 0);
        n += (size_t)got;
    }
    assert_int_equal(write(tty, "\003", 1), 1);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 7);
    (void)close(tty);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_hosts, free_hosts)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_repository_without_an_id_is_not_believed),
        TEST(a_repository_has_one_id),
        TEST(garbage_behind_a_signed_object_is_passed_over),
        TEST(a_host_with_an_identity_keeps_to_the_key_it_has_used),
        TEST(keys_that_nobody_vouches_for_are_not_taken_over),
        TEST(two_who_change_the_readers_at_once_do_not_undo_each_other),
        TEST(keys_in_use_stay_where_they_are),
        TEST(an_epoch_whose_host_died_stops_nobody),
        TEST(a_revocation_that_no_prune_has_signed_voids_nothing),
        TEST(a_tombstone_of_garbage_buries_nothing),
        TEST(a_tombstone_of_nobodys_stops_no_copy),
        TEST(errors_quote_no_secret),
        TEST(a_descriptor_is_not_handed_on),
        TEST(who_is_asked_can_go),
    };

    return cmocka_run_group_tests_name("encrypted attacks", tests, make_cast, free_cast);
}
