/*
 * test_pg_copy.c - what COPY gives and takes, in text and in binary.
 */
#include "tests/unit/pg_server.h"

#include <dlfcn.h>

#include "pg/rows/copy.h"
#include "pg/rows/fingerprint.h"

struct rows {
    uint8_t  bytes[1 << 16];
    size_t   n;
    uint64_t rows, fail_at;
};

static int
keep(void *ctx, const void *row, size_t n, struct err *e)
{
    struct rows *r = ctx;

    if (++r->rows == r->fail_at) {
        return err_set(e, ERR_IO, "the sink is full");
    }
    if (r->n + n <= sizeof r->bytes) {
        memcpy(r->bytes + r->n, row, n);
        r->n += n;
    }
    return 0;
}

static void
statements_name_columns_and_ranges(void **state)
{
    const char *const columns[] = {"a", "b \"x\""};
    struct copy_spec  c = {.schema = "s", .name = "t", .columns = columns, .n_columns = 2};
    char             *sql = copy_out_sql(&c);

    (void)state;
    assert_string_equal(sql,
                        "COPY (SELECT \"a\", \"b \"\"x\"\"\" FROM ONLY \"s\".\"t\") TO STDOUT");
    free(sql);
    c.ranged = c.binary = true;
    c.end_block = 2048;
    sql = copy_out_sql(&c);
    assert_string_equal(sql,
                        "COPY (SELECT \"a\", \"b \"\"x\"\"\" FROM ONLY \"s\".\"t\" WHERE ctid < "
                        "'(2048,0)') TO STDOUT (FORMAT binary)");
    free(sql);
    c.n_columns = 0;
    c.first_block = 2048;
    c.end_block = 4096;
    sql = copy_out_select(&c);
    assert_string_equal(sql,
                        "SELECT  FROM ONLY \"s\".\"t\" WHERE ctid >= '(2048,0)' AND ctid < "
                        "'(4096,0)'");
    free(sql);
    sql = copy_in_sql(&c, true);
    assert_string_equal(sql, "COPY \"s\".\"t\" FROM STDIN (FORMAT binary, FREEZE)");
    free(sql);
    c.ranged = c.binary = false;
    c.condition = "WHERE x > 1";
    sql = copy_out_select(&c);
    assert_string_equal(sql, "SELECT  FROM ONLY \"s\".\"t\" WHERE x > 1");
    free(sql);
}

/* One statement. */
static int
copy_out(PGconn *conn, const char *sql, bool binary, copy_row_fn *row, void *ctx, uint64_t *rows,
         struct err *e)
{
    if (copy_out_send(conn, sql, e) != 0 || copy_out_next(conn, binary, row, ctx, rows, e) != 0) {
        return -1;
    }
    return copy_out_finish(conn, e);
}

static void
rows_come_whole_and_counted(void **state)
{
    struct err  e = ERR_INIT;
    PGconn     *c = connect_to("postgres");
    struct rows r = {0};
    uint64_t    n;

    (void)state;
    assert_ok(copy_out(c, "COPY (SELECT g, NULL FROM generate_series(1, 3) g) TO STDOUT", false,
                       keep, &r, &n, &e),
              &e);
    assert_int_equal(n, 3);
    assert_memory_equal(r.bytes, "1\t\\N\n2\t\\N\n3\t\\N\n", r.n);
    r = (struct rows){0};
    assert_ok(
        copy_out(c, "COPY (SELECT 7::int2) TO STDOUT (FORMAT binary)", true, keep, &r, &n, &e), &e);
    assert_int_equal(n, 1);
    assert_int_equal(r.n, 8);
    assert_memory_equal(r.bytes, "\0\1\0\0\0\2\0\7", 8);
    r = (struct rows){0};
    assert_ok(copy_out(c, "COPY (SELECT 7 WHERE false) TO STDOUT (FORMAT binary)", true, keep, &r,
                       &n, &e),
              &e);
    assert_int_equal(n, 0);
    assert_int_equal(r.rows, 0);
    assert_ok(copy_out(c, "COPY (SELECT FROM generate_series(1, 2)) TO STDOUT (FORMAT binary)",
                       true, keep, &r, &n, &e),
              &e);
    assert_int_equal(n, 2);
    assert_memory_equal(r.bytes, "\0\0\0\0", 4);
    pg_close(c);
}

