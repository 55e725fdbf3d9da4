/* location.h: flag > environment > file, and clear words for what is wrong. */
#include "tests/unit/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "storage/contract/location.h"
#include "storage/contract/storage.h"
#include "storage/drivers/open.h"
#include "storage/repo/repo_keys.h"

static const char *const env[] = {"TEST_REGION_FIRST", "TEST_REGION_SECOND", NULL};

/* As a driver declares them. */
static const struct config_key region = {"region", CONFIG_TEXT, "where", env},
                               profile = {"profile", CONFIG_TEXT, "which", NULL},
                               endpoint = {"endpoint", CONFIG_TEXT, "where", NULL},
                               idle_timeout = {"idle-timeout", CONFIG_TEXT, "how long", NULL},
                               encrypt_to = {"encrypt-to", CONFIG_COMMA_LIST, "who reads", NULL},
                               identity = {"identity", CONFIG_COMMA_LIST, "who", NULL};

static const char file[] =
    "[repo s3]\npath = s3://bucket/prefix\nregion = of-the-file\nendpoint = http://of.file/\n";

static struct config *
config_of(const char *text)
{
    char           path[] = "/tmp/pga-place.XXXXXX";
    struct err     e = ERR_INIT;
    int            fd = mkstemp(path);
    struct config *c;

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    (void)close(fd);
    c = config_load(path, repo_config_keys(), &e);
    assert_non_null(c);
    (void)unlink(path);
    return c;
}

static void
a_place_knows_its_section(void **state)
{
    struct err              e = ERR_INIT;
    struct config          *c = config_of(file);
    struct storage_location p;

    (void)state;
    assert_ok(storage_location_find(c, "s3", NULL, NULL, &p, &e), &e);
    assert_string_equal(p.location, "s3://bucket/prefix");
    assert_string_equal(storage_location_name(&p), "s3");
    assert_string_equal(storage_location_get(&p, &region), "of-the-file");
    assert_null(storage_location_get(&p, &profile));
    assert_ok(storage_location_find(c, "s3://other", NULL, NULL, &p, &e), &e);
    assert_string_equal(storage_location_name(&p), "s3://other");
    assert_null(storage_location_get(&p, &region));
    config_free(c);
}

static void
flag_counts_more_than_environment_more_than_file(void **state)
{
    struct err              e = ERR_INIT;
    struct config          *c = config_of(file);
    struct strlist          options = {0};
    struct storage_given    given = {.options = &options};
    struct storage_location p;
    char                   *origin;

    (void)state;
    assert_ok(storage_location_find(c, "s3", NULL, &given, &p, &e), &e);
    assert_string_equal(storage_location_get(&p, &region), "of-the-file");
    setenv("TEST_REGION_SECOND", "of-env", 1);
    setenv("TEST_REGION_FIRST", "", 1);
    assert_string_equal(storage_location_get(&p, &region), "of-env");
    origin = storage_location_origin(&p, &region);
    assert_string_equal(origin, "TEST_REGION_SECOND");
    free(origin);
    strlist_add(&options, "region=first");
    strlist_add(&options, "region=of-flag=with-sign");
    assert_string_equal(storage_location_get(&p, &region), "of-flag=with-sign");
    origin = storage_location_origin(&p, &region);
    assert_string_equal(origin, "--repo-option region");
    free(origin);
    unsetenv("TEST_REGION_SECOND");
    unsetenv("TEST_REGION_FIRST");
    strlist_free(&options);
    config_free(c);
}

static void
an_empty_flag_takes_a_setting_away(void **state)
{
    struct err              e = ERR_INIT;
    struct config          *c = config_of(file);
    struct strlist          options = {0};
    struct storage_given    given = {.options = &options};
    struct storage_location p;

    (void)state;
    strlist_add(&options, "endpoint=");
    assert_ok(storage_location_find(c, "s3", NULL, &given, &p, &e), &e);
    assert_null(storage_location_get(&p, &endpoint));
    strlist_free(&options);
    config_free(c);
}

