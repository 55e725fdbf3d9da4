#!/usr/bin/env bats
# Backups taken from a hot standby.

load lib
setup_file() {
    e2e_setup
    pg_start main
    db_make shop small.sql
    psql_in shop -c 'CREATE UNLOGGED TABLE fleeting AS SELECT 1 AS n'
    as_server "$SERVER_BIN/pg_basebackup" -D "$T/pg/standby" -h "$PGHOST" -p 5432 -U postgres -R -c fast -X stream
    printf '%s\n' "unix_socket_directories = '$T/s/standby'" 'hot_standby = on' 'max_standby_streaming_delay = 500ms' |
        as_server tee -a "$T/pg/standby/postgresql.conf" >/dev/null
    pg_up standby
}
setup() {
    pg_use standby
    repo_new "$BATS_TEST_NUMBER"
}
teardown() { unhook; }
teardown_file() { e2e_teardown; }

caught_up() {
    local lsn
    lsn=$(pg_use main && psql_in postgres -c 'SELECT pg_current_wal_lsn()')
    pg_use standby
    wait_for postgres "SELECT pg_last_wal_replay_lsn() >= '$lsn'"
}

# For a hook: until the standby has ended the coordinator, a minute at most.
until_conflict() {
    cat <<'SH'
for i in {1..600}; do
    [ "$(psql -XAt -d postgres -c "SELECT count(*) FROM pg_stat_activity WHERE application_name ~ '^pgassay-backup [^ ]*$'")" != 0 ] || break
    sleep 0.1
done
SH
}

@test "a backup from a standby is whole but for unlogged tables, and says so" {
    expect_status 0 backup shop
    expect_equal "$(label shop | jq .standby)" true
    manifest shop | jq -e '.tables[] | select(.name == "fleeting") | .skipped | type == "string"'
    label shop | jq -e '[.warnings[] | select(test("fleeting|unlogged"))] | length > 0'
    pg_use main
    db_drop shop_copy
    restore shop --to shop_copy
    psql_in shop_copy -c 'INSERT INTO fleeting VALUES (1)'
    db_same shop shop_copy
    db_drop shop_copy
}

@test "a baseline is recorded from a standby as well, without unlogged tables, and compared there" {
    pgassay verify baseline record shop --repo "$REPO" -d dbname=shop --json >"$T/baseline.json" 2>/dev/null
    jq -e '.standby and ([.table_list[] | select(.name == "fleeting") | .skipped] == ["unlogged table: not readable on a standby"])' "$T/baseline.json"
    expect_status 0 pgassay verify live shop --repo "$REPO" -d dbname=shop --baseline latest
}

@test "a drill of it knows what was left out" {
    backup shop
    expect_status 0 drill shop
}

@test "a recovery conflict ends the coordinator: it starts over" {
    hook pg_dump before <<EOS
[ \$CALL -eq 1 ] || exit 0
psql -X -h $T/s/main -d shop -c 'ALTER TABLE item ADD COLUMN later int'
$(until_conflict)
EOS
    expect_status 0 backup shop
    [ "$(hook_calls)" -ge 2 ]
    unhook
    caught_up
    pg_use main
    db_drop shop_copy
    restore shop --to shop_copy
    psql_in shop_copy -c 'INSERT INTO fleeting VALUES (1)'
    db_same shop shop_copy
    db_drop shop_copy
}

@test "a recovery conflict while facts about the database are read: it starts over" {
    hook pg_dump before <<EOS
[ \$CALL -eq 1 ] || exit 0
pid=\$(psql -XAt -d postgres -c "SELECT pid FROM pg_stat_activity WHERE application_name ~ '^pgassay-backup [^ ]*\\$'")
kill -STOP \$pid
psql -X -h $T/s/main -d shop -c 'ALTER TABLE item ADD COLUMN sooner int'
sleep 0.8
kill -CONT \$pid
$(until_conflict)
EOS
    expect_status 0 backup shop
    expect_equal "$(hook_calls)" 2
}

@test "conflicts without end: an error that names the settings" {
    hook pg_dump before <<EOS
psql -X -h $T/s/main -d shop -c 'ALTER TABLE item ADD COLUMN c'\$CALL'_1 int'
$(until_conflict)
EOS
    expect_status 1 backup shop
    expect_text max_standby_streaming_delay hot_standby_feedback
    [ -z "$(last_id shop)" ]
}

@test "a restore into a standby is refused" {
    caught_up
    backup shop
    expect_status 1 restore shop --to nope
    expect_text 'standby'
}
