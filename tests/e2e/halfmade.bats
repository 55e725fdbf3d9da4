#!/usr/bin/env bats
# shellcheck disable=SC2154  # lib.bash sets started and status
# A database that is being restored: who comes in, what becomes of it when its maker dies.

load lib
setup_file() {
    e2e_setup
    pg_start main
    db_make shop small.sql
    psql_in shop -c 'CREATE ROLE maker LOGIN CREATEDB'
    backup shop
    # Its restore takes two seconds at least.
    db_make slow
    psql_in slow -c 'CREATE FUNCTION slowly(int) RETURNS bool LANGUAGE sql AS $$ SELECT pg_catalog.pg_sleep(2) IS NOT NULL $$' \
        -c 'CREATE TABLE t (a int)' -c 'INSERT INTO t VALUES (1)' -c 'ALTER TABLE t ADD CHECK (slowly(a))'
    backup slow
}
teardown_file() { e2e_teardown; }
teardown() {
    [ ! -f "$T/visitor" ] || rm "$T/visitor"
    mapfile -t left < <(half_made)
    db_drop shop2 other "${left[@]}"
}
half_made() { psql_in postgres -c "SELECT datname FROM pg_database WHERE datname ~ '_restoring_' ORDER BY 1"; }

# A monitoring agent: sessions in every database but the named ones, again and again, until $T/visitor is gone.  A few
# at a time: a server without a free connection is another trouble.
visit() {
    touch "$T/visitor"
    (
        exec 3>&- 4>&- </dev/null >/dev/null 2>&1
        while [ -f "$T/visitor" ]; do
            for db in $(half_made); do
                [ "$(jobs -rp | wc -l)" -lt 5 ] || continue
                PGAPPNAME=visitor psql -X -q -d "$db" -c 'SELECT pg_sleep(20)' &
            done
            sleep 0.05
        done
        wait
    ) &
}

# half_way NAME: a restore that has made its database, and not yet loaded it.
half_way() {
    local n
    start "$BIN/pgassay-restore" --repo "$REPO" slow --to "$1"
    for ((n = 0; n < 200; n++)); do
        [ "$(psql_in postgres -c "SELECT count(*) FROM pg_stat_activity WHERE datname ~ '_restoring_' AND query ~ 'COPY'")" = 0 ] || return 0
        sleep 0.05
    done
    return 1
}

@test "sessions that come again and again do not cost the restore: it gets its name" {
    visit
    expect_status 0 restore slow --to shop2
    rm "$T/visitor"
    db_same slow shop2
    expect_equal "$(half_made)" ''
    expect_equal "$(psql_in postgres -c "SELECT datallowconn, shobj_description(oid, 'pg_database') IS NULL FROM pg_database WHERE datname = 'shop2'")" 't|t'
}

@test "only superusers get in before it is whole; then everybody who could" {
    half_way shop2
    kill -STOP "$started" # or it may be whole before anybody has knocked
    expect_status 0 pgassay restore shop2 --status
    expect_text "a restore is making it, since $(date +%H):" "(process $started on "
    run env PGUSER=maker psql -X -d "$(half_made)" -c 'SELECT 1'
    kill -CONT "$started"
    expect_text 'too many connections'
    finish 0
    expect_equal "$(PGUSER=maker psql_in shop2 -c 'SELECT 1')" 1
    db_drop shop2
    # One whom the limit would keep out of his own database.
    PGUSER=maker expect_status 0 restore shop --to shop2 --no-owner
    expect_equal "$(psql_in postgres -c "SELECT datconnlimit FROM pg_database WHERE datname = 'shop2'")" -1
}

@test "a name that is taken meanwhile costs nothing: what was loaded is kept, and the command is printed" {
    local kept
    half_way shop2
    psql_in postgres -c 'CREATE DATABASE shop2'
    finish 1
    kept=$(half_made)
    expect_text "what was restored is kept as \"$kept\"" "pgassay restore shop2 --switch-to $kept"
    db_same slow "$kept"
    # No other restore takes it for a leftover, and no backup takes it.
    db_drop shop2
    expect_status 0 restore shop --to shop2
    expect_equal "$(half_made)" "$kept"
    expect_status 0 backup --all
    expect_text "database \"$kept\" is passed over"
    run storage list
    [[ $output != *restoring* ]]
    db_drop shop2
    # What was printed does it.
    expect_status 0 pgassay restore shop2 --switch-to "$kept"
    db_same slow shop2
    expect_equal "$(psql_in postgres -c "SELECT shobj_description(oid, 'pg_database') IS NULL FROM pg_database WHERE datname = 'shop2'")" t
}