static void
underscores_are_dashes(void **state)
{
    struct err              e = ERR_INIT;
    struct config          *c = config_of(file);
    struct strlist          options = {0};
    struct storage_given    given = {.options = &options};
    struct storage_location p;

    (void)state;
    strlist_add(&options, "idle_timeout=7");
    assert_ok(storage_location_find(c, "s3", NULL, &given, &p, &e), &e);
    assert_string_equal(storage_location_get(&p, &idle_timeout), "7");
    strlist_free(&options);
    config_free(c);
}

static void
what_is_no_key_is_refused(void **state)
{
    static const struct {
        const char *option, *words;
    } bad[] = {
        {"no-such-key=1", "unknown key \"no-such-key\""},
        {"regoin=x", "unknown key \"regoin\" (did you mean \"region\"?)"},
        {"region", "not KEY=VALUE"},
        {"=x", "unknown key"},
        {"path=/x", "--repo"},
    };
    struct config *c = config_of(file);

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct err              e = ERR_INIT;
        struct strlist          options = {0};
        struct storage_given    given = {.options = &options};
        struct storage_location p;

        strlist_add(&options, bad[i].option);
        assert_int_equal(storage_location_find(c, "s3", NULL, &given, &p, &e), -1);
        assert_err(&e, ERR_USAGE, bad[i].words);
        strlist_free(&options);
    }
    config_free(c);
}

static void
settings_of_a_store_are_refused_for_a_directory(void **state)
{
    struct err              e = ERR_INIT;
    struct config          *c = config_of("[repo dir]\npath = /tmp\nregion = x\n");
    struct storage_location p;

    (void)state;
    assert_ok(storage_location_find(c, "dir", NULL, NULL, &p, &e), &e);
    assert_null(storage_open(&p, false, &e));
    assert_err(&e, ERR_USAGE, "[repo dir]: region is for S3 stores, and \"/tmp\" is a directory");
    config_free(c);
}

static void
assert_list(const struct storage_location *p, const struct config_key *key, const char *want)
{
    struct strlist values = {0};
    char           have[256] = "";
    size_t         n = 0;

    storage_location_list(p, key, &values);
    for (size_t i = 0; i < values.n; i++) {
        n += (size_t)snprintf(have + n, sizeof have - n, "%s%s", i == 0 ? "" : "|", values.v[i]);
    }
    strlist_free(&values);
    assert_string_equal(have, want);
}

/* Nothing is joined on the way that would be cut again. */
static void
lists_stay_lists(void **state)
{
    static const char    lists[] = "[repo r]\npath = /p\nencrypt-to = a, b\n  c,d\nidentity = x\n";
    struct config       *c = config_of(lists);
    struct err           e = ERR_INIT;
    struct strlist       options = {0}, files = {0}, args = {0};
    struct storage_given given = {.options = &options, .identity = &files, .as_of = "then"};
    struct storage_location p;
    char                   *origin;

    (void)state;
    assert_ok(storage_location_find(c, "r", NULL, &given, &p, &e), &e);
    assert_list(&p, &encrypt_to, "a|b|c,d");
    assert_list(&p, &identity, "x");
    strlist_add(&options, "encrypt-to=e, f");
    strlist_add(&options, "encrypt_to=g");
    assert_list(&p, &encrypt_to, "e|f|g");
    strlist_add(&options, "encrypt-to=");
    assert_list(&p, &encrypt_to, "");
    strlist_add(&options, "encrypt-to=h");
    assert_list(&p, &encrypt_to, "h");
    strlist_add(&options, "identity=y");
    assert_list(&p, &identity, "y");
    strlist_add(&files, "/keys/one, two");
    strlist_add(&files, "/keys/three");
    assert_list(&p, &identity, "/keys/one, two|/keys/three");
    origin = storage_location_origin(&p, &identity);
    assert_string_equal(origin, "--identity");
    free(origin);
    /* And so for a tool that is run by this one. */
    strlist_free(&options);
    strlist_add(&options, "encrypt-to=h");
    storage_given_args(&p.given, &args);
    assert_int_equal(args.n, 4);
    assert_string_equal(args.v[0], "--repo-option=encrypt-to=h");
    assert_string_equal(args.v[1], "--identity=/keys/one, two");
    assert_string_equal(args.v[2], "--identity=/keys/three");
    assert_string_equal(args.v[3], "--as-of=then");
    strlist_free(&options);
    strlist_free(&files);
    strlist_free(&args);
    config_free(c);
}

