/*
 * test_pg_conn.c - no setting of a role or database reaches our sessions; statements end when they
 * must; errors say what is wrong and nothing secret.
 */
#include "tests/unit/pg_server.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "core/human.h"
#include "core/runid.h"
#include "pg/conn/conn.h"

static void
hostile_settings_do_not_reach_us(void **state)
{
    PGconn *c = fresh_database("hostile");

    (void)state;
    run_sql(c,
            "ALTER DATABASE hostile SET statement_timeout = '1min'; ALTER DATABASE hostile SET "
            "lock_timeout = 1;"
            "ALTER DATABASE hostile SET idle_in_transaction_session_timeout = '1min';"
            "ALTER DATABASE hostile SET default_transaction_read_only = on;"
            "ALTER DATABASE hostile SET default_transaction_isolation = 'serializable';"
            "ALTER DATABASE hostile SET array_nulls = off; ALTER DATABASE hostile SET xmloption = "
            "document;"
            "ALTER DATABASE hostile SET DateStyle = 'German, DMY'; ALTER DATABASE hostile SET "
            "TimeZone = 'Asia/Tokyo';"
            "ALTER DATABASE hostile SET IntervalStyle = iso_8601; ALTER DATABASE hostile SET "
            "extra_float_digits = -10;"
            "ALTER DATABASE hostile SET bytea_output = escape; ALTER DATABASE hostile SET "
            "client_encoding = 'LATIN1';"
            "ALTER DATABASE hostile SET standard_conforming_strings = off;"
            "ALTER DATABASE hostile SET quote_all_identifiers = on; ALTER DATABASE hostile SET "
            "enable_tidscan = off;"
            "ALTER DATABASE hostile SET enable_seqscan = off; ALTER DATABASE hostile SET "
            "synchronize_seqscans = on;"
            "ALTER DATABASE hostile SET search_path = public; ALTER DATABASE hostile SET "
            "row_security = on");
    pg_close(c);
    c = connect_to("hostile");
    assert_value(c,
                 "SELECT string_agg(current_setting(n), ' ' ORDER BY o) FROM "
                 "unnest(array['statement_timeout',"
                 "'lock_timeout', 'idle_in_transaction_session_timeout', "
                 "'default_transaction_read_only', 'array_nulls',"
                 "'xmloption', 'TimeZone', 'IntervalStyle', 'extra_float_digits', 'bytea_output', "
                 "'client_encoding',"
                 "'standard_conforming_strings', 'quote_all_identifiers', 'enable_tidscan', "
                 "'enable_seqscan',"
                 "'synchronize_seqscans', 'row_security']) WITH ORDINALITY u(n, o)",
                 "0 0 0 off on content UTC postgres 3 hex UTF8 on off on on off off");
    assert_value(c, "SELECT current_setting('search_path') || current_setting('DateStyle')",
                 "ISO, DMY");
    assert_value(c, "SELECT array[1, NULL]::text || '\\x00'::bytea::text || 'a\\b'",
                 "{1,NULL}\\x00a\\b");
    pg_close(c);
}

static void
restoring_sessions_do_not_check_bodies(void **state)
{
    struct err       e = ERR_INIT;
    struct pg_target t = scratch_target(server, "postgres");
    PGconn          *c = pg_connect(&t, PG_RESTORING, "test", &e);

    (void)state;
    assert_non_null(c);
    assert_value(c,
                 "SELECT current_setting('check_function_bodies') || "
                 "current_setting('synchronous_commit')",
                 "offoff");
    pg_close(c);
}

static void
single_fields_win_over_the_connection_string(void **state)
{
    struct err       e = ERR_INIT;
    struct pg_target t = scratch_target(server, "template1");
    PGconn          *c;

    (void)state;
    t.conninfo = "postgresql:///postgres?host=/nowhere&port=1&application_name=mine";
    c = pg_connect(&t, PG_READING, "test", &e);
    assert_non_null(c);
    assert_value(c, "SELECT current_database() || ' ' || current_setting('application_name')",
                 "template1 mine");
    pg_close(c);
    t.dbname = NULL;
    t.conninfo = "postgres";
    c = pg_connect(&t, PG_READING, "test", &e);
    assert_non_null(c);
    assert_value(c, "SELECT current_database() || ' ' || current_setting('application_name')",
                 "postgres test");
    pg_close(c);
}

