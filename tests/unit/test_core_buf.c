/* mem.h and buf.h */
#include "tests/unit/check.h"

#include <stdlib.h>

#include "core/buf.h"
#include "core/mem.h"

static void
a_buffer_grows_to_its_ceiling_and_no_further(void **state)
{
    struct buf b = BUF_INIT(1000);
    struct err e = ERR_INIT;

    (void)state;
    for (int i = 0; i < 1000; i++) {
        assert_ok(buf_append(&b, "x", 1, &e), &e);
    }
    assert_int_equal(b.len, 1000);
    assert_true(b.cap <= 1001);
    assert_int_equal(buf_append(&b, "x", 1, &e), -1);
    assert_err(&e, ERR_IO, "1000 bytes");
    assert_int_equal(b.len, 1000);
    assert_int_equal(strlen(buf_str(&b)), 1000);
    buf_free(&b);
}

static void
a_length_that_overflows_is_refused(void **state)
{
    struct buf b = BUF_INIT(BUF_NO_LIMIT);
    struct err e = ERR_INIT;

    (void)state;
    assert_ok(buf_append(&b, "ab", 2, &e), &e);
    assert_int_equal(buf_reserve(&b, SIZE_MAX - 1, &e), -1);
    assert_err(&e, ERR_IO, "larger than");
    buf_free(&b);
}

static void
an_unused_buffer_is_an_empty_string(void **state)
{
    struct buf b = BUF_INIT(10);
    struct err e = ERR_INIT;

    (void)state;
    assert_string_equal(buf_str(&b), "");
    assert_ok(buf_append(&b, NULL, 0, &e), &e);
    assert_int_equal(b.len, 0);
    buf_free(&b);
    buf_free(&b);
}

static void
formatted_text_is_appended(void **state)
{
    struct buf b = BUF_INIT(64);
    struct err e = ERR_INIT;

    (void)state;
    assert_ok(buf_puts(&b, "a", &e), &e);
    assert_ok(buf_printf(&b, &e, "%d-%s", 7, "z"), &e);
    assert_string_equal(buf_str(&b), "a7-z");
    buf_clear(&b);
    assert_string_equal(buf_str(&b), "");
    assert_int_equal(buf_printf(&b, &e, "%100d", 1), -1);
    buf_free(&b);
}

static void
a_string_list_sorts_by_bytes(void **state)
{
    struct strlist l = {0};

    (void)state;
    strlist_sort(&l);
    for (int i = 40; i-- > 0;) {
        strlist_take(&l, xasprintf("%02d", i));
    }
    strlist_add(&l, "\xc3\xa9");
    strlist_add(&l, "B");
    strlist_sort(&l);
    assert_string_equal(l.v[0], "00");
    assert_string_equal(l.v[40], "B");
    assert_string_equal(l.v[41], "\xc3\xa9");
    assert_true(strlist_has(&l, "17"));
    assert_false(strlist_has(&l, "1"));
    strlist_free(&l);
    assert_int_equal(l.n, 0);
}

static void
strings_are_copied_up_to_their_limit(void **state)
{
    char *s = xstrndup("abcdef", 3);

    (void)state;
    assert_string_equal(s, "abc");
    free(s);
    s = xstrndup("ab", 10);
    assert_string_equal(s, "ab");
    free(s);
    free(xmalloc(0));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_buffer_grows_to_its_ceiling_and_no_further),
        cmocka_unit_test(a_length_that_overflows_is_refused),
        cmocka_unit_test(an_unused_buffer_is_an_empty_string),
        cmocka_unit_test(formatted_text_is_appended),
        cmocka_unit_test(a_string_list_sorts_by_bytes),
        cmocka_unit_test(strings_are_copied_up_to_their_limit),
    };

    return cmocka_run_group_tests_name("core/buf", tests, NULL, NULL);
}
