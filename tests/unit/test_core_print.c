/*
 * test_core_print.c - what a terminal may see of names, notes and messages from elsewhere.
 */
#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/print.h"
#include "core/utf8.h"
#include "tests/support/cmocka.h"

static void
shown_as(const char *text, const char *want)
{
    char   got[256], cut[5];
    size_t n = print_copy(got, sizeof got, text);

    assert_string_equal(got, want);
    assert_int_equal(n, strlen(want));
    assert_int_equal(print_copy(NULL, 0, text), n);
    assert_int_equal(print_copy(cut, sizeof cut, text), n);
    assert_true(strlen(cut) < sizeof cut && strncmp(cut, want, strlen(cut)) == 0);
    assert_true(utf8_valid(cut, strlen(cut)));
    /* What was shown is shown as it is. */
    (void)print_copy(got, sizeof got, want);
    assert_string_equal(got, want);
}

static void
what_a_terminal_obeys_is_shown(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"", ""},
        {"orders", "orders"},
        {"Größe 表 🐘 \\ \"x\"", "Größe 表 🐘 \\ \"x\""},
        {"a\nb\tc\rd", "a\\nb\\tc\\x0dd"},
        {"\x1b[2J\x07\x7f", "\\x1b[2J\\x07\\x7f"},
        {"\xc2\x80\xc2\x9b"
         "2J\xc2\x9f\xc2\xa0",
         "\\u0080\\u009b2J\\u009f\xc2\xa0"}, /* C1 */
        {"\x9b"
         "2J",
         "\\x9b2J"},                                    /* a byte that is C1 in Latin-1 */
        {"\xe2\x80\x8e\xe2\x80\x8f", "\\u200e\\u200f"}, /* marks */
        {"\xe2\x80\xaa\xe2\x80\xab\xe2\x80\xac\xe2\x80\xad\xe2\x80\xae",
         "\\u202a\\u202b\\u202c\\u202d\\u202e"}, /* overrides */
        {"\xe2\x81\xa6\xe2\x81\xa7\xe2\x81\xa8\xe2\x81\xa9", "\\u2066\\u2067\\u2068\\u2069"},
        {"\xd8\x9c", "\\u061c"},
        {"\xe2\x80\xa8\xe2\x80\xa9", "\\u2028\\u2029"},                /* line and paragraph ends */
        {"\xef\xbb\xbf\xe2\x80\x8b\xc2\xad", "\\ufeff\\u200b\\u00ad"}, /* not seen */
        {"\xef\xbf\xbe\xef\xbf\xbf\xef\xbf\xbd", "\\ufffe\\uffff\xef\xbf\xbd"},
        {"\xcd\x8f\xe1\x85\x9f\xe1\x9e\xb4\xe3\x85\xa4\xef\xbe\xa0",
         "\\u034f\\u115f\\u17b4\\u3164\\uffa0"},
        {"\xf3\xa0\x80\x81\xf0\x9d\x85\xb3", "\\U000e0001\\U0001d173"},
        {"\xe2\x80\x8d\xe2\x80\x8c", "\xe2\x80\x8d\xe2\x80\x8c"}, /* joiners are spelling */
        {"\xc0\xaf\xed\xa0\x80\xff", "\\xc0\\xaf\\xed\\xa0\\x80\\xff"},
        {"\xe2\x82", "\\xe2\\x82"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        shown_as(cases[i].text, cases[i].want);
    }
}

/* Each character: shown as itself, or as ASCII. */
static void
every_control_is_escaped(void **state)
{
    (void)state;
    for (uint32_t code = 1; code < 0xa0; code++) {
        char text[3] = {(char)code, '\0', '\0'}, out[16];

        if (code >= 0x80) {
            text[0] = (char)(0xc0 | code >> 6);
            text[1] = (char)(0x80 | (code & 0x3f));
        }
        (void)print_copy(out, sizeof out, text);
        if (code >= 0x20 && code < 0x7f) {
            assert_string_equal(out, text);
        } else {
            assert_int_equal(out[0], '\\');
        }
        for (const char *p = out; *p != '\0'; p++) {
            assert_true(*p >= 0x20 && *p < 0x7f);
        }
    }
}

static char *printed;

static FILE *
begin(void)
{
    static size_t n;

    free(printed);
    printed = NULL;
    return open_memstream(&printed, &n);
}

#define PRINTS(want, ...)                                                                          \
    do {                                                                                           \
        FILE *out = begin();                                                                       \
        print_to(out, __VA_ARGS__);                                                                \
        fclose(out);                                                                               \
        assert_string_equal(printed, want);                                                        \
    } while (0)

static void
a_format_is_ours_and_its_strings_are_not(void **state)
{
    const char *evil = "a\x1b\nb";

    (void)state;
    PRINTS("table \"a\\x1b\\nb\"\n", "table \"%s\"\n", evil);
    PRINTS("[    x][x    ][xy]", "[%5s][%-5s][%.2s]", "x", "x", "xyz");
    PRINTS("[  é][é  ][\\n ]", "[%3s][%-3s][%-3s]", "é", "é", "\n");
    PRINTS("[   x][x   ][xy]", "[%*s][%*s][%.*s]", 4, "x", -4, "x", 2, "xyz");
    PRINTS("50 % of 7, -3, 9 4 0x1f 017 c", "%d %% of %u, %ld, %lld %zu %#x %#o %c", 50, 7U, -3L,
           9LL, (size_t)4, 31U, 15U, 'c');
    PRINTS("18446744073709551615 0042 +1.50 1e+06", "%" PRIu64 " %04d %+.2f %g", UINT64_MAX, 42,
           1.5, 1e6);
    PRINTS("", "%s", "");
    PRINTS("100%", "100%%");
    free(printed);
    printed = NULL;
}

static void
further_lines_of_a_message_are_indented(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"one", "one"},
        {"one\n", "one"},
        {"one\ntool: two\n", "one\n    tool: two"},
        {"one\n\ntwo", "one\n    \n    two"},
        {"a\tb\r\n\xc2\x9b", "a\tb\\x0d\n    \\u009b"},
        {"", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        FILE *out = begin();

        print_lines(out, cases[i].text);
        fclose(out);
        assert_string_equal(printed, cases[i].want);
    }
    free(printed);
    printed = NULL;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_terminal_obeys_is_shown),
        cmocka_unit_test(every_control_is_escaped),
        cmocka_unit_test(a_format_is_ours_and_its_strings_are_not),
        cmocka_unit_test(further_lines_of_a_message_are_indented),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