static void
a_session_bears_the_name_of_its_run(void **state)
{
    struct err       e = ERR_INIT;
    struct pg_target t = scratch_target(server, "postgres");
    PGconn          *c;

    (void)state;
    (void)setenv("PGASSAY_RUN_ID", "night-7", 1);
    run_id_begin();
    c = pg_connect(&t, PG_READING, "test worker", &e);
    assert_non_null(c);
    assert_value(c, "SELECT current_setting('application_name')", "test worker night-7");
    pg_close(c);
}

static void
a_role_is_taken_on(void **state)
{
    struct err       e = ERR_INIT;
    struct pg_target t = scratch_target(server, "postgres");
    PGconn          *c = connect_to("postgres");

    (void)state;
    run_sql(c, "CREATE ROLE \"odd \"\"role\"");
    pg_close(c);
    t.role = "odd \"role";
    c = pg_connect(&t, PG_READING, "test", &e);
    assert_non_null(c);
    assert_value(c, "SELECT current_user", "odd \"role");
    pg_close(c);
    t.role = "nobody there";
    assert_null(pg_connect(&t, PG_READING, "test", &e));
    assert_err(&e, ERR_PG, "role \"nobody there\" does not exist");
}

static void
errors_have_a_state_and_no_secret(void **state)
{
    struct err e = ERR_INIT;
    PGconn    *c = connect_to("postgres");

    (void)state;
    assert_int_equal(pg_exec(c, &e, "SELECT 1; SELECT 1/0; SELECT 2"), -1);
    assert_err(&e, ERR_PG, "division by zero");
    assert_string_equal(e.sqlstate, "22012");
    assert_false(e.transient);
    assert_int_equal(pg_exec(c, &e, "COPY pg_class TO STDOUT"), -1);
    assert_err(&e, ERR_PG, "COPY");
    assert_null(pg_value(c, &e, "SELECT NULL", 0, NULL));
    assert_int_equal(e.kind, ERR_NOT_FOUND);
    assert_value(c, "SELECT 'still usable'", "still usable");
    pg_close(c);

    assert_null(pg_connect(&(struct pg_target){.conninfo = "host=x password=geheim nis"},
                           PG_READING, "test", &e));
    assert_err(&e, ERR_USAGE, "connection string");
    assert_null(strstr(e.text, "nis"));
    assert_null(strstr(e.hint, "nis"));
    assert_null(pg_connect(&(struct pg_target){.conninfo = "host=/nowhere port=1"}, PG_READING,
                           "test", &e));
    assert_true(e.transient);
    assert_null(strchr(e.text, '\n'));
}

static void
a_refusal_has_a_state(void **state)
{
    struct err       e = ERR_INIT;
    struct pg_target t = scratch_target(server, "no such database");

    (void)state;
    assert_null(pg_connect(&t, PG_READING, "test", &e));
    assert_err(&e, ERR_PG, "FATAL:  database \"no such database\" does not exist");
    assert_string_equal(e.sqlstate, "3D000");
    assert_null(strstr(e.text, "3D000"));
    assert_null(strstr(e.text, "LOCATION"));
    assert_false(e.transient);
}

static void
an_answer_is_not_waited_for_for_ever(void **state)
{
    struct err e = ERR_INIT;
    PGconn    *c = connect_to("postgres");
    PGresult  *res = pg_query_within(c, 60000, &e, "SELECT 7");

    (void)state;
    assert_non_null(res);
    assert_string_equal(PQgetvalue(res, 0, 0), "7");
    PQclear(res);
    assert_null(pg_query_within(c, 100, &e, "SELECT pg_sleep(600)"));
    assert_err(&e, ERR_PG, "no answer from the server in time");
    pg_close(c);
}

static void
a_killed_session_is_worth_another_try(void **state)
{
    struct err e = ERR_INIT;
    PGconn    *c = connect_to("postgres");

    (void)state;
    assert_int_equal(pg_exec(c, &e, "SELECT pg_terminate_backend(pg_backend_pid())"), -1);
    assert_err(&e, ERR_PG, "terminating connection");
    assert_true(e.transient);
    assert_int_equal(pg_exec(c, &e, "SELECT 1"), -1);
    assert_int_equal(e.kind, ERR_PG);
    assert_true(e.transient);
    pg_close(c);
}

