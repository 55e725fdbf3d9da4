/* tolerance.h: how far rows may differ, as it is written and as it is kept. */
#include "tests/unit/check.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/config/config.h"
#include "core/mem.h"
#include "verify/compare/tolerance.h"

static void
what_is_written_is_understood(void **state)
{
    static const struct {
        const char         *text;
        enum tolerance_kind kind;
        double              percent;
    } good[] = {
        {"exact", TOLERANCE_EXACT, 0},
        {"static", TOLERANCE_STATIC, 0},
        {"only-grows", TOLERANCE_GROWS, 0},
        {"ignore", TOLERANCE_IGNORE, 0},
        {"\xc2\xb1"
         "5%",
         TOLERANCE_WITHIN, 5},
        {"+-5%", TOLERANCE_WITHIN, 5},
        {"+/- 0.5 %", TOLERANCE_WITHIN, 0.5},
        {"12.25%", TOLERANCE_WITHIN, 12.25},
        {"1000%", TOLERANCE_WITHIN, 1000},
    };
    static const char *const bad[] = {"",      "exactly", "5",    "%",      "-5%",       "+5%",
                                      "0%",    "nan%",    "1e3%", "5%%",    "5 % x",     "inf%",
                                      "1001%", "Static",  "0x5%", "1.2.3%", "123456789%"};

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct err       e = ERR_INIT;
        struct tolerance x;

        assert_ok(tolerance_parse(good[i].text, &x, &e), &e);
        assert_int_equal(x.kind, good[i].kind);
        assert_true(x.percent == good[i].percent && x.said);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct err       e = ERR_INIT;
        struct tolerance x;

        if (tolerance_parse(bad[i], &x, &e) == 0) {
            fail_msg("\"%s\" was taken", bad[i]);
        }
        assert_int_equal(e.kind, ERR_USAGE);
    }
}

