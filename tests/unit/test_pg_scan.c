/*
 * test_pg_scan.c - every row is read once, cut the same way every time, whatever the number of
 * workers and whoever waits for a lock.
 */
#include "tests/unit/pg_server.h"

#include <pthread.h>
#include <unistd.h>

#include "pg/rows/scan_rows.h"
#include "pg/rows/scan_share.h"

static const uint8_t key[16] = {7};

/* A database on one snapshot, all its tables. */
struct fixture {
    struct pg_target        target;
    struct snapshot_options options;
    struct snapshot         snapshot;
    struct scan_table      *tables;
    size_t                  n;
    const char            **names; /* columns, all tables */
    struct scan_plan        plan;
};

static void
add_table(struct fixture *f, const struct cat_table *t, size_t *used)
{
    struct scan_table *s = &f->tables[f->n];
    const char       **copied = &f->names[*used], **generated = copied + t->n_columns;

    if (t->kind != 'r') {
        return;
    }
    *s = (struct scan_table){
        .copy = {.schema = t->schema, .name = t->name, .columns = copied, .binary = t->all_binary},
        .generated = generated,
        .heap_blocks = t->heap_blocks,
        .bytes = t->table_bytes,
        .rangeable = true,
    };
    for (size_t i = 0; i < t->n_columns; i++) {
        if (t->columns[i].generated) {
            generated[s->n_generated++] = t->columns[i].name;
        } else {
            copied[s->copy.n_columns++] = t->columns[i].name;
        }
    }
    *used += 2 * t->n_columns;
    f->n++;
}

