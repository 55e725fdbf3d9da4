/* s3/settings.h: where a bucket is, by option, environment, section and profile; and what is
 * refused. */
#include "tests/unit/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/mem.h"
#include "storage/drivers/s3/settings.h"

static int
read_settings(const char *rest, const char *const *options, struct s3_settings *s, struct err *e)
{
    struct strlist list = {0};
    int            rc;

    for (; *options != NULL; options++) {
        strlist_add(&list, *options);
    }
    rc = s3_settings_read(
        rest, &(struct storage_location){.location = "s3://", .given.options = &list}, s, e);
    strlist_free(&list);
    return rc;
}

enum { OPTIONS_MAX = 5 };

static void
a_bucket_is_found_where_its_store_keeps_it(void **state)
{
    static const struct {
        const char *rest, *options[OPTIONS_MAX];
        const char *prefix, *host, *path;
        bool        tls;
    } cases[] = {
        {"bucket", {NULL}, "", "bucket.s3.us-east-1.amazonaws.com", "/", true},
        {"bucket/", {NULL}, "", "bucket.s3.us-east-1.amazonaws.com", "/", true},
        {"bucket/a/b",
         {"region=eu-central-1", NULL},
         "a/b/",
         "bucket.s3.eu-central-1.amazonaws.com",
         "/",
         true},
        {"bucket/a/b/",
         {"region=cn-north-1", NULL},
         "a/b/",
         "bucket.s3.cn-north-1.amazonaws.com.cn",
         "/",
         true},
        {"my.bucket", {NULL}, "", "s3.us-east-1.amazonaws.com", "/my.bucket/", true},
        {"bucket", {"style=path", NULL}, "", "s3.us-east-1.amazonaws.com", "/bucket/", true},
        {"bucket",
         {"endpoint=http://127.0.0.1:9000", NULL},
         "",
         "127.0.0.1:9000",
         "/bucket/",
         false},
        {"bucket", {"endpoint=http://store:80/", NULL}, "", "store", "/bucket/", false},
        {"bucket", {"endpoint=https://store:443", NULL}, "", "store", "/bucket/", true},
        {"bucket", {"endpoint=https://store:8443/s3", NULL}, "", "store:8443", "/s3/bucket/", true},
        {"bucket",
         {"endpoint=https://[::1]:8443/s3/", NULL},
         "",
         "[::1]:8443",
         "/s3/bucket/",
         true},
        {"bucket", {"endpoint=https://store", "style=host", NULL}, "", "bucket.store", "/", true},
        {"Bucket_1", {"endpoint=https://store", NULL}, "", "store", "/Bucket_1/", true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct err         e = ERR_INIT;
        struct s3_settings s;

        assert_ok(read_settings(cases[i].rest, cases[i].options, &s, &e), &e);
        assert_string_equal(s.prefix, cases[i].prefix);
        assert_string_equal(s.host, cases[i].host);
        assert_string_equal(s.path, cases[i].path);
        assert_int_equal(s.tls, cases[i].tls);
        s3_settings_free(&s);
    }
}

static void
what_cannot_be_meant_is_refused_by_name(void **state)
{
    static const struct {
        const char *rest, *options[OPTIONS_MAX];
        const char *words;
    } cases[] = {
        {"", {NULL}, "is not the name of a bucket"},
        {"b", {NULL}, "is not the name of a bucket"},
        {"buc..ket", {NULL}, "is not the name of a bucket"},
        {"host:9000/bucket", {NULL}, "is not the name of a bucket"},
        {"bucket//a", {NULL}, "a prefix is names"},
        {"bucket/a/../b", {NULL}, "a prefix is names"},
        {"bucket/a\nb", {NULL}, "a prefix is names"},
        {"bucket/\xff", {NULL}, "a prefix is names"},
        {"bucket",
         {"endpoint=store", NULL},
         NULL}, /* a scheme is guessed by none of the AWS tools */
        {"bucket", {"endpoint=ftp://store", NULL}, "--repo-option endpoint"},
        {"bucket", {"endpoint=https://user@store", NULL}, "--repo-option endpoint"},
        {"bucket", {"endpoint=https://store?x=1", NULL}, "--repo-option endpoint"},
        {"bucket", {"region=auto", NULL}, "no endpoint is given"},
        {"bucket", {"region=a/b", "endpoint=https://store", NULL}, "is not the name of a region"},
        {"bucket", {"region=a\nb", "endpoint=https://store", NULL}, "no header may"},
        {"bucket", {"style=virtual", NULL}, "none of path, host and auto"},
        {"my.bucket", {"style=host", NULL}, "cannot be part of a host's name"},
        {"bucket", {"bandwidth=fast", NULL}, "--repo-option bandwidth"},
        {"bucket", {"bandwidth=5", NULL}, "at least 1kB"},
        {"bucket", {"timeout=0", NULL}, "from 1 to 86400"},
        {"bucket", {"timeout=1h", NULL}, "from 1 to 86400"},
        {"bucket", {"idle-timeout=nan", NULL}, "from 1 to 86400"},
        {"bucket", {"listing-max=10", NULL}, "from 1000 on"},
        {"bucket", {"listing-max=many", NULL}, "from 1000 on"},
        {"bucket", {"sse=yes", NULL}, "neither AES256 nor aws:kms"},
        {"bucket", {"sse-kms-key=k", NULL}, "needs sse = aws:kms"},
        {"bucket", {"sse=AES256", "sse-kms-key=k", NULL}, "needs sse = aws:kms"},
        {"bucket", {"storage-class=A\r\nx: y", NULL}, "no header may"},
        {"bucket", {"tags=a", NULL}, "not like NAME=VALUE"},
        {"bucket", {"tags==b", NULL}, "not like NAME=VALUE"},
        {"bucket",
         {"tags=a=1,b=2,c=3,d=4,e=5,f=6,g=7,h=8,i=9,j=10,k=11", NULL},
         "more than the 10"},
        {"bucket", {"checksum=crc", NULL}, "none of none, md5 and sha256"},
        {"bucket", {"sse-customer-key-file=/nonexistent", NULL}, "/nonexistent"},
        {"bucket", {"sse-customer-key-file=/etc/passwd", NULL}, "does not hold 32 bytes"},
        {"bucket", {"sse-customer-key-file=/x", "endpoint=http://store", NULL}, "in the clear"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct err         e = ERR_INIT;
        struct s3_settings s;

        assert_int_equal(read_settings(cases[i].rest, cases[i].options, &s, &e), -1);
        assert_err(&e, ERR_USAGE, cases[i].words == NULL ? "endpoint" : cases[i].words);
    }
}

static void
the_environment_names_store_region_and_certificates(void **state)
{
    static const char *const none[] = {NULL};
    struct err               e = ERR_INIT;
    struct s3_settings       s;

    (void)state;
    (void)setenv("AWS_ENDPOINT_URL", "http://general", 1);
    (void)setenv("AWS_ENDPOINT_URL_S3", "http://special", 1);
    (void)setenv("AWS_DEFAULT_REGION", "here", 1);
    (void)setenv("AWS_CA_BUNDLE", "/ca.pem", 1);
    assert_ok(read_settings("bucket", none, &s, &e), &e);
    assert_string_equal(s.host, "special");
    assert_string_equal(s.region, "here");
    assert_string_equal(s.ca_file, "/ca.pem");
    s3_settings_free(&s);
    (void)unsetenv("AWS_ENDPOINT_URL");
    (void)unsetenv("AWS_ENDPOINT_URL_S3");
    (void)unsetenv("AWS_DEFAULT_REGION");
    (void)unsetenv("AWS_CA_BUNDLE");
}

static void
a_customers_key_is_raw_or_base64(void **state)
{
    static const char *const contents[] = {"0123456789abcdef0123456789ABCDEF",
                                           "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlBQkNERUY=\n"};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct err         e = ERR_INIT;
        struct s3_settings s;
        char               path[] = "/tmp/pga-key.XXXXXX";
        int                fd = mkstemp(path);
        char              *option = xasprintf("sse-customer-key-file=%s", path);
        const char *const  options[] = {option, NULL};

        assert_int_equal(write(fd, contents[i], strlen(contents[i])), strlen(contents[i]));
        (void)close(fd);
        assert_ok(read_settings("bucket", options, &s, &e), &e);
        assert_string_equal(s.customer_key, "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlBQkNERUY=");
        assert_string_equal(s.customer_key_md5, "V5euSAsQOO0sIBHETfEa4w==");
        s3_settings_free(&s);
        free(option);
        (void)unlink(path);
    }
}

static int
set_up(void **state)
{
    static const char *const names[] = {"AWS_REGION",       "AWS_DEFAULT_REGION",
                                        "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3",
                                        "AWS_CA_BUNDLE",    "AWS_PROFILE"};

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        (void)unsetenv(names[i]);
    }
    (void)setenv("AWS_CONFIG_FILE", "/nonexistent", 1);
    (void)setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent", 1);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bucket_is_found_where_its_store_keeps_it),
        cmocka_unit_test(what_cannot_be_meant_is_refused_by_name),
        cmocka_unit_test(the_environment_names_store_region_and_certificates),
        cmocka_unit_test(a_customers_key_is_raw_or_base64),
    };

    return cmocka_run_group_tests_name("storage/s3_settings", tests, set_up, NULL);
}
