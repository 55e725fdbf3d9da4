/*
 * test_pg_snapshot.c - the coordinator: locks, snapshot, schema, and what comes between them.
 */
#include "tests/unit/pg_server.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/human.h"
#include "pg/conn/tools.h"
#include "pg/snapshot/ddlcheck.h"
#include "pg/snapshot/globals.h"
#include "pg/snapshot/locks.h"
#include "pg/snapshot/snapshot.h"

enum { TIMEOUT_MS = 300 };

static int
take(const char *dbname, struct snapshot *s, struct err *e)
{
    struct pg_target        target = scratch_target(server, dbname);
    struct snapshot_options o = {.target = &target, .lock_timeout_ms = TIMEOUT_MS};

    return snapshot_take(&o, s, e);
}

static void
a_snapshot_has_schema_globals_and_sequences(void **state)
{
    PGconn         *conn = fresh_database("whole");
    struct snapshot s;
    struct err      e = ERR_INIT;

    (void)state;
    run_sql(conn, "CREATE TABLE public.t (a serial); SELECT nextval('public.t_a_seq')");
    assert_ok(take("whole", &s, &e), &e);
    assert_int_equal(s.catalog.n_tables, 1);
    assert_memory_equal(s.archive.data, "PGDMP", 5);
    assert_true(s.globals && s.passwords);
    assert_non_null(strstr(buf_str(&s.globals_sql), "CREATE ROLE"));
    assert_true(json_array_size(json_object_get(s.globals_data, "roles")) > 0);
    assert_int_equal(s.n_sequences, 1);
    assert_int_equal(s.sequences[0].last_value, 1);
    assert_int_equal(s.warnings.n, 0);
    snapshot_end(&s);
    pg_close(conn);
}

static void
workers_see_the_snapshot_and_not_what_came_later(void **state)
{
    PGconn                 *conn = fresh_database("early"), *worker;
    struct pg_target        target = scratch_target(server, "early");
    struct snapshot_options o = {.target = &target, .lock_timeout_ms = TIMEOUT_MS};
    struct snapshot         s;
    struct err              e = ERR_INIT;

    (void)state;
    run_sql(conn, "CREATE TABLE public.t AS SELECT 1 AS a");
    assert_ok(snapshot_take(&o, &s, &e), &e);
    run_sql(conn, "INSERT INTO public.t VALUES (2)");
    worker = snapshot_worker(&o, &s, &e);
    assert_non_null(worker);
    assert_ok(snapshot_begin(worker, &s, &e), &e);
    assert_value(worker, "SELECT count(*) FROM public.t", "1");
    run_sql(worker, "COMMIT");
    assert_ok(snapshot_ping(&s, &e), &e);
    snapshot_end(&s);
    pg_close(worker);
    pg_close(conn);
}

static void
a_lost_coordinator_is_told_from_other_errors(void **state)
{
    PGconn                 *conn = fresh_database("lost"), *worker;
    struct pg_target        target = scratch_target(server, "lost");
    struct snapshot_options o = {.target = &target, .lock_timeout_ms = TIMEOUT_MS};
    struct snapshot         s;
    struct err              e = ERR_INIT;

    (void)state;
    assert_ok(snapshot_take(&o, &s, &e), &e);
    run_sql(conn,
            "SELECT pg_catalog.pg_terminate_backend(pid, 5000) FROM pg_catalog.pg_stat_activity "
            "WHERE application_name = 'pgassay-backup' AND datname = 'lost'");
    worker = snapshot_worker(&o, &s, &e);
    assert_int_equal(snapshot_begin(worker, &s, &e), -1);
    assert_true(snapshot_lost(&s, &e));
    assert_true(e.transient);
    assert_int_equal(snapshot_ping(&s, &e), -1);
    assert_err(&e, ERR_PG, "the snapshot's connection");
    err_set(&e, ERR_PG, "division by zero");
    assert_false(snapshot_lost(&s, &e));
    err_set(&e, ERR_PG, "relation \"snapshot\" does not exist");
    assert_false(snapshot_lost(&s, &e));
    err_set(&e, ERR_PG,
            "pg_dump: error: query failed: ERROR:  snapshot \"00000003-0000001B-1\" does not "
            "exist"); /* 17 */
    assert_true(snapshot_lost(&s, &e));
    snapshot_end(&s);
    pg_close(worker);
    pg_close(conn);
}