static void
open_fixture(struct fixture *f, const char *dbname)
{
    struct err e = ERR_INIT;
    size_t     columns = 0, used = 0;

    *f = (struct fixture){.target = scratch_target(server, dbname)};
    f->options.target = &f->target;
    f->snapshot.conn = connect_to(dbname);
    run_sql(f->snapshot.conn, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    f->snapshot.id = pg_value(f->snapshot.conn, &e, "SELECT pg_export_snapshot()", 0, NULL);
    assert_non_null(f->snapshot.id);
    assert_ok(catalog_read(f->snapshot.conn, CATALOG_SIZES, &f->snapshot.catalog, &e), &e);
    f->tables = xcalloc(f->snapshot.catalog.n_tables + 1, sizeof *f->tables);
    for (size_t i = 0; i < f->snapshot.catalog.n_tables; i++) {
        columns += f->snapshot.catalog.tables[i].n_columns;
    }
    f->names = xcalloc(2 * columns + 1, sizeof *f->names);
    for (size_t i = 0; i < f->snapshot.catalog.n_tables; i++) {
        add_table(f, &f->snapshot.catalog.tables[i], &used);
    }
    assert_ok(scan_plan(&f->snapshot, f->tables, f->n, &f->plan, &e), &e);
}

static void
close_fixture(struct fixture *f)
{
    scan_plan_free(&f->plan);
    free(f->tables);
    free(f->names);
    snapshot_end(&f->snapshot);
}

/* A sink that sums, and checks the order of its calls. */
struct totals {
    pthread_mutex_t         lock;
    struct row_sum          rows, generated;
    size_t                  data_calls, tasks, coordinators, items_open[8];
    int                     jobs;
    uint64_t                fail_at_row;
    bool                    fail_as_server;
    uint64_t                part_min;
    const struct scan_plan *plan;
    struct row_sum          now[8], by_task[256]; /* as the last try of each task left it */
};

static int
begin_task(void *ctx, int worker, const struct scan_task *task, struct err *e)
{
    struct totals *t = ctx;

    (void)task;
    (void)e;
    assert_in_range(worker, 0, t->jobs);
    t->items_open[worker] = 0;
    t->now[worker] = (struct row_sum){0};
    return 0;
}

static int
data(void *ctx, int worker, const void *row, size_t n, const struct row_print *print, struct err *e)
{
    struct totals *t = ctx;
    size_t         calls;

    (void)worker;
    (void)print;
    (void)row;
    (void)n;
    pthread_mutex_lock(&t->lock);
    calls = ++t->data_calls;
    pthread_mutex_unlock(&t->lock);
    if (calls == t->fail_at_row && t->fail_as_server) {
        return err_set(e, ERR_PG, "invalid memory alloc request size 1088000003");
    }
    return calls == t->fail_at_row ? err_set(e, ERR_IO, "the disk is full") : 0;
}

static int
end_item(void *ctx, int worker, const struct scan_item *item, const struct row_sum *rows,
         const struct row_sum *generated, struct err *e)
{
    struct totals *t = ctx;

    (void)item;
    (void)e;
    t->items_open[worker]++;
    row_sum_merge(&t->now[worker], rows);
    pthread_mutex_lock(&t->lock);
    row_sum_merge(&t->rows, rows);
    row_sum_merge(&t->generated, generated);
    pthread_mutex_unlock(&t->lock);
    return 0;
}

static int
end_task(void *ctx, int worker, const struct scan_task *task, struct err *e)
{
    struct totals *t = ctx;

    (void)e;
    assert_int_equal(t->items_open[worker], task->n);
    t->by_task[task - t->plan->v] = t->now[worker];
    pthread_mutex_lock(&t->lock);
    t->tasks++;
    t->coordinators += worker == t->jobs;
    pthread_mutex_unlock(&t->lock);
    return 0;
}

static int
run_scan(struct fixture *f, int jobs, struct totals *t, struct err *e)
{
    static const struct scan_sink sink = {
        .begin_task = begin_task, .data = data, .end_item = end_item, .end_task = end_task};
    struct scan_options o = {
        .jobs = jobs, .part_min = t->part_min, .fingerprint_key = key, .sink = &sink, .ctx = t};

    t->jobs = jobs;
    t->plan = &f->plan;
    assert_in_range(f->plan.n, 1, sizeof t->by_task / sizeof t->by_task[0]);
    pthread_mutex_init(&t->lock, NULL);
    return scan_run(&f->snapshot, &f->options, &f->plan, &o, e);
}

static int
make_databases(void **state)
{
    PGconn *c;

    if (server_start(state) != 0) {
        return -1;
    }
    c = fresh_database("many");
    run_sql(c,
            "SET search_path = public;"
            "CREATE TABLE big AS SELECT g AS id, repeat(md5(g::text), 20) AS t FROM "
            "generate_series(1, 60000) g;"
            "CREATE TABLE text_rows (id int, q tsquery, twice int GENERATED ALWAYS AS (id * 2) "
            "STORED);"
            "INSERT INTO text_rows SELECT g, 'a & b' FROM generate_series(1, 1000) g; CREATE TABLE "
            "nothing ();"
            "INSERT INTO nothing SELECT FROM generate_series(1, 5); CREATE TABLE parent (a int);"
            "CREATE TABLE child (b int) INHERITS (parent); INSERT INTO parent VALUES (1); INSERT "
            "INTO child VALUES (2, 3);"
            "DO $$ BEGIN FOR i IN 1..300 LOOP EXECUTE format('CREATE TABLE small_%s AS SELECT %s "
            "AS x', i, i); END LOOP; END $$");
    pg_close(c);
    return 0;
}

static void
widths_are_coarse_powers_of_two(void **state)
{
    (void)state;
    assert_int_equal(scan_range_width(100, 100 * 8192), 2048);
    assert_int_equal(scan_range_width(1000000, 1000000 * UINT64_C(8200)), 2048);
    assert_int_equal(scan_range_width(1000, 1000 * UINT64_C(17000)), 512);
    assert_int_equal(scan_range_width(1000, 1000 * UINT64_C(60000)), 512);
    assert_int_equal(scan_range_width(10, 10 * UINT64_C(200000)), 128);
    assert_int_equal(scan_range_width(3, UINT64_C(3) << 30), 2);
    assert_int_equal(scan_range_width(0, 0), 2048);
}

static void
big_tables_are_cut_and_small_ones_packed(void **state)
{
    struct fixture f;
    size_t         ranges = 0, packs = 0, items = 0;

    (void)state;
    open_fixture(&f, "many");
    for (size_t i = 0; i < f.plan.n; i++) {
        const struct scan_task *t = &f.plan.v[i];

        items += t->n;
        if (t->items[0].ranged) {
            assert_int_equal(t->n, 1);
            assert_string_equal(t->items[0].table->copy.name, "big");
            assert_int_equal(t->items[0].first_block, 2048 * ranges);
            ranges++;
            assert_true(t->items[0].end_block == 2048 * ranges || t->items[0].end_block == 0);
        } else {
            packs++;
        }
    }
    assert_int_equal(ranges, (f.tables[0].heap_blocks + 2047) / 2048);
    assert_true(ranges > 2);
    assert_int_equal(items, f.n - 1 + ranges);
    assert_in_range(packs, 2, 12); /* about one in 64 */
    close_fixture(&f);
}

/* Of less than a block each many share a chunk, larger ones fewer. */
static void
larger_tables_are_in_smaller_packs(void **state)
{
    struct fixture   f;
    struct scan_plan plan;
    struct err       e = ERR_INIT;

    (void)state;
    open_fixture(&f, "many");
    for (size_t i = 0; i < f.n; i++) {
        f.tables[i].bytes = 65 * KIB;
    }
    assert_ok(scan_plan(&f.snapshot, f.tables, f.n, &plan, &e), &e);
    assert_in_range(plan.n, 20, 60); /* about one in eight */
    scan_plan_free(&plan);
    close_fixture(&f);
}

static void
a_new_table_shifts_one_pack_only(void **state)
{
    struct fixture     f;
    struct scan_table *fewer;
    struct scan_plan   plan;
    struct err         e = ERR_INIT;
    size_t             same = 0;

    (void)state;
    open_fixture(&f, "many");
    fewer = xcalloc(f.n, sizeof *fewer);
    for (size_t i = 0, k = 0; i < f.n; i++) {
        if (strcmp(f.tables[i].copy.name, "small_150") != 0) {
            fewer[k++] = f.tables[i];
        }
    }
    assert_ok(scan_plan(&f.snapshot, fewer, f.n - 1, &plan, &e), &e);
    for (size_t i = 0; i < plan.n; i++) {
        for (size_t k = 0; k < f.plan.n; k++) {
            same += plan.v[i].n == f.plan.v[k].n &&
                plan.v[i].items[0].first_block == f.plan.v[k].items[0].first_block &&
                strcmp(plan.v[i].items[0].table->copy.name,
                       f.plan.v[k].items[0].table->copy.name) == 0;
        }
    }
    assert_true(same + 2 >= f.plan.n);
    scan_plan_free(&plan);
    free(fewer);
    close_fixture(&f);
}

static void
every_row_once_whatever_the_number_of_workers(void **state)
{
    struct fixture f;
    struct totals  one = {0}, four = {0};
    struct err     e = ERR_INIT;

    (void)state;
    open_fixture(&f, "many");
    assert_ok(run_scan(&f, 1, &one, &e), &e);
    assert_ok(run_scan(&f, 4, &four, &e), &e);
    assert_int_equal(one.rows.rows, 60000 + 1000 + 5 + 2 + 300);
    assert_int_equal(one.data_calls, one.rows.rows);
    assert_int_equal(one.generated.rows, 1000);
    assert_int_equal(one.tasks, f.plan.n);
    assert_memory_equal(&one.rows, &four.rows, sizeof one.rows);
    assert_memory_equal(&one.generated, &four.generated, sizeof one.rows);
    close_fixture(&f);
}

/* How many readings are made of ten ranges of a table that holds four fifths of all bytes. */
static size_t
readings_of(bool by_scan, bool busy, int jobs)
{
    struct scan_table         big = {.splittable = true, .parts_by_scan = by_scan}, rest = {0};
    struct scan_item          items[11];
    struct scan_task          tasks[11], *all[11];
    const struct scan_options o = {.jobs = jobs, .busy = busy};
    size_t                    n;

    for (size_t i = 0; i < 10; i++) {
        items[i] = (struct scan_item){&big, true, 100 * i, i < 9 ? 100 * (i + 1) : 0};
        tasks[i] = (struct scan_task){.items = &items[i], .n = 1, .bytes = 80 * MIB};
        all[i] = &tasks[i];
    }
    items[10] = (struct scan_item){.table = &rest};
    tasks[10] = (struct scan_task){.items = &items[10], .n = 1, .bytes = 200 * MIB};
    all[10] = &tasks[10];
    free(scan_share(all, 11, &o, &n));
    return n - 1;
}

static void
a_table_is_split_where_workers_would_wait_for_it(void **state)
{
    (void)state;
    assert_int_equal(readings_of(true, false, 1), 1);
    assert_int_equal(readings_of(true, false, 2), 2);
    assert_int_equal(readings_of(true, true, 2), 1); /* one reading keeps two processors busy */
    assert_int_equal(readings_of(false, false, 2), 1);
    assert_int_equal(readings_of(true, false, 4), 3);
    assert_int_equal(readings_of(true, true, 4), 2);
    assert_int_equal(readings_of(false, true, 4), 2);
}

/* A part of a big table for each of several workers: the same rows in the same ranges. */
static void
ranges_are_the_same_whoever_reads_them(void **state)
{
    static struct totals whole, parts, tid_parts, apart;
    struct fixture       f;
    struct err           e = ERR_INIT;
    size_t               big = 0;

    (void)state;
    open_fixture(&f, "many");
    parts.part_min = 1;
    assert_ok(run_scan(&f, 1, &whole, &e), &e);
    assert_ok(run_scan(&f, 6, &parts, &e), &e);
    assert_memory_equal(whole.by_task, parts.by_task, sizeof whole.by_task);
    assert_true(f.plan.v[0].items[0].table->parts_by_scan);
    scan_plan_free(&f.plan);
    run_sql(f.snapshot.conn, "SET LOCAL effective_cache_size = '8MB'"); /* smaller than big */
    assert_ok(scan_plan(&f.snapshot, f.tables, f.n, &f.plan, &e), &e);
    assert_false(f.plan.v[0].items[0].table->parts_by_scan); /* Tid Range Scans */
    tid_parts.part_min = 1;
    assert_ok(run_scan(&f, 6, &tid_parts, &e), &e);
    assert_memory_equal(whole.by_task, tid_parts.by_task, sizeof whole.by_task);
    for (size_t i = 0; i < f.plan.n; i++) {
        f.plan.v[i].items[0].table->splittable = false;
    }
    assert_ok(run_scan(&f, 6, &apart, &e), &e);
    assert_memory_equal(whole.by_task, apart.by_task, sizeof whole.by_task);
    for (size_t i = 0; i < f.plan.n; i++) {
        const struct scan_item *item = f.plan.v[i].items;
        char                   *want, *sql;

        if (!item->ranged) {
            continue;
        }
        sql = xasprintf(
            "SELECT count(*) FROM public.big WHERE ctid >= '(%lu,0)' AND ctid < "
            "'(%lu,0)'",
            item->first_block, item->end_block > 0 ? item->end_block : 4294967295);
        want = xasprintf("%lu", whole.by_task[i].rows);
        assert_value(f.snapshot.conn, sql, want);
        free(want);
        free(sql);
        big++;
    }
    assert_true(big > 2);
    close_fixture(&f);
}

/* Ranges in the middle, and the last, that hold no rows; a table of which only ctid is left. */
static void
empty_ranges_are_ranges(void **state)
{
    struct fixture       f;
    static struct totals t, binary;
    struct err           e = ERR_INIT;
    PGconn              *c = fresh_database("holes");

    (void)state;
    run_sql(c,
            "CREATE TABLE public.holes WITH (fillfactor = 10, autovacuum_enabled = off) AS SELECT "
            "g, repeat('x', 600) AS t FROM "
            "generate_series(1, 13000) g; DELETE FROM public.holes WHERE ctid >= '(2048,0)' AND "
            "ctid < '(6144,0)' OR ctid >= '(8192,0)'; ALTER TABLE public.holes DROP COLUMN g, DROP "
            "COLUMN t");
    pg_close(c);
    open_fixture(&f, "holes");
    assert_int_equal(f.n, 1);
    assert_true(f.plan.n >= 7);
    f.tables[0].copy.binary = false;
    assert_ok(run_scan(&f, 2, &t, &e), &e);
    f.tables[0].copy.binary = true;
    assert_ok(run_scan(&f, 2, &binary, &e), &e);
    assert_int_equal(t.tasks, f.plan.n);
    for (size_t i = 0; i < f.plan.n; i++) {
        bool full = i == 0 || i == 3;

        assert_int_equal(t.by_task[i].rows, full ? 2048 : 0);
        assert_int_equal(t.by_task[i].bytes, full ? 2048 : 0); /* a newline each */
        assert_int_equal(binary.by_task[i].rows, full ? 2048 : 0);
        assert_int_equal(binary.by_task[i].bytes, full ? 4096 : 0);
    }
    close_fixture(&f);
}

static void
what_changes_after_the_snapshot_is_not_seen(void **state)
{
    struct fixture f;
    PGconn        *c = connect_to("many");
    struct totals  t = {0};
    struct err     e = ERR_INIT;

    (void)state;
    open_fixture(&f, "many");
    run_sql(c,
            "INSERT INTO public.big SELECT g, 'late' FROM generate_series(1, 50000) g; DELETE FROM "
            "public.text_rows WHERE id < 10");
    assert_ok(run_scan(&f, 2, &t, &e), &e);
    assert_int_equal(t.rows.rows, 60000 + 1000 + 5 + 2 + 300);
    run_sql(c,
            "DELETE FROM public.big WHERE t = 'late'; INSERT INTO public.text_rows SELECT g FROM "
            "generate_series(1, 9) g");
    pg_close(c);
    close_fixture(&f);
}

static void *
alter_and_wait(void *arg)
{
    PGconn    *c = arg;
    struct err e = ERR_INIT;

    (void)pg_exec(c, &e, "SET lock_timeout = '300s'; ALTER TABLE public.big ADD COLUMN late int");
    return NULL;
}

static void
a_table_that_somebody_waits_for_is_read_by_the_coordinator(void **state)
{
    struct fixture f;
    PGconn        *c = connect_to("many"), *watch = connect_to("many");
    struct totals  t = {0};
    struct err     e = ERR_INIT;
    pthread_t      thread;

    (void)state;
    open_fixture(&f, "many");
    run_sql(f.snapshot.conn, "LOCK TABLE public.big IN ACCESS SHARE MODE");
    pthread_create(&thread, NULL, alter_and_wait, c);
    for (int i = 0; i < 1200; i++) {
        char *waiting = pg_value(watch, &e,
                                 "SELECT count(*) FROM pg_locks WHERE NOT granted AND mode = "
                                 "'AccessExclusiveLock'",
                                 0, NULL);
        bool  there = waiting != NULL && strcmp(waiting, "1") == 0;

        free(waiting);
        if (there) {
            break;
        }
        usleep(50000);
    }
    assert_ok(run_scan(&f, 2, &t, &e), &e);
    assert_int_equal(t.rows.rows, 60000 + 1000 + 5 + 2 + 300);
    assert_int_equal(t.coordinators, (f.tables[0].heap_blocks + 2047) / 2048);
    close_fixture(&f);
    pthread_join(thread, NULL);
    run_sql(watch, "ALTER TABLE public.big DROP COLUMN late");
    pg_close(c);
    pg_close(watch);
}

static void
the_first_error_ends_it_all_and_names_the_table(void **state)
{
    struct fixture f;
    struct totals  t = {.fail_at_row = 30000}; /* the others have 1307 together */
    struct err     e = ERR_INIT;

    (void)state;
    open_fixture(&f, "many");
    assert_int_equal(run_scan(&f, 3, &t, &e), -1);
    assert_err(&e, ERR_IO, "table public.big: the disk is full");
    assert_true(t.data_calls < 60000);
    assert_value(f.snapshot.conn, "SELECT 1", "1");
    close_fixture(&f);
}

/* The real error takes a value of 540 MB.  This condition fails once a session, with the
 * server's words. */
static void
rows_too_large_for_text_are_read_in_binary(void **state)
{
    struct fixture f;
    struct totals  t = {0};
    struct err     e = ERR_INIT;
    PGconn        *c = fresh_database("giant");

    (void)state;
    run_sql(c,
            "CREATE TABLE public.g AS SELECT g FROM generate_series(1, 7) g;"
            "CREATE TABLE public.h AS SELECT g FROM generate_series(1, 3) g;"
            "CREATE FUNCTION public.once() RETURNS bool LANGUAGE plpgsql AS $$ BEGIN"
            "  IF NOT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = 42) THEN"
            "    PERFORM pg_advisory_lock(42);"
            "    RAISE EXCEPTION 'invalid memory alloc request size 1088000003' USING ERRCODE = "
            "'XX000';"
            "  END IF; RETURN true; END $$");
    pg_close(c);
    open_fixture(&f, "giant");
    f.tables[0].copy.binary = false;
    f.tables[0].copy.condition = "WHERE public.once()";
    f.tables[0].copy.plain = false; /* as the plan would have it of a table with a condition */
    assert_int_equal(run_scan(&f, 1, &t, &e), -1);
    assert_err(&e, ERR_PG, "table public.g: invalid memory alloc request size");
    memset(&t, 0, sizeof t);
    f.tables[0].text_falls_back = true;
    assert_ok(run_scan(&f, 1, &t, &e), &e);
    assert_true(f.tables[0].copy.binary);
    assert_int_equal(t.tasks, f.plan.n);
    assert_int_equal(t.rows.rows, 10);
    close_fixture(&f);
}

/* The real error takes a row of nearly 1 GB, to which a ctid is too much. */
static void
rows_too_large_with_their_ctid_are_read_without_it(void **state)
{
    struct fixture       f;
    static struct totals want, t;
    struct err           e = ERR_INIT;

    (void)state;
    open_fixture(&f, "many");
    for (size_t i = 0; i < f.n; i++) {
        f.tables[i].splittable = false; /* one reading of big, the first, and the largest */
    }
    assert_ok(run_scan(&f, 1, &want, &e), &e);
    t.fail_at_row = 40000;
    t.fail_as_server = true;
    assert_ok(run_scan(&f, 1, &t, &e), &e);
    assert_memory_equal(want.by_task, t.by_task, sizeof want.by_task);
    assert_int_equal(t.tasks, f.plan.n);         /* what was read before is not read again */
    assert_true(t.data_calls > want.data_calls); /* the range at hand is */
    assert_true(t.data_calls < want.data_calls + 40000);
    close_fixture(&f);
}

static int
go_on(void *ctx, struct err *e)
{
    (void)ctx;
    (void)e;
    return 0;
}

static void
no_row_is_taken_for_one_of_another_range(void **state)
{
    static const struct scan_sink no_sink = {0};
    struct scan_item              items[] = {{.ranged = true, .end_block = 10},
                                             {.ranged = true, .first_block = 10, .end_block = 20}};
    struct scan_task    tasks[] = {{.items = &items[0], .n = 1}, {.items = &items[1], .n = 1}};
    struct scan_options o = {.sink = &no_sink};
    struct scan_reader  r = {.options = &o, .between = go_on};
    struct scan_rows    rows = {.r = &r, .ranges = tasks, .n = 2};
    struct err          e = ERR_INIT;

    (void)state;
    assert_ok(scan_rows_begin(&rows, &e), &e);
    assert_ok(scan_rows_cut(&rows, 9, "a", 1, &e), &e);
    assert_int_equal(rows.at, 0);
    assert_ok(scan_rows_cut(&rows, 19, "b", 1, &e), &e);
    assert_int_equal(rows.at, 1);
    assert_int_equal(scan_rows_cut(&rows, 9, "c", 1, &e), -1);
    assert_err(&e, ERR_CORRUPT, "rows do not come in the order of their blocks");
    assert_int_equal(scan_rows_cut(&rows, 20, "c", 1, &e), -1);
    assert_int_equal(rows.sum.rows, 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(widths_are_coarse_powers_of_two),
        cmocka_unit_test(big_tables_are_cut_and_small_ones_packed),
        cmocka_unit_test(larger_tables_are_in_smaller_packs),
        cmocka_unit_test(a_new_table_shifts_one_pack_only),
        cmocka_unit_test(every_row_once_whatever_the_number_of_workers),
        cmocka_unit_test(a_table_is_split_where_workers_would_wait_for_it),
        cmocka_unit_test(ranges_are_the_same_whoever_reads_them),
        cmocka_unit_test(empty_ranges_are_ranges),
        cmocka_unit_test(what_changes_after_the_snapshot_is_not_seen),
        cmocka_unit_test(a_table_that_somebody_waits_for_is_read_by_the_coordinator),
        cmocka_unit_test(the_first_error_ends_it_all_and_names_the_table),
        cmocka_unit_test(rows_too_large_for_text_are_read_in_binary),
        cmocka_unit_test(rows_too_large_with_their_ctid_are_read_without_it),
        cmocka_unit_test(no_row_is_taken_for_one_of_another_range),
    };

    return cmocka_run_group_tests_name("pg scan", tests, make_databases, server_end);
}
