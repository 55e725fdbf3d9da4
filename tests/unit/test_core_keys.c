/*
 * Keys and signatures: what goes in comes out, for the right key alone, and no changed byte goes
 * unnoticed.
 */
#include "tests/unit/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/crypto/keyfile.h"
#include "core/host/ownership.h"
#include "core/log.h"
#include "core/mem.h"

static const struct passphrase_source ask = PASSPHRASE_ASK;

static char *
scratch_path(const char *name)
{
    static char dir[64];
    const char *tmp = getenv("TMPDIR");

    if (dir[0] == '\0') {
        (void)snprintf(dir, sizeof dir, "%s/pgassay-keys-XXXXXX", tmp != NULL ? tmp : "/tmp");
        assert_non_null(mkdtemp(dir));
    }
    return xasprintf("%s/%s", dir, name);
}

static void
remove_scratch(void)
{
    char *dir = scratch_path(".");

    dir[strlen(dir) - 2] = '\0';
    assert_int_equal(rmdir(dir), 0);
    free(dir);
}

/* ---- signatures ---- */

static void
test_signatures(void **state)
{
    static const uint8_t seed[SIGN_SEED] = "a seed of thirty-two bytes, yes";
    struct signed_as     as = {"label", "00112233445566778899aabbccddeeff",
                               "shop/backups/x/label.json"};
    struct secret        secret = SECRET_INIT;
    uint8_t public[SIGN_PUBLIC], signature[SIGNATURE_BYTES];
    char text[] = "{\"format\":1}";

    (void)state;
    sign_keypair(seed, public, &secret);
    sign_bytes(&secret, &as, text, strlen(text), signature);
    assert_true(sign_verify(public, &as, text, strlen(text), signature));
    text[3] ^= 1;
    assert_false(sign_verify(public, &as, text, strlen(text), signature));
    text[3] ^= 1;
    as.type = "pin";
    assert_false(sign_verify(public, &as, text, strlen(text), signature));
    as.type = "label";
    as.key = "shop/backups/y/label.json";
    assert_false(sign_verify(public, &as, text, strlen(text), signature));
    as.key = "shop/backups/x/label.json";
    as.repo_id = "00112233445566778899aabbccddeefe";
    assert_false(sign_verify(public, &as, text, strlen(text), signature));
    as.repo_id = "00112233445566778899aabbccddeeff";
    signature[0] ^= 1;
    assert_false(sign_verify(public, &as, text, strlen(text), signature));
    secret_free(&secret);
}

/* ---- key files ---- */

static void
test_key_files(void **state)
{
    char             *path = scratch_path("ops"), *pub = scratch_path("ops.pub");
    struct secret_key k, back;
    struct public_key p;
    struct err        e = ERR_INIT;
    struct stat       sb;

    (void)state;
    secret_key_make(&k, "ops \"1\"");
    assert_ok(secret_key_write(&k, NULL, path, &e), &e);
    assert_ok(public_key_write(&k.pub, pub, &e), &e);
    assert_int_equal(stat(path, &sb), 0);
    assert_int_equal(sb.st_mode & 0777, 0600);
    assert_int_equal(secret_key_write(&k, NULL, path, &e), -1); /* never over another */
    err_clear(&e);
    assert_ok(secret_key_load(path, &ask, &back, &e), &e);
    assert_string_equal(back.pub.id, k.pub.id);
    assert_string_equal(back.pub.name, "ops \"1\"");
    assert_memory_equal(back.read.data, k.read.data, READ_SECRET);
    assert_memory_equal(back.sign.data, k.sign.data, SIGN_SECRET);
    secret_key_free(&back);
    assert_ok(public_key_load(pub, &p, &e), &e);
    assert_memory_equal(p.sign, k.pub.sign, SIGN_PUBLIC);
    assert_string_equal(p.id, k.pub.id);
    public_key_free(&p);
    assert_ok(public_key_load(path, &p, &e), &e);
    public_key_free(&p);
    assert_int_equal(chmod(pub, 0600), 0);
    assert_int_equal(secret_key_load(pub, &ask, &back, &e), -1);
    assert_err(&e, ERR_CORRUPT, "not a secret key");
    err_clear(&e);
    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(secret_key_load(path, &ask, &back, &e), -1);
    assert_err(&e, ERR_AUTH, "others may read it");
    (void)unlink(path);
    (void)unlink(pub);
    secret_key_free(&k);
    free(path);
    free(pub);
}