static void
a_held_table_is_named_with_its_holder(void **state)
{
    PGconn         *conn = fresh_database("held");
    struct snapshot s;
    struct err      e = ERR_INIT;

    (void)state;
    run_sql(conn, "CREATE TABLE public.t (a int)");
    run_sql(conn, "BEGIN; LOCK TABLE public.t IN ACCESS EXCLUSIVE MODE");
    assert_int_equal(take("held", &s, &e), -1);
    assert_err(&e, ERR_BUSY, "could not lock table public.t within 300 ms");
    assert_err(&e, ERR_BUSY, "holds an exclusive lock");
    assert_non_null(strstr(e.hint, "--lock-timeout"));
    pg_close(conn);
}

/* The snapshot's side of ddl_moved(): a transaction that has just begun. */
static PGconn *
open_snapshot(const char *dbname)
{
    PGconn *conn = connect_to(dbname);

    run_sql(conn, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SELECT 1");
    return conn;
}

static void
assert_noticed(const char *ddl, const char *words)
{
    PGconn        *now = connect_to("ddl"), *snap = open_snapshot("ddl");
    struct strlist what = {0};
    struct err     e = ERR_INIT;
    bool           named = false;

    assert_ok(ddl_moved(snap, now, &what, &e), &e);
    assert_int_equal(what.n, 0);
    run_sql(now, ddl);
    assert_ok(ddl_moved(snap, now, &what, &e), &e);
    for (size_t i = 0; i < what.n; i++) {
        named = named || strstr(what.v[i], words) != NULL;
    }
    if (!named) {
        fail_msg("%s: %zu catalogs moved, none says \"%s\"", ddl, what.n, words);
    }
    strlist_free(&what);
    pg_close(snap);
    pg_close(now);
}

static void
ddl_that_no_lock_stops_is_noticed_and_named(void **state)
{
    PGconn *conn = fresh_database("ddl");

    (void)state;
    run_sql(conn,
            "SET search_path = public; CREATE TABLE t (a int PRIMARY KEY); CREATE TABLE u (a int);"
            "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE VIEW v AS SELECT 1 "
            "AS x;"
            "CREATE SEQUENCE s; CREATE FUNCTION trg() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN "
            "RETURN NEW; END';"
            "CREATE TABLE p (a int) PARTITION BY LIST (a); CREATE TABLE p1 (a int)");
    assert_noticed("CREATE OR REPLACE FUNCTION public.f() RETURNS int LANGUAGE sql AS 'SELECT 2'",
                   "function public.f()");
    assert_noticed("DROP FUNCTION public.f()", "pg_proc");
    assert_noticed("CREATE OR REPLACE VIEW public.v AS SELECT 2 AS x", "public.v");
    assert_noticed("CREATE INDEX i ON public.t (a)", "index public.i");
    assert_noticed("ALTER TABLE public.u ADD FOREIGN KEY (a) REFERENCES public.t", "u_a_fkey");
    assert_noticed(
        "CREATE TRIGGER tr BEFORE INSERT ON public.t FOR EACH ROW EXECUTE FUNCTION public.trg()",
        "trigger tr");
    assert_noticed("CREATE POLICY pol ON public.t", "policy pol");
    assert_noticed("ALTER SEQUENCE public.s INCREMENT 2", "pg_sequence");
    assert_noticed("ALTER TABLE public.p ATTACH PARTITION public.p1 FOR VALUES IN (1)",
                   "public.p1");
    assert_noticed("COMMENT ON TABLE public.t IS 'x'", "pg_description");
    pg_close(conn);
}

static void
what_is_no_ddl_is_not_noticed(void **state)
{
    PGconn        *now = fresh_database("quiet"), *snap;
    struct strlist what = {0};
    struct err     e = ERR_INIT;

    (void)state;
    run_sql(now,
            "CREATE TABLE public.t AS SELECT g FROM generate_series(1, 1000) g; CREATE "
            "MATERIALIZED VIEW public.m AS SELECT 1 AS x;"
            "CREATE SEQUENCE public.s");
    snap = open_snapshot("quiet");
    run_sql(now, "CREATE TEMPORARY TABLE x (a serial PRIMARY KEY, b text); CREATE INDEX ON x (b)");
    run_sql(now, "REFRESH MATERIALIZED VIEW public.m");
    run_sql(now, "ANALYZE");
    run_sql(now, "VACUUM public.t");
    run_sql(now, "INSERT INTO public.t VALUES (1); SELECT nextval('public.s')");
    assert_ok(ddl_moved(snap, now, &what, &e), &e);
    if (what.n > 0) {
        fail_msg("noticed: %s", what.v[0]);
    }
    pg_close(snap);
    pg_close(now);
}

static void
an_owner_that_the_globals_lack_is_named(void **state)
{
    PGconn         *conn = fresh_database("owners");
    struct snapshot s;
    struct strlist  missing = {0};
    struct err      e = ERR_INIT;

    (void)state;
    run_sql(conn,
            "DROP ROLE IF EXISTS \"An Owner\"; CREATE ROLE \"An Owner\"; CREATE SCHEMA mine "
            "AUTHORIZATION \"An Owner\"");
    assert_ok(take("owners", &s, &e), &e);
    assert_ok(globals_missing(&s, s.conn, &missing, &e), &e);
    assert_int_equal(missing.n, 0);
    buf_clear(&s.globals_sql);
    assert_ok(globals_missing(&s, s.conn, &missing, &e), &e);
    assert_int_equal(missing.n, 1);
    assert_string_equal(missing.v[0], "An Owner");
    strlist_free(&missing);
    snapshot_end(&s);
    run_sql(conn, "DROP SCHEMA mine; DROP ROLE \"An Owner\"");
    pg_close(conn);
}

/* PostgreSQL's programs, but before pg_dump does its work a script runs, in the directory. */
static char programs[] = "/tmp/pgassay-test-XXXXXX";

static void
put_before_pg_dump(const char *script)
{
    static const char *const others[] = {"pg_dumpall", "pg_restore"};
    struct pg_tool           real;
    struct err               e = ERR_INIT;
    char                    *path;
    FILE                    *f;

    pg_tools_bindir(NULL);
    assert_ok(pg_tool_find("pg_dump", 0, &real, &e), &e);
    if (strstr(programs, "XXXXXX") != NULL) {
        assert_non_null(mkdtemp(programs));
    }
    path = xasprintf("%s/pg_dump", programs);
    f = fopen(path, "w");
    assert_non_null(f);
    (void)fprintf(f, "#!/bin/sh\ncd %s\ncase $* in *--version*) ;; *) %s ;; esac\nexec %s \"$@\"\n",
                  programs, script, real.path);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(path, 0755), 0);
    free(path);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        char *to = xasprintf("%.*s/%s", (int)(strrchr(real.path, '/') - real.path), real.path,
                             others[i]);

        path = xasprintf("%s/%s", programs, others[i]);
        assert_true(symlink(to, path) == 0 || errno == EEXIST);
        free(path);
        free(to);
    }
    pg_tool_free(&real);
    pg_tools_bindir(programs);
}

