/* row_set.h */
#include "tests/unit/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pg/rows/row_set.h"

static const uint8_t        key[16] = "0123456789abcdef";
static const struct row_set none = ROW_SET_INIT(0);

/* What one side has alone: "a:" or "b:" and the row. */
static int
note_a(void *ctx, const void *row, size_t n, struct err *e)
{
    return buf_printf(ctx, e, "a:%.*s", (int)n, (const char *)row);
}

static int
note_b(void *ctx, const void *row, size_t n, struct err *e)
{
    return buf_printf(ctx, e, "b:%.*s", (int)n, (const char *)row);
}

static void
fill(struct row_set *s, bool binary, const char *bytes, size_t n)
{
    struct err e = ERR_INIT;

    row_set_clear(s);
    assert_ok(buf_append(&s->bytes, bytes, n, &e), &e);
    assert_ok(row_set_cut(s, &none, key, binary, &e), &e);
}

static void
rows_that_one_side_has_more_often_are_left(void **state)
{
    struct row_set a = ROW_SET_INIT(1000), b = ROW_SET_INIT(1000);
    struct buf     left = BUF_INIT(1000);
    struct err     e = ERR_INIT;

    (void)state;
    fill(&a, false, "1\n2\n3\n3\n3\n", 10);
    assert_ok(row_set_add(&b, key, "3\n", 2, &e), &e);
    assert_ok(row_set_add(&b, key, "2\n", 2, &e), &e);
    assert_ok(row_set_add(&b, key, "4\n", 2, &e), &e);
    assert_ok(row_set_difference(&a, &b, note_a, note_b, &left, &e), &e);
    assert_int_equal(left.len, strlen("a:1\na:3\na:3\nb:4\n"));
    assert_non_null(strstr(buf_str(&left), "a:1\n"));
    assert_non_null(strstr(buf_str(&left), "b:4\n"));
    assert_null(strstr(buf_str(&left), "2\n"));
    assert_int_equal(a.sum.rows, 5);
    assert_int_equal(b.sum.bytes, 6);

    /* The same rows in another order have the same sum, and nothing is left. */
    buf_clear(&left);
    fill(&a, false, "1\n2\n3\n3\n3\n", 10);
    fill(&b, false, "3\n1\n3\n2\n3\n", 10);
    assert_true(a.sum.a == b.sum.a && a.sum.b == b.sum.b);
    assert_ok(row_set_difference(&a, &b, note_a, note_b, &left, &e), &e);
    assert_int_equal(left.len, 0);
    buf_free(&left);
    row_set_free(&a);
    row_set_free(&b);
}

/* How often one side has a number more than the other. */
static int
count_a(void *ctx, const void *row, size_t n, struct err *e)
{
    (void)n;
    (void)e;
    ((int *)ctx)[atoi(row)]++;
    return 0;
}

static int
count_b(void *ctx, const void *row, size_t n, struct err *e)
{
    (void)n;
    (void)e;
    ((int *)ctx)[atoi(row)]--;
    return 0;
}

static void
put(struct row_set *s, int number, int *count, int by)
{
    char       text[16];
    struct err e = ERR_INIT;
    int        n = snprintf(text, sizeof text, "%d\n", number);

    assert_ok(row_set_add(s, key, text, (size_t)n, &e), &e);
    count[number] += by;
}

