/*
 * test_pg_catalog.c - what a database holds, and how each table may be read.
 */
#include "tests/unit/pg_server.h"

#include <unistd.h>

#include "pg/snapshot/catalog.h"

static const char schema[] =
    "SET search_path = public;"
    "CREATE TYPE mood AS ENUM ('a', 'b'); CREATE DOMAIN moody AS mood; CREATE DOMAIN moodier AS "
    "moody;"
    "CREATE DOMAIN numbers AS int[]; CREATE TYPE pair AS (a int); CREATE DOMAIN pairs AS pair;"
    "CREATE TYPE span AS RANGE (subtype = int4);"
    "CREATE TABLE fine (a bool, b \"char\", c name, d int2, e int4, f int8, g float4, h float8, i "
    "numeric(10, 2), j money,"
    "  k text, l varchar(3), m bpchar, n bytea, o date, p time, q timetz, r timestamp, s "
    "timestamptz(3), t interval, u bit(3),"
    "  v varbit, w uuid, x json, y jsonb, z jsonpath, aa inet, ab cidr, ac macaddr, ad macaddr8, "
    "ae point, af line,"
    "  ag lseg, ah box, ai path, aj polygon, ak circle, al oid, am xid, an xid8, ao cid, ap tid, "
    "aq pg_lsn, ar pg_snapshot,"
    "  as_ txid_snapshot, at tsvector, au refcursor, av int4range, aw tstzmultirange, ax int[], ay "
    "int4range[], az text[],"
    "  ba mood, bb moodier, be numbers, bf name[], bg datemultirange[]);"
    "CREATE TABLE odd (a tsquery, b int2vector, c oidvector, d regclass, e regconfig, f aclitem, g "
    "xml, h pair, i pairs,"
    "  j span, k span[], l tsquery[], m pair[], n fine, o pg_node_tree, p mood[], q moodier[]);"
    "CREATE TABLE \"Z \"\"quoted\"\" ü\" (id int NOT NULL, dropped text, twice int GENERATED "
    "ALWAYS AS (id * 2) STORED, \"C d\" xml);"
    "ALTER TABLE \"Z \"\"quoted\"\" ü\" DROP COLUMN dropped;"
    "CREATE TABLE nothing (); CREATE UNLOGGED TABLE unlogged (a int); CREATE TEMPORARY TABLE "
    "temporary (a int);"
    "CREATE TABLE by_mood (m moody, x int) PARTITION BY HASH (m);"
    "CREATE TABLE by_mood_0 PARTITION OF by_mood FOR VALUES WITH (MODULUS 2, REMAINDER 0) "
    "PARTITION BY RANGE (x);"
    "CREATE TABLE by_mood_0a PARTITION OF by_mood_0 FOR VALUES FROM (0) TO (10);"
    "CREATE TABLE by_mood_1 PARTITION OF by_mood FOR VALUES WITH (MODULUS 2, REMAINDER 1);"
    "CREATE TABLE top (x int, m mood[]) PARTITION BY RANGE (x);"
    "CREATE TABLE top_0 PARTITION OF top FOR VALUES FROM (0) TO (10) PARTITION BY HASH (m);"
    "CREATE TABLE top_0a PARTITION OF top_0 FOR VALUES WITH (MODULUS 1, REMAINDER 0);"
    "CREATE TABLE by_number (x int, y int[]) PARTITION BY HASH (x, y);"
    "CREATE TABLE by_number_0 PARTITION OF by_number FOR VALUES WITH (MODULUS 1, REMAINDER 0);"
    "CREATE FOREIGN DATA WRAPPER nowhere; CREATE SERVER nowhere FOREIGN DATA WRAPPER nowhere;"
    "CREATE TABLE far (a int) PARTITION BY LIST (a); CREATE FOREIGN TABLE far_1 PARTITION OF far "
    "FOR VALUES IN (1) SERVER nowhere;"
    "CREATE VIEW far_view AS SELECT * FROM far; CREATE MATERIALIZED VIEW far_mv AS SELECT * FROM "
    "far_view WITH NO DATA;"
    "CREATE MATERIALIZED VIEW far_mv2 AS SELECT * FROM far_mv WITH NO DATA; CREATE MATERIALIZED "
    "VIEW near_mv AS SELECT 1 AS one;"
    "CREATE SEQUENCE used; SELECT setval('used', 9223372036854775807); CREATE SEQUENCE down "
    "INCREMENT -1;"
    "CREATE SCHEMA \"A\"; CREATE TABLE \"A\".b (id int GENERATED ALWAYS AS IDENTITY);"
    "SELECT lo_create(0), lo_create(0)";

static struct catalog
read_catalog(PGconn *c)
{
    struct catalog cat;
    struct err     e = ERR_INIT;

    assert_ok(catalog_read(c, CATALOG_SIZES, &cat, &e), &e);
    return cat;
}

static struct cat_table *
table(const struct catalog *cat, const char *name)
{
    struct cat_table *t = catalog_find(cat, "public", name);

    if (t == NULL) {
        fail_msg("no table %s", name);
    }
    return t;
}

