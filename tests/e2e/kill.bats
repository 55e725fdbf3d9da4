#!/usr/bin/env bats
# Tools that are killed, and servers that are killed under them.

load lib
setup_file() {
    e2e_setup
    pg_start main
    db_make shop small.sql
    # Some 60 MB that do not compress, so that there is something to be in the middle of.
    psql_in shop -c "CREATE TABLE blob (id int, b bytea); ALTER TABLE blob ALTER b SET STORAGE EXTERNAL"
    psql_in shop -c "INSERT INTO blob SELECT i, pg_read_binary_file('/dev/urandom', 0, 30400) FROM generate_series(1, 2000) i"
    expect_equal "$(psql_in shop -c "SELECT sum(length(b)), count(DISTINCT left(encode(b, 'escape'), 60)) FROM blob")" "60800000|2000"
    backup shop
    local began=${EPOCHREALTIME/./}
    repo_new timed
    backup shop --jobs 1
    BACKUP_US=$((${EPOCHREALTIME/./} - began))
    db_rows shop >"$T/want"
    began=${EPOCHREALTIME/./}
    restore shop --to timed --jobs 1
    RESTORE_US=$((${EPOCHREALTIME/./} - began))
    db_drop timed
    export BACKUP_US RESTORE_US
}
teardown_file() { e2e_teardown; }

# Sleeps a random part of so many microseconds.
sleep_part() { sleep "$(awk -v us="$1" -v r="$RANDOM" 'BEGIN { printf "%.3f", us / 1e6 * r / 32768 }')"; }
databases() { psql_in postgres -c 'SELECT datname FROM pg_database ORDER BY 1'; }
no_sessions() { wait_for postgres "SELECT count(*) = 0 FROM pg_stat_activity WHERE application_name LIKE 'pgassay%' OR application_name LIKE 'pg\_dump%'"; }
ours() { databases | grep -v -e '^template' -e '^postgres$'; }

@test "kill -9 at random moments of a backup: nothing counts, and the next run goes on from there" {
    repo_new killed
    local n before
    for n in $(seq "$(rounds 2 10)"); do
        before=$(last_id shop)
        "$BIN/pgassay-backup" shop --repo "$REPO" --jobs 1 >/dev/null 2>&1 3>&- 4>&- &
        sleep_part "$BACKUP_US"
        kill -9 $! 2>/dev/null || true
        wait $! || true
        # Killed after the label was written it is a backup, and has to be a good one.
        if [ "$(last_id shop)" != "$before" ]; then
            expect_status 0 pgassay verify objects shop --repo "$REPO"
            rm -rf "$REPO/shop/backups/$(last_id shop)"
        fi
        expect_equal "$(storage list --json | jq '[.databases[].backups[]] | length')" 0
    done
    no_sessions
    # Whatever the kills were like, one late one leaves chunks behind (in a new repository, so that they are this run's).
    repo_new killed_late
    "$BIN/pgassay-backup" shop --repo "$REPO" --jobs 1 >/dev/null 2>&1 3>&- 4>&- &
    wait_chunks 3
    kill -9 $!
    wait $! || true
    expect_status 0 backup shop
    label shop | jq -e '.new_chunks < .chunks'
    db_drop shop_copy
    restore shop --to shop_copy
    db_same shop shop_copy
    expect_status 0 storage scrub
}
wait_chunks() {
    for _ in {1..200}; do
        [ "$(find "$REPO/shop/chunks" -type f ! -name '.*' 2>/dev/null | wc -l)" -ge "$1" ] && return
        sleep 0.02
    done
}

@test "kill -9 at random moments of a scrub: it condemns what is bad and nothing else, whenever it died" {
    repo_new scrubbed
    backup shop
    local bad n us began=${EPOCHREALTIME/./}
    expect_status 0 storage scrub
    us=$((${EPOCHREALTIME/./} - began))
    # One of rows: the next backup has those again, while a schema archive holds its time and is another every night.
    bad=$(find "$REPO/shop/chunks" -type f -size +1M | sort | head -n 1)
    chmod u+w "$bad"
    printf 'X' | dd of="$bad" bs=1 seek=100 conv=notrunc status=none
    for n in $(seq "$(rounds 2 6)"); do
        "$BIN/pgassay-storage" scrub shop --repo "$REPO" --jobs 1 >/dev/null 2>&1 3>&- 4>&- &
        sleep_part "$us"
        kill -9 $! 2>/dev/null || true
        wait $! || true
    done
    expect_status 3 storage scrub
    expect_text "$(basename "$bad" | cut -c1-8)"
    expect_equal "$(cat "$REPO"/shop/condemned/* | jq -r '.. | strings' | grep -E '[.](zst|gz|raw)$' | sort -u | xargs -n 1 basename)" "$(basename "$bad")"
    # The next backup writes it anew, and all is good.
    expect_status 0 backup shop
    expect_status 0 storage scrub shop
}

@test "SIGINT and SIGTERM at random moments of a backup: 130, 143, and the repository as it was" {
    repo_new signalled
    backup shop
    psql_in shop -c 'UPDATE blob SET id = id + 10000'
    local n sig want rc marks
    marks=$(find "$REPO/shop/runs" -type f 2>/dev/null | wc -l)
    for n in $(seq "$(rounds 3 6)"); do
        if ((n % 2)); then sig=INT want=130; else sig=TERM want=143; fi
        setsid "$BIN/pgassay-backup" shop --repo "$REPO" --jobs 1 >"$T/out" 2>&1 3>&- 4>&- &
        sleep 0.05
        sleep_part $((BACKUP_US / 2))
        kill -$sig $! 2>/dev/null || true
        rc=0
        wait $! || rc=$?
        [ $rc -eq $want ] || [ $rc -eq 0 ] || { echo "status $rc"; cat "$T/out"; return 1; }
        [ $rc -eq 0 ] || [ "$(wc -l <"$T/out")" -le 2 ]
    done
    no_sessions
    leftovers
    expect_equal "$(find "$REPO/shop/runs" -type f 2>/dev/null | wc -l)" "$marks"
    backup shop
}

