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
