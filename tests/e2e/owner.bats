#!/usr/bin/env bats
# Whose files a repository and a state directory are, and backups by several users.

load lib
setup_file() {
    e2e_setup
    pg_start main
    db_make shop small.sql
    # Where an ordinary user can run them.
    cp -r "$BIN" "$T/bin"
}
teardown_file() { e2e_teardown; }

@test "a state directory that cannot be used fails no plain backup, and is said" {
    local dir before
    touch "$T/file"
    for dir in /proc/nowhere "$T/file/state"; do
        before=$(backup_ids shop | wc -l)
        PGASSAY_STATE_DIR=$dir expect_status 0 backup shop
        expect_text 'state directory'
        expect_equal "$(backup_ids shop | wc -l)" $((before + 1))
    done
}

@test "what root makes in another's repository and state directory is the other's" {
    [ "$(id -u)" -eq 0 ] || skip 'needs root'
    local repo=$T/theirs state=$T/theirs.state tool
    install -d -o postgres -g postgres -m 700 "$repo" "$state"
    export PGASSAY_STATE_DIR=$state
    for tool in backup storage; do
        [ -x "$T/bin/pgassay-$tool" ]
    done
    as_server "$T/bin/pgassay-storage" init --repo "$repo"
    "$T/bin/pgassay-backup" --repo "$repo" shop
    "$T/bin/pgassay-storage" policy --repo "$repo" --keep-last 1 >/dev/null
    "$T/bin/pgassay-backup" --repo "$repo" shop --prune
    expect_equal "$(find "$repo" "$state" ! -user postgres -o ! -group postgres | paste -sd ' ')" ''
    psql_in shop -c 'CREATE TABLE later AS SELECT 1 AS a'
    expect_status 0 as_server "$T/bin/pgassay-backup" --repo "$repo" shop --prune
    [[ $output != *ermission* ]]
    expect_status 0 as_server "$T/bin/pgassay-storage" scrub --repo "$repo"
    expect_status 0 as_server "$T/bin/pgassay-verify" objects --repo "$repo"
}