static void
what_is_expected_holds_and_nothing_else(void **state)
{
    static const struct {
        const char *rows;
        uint64_t    want, have;
        bool        estimated, holds;
    } cases[] = {
        {"exact", 10, 10, false, true},
        {"exact", 10, 11, false, false},
        {"exact", 10, 9, false, false},
        {"exact", 0, 0, false, true},
        {"exact", 1000, 1100, true, true},
        {"exact", 1000, 1101, true, false},
        {"exact", 1000, 900, true, true},
        {"exact", 1000, 899, true, false},
        {"static", 10, 10, false, true},
        {"static", 10, 11, false, false},
        {"only-grows", 10, 10, false, true},
        {"only-grows", 10, 1000000, false, true},
        {"only-grows", 10, 9, false, false},
        {"only-grows", 0, 0, false, true},
        {"only-grows", 1000, 900, true, true},
        {"only-grows", 1000, 899, true, false},
        {"+-5%", 1000, 1050, false, true},
        {"+-5%", 1000, 1051, false, false},
        {"+-5%", 1000, 950, false, true},
        {"+-5%", 1000, 949, false, false},
        {"+-5%", 1000, 1150, true, true},
        {"+-5%", 1000, 1151, true, false},
        {"+-5%", 0, 0, false, true},
        {"+-5%", 0, 1, false, false},
        {"+-5%", 0, 1, true, false},
        {"+-0.5%", 1000000, 1005000, false, true},
        {"+-0.5%", 1000000, 1005001, false, false},
        {"ignore", 10, 0, false, true},
        {"ignore", 0, UINT64_MAX, false, true},
        {"only-grows", UINT64_MAX, 0, false, false},
        {"+-100%", UINT64_MAX, 0, false, true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct err       e = ERR_INIT;
        struct tolerance x;

        assert_ok(tolerance_parse(cases[i].rows, &x, &e), &e);
        if (tolerance_holds(&x, cases[i].want, cases[i].have, cases[i].estimated) !=
            cases[i].holds) {
            fail_msg("case %zu, %s", i, cases[i].rows);
        }
    }
}

/* ---- sections ---- */

static const struct config_key *const no_keys[] = {NULL};
static const struct config_keys       keys = {no_keys, no_keys, no_keys, config_other_kinds};

static struct config *
configured(const char *text)
{
    char           path[] = "/tmp/test_tolerance.XXXXXX";
    int            fd = mkstemp(path);
    struct err     e = ERR_INIT;
    struct config *c;

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    (void)close(fd);
    c = config_load(path, &keys, &e);
    (void)unlink(path);
    if (c == NULL) {
        fail_msg("%s", e.text);
    }
    return c;
}

static void
a_section_is_of_one_database_and_of_what_its_pattern_matches(void **state)
{
    struct config *c = configured(
        "[expect shop.*]\nrows = +-5%\n"
        "[expect shop.orders]\nrows = only-grows\n"
        "[expect shop.web.\"Big Table\"]\nrows = static\n"
        "[expect shop.cach?_*]\nrows = ignore\nreason = it is a cache\n"
        "[expect shop.gone]\nrows = exact\n"
        "[expect shopping.orders]\nrows = static\n");
    struct tolerances *x = NULL;
    struct err         e = ERR_INIT;
    size_t             at = 0;

    (void)state;
    assert_ok(tolerances_load(c, "shop", &x, &e), &e);
    assert_true(tolerances_any(x));
    /* The last that matches. */
    assert_int_equal(tolerances_of(x, "public", "orders").kind, TOLERANCE_GROWS);
    assert_int_equal(tolerances_of(x, "web", "orders").kind, TOLERANCE_GROWS);
    assert_int_equal(tolerances_of(x, "public", "items").kind, TOLERANCE_WITHIN);
    assert_int_equal(tolerances_of(x, "web", "Big Table").kind, TOLERANCE_STATIC);
    assert_int_equal(tolerances_of(x, "public", "Big Table").kind, TOLERANCE_WITHIN);
    assert_string_equal(tolerances_of(x, "public", "cache_1").reason, "it is a cache");
    assert_string_equal(tolerances_idle(x, &at), "shop.gone");
    assert_null(tolerances_idle(x, &at));
    tolerances_free(x);

    assert_ok(tolerances_load(c, "other", &x, &e), &e);
    assert_false(tolerances_any(x));
    assert_int_equal(tolerances_of(x, "public", "orders").kind, TOLERANCE_EXACT);
    assert_false(tolerances_of(x, "public", "orders").said);
    tolerances_free(x);
    assert_int_equal(tolerances_of(NULL, "public", "orders").kind, TOLERANCE_EXACT);
    config_free(c);
}

static void
a_section_that_says_too_little_is_refused(void **state)
{
    static const char *const bad[][2] = {
        {"[expect shop.a]\nreason = x\n", "there is no \"rows\""},
        {"[expect shop.a]\nrows = ignore\n", "rows = ignore needs a reason"},
        {"[expect shop.a]\nrows = some\n", "rows \"some\" is none of"},
        {"[expect shop.a.b.c]\nrows = exact\n", "more than a schema and a name"},
        {"[expect shop.]\nrows = exact\n", "is empty"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct config     *c = configured(bad[i][0]);
        struct tolerances *x = NULL;
        struct err         e = ERR_INIT;

        assert_int_equal(tolerances_load(c, "shop", &x, &e), -1);
        assert_int_equal(e.kind, ERR_USAGE);
        if (strstr(e.text, "[expect shop.") == NULL || strstr(e.text, bad[i][1]) == NULL) {
            fail_msg("%s", e.text);
        }
        config_free(c);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_understood),
        cmocka_unit_test(what_is_expected_holds_and_nothing_else),
        cmocka_unit_test(a_section_is_of_one_database_and_of_what_its_pattern_matches),
        cmocka_unit_test(a_section_that_says_too_little_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
