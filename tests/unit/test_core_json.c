/* json.h */
#include "tests/unit/check.h"

#include <stdlib.h>

#include "core/json.h"

static json_t *
read_text(const char *text, struct err *e)
{
    return json_read(text, strlen(text), e);
}

static void
what_is_written_is_sorted_and_compact(void **state)
{
    struct buf b = BUF_INIT(100);
    struct err e = ERR_INIT;
    json_t    *j = read_text("{\"b\": [1, true, null], \"a\": \"\\u00e9\"}", &e);

    (void)state;
    assert_non_null(j);
    assert_ok(json_write(j, &b, &e), &e);
    assert_string_equal(buf_str(&b), "{\"a\":\"\xc3\xa9\",\"b\":[1,true,null]}");
    json_decref(j);
    buf_free(&b);
}

static void
a_full_buffer_stops_the_writing(void **state)
{
    struct buf b = BUF_INIT(5);
    struct err e = ERR_INIT;
    json_t    *j = json_pack("{s:s}", "key", "long enough");

    (void)state;
    assert_int_equal(json_write(j, &b, &e), -1);
    assert_err(&e, ERR_IO, "larger than");
    json_decref(j);
    buf_free(&b);
}

static void
bad_json_is_refused(void **state)
{
    static const char *const bad[][2] = {
        {"", "line 1"},
        {"{", "line 1"},
        {"{} x", "line 1"},
        {"{}{}", "line 1"},
        {"42", "line 1"},
        {"{\"a\":1,\n\"a\":2}", "line 2: duplicate"},
        {"{\"a\":\"\\u0000\"}", "line 1"},
        {"{\"a\\u0000b\":1}", "line 1"},
        {"{\"a\":\"\xff\"}", "line 1"},
        {"{\"a\":1e999}", "line 1"},
        {"{\"a\":123456789012345678901234567890}", "line 1"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct err e = ERR_INIT;

        assert_null(read_text(bad[i][0], &e));
        assert_err(&e, ERR_CORRUPT, bad[i][1]);
    }
}

static json_t *
nested(size_t depth, struct err *e)
{
    struct buf b = BUF_INIT(BUF_NO_LIMIT);
    json_t    *j;

    for (size_t i = 0; i < depth; i++) {
        (void)buf_puts(&b, "[", e);
    }
    for (size_t i = 0; i < depth; i++) {
        (void)buf_puts(&b, "]", e);
    }
    j = json_read(b.data, b.len, e);
    buf_free(&b);
    return j;
}

static void
depth_ends_at_32(void **state)
{
    struct err e = ERR_INIT;
    json_t    *j = nested(JSON_DEPTH_MAX, &e);

    (void)state;
    assert_non_null(j);
    json_decref(j);
    assert_null(nested(JSON_DEPTH_MAX + 1, &e));
    assert_err(&e, ERR_CORRUPT, "32 deep");
    assert_null(nested(1000000, &e));
    assert_err(&e, ERR_CORRUPT, "32 deep");
    /* Brackets inside strings are only text. */
    j = read_text("[\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"[[\"]", &e);
    assert_non_null(j);
    json_decref(j);
}

static void
getters_name_the_key(void **state)
{
    struct err e = ERR_INIT;
    json_t    *j = read_text(
           "{\"s\":\"x\",\"i\":7,\"n\":-1,\"big\":9007199254740992,\"b\":true,\"h\":"
              "\"00000000000000ff\","
              "\"H\":\"00000000000000FF\",\"a\":[],\"o\":{}}",
           &e);
    const char *s;
    int64_t     i;
    uint64_t    h;
    bool        b;
    json_t     *v;

    (void)state;
    assert_non_null(j);
    assert_ok(json_get_str(j, "s", &s, &e), &e);
    assert_string_equal(s, "x");
    assert_ok(json_get_int(j, "i", &i, &e), &e);
    assert_int_equal(i, 7);
    assert_ok(json_get_bool(j, "b", &b, &e), &e);
    assert_true(b);
    assert_ok(json_get_hex64(j, "h", &h, &e), &e);
    assert_int_equal(h, 255);
    assert_ok(json_get_array(j, "a", &v, &e), &e);
    assert_ok(json_get_object(j, "o", &v, &e), &e);
    assert_int_equal(json_get_str(j, "zz", &s, &e), -1);
    assert_err(&e, ERR_CORRUPT, "key \"zz\" is missing");
    assert_int_equal(json_get_str(j, "i", &s, &e), -1);
    assert_err(&e, ERR_CORRUPT, "key \"i\" is not a string");
    assert_int_equal(json_get_int(j, "n", &i, &e), -1);
    assert_int_equal(json_get_int(j, "big", &i, &e), -1);
    assert_int_equal(json_get_int(j, "s", &i, &e), -1);
    assert_int_equal(json_get_bool(j, "i", &b, &e), -1);
    assert_int_equal(json_get_hex64(j, "H", &h, &e), -1);
    assert_int_equal(json_get_hex64(j, "s", &h, &e), -1);
    assert_int_equal(json_get_array(j, "o", &v, &e), -1);
    assert_int_equal(json_get_object(j, "a", &v, &e), -1);
    assert_string_equal(json_opt_str(j, "zz", "d"), "d");
    assert_int_equal(json_opt_int(j, "i", 1), 7);
    assert_true(json_opt_bool(j, "s", true));
    json_decref(j);
}

static void
any_bytes_travel(void **state)
{
    static const struct {
        const char *p;
        size_t      n;
    } all[] = {{"", 0}, {"text \xc3\xa9", 7}, {"\xff\xfe", 2}, {"a\0b", 3}, {"\0", 1}};

    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        struct err e = ERR_INIT;
        json_t    *j = json_bytes(all[i].p, all[i].n);
        size_t     n;
        char      *back = json_bytes_get(j, &n, &e);

        assert_non_null(back);
        assert_int_equal(n, all[i].n);
        assert_memory_equal(back, all[i].p, n);
        free(back);
        json_decref(j);
    }
}

static void
bytes_that_are_neither_text_nor_base64_are_refused(void **state)
{
    static const char *const bad[] = {
        "[1]", "[null]", "[{\"b64\":1}]", "[{\"b64\":\"a\"}]", "[{\"b64\":\"@@@@\"}]", "[{}]"};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct err e = ERR_INIT;
        json_t    *j = read_text(bad[i], &e);
        size_t     n;

        assert_null(json_bytes_get(json_array_get(j, 0), &n, &e));
        assert_int_equal(e.kind, ERR_CORRUPT);
        json_decref(j);
    }
}

static void
fingerprints_travel_as_hexadecimal(void **state)
{
    json_t *j = json_hex64(0x0123456789abcdef);

    (void)state;
    assert_string_equal(json_string_value(j), "0123456789abcdef");
    json_decref(j);
}

static void
no_text_is_left_out(void **state)
{
    static const char latin[] = "caf\xe9";
    struct err        e = ERR_INIT;
    struct buf        out = BUF_INIT(BUF_NO_LIMIT);
    json_t *o = json_pack("{s:s, s:s, s:o, s:I, s:b, s:f}", "repository", latin, "id", "x", "list",
                          json_array(), "n", (json_int_t)7, "good", 1, "seconds", 0.5);

    (void)state;
    assert_int_equal(json_object_set_new(o, "path", json_string(latin)), 0);
    assert_int_equal(json_object_set_new(o, "none", json_string(NULL)), 0);
    assert_ok(json_write(o, &out, &e), &e);
    assert_string_equal(buf_str(&out),
                        "{\"good\":true,\"id\":\"x\",\"list\":[],\"n\":7,\"none\":null,"
                        "\"path\":{\"b64\":\"Y2Fm6Q==\"},"
                        "\"repository\":{\"b64\":\"Y2Fm6Q==\"},\"seconds\":0.5}");
    json_decref(o);
    buf_free(&out);
    assert_null(json_pack("{s:s, s:o}", "a", "b", "c", (json_t *)NULL));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_sorted_and_compact),
        cmocka_unit_test(a_full_buffer_stops_the_writing),
        cmocka_unit_test(bad_json_is_refused),
        cmocka_unit_test(depth_ends_at_32),
        cmocka_unit_test(getters_name_the_key),
        cmocka_unit_test(any_bytes_travel),
        cmocka_unit_test(bytes_that_are_neither_text_nor_base64_are_refused),
        cmocka_unit_test(fingerprints_travel_as_hexadecimal),
        cmocka_unit_test(no_text_is_left_out),
    };

    return cmocka_run_group_tests_name("core/json", tests, NULL, NULL);
}
