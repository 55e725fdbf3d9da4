#!/usr/bin/env bats
# The scripts for people who want to see each step: scripts/nightly-backup and the like.

load lib
setup_file() {
    e2e_setup
    pg_start main
    db_make shop small.sql
    repo_new house
    export PGASSAY_REPO=$REPO
    storage policy --keep-daily 7 >/dev/null
    backup shop
}
teardown_file() { e2e_teardown; }
script() { local name=$1; shift; PATH=$BIN:$PATH timeout 120 "$TOP/scripts/$name" "$@" </dev/null; }

@test "each says how it is used, and takes no option for a name" {
    local name
    for name in nightly-backup emergency-restore dr-drill verify-all connection-recovery; do
        expect_status 0 script "$name" --help
        [[ $output == "$name - "*"  $name "* && $output != *'set -'* ]] || { echo "$output"; return 1; }
        expect_status 2 script "$name" --hlep
        expect_text "it has no option --hlep"
    done
}

@test "nightly-backup: silent when all is well, and the status of what is not" {
    expect_status 3 script nightly-backup shop
    expect_text 'no backup that a drill has proven' '"pgassay verify status --quiet" ended with 3'
    drill shop
    expect_status 0 script nightly-backup shop
    expect_equal "$output" ''
    expect_status 4 script nightly-backup shop nothere
    expect_text nothere
}

@test "emergency-restore: asks, restores, compares, and names the way back" {
    psql_in shop -c 'DELETE FROM sale'
    expect_status 1 script emergency-restore shop
    expect_text 'nothing was changed'
    expect_status 0 env YES=1 PATH="$BIN:$PATH" "$TOP/scripts/emergency-restore" shop
    expect_text 'The way back: pgassay restore shop --undo'
    expect_equal "$(psql_in shop -c 'SELECT count(*) FROM sale')" 3000
    restore shop --undo
    expect_equal "$(psql_in shop -c 'SELECT count(*) FROM sale')" 0
}

@test "dr-drill: the papers; 3 when a database is not what it was" {
    expect_status 0 script dr-drill "$T/papers" shop
    grep -q '<html' "$T/papers/"*-shop.html
    grep -q '<testsuite' "$T/papers/"*-shop.xml
    grep -q drill "$T/papers/"*-history.txt
    expect_status 1 script dr-drill "$T/papers" nothere
    printf '[check never]\ndatabase = shop\nquery = SELECT 1\nexpect = 2\n' >"$T/never.conf"
    PGASSAY_CONFIG=$T/never.conf IDENTITY=$T/nokey expect_status 3 script dr-drill "$T/papers" shop
    expect_status 2 script dr-drill "$T/papers"
}

@test "verify-all: everything is looked at, whatever was found before" {
    expect_status 3 script verify-all shop      # the rows that the emergency took back
    expect_text 'verify health' 'verify xid' 'public.sale' 'verify status' 'verify chain'
}

@test "connection-recovery: lists who has been forgotten, asks, and ends those alone" {
    session_open forgotten shop
    session_open busy shop
    session forgotten 'BEGIN; SELECT 1;'
    session_idle forgotten
    sleep 1.1
    expect_status 1 script connection-recovery 1s session_forgotten
    expect_text session_forgotten 'nothing was ended'
    YES=1 script connection-recovery 1s session_forgotten >/dev/null || [ $? = 3 ]
    expect_equal "$(psql_in postgres -c "SELECT string_agg(application_name, ' ') FROM pg_stat_activity WHERE application_name LIKE 'session%'")" session_busy
    session_close busy
}
