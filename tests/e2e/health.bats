#!/usr/bin/env bats
# verify health and verify xid: each condition, made for real, is exactly its finding; a healthy server has none.

load lib
setup_file() {
    e2e_setup
    # autovacuum shall analyse nothing while a test looks.
    pg_start main autovacuum=on autovacuum_naptime=1h max_prepared_transactions=4 deadlock_timeout=100ms archive_mode=on \
        archive_command=true autovacuum_freeze_max_age=100000
    psql_in postgres -c 'CREATE DATABASE shop'
    psql_in shop -c 'CREATE TABLE item (n int, t text)' -c "INSERT INTO item SELECT i, 'x' FROM generate_series(1, 100) i" -c 'VACUUM ANALYZE'
}
teardown_file() { e2e_teardown; }
setup() { pg_use main; }

# looked VERB STATUS [ARG...]: the report in $T/report.json, which is as its schema says.
looked() {
    local verb=$1 want=$2 rc=0
    shift 2
    pgassay verify "$verb" --json "$@" >"$T/report.json" || rc=$?
    expect_equal "$rc" "$want" || { jq -c '.findings[]' "$T/report.json" >&2; return 1; }
    valid_json health "$T/report.json"
}
# found VERB EXPECTED [ARG...]: exactly these findings, "severity check" each, joined with ", ", and the exit status that follows.
found() {
    local verb=$1 want=$2
    shift 2
    [ "$verb" = xid ] || set -- -d shop --disk-free 0 "$@"
    looked "$verb" "$([ -z "$want" ] && echo 0 || echo 3)" "$@" || return 1
    expect_equal "$(jq -r '[.findings[] | "\(.severity) \(.check)"] | join(", ")' "$T/report.json")" "$want" ||
        { jq -c '.findings[]' "$T/report.json" >&2; return 1; }
    jq -e 'all(.findings[]; (.action | length) > 5)' "$T/report.json" >/dev/null
}
# says TEXT...: in the text of the findings, each of these.
says() {
    local t all
    all=$(jq -r '.findings[] | "\(.object) \(.what) \(.means) \(.action) \(.command)", .detail[]' "$T/report.json")
    for t in "$@"; do [[ $all == *"$t"* ]] || { printf 'no "%s" in:\n%s\n' "$t" "$all" >&2; return 1; }; done
}
pid_of() { psql_in postgres -c "SELECT pid FROM pg_stat_activity WHERE application_name = 'session_$1'"; }

@test "a healthy server: status 0, no finding, nothing on stdout but for who asks" {
    found health ''
    jq -e '[.checks[] | select(.status != "ok") | .name] == ["standby"]' "$T/report.json"
    jq -e '.facts.databases | map(.name) | contains(["shop"])' "$T/report.json"
    jq -e '.facts.tables[0] == {schema: "public", name: "item", bytes: 8192}' "$T/report.json"
    expect_status 0 pgassay verify health -d shop --disk-free 0
    expect_equal "$output" ""
    expect_status 0 pgassay verify health -d shop --disk-free 0 --verbose
    expect_text "ok: " "connections" "pg_wal"
    expect_status 0 pgassay verify health -d shop --disk-free 0 --nagios
    expect_text "PGASSAY HEALTH OK - " " | connections=1;21;24;0 " "xid_age="
    found xid ''
    expect_status 0 pgassay verify xid -v
    expect_text "not known: no database of a repository is named"
    # Nothing is named: the database that each server has.
    PGDATABASE='' expect_status 0 env -u PGDATABASE pgassay verify health --disk-free 0
}

@test "sessions: forgotten, idle in a transaction, long, blocking each other" {
    local i
    for i in {1..11}; do session_open "i$i" shop; done
    wait_for postgres "SELECT count(*) = 11 FROM pg_stat_activity WHERE application_name LIKE 'session\_i%'"
    for i in {1..11}; do session "i$i" 'SELECT 1'; done
    wait_for postgres "SELECT count(*) = 11 FROM pg_stat_activity WHERE application_name LIKE 'session\_i%' AND state = 'idle' AND query = 'SELECT 1;'"
    found health 'warning idle' --idle-after 0s
    says "11 sessions have been idle" "leaks connections" "session_i1"
    found health ''
    for i in {1..9}; do session_close "i$i"; done
    wait_for postgres "SELECT count(*) = 2 FROM pg_stat_activity WHERE application_name LIKE 'session\_i%'"
    found health '' --idle-after 0s

    session i10 'BEGIN; SELECT 1'
    wait_for postgres "SELECT count(*) = 1 FROM pg_stat_activity WHERE state = 'idle in transaction'"
    found health 'critical idle-in-transaction' --idle-after 0s
    says "session $(pid_of i10) (session_i10 as postgres in shop)" "pg_terminate_backend($(pid_of i10))"
    found health ''
    session i10 ROLLBACK

    session i11 'SELECT pg_sleep(600)'
    wait_for postgres "SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
    found health 'warning long-queries' --long-after 0s
    says "pg_cancel_backend($(pid_of i11))" "Timeout PgSleep"
    psql_in postgres -o /dev/null -c "SELECT pg_cancel_backend($(pid_of i11))"
    session_idle i11

    # A waits for nobody, B for A, C for B (and for A).
    session_open third shop
    session i10 'BEGIN; LOCK TABLE item'
    session_idle i10
    wait_for postgres "SELECT count(*) = 1 FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted"
    session i11 'SELECT count(*) FROM item'
    session_waits i11
    session third 'ALTER TABLE item ADD x int'
    session_waits third
    found health 'warning locks' --blocked-after 0s
    says "session $(pid_of i10)" "idle in a transaction, blocks 2 sessions" "AccessShareLock on public.item" "pg_terminate_backend($(pid_of i10))"
    jq -e --arg b "$(pid_of i11)" '.findings[0].detail | length == 2 and (.[0] | contains("session \($b) "))' "$T/report.json"
    expect_status 3 pgassay verify health -d shop --disk-free 0 --blocked-after 0s
    expect_text "warning   locks: session $(pid_of i10)" "          -> "
    expect_status 1 pgassay verify health -d shop --disk-free 0 --blocked-after 0s --nagios
    expect_text "PGASSAY HEALTH WARNING - locks: session" "lock_waits=2;"
    session i10 ROLLBACK
    session_idle i11
    session_idle third
    for i in i10 i11 third; do session_close $i; done
}