static int
make_database(void **state)
{
    PGconn *c;

    if (server_start(state) != 0) {
        return -1;
    }
    c = fresh_database("catalog");
    run_sql(c, schema);
    pg_close(c);
    return 0;
}

static void
each_type_has_its_format(void **state)
{
    PGconn           *c = connect_to("catalog");
    struct catalog    cat = read_catalog(c);
    struct cat_table *t = table(&cat, "fine");

    (void)state;
    for (size_t i = 0; i < t->n_columns; i++) {
        if (!t->columns[i].binary_ok) {
            fail_msg("%s is not binary", t->columns[i].type);
        }
    }
    assert_true(t->all_binary);
    t = table(&cat, "odd");
    for (size_t i = 0; i < t->n_columns; i++) {
        if (t->columns[i].binary_ok) {
            fail_msg("%s is binary", t->columns[i].type);
        }
    }
    assert_false(t->all_binary);
    catalog_free(&cat);
    pg_close(c);
}

static void
columns_are_the_live_ones_in_order(void **state)
{
    PGconn           *c = connect_to("catalog");
    struct catalog    cat = read_catalog(c);
    struct cat_table *t = table(&cat, "Z \"quoted\" ü");

    (void)state;
    assert_int_equal(t->n_columns, 3);
    assert_string_equal(t->columns[0].name, "id");
    assert_true(t->columns[0].not_null && !t->columns[0].generated);
    assert_string_equal(t->columns[1].name, "twice");
    assert_true(t->columns[1].generated && !t->columns[1].virtual_generated);
    assert_string_equal(t->columns[2].name, "C d");
    assert_string_equal(t->columns[2].type, "xml");
    assert_string_equal(table(&cat, "fine")->columns[8].type, "numeric(10,2)");
    assert_string_equal(table(&cat, "fine")->columns[52].type, "public.mood");
    assert_int_equal(table(&cat, "nothing")->n_columns, 0);
    catalog_free(&cat);
    pg_close(c);
}

static void
rows_whose_partition_may_change_go_through_the_top(void **state)
{
    PGconn        *c = connect_to("catalog");
    struct catalog cat = read_catalog(c);

    (void)state;
    assert_string_equal(table(&cat, "by_mood_0a")->load_via, "\"public\".\"by_mood\"");
    assert_string_equal(table(&cat, "by_mood_1")->load_via, "\"public\".\"by_mood\"");
    assert_string_equal(table(&cat, "top_0a")->load_via, "\"public\".\"top_0\"");
    assert_null(table(&cat, "by_number_0")->load_via);
    assert_null(table(&cat, "by_mood")->load_via);
    catalog_free(&cat);
    pg_close(c);
}

static void
tables_are_sorted_and_of_the_right_kind(void **state)
{
    PGconn        *c = connect_to("catalog");
    struct catalog cat = read_catalog(c);

    (void)state;
    for (size_t i = 1; i < cat.n_tables; i++) {
        int order = strcmp(cat.tables[i - 1].schema, cat.tables[i].schema);

        assert_true(order < 0 ||
                    (order == 0 && strcmp(cat.tables[i - 1].name, cat.tables[i].name) < 0));
    }
    assert_string_equal(cat.tables[0].schema, "A");
    assert_null(catalog_find(&cat, "public", "temporary"));
    assert_null(catalog_find(&cat, "pg_catalog", "pg_class"));
    assert_int_equal(table(&cat, "far_1")->kind, 'f');
    assert_int_equal(table(&cat, "far")->kind, 'p');
    assert_int_equal(table(&cat, "unlogged")->persistence, 'u');
    assert_string_equal(table(&cat, "unlogged")->access_method, "heap");
    assert_int_equal(cat.lo_count, 2);
    assert_true(cat.superuser && !cat.in_recovery);
    assert_string_equal(cat.encoding, "UTF8");
    catalog_free(&cat);
    pg_close(c);
}

static void
views_know_whether_they_read_far_away(void **state)
{
    PGconn        *c = connect_to("catalog");
    struct catalog cat = read_catalog(c);

    (void)state;
    assert_int_equal(cat.n_matviews, 3);
    assert_true(cat.matviews[0].remote && !cat.matviews[0].populated);
    assert_true(cat.matviews[1].remote);
    assert_true(!cat.matviews[2].remote && cat.matviews[2].populated);
    catalog_free(&cat);
    pg_close(c);
}

