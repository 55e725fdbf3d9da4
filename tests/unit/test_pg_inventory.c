/*
 * test_pg_inventory.c - what pg_dump leaves out is recorded, and its loss is said in a sentence.
 */
#include "tests/unit/pg_server.h"

#include "core/json.h"
#include "pg/snapshot/inventory.h"

typedef json_t *inventory_fn(PGconn *, struct err *);

static json_t *
take(PGconn *c, inventory_fn *fn)
{
    struct err e = ERR_INIT;
    json_t    *j = fn(c, &e);

    if (j == NULL) {
        fail_msg("%s", e.text);
    }
    return j;
}

/* The differences between two databases as one text, sorted. */
static char *
differences(const char *want, const char *have, const char *what, inventory_fn *fn)
{
    PGconn        *a = connect_to(want), *b = connect_to(have);
    json_t        *x = take(a, fn), *y = take(b, fn);
    struct strlist out = {0}, notes = {0};
    struct buf     text = BUF_INIT(MIB);
    struct err     e = ERR_INIT;
    char          *s;

    if (fn == inventory_omitted) {
        json_decref(y);
        y = inventory_omitted_like(b, x, &e);
        assert_non_null(y);
    }
    inventory_compare(what, &(struct inventory_pair){.want = x, .have = y}, &out, &notes);
    strlist_sort(&out);
    for (size_t i = 0; i < out.n; i++) {
        assert_ok(buf_printf(&text, &e, "%s\n", out.v[i]), &e);
    }
    for (size_t i = 0; i < notes.n; i++) {
        assert_ok(buf_printf(&text, &e, "note: %s\n", notes.v[i]), &e);
    }
    s = xstrdup(buf_str(&text));
    buf_free(&text);
    strlist_free(&out);
    strlist_free(&notes);
    json_decref(x);
    json_decref(y);
    pg_close(a);
    pg_close(b);
    return s;
}

static void
assert_differences(const char *want, const char *have, const char *what, inventory_fn *fn,
                   const char *text)
{
    char *s = differences(want, have, what, fn);

    assert_string_equal(s, text);
    free(s);
}

static void
facts_have_their_shape(void **state)
{
    PGconn    *c = fresh_database("facts");
    json_t    *server_facts = take(c, inventory_server), *db = take(c, inventory_database);
    json_t    *snapshot = take(c, inventory_snapshot), *xid = take(c, inventory_xid);
    uint64_t   n;
    struct err e = ERR_INIT;

    (void)state;
    assert_int_equal(json_opt_int(server_facts, "version_num", 0), pg_version(c));
    assert_ok(json_get_hex64(server_facts, "system_identifier", &n, &e), &e);
    assert_false(json_opt_bool(server_facts, "standby", true));
    assert_string_equal(json_opt_str(json_object_get(server_facts, "settings"), "fsync", ""),
                        "off");
    assert_string_equal(json_opt_str(db, "name", ""), "facts");
    assert_string_equal(json_opt_str(db, "encoding", ""), "UTF8");
    assert_true(json_opt_int(db, "size_bytes", 0) > 1000000);
    assert_int_equal(json_array_size(json_object_get(db, "acl")), 2);
    assert_ok(json_get_hex64(snapshot, "lsn", &n, &e), &e);
    assert_ok(json_get_hex64(snapshot, "xmin", &n, &e), &e);
    assert_int_equal(json_array_size(json_object_get(xid, "tables")), 10);
    assert_true(json_opt_int(xid, "age", -1) >= 0);
    json_decref(server_facts);
    json_decref(db);
    json_decref(snapshot);
    json_decref(xid);
    pg_close(c);
}

static void
two_fresh_databases_are_equal(void **state)
{
    (void)state;
    pg_close(fresh_database("one"));
    pg_close(fresh_database("two"));
    assert_differences("one", "two", "database", inventory_database, "");
    assert_differences("one", "two", "extensions", inventory_extensions, "");
    assert_differences("one", "two", "omitted", inventory_omitted, "");
}