struct with_block {
    struct rows rows;
    uint64_t    blocks; /* their sum */
};

static int
keep_block(void *ctx, uint64_t block, const void *row, size_t n, struct err *e)
{
    struct with_block *w = ctx;

    w->blocks += block;
    return keep(&w->rows, row, n, e);
}

static void
sql_says_blocks(PGconn *c, uint64_t sum)
{
    char *want = xasprintf("%lu", sum);

    assert_value(c, "SELECT sum((ctid::text::point)[0])::int8 FROM public.b", want);
    free(want);
}

static int
copy_blocks(PGconn *conn, const struct copy_spec *spec, struct with_block *w, struct err *e)
{
    char *sql = copy_out_sql(spec);
    int   rc = copy_out_send(conn, sql, e);

    *w = (struct with_block){0};
    free(sql);
    return rc == 0 && copy_out_next_blocks(conn, spec->binary, keep_block, w, e) == 0
        ? copy_out_finish(conn, e)
        : -1;
}

static void
rows_without_their_ctid_are_what_they_would_be(void **state)
{
    static struct with_block w;
    static struct rows       plain;
    struct err               e = ERR_INIT;
    PGconn                  *c = fresh_database("blocks");
    const char *const        columns[] = {"a", "t"};
    struct copy_spec         spec = {.schema = "public", .name = "b", .columns = columns};

    (void)state;
    run_sql(c,
            "CREATE TABLE public.b AS SELECT g AS a, CASE WHEN g % 3 > 0 THEN E'\\t)(,' || g END "
            "AS t "
            "FROM generate_series(1, 2000) g");
    for (int i = 0; i < 6; i++) {
        char *sql;

        spec.n_columns = (size_t)i / 2;
        spec.binary = i % 2 == 1;
        sql = copy_out_sql(&spec);
        plain = (struct rows){0};
        assert_ok(copy_out(c, sql, spec.binary, keep, &plain, NULL, &e), &e);
        spec.ctid = true;
        assert_ok(copy_blocks(c, &spec, &w, &e), &e);
        assert_int_equal(w.rows.rows, 2000);
        assert_int_equal(w.rows.n, plain.n);
        assert_memory_equal(w.rows.bytes, plain.bytes, plain.n);
        spec.ctid = false;
        free(sql);
    }
    sql_says_blocks(c, w.blocks);
    spec.n_columns = 2;
    for (int i = 0; i < 2; i++) { /* no ctid */
        spec.binary = i == 1;
        assert_int_equal(copy_blocks(c, &spec, &w, &e), -1);
        assert_err(&e, ERR_CORRUPT, "does not begin with its ctid");
        assert_value(c, "SELECT 1", "1");
    }
    pg_close(c);
}

static void
a_failing_sink_or_server_leaves_the_connection_usable(void **state)
{
    struct err  e = ERR_INIT;
    PGconn     *c = connect_to("postgres");
    struct rows r = {.fail_at = 10};

    (void)state;
    assert_int_equal(copy_out(c, "COPY (SELECT generate_series(1, 100000000)) TO STDOUT", false,
                              keep, &r, NULL, &e),
                     -1);
    assert_err(&e, ERR_IO, "the sink is full");
    assert_value(c, "SELECT 1", "1");
    r = (struct rows){0};
    assert_int_equal(copy_out(c,
                              "COPY (SELECT 10 / (3 - g) FROM generate_series(1, 5) g) TO STDOUT",
                              false, keep, &r, NULL, &e),
                     -1);
    assert_err(&e, ERR_PG, "division by zero");
    assert_string_equal(e.sqlstate, "22012");
    assert_int_equal(r.rows, 2);
    assert_int_equal(copy_out(c, "SELECT 1", false, keep, &r, NULL, &e), -1);
    assert_int_equal(copy_out(c, "COPY nothing_there TO STDOUT", false, keep, &r, NULL, &e), -1);
    assert_err(&e, ERR_PG, "does not exist");
    assert_value(c, "SELECT 1", "1");
    pg_close(c);
}

