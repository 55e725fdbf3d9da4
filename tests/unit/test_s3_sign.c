/* aws/sign.h and aws/uri.h, against what Amazon published: the Signature Version 4 test suite, and
 * the examples of the S3 manual ("Authenticating requests: using the authorization header"). */
#include "tests/unit/check.h"

#include <stdlib.h>

#include "core/crypto/hash.h"
#include "storage/drivers/aws/sign.h"
#include "storage/drivers/aws/uri.h"

enum { PAIRS_MAX = 6, HEADERS_MAX = 8 };

struct vector {
    const char *name, *method, *path;
    const char *query[PAIRS_MAX]; /* name, value, name, value, ... */
    const char *headers[HEADERS_MAX];
    const char *body, *names, *signature;
};

/* All of the suite but normalize-path, which S3 does not do.  A header over several lines is one
 * that is given several times. */
static const struct vector suite[] = {
    {"get-header-key-duplicate",
     "GET",
     "/",
     {NULL},
     {"Host:example.amazonaws.com", "My-Header1:value2", "My-Header1:value2", "My-Header1:value1",
      "X-Amz-Date:20150830T123600Z"},
     "",
     "host;my-header1;x-amz-date",
     "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea"},
    {"get-header-value-multiline",
     "GET",
     "/",
     {NULL},
     {"Host:example.amazonaws.com", "My-Header1:value1", "My-Header1:value2", "My-Header1:value3",
      "X-Amz-Date:20150830T123600Z"},
     "",
     "host;my-header1;x-amz-date",
     "ba17b383a53190154eb5fa66a1b836cc297cc0a3d70a5d00705980573d8ff790"},
    {"get-header-value-order",
     "GET",
     "/",
     {NULL},
     {"Host:example.amazonaws.com", "My-Header1:value4", "My-Header1:value1", "My-Header1:value3",
      "My-Header1:value2", "X-Amz-Date:20150830T123600Z"},
     "",
     "host;my-header1;x-amz-date",
     "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01"},
    {"get-header-value-trim",
     "GET",
     "/",
     {NULL},
     {"Host:example.amazonaws.com", "My-Header1: value1", "My-Header2: \"a   b   c\"",
      "X-Amz-Date:20150830T123600Z"},
     "",
     "host;my-header1;my-header2;x-amz-date",
     "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"},
    {"get-unreserved",
     "GET",
     "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
     {NULL},
     {"Host:example.amazonaws.com", "X-Amz-Date:20150830T123600Z"},
     "",
     "host;x-amz-date",
     "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"},
    {"get-utf8",
     "GET",
     "/\341\210\264",
     {NULL},
     {"Host:example.amazonaws.com", "X-Amz-Date:20150830T123600Z"},
     "",
     "host;x-amz-date",
     "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"},
    {"get-vanilla-empty-query-key",
     "GET",
     "/",
     {"Param1", "value1"},
     {"Host:example.amazonaws.com", "X-Amz-Date:20150830T123600Z"},
     "",
     "host;x-amz-date",
     "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb"},
    {"get-vanilla-query-order-key-case",
     "GET",
     "/",
     {"Param2", "value2", "Param1", "value1"},
     {"Host:example.amazonaws.com", "X-Amz-Date:20150830T123600Z"},
     "",
     "host;x-amz-date",
     "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
    {"get-vanilla-query-order-key",
     "GET",
     "/",
     {"Param1", "value2", "Param1", "Value1"},
     {"Host:example.amazonaws.com", "X-Amz-Date:20150830T123600Z"},
     "",
     "host;x-amz-date",
     "eedbc4e291e521cf13422ffca22be7d2eb8146eecf653089df300a15b2382bd1"},
    {"get-vanilla-query-order-value",
     "GET",
     "/",
     {"Param1", "value2", "Param1", "value1"},
     {"Host:example.amazonaws.com", "X-Amz-Date:20150830T123600Z"},
     "",
     "host;x-amz-date",
     "5772eed61e12b33fae39ee5e7012498b51d56abc0abb7c60486157bd471c4694"},
    {"get-vanilla-query-unreserved",
     "GET",
     "/",
     {"-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
      "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"},
     {"Host:example.amazonaws.com", "X-Amz-Date:20150830T123600Z"},
     "",
     "host;x-amz-date",
     "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197"},
    {"get-vanilla-query",
     "GET",
     "/",
     {NULL},
     {"Host:example.amazonaws.com", "X-Amz-Date:20150830T123600Z"},
     "",
     "host;x-amz-date",
     "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
    {"get-vanilla-utf8-query",
     "GET",
     "/",
     {"\341\210\264", "bar"},
     {"Host:example.amazonaws.com", "X-Amz-Date:20150830T123600Z"},
     "",
     "host;x-amz-date",
     "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"},
    {"get-vanilla",
     "GET",
     "/",
     {NULL},
     {"Host:example.amazonaws.com", "X-Amz-Date:20150830T123600Z"},
     "",
     "host;x-amz-date",
     "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
    {"get-space",
     "GET",
     "/example space/",
     {NULL},
     {"Host:example.amazonaws.com", "X-Amz-Date:20150830T123600Z"},
     "",
     "host;x-amz-date",
     "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741"},
    {"post-header-key-case",
     "POST",
     "/",
     {NULL},
     {"Host:example.amazonaws.com", "X-Amz-Date:20150830T123600Z"},
     "",
     "host;x-amz-date",
     "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
    {"post-header-key-sort",
     "POST",
     "/",
     {NULL},
     {"Host:example.amazonaws.com", "My-Header1:value1", "X-Amz-Date:20150830T123600Z"},
     "",
     "host;my-header1;x-amz-date",
     "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c"},
    {"post-header-value-case",
     "POST",
     "/",
     {NULL},
     {"Host:example.amazonaws.com", "My-Header1:VALUE1", "X-Amz-Date:20150830T123600Z"},
     "",
     "host;my-header1;x-amz-date",
     "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d"},
    {"post-sts-header-after",
     "POST",
     "/",
     {NULL},
     {"Host:example.amazonaws.com", "X-Amz-Date:20150830T123600Z"},
     "",
     "host;x-amz-date",
     "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
    {"post-sts-header-before",
     "POST",
     "/",
     {NULL},
     {"Host:example.amazonaws.com", "X-Amz-Date:20150830T123600Z",
      "X-Amz-Security-Token:AQoDYXdzEPT//////////"
      "wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwth"
      "Ax7mSEI/qkPpKPi/"
      "kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcH"
      "NVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+"
      "scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA=="},
     "",
     "host;x-amz-date;x-amz-security-token",
     "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead"},
    {"post-vanilla-empty-query-value",
     "POST",
     "/",
     {"Param1", "value1"},
     {"Host:example.amazonaws.com", "X-Amz-Date:20150830T123600Z"},
     "",
     "host;x-amz-date",
     "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11"},
    {"post-vanilla-query",
     "POST",
     "/",
     {"Param1", "value1"},
     {"Host:example.amazonaws.com", "X-Amz-Date:20150830T123600Z"},
     "",
     "host;x-amz-date",
     "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11"},
    {"post-vanilla",
     "POST",
     "/",
     {NULL},
     {"Host:example.amazonaws.com", "X-Amz-Date:20150830T123600Z"},
     "",
     "host;x-amz-date",
     "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
    {"post-x-www-form-urlencoded-parameters",
     "POST",
     "/",
     {NULL},
     {"Content-Type:application/x-www-form-urlencoded; charset=utf8", "Host:example.amazonaws.com",
      "X-Amz-Date:20150830T123600Z"},
     "Param1=value1",
     "content-type;host;x-amz-date",
     "1a72ec8f64bd914b0e42e42607c7fbce7fb2c7465f63e3092b3b0d39fa77a6fe"},
    {"post-x-www-form-urlencoded",
     "POST",
     "/",
     {NULL},
     {"Content-Type:application/x-www-form-urlencoded", "Host:example.amazonaws.com",
      "X-Amz-Date:20150830T123600Z"},
     "Param1=value1",
     "content-type;host;x-amz-date",
     "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"},
};

#define EMPTY   "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define S3_DATE "x-amz-date:20130524T000000Z"
#define S3_HOST "Host: examplebucket.s3.amazonaws.com"

static const struct vector manual[] = {
    {"GET object",
     "GET",
     "/test.txt",
     {NULL},
     {S3_HOST, "Range: bytes=0-9", "x-amz-content-sha256:" EMPTY, S3_DATE},
     "",
     "host;range;x-amz-content-sha256;x-amz-date",
     "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"},
    {"PUT object",
     "PUT",
     "/test$file.text",
     {NULL},
     {S3_HOST, "Date: Fri, 24 May 2013 00:00:00 GMT", S3_DATE,
      "x-amz-storage-class: REDUCED_REDUNDANCY",
      "x-amz-content-sha256: 44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072"},
     "Welcome to Amazon S3.",
     "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
     "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"},
    {"GET bucket lifecycle",
     "GET",
     "/",
     {"lifecycle", ""},
     {S3_HOST, S3_DATE, "x-amz-content-sha256:" EMPTY},
     "",
     "host;x-amz-content-sha256;x-amz-date",
     "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"},
    {"list objects",
     "GET",
     "/",
     {"prefix", "J", "max-keys", "2"},
     {S3_HOST, S3_DATE, "x-amz-content-sha256:" EMPTY},
     "",
     "host;x-amz-content-sha256;x-amz-date",
     "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"},
};

static void
check(const struct vector *v, const char *time, const char *service, const char *access,
      const char *secret)
{
    struct strlist headers = {0};
    struct strlist query = {0};
    struct s3_sign s = {.method = v->method,
                        .headers = &headers,
                        .time = time,
                        .region = "us-east-1",
                        .service = service,
                        .access_key = access,
                        .secret_key = secret};
    char           digest[SHA256_HEX + 1];
    char          *path = s3_uri_encode(v->path, true);
    char          *query_text;
    char          *got;
    char          *want;

    for (size_t i = 0; i < HEADERS_MAX && v->headers[i] != NULL; i++) {
        strlist_add(&headers, v->headers[i]);
    }
    for (size_t i = 0; i < PAIRS_MAX && v->query[i] != NULL; i += 2) {
        s3_query_add(&query, v->query[i], v->query[i + 1]);
    }
    sha256_hex(v->body, strlen(v->body), digest);
    s.payload_sha256 = digest;
    s.path = path;
    s.query = query_text = s3_query_text(&query);
    got = s3_sign_authorization(&s);
    want = xasprintf(
        "AWS4-HMAC-SHA256 Credential=%s/%.8s/us-east-1/%s/aws4_request, SignedHeaders=%s, "
        "Signature=%s",
        access, time, service, v->names, v->signature);
    if (strcmp(got, want) != 0) {
        fail_msg("%s: %s\nnot %s", v->name, got, want);
    }
    free(path);
    free(query_text);
    free(got);
    free(want);
    strlist_free(&headers);
    strlist_free(&query);
}

static void
the_published_suite_is_signed_as_published(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof suite / sizeof suite[0]; i++) {
        check(&suite[i], "20150830T123600Z", "service", "AKIDEXAMPLE",
              "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
    }
}

static void
the_examples_of_the_s3_manual_are_signed_as_published(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof manual / sizeof manual[0]; i++) {
        check(&manual[i], "20130524T000000Z", "s3", "AKIAIOSFODNN7EXAMPLE",
              "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");
    }
}

static void
the_canonical_request_is_the_published_one(void **state)
{
    struct strlist headers = {0};
    struct s3_sign s = {.method = "GET",
                        .path = "/test.txt",
                        .query = "",
                        .headers = &headers,
                        .payload_sha256 = EMPTY,
                        .time = "20130524T000000Z",
                        .region = "us-east-1",
                        .service = "s3"};
    char          *text;

    (void)state;
    strlist_add(&headers, S3_HOST);
    strlist_add(&headers, "Range: bytes=0-9");
    strlist_add(&headers, "x-amz-content-sha256:" EMPTY);
    strlist_add(&headers, S3_DATE);
    text = s3_sign_canonical(&s);
    assert_string_equal(text,
                        "GET\n/test.txt\n\nhost:examplebucket.s3.amazonaws.com\nrange:bytes=0-9\n"
                        "x-amz-content-sha256:" EMPTY
                        "\nx-amz-date:20130524T000000Z\n\n"
                        "host;range;x-amz-content-sha256;x-amz-date\n" EMPTY);
    free(text);
    text = s3_sign_string(&s);
    assert_string_equal(text,
                        "AWS4-HMAC-SHA256\n20130524T000000Z\n20130524/us-east-1/s3/aws4_request\n"
                        "7344ae5b7ee6c3e7e6b0fe0640412a37625d1fbfff95c48bbb2dc43964946972");
    free(text);
    strlist_free(&headers);
}

/* "a//b", "a/../b" and "a%2Fb" are names of their own in a bucket. */
static void
paths_are_encoded_once_and_never_normalised(void **state)
{
    static const char *const pairs[][2] = {
        {"/bucket/a//b/../c", "/bucket/a//b/../c"},
        {"/a b+c%2F~'()*!", "/a%20b%2Bc%252F~%27%28%29%2A%21"},
        {"/\341\210\264", "/%E1%88%B4"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        char *got = s3_uri_encode(pairs[i][0], true);
        char *back = s3_uri_decode(got);

        assert_string_equal(got, pairs[i][1]);
        assert_string_equal(back, pairs[i][0]);
        free(got);
        free(back);
    }
}

static void
what_is_no_encoding_is_refused(void **state)
{
    static const char *const bad[] = {"%", "%4", "%4g", "%00", "a%zz", "%%41"};
    char                    *blank = s3_uri_decode("a+b%2B");

    (void)state;
    assert_string_equal(blank, "a b+");
    free(blank);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_null(s3_uri_decode(bad[i]));
    }
}

static void
a_query_is_sorted_by_name_then_value(void **state)
{
    struct strlist q = {0};
    char          *text;

    (void)state;
    s3_query_add(&q, "prefix", "a/b c/");
    s3_query_add(&q, "list-type", "2");
    s3_query_add(&q, "a-b", "1");
    s3_query_add(&q, "a", "2");
    s3_query_add(&q, "a", "10");
    s3_query_add(&q, "delete", "");
    text = s3_query_text(&q);
    assert_string_equal(text, "a=10&a=2&a-b=1&delete=&list-type=2&prefix=a%2Fb%20c%2F");
    free(text);
    strlist_free(&q);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_published_suite_is_signed_as_published),
        cmocka_unit_test(the_examples_of_the_s3_manual_are_signed_as_published),
        cmocka_unit_test(the_canonical_request_is_the_published_one),
        cmocka_unit_test(paths_are_encoded_once_and_never_normalised),
        cmocka_unit_test(what_is_no_encoding_is_refused),
        cmocka_unit_test(a_query_is_sorted_by_name_then_value),
    };

    return cmocka_run_group_tests_name("storage/s3_sign", tests, NULL, NULL);
}