static void
properties_of_the_database(void **state)
{
    PGconn *c = fresh_database("one");

    (void)state;
    run_sql(c,
            "DO $$ BEGIN CREATE ROLE app; EXCEPTION WHEN duplicate_object THEN END $$;"
            "ALTER DATABASE one OWNER TO app; COMMENT ON DATABASE one IS 'the shop'; ALTER "
            "DATABASE one CONNECTION LIMIT 7;"
            "ALTER DATABASE one SET work_mem = '5MB'; ALTER ROLE app IN DATABASE one SET "
            "search_path = a, b;"
            "REVOKE ALL ON DATABASE one FROM public");
    pg_close(c);
    pg_close(fresh_database("two"));
    c = connect_to("two");
    run_sql(c, "ALTER DATABASE two SET work_mem = '6MB'");
    pg_close(c);
    assert_differences("one", "two", "database", inventory_database,
                       "database setting search_path of role app is missing\n"
                       "database setting work_mem: value 6MB, was 5MB\n"
                       "database: acl =Tc/postgres, postgres=CTc/postgres, was app=CTc/app\n"
                       "database: comment not set, was the shop\n"
                       "database: connection_limit -1, was 7\n"
                       "database: owner postgres, was app\n");
    /* Spelling out what is the default anyway makes no difference. */
    pg_close(fresh_database("one"));
    c = fresh_database("two");
    run_sql(c, "GRANT CONNECT, TEMPORARY ON DATABASE two TO public");
    pg_close(c);
    assert_differences("one", "two", "database", inventory_database, "");
}

static void
what_pg_dump_leaves_out(void **state)
{
    PGconn *c = fresh_database("one");

    (void)state;
    run_sql(c,
            "SET allow_system_table_mods = on; CREATE FUNCTION pg_catalog.own() RETURNS int "
            "LANGUAGE sql AS 'SELECT 1';"
            "ALTER FUNCTION pg_catalog.abs(int) COST 50; COMMENT ON FUNCTION "
            "pg_catalog.lower(text) IS 'small';"
            "CREATE TABLE public.t (a int); CREATE INDEX broken ON public.t (a);"
            "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'public.broken'::regclass;"
            "CREATE TABLE public.member (a int); ALTER EXTENSION plpgsql ADD TABLE public.member;"
            "CREATE ACCESS METHOD heaped TYPE TABLE HANDLER heap_tableam_handler; CREATE TABLE "
            "public.own_am (a int) USING heaped;"
            "CREATE TABLE public.key (a int PRIMARY KEY); CREATE TABLE public.ref (a int "
            "REFERENCES public.key);"
            "ALTER TABLE public.ref DISABLE TRIGGER ALL;"
            "COMMENT ON FUNCTION pg_catalog.plpgsql_call_handler() IS 'touched'");
    pg_close(c);
    c = fresh_database("two");
    run_sql(c,
            "CREATE TABLE public.member (a int, b int); ALTER EXTENSION plpgsql ADD TABLE "
            "public.member");
    pg_close(c);
    assert_differences("one", "two", "omitted", inventory_omitted,
                       "access method of its own of table own_am in schema public is missing\n"
                       "change of built-in function pg_catalog.abs(integer): its definition "
                       "differs\n"
                       "comment on built-in function pg_catalog.lower(pg_catalog.text): comment "
                       "lowercase, was small\n"
                       "disabled enforcement of constraint ref_a_fkey on ref in schema public is "
                       "missing\n"
                       "function pg_catalog.own() is missing\n"
                       "function pg_catalog.plpgsql_call_handler() of extension plpgsql: comment "
                       "not set, was touched\n"
                       "invalid index broken in schema public is missing\n"
                       "table public.member of extension plpgsql: its definition differs\n");
}