static void
several_in_one_message(void **state)
{
    struct err  e = ERR_INIT;
    PGconn     *c = connect_to("postgres");
    struct rows r = {0};
    uint64_t    n;

    (void)state;
    assert_ok(copy_out_send(
                  c, "BEGIN; COPY (SELECT 1) TO STDOUT; COPY (SELECT 2, 3) TO STDOUT; COMMIT", &e),
              &e);
    assert_ok(copy_out_command(c, &e), &e);
    assert_ok(copy_out_next(c, false, keep, &r, &n, &e), &e);
    assert_ok(copy_out_next(c, false, keep, &r, &n, &e), &e);
    assert_ok(copy_out_finish(c, &e), &e);
    assert_memory_equal(r.bytes, "1\n2\t3\n", 6);
    assert_ok(copy_out_send(c,
                            "BEGIN; COPY (SELECT 1) TO STDOUT; COPY (SELECT 1/0) TO STDOUT; COPY "
                            "(SELECT 3) TO STDOUT; COMMIT",
                            &e),
              &e);
    assert_ok(copy_out_command(c, &e), &e);
    assert_ok(copy_out_next(c, false, keep, &r, &n, &e), &e);
    assert_int_equal(copy_out_next(c, false, keep, &r, &n, &e), -1);
    assert_err(&e, ERR_PG, "division by zero");
    run_sql(c, "ROLLBACK");
    assert_value(c, "SELECT 1", "1");
    pg_close(c);
}

/* Out of one table and into another, in pieces of every odd size. */
static int
pass_on(void *ctx, const void *row, size_t n, struct err *e)
{
    const uint8_t *p = row;

    for (size_t i = 0, piece = 1; i < n; i += piece, piece = piece * 3 + 1) {
        size_t k = piece < n - i ? piece : n - i;

        if (copy_in_data(ctx, p + i, k, e) != 0) {
            return -1;
        }
    }
    return 0;
}

static void
round_trip(bool binary)
{
    struct err     e = ERR_INIT;
    PGconn        *from = fresh_database("copies"), *to = connect_to("copies");
    struct copy_in in;
    uint64_t       rows;
    const char    *option = binary ? " (FORMAT binary)" : "";
    char          *out_sql = xasprintf("COPY a TO STDOUT%s", option),
         *in_sql = xasprintf("COPY b FROM STDIN%s", option);

    run_sql(from, "SET search_path = public");
    run_sql(to, "SET search_path = public");
    run_sql(from,
            "CREATE TABLE a AS SELECT g AS id, repeat(md5(g::text), g % 50) AS t, CASE WHEN g % 7 "
            "= 0 THEN NULL ELSE "
            "decode(repeat('00ff0a5c', g % 90), 'hex') END AS b FROM generate_series(1, 20000) g; "
            "CREATE TABLE b (LIKE a)");
    run_sql(from, "INSERT INTO a SELECT 0, repeat('x', 3000000), NULL");
    assert_ok(copy_in_begin(&in, to, in_sql, binary, &e), &e);
    assert_ok(copy_out(from, out_sql, binary, pass_on, &in, &rows, &e), &e);
    assert_ok(copy_in_end(&in, rows, &e), &e);
    assert_value(to, "SELECT count(*) FROM (TABLE a EXCEPT ALL TABLE b) x", "0");
    assert_value(to, "SELECT count(*) FROM b", "20001");
    free(out_sql);
    free(in_sql);
    pg_close(from);
    pg_close(to);
}

static void
text_goes_in_as_it_came_out(void **state)
{
    (void)state;
    round_trip(false);
}

static void
binary_goes_in_as_it_came_out(void **state)
{
    (void)state;
    round_trip(true);
}