static void
put_file(const char *name)
{
    char *path = xasprintf("%s/%s", programs, name);
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    assert_int_equal(fclose(f), 0);
    free(path);
}

static int
remove_go(void **state)
{
    char *path = xasprintf("%s/go", programs);

    (void)state;
    (void)unlink(path);
    free(path);
    return 0;
}

static int
remove_programs(void **state)
{
    static const char *const made[] = {"pg_dump", "pg_dumpall", "pg_restore", "go"};

    (void)state;
    pg_tools_bindir(NULL);
    for (size_t i = 0; i < sizeof made / sizeof *made; i++) {
        char *path = xasprintf("%s/%s", programs, made[i]);

        (void)unlink(path);
        free(path);
    }
    (void)rmdir(programs);
    return 0;
}

/* What is done beside pg_dump. */
struct beside {
    const char *sql; /* of another session */
    bool        waits, fails, refuses;
    size_t      meanwhile, defined;
    size_t      columns; /* of the last snapshot's table */
    bool        in_vain;
};

static int
do_meanwhile(void *work, struct snapshot *s, struct err *e)
{
    struct beside *b = work;
    const double   began = clock_seconds();

    assert_int_equal(s->catalog.n_tables, 1);
    assert_value(s->conn, "SELECT count(*) FROM public.t", "1");
    b->columns = s->catalog.tables[0].n_columns;
    if (b->meanwhile++ == 0 && b->sql != NULL) {
        PGconn *conn = connect_to(PQdb(s->conn));

        run_sql(conn, b->sql);
        pg_close(conn);
    }
    if (b->fails) {
        return err_set(e, ERR_IO, "the disk is full");
    }
    put_file("go");
    while (b->waits && !snapshot_in_vain(s)) {
        assert_true(clock_seconds() - began < 60);
        usleep(5000);
    }
    b->in_vain = snapshot_in_vain(s);
    return b->in_vain ? err_set(e, ERR_IO, "what was in vain") : 0;
}

