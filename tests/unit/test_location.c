/* location.h: flag > environment > file, and clear words for what is wrong. */
#include "tests/unit/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "storage/contract/location.h"
#include "storage/contract/storage.h"
#include "storage/drivers/open.h"

static const char *const env[] = {"TEST_REGION_FIRST", "TEST_REGION_SECOND", NULL};

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
    c = config_load(path, &e);
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
    assert_string_equal(storage_location_get(&p, "region", NULL), "of-the-file");
    assert_null(storage_location_get(&p, "profile", NULL));
    assert_ok(storage_location_find(c, "s3://other", NULL, NULL, &p, &e), &e);
    assert_string_equal(storage_location_name(&p), "s3://other");
    assert_null(storage_location_get(&p, "region", NULL));
    config_free(c);
}

static void
flag_counts_more_than_environment_more_than_file(void **state)
{
    struct err              e = ERR_INIT;
    struct config          *c = config_of(file);
    struct strlist          options = {0};
    struct storage_location p;
    char                   *origin;

    (void)state;
    assert_ok(storage_location_find(c, "s3", NULL, &options, &p, &e), &e);
    assert_string_equal(storage_location_get(&p, "region", env), "of-the-file");
    setenv("TEST_REGION_SECOND", "of-env", 1);
    setenv("TEST_REGION_FIRST", "", 1);
    assert_string_equal(storage_location_get(&p, "region", env), "of-env");
    origin = storage_location_origin(&p, "region", env);
    assert_string_equal(origin, "TEST_REGION_SECOND");
    free(origin);
    strlist_add(&options, "region=first");
    strlist_add(&options, "region=of-flag=with-sign");
    assert_string_equal(storage_location_get(&p, "region", env), "of-flag=with-sign");
    origin = storage_location_origin(&p, "region", env);
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
    struct storage_location p;

    (void)state;
    strlist_add(&options, "endpoint=");
    assert_ok(storage_location_find(c, "s3", NULL, &options, &p, &e), &e);
    assert_null(storage_location_get(&p, "endpoint", NULL));
    strlist_free(&options);
    config_free(c);
}

static void
underscores_are_dashes(void **state)
{
    struct err              e = ERR_INIT;
    struct config          *c = config_of(file);
    struct strlist          options = {0};
    struct storage_location p;

    (void)state;
    strlist_add(&options, "idle_timeout=7");
    assert_ok(storage_location_find(c, "s3", NULL, &options, &p, &e), &e);
    assert_string_equal(storage_location_get(&p, "idle-timeout", NULL), "7");
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
        {"region", "not KEY=VALUE"},
        {"=x", "unknown key"},
        {"path=/x", "--repo"},
    };
    struct config *c = config_of(file);

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct err              e = ERR_INIT;
        struct strlist          options = {0};
        struct storage_location p;

        strlist_add(&options, bad[i].option);
        assert_int_equal(storage_location_find(c, "s3", NULL, &options, &p, &e), -1);
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
    };

    return cmocka_run_group_tests_name("storage/place", tests, NULL, NULL);
}
