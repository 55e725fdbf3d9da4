#!/usr/bin/env bats
# A tool that is killed while a scratch server works for it: server and directory go with it.

load lib
# A database whose restore into a scratch server is not over in a minute.
setup_file() {
    e2e_setup
    pg_start main
    db_make slow
    psql_in slow <<'SQL'
CREATE FUNCTION slow(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN
    IF current_setting('cluster_name') = 'pgassay scratch' THEN PERFORM pg_sleep(60); END IF;
    RETURN n;
END $$;
CREATE TABLE t AS SELECT 1 AS n;
CREATE INDEX ON t (slow(n));
SQL
    backup slow
}
teardown_file() { e2e_teardown; }

until_scratch() {
    local n
    for ((n = 0; n < 1200; n++)); do
        [ -z "$(find "$TMPDIR" -name '.s.PGSQL.*' 2>/dev/null)" ] || return 0
        sleep 0.05
    done
    return 1
}

# bats test_tags=user
@test "kill -9 of a restore into a scratch server, and of a drill: server and directory go" {
    local cmd
    for cmd in 'pgassay-restore slow --scratch' 'pgassay-verify drill slow'; do
        # shellcheck disable=SC2086
        setsid "$BIN"/$cmd --repo "$REPO" >/dev/null 2>&1 3>&- 4>&- &
        until_scratch
        kill -9 $!
        wait $! || true
        leftovers
    done
}

@test "kill -9 of the guardian: the tool removes what it would have" {
    setsid "$BIN/pgassay-verify" drill slow --repo "$REPO" >"$T/out" 2>&1 3>&- 4>&- &
    until_scratch
    kill -9 "$(pgrep -P $! -x pgassay-verify)"
    local rc=0
    wait $! || rc=$?
    [ "$rc" -ne 0 ]
    leftovers
}

@test "SIGINT of a drill: server and directory go, status 130" {
    setsid "$BIN/pgassay-verify" drill slow --repo "$REPO" >"$T/out" 2>&1 3>&- 4>&- &
    until_scratch
    kill -INT $!
    local rc=0
    wait $! || rc=$?
    expect_equal "$rc" 130
    leftovers
}