/* Between two statements: the reason is in libpq's words, mixed with its own. */
static void
a_session_killed_while_idle_says_why(void **state)
{
    struct err e = ERR_INIT;
    PGconn    *c = connect_to("postgres"), *other = connect_to("postgres");
    char      *sql = xasprintf("SELECT pg_terminate_backend(%d, 60000)", PQbackendPID(c));

    (void)state;
    run_sql(other, sql); /* its pid is the server's word, who may have a namespace of its own */
    assert_int_equal(pg_exec(c, &e, "SELECT 1"), -1);
    assert_err(&e, ERR_PG, "terminating connection due to administrator command");
    assert_string_equal(e.sqlstate, "57P01");
    assert_null(strstr(e.text, "57P01"));
    assert_true(e.transient);
    free(sql);
    pg_close(c);
    pg_close(other);
}

static void
children_reach_the_same_server(void **state)
{
    struct err       e = ERR_INIT;
    struct pg_target t = scratch_target(server, "postgres");
    PGconn          *c, *child;
    char            *conninfo, **env;

    (void)state;
    t.conninfo = "password='it''s' application_name='a\\\\b'";
    assert_null(
        pg_connect(&t, PG_READING, "test", &e)); /* '' is no escape in a connection string */
    t.conninfo = "password=secret application_name='it\\'s \\\\ mine'";
    c = pg_connect(&t, PG_READING, "test", &e);
    assert_non_null(c);
    conninfo = pg_child_conninfo(c);
    assert_null(strstr(conninfo, "secret"));
    child = pg_connect(&(struct pg_target){.conninfo = conninfo}, PG_READING, "child", &e);
    assert_non_null(child);
    assert_value(child, "SELECT current_setting('application_name')", "it's \\ mine");
    env = pg_child_env(c);
    assert_null(env[0]); /* the server did not ask for the password */
    pg_child_env_free(env);
    free(conninfo);
    pg_close(child);
    pg_close(c);
}

static void
names_are_quoted(void **state)
{
    char *a = pg_qualified("my \"schema\"", "select");

    (void)state;
    assert_string_equal(a, "\"my \"\"schema\"\"\".\"select\"");
    free(a);
}

static void *
interrupt_soon(void *arg)
{
    usleep(300000);
    kill(getpid(), SIGINT);
    return arg;
}

/* Last: the flag stays up for ever. */
static void
sigint_ends_a_statement_but_not_tidying_up(void **state)
{
    struct err e = ERR_INIT;
    PGconn    *c = connect_to("postgres");
    pthread_t  t;

    (void)state;
    pthread_create(&t, NULL, interrupt_soon, NULL);
    assert_int_equal(pg_exec(c, &e, "SELECT pg_sleep(3600)"), -1);
    assert_int_equal(e.kind, ERR_INTERRUPTED);
    pthread_join(t, NULL);
    assert_int_equal(pg_exec(c, &e, "SELECT 1"), -1);
    assert_int_equal(e.kind, ERR_INTERRUPTED);
    assert_ok(pg_tidy(c, 60000, &e, "CREATE TEMPORARY TABLE tidied(); DROP TABLE tidied"), &e);
    assert_int_equal(pg_tidy(c, 200, &e, "SELECT pg_sleep(3600)"), -1);
    assert_err(&e, ERR_PG, "in time");
    pg_close(c);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hostile_settings_do_not_reach_us),
        cmocka_unit_test(restoring_sessions_do_not_check_bodies),
        cmocka_unit_test(single_fields_win_over_the_connection_string),
        cmocka_unit_test(a_role_is_taken_on),
        cmocka_unit_test(errors_have_a_state_and_no_secret),
        cmocka_unit_test(a_refusal_has_a_state),
        cmocka_unit_test(an_answer_is_not_waited_for_for_ever),
        cmocka_unit_test(a_killed_session_is_worth_another_try),
        cmocka_unit_test(a_session_killed_while_idle_says_why),
        cmocka_unit_test(children_reach_the_same_server),
        cmocka_unit_test(names_are_quoted),
        cmocka_unit_test(a_session_bears_the_name_of_its_run), /* of all from here on */
        cmocka_unit_test(sigint_ends_a_statement_but_not_tidying_up),
    };

    return cmocka_run_group_tests_name("pg conn", tests, server_start, server_end);
}