static int
do_defined(void *work, struct snapshot *s, struct err *e)
{
    struct beside *b = work;

    assert_memory_equal(s->archive.data, "PGDMP", 5);
    assert_true(s->globals);
    b->defined++;
    return b->refuses ? err_set(e, ERR_BUSY, "not what it should be") : 0;
}

static int
take_beside(struct beside *b, struct snapshot *s, struct err *e)
{
    PGconn                 *conn = fresh_database("beside");
    struct pg_target        target = scratch_target(server, "beside");
    struct snapshot_options o = {.target = &target,
                                 .lock_timeout_ms = TIMEOUT_MS,
                                 .meanwhile = do_meanwhile,
                                 .defined = do_defined,
                                 .work = b};

    run_sql(conn,
            "CREATE TABLE public.t AS SELECT 1 AS a; CREATE FUNCTION public.f() RETURNS int "
            "LANGUAGE sql AS 'SELECT 1'");
    pg_close(conn);
    return snapshot_take(&o, s, e);
}

#define WAIT_FOR_GO "while [ ! -e go ]; do sleep 0.02; done"

static void
rows_need_not_wait_for_pg_dump(void **state)
{
    struct beside   b = {0};
    struct snapshot s;
    struct err      e = ERR_INIT;

    (void)state;
    put_before_pg_dump(WAIT_FOR_GO);
    assert_ok(take_beside(&b, &s, &e), &e);
    assert_int_equal(b.meanwhile, 1);
    assert_int_equal(b.defined, 1);
    assert_int_equal(b.columns, 1);
    assert_false(snapshot_in_vain(&s));
    snapshot_end(&s);
}

static void
what_fails_beside_pg_dump_stops_it(void **state)
{
    struct beside   b = {.fails = true};
    struct snapshot s;
    struct err      e = ERR_INIT;
    double          began = clock_seconds();

    (void)state;
    put_before_pg_dump("exec sleep 60");
    assert_int_equal(take_beside(&b, &s, &e), -1);
    assert_err(&e, ERR_IO, "the disk is full");
    assert_true(clock_seconds() - began < 30);
    assert_int_equal(b.meanwhile, 1);
    assert_int_equal(b.defined, 0);
}

static void
what_is_beside_a_failing_pg_dump_hears_of_it(void **state)
{
    struct beside   b = {.waits = true};
    struct snapshot s;
    struct err      e = ERR_INIT;

    (void)state;
    put_before_pg_dump(WAIT_FOR_GO "; echo permission denied for everything >&2; exit 1");
    assert_int_equal(take_beside(&b, &s, &e), -1);
    assert_err(&e, ERR_IO, "permission denied for everything");
    assert_int_equal(b.meanwhile, 1);
    assert_true(b.in_vain);
    assert_int_equal(b.defined, 0);
}

/* Between snapshot and pg_dump; the second snapshot is good. */
static void
changed_definitions_void_what_was_done_beside(void **state)
{
    struct beside   b = {.sql =
                             "CREATE OR REPLACE FUNCTION public.f() RETURNS int LANGUAGE sql AS "
                               "'SELECT 2'"};
    struct snapshot s;
    struct err      e = ERR_INIT;

    (void)state;
    put_before_pg_dump(WAIT_FOR_GO);
    assert_ok(take_beside(&b, &s, &e), &e);
    assert_int_equal(b.meanwhile, 2);
    assert_int_equal(b.defined, 1);
    assert_int_equal(s.warnings.n, 0);
    assert_non_null(memmem(s.archive.data, s.archive.len, "SELECT 2", 8));
    snapshot_end(&s);
}