static void
a_refused_row_is_noticed_early(void **state)
{
    struct err     e = ERR_INIT;
    PGconn        *c = connect_to("postgres");
    struct copy_in in;
    size_t         sent = 0;
    static char    more[64 << 10];
    int            rc = 0;

    (void)state;
    memset(more, '\n', sizeof more);
    run_sql(c, "CREATE TEMPORARY TABLE refusing (id int)");
    assert_ok(copy_in_begin(&in, c, "COPY refusing FROM STDIN", false, &e), &e);
    assert_ok(copy_in_data(&in, "1\nnot a number\n", 15, &e), &e);
    while (rc == 0 && sent < (size_t)1 << 30) {
        rc = copy_in_data(&in, more, sizeof more, &e);
        sent += sizeof more;
    }
    assert_int_equal(rc, -1);
    assert_err(&e, ERR_PG, "invalid input syntax for type integer");
    assert_non_null(strstr(e.text, "(COPY refusing, line 2, column id)"));
    assert_string_equal(e.sqlstate, "22P02");
    assert_true(sent < 256 * MIB);
    copy_in_abort(&in, "again"); /* nothing is left to abort */
    assert_value(c, "SELECT count(*) FROM refusing", "0");
    pg_close(c);
}

static void
notices_are_no_errors(void **state)
{
    struct err     e = ERR_INIT;
    PGconn        *c = fresh_database("noisy");
    struct copy_in in;

    (void)state;
    run_sql(c, "SET search_path = public");
    run_sql(c,
            "CREATE TABLE n (id int); CREATE FUNCTION say() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE WARNING 'row %', NEW.id; RETURN NEW; END $$;"
            "CREATE TRIGGER say BEFORE INSERT ON n FOR EACH ROW EXECUTE FUNCTION say()");
    assert_ok(copy_in_begin(&in, c, "COPY n FROM STDIN", false, &e), &e);
    for (int i = 0; i < 100000; i++) {
        assert_ok(copy_in_data(&in, "12345\n", 6, &e), &e);
    }
    assert_ok(copy_in_end(&in, 100000, &e), &e);
    pg_close(c);
}

static void
counts_must_agree(void **state)
{
    struct err     e = ERR_INIT;
    PGconn        *c = connect_to("postgres");
    struct copy_in in;

    (void)state;
    run_sql(c, "CREATE TEMPORARY TABLE counted (id int)");
    assert_ok(copy_in_begin(&in, c, "COPY counted FROM STDIN", false, &e), &e);
    assert_ok(copy_in_data(&in, "1\n2\n", 4, &e), &e);
    assert_int_equal(copy_in_end(&in, 3, &e), -1);
    assert_err(&e, ERR_CORRUPT, "3 rows were to be loaded, the server says it took 2");
    assert_ok(copy_in_begin(&in, c, "COPY counted FROM STDIN", false, &e), &e);
    assert_ok(copy_in_data(&in, "1\n", 2, &e), &e);
    copy_in_abort(&in, "not wanted");
    assert_value(c, "SELECT count(*) FROM counted", "2");
    pg_close(c);
}

/* The server reads a message to its end before it looks at anything else. */
static void
half_a_message_is_given_up(void **state)
{
    struct err     e = ERR_INIT;
    PGconn        *c = fresh_database("half");
    struct copy_in in;
    size_t         n = 16 * MIB;
    char          *piece = xmalloc(n);

    (void)state;
    memset(piece, 'x', n);
    run_sql(c, "CREATE TABLE public.half (t text)");
    assert_ok(copy_in_begin(&in, c, "COPY public.half FROM STDIN", false, &e), &e);
    assert_int_equal(PQputCopyData(c, piece, (int)n), 1);
    assert_int_equal(PQflush(c), 1); /* most of it is still here */
    copy_in_abort(&in, "no more");
    assert_int_equal(PQtransactionStatus(c), PQTRANS_IDLE);
    assert_value(c, "SELECT count(*) FROM public.half", "0");
    free(piece);
    pg_close(c);
}

static void
fingerprints_do_not_depend_on_order_and_add_up(void **state)
{
    static const uint8_t key[16] = {1, 2, 3}, other[16] = {3, 2, 1};
    struct row_sum       ab = {0}, ba = {0}, a = {0}, b = {0}, aab = {0}, foreign = {0};

    (void)state;
    row_sum_add(&ab, key, "a", 1);
    row_sum_add(&ab, key, "b", 1);
    row_sum_add(&ba, key, "b", 1);
    row_sum_add(&ba, key, "a", 1);
    row_sum_add(&a, key, "a", 1);
    row_sum_add(&b, key, "b", 1);
    assert_memory_equal(&ab, &ba, sizeof ab);
    row_sum_merge(&a, &b);
    assert_memory_equal(&ab, &a, sizeof ab);
    row_sum_merge(&aab, &ab);
    row_sum_add(&aab, key, "a", 1);
    assert_true(aab.a != ab.a && aab.b != ab.b && aab.rows == 3 && aab.bytes == 3);
    row_sum_add(&foreign, other, "a", 1);
    row_sum_add(&foreign, other, "b", 1);
    assert_true(foreign.a != ab.a && foreign.b != ab.b);
}

