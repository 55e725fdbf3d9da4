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

/* A binary row of a text, a number and a name; alone: of number and name. */
static size_t
keyed_row(char *out, int number, const char *text, bool alone)
{
    const char     name[] = {(char)('a' + number % 3)};
    const uint32_t n = (uint32_t)number, length = (uint32_t)strlen(text);
    size_t         at = 2;

    out[0] = 0;
    out[1] = alone ? 2 : 3;
    if (!alone) {
        at += (size_t)sprintf(out + at, "%c%c%c%c%s", 0, 0, 0, (int)length, text);
    }
    at += (size_t)sprintf(out + at, "%c%c%c%c%c%c%c%c", 0, 0, 0, 4, 0, 0, (int)(n >> 8),
                          (int)(n & 255));
    return at + (size_t)sprintf(out + at, "%c%c%c%c%c", 0, 0, 0, 1, name[0]);
}

static int
number_of(const char *row)
{
    const uint8_t *p = (const uint8_t *)row + 2 + (row[1] == 3 ? 4 + row[5] : 0);

    return p[6] << 8 | p[7];
}

static int
count_whole(void *ctx, const void *row, size_t n, struct err *e)
{
    (void)e;
    assert_int_equal(n, row_length(true, row, n));
    assert_int_equal(((const char *)row)[1], 3);
    ((int *)ctx)[number_of(row)]++;
    return 0;
}

static int
count_alone(void *ctx, const void *row, size_t n, struct err *e)
{
    (void)n;
    (void)e;
    assert_int_equal(((const char *)row)[1], 2);
    ((int *)ctx)[number_of(row)]--;
    return 0;
}

/* Runs of rows that only one side has; the same keys again and again; what the other field holds
 * does not matter. */
static void
whole_rows_and_their_keys_alone_are_compared_by_key(void **state)
{
    static const size_t     places[] = {1, 2};
    const struct row_fields fields = {places, 2};
    unsigned                seed = 11;

    (void)state;
    for (int round = 0; round < 300; round++) {
        struct row_set a = ROW_SET_INIT(1 << 20), b = ROW_SET_INIT(1 << 20);
        struct err     e = ERR_INIT;
        const int      numbers = 1 + rand_r(&seed) % 1000, odds = 2 + rand_r(&seed) % 50;
        int            want[1000] = {0}, found[1000] = {0}, whole = 0;
        char           row[64];

        for (int i = 0; i < 1000; i++) {
            const int number = rand_r(&seed) % numbers, side = rand_r(&seed) % odds;

            if (side != 1) {
                assert_ok(buf_append(&a.bytes, row,
                                     keyed_row(row, number, &"some text"[i % 9], false), &e),
                          &e);
                want[number]++;
                whole++;
            }
            if (side != 0) {
                assert_ok(row_set_add(&b, NULL, row, keyed_row(row, number, "", true), &e), &e);
                want[number]--;
            }
        }
        assert_ok(row_set_cut_by(&a, fields, &b, key, &e), &e);
        assert_int_equal(a.sum.rows, whole);
        assert_ok(row_set_difference(&a, &b, count_whole, count_alone, found, &e), &e);
        assert_memory_equal(want, found, sizeof want);
        row_set_free(&a);
        row_set_free(&b);
    }
}

static void
a_row_without_the_key_is_none(void **state)
{
    static const size_t     places[] = {1, 2}, beyond[] = {3};
    const struct row_fields fields = {places, 2}, none_such = {beyond, 1};
    struct row_set          a = ROW_SET_INIT(1000), b = ROW_SET_INIT(1000);
    struct err              e = ERR_INIT;
    char                    row[64];
    const size_t            size = keyed_row(row, 300, "text", false);

    (void)state;
    for (size_t n = 1; n <= size; n++) {
        row_set_clear(&a);
        assert_ok(buf_append(&a.bytes, row, n, &e), &e);
        assert_int_equal(row_set_cut_by(&a, n < size ? fields : none_such, &b, key, &e), -1);
        assert_err(&e, ERR_CORRUPT, "no whole row");
    }
    row_set_free(&a);
    row_set_free(&b);
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
        cmocka_unit_test(whole_rows_and_their_keys_alone_are_compared_by_key),
        cmocka_unit_test(a_row_without_the_key_is_none),
        cmocka_unit_test(more_than_the_ceiling_is_an_error),
    };

    return cmocka_run_group_tests_name("pg/row_set", tests, NULL, NULL);
}