static void
test_a_group_may_read_what_root_owns(void **state)
{
    static const struct {
        uid_t  owner, us;
        mode_t mode;
        bool   secret;
    } cases[] = {
        {0, 1000, S_IFREG | 0440, true},     {0, 1000, S_IFREG | 0640, true},
        {0, 1000, S_IFREG | 0600, true},     {0, 1000, S_IFREG | 0644, false},
        {0, 1000, S_IFREG | 0660, false},    {0, 1000, S_IFREG | 0641, false},
        {1000, 1000, S_IFREG | 0600, true},  {1000, 1000, S_IFREG | 0400, true},
        {1000, 1000, S_IFREG | 0440, false}, {1000, 1000, S_IFREG | 0604, false},
        {0, 0, S_IFREG | 0600, true},        {0, 0, S_IFREG | 0640, false},
        {1000, 0, S_IFREG | 0640, false},    {1000, 1000, S_IFIFO | 0666, true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct stat sb = {.st_uid = cases[i].owner, .st_mode = cases[i].mode};

        if (ownership_is_secret(&sb, cases[i].us) != cases[i].secret) {
            fail_msg("case %zu", i);
        }
    }
}

static void
test_passphrases(void **state)
{
    char                    *path = scratch_path("locked"), *file = scratch_path("passphrase");
    struct passphrase_source from = {.fd = -1, .file = file},
                             wrong = {.fd = -1, .command = "echo something else"};
    struct secret     passphrase = SECRET_INIT;
    struct secret_key k, back;
    struct err        e = ERR_INIT;
    FILE             *f = fopen(file, "w");
    char              line[4096];

    (void)state;
    assert_non_null(f);
    (void)fputs("correct horse battery staple\nand a second line\n", f);
    (void)fclose(f);
    assert_int_equal(chmod(file, 0644), 0);
    assert_int_equal(passphrase_get(&from, "passphrase", false, &passphrase, &e), -1);
    assert_err(&e, ERR_AUTH, "others may read it");
    err_clear(&e);
    assert_int_equal(chmod(file, 0600), 0);
    assert_ok(passphrase_get(&from, "passphrase", false, &passphrase, &e), &e);
    assert_int_equal(passphrase.n, strlen("correct horse battery staple"));
    secret_key_make(&k, "escrow");
    assert_ok(secret_key_write(&k, &passphrase, path, &e), &e);
    f = fopen(path, "r");
    assert_non_null(fgets(line, sizeof line, f));
    (void)fclose(f);
    assert_non_null(strstr(line, "\"locked\""));
    assert_null(strstr(line, "\"secret\""));
    assert_ok(secret_key_load(path, &from, &back, &e), &e);
    assert_memory_equal(back.sign.data, k.sign.data, SIGN_SECRET);
    secret_key_free(&back);
    assert_int_equal(secret_key_load(path, &wrong, &back, &e), -1);
    assert_err(&e, ERR_AUTH, "not the right one");
    (void)unlink(path);
    (void)unlink(file);
    secret_free(&passphrase);
    secret_key_free(&k);
    free(path);
    free(file);
}

/* Every field of a secret file, changed: its own error, and no key. */
static void
test_bad_key_files(void **state)
{
    static const struct {
        const char *text, *words;
    } bad[] = {
        {"", "cut"},
        {"[]", "missing"},
        {"{\"type\":\"label\",\"format\":1}", "not a secret key"},
        {"{\"type\":\"secret-key\",\"format\":2,\"needs\":[]}", "does not know"},
        {"{\"type\":\"secret-key\",\"format\":1,\"needs\":[\"x\"]}", "does not know"},
        {"{\"type\":\"secret-key\",\"format\":1,\"needs\":[],\"read\":\"00\"}", "hex digits"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct secret_key k = {0};
        struct err        e = ERR_INIT;

        assert_int_equal(secret_key_parse(bad[i].text, strlen(bad[i].text), "file", &ask, &k, &e),
                         -1);
        assert_int_equal(e.kind, ERR_CORRUPT);
        if (i > 0 && strstr(e.text, bad[i].words) == NULL) {
            fail_msg("%s: \"%s\" does not say \"%s\"", bad[i].text, e.text, bad[i].words);
        }
    }
}

/* Who owns a file, or may write to it, decides what is in it, whatever its mode keeps from being
 * read. */
static void
test_files_of_others_are_not_believed(void **state)
{
    enum { SOMEBODY = 1 };
    char *path = scratch_path("ops"), *pub = scratch_path("ops.pub"),
         *pass = scratch_path("passphrase");
    struct passphrase_source from = {.fd = -1, .file = pass};
    struct secret            passphrase = SECRET_INIT;
    struct secret_key        k, back;
    struct public_key        p;
    struct err               e = ERR_INIT;
    FILE                    *f = fopen(pass, "w");

    (void)state;
    assert_non_null(f);
    (void)fputs("correct horse\n", f);
    (void)fclose(f);
    assert_int_equal(chmod(pass, 0600), 0);
    secret_key_make(&k, "ops");
    assert_ok(secret_key_write(&k, NULL, path, &e), &e);
    assert_ok(public_key_write(&k.pub, pub, &e), &e);
    assert_int_equal(chmod(pub, 0646), 0);
    assert_int_equal(public_key_load(pub, &p, &e), -1);
    assert_err(&e, ERR_AUTH, "others may write to it");
    assert_int_equal(chmod(pub, 0644), 0);
    if (geteuid() != 0) {
        print_message("only root can give files away: their owners are not tried\n");
    } else {
        assert_int_equal(
            chown(path, SOMEBODY, 0) | chown(pub, SOMEBODY, 0) | chown(pass, SOMEBODY, 0), 0);
        assert_int_equal(secret_key_load(path, &ask, &back, &e), -1);
        assert_err(&e, ERR_AUTH, "belongs to user");
        assert_non_null(strstr(e.hint, "chown root"));
        assert_int_equal(public_key_load(pub, &p, &e), -1);
        assert_err(&e, ERR_AUTH, "belongs to user");
        assert_int_equal(passphrase_get(&from, "passphrase", false, &passphrase, &e), -1);
        assert_err(&e, ERR_AUTH, "belongs to user");
    }
    (void)unlink(path);
    (void)unlink(pub);
    (void)unlink(pass);
    secret_key_free(&k);
    free(path);
    free(pub);
    free(pass);
}

/* ---- memory ---- */

/* A child that lives on without exec(), as the guardian of a scratch server does, has none. */
static void
test_a_child_finds_zeros(void **state)
{
    static const char text[] = "nothing that a child should see";
    struct secret     s = SECRET_INIT;
    pid_t             child;
    int               status;

    (void)state;
    secret_set(&s, text, sizeof text);
    child = fork();
    assert_int_not_equal(child, -1);
    if (child == 0) {
        for (size_t i = 0; i < s.n; i++) {
            if (s.data[i] != 0) {
                _exit(1);
            }
        }
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_memory_equal(s.data, text, sizeof text);
    secret_free(&s);
}

/* In a child, which has no right to lock more than it may: what does it say, and how often? */
static void
test_memory_that_cannot_be_locked_is_said_once(void **state)
{
    const struct rlimit none = {0};
    char                said[4096] = "";
    int                 fd[2];
    pid_t               child;
    size_t              n = 0;
    ssize_t             got;

    (void)state;
    assert_int_equal(pipe(fd), 0);
    child = fork();
    assert_int_not_equal(child, -1);
    if (child == 0) {
        struct secret a = SECRET_INIT, b = SECRET_INIT;

        (void)dup2(fd[1], STDERR_FILENO);
        (void)close(fd[1]);
        log_init("test", LOG_WARN);
        if (setrlimit(RLIMIT_MEMLOCK, &none) != 0 || (geteuid() == 0 && setuid(65534) != 0)) {
            _exit(1);
        }
        secret_set(&a, "one", 3);
        secret_set(&b, "two", 3);
        _exit(0);
    }
    (void)close(fd[1]);
    while ((got = read(fd[0], said + n, sizeof said - 1 - n)) > 0) {
        n += (size_t)got;
    }
    (void)close(fd[0]);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_non_null(strstr(said, "cannot be locked"));
    assert_non_null(strstr(said, "LimitMEMLOCK"));
    assert_null(strstr(strstr(said, "cannot be locked") + 1, "cannot be locked"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_child_finds_zeros),
        cmocka_unit_test(test_memory_that_cannot_be_locked_is_said_once),
        cmocka_unit_test(test_signatures),
        cmocka_unit_test(test_key_files),
        cmocka_unit_test(test_a_group_may_read_what_root_owns),
        cmocka_unit_test(test_passphrases),
        cmocka_unit_test(test_bad_key_files),
        cmocka_unit_test(test_files_of_others_are_not_believed),
    };
    int failed;

    log_init("test", LOG_ERROR);
    failed = cmocka_run_group_tests_name("keys", tests, NULL, NULL);
    remove_scratch();
    return failed;
}