/* PGASSAY_REPO_KEY: before the file, after what is given. */
static void
the_environment_has_keys_of_repositories(void **state)
{
    struct config          *c = config_of("[repo r]\npath = /p\nencrypt-to = a\nregion = x\n");
    struct err              e = ERR_INIT;
    struct strlist          options = {0}, secrets = {0};
    struct storage_given    given = {.options = &options};
    struct storage_location p;
    char                   *origin;

    (void)state;
    setenv("PGASSAY_REPO_ENCRYPT_TO", "b, c\nd", 1);
    setenv("PGASSAY_REPO_SIGN_KEY", "/keys/a, b", 1);
    setenv("PGASSAY_REPO_REGION", "y", 1);
    setenv("AWS_REGION", "z", 1);
    for (size_t i = 0; i < 2; i++) {
        assert_ok(storage_location_find(c, i == 0 ? "r" : "s3://b", NULL, &given, &p, &e), &e);
        assert_list(&p, &encrypt_to, "b|c|d");
        assert_string_equal(storage_location_get(&p, &region), "y");
        origin = storage_location_origin(&p, &region);
        assert_string_equal(origin, "PGASSAY_REPO_REGION");
        free(origin);
    }
    storage_location_secrets(c, &given, &secrets);
    assert_true(strlist_has(&secrets, "/keys/a, b"));
    strlist_add(&options, "encrypt-to=h");
    assert_list(&p, &encrypt_to, "h");
    strlist_free(&options);
    strlist_free(&secrets);
    unsetenv("PGASSAY_REPO_ENCRYPT_TO");
    unsetenv("PGASSAY_REPO_SIGN_KEY");
    unsetenv("PGASSAY_REPO_REGION");
    unsetenv("AWS_REGION");
    config_free(c);
}

/* --repo names one; the variable and the file may name several. */
static void
a_path_with_a_comma_is_one_repository(void **state)
{
    struct config          *c = config_of("repo =\n  /srv/a, b\n  /srv/c\n");
    struct err              e = ERR_INIT;
    struct storage_location p, *all;
    size_t                  n;

    (void)state;
    unsetenv("PGASSAY_REPO");
    assert_ok(storage_location_find(c, "/x, y", NULL, NULL, &p, &e), &e);
    assert_string_equal(p.location, "/x, y");
    assert_ok(storage_location_find(c, NULL, NULL, NULL, &p, &e), &e);
    assert_string_equal(p.location, "/srv/a, b");
    assert_string_equal(p.others, "/srv/c");
    assert_ok(storage_locations_find(c, NULL, NULL, NULL, &all, &n, &e), &e);
    assert_int_equal(n, 2);
    assert_string_equal(all[0].location, "/srv/a, b");
    free(all);
    config_free(c);
}

/* Each key in one table, with its help; what a driver has of its own stands there alone. */
static void
every_key_is_declared_once(void **state)
{
    const struct config_key *const *repo = repo_config_keys()->repo;
    struct strlist                  seen = {0};

    (void)state;
    for (size_t t = 0; repo[t] != NULL; t++) {
        for (const struct config_key *k = repo[t]; k->name != NULL; k++) {
            assert_false(strlist_has(&seen, k->name));
            assert_non_null(k->help);
            strlist_add(&seen, k->name);
        }
    }
    assert_true(strlist_has(&seen, "path") && strlist_has(&seen, "region") &&
                strlist_has(&seen, "sign-key") && strlist_has(&seen, "repo-id"));
    strlist_free(&seen);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_place_knows_its_section),
        cmocka_unit_test(flag_counts_more_than_environment_more_than_file),
        cmocka_unit_test(an_empty_flag_takes_a_setting_away),
        cmocka_unit_test(underscores_are_dashes),
        cmocka_unit_test(what_is_no_key_is_refused),
        cmocka_unit_test(settings_of_a_store_are_refused_for_a_directory),
        cmocka_unit_test(lists_stay_lists),
        cmocka_unit_test(the_environment_has_keys_of_repositories),
        cmocka_unit_test(a_path_with_a_comma_is_one_repository),
        cmocka_unit_test(every_key_is_declared_once),
    };

    return cmocka_run_group_tests_name("storage/place", tests, NULL, NULL);
}