static void
sequences_have_their_state_and_leave_no_locks(void **state)
{
    PGconn                *c = connect_to("catalog");
    struct catalog         cat = read_catalog(c);
    struct sequence_state *v;
    struct err             e = ERR_INIT;
    size_t                 n;

    (void)state;
    run_sql(c, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    assert_ok(sequences_read(c, &cat, &v, &n, &e), &e);
    assert_int_equal(n, 3);
    assert_string_equal(v[0].name, "b_id_seq");
    assert_true(v[0].last_value == 1 && !v[0].is_called);
    assert_true(v[1].last_value == -1 && !v[1].is_called);
    assert_true(v[2].last_value == INT64_MAX && v[2].is_called);
    assert_value(c,
                 "SELECT count(*) FROM pg_locks l JOIN pg_class c ON c.oid = l.relation WHERE "
                 "c.relkind = 'S'",
                 "0");
    run_sql(c, "COMMIT");
    sequences_free(v, n);
    catalog_free(&cat);
    pg_close(c);
}

static void
sizes_do_not_wait_for_a_locked_table(void **state)
{
    PGconn        *c = fresh_database("locked"), *other = connect_to("locked");
    struct catalog cat;

    (void)state;
    run_sql(c,
            "CREATE TABLE public.t AS SELECT g FROM generate_series(1, 10000) g; CREATE TABLE "
            "public.u AS TABLE public.t");
    run_sql(other, "BEGIN; LOCK public.t");
    run_sql(c, "SET lock_timeout = 2000");
    cat = read_catalog(c);
    assert_int_equal(table(&cat, "t")->heap_blocks, 0);
    assert_int_equal(table(&cat, "u")->heap_blocks, 45);
    assert_true(table(&cat, "u")->table_bytes >= 45 * 8192);
    catalog_free(&cat);
    pg_close(other);
    pg_close(c);
}

/* Heap blocks of public.grows. */
static uint64_t
rough_blocks(PGconn *c)
{
    struct catalog cat;
    struct err     e = ERR_INIT;
    uint64_t       blocks;

    assert_ok(catalog_read(c, CATALOG_ROUGH_SIZES, &cat, &e), &e);
    blocks = table(&cat, "grows")->heap_blocks;
    catalog_free(&cat);
    return blocks;
}

/* The number of pages is made up: so it is seen where the size comes from. */
static void
a_rough_size_is_the_last_known_one_till_the_table_is_written_to(void **state)
{
    PGconn *c = connect_to("catalog");

    (void)state;
    run_sql(c,
            "CREATE TABLE public.grows AS SELECT g FROM generate_series(1, 1000) g; ANALYZE "
            "public.grows;"
            "UPDATE pg_class SET relpages = 77 WHERE oid = 'public.grows'::regclass");
    assert_int_equal(rough_blocks(c), 77);
    run_sql(c, "UPDATE pg_class SET relpages = 1000 WHERE oid = 'public.grows'::regclass");
    assert_int_equal(rough_blocks(c), 5);
    run_sql(c, "UPDATE pg_class SET relpages = 77 WHERE oid = 'public.grows'::regclass");
    run_sql(c, "INSERT INTO public.grows SELECT g FROM generate_series(1, 1000) g");
    pg_close(c); /* which tells the server's statistics */
    for (int i = 0; i < 100; i++) {
        c = connect_to("catalog");
        if (rough_blocks(c) == 9) {
            break;
        }
        pg_close(c);
        c = NULL;
        (void)usleep(50000);
    }
    if (c == NULL) {
        fail_msg("the size is not that of the file");
    }
    run_sql(c, "DROP TABLE public.grows");
    pg_close(c);
}

static void
configuration_tables_of_extensions(void **state)
{
    PGconn           *c = fresh_database("extended");
    struct catalog    cat;
    struct cat_table *t;

    (void)state;
    /* Membership as CREATE EXTENSION records it: plpgsql is there in every database. */
    run_sql(c,
            "SET search_path = public; CREATE TABLE config (a int); CREATE TABLE fixed (a int); "
            "CREATE SEQUENCE hidden;"
            "CREATE TABLE mine (a int);"
            "ALTER EXTENSION plpgsql ADD TABLE config; ALTER EXTENSION plpgsql ADD TABLE fixed;"
            "ALTER EXTENSION plpgsql ADD SEQUENCE hidden;"
            "UPDATE pg_extension SET extconfig = array['config'::regclass]::oid[], extcondition = "
            "array['WHERE a > 1']"
            " WHERE extname = 'plpgsql'");
    cat = read_catalog(c);
    t = table(&cat, "config");
    assert_true(t->extension_member);
    assert_string_equal(t->extension, "plpgsql");
    assert_string_equal(t->condition, "WHERE a > 1");
    t = table(&cat, "fixed");
    assert_true(t->extension_member && t->extension == NULL && t->condition == NULL);
    assert_false(table(&cat, "mine")->extension_member);
    assert_int_equal(cat.n_sequences, 0);
    catalog_free(&cat);
    pg_close(c);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_type_has_its_format),
        cmocka_unit_test(columns_are_the_live_ones_in_order),
        cmocka_unit_test(rows_whose_partition_may_change_go_through_the_top),
        cmocka_unit_test(tables_are_sorted_and_of_the_right_kind),
        cmocka_unit_test(views_know_whether_they_read_far_away),
        cmocka_unit_test(sequences_have_their_state_and_leave_no_locks),
        cmocka_unit_test(sizes_do_not_wait_for_a_locked_table),
        cmocka_unit_test(a_rough_size_is_the_last_known_one_till_the_table_is_written_to),
        cmocka_unit_test(configuration_tables_of_extensions),
    };

    return cmocka_run_group_tests_name("pg catalog", tests, make_database, server_end);
}