@test "kill -9: the next restore of any name removes what is left, and backup --all passes over it" {
    half_way other
    session=$(psql_in postgres -c "SELECT DISTINCT pid FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = 'postgres')")
    kill -STOP "$session"
    kill -KILL "$started"
    finished
    [ -n "$(half_made)" ]
    expect_status 0 pgassay restore shop --to other --status
    expect_text "its restore has died (process $started on " "but its session is still at work: server process $session"
    kill -CONT "$session"
    wait_for postgres "SELECT count(*) = 0 FROM pg_stat_activity WHERE pid = $session"
    expect_status 0 pgassay restore shop --to other --status
    expect_text 'its restore has died, and has changed nothing else: the same command once more begins anew'
    expect_status 0 backup --all
    expect_text 'is passed over: a restore is making it, or left it behind'
    expect_status 0 restore shop --to shop2
    expect_equal "$(half_made)" ''
}

@test "a restore that is under way is not taken for a dead one" {
    local n who here long
    here="$(cat /proc/sys/kernel/random/boot_id) $(readlink /proc/self/ns/pid)"
    long=x$(printf 'ä%.0s' {1..30})
    who=("$$ at 1 on $(hostname), begun $(sed 's/.*) //' /proc/$$/stat | cut -d' ' -f20) in $here" # of a living process
         "1 at $(date +%s) on elsewhere, begun 1 in ${here/-/x}"             # of another machine, and young
         "1 at 1 on elsewhere, begun 1 in ${here/-/x}"                       # ... and old
         "$$ at $(date +%s) on $(hostname), begun 1 in $here"                # of an earlier process of that number
         "4194304 at $(date +%s) on $(hostname), begun 1 in ${here/pid/xid}" # of another container of the same name
         "1 at 1 on x, begun")                                               # not ours
    for n in "${!who[@]}"; do
        psql_in postgres -c "CREATE DATABASE other_restoring_0000000$n" \
            -c "COMMENT ON DATABASE other_restoring_0000000$n IS 'pgassay-restore: half made, process ${who[n]}'"
    done
    psql_in postgres -c 'CREATE DATABASE other_restoring_00000009' -c "CREATE DATABASE \"${long:0:22}_restoring_00000000\"" \
        -c "COMMENT ON DATABASE \"${long:0:22}_restoring_00000000\" IS 'pgassay-restore: half made, process ${who[1]}'"
    expect_status 0 restore shop --to shop2
    expect_equal "$(half_made | grep -c restoring_00000000)" 2
    expect_equal "$(half_made | grep ^other | sed s/.*_0000000// | paste -sd ' ')" '0 1 4 5 9'
    # Nobody else restores this name now: whoever made that one has died.  It is known though its name is cut within a character.
    expect_status 0 restore shop --to "$long"
    expect_equal "$(half_made | grep -c ^x)" 0
    db_drop "$long"
}

@test "SIGHUP and SIGTERM: a restore tidies up" {
    local signal
    for signal in HUP TERM; do
        half_way other
        kill "-$signal" "$started"
        finished
        expect_text "interrupted by SIG$signal"
        expect_equal "$status" $((128 + $(kill -l "$signal")))
        expect_equal "$(half_made)" ''
    done
}

@test "SIGTERM while a program's version is asked: interrupted, not \"could not find\"" {
    mkdir -p "$T/slow"
    ln -sf "$SERVER_BIN"/* "$T/slow/"
    rm "$T/slow/pg_restore"
    printf '#!/bin/sh\n: >"%s/asked"\nsleep 5\nexec "%s/pg_restore" "$@"\n' "$T" "$SERVER_BIN" >"$T/slow/pg_restore"
    chmod 755 "$T/slow/pg_restore"
    rm -f "$T/asked"
    PGASSAY_PG_BINDIR=$T/slow start "$BIN/pgassay-restore" --repo "$REPO" shop --to other
    local n
    for ((n = 0; n < 200; n++)); do [ -f "$T/asked" ] && break; sleep 0.1; done
    kill "$started"
    finish 143
    expect_text 'interrupted by SIGTERM'
    [[ $output != *'could not find'* ]]
}

