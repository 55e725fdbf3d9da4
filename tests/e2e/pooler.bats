#!/usr/bin/env bats
# Through PgBouncer in session mode, which refuses `options` in the startup packet: all that pg_dump alone can do there.

load lib
setup_file() {
    e2e_setup
    [ -x /usr/sbin/pgbouncer ] || return 0
    pg_start main max_connections=60
    db_make pooled all-types.sql
    psql_in pooled -c "CREATE TABLE when_made (at timestamptz DEFAULT '2020-01-01 12:00Z', big text)"
    psql_in postgres -c "ALTER ROLE postgres SET array_nulls = off" -c "ALTER ROLE postgres SET DateStyle = 'German'" \
        -c "ALTER DATABASE pooled SET TimeZone = 'Asia/Kathmandu'" -c "ALTER ROLE postgres SET statement_timeout = '20s'"
    pooler_start
}
setup() { [ -x /usr/sbin/pgbouncer ] || skip 'no pgbouncer here: run scripts/deps'; }
teardown_file() {
    [ ! -f "$T/pool/pid" ] || kill "$(cat "$T/pool/pid")" || true
    e2e_teardown
}

pooler_start() {
    mkdir -p "$T/pool"
    printf '"postgres" ""\n' >"$T/pool/users"
    cat >"$T/pool/ini" <<INI
[databases]
* = host=$PGHOST port=5432
[pgbouncer]
listen_addr =
unix_socket_dir = $T/pool
listen_port = 6432
auth_type = trust
auth_file = $T/pool/users
pool_mode = session
default_pool_size = 40
logfile = $T/pool/log
pidfile = $T/pool/pid
INI
    [ "$(id -u)" -ne 0 ] || chown -R postgres "$T/pool"
    as_server /usr/sbin/pgbouncer -q -d "$T/pool/ini" 3>&- 4>&-
    PGHOST=$T/pool PGPORT=6432 wait_for postgres 'SELECT true'
}
pooled() { PGHOST=$T/pool PGPORT=6432 "$@"; }
direct() { PGOPTIONS='-c statement_timeout=0 -c array_nulls=on' "$@"; }

@test "the pooler does refuse options" {
    pooled psql_in pooled -c 'SELECT 1' -o /dev/null
    run pooled env PGOPTIONS='-c jit=off' psql -X -d pooled -c 'SELECT 1'
    [ "$status" -ne 0 ]
}

@test "backup through the pooler, with several connections: the same rows, the same definitions" {
    direct backup pooled
    cp -r "$REPO" "$T/repo.direct"
    repo_new pooled
    expect_status 0 pooled backup pooled --jobs 4
    direct db_drop pooled_copy
    PGOPTIONS='' restore pooled --to pooled_copy
    direct db_same pooled pooled_copy
    # Settings of the role did not reach the rows: every chunk is the one that a direct connection makes.
    expect_equal "$(manifest pooled | jq -c '[.tables[] | [.name, .rows, .fingerprint]]')" \
        "$(REPO=$T/repo.direct manifest pooled | jq -c '[.tables[] | [.name, .rows, .fingerprint]]')"
}

@test "verify live through the pooler" {
    REPO=$T/repo.pooled
    expect_status 0 pooled pgassay verify live --repo "$REPO" pooled -d pooled --full
}

@test "as text, too, and all databases" {
    repo_new all
    direct db_drop pooled_copy
    expect_status 0 pooled backup --all --copy-format text
    PGOPTIONS='' restore pooled --to pooled_copy
    direct db_same pooled pooled_copy
}
