/* The S3 driver against a store that answers from a script: what is tried again, what is not,
 * and what is said. */
#include "tests/unit/check.h"

#include <signal.h>

#include "core/cancel.h"
#include "core/crypto/hash.h"
#include "core/human.h"
#include "core/log.h"
#include "storage/contract/location.h"
#include "storage/drivers/open.h"
#include "storage/drivers/s3/s3.h"
#include "tests/unit/http_script.h"

#define XML_HEAD          "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
#define ERROR(code, more) XML_HEAD "<Error><Code>" code "</Code><Message></Message>" more "</Error>"

enum { STEPS_MAX = 8, OPTIONS_MAX = 6 };

/* A store, its script, and the driver on it. */
struct bench {
    struct http_script server;
    struct http_step   steps[STEPS_MAX];
    size_t             n;
    struct strlist     options;
    struct storage    *st;
};

static void
then(struct bench *b, char *answer)
{
    b->steps[b->n++] = (struct http_step){.answer = answer};
}

/* What is good has an ETag. */
static void
answers(struct bench *b, const char *status, const char *headers, const char *body)
{
    char *all = xasprintf("%s%s", *status == '2' ? "ETag: \"x\"\r\n" : "", headers);

    then(b, http_answer(status, all, body));
    free(all);
}

/* b->st: NULL when it cannot be opened. */
static void
try_to_open(struct bench *b, const char *host, const char *path, struct err *e)
{
    http_script_start(&b->server, b->steps, b->n);
    strlist_take(&b->options, xasprintf("endpoint=http://%s:%d%s", host, b->server.port, path));
    b->st = storage_open(
        &(struct storage_location){.location = "s3://bucket/p", .given.options = &b->options},
        false, e);
}

static void
open_at(struct bench *b, const char *host, const char *path)
{
    struct err e = ERR_INIT;

    try_to_open(b, host, path, &e);
    if (b->st == NULL) {
        fail_msg("%s", e.text);
    }
}

static void
start(struct bench *b)
{
    open_at(b, "127.0.0.1", "");
}

/* What was asked may be looked at from here on. */
static void
stop(struct bench *b)
{
    http_script_stop(&b->server);
}

static void
end(struct bench *b)
{
    http_script_free(&b->server);
    storage_close(b->st);
    strlist_free(&b->options);
    for (size_t i = 0; i < b->n; i++) {
        free((char *)(uintptr_t)b->steps[i].answer);
    }
}

static int
get(struct bench *b, struct buf *out, struct err *e)
{
    return storage_get(b->st, "key", out, e);
}

static void
assert_asked(const struct bench *b, size_t n)
{
    assert_int_equal(b->server.n_asked, n);
}

static void
assert_says(const char *text, const char *words)
{
    if (strstr(text, words) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", text, words);
    }
}

/* ---- what is tried again ---- */

static void
a_store_that_is_busy_is_asked_again(void **state)
{
    struct bench b = {0};
    struct buf   out = BUF_INIT(100);
    struct err   e = ERR_INIT;

    (void)state;
    answers(&b, "503 Slow Down", "", ERROR("SlowDown", ""));
    answers(&b, "500 Oops", "", "");
    answers(&b, "400 Bad Request", "", ERROR("RequestTimeout", ""));
    answers(&b, "200 OK", "", "hello");
    start(&b);
    assert_ok(get(&b, &out, &e), &e);
    assert_string_equal(buf_str(&out), "hello");
    stop(&b);
    assert_asked(&b, 4);
    end(&b);
    buf_free(&out);
}

static void
no_or_half_an_answer_is_none(void **state)
{
    static const char *const broken[] = {
        NULL,
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
        "HTTP/1.1 200 OK\r\n\r\nno length, so that a cut would not be seen",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
        "no HTTP at all",
    };

    (void)state;
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        struct bench b = {0};
        struct buf   out = BUF_INIT(100);
        struct err   e = ERR_INIT;

        then(&b, broken[i] == NULL ? NULL : xstrdup(broken[i]));
        answers(&b, "200 OK", "", "whole");
        start(&b);
        assert_ok(get(&b, &out, &e), &e);
        assert_string_equal(buf_str(&out), "whole");
        stop(&b);
        assert_true(b.server.n_asked >= 2);
        end(&b);
        buf_free(&out);
    }
}

static void
retry_after_is_heeded(void **state)
{
    struct bench b = {0};
    struct buf   out = BUF_INIT(100);
    struct err   e = ERR_INIT;
    double       began = clock_seconds();

    (void)state;
    answers(&b, "429 Too Many", "Retry-After: 1\r\n", "");
    answers(&b, "200 OK", "", "x");
    start(&b);
    assert_ok(get(&b, &out, &e), &e);
    assert_true(clock_seconds() - began >= 1);
    stop(&b);
    assert_asked(&b, 2);
    end(&b);
    buf_free(&out);
}

static void
everything_together_takes_no_longer_than_timeout(void **state)
{
    struct bench b = {0};
    struct buf   out = BUF_INIT(100);
    struct err   e = ERR_INIT;

    (void)state;
    strlist_add(&b.options, "timeout=1");
    answers(&b, "503 Slow Down", "", ERROR("SlowDown", ""));
    start(&b);
    assert_int_equal(get(&b, &out, &e), -1);
    assert_err(&e, ERR_IO,
               "could not read \"s3://bucket/p/key\": the store refuses it (HTTP 503 SlowDown), ");
    assert_true(e.transient);
    stop(&b);
    assert_true(b.server.n_asked >= 1);
    end(&b);
    buf_free(&out);
}

