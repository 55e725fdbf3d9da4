#!/usr/bin/env bats
# pgassay storage doctor: what it finds, and that it leaves nothing behind.

load lib
setup_file()    { e2e_setup; }
teardown_file() { e2e_teardown; }

# bats test_tags=user
@test "a directory: everything is tried, everything is good, nothing stays" {
    local p
    find "$REPO" | sort >"$T/before"
    doctor 0 --repo "$REPO"
    for p in space fsync link put get list head clock write-once remove rights latency throughput; do
        [[ $(verdict $p) =~ good|note ]] || { echo "$p: $(verdict $p)" >&2; return 1; }
    done
    find "$REPO" | sort | diff "$T/before" -
    mkdir "$T/empty"
    expect_status 0 pgassay storage doctor --repo "$T/empty"
    expect_text "$T/empty" "hard links work" "storage init"
    expect_equal "$(ls -A "$T/empty")" ""
}

# bats test_tags=user
@test "a directory that is not there, or cannot be written, is a finding with status 3" {
    expect_status 3 pgassay storage doctor --repo "$T/nowhere"
    expect_text "BAD" "$T/nowhere"
    [ "$(id -u)" -eq 0 ] || {
        mkdir -m 500 "$T/locked"
        doctor 3 --repo "$T/locked"
        expect_equal "$(verdict put)" bad
        expect_equal "$(verdict list)" good
    }
}

@test "what cannot be meant is wrong usage" {
    expect_status 2 pgassay storage doctor --repo ftp://nowhere/at/all
    expect_status 2 pgassay storage doctor --repo "$REPO" --repo-option frobs=1
    expect_status 2 pgassay storage doctor "$REPO"
}

@test "interrupted, it still takes away what it wrote" {
    local rc=0
    setsid "$BIN/pgassay-storage" doctor --repo "$REPO" >"$T/out" 2>&1 3>&- 4>&- &
    local tool=$! n
    for ((n = 0; n < 500; n++)); do
        [ -z "$(find "$REPO" -name 'latency.*')" ] || break
        sleep 0.002
    done
    kill -INT $tool
    wait $tool || rc=$?
    [ $rc -eq 130 ] || [ $rc -eq 0 ] || { cat "$T/out" >&2; return 1; }
    expect_equal "$(find "$REPO" -name 'doctor-*')" ""
}
