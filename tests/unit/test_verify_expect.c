/* verify/checks/expect.h: what an administrator expects of a value. */
#include "tests/unit/check.h"
#include "verify/checks/expect.h"

enum outcome { YES, NO, NO_NUMBER, MEANS_NOTHING };

static const struct {
    const char  *expect, *value; /* value NULL: SQL's null */
    enum outcome outcome;
} table[] = {
    /* values */
    {"0", "0", YES},
    {"0", "0.00", YES},
    {"0", "-0", YES},
    {"0", "1", NO},
    {"0", "", NO},
    {"007", "7", YES},
    {"1e3", "1000", YES},
    {"1.5e-3", "0.0015", YES},
    {"paid", "paid", YES},
    {"paid", "Paid", NO},
    {"true", "t", YES},
    {"t", "t", YES},
    {"false", "t", NO},
    {"2026-11-30", "2026-11-30", YES},
    {"1e", "1e", YES},
    {"1e", "1", NO},
    {"= null", "null", YES},
    {"= > 5", "> 5", YES},
    {"=5", "5.0", YES},
    {"<> 0", "0.0", NO},
    {"<> 0", "3", YES},
    {"!= paid", "open", YES},
    {"!= paid", "paid", NO},
    /* order */
    {"> 0", "1", YES},
    {"> 0", "0", NO},
    {"> 0", "-1", NO},
    {">0", "0.000000000000000000000000000001", YES},
    {">= 10", "10.0", YES},
    {">= 10", "9.99", NO},
    {"< 10", "9", YES},
    {"< 10", "100", NO},
    {"< -10", "-11", YES},
    {"< -10", "-9", NO},
    {"<= 1e6", "1000000", YES},
    {"<= 1e6", "1000001", NO},
    {"> 9223372036854775807", "9223372036854775808", YES},
    {"> 9223372036854775808", "9223372036854775808", NO},
    {"< 0.1", "0.09999999999999999999999999", YES},
    {"> 0.5", ".6", YES},
    {"between 90 and 110", "90", YES},
    {"between 90 and 110", "110.0", YES},
    {"between 90 and 110", "110.1", NO},
    {"BETWEEN -1 AND 1", "0", YES},
    {"between 2 and 1", "1.5", NO},
    /* no numbers */
    {"> 0", "many", NO_NUMBER},
    {"> 0", "", NO_NUMBER},
    {"> 0", "NaN", NO_NUMBER},
    {"> 0", "0x10", NO_NUMBER},
    {"> 0", "1e99999999999", NO_NUMBER},
    {"between 1 and 2", "1 2", NO_NUMBER},
    /* null is like nothing */
    {"0", NULL, NO},
    {"<> 0", NULL, NO},
    {"> 0", NULL, NO},
    {"null", NULL, YES},
    {"null", "", NO},
    {"NULL", "0", NO},
    {"not null", NULL, NO},
    {"not null", "", YES},
    /* what means nothing */
    {"", "", MEANS_NOTHING},
    {"> many", "1", MEANS_NOTHING},
    {">", "1", MEANS_NOTHING},
    {"between 1", "1", MEANS_NOTHING},
    {"between 1 and", "1", MEANS_NOTHING},
    {"between a and b", "1", MEANS_NOTHING},
    {"between 1 and b", "1", MEANS_NOTHING},
};

static void
each_expectation_is_met_or_not(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct err    e = ERR_INIT;
        struct expect x;
        bool          met = false;
        enum outcome  outcome = MEANS_NOTHING;

        if (expect_parse(table[i].expect, &x, &e) == 0) {
            outcome = expect_judge(&x, table[i].value, &met, &e) != 0 ? NO_NUMBER : met ? YES : NO;
            expect_free(&x);
        }
        if (outcome != table[i].outcome)
            fail_msg("\"%s\" of \"%s\": %d, wanted %d", table[i].expect,
                     table[i].value == NULL ? "(null)" : table[i].value, (int)outcome,
                     (int)table[i].outcome);
        assert_int_equal(e.kind,
                         outcome == MEANS_NOTHING   ? ERR_USAGE
                             : outcome == NO_NUMBER ? ERR_PG
                                                    : ERR_NONE);
    }
}

static void
no_rows_is_a_word_and_not_a_value(void **state)
{
    struct err    e = ERR_INIT;
    struct expect x;

    (void)state;
    assert_int_equal(expect_parse("No Rows", &x, &e), 0);
    assert_int_equal(x.kind, EXPECT_NO_ROWS);
    expect_free(&x);
    assert_int_equal(expect_parse("= no rows", &x, &e), 0);
    assert_int_equal(x.kind, EXPECT_EQUAL);
    expect_free(&x);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_expectation_is_met_or_not),
        cmocka_unit_test(no_rows_is_a_word_and_not_a_value),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
