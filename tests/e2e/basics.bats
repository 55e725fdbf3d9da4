#!/usr/bin/env bats
# The main line: take, keep, bring back, prove.

load lib
setup_file() {
    e2e_setup
    drills_initdb       # as the tools find it
    pg_start main
    db_make shop small.sql ranges.sql
}
teardown_file() { e2e_teardown; }

# bats test_tags=user
@test "what was backed up is what comes back" {
    round_trip shop
}

# bats test_tags=user
@test "it is proven by a drill" {
    expect_status 0 drill shop
    leftovers
}

@test "a second backup of unchanged data stores next to nothing" {
    backup shop
    [ "$(label shop | jq .new_chunks)" -le 1 ]      # the schema archive: pg_dump puts the time into it
    [ "$(label shop | jq .chunks)" -gt 2 ]
}

@test "globals are the same text night by night, and psql still takes them as data only" {
    local chunk key
    chunk=$(manifest shop | jq -r '.chunks[.globals_sql[0][0]][0]')
    zstd -dcq "$REPO/shop/chunks/$chunk" >"$T/globals.sql"
    key=$(sed -n 's/^\\restrict //p' "$T/globals.sql")
    [ -n "$key" ] || skip "this pg_dumpall writes no \\restrict"
    [[ $key =~ ^[0-9a-f]{60,64}$ ]]
    expect_equal "$(grep -c "^.unrestrict $key\$" "$T/globals.sql")" 1
    sed -i "/^.unrestrict/i \\\\! touch $T/escaped" "$T/globals.sql"
    psql -X -d postgres -f "$T/globals.sql" >/dev/null 2>&1 || true
    [ ! -e "$T/escaped" ]
}

@test "an empty database" {
    db_make empty
    round_trip empty
}

@test "several databases in one run, and all of them" {
    db_make one small.sql
    db_make two small.sql
    repo_new several
    backup one two
    [ -n "$(last_id one)" ] && [ -n "$(last_id two)" ]
    repo_new all
    backup --all
    local db
    for db in postgres shop one two; do [ -n "$(last_id $db)" ]; done
}

# bats test_tags=user
@test "restore into a scratch server that is gone afterwards" {
    repo_new scratch
    backup shop
    expect_status 0 restore shop --scratch
    leftovers
}

# bats test_tags=user
@test "a scratch server that is kept can be used and removed by the command shown" {
    repo_new keep
    backup shop
    expect_status 0 restore shop --scratch --keep
    local host
    host=$(find "$TMPDIR" -name '.s.PGSQL.*' ! -name '*.lock' -printf '%h\n' | head -n 1)
    [ -n "$host" ]
    expect_equal "$(psql -XAt -h "$host" -p "$(basename "$host"/.s.PGSQL.* .lock | sed 's/.*SQL.//;s/.lock//' | head -n 1)" \
        -U postgres -d shop -c 'SELECT count(*) FROM item')" "$(psql_in shop -c 'SELECT count(*) FROM item')"
    # The command to remove it is printed on a line of its own.
    local remove
    remove=$(sed -n '/^to remove it:$/ { n; p }' <<<"$output")
    [ -n "$remove" ]
    sh -c "$remove"
    leftovers
}

@test "a database of the asked name is never touched" {
    repo_new refuse
    backup shop
    db_make mine
    psql_in mine -c 'CREATE TABLE precious AS SELECT 1 AS n'
    expect_status 1 restore shop --to mine
    expect_text mine exists
    expect_equal "$(psql_in mine -c 'SELECT n FROM precious')" 1
    expect_status 1 restore shop --to shop
}

@test "--backup ID, --at TIME and latest choose the backup" {
    repo_new choose
    db_make hist
    psql_in hist -c 'CREATE TABLE v AS SELECT 1 AS n'
    backup hist
    local first at
    first=$(last_id hist)
    sleep 1.1
    at=$(date -u +%Y-%m-%dT%H:%M:%SZ)
    sleep 1.1
    psql_in hist -c 'UPDATE v SET n = 2'
    backup hist
    db_drop r1 r2 r3
    restore hist --backup "$first" --to r1
    restore hist --at "$at" --to r2
    restore hist --backup latest --to r3
    expect_equal "$(psql_in r1 -c 'TABLE v') $(psql_in r2 -c 'TABLE v') $(psql_in r3 -c 'TABLE v')" "1 1 2"
    expect_status 1 restore hist --backup 20010101T000000Z-0000 --to r4
    expect_no_db r4
}

# Whoever holds a secret is hidden from all but root, whose tests would not notice what that is in the way of.
# bats test_tags=user
@test "an encrypted and signed repository, for an ordinary user, too" {
    local args
    pgassay storage keygen "$T/ops"
    pgassay storage keygen "$T/host"
    export REPO=$T/repo.sealed
    args=(--repo-option "sign-key=$T/host" --repo-option "trust-backup=$T/host.pub")
    pgassay storage init --repo "$REPO" --encrypt-to "$T/ops.pub" "${args[@]}"
    expect_status 0 backup shop "${args[@]}"
    expect_status 0 restore shop --to shop_opened --identity "$T/ops" "${args[@]}"
    db_same shop shop_opened
    db_drop shop_opened
    expect_status 0 drill shop --identity "$T/ops" "${args[@]}" --no-record
    leftovers
}
