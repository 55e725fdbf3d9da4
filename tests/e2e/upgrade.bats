#!/usr/bin/env bats
# Backups as a way to a newer PostgreSQL: both torture databases, onto 18.

load lib
setup_file() {
    e2e_setup
    OLDER=$(server_major) && export OLDER
    [ "$OLDER" -lt 18 ] && NEWER=$("$TOP/scripts/pg-versions" bindir 18) || return 0
    export NEWER
    private_postgres
    pg_start main
    psql_in postgres -f "$FIXTURES/roles.sql"
    db_make every everything.sql
    db_make types all-types.sql
    backup every
    backup types
    db_make known
    psql_in known -c "CREATE TABLE known AS SELECT i, i % 9 AS k, md5(i::text) AS t, now() + i * interval '1 day' AS made FROM generate_series(1, 4500) i" \
        -c 'CREATE INDEX ON known (lower(t))' -c 'CREATE TABLE ranged AS SELECT *, int4range(i, 2 * i) AS span FROM known'
    psql_in known -c 'SET default_statistics_target = 7' -c 'ANALYZE'
    backup known
}
setup() {
    [ "$OLDER" -lt 18 ] || skip "PostgreSQL $OLDER"
    [ -n "${NEWER:-}" ] || skip "PostgreSQL 18 is not here: run scripts/deps --matrix 18"
}
teardown_file() { e2e_teardown; }

newer() { # the installation from here on
    E2E_PG_BINDIR=$NEWER SERVER_BIN=$NEWER
    PATH=$NEWER:$PATH
    rm -rf "$T/inst"
    private_postgres
    copying_bindir
}

@test "a drill on the newer version is a rehearsal" {
    newer
    expect_status 0 drill every --verbose
    expect_text "PostgreSQL 18 brings it"
    expect_status 0 drill types
}

@test "restored on a newer server, and compared there" {
    newer
    pg_start newer
    local db
    for db in every types; do
        expect_status 0 restore "$db" --to "$db" --globals
        expect_status 0 pgassay verify live --repo "$REPO" "$db" -d "$db" --full
    done
    # From then on it is backed up there.
    expect_status 0 backup types --adopt
    expect_status 0 drill types
}

@test "the planner of the newer server knows what the older one's knew" {
    local sql="SELECT tablename, attname, null_frac, avg_width, n_distinct, most_common_vals, most_common_freqs, histogram_bounds, correlation
        FROM pg_stats WHERE schemaname = 'public' AND tablename ~ '^known' ORDER BY 1, 2"
    psql_in known -c "$sql" >"$T/known"
    expect_equal "$(wc -l <"$T/known")" 5
    newer
    pg_start newer2
    expect_status 0 restore known --to known
    psql_in known -c "$sql" | diff "$T/known" -
    # Below 17 nobody tells those of ranges.
    [ "$(psql_in known -c "SELECT cardinality(histogram_bounds::text::text[]) FROM pg_stats WHERE tablename = 'ranged' AND attname = 't'")" -gt 8 ] || [ "$OLDER" -ge 17 ]
}