/* ---- libpq without memory ---- */

extern void *__libc_malloc(size_t);

static unsigned fail_at, asked; /* which of libpq's own allocations fails; 0: none */

void *
malloc(size_t n)
{
    Dl_info who;

    if (fail_at > 0 && dladdr(__builtin_return_address(0), &who) != 0 &&
        strstr(who.dli_fname, "libpq") != NULL && ++asked == fail_at) {
        return NULL;
    }
    return __libc_malloc(n);
}

/* Whatever libpq could not keep, nobody may wait for: the server waits for us then.  (The runner's
 * limit ends a test that hangs.) */
/* Whatever a text from elsewhere was taken for. */
static void
nothing_follows_a_copy_in_its_message(void **state)
{
    struct err     e = ERR_INIT;
    struct copy_in in = {0};
    PGconn        *c = fresh_database("alone");

    (void)state;
    assert_int_equal(copy_in_begin(&in, c, "CREATE TABLE t (); COPY t FROM STDIN", false, &e), -1);
    assert_err(&e, ERR_PG, "cannot insert multiple commands");
    pg_close(c);
}

static void
a_copy_that_finds_no_memory_ends(void **state)
{
    static const char notice[] = "DO $$ BEGIN RAISE NOTICE 'one'; END $$";
    struct err        made = ERR_INIT;
    PGconn           *c = fresh_database("memory");
    unsigned          failed = 0;
    bool              all = false;

    (void)state;
    assert_ok(pg_exec(c, &made, "CREATE TABLE public.few (n int)"), &made);
    pg_close(c);
    for (unsigned n = 1; !all; n++) {
        struct copy_in in = {0};
        struct rows    r = {0};
        struct err     e = ERR_INIT;
        int            rc;

        c = connect_to("memory");
        asked = 0;
        fail_at = n;
        rc = n % 2 == 0 ? 0 : pg_exec(c, &e, notice);
        rc = rc == 0 ? copy_in_begin(&in, c, "COPY public.few FROM STDIN", false, &e) : rc;
        if (rc == 0) {
            rc = copy_in_data(&in, "1\n", 2, &e) == 0 ? copy_in_end(&in, 1, &e) : -1;
        }
        copy_in_abort(&in, "the test is over");
        if (rc == 0) {
            rc = copy_out(c, "COPY (SELECT 1) TO STDOUT", false, keep, &r, NULL, &e);
        }
        all = asked < n;
        fail_at = 0;
        failed += rc != 0;
        assert_true(rc == 0 || e.text[0] != '\0');
        assert_true(!all || rc == 0);
        pg_close(c);
    }
    assert_true(failed > 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statements_name_columns_and_ranges),
        cmocka_unit_test(rows_come_whole_and_counted),
        cmocka_unit_test(rows_without_their_ctid_are_what_they_would_be),
        cmocka_unit_test(a_failing_sink_or_server_leaves_the_connection_usable),
        cmocka_unit_test(several_in_one_message),
        cmocka_unit_test(text_goes_in_as_it_came_out),
        cmocka_unit_test(binary_goes_in_as_it_came_out),
        cmocka_unit_test(a_refused_row_is_noticed_early),
        cmocka_unit_test(notices_are_no_errors),
        cmocka_unit_test(counts_must_agree),
        cmocka_unit_test(half_a_message_is_given_up),
        cmocka_unit_test(nothing_follows_a_copy_in_its_message),
        cmocka_unit_test(a_copy_that_finds_no_memory_ends),
        cmocka_unit_test(fingerprints_do_not_depend_on_order_and_add_up),
    };

    return cmocka_run_group_tests_name("pg copy", tests, server_start, server_end);
}