@test "SIGTERM behind the first of two databases: not every one was taken, and the status says so" {
    repo_new between
    db_make one
    db_make two
    psql_in postgres -c 'CREATE ROLE little LOGIN'
    # Standing in for unlucky timing: the first one's warning (no passwords) waits in a full pipe, behind its commit.
    mkfifo "$T/full"
    exec 7<>"$T/full"
    dd if=/dev/zero bs=65536 count=1 2>/dev/null >&7
    setsid "$BIN/pgassay-backup" one two --repo "$REPO" -U little >"$T/out" 2>"$T/full" 7>&- 3>&- 4>&- &
    local rc=0 tool=$! n
    for n in {1..300}; do
        [ -z "$(find "$REPO/one" -name label.json 2>/dev/null)" ] || [ -n "$(find "$REPO/one/runs" -type f)" ] || break
        sleep 0.1
    done
    sleep 0.3
    kill -TERM $tool
    head -c 65536 <&7 >/dev/null
    wait $tool || rc=$?
    exec 7>&-
    expect_equal "$rc" 143
    [ -n "$(last_id one)" ]
    [ -z "$(last_id two)" ]
    db_drop one two
}

@test "kill -9 at random moments of a restore: no half database under the asked name" {
    local n
    REPO=$T/repo.timed
    for n in $(seq "$(rounds 2 10)"); do
        # Of the one that was killed last; while it lives, the next one only says so, and ends.
        no_sessions
        db_drop victim
        "$BIN/pgassay-restore" shop --repo "$REPO" --to victim --jobs 1 >/dev/null 2>&1 3>&- 4>&- &
        sleep_part "$RESTORE_US"
        kill -9 $! 2>/dev/null || true
        wait $! || true
        if db_exists victim; then
            db_rows victim | diff "$T/want" - || { echo 'half a database' >&2; return 1; }
        fi
    done
    no_sessions
    db_drop victim
    expect_status 0 restore shop --to victim
    db_rows victim | diff "$T/want" -
    # Nor do the killed ones leave databases under other names for ever.
    db_drop victim
    expect_equal "$(ours | grep -c .)" "$(ours | grep -cx -e shop -e shop_copy)"
}

@test "SIGINT and SIGTERM at random moments of a restore: nothing stays" {
    local n sig want rc before
    REPO=$T/repo.timed
    no_sessions
    db_drop victim
    before=$(databases)
    for n in $(seq "$(rounds 3 6)"); do
        if ((n % 2)); then sig=INT want=130; else sig=TERM want=143; fi
        setsid "$BIN/pgassay-restore" shop --repo "$REPO" --to victim --jobs 1 >"$T/out" 2>&1 3>&- 4>&- &
        sleep 0.05
        sleep_part $((RESTORE_US / 2))
        kill -$sig $! 2>/dev/null || true
        rc=0
        wait $! || rc=$?
        no_sessions
        if [ $rc -eq 0 ]; then db_drop victim; else [ $rc -eq $want ] || { echo "status $rc"; cat "$T/out"; return 1; }; fi
        expect_equal "$(databases)" "$before"
    done
    no_sessions
}

@test "a second run at the same time: one clear error, the first is not disturbed" {
    repo_new twice
    hook pg_dump before <<EOS
while [ ! -e $T/go ]; do sleep 0.1; done
EOS
    rm -f "$T/go"
    start backup shop
    wait_for postgres "SELECT count(*) > 0 FROM pg_stat_activity WHERE application_name LIKE 'pgassay%'"
    unhook
    expect_status 1 backup shop
    expect_short
    expect_text shop
    touch "$T/go"
    finish 0
    expect_equal "$(backup_ids shop | wc -l)" 1
    expect_status 0 backup shop
}

@test "a terminated backend, coordinator's or worker's: an error, no label" {
    repo_new terminated
    hook pg_dumpall after <<'EOS'
psql -XAt -d postgres -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'pgassay%'"
EOS
    run backup shop
    [ "$status" -eq 1 ] || { echo "status $status: $output" >&2; false; }
    expect_short
    unhook
    [ -z "$(last_id shop)" ]
    expect_status 0 backup shop
}

@test "the server dies in the middle of a backup: one clear line, status 1, and nothing counts" {
    repo_new died
    local n
    for n in 1 2 3; do
        start backup shop --jobs 1
        sleep_part "$BACKUP_US"
        pg_kill main
        finished
        pg_up main
        [ -z "$(last_id shop)" ] || break
        expect_short 8
    done
    expect_status 0 backup shop
    expect_status 0 storage scrub
}

@test "the server dies in the middle of a restore" {
    REPO=$T/repo.timed
    start restore shop --to unlucky --jobs 1
    sleep_part "$RESTORE_US"
    pg_kill main
    finished
    pg_up main
    if db_exists unlucky; then db_rows unlucky | diff "$T/want" -; fi
    db_drop unlucky
    expect_status 0 restore shop --to unlucky
    db_drop unlucky
    expect_equal "$(ours | grep -c .)" "$(ours | grep -cx -e shop -e shop_copy)"
}
