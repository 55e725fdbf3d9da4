/*
 * pg_server.h - one scratch server for all tests of a program.
 */
#ifndef TESTS_UNIT_PG_SERVER_H
#define TESTS_UNIT_PG_SERVER_H

#include "tests/unit/check.h"

#include <stdlib.h>

#include "core/cancel.h"
#include "core/mem.h"
#include "pg/scratch/scratch.h"

static struct scratch *server;

static int
server_start(void **state)
{
    struct err e = ERR_INIT;

    (void)state;
    cancel_install();
    server = scratch_start(&(struct scratch_options){.jobs = 2}, &e);
    if (server == NULL) {
        print_error("%s\n", e.text);
    }
    return server != NULL ? 0 : -1;
}

static int
server_end(void **state)
{
    struct err e = ERR_INIT;

    (void)state;
    return scratch_end(server, &e);
}

static inline PGconn *
connect_to(const char *dbname)
{
    struct err       e = ERR_INIT;
    struct pg_target target = scratch_target(server, dbname);
    PGconn          *conn = pg_connect(&target, PG_READING, "test", &e);

    if (conn == NULL) {
        fail_msg("%s", e.text);
    }
    return conn;
}

/* Runs it; the test fails with the server's words. */
static inline void
run_sql(PGconn *conn, const char *sql)
{
    struct err e = ERR_INIT;

    assert_ok(pg_exec(conn, &e, sql), &e);
}

static inline void
assert_value(PGconn *conn, const char *sql, const char *want)
{
    struct err e = ERR_INIT;
    char      *value = pg_value(conn, &e, sql, 0, NULL);

    if (value == NULL) {
        fail_msg("%s: %s", sql, e.text);
    }
    assert_string_equal(value, want);
    free(value);
}

/* A database of its own, anew. */
static inline PGconn *
fresh_database(const char *name)
{
    PGconn    *admin = connect_to("postgres");
    struct err e = ERR_INIT;

    assert_ok(pg_execf(admin, &e, "DROP DATABASE IF EXISTS %s WITH (FORCE)", name), &e);
    assert_ok(pg_execf(admin, &e, "CREATE DATABASE %s TEMPLATE template0", name), &e);
    pg_close(admin);
    return connect_to(name);
}

#endif
