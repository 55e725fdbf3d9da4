/*
 * test_pg_pattern.c - psql's patterns: as regular expressions, and what they match.
 */
#include "tests/unit/pg_server.h"

#include "pg/conn/pattern.h"

static void
patterns_become_regular_expressions(void **state)
{
    static const struct {
        const char *pattern, *schema, *name;
    } cases[] = {
        {"orders", NULL, "^(orders)$"},
        {"Orders", NULL, "^(orders)$"},
        {"\"Orders\"", NULL, "^(Orders)$"},
        {"order*", NULL, "^(order.*)$"},
        {"order?", NULL, "^(order.)$"},
        {"\"a*b\"", NULL, "^(a\\*b)$"},
        {"\"a\"\"b\"", NULL, "^(a\"b)$"},
        {"cost$", NULL, "^(cost\\$)$"},
        {"sales.orders", "^(sales)$", "^(orders)$"},
        {"\"s.t\"", NULL, "^(s\\.t)$"},
        {"s*.\"T x\"", "^(s.*)$", "^(T x)$"},
        {"t[12]", NULL, "^(t[12])$"},
        {"int4[]", NULL, "^(int4\\[])$"},
        {"a|b", NULL, "^(a|b)$"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct err e = ERR_INIT;
        char      *schema, *name;

        assert_ok(pattern_parse(cases[i].pattern, &schema, &name, &e), &e);
        assert_string_equal(name, cases[i].name);
        assert_string_equal(schema == NULL ? "-" : schema,
                            cases[i].schema == NULL ? "-" : cases[i].schema);
        free(schema);
        free(name);
    }
}

static void
broken_patterns_are_wrong_usage(void **state)
{
    struct err e = ERR_INIT;
    char      *schema, *name;

    (void)state;
    assert_int_equal(pattern_parse("a.b.c", &schema, &name, &e), -1);
    assert_err(&e, ERR_USAGE, "more than a schema and a name");
    assert_int_equal(pattern_parse("\"open", &schema, &name, &e), -1);
    assert_err(&e, ERR_USAGE, "closing quote");
    assert_int_equal(pattern_parse("", &schema, &name, &e), -1);
    assert_err(&e, ERR_USAGE, "empty");
}

static size_t
count(PGconn *conn, const char *pattern)
{
    struct strlist patterns = {0};
    struct oid_set found = {0};
    struct err     e = ERR_INIT;
    size_t         n;

    strlist_add(&patterns, pattern);
    assert_ok(pattern_relations(conn, &patterns, false, &found, &e), &e);
    n = found.n;
    oid_set_free(&found);
    strlist_free(&patterns);
    return n;
}

static void
relations_are_found_as_pg_dump_finds_them(void **state)
{
    PGconn *conn = fresh_database("patterns");

    (void)state;
    run_sql(conn,
            "CREATE SCHEMA hidden; CREATE TABLE public.orders (a int); CREATE TABLE hidden.orders "
            "(a int);"
            "CREATE TABLE public.\"Orders\" (a int); CREATE VIEW public.order_view AS SELECT 1 AS "
            "x;"
            "CREATE TABLE public.cut (a int PRIMARY KEY) PARTITION BY RANGE (a)");
    assert_int_equal(count(conn, "orders"), 1); /* the visible one */
    assert_int_equal(count(conn, "*.orders"), 2);
    assert_int_equal(count(conn, "hidden.*"), 1);
    assert_int_equal(count(conn, "\"Orders\""), 1);
    assert_int_equal(count(conn, "order*"), 2); /* a view counts, an index does not */
    assert_int_equal(count(conn, "cut*"), 1);
    assert_int_equal(count(conn, "nothing"), 0);
    assert_value(conn, "SHOW search_path", "\"\""); /* back to what every session has */
    pg_close(conn);
}

static void
a_pattern_without_a_match_is_an_error_where_it_must_match(void **state)
{
    PGconn        *conn = fresh_database("patterns");
    struct strlist patterns = {0};
    struct oid_set found = {0};
    struct err     e = ERR_INIT;

    (void)state;
    strlist_add(&patterns, "gone*");
    assert_int_equal(pattern_relations(conn, &patterns, true, &found, &e), -1);
    assert_err(&e, ERR_USAGE, "nothing in database \"patterns\" matches \"gone*\"");
    assert_int_equal(pattern_schemas(conn, &patterns, true, &found, &e), -1);
    assert_err(&e, ERR_USAGE, "gone*");
    assert_ok(pattern_schemas(conn, &patterns, false, &found, &e), &e);
    strlist_free(&patterns);
    oid_set_free(&found);
    pg_close(conn);
}

static void
a_set_of_oids_holds_what_was_put_in(void **state)
{
    struct oid_set s = {0};

    (void)state;
    assert_false(oid_set_has(&s, 1));
    for (uint32_t i = 100; i > 0; i--) {
        oid_set_add(&s, i * 3);
        assert_true(oid_set_has(&s, i * 3));
        assert_false(oid_set_has(&s, i * 3 - 1));
    }
    assert_true(oid_set_has(&s, 300));
    oid_set_free(&s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns_become_regular_expressions),
        cmocka_unit_test(broken_patterns_are_wrong_usage),
        cmocka_unit_test(relations_are_found_as_pg_dump_finds_them),
        cmocka_unit_test(a_pattern_without_a_match_is_an_error_where_it_must_match),
        cmocka_unit_test(a_set_of_oids_holds_what_was_put_in),
    };

    return cmocka_run_group_tests_name("pg pattern", tests, server_start, server_end);
}