/* What is left after other tries must not be taken for the time that it had altogether. */
static void
the_last_try_says_that_it_had_the_rest_only(void **state)
{
    struct bench           b = {.steps = {{.hang = true}}, .n = 1};
    struct strlist         headers = {0};
    struct s3_http_options options = {.idle_s = 86400};
    struct err             e = ERR_INIT;
    struct s3_http        *http = s3_http_new(&options, &e);
    struct s3_answer       answer = {0};
    double                 waited = 0;
    char                  *url;

    (void)state;
    assert_non_null(http);
    start(&b);
    url = xasprintf("http://127.0.0.1:%d/", b.server.port);
    for (int i = 0; i < 2; i++) {
        struct s3_request r = {.method = "GET",
                               .url = url,
                               .headers = &headers,
                               .seconds = 0.1,
                               .timeout = i == 0 ? 0.1 : 900};

        err_clear(&e);
        assert_int_equal(s3_http_send(http, &r, &answer, &waited, &e), -1);
        assert_err(&e, ERR_IO,
                   i == 0 ? "not done after 0 s"
                          : "not done in the 0 s that were left of timeout (900 s)");
    }
    s3_answer_free(&answer);
    s3_http_free(http);
    free(url);
    stop(&b);
    end(&b);
}

static void
a_connection_that_stands_still_is_given_up(void **state)
{
    struct bench b = {.steps = {{.hang = true}}, .n = 1};
    struct buf   out = BUF_INIT(100);
    struct err   e = ERR_INIT;

    (void)state;
    strlist_add(&b.options, "idle-timeout=1");
    answers(&b, "200 OK", "", "at last");
    start(&b);
    assert_ok(get(&b, &out, &e), &e);
    assert_string_equal(buf_str(&out), "at last");
    stop(&b);
    assert_asked(&b, 2);
    end(&b);
    buf_free(&out);
}

static void
nobody_there_is_said_soon(void **state)
{
    struct bench b = {0};
    struct buf   out = BUF_INIT(100);
    struct err   e = ERR_INIT;

    (void)state;
    answers(&b, "200 OK", "", "");
    start(&b);
    stop(&b);
    assert_int_equal(get(&b, &out, &e), -1);
    assert_err(&e, ERR_IO, "Failed to connect");
    assert_says(e.text, ", 7 times");
    end(&b);
    buf_free(&out);
}

/* ---- what is not ---- */

