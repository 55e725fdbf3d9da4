#!/usr/bin/env bats
# Which server is meant: command line before environment before configuration, the same for listing and for reading.

load lib
setup_file() {
    local s
    e2e_setup
    for s in one two; do
        pg_start $s
        db_make shop
        db_make "only_$s"
        # Each database says on which server it is.
        psql_in shop -c "CREATE TABLE on_$s (i int)"
        psql_in "only_$s" -c "CREATE TABLE on_$s (i int)"
        psql_in postgres -c "CREATE ROLE user_$s LOGIN SUPERUSER"
    done
}
teardown_file() { e2e_teardown; }
setup() {
    unset PGHOST PGPORT PGUSER PGDATABASE
    repo_new "$BATS_TEST_NUMBER"
    : >"$PGASSAY_CONFIG"
}
config() { cat >"$PGASSAY_CONFIG"; }
# Where the newest backup of DB was read.
server_of() { manifest "$1" | jq -r '.tables[].name'; }
databases() { (cd "$REPO" && ls -d */ | tr -d / | grep -v template1) | paste -sd ' '; }

@test "--all reads from the server that it lists: environment before configuration" {
    config <<CONF
host = $T/s/two
port = 5432
user = user_two
[database shop]
conninfo = host=$T/s/two port=5432 user=user_two
note = from the section
CONF
    PGHOST=$T/s/one PGPORT=5432 PGUSER=user_one expect_status 0 backup --all
    expect_equal "$(databases)" "only_one postgres shop"
    expect_equal "$(server_of shop) $(server_of only_one)" "on_one on_one"
    # Other keys of its section count.
    expect_equal "$(label shop | jq -r .note)" "from the section"
    # A part of it in the environment: the rest from the file.
    repo_new part
    PGUSER=postgres expect_status 0 backup --all
    expect_equal "$(databases) $(server_of shop)" "only_two postgres shop on_two"
}

@test "--all with the server in the configuration, or on the command line" {
    config <<CONF
host = $T/s/two
port = 5432
user = user_two
CONF
    expect_status 0 backup --all
    expect_equal "$(databases) $(server_of shop)" "only_two postgres shop on_two"
    repo_new line
    PGHOST=$T/s/two PGUSER=user_two expect_status 0 backup --all -h "$T/s/one" -U user_one
    expect_equal "$(databases) $(server_of shop)" "only_one postgres shop on_one"
    repo_new conninfo
    PGHOST=$T/s/two PGUSER=user_two expect_status 0 backup --all -d "host=$T/s/one user=user_one"
    expect_equal "$(databases) $(server_of shop)" "only_one postgres shop on_one"
}

# from WHERE [VARIABLE=VALUE...] -- ARG...: a backup of shop with these variables and arguments is read there; verify live, too.
from() {
    local want=$1 vars=()
    shift
    while [ "$1" != -- ]; do vars+=("$1"); shift; done
    shift
    repo_new from
    env "${vars[@]}" "$BIN/pgassay" backup --repo "$REPO" "$@" || return 1
    expect_equal "$(server_of shop)" "on_$want" || return 1
    [ $# -ne 1 ] || env "${vars[@]}" "$BIN/pgassay" verify live --repo "$REPO" "$@"
}

@test "one database: command line, environment, its section, the defaults, in this order" {
    config <<CONF
host = $T/s/one
port = 5432
user = user_one
[database shop]
conninfo = host=$T/s/two user=user_two
CONF
    from two -- shop
    from one PGHOST="$T/s/one" PGUSER=user_one -- shop
    from one PGHOST="$T/s/two" PGUSER=user_two -- shop -h "$T/s/one" -U user_one
    from one PGHOST="$T/s/two" PGUSER=user_two -- -d "host=$T/s/one user=user_one dbname=shop"
    # Nobody named the section: it says nothing of the server.
    from one -- -d shop
    from one PGDATABASE=shop --
    # PGDATABASE is no reason to back up another database than the one that was named.
    from two PGDATABASE=postgres -- shop
    config <<CONF
host = $T/s/one
port = 5432
user = user_one
CONF
    from one -- shop
    from two PGHOST="$T/s/two" PGUSER=user_two -- shop
    config <<CONF
[database shop]
conninfo = hostaddr=127.0.0.1 port=1 user=nobody
CONF
    from one PGHOST="$T/s/one" PGPORT=5432 PGUSER=user_one -- shop
}

@test "--print-config tells the environment from the file" {
    config <<CONF
host = $T/s/two
user = user_two
CONF
    PGHOST=$T/s/one expect_status 0 backup --print-config
    expect_text "host = $T/s/one" '; PGHOST' 'user = user_two'
}

@test "a unit's instance is a database's name as it stands, and what a shutdown killed is no success" {
    local u exe=$T/units/bin/pgassay
    mkdir -p "$T/units/bin"
    for u in "$TOP"/scripts/systemd/*.service; do
        run grep -E '^(SuccessExitStatus=|ExecStart=.*%I)' "$u"
        [ "$output" = "" ]
    done
    command -v systemd-analyze >/dev/null || skip "systemd-analyze is not installed"
    printf '#!/bin/sh\n' >"$exe"
    chmod 755 "$exe"
    for u in "$TOP"/scripts/systemd/*; do
        sed "s#/usr/local/bin/pgassay#$exe#" "$u" >"$T/units/$(basename "$u")"
    done
    for u in backup drill scrub; do
        expect_status 0 systemd-analyze verify --man=no "$T/units/pgassay-$u@my-db.service" "$T/units/pgassay-$u@my-db.timer"
        expect_equal "$(grep -v 'Failed to \|is not executable' <<<"$output")" ""
    done
}
