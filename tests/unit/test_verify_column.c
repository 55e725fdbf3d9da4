/* verify/checks/column.h, verify/compare/rowkey.h: columns as people write them, rows as COPY does.
 */
#include "tests/unit/check.h"
#include "verify/checks/column.h"
#include "verify/compare/rowkey.h"

static const struct {
    const char *text, *schema, *table, *name; /* name NULL: it is none; schema NULL: not named */
} columns[] = {
    {"events.at", NULL, "events", "at"},
    {"App.Events.AT", "app", "events", "at"},
    {"\"App\".\"Ev.ents\".\"a\"\"t\"", "App", "Ev.ents", "a\"t"},
    {"\"a\".b", NULL, "a", "b"},
    {"events", NULL, NULL, NULL},
    {"", NULL, NULL, NULL},
    {".at", NULL, NULL, NULL},
    {"events.", NULL, NULL, NULL},
    {"a.b.", NULL, NULL, NULL},
    {"a..b", NULL, NULL, NULL},
    {"a.b.c.d", NULL, NULL, NULL},
    {"\"events.at", NULL, NULL, NULL},
    {"\"events\"x.at", NULL, NULL, NULL},
    {"ev\"ents.at", NULL, NULL, NULL},
    {"\"\".at", NULL, NULL, NULL},
};

static void
assert_text(const char *have, const char *want)
{
    assert_int_equal(have == NULL, want == NULL);
    if (want != NULL)
        assert_string_equal(have, want);
}

static void
columns_are_named_as_in_sql(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
        struct err    e = ERR_INIT;
        struct column c;
        int           rc = column_parse(columns[i].text, &c, &e);

        if ((rc == 0) != (columns[i].name != NULL))
            fail_msg("\"%s\": %d %s", columns[i].text, rc, e.text);
        assert_text(c.schema, columns[i].schema);
        assert_text(c.table, columns[i].table);
        assert_text(c.name, columns[i].name);
        column_free(&c);
    }
}

static const uint8_t text_row[] = "7\t\\N\t\tx\n";
static const uint8_t binary_row[] =
    "\0\4"
    "\0\0\0\1"
    "7"
    "\xff\xff\xff\xff"
    "\0\0\0\0"
    "\0\0\0\1"
    "x";

static void
each_field_of_a_row_is_found(void **state)
{
    (void)state;
    for (int binary = 0; binary < 2; binary++) {
        const uint8_t *row = binary ? binary_row : text_row;
        size_t         n = (binary ? sizeof binary_row : sizeof text_row) - 1;
        struct field   seven = row_field(binary, row, n, 0), x = row_field(binary, row, n, 3);

        assert_int_equal(seven.n, 1);
        assert_memory_equal(seven.p, "7", 1);
        assert_true(row_field(binary, row, n, 1).null);
        assert_false(row_field(binary, row, n, 2).null);
        assert_int_equal(row_field(binary, row, n, 2).n, 0);
        assert_int_equal(x.n, 1);
        assert_memory_equal(x.p, "x", 1);
        assert_true(row_field(binary, row, n, 4).null);
        /* Cut short, nothing behind it is read. */
        for (size_t cut = 2; cut < n; cut++)
            for (size_t column = 0; column < 5; column++) {
                struct field f = row_field(binary, row, cut, column);

                assert_true(f.p == NULL || f.p + f.n <= row + cut);
            }
    }
}

static void
keys_are_ordered_as_numbers_and_as_text(void **state)
{
    size_t        first = 0;
    struct rowkey k = {.at = &first, .n = 1, .n_columns = 2};
    const char   *order[] = {"\tx\n", "9\tx\n", "10\tx\n", "a\tx\n", "ab\tx\n", "b\tx\n"};

    (void)state;
    for (size_t i = 0; i < 6; i++)
        for (size_t j = 0; j < 6; j++) {
            int have = rowkey_compare(&k, (const uint8_t *)order[i], strlen(order[i]),
                                      (const uint8_t *)order[j], strlen(order[j]));

            assert_int_equal((have > 0) - (have < 0), (i > j) - (i < j));
        }
    /* The same key, whatever stands beside it, is looked for in the same place. */
    assert_true(rowkey_hash(&k, (const uint8_t *)"9\tx\n", 4) ==
                rowkey_hash(&k, (const uint8_t *)"9\tyy\n", 5));
    assert_true(rowkey_hash(&k, (const uint8_t *)"9\tx\n", 4) !=
                rowkey_hash(&k, (const uint8_t *)"8\tx\n", 4));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_named_as_in_sql),
        cmocka_unit_test(each_field_of_a_row_is_found),
        cmocka_unit_test(keys_are_ordered_as_numbers_and_as_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