static void
a_refusal_is_final_and_says_what_to_do(void **state)
{
    static const struct {
        const char   *status, *headers, *body;
        enum err_kind kind;
        const char   *text, *hint;
    } cases[] = {
        {"400 Bad Request", "", ERROR("InvalidArgument", ""), ERR_IO, "(HTTP 400 InvalidArgument)",
         ""},
        {"403 Forbidden", "", ERROR("AccessDenied", ""), ERR_AUTH, "(HTTP 403 AccessDenied)",
         "bucket bucket, below \"p/\""},
        {"403 Forbidden", "", ERROR("InvalidAccessKeyId", ""), ERR_AUTH, "InvalidAccessKeyId",
         "credentials of this store"},
        {"403 Forbidden", "", ERROR("SignatureDoesNotMatch", ""), ERR_AUTH, "SignatureDoesNotMatch",
         "the secret key"},
        {"404 Not Found", "", ERROR("NoSuchBucket", ""), ERR_IO, "there is no bucket \"bucket\"",
         "correct the name"},
        {"404 Not Found", "", ERROR("NoSuchKey", ""), ERR_NOT_FOUND, "does not exist", ""},
        {"404 Not Found", "", "<html>nginx</html>", ERR_IO, "(HTTP 404)",
         "is the endpoint (http://127.0.0.1:"},
        {"301 Moved", "x-amz-bucket-region: eu-central-1\r\nLocation: http://127.0.0.1:1/\r\n",
         ERROR("PermanentRedirect", "<Endpoint>bucket.s3.eu</Endpoint>"), ERR_USAGE,
         "is not in region us-east-1", "region = eu-central-1"},
        {"307 Temporary", "Location: http://127.0.0.1:1/\r\n",
         ERROR("TemporaryRedirect", "<Endpoint>bucket.s3.eu</Endpoint>"), ERR_USAGE,
         "is not in region", "endpoint bucket.s3.eu"},
        {"400 Bad Request", "", ERROR("AuthorizationHeaderMalformed", "<Region>garage</Region>"),
         ERR_USAGE, "is not in region us-east-1", "region = garage"},
        {"501 Not Implemented", "", ERROR("NotImplemented", ""), ERR_IO, "NotImplemented", ""},
        /* of objects with a customer's key, as AWS, and as Ceph says it */
        {"400 Bad Request", "",
         XML_HEAD "<Error><Code>InvalidRequest</Code><Message>The object was stored using a form "
                  "of Server Side Encryption. The correct parameters must be provided to retrieve "
                  "the object.</Message></Error>",
         ERR_IO, "InvalidRequest", "set sse-customer-key-file"},
        {"400 Bad Request", "",
         XML_HEAD "<Error><Code>InvalidArgument</Code><Message>Requests specifying Server Side "
                  "Encryption with Customer provided keys must provide a valid encryption "
                  "algorithm.</Message></Error>",
         ERR_IO, "InvalidArgument", "set sse-customer-key-file"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bench b = {0};
        struct buf   out = BUF_INIT(100);
        struct err   e = ERR_INIT;

        answers(&b, cases[i].status, cases[i].headers, cases[i].body);
        start(&b);
        assert_int_equal(get(&b, &out, &e), -1);
        assert_err(&e, cases[i].kind, cases[i].text);
        assert_says(e.hint, cases[i].hint);
        assert_false(e.transient);
        assert_int_equal(out.len, 0);
        stop(&b);
        assert_asked(&b, 1);
        end(&b);
        buf_free(&out);
    }
}

static void
a_body_beyond_the_ceiling_is_refused_while_it_comes(void **state)
{
    struct bench b = {0};
    struct buf   out = BUF_INIT(4);
    struct err   e = ERR_INIT;

    (void)state;
    answers(&b, "200 OK", "", "12345");
    start(&b);
    assert_int_equal(get(&b, &out, &e), -1);
    assert_err(&e, ERR_CORRUPT, "more than the 4 bytes");
    stop(&b);
    assert_asked(&b, 1);
    end(&b);
    buf_free(&out);
}

static void
why_a_head_was_refused_is_asked_with_a_get(void **state)
{
    struct bench       b = {0};
    struct object_info info;
    struct err         e = ERR_INIT;

    (void)state;
    then(&b, xstrdup("HTTP/1.1 403 Forbidden\r\nContent-Length: 200\r\n\r\n"));
    answers(&b, "403 Forbidden", "", ERROR("AccessDenied", ""));
    start(&b);
    assert_int_equal(storage_head(b.st, "key", &info, &e), -1);
    assert_err(&e, ERR_AUTH, "(HTTP 403 AccessDenied)");
    stop(&b);
    assert_asked(&b, 2);
    assert_says(b.server.asked[0], "HEAD /bucket/p/key ");
    assert_says(b.server.asked[1], "GET /bucket/p/key ");
    end(&b);
}

static void
a_get_that_finds_nothing_settles_a_refused_head(void **state)
{
    struct bench       b = {0};
    struct object_info info;
    struct err         e = ERR_INIT;

    (void)state;
    then(&b, xstrdup("HTTP/1.1 403 Forbidden\r\nContent-Length: 200\r\n\r\n"));
    answers(&b, "404 Not Found", "", ERROR("NoSuchKey", ""));
    then(&b, xstrdup("HTTP/1.1 403 Forbidden\r\nContent-Length: 200\r\n\r\n"));
    start(&b);
    assert_int_equal(storage_head(b.st, "key", &info, &e), -1);
    assert_int_equal(e.kind, ERR_NOT_FOUND);
    stop(&b);
    assert_asked(&b, 2);
    end(&b);
}

/* ---- once ---- */

static void
a_clock_that_is_off_goes_by_the_stores(void **state)
{
    struct bench b = {0};
    struct buf   out = BUF_INIT(100);
    struct err   e = ERR_INIT;

    (void)state;
    answers(&b, "403 Forbidden", "Date: Wed, 01 Jan 2036 12:00:30 GMT\r\n",
            ERROR("RequestTimeTooSkewed", ""));
    answers(&b, "200 OK", "", "x");
    start(&b);
    assert_ok(get(&b, &out, &e), &e);
    assert_ok(get(&b, &out, &e), &e);
    stop(&b);
    assert_asked(&b, 3);
    assert_null(strstr(b.server.asked[0], "x-amz-date: 2036"));
    assert_says(b.server.asked[1], "x-amz-date: 20360101T1200");
    assert_says(b.server.asked[2], "x-amz-date: 20360101T1200");
    end(&b);
    buf_free(&out);
}

static void
a_clock_that_stays_off_is_an_error(void **state)
{
    struct bench b = {0};
    struct buf   out = BUF_INIT(100);
    struct err   e = ERR_INIT;

    (void)state;
    answers(&b, "403 Forbidden", "Date: Wed, 01 Jan 2036 12:00:30 GMT\r\n",
            ERROR("RequestTimeTooSkewed", ""));
    start(&b);
    assert_int_equal(get(&b, &out, &e), -1);
    assert_err(&e, ERR_IO, "the clocks of this host and of the store differ");
    stop(&b);
    assert_asked(&b, 2);
    end(&b);
    buf_free(&out);
}

static void
expired_credentials_are_fetched_anew_once(void **state)
{
    struct bench b = {0};
    struct buf   out = BUF_INIT(100);
    struct err   e = ERR_INIT;

    (void)state;
    answers(&b, "400 Bad Request", "", ERROR("ExpiredToken", ""));
    start(&b);
    assert_int_equal(get(&b, &out, &e), -1);
    assert_err(&e, ERR_AUTH, "the credentials have expired");
    stop(&b);
    assert_asked(&b, 2);
    end(&b);
    buf_free(&out);
}

/* ---- what is sent ---- */

static void
path_and_host_style_and_a_path_of_the_endpoint(void **state)
{
    static const struct {
        const char *host, *path, *style, *line, *header;
    } cases[] = {
        {"127.0.0.1", "", "style=auto", "GET /bucket/p/key HTTP/1.1\r\n", "\r\nHost: 127.0.0.1:"},
        {"127.0.0.1", "/s3/v1/", "style=path", "GET /s3/v1/bucket/p/key HTTP/1.1\r\n",
         "\r\nHost: 127.0.0.1:"},
        {"localhost", "", "style=host", "GET /p/key HTTP/1.1\r\n", "\r\nHost: bucket.localhost:"},
        {"localhost", "/base", "style=host", "GET /base/p/key HTTP/1.1\r\n",
         "\r\nHost: bucket.localhost:"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bench b = {0};
        struct buf   out = BUF_INIT(100);
        struct err   e = ERR_INIT;

        strlist_add(&b.options, cases[i].style);
        answers(&b, "200 OK", "", "x");
        open_at(&b, cases[i].host, cases[i].path);
        assert_ok(get(&b, &out, &e), &e);
        stop(&b);
        assert_asked(&b, 1);
        assert_ptr_equal(strstr(b.server.asked[0], cases[i].line), b.server.asked[0]);
        assert_says(b.server.asked[0], cases[i].header);
        assert_says(b.server.asked[0], "\r\nx-amz-content-sha256: e3b0c44298fc1c14");
        end(&b);
        buf_free(&out);
    }
}

static void
a_new_object_carries_what_the_settings_say(void **state)
{
    struct bench b = {0};
    struct err   e = ERR_INIT;

    (void)state;
    strlist_add(&b.options, "storage-class=STANDARD_IA");
    strlist_add(&b.options, "sse=aws:kms");
    strlist_add(&b.options, "sse-kms-key=the-key");
    strlist_add(&b.options, "tags=team=db, what=night & day");
    strlist_add(&b.options, "checksum=md5");
    strlist_add(&b.options, "region=auto");
    answers(&b, "404 Not Found", "", "");
    answers(&b, "200 OK", "", "");
    start(&b);
    assert_ok(storage_put(b.st, "key", "hello", 5, &e), &e);
    stop(&b);
    assert_asked(&b, 2);
    assert_says(b.server.asked[1], "PUT /bucket/p/key ");
    assert_says(b.server.asked[1], "\r\nx-amz-storage-class: STANDARD_IA\r\n");
    assert_says(b.server.asked[1], "\r\nx-amz-server-side-encryption: aws:kms\r\n");
    assert_says(b.server.asked[1], "\r\nx-amz-server-side-encryption-aws-kms-key-id: the-key\r\n");
    assert_says(b.server.asked[1], "\r\nx-amz-tagging: team=db&what=night%20%26%20day\r\n");
    assert_says(b.server.asked[1], "\r\nContent-MD5: XUFAKrxLKna5cZ2REBfFkg==\r\n");
    assert_says(b.server.asked[1], "\r\nIf-None-Match: *\r\n");
    assert_says(b.server.asked[1], "\r\nContent-Length: 5\r\n");
    assert_says(b.server.asked[1],
                "\r\nx-amz-content-sha256: "
                "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824\r\n");
    assert_says(b.server.asked[1],
                "/auto/s3/aws4_request, SignedHeaders=content-md5;content-type;host;if-none-match;"
                "x-amz-content-sha256;x-amz-date;x-amz-server-side-encryption;");
    assert_string_equal(b.server.bodies[1], "hello");
    end(&b);
}

static void
a_key_that_names_its_hash_is_put_without_a_look(void **state)
{
    static const char key[] =
        "c/"
        "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824-1";
    struct bench b = {0};
    struct err   e = ERR_INIT;

    (void)state;
    answers(&b, "200 OK", "", "");
    start(&b);
    assert_ok(storage_put(b.st, key, "hello", 5, &e), &e);
    stop(&b);
    assert_asked(&b, 1);
    assert_says(b.server.asked[0], "PUT ");
    assert_null(strstr(b.server.asked[0], "If-None-Match"));
    end(&b);
}

static void
requests_share_a_connection(void **state)
{
    struct bench b = {0};
    struct buf   out = BUF_INIT(100);
    struct err   e = ERR_INIT;

    (void)state;
    answers(&b, "200 OK", "", "x");
    b.steps[0].keep = true;
    start(&b);
    for (int i = 0; i < 5; i++) {
        assert_ok(get(&b, &out, &e), &e);
    }
    stop(&b);
    assert_asked(&b, 5);
    assert_int_equal(b.server.accepted, 1);
    end(&b);
    buf_free(&out);
}

static void
a_second_opinion_comes_over_a_new_connection(void **state)
{
    struct bench b = {0};
    struct buf   out = BUF_INIT(100);
    struct err   e = ERR_INIT;

    (void)state;
    answers(&b, "200 OK", "", "x");
    start(&b);
    assert_ok(get(&b, &out, &e), &e);
    assert_ok(storage_get_anew(b.st, "key", &out, &e), &e);
    stop(&b);
    assert_int_equal(b.server.accepted, 2);
    end(&b);
    buf_free(&out);
}

static void
bandwidth_is_shared(void **state)
{
    struct bench b = {0};
    struct err   e = ERR_INIT;
    char         body[60000];
    double       began;

    (void)state;
    memset(body, 'x', sizeof body);
    strlist_add(&b.options, "bandwidth=100kB");
    answers(&b, "404 Not Found", "", "");
    answers(&b, "200 OK", "", "");
    start(&b);
    began = clock_seconds();
    assert_ok(storage_put(b.st, "key", body, sizeof body, &e), &e);
    assert_true(clock_seconds() - began > 0.4);
    stop(&b);
    end(&b);
}

/* ---- somebody else answers ---- */

#define PORTAL "<html><body><h1>Welcome to the guest network</h1></body></html>"

struct impostor {
    const char *status, *headers, *body;
};

static int
ask_get(struct bench *b, struct err *e)
{
    struct buf out = BUF_INIT(1000);
    int        rc = get(b, &out, e);

    buf_free(&out);
    return rc;
}

static int
ask_head(struct bench *b, struct err *e)
{
    struct object_info info;

    return storage_head(b->st, "key", &info, e);
}

/* A key with its hash: one request. */
static int
ask_put(struct bench *b, struct err *e)
{
    return storage_put(b->st,
                       "c/2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824-1",
                       "hello", 5, e);
}

static int
ask_remove(struct bench *b, struct err *e)
{
    static const char *const one[] = {"key"};

    return storage_remove(b->st, one, 1, e);
}

#define LATER "Last-Modified: Sat, 21 Nov 2026 02:15:00 GMT\r\n"

/* Asked again, it is answered by the store; asked thrice in vain, it is an error. */
static void
what_is_not_a_stores_answer_is_none(void **state)
{
    static const struct {
        int (*ask)(struct bench *, struct err *);
        struct impostor wrong;
        const char     *right; /* headers of the store's own answer */
    } cases[] = {
        {ask_put, {"200 OK", "Content-Type: text/html\r\n", PORTAL}, "ETag: \"x\"\r\n"},
        {ask_put, {"200 OK", "ETag: \"page\"\r\n", PORTAL}, "ETag: \"x\"\r\n"},
        {ask_put, {"200 OK", "", ""}, "ETag: \"x\"\r\n"},
        {ask_put, {"200 OK", "ETag: \r\n", ""}, "ETag: x\r\n"},
        {ask_put, {"204 No Content", "", ""}, "ETag: \"x\"\r\n"},
        {ask_get, {"200 OK", "", PORTAL}, "ETag: \"x\"\r\n"},
        {ask_head, {"200 OK", LATER, ""}, LATER "ETag: \"x\"\r\n"},
        {ask_remove, {"200 OK", "", PORTAL}, ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct impostor *w = &cases[i].wrong;
        struct bench           healed = {0}, lost = {0};
        struct err             e = ERR_INIT;

        then(&healed, http_answer(w->status, w->headers, w->body));
        then(&healed, http_answer("200 OK", cases[i].right, ""));
        start(&healed);
        assert_ok(cases[i].ask(&healed, &e), &e);
        stop(&healed);
        assert_asked(&healed, 2);
        end(&healed);

        then(&lost, http_answer(w->status, w->headers, w->body));
        start(&lost);
        assert_int_equal(cases[i].ask(&lost, &e), -1);
        assert_err(&e, ERR_IO, "is not one of an S3 store");
        assert_says(e.hint, "in the store's place");
        stop(&lost);
        assert_asked(&lost, 3);
        end(&lost);
    }
}

/* ---- writing once ---- */

static void
a_store_without_if_none_match_is_written_to_all_the_same(void **state)
{
    struct bench b = {0};
    struct err   e = ERR_INIT;

    (void)state;
    answers(&b, "404 Not Found", "", "");
    answers(&b, "501 Not Implemented", "", ERROR("NotImplemented", ""));
    answers(&b, "200 OK", "", "");
    answers(&b, "404 Not Found", "", "");
    answers(&b, "200 OK", "", "");
    start(&b);
    assert_ok(storage_put(b.st, "a", "1", 1, &e), &e);
    assert_ok(storage_put(b.st, "b", "1", 1, &e), &e);
    stop(&b);
    assert_asked(&b, 5);
    assert_says(b.server.asked[1], "If-None-Match");
    assert_null(strstr(b.server.asked[2], "If-None-Match"));
    assert_null(strstr(b.server.asked[4], "If-None-Match"));
    end(&b);
}

static void
who_loses_a_race_looks_at_what_won(void **state)
{
    (void)state;
    for (int same = 0; same < 2; same++) {
        struct bench b = {0};
        struct err   e = ERR_INIT;

        answers(&b, "404 Not Found", "", "");
        answers(&b, "412 Precondition Failed", "", ERROR("PreconditionFailed", ""));
        answers(&b, "200 OK", "", same ? "mine" : "not mine");
        start(&b);
        if (same) {
            assert_ok(storage_put(b.st, "key", "mine", 4, &e), &e);
        } else {
            assert_int_equal(storage_put(b.st, "key", "mine", 4, &e), -1);
            assert_err(&e, ERR_EXISTS, "key");
        }
        stop(&b);
        assert_asked(&b, 3);
        end(&b);
    }
}

/* ---- removing ---- */

static const char *const three[] = {"a", "b/c", "d"};

static void
many_are_removed_at_once(void **state)
{
    struct bench b = {0};
    struct err   e = ERR_INIT;

    (void)state;
    answers(&b, "200 OK", "",
            XML_HEAD
            "<DeleteResult><Error><Key>p/a</Key><Code>InternalError</Code></Error></DeleteResult>");
    answers(&b, "200 OK", "",
            XML_HEAD
            "<DeleteResult><Error><Key>p/d</Key><Code>NoSuchKey</Code></Error></DeleteResult>");
    start(&b);
    assert_ok(storage_remove(b.st, three, 3, &e), &e);
    stop(&b);
    assert_asked(&b, 2);
    assert_says(b.server.asked[0], "POST /bucket?delete= HTTP/1.1\r\n");
    assert_says(b.server.asked[0], "\r\nContent-MD5: ");
    assert_says(b.server.bodies[0],
                "<Quiet>true</Quiet><Object><Key>p/a</Key></Object><Object><Key>p/b/c</Key></"
                "Object>");
    end(&b);
}

static void
a_key_that_cannot_be_removed_is_named(void **state)
{
    struct bench b = {0};
    struct err   e = ERR_INIT;

    (void)state;
    answers(&b, "200 OK", "",
            XML_HEAD
            "<DeleteResult><Error><Key>p/b/c</Key><Code>AccessDenied</Code><Message>no</Message></"
            "Error></DeleteResult>");
    start(&b);
    assert_int_equal(storage_remove(b.st, three, 3, &e), -1);
    assert_err(&e, ERR_AUTH, "\"p/b/c\": AccessDenied: no");
    stop(&b);
    assert_asked(&b, 1);
    end(&b);
}

static void
without_bulk_deletes_they_go_one_by_one(void **state)
{
    struct bench b = {0};
    struct err   e = ERR_INIT;

    (void)state;
    answers(&b, "501 Not Implemented", "", ERROR("NotImplemented", ""));
    then(&b, xstrdup("HTTP/1.1 204 No Content\r\n\r\n"));
    answers(&b, "404 Not Found", "", ERROR("NoSuchKey", ""));
    then(&b, xstrdup("HTTP/1.1 204 No Content\r\n\r\n"));
    start(&b);
    assert_ok(storage_remove(b.st, three, 3, &e), &e);
    assert_ok(storage_remove(b.st, three, 2, &e), &e);
    stop(&b);
    assert_asked(&b, 6);
    assert_says(b.server.asked[2], "DELETE /bucket/p/b/c ");
    assert_says(b.server.asked[5], "DELETE /bucket/p/b/c ");
    end(&b);
}

/* ---- listing ---- */

#define ENTRY(key)                                                                                 \
    "<Contents><Key>" key                                                                          \
    "</Key><LastModified>2026-11-21T02:15:00.000Z</LastModified><ETag>x</ETag><Size>7</Size></"    \
    "Contents>"
#define PAGE(more, entries)                                                                        \
    XML_HEAD "<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">" more entries   \
             "</ListBucketResult>"
#define GOES_ON "<IsTruncated>true</IsTruncated><NextContinuationToken>t/1</NextContinuationToken>"

static int
collect(void *ctx, const struct object_info *info, struct err *e)
{
    (void)e;
    assert_int_equal(info->size, 7);
    assert_int_equal(info->modified, 1795227300);
    strlist_add(ctx, info->key);
    return 0;
}

static void
a_listing_goes_over_its_pages(void **state)
{
    struct bench   b = {0};
    struct strlist got = {0};
    struct err     e = ERR_INIT;

    (void)state;
    answers(&b, "200 OK", "",
            PAGE("<EncodingType>url</EncodingType><KeyCount>3</KeyCount>" GOES_ON,
                 ENTRY("p/d/") ENTRY("p/d/a%2541") ENTRY("p/d/b+c")));
    answers(&b, "200 OK", "", PAGE("<IsTruncated>false</IsTruncated>", ENTRY("p/d/e")));
    start(&b);
    assert_ok(storage_list(b.st, "d/", collect, &got, &e), &e);
    assert_int_equal(got.n, 2); /* "d/" and "d/b c" are no keys of ours */
    assert_string_equal(got.v[0], "d/a%41");
    assert_string_equal(got.v[1], "d/e");
    stop(&b);
    assert_asked(&b, 2);
    assert_says(b.server.asked[0],
                "GET /bucket?encoding-type=url&list-type=2&prefix=p%2Fd%2F HTTP/1.1\r\n");
    assert_says(b.server.asked[1],
                "GET "
                "/bucket?continuation-token=t%2F1&encoding-type=url&list-type=2&prefix=p%2Fd%2F ");
    strlist_free(&got);
    end(&b);
}

static void
a_listing_that_makes_no_sense_is_asked_for_again_and_then_refused(void **state)
{
    static const struct {
        const char *page, *words;
    } cases[] = {
        {PAGE("", ENTRY("p/b") ENTRY("p/a")), "keys do not ascend"},
        {PAGE("", ENTRY("p/b") ENTRY("p/b")), "keys do not ascend"},
        {PAGE("", ENTRY("q/b")), "not below the requested prefix"},
        {PAGE("<KeyCount>2</KeyCount>", ENTRY("p/b")), "entries are missing"},
        {PAGE("<IsTruncated>true</IsTruncated>", ENTRY("p/b")), "no continuation token"},
        {PAGE("", "<Contents><Key>p/b</Key></Contents>"), "no size or no time"},
        {PAGE("<EncodingType>url</EncodingType>", ENTRY("p/%zz")), "no readable key"},
        {PAGE("", "<Contents></Contents>"), "no readable key"},
        {XML_HEAD "<Error><Code>InternalError</Code></Error>", "is another document"},
        {XML_HEAD "<ListBucketResult><Contents>", "no element found"},
        {"<!DOCTYPE a [<!ENTITY b \"c\">]><ListBucketResult>&b;</ListBucketResult>",
         "has a DOCTYPE"},
        {"", "no element found"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bench   b = {0};
        struct strlist got = {0};
        struct err     e = ERR_INIT;

        answers(&b, "200 OK", "", cases[i].page);
        start(&b);
        assert_int_equal(storage_list(b.st, "", collect, &got, &e), -1);
        assert_err(&e, ERR_CORRUPT, cases[i].words);
        assert_int_equal(got.n, 0);
        stop(&b);
        assert_asked(&b, 3);
        end(&b);
    }
}

static void
what_was_wrong_before_is_said_too(void **state)
{
    struct bench   b = {0};
    struct strlist got = {0};
    struct err     e = ERR_INIT;

    (void)state;
    answers(&b, "503 Slow Down", "", ERROR("SlowDown", ""));
    answers(&b, "200 OK", "", "garbage");
    start(&b);
    assert_int_equal(storage_list(b.st, "", collect, &got, &e), -1);
    assert_says(e.text, "XML");
    assert_says(e.text, ", 4 times in ");
    assert_says(e.text, "; before: the store refuses it (HTTP 503 SlowDown)");
    stop(&b);
    end(&b);
    strlist_free(&got);
}

static void
a_page_that_comes_twice_is_noticed(void **state)
{
    struct bench   b = {0};
    struct strlist got = {0};
    struct err     e = ERR_INIT;

    (void)state;
    answers(&b, "200 OK", "", PAGE(GOES_ON, ENTRY("p/a") ENTRY("p/b")));
    answers(&b, "200 OK", "", PAGE(GOES_ON, ENTRY("p/a") ENTRY("p/b")));
    answers(&b, "200 OK", "", PAGE("", ENTRY("p/c")));
    start(&b);
    assert_ok(storage_list(b.st, "", collect, &got, &e), &e);
    assert_int_equal(got.n, 3);
    stop(&b);
    assert_asked(&b, 3);
    strlist_free(&got);
    end(&b);
}

static char *
one_more(size_t nth)
{
    char *page = xasprintf(XML_HEAD
                           "<ListBucketResult><IsTruncated>true</IsTruncated>"
                           "<NextContinuationToken>%zu</NextContinuationToken><Contents>"
                           "<Key>p/d/%08zu</Key><LastModified>2026-11-21T02:15:00.000Z"
                           "</LastModified><Size>7</Size></Contents></ListBucketResult>",
                           nth, nth);
    char *all = http_answer("200 OK", "ETag: x\r\n", page);

    free(page);
    return all;
}

static int
pass_over(void *ctx, const struct object_info *info, struct err *e)
{
    (void)ctx, (void)info, (void)e;
    return 0;
}

static int
pass_dir_over(void *ctx, const char *name, struct err *e)
{
    (void)ctx, (void)name, (void)e;
    return 0;
}

/* A new key and a new token on every page. */
static void
a_listing_that_never_ends_is_given_up(void **state)
{
    (void)state;
    for (int dirs = 0; dirs < 2; dirs++) {
        struct bench b = {.server.make = one_more};
        struct err   e = ERR_INIT;

        start(&b);
        assert_int_equal(dirs ? storage_dirs(b.st, "d/", pass_dir_over, NULL, &e)
                              : storage_list(b.st, "d/", pass_over, NULL, &e),
                         -1);
        assert_err(&e, ERR_CORRUPT, "goes on and on");
        stop(&b);
        assert_in_range(b.server.requests, 100, 1000);
        end(&b);
    }
}

/* ---- versions ---- */

#define VERSION(id)                                                                                \
    XML_HEAD "<ListVersionsResult><Version><Key>p/repo.1.json</Key><VersionId>" id                 \
             "</VersionId>"                                                                        \
             "<IsLatest>true</IsLatest><LastModified>2026-11-21T02:15:00.000Z</LastModified>"      \
             "<Size>7</Size></Version></ListVersionsResult>"
#define VERSIONING(status) XML_HEAD "<VersioningConfiguration>" status "</VersioningConfiguration>"

/* What never kept versions shows as of any time what is there now: an error, no answer. */
static void
only_what_keeps_versions_is_seen_as_of_another_time(void **state)
{
    static const struct {
        const char *status, *versioning,
            *listing; /* listing: asked for when the store says nothing */
        bool kept;
    } cases[] = {
        {"200 OK", VERSIONING(""), NULL, false},
        {"200 OK", VERSIONING("<Status>Enabled</Status>"), NULL, true},
        {"200 OK", VERSIONING("<Status>Suspended</Status>"), NULL, true},
        {"501 Not Implemented", ERROR("NotImplemented", ""), VERSION("null"), false},
        {"403 Forbidden", ERROR("AccessDenied", ""), VERSION("null"), false},
        {"403 Forbidden", ERROR("AccessDenied", ""), VERSION("a1"), true},
        {"200 OK", "not XML", VERSION("a1"), true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bench b = {0};
        struct err   e = ERR_INIT;

        strlist_add(&b.options, "as-of=2026-11-22");
        answers(&b, cases[i].status, "", cases[i].versioning);
        if (cases[i].listing != NULL) {
            answers(&b, "200 OK", "", cases[i].listing);
        }
        try_to_open(&b, "127.0.0.1", "", &e);
        if (cases[i].kept) {
            assert_non_null(b.st);
        } else {
            assert_null(b.st);
            assert_err(&e, ERR_USAGE, "versioning was never turned on");
        }
        stop(&b);
        assert_asked(&b, cases[i].listing == NULL ? 1 : 2);
        assert_says(b.server.asked[0], "GET /bucket?versioning= ");
        end(&b);
    }
}

/* ---- the last, as there is no way back from a signal ---- */

static void *
send_signal(void *arg)
{
    (void)arg;
    (void)usleep(300000);
    (void)kill(getpid(), SIGTERM);
    return NULL;
}

static void
a_signal_ends_what_waits_but_not_the_tidying_up(void **state)
{
    struct bench b = {.steps = {{.hang = true}}, .n = 1};
    struct buf   out = BUF_INIT(100);
    struct err   e = ERR_INIT;
    pthread_t    thread;

    (void)state;
    strlist_add(&b.options, "timeout=86400"); /* longer than the test may take */
    strlist_add(&b.options, "idle-timeout=86400");
    cancel_install();
    answers(&b, "503 Slow Down", "", ERROR("SlowDown", ""));
    then(&b, xstrdup("HTTP/1.1 204 No Content\r\n\r\n"));
    start(&b);
    assert_int_equal(pthread_create(&thread, NULL, send_signal, NULL), 0);
    assert_int_equal(get(&b, &out, &e), -1);
    assert_int_equal(e.kind, ERR_INTERRUPTED);
    assert_int_equal(pthread_join(thread, NULL), 0);
    err_clear(&e);
    assert_ok(storage_remove(b.st, three, 1, &e), &e);
    assert_int_equal(storage_put(b.st, "key", "x", 1, &e), -1);
    assert_int_equal(e.kind, ERR_INTERRUPTED);
    stop(&b);
    assert_asked(&b, 3);
    end(&b);
    buf_free(&out);
}

static int
set_up(void **state)
{
    (void)state;
    log_init("test", LOG_ERROR);
    (void)unsetenv("AWS_REGION");
    (void)unsetenv("AWS_DEFAULT_REGION");
    (void)unsetenv("AWS_PROFILE");
    (void)unsetenv("AWS_CA_BUNDLE");
    (void)setenv("AWS_CONFIG_FILE", "/nonexistent", 1);
    (void)setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent", 1);
    (void)setenv("AWS_ACCESS_KEY_ID", "with:colon", 1);
    (void)setenv("AWS_SECRET_ACCESS_KEY", "secret", 1);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_store_that_is_busy_is_asked_again),
        cmocka_unit_test(no_or_half_an_answer_is_none),
        cmocka_unit_test(retry_after_is_heeded),
        cmocka_unit_test(everything_together_takes_no_longer_than_timeout),
        cmocka_unit_test(the_last_try_says_that_it_had_the_rest_only),
        cmocka_unit_test(what_was_wrong_before_is_said_too),
        cmocka_unit_test(a_connection_that_stands_still_is_given_up),
        cmocka_unit_test(nobody_there_is_said_soon),
        cmocka_unit_test(a_refusal_is_final_and_says_what_to_do),
        cmocka_unit_test(a_body_beyond_the_ceiling_is_refused_while_it_comes),
        cmocka_unit_test(why_a_head_was_refused_is_asked_with_a_get),
        cmocka_unit_test(a_get_that_finds_nothing_settles_a_refused_head),
        cmocka_unit_test(a_clock_that_is_off_goes_by_the_stores),
        cmocka_unit_test(a_clock_that_stays_off_is_an_error),
        cmocka_unit_test(expired_credentials_are_fetched_anew_once),
        cmocka_unit_test(path_and_host_style_and_a_path_of_the_endpoint),
        cmocka_unit_test(a_new_object_carries_what_the_settings_say),
        cmocka_unit_test(a_key_that_names_its_hash_is_put_without_a_look),
        cmocka_unit_test(requests_share_a_connection),
        cmocka_unit_test(a_second_opinion_comes_over_a_new_connection),
        cmocka_unit_test(bandwidth_is_shared),
        cmocka_unit_test(a_store_without_if_none_match_is_written_to_all_the_same),
        cmocka_unit_test(what_is_not_a_stores_answer_is_none),
        cmocka_unit_test(who_loses_a_race_looks_at_what_won),
        cmocka_unit_test(many_are_removed_at_once),
        cmocka_unit_test(a_key_that_cannot_be_removed_is_named),
        cmocka_unit_test(without_bulk_deletes_they_go_one_by_one),
        cmocka_unit_test(a_listing_goes_over_its_pages),
        cmocka_unit_test(a_listing_that_makes_no_sense_is_asked_for_again_and_then_refused),
        cmocka_unit_test(a_page_that_comes_twice_is_noticed),
        cmocka_unit_test(a_listing_that_never_ends_is_given_up),
        cmocka_unit_test(only_what_keeps_versions_is_seen_as_of_another_time),
        cmocka_unit_test(a_signal_ends_what_waits_but_not_the_tidying_up),
    };

    return cmocka_run_group_tests_name("storage/s3_call", tests, set_up, NULL);
}
