#!/usr/bin/env bats
# Damaged pages that the server is set to pass over: fewer rows, or other rows, are never a good backup.

load lib
setup_file() {
    e2e_setup
    pg_start main
    db_make shop small.sql
    psql_in shop -o /dev/null <<'SQL'
CREATE ROLE reader LOGIN;
CREATE TABLE t AS SELECT i, repeat('x', 100) AS v FROM generate_series(1, 2000) i;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader;
GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO reader;
CHECKPOINT;
SQL
    pg_stop main
    as_server "$SERVER_BIN/pg_checksums" -D "$T/pg/main" -e >/dev/null || [ "$(server_major)" -ge 18 ]
    pg_up main
    backup shop
    good=$(last_id shop)
    export good
    page=$(psql_in shop -c "SELECT pg_relation_filepath('t')")
    psql_in shop -c CHECKPOINT
    pg_stop main
    # A byte of a row in the sixth page.
    flip "$T/pg/main/$page" $((5 * 8192 + 8000))
    pg_up main
}
teardown_file() { e2e_teardown; }
# What one session has passed over lies in memory as if it were whole, for all others.
setup()    { pg_stop main; pg_up main; }
teardown() { PGUSER=postgres psql_in postgres -c 'ALTER DATABASE shop RESET ALL' -c 'ALTER ROLE reader RESET ALL'; }

live() { pgassay verify live --repo "$REPO" shop -d shop "$@"; }

# The server passes over it, for those who let it.
passes_over() {
    psql_in shop -c 'SELECT count(*) FROM t' >"$T/rows" 2>"$T/said" && grep -q WARNING "$T/said"
}

@test "a superuser's backup and comparisons turn the settings off, and the damage is an error" {
    local s
    for s in zero_damaged_pages ignore_checksum_failure; do
        psql_in postgres -c "ALTER DATABASE shop SET $s = on"
        expect_status 1 backup shop
        expect_text 'table public.t' 'page'
        expect_status 3 live
        expect_text 'public.t: could not be read'
        expect_status 3 live --full
        expect_text 'public.t: could not be read'
        expect_equal "$(last_id shop)" "$good"
        passes_over
        psql_in postgres -c "ALTER DATABASE shop RESET $s"
        pg_stop main
        pg_up main
    done
}

@test "who may not turn them off gets an error for the server's warning" {
    local s
    export PGUSER=reader
    for s in zero_damaged_pages ignore_checksum_failure; do
        PGUSER=postgres psql_in postgres -c "ALTER DATABASE shop SET $s = on"
        expect_status 1 backup shop -t t
        expect_text 'table public.t: the server passes over damage'
        PGUSER=postgres pg_stop main
        pg_up main
        export PGUSER=reader
        expect_status 3 live
        expect_text 'public.t: could not be read' 'the server passes over damage' "$s is on, and this role may not turn it off"
        expect_equal "$(last_id shop)" "$good"
        PGUSER=postgres psql_in postgres -c "ALTER DATABASE shop RESET $s"
        PGUSER=postgres pg_stop main
        pg_up main
        export PGUSER=reader
    done
}

@test "where the settings are on, the label says so" {
    psql_in shop -c 'CREATE TABLE other (i int)' -c 'GRANT SELECT ON other TO reader'
    repo_new other
    psql_in postgres -c 'ALTER ROLE reader SET zero_damaged_pages = on'
    expect_status 0 backup shop -t other
    expect_text 'zero_damaged_pages is on for other sessions'
    expect_equal "$(label shop | jq -r '.warnings[0]')" 'zero_damaged_pages is on for other sessions: damage that the server has passed over for them is not seen'
    PGUSER=reader expect_status 0 backup shop -t other
    expect_text 'zero_damaged_pages is on, and this role may not turn it off'
    psql_in postgres -c 'ALTER ROLE reader RESET ALL'
    expect_status 0 backup shop -t other
    expect_equal "$(label shop | jq -c .warnings)" '[]'
}