/* A GRANT and its REVOKE leave a new row, and a comment put back as it was does, too. */
static void
touched_is_not_changed(void **state)
{
    PGconn *c = fresh_database("one");

    (void)state;
    run_sql(c,
            "GRANT EXECUTE ON FUNCTION pg_catalog.pg_ls_waldir() TO public; REVOKE EXECUTE ON "
            "FUNCTION pg_catalog.pg_ls_waldir() FROM public;"
            "GRANT EXECUTE ON FUNCTION pg_catalog.abs(int) TO public;"
            "ALTER FUNCTION pg_catalog.sin(float8) COST 9; ALTER FUNCTION pg_catalog.sin(float8) "
            "COST 1;"
            "ALTER FUNCTION pg_catalog.cos(float8) COST 9; GRANT EXECUTE ON FUNCTION "
            "pg_catalog.cos(float8) TO public;"
            "COMMENT ON FUNCTION pg_catalog.tan(float8) IS 'x';"
            "COMMENT ON FUNCTION pg_catalog.tan(float8) IS 'tangent'");
    pg_close(c);
    pg_close(fresh_database("two"));
    assert_differences("one", "two", "omitted", inventory_omitted,
                       "change of built-in function pg_catalog.cos(double precision): its "
                       "definition differs\n");
    /* The other way round: touched after the backup.  What initdb itself has granted does not show
     * why it was touched, so that is reported. */
    assert_differences("two", "one", "omitted", inventory_omitted,
                       "change of built-in function pg_catalog.pg_ls_waldir() was not there\n"
                       "change of built-in function pg_catalog.sin(double precision) was not "
                       "there\n"
                       "comment on built-in function pg_catalog.tan(double precision) was not "
                       "there\n"
                       "note: change of built-in function pg_catalog.abs(integer): touched after "
                       "the "
                       "backup, by a GRANT as it seems\n"
                       "note: change of built-in function pg_catalog.cos(double precision): "
                       "touched "
                       "after the backup, by a GRANT as it seems\n");
}

static void
a_system_without_public_and_information_schema(void **state)
{
    PGconn *c = fresh_database("bare");

    (void)state;
    run_sql(c,
            "DROP SCHEMA public; DROP SCHEMA information_schema CASCADE; DROP EXTENSION plpgsql");
    json_decref(take(c, inventory_omitted));
    json_decref(take(c, inventory_extensions));
    pg_close(c);
    assert_differences("two", "bare", "extensions", inventory_extensions,
                       "extension plpgsql is missing\n");
}

static void
versions_and_owners_of_extensions(void **state)
{
    static const char want[] =
        "[{\"name\":\"hstore\",\"version\":\"1.7\",\"schema\":\"public\",\"owner\":\"admin\","
        "\"owner_is_bootstrap\":true},"
        "{\"name\":\"citext\",\"version\":\"1.6\",\"schema\":\"public\",\"owner\":\"app\",\"owner_"
        "is_bootstrap\":false}]";
    static const char have[] =
        "[{\"name\":\"hstore\",\"version\":\"1.8\",\"schema\":\"public\",\"owner\":\"postgres\","
        "\"owner_is_bootstrap\":true},"
        "{\"name\":\"citext\",\"version\":\"1.6\",\"schema\":\"public\",\"owner\":\"postgres\","
        "\"owner_is_bootstrap\":true}]";
    json_t        *x = json_loads(want, 0, NULL), *y = json_loads(have, 0, NULL);
    struct strlist out = {0}, notes = {0};

    (void)state;
    inventory_compare(
        "extensions",
        &(struct inventory_pair){.want = x, .have = y, .want_major = 15, .have_major = 15}, &out,
        &notes);
    strlist_sort(&out);
    assert_int_equal(out.n, 2);
    assert_int_equal(notes.n, 0);
    assert_string_equal(out.v[0], "extension citext: owner postgres, was app");
    assert_string_equal(out.v[1], "extension hstore: version 1.8, was 1.7");
    strlist_free(&out);
    /* Another major version of the server brings another version of the extension. */
    inventory_compare(
        "extensions",
        &(struct inventory_pair){.want = x, .have = y, .want_major = 15, .have_major = 18}, &out,
        &notes);
    assert_int_equal(out.n, 1);
    assert_string_equal(out.v[0], "extension citext: owner postgres, was app");
    assert_int_equal(notes.n, 1);
    assert_string_equal(notes.v[0],
                        "extension hstore: version 1.8, was 1.7: PostgreSQL 18 brings "
                        "it, 15 had the other; its members are not compared");
    strlist_free(&out);
    strlist_free(&notes);
    json_decref(x);
    json_decref(y);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(facts_have_their_shape),
        cmocka_unit_test(two_fresh_databases_are_equal),
        cmocka_unit_test(properties_of_the_database),
        cmocka_unit_test(what_pg_dump_leaves_out),
        cmocka_unit_test(touched_is_not_changed),
        cmocka_unit_test(a_system_without_public_and_information_schema),
        cmocka_unit_test(versions_and_owners_of_extensions),
    };

    return cmocka_run_group_tests_name("pg inventory", tests, server_start, server_end);
}