/* The rows of a once more, cut by likeness to b: the same sum, the same rows. */
static void
check_cut_like(const struct row_set *a, const struct row_set *b)
{
    struct row_set c = ROW_SET_INIT(100000), d = ROW_SET_INIT(100000);
    struct err     e = ERR_INIT;
    int            found[1000] = {0}, nothing[1000] = {0};

    for (int like = 0; like < 2; like++) {
        struct row_set *s = like == 1 ? &c : &d;

        assert_ok(buf_append(&s->bytes, a->bytes.data, a->bytes.len, &e), &e);
        assert_ok(row_set_cut(s, like == 1 ? b : &none, key, false, &e), &e);
    }
    assert_int_equal(c.n, a->n);
    assert_memory_equal(&c.sum, &a->sum, sizeof c.sum);
    assert_memory_equal(&d.sum, &a->sum, sizeof d.sum);
    assert_ok(row_set_difference(&c, &d, count_a, count_b, found, &e), &e);
    assert_memory_equal(found, nothing, sizeof found);
    assert_int_equal(c.n + d.n, 0);
    row_set_free(&c);
    row_set_free(&d);
}

/* Most of the rows side by side; gaps that are wider than what is looked at; the same numbers again
 * and again. */
static void
whatever_the_order_what_is_left_is_the_difference(void **state)
{
    unsigned seed = 7;

    (void)state;
    for (int round = 0; round < 300; round++) {
        struct row_set a = ROW_SET_INIT(100000), b = ROW_SET_INIT(100000);
        struct err     e = ERR_INIT;
        const int      numbers = 1 + rand_r(&seed) % 1000, odds = 2 + rand_r(&seed) % 50;
        int            want[1000] = {0}, found[1000] = {0};

        for (int i = 0; i < 1000; i++) {
            const int number = rand_r(&seed) % numbers, gap = rand_r(&seed) % 100;

            if (rand_r(&seed) % odds > 0) {
                put(&a, number, want, 1);
                put(&b, number, want, -1);
            } else {
                for (int k = 0; k < gap; k++) {
                    put(gap % 2 == 0 ? &a : &b, rand_r(&seed) % numbers, want,
                        gap % 2 == 0 ? 1 : -1);
                }
            }
        }
        check_cut_like(&a, &b);
        assert_ok(row_set_difference(&a, &b, count_a, count_b, found, &e), &e);
        assert_memory_equal(want, found, sizeof want);
        row_set_free(&a);
        row_set_free(&b);
    }
}

static void
binary_rows_are_cut_by_their_lengths(void **state)
{
    /* Two fields, of which one is null; no field; a field with a line end. */
    static const char rows[] =
        "\0\2\0\0\0\1x\377\377\377\377"
        "\0\0"
        "\0\1\0\0\0\2\n\n";
    struct row_set s = ROW_SET_INIT(1000);
    struct err     e = ERR_INIT;

    (void)state;
    fill(&s, true, rows, sizeof rows - 1);
    assert_int_equal(s.sum.rows, 3);
    for (size_t n = 1; n < sizeof rows - 1; n++) {
        row_set_clear(&s);
        assert_ok(buf_append(&s.bytes, rows, n, &e), &e);
        if (n != 11 && n != 13) {
            assert_int_equal(row_set_cut(&s, &none, key, true, &e), -1);
            assert_err(&e, ERR_CORRUPT, "no whole row");
        }
    }
    row_set_clear(&s);
    assert_ok(buf_append(&s.bytes, "1\n2", 3, &e), &e);
    assert_int_equal(row_set_cut(&s, &none, key, false, &e), -1);
    row_set_free(&s);
}

static void
more_than_the_ceiling_is_an_error(void **state)
{
    struct row_set s = ROW_SET_INIT(10);
    struct err     e = ERR_INIT;

    (void)state;
    assert_ok(row_set_add(&s, key, "1234567\n", 8, &e), &e);
    assert_int_equal(row_set_add(&s, key, "1234567\n", 8, &e), -1);
    assert_int_equal(s.sum.rows, 1);
    row_set_free(&s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_that_one_side_has_more_often_are_left),
        cmocka_unit_test(whatever_the_order_what_is_left_is_the_difference),
        cmocka_unit_test(binary_rows_are_cut_by_their_lengths),
        cmocka_unit_test(more_than_the_ceiling_is_an_error),
    };

    return cmocka_run_group_tests_name("pg/row_set", tests, NULL, NULL);
}