static void
a_refused_archive_is_refused_once(void **state)
{
    struct beside   b = {.refuses = true, .waits = true};
    struct snapshot s;
    struct err      e = ERR_INIT;

    (void)state;
    put_before_pg_dump(":");
    assert_int_equal(take_beside(&b, &s, &e), -1);
    assert_err(&e, ERR_BUSY, "not what it should be");
    assert_int_equal(b.defined, 1);
    assert_int_equal(b.meanwhile, 1);
}

static int
take_unshared(struct snapshot *s, struct err *e)
{
    struct pg_target        target = scratch_target(server, "beside");
    struct snapshot_options o = {
        .target = &target, .lock_timeout_ms = TIMEOUT_MS, .unshared = true};

    pg_close(fresh_database("beside"));
    return snapshot_take(&o, s, e);
}

static void
of_a_database_that_stands_still_pg_dump_is_waited_for_when_asked(void **state)
{
    struct snapshot s;
    struct err      e = ERR_INIT;

    (void)state;
    put_before_pg_dump(WAIT_FOR_GO);
    assert_ok(take_unshared(&s, &e), &e);
    put_file("go");
    assert_ok(snapshot_definitions(&s, &e), &e);
    assert_memory_equal(s.archive.data, "PGDMP", 5);
    snapshot_end(&s);

    put_before_pg_dump("echo the disk is full >&2; exit 1");
    assert_ok(take_unshared(&s, &e), &e);
    assert_int_equal(snapshot_definitions(&s, &e), -1);
    assert_err(&e, ERR_IO, "the disk is full");
    snapshot_end(&s);
}

static void
a_snapshot_that_ends_waits_for_no_pg_dump(void **state)
{
    struct snapshot s;
    struct err      e = ERR_INIT;
    double          began = clock_seconds();

    (void)state;
    put_before_pg_dump("exec sleep 60");
    assert_ok(take_unshared(&s, &e), &e);
    snapshot_end(&s);
    assert_true(clock_seconds() - began < 30);
}

static void
locks_are_short_when_two_sessions_cannot_hold_them(void **state)
{
    PGconn    *conn = connect_to("postgres");
    struct err e = ERR_INIT;
    bool       is_short;

    (void)state;
    assert_ok(locks_short(conn, 10, &is_short, &e), &e);
    assert_false(is_short);
    assert_ok(locks_short(conn, 100000000, &is_short, &e), &e);
    assert_true(is_short);
    pg_close(conn);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_snapshot_has_schema_globals_and_sequences),
        cmocka_unit_test(workers_see_the_snapshot_and_not_what_came_later),
        cmocka_unit_test(a_lost_coordinator_is_told_from_other_errors),
        cmocka_unit_test(a_held_table_is_named_with_its_holder),
        cmocka_unit_test(ddl_that_no_lock_stops_is_noticed_and_named),
        cmocka_unit_test(what_is_no_ddl_is_not_noticed),
        cmocka_unit_test(an_owner_that_the_globals_lack_is_named),
        cmocka_unit_test_teardown(rows_need_not_wait_for_pg_dump, remove_go),
        cmocka_unit_test_teardown(what_fails_beside_pg_dump_stops_it, remove_go),
        cmocka_unit_test_teardown(what_is_beside_a_failing_pg_dump_hears_of_it, remove_go),
        cmocka_unit_test_teardown(changed_definitions_void_what_was_done_beside, remove_go),
        cmocka_unit_test_teardown(a_refused_archive_is_refused_once, remove_go),
        cmocka_unit_test_teardown(of_a_database_that_stands_still_pg_dump_is_waited_for_when_asked,
                                  remove_go),
        cmocka_unit_test_teardown(a_snapshot_that_ends_waits_for_no_pg_dump, remove_programs),
        cmocka_unit_test(locks_are_short_when_two_sessions_cannot_hold_them),
    };

    return cmocka_run_group_tests_name("pg snapshot", tests, server_start, server_end);
}
