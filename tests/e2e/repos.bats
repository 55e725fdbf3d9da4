#!/usr/bin/env bats
# Several repositories at once, and copies between them: one that fails takes nobody else along.

load lib
load s3
setup_file() {
    e2e_setup
    pg_start main
    db_make shop small.sql
    # Chunks that do not compress, so that there is something to be in the middle of.
    psql_in shop -c "CREATE TABLE blob AS SELECT i, encode(pg_read_binary_file('/dev/urandom', 0, 8000), 'hex') AS b FROM generate_series(1, 300) i"
    db_digest shop >"$T/shop.digest"
    s3_start test
    proxy_start
}
setup() { rm -rf "$T/a" "$T/b" "$T/c"; init "$T/a" "$T/b"; }
teardown_file() {
    ! mountpoint -q "$T/small" || umount "$T/small"
    s3_stop
    e2e_teardown
}

init() { local r; for r in "$@"; do pgassay storage init "$r"; done; }
ids() { REPO=$1 backup_ids shop; }
copy() { pgassay storage copy "$@"; }
new_chunks() { jq ".databases[].backups[-1].new_chunks" "$1"; }

# It restores, and is what was backed up.
comes_back() { # REPO [OPTION...]
    local repo=$1
    shift
    db_drop back
    pgassay restore shop --repo "$repo" --to back "$@" || return 1
    db_digest back | diff - "$T/shop.digest" >"$T/diff" || { head -n 20 "$T/diff"; return 1; }
    db_drop back
}
whole() { # REPO: every chunk of every backup
    pgassay verify objects --repo "$1"
}
nothing_unfinished() { [ -z "$(find "$1/shop/runs" -type f ! -name '*.revoked' 2>/dev/null)" ]; }

@test "one run, two repositories: the same backup in each, and each is whole by itself" {
    expect_status 0 pgassay backup shop --repo "$T/a" --repo "$T/b" --json
    [ -n "$output" ]
    expect_equal "$(ids "$T/a")" "$(ids "$T/b")"
    expect_equal "$(ids "$T/a" | wc -l)" 1
    echo "$output" >"$T/json"
    valid_json backup "$T/json"
    jq -e '.backups[0] | .status == "stored" and ([.repositories[].status] == ["stored", "stored"])
        and .repositories[0].new_bytes == .repositories[1].new_bytes' "$T/json"
    # No chunk is named alike: each repository has keys of its own.
    [ -z "$(comm -12 <(cd "$T/a/shop/chunks" && find . -type f -printf '%f\n' | cut -c1-64 | sort) \
        <(cd "$T/b/shop/chunks" && find . -type f -printf '%f\n' | cut -c1-64 | sort))" ]
    comes_back "$T/a"
    comes_back "$T/b"
    # The fingerprints were made with the first one's key: the second must know it.
    expect_status 0 pgassay verify drill shop --repo "$T/b"
    expect_status 0 pgassay backup shop --repo "$T/a,$T/b" --json
    jq -e '[.backups[0].repositories[] | .new_chunks < 3] | all' <<<"$output"
    nothing_unfinished "$T/a"
    nothing_unfinished "$T/b"
}

@test "the configuration names them; other tools take the first, and the error names the others" {
    printf '%s\n' 'repo = near, far' '[repo near]' "path = $T/a" '[repo far]' "path = $T/b" >"$T/two.conf"
    PGASSAY_CONFIG=$T/two.conf
    expect_status 0 pgassay backup shop
    expect_equal "$(ids "$T/a")" "$(ids "$T/b")"
    expect_status 0 pgassay storage list --json
    expect_equal "$(jq -r .repository <<<"$output")" "$T/a"
    mv "$T/a" "$T/gone"
    expect_status 1 pgassay restore shop --to back
    expect_text "$T/a" far --repo
    expect_status 1 pgassay verify objects shop
    expect_text far
    expect_status 1 pgassay storage list
    expect_text far
    expect_status 0 pgassay storage list --repo far
    comes_back far
    # --repo means that one alone.
    expect_status 1 pgassay backup shop --repo near
    expect_status 4 pgassay backup shop
    expect_short 2
    expect_text "$T/a"
    mv "$T/gone" "$T/a"
    expect_status 0 pgassay backup shop
    expect_equal "$(ids "$T/a" | wc -l) $(ids "$T/b" | wc -l)" '2 3'
}

@test "a word that is neither a directory nor a repository of the configuration is called so" {
    printf '[repo nightly]\npath = %s\n' "$T/nightly" >"$T/named.conf"
    expect_status 1 pgassay storage list --config "$T/named.conf" --repo nigthly
    expect_text '"nigthly"' "no [repo nigthly] in $T/named.conf"
    expect_short 2
}

@test "one is missing, another no repository, one is named twice" {
    mkdir "$T/c"
    expect_status 4 pgassay backup shop --repo "$T/nowhere" --repo "$T/a" --repo "$T/c" --json
    jq -e '.backups[0].status == "partly" and ([.backups[0].repositories[].status] == ["failed", "stored", "failed"])' \
        < <(sed -n '/^{/,/^}/p' <<<"$output")
    expect_text "$T/nowhere" "$T/c"
    comes_back "$T/a"
    [ ! -e "$T/nowhere" ]
    expect_status 1 pgassay backup shop --repo "$T/nowhere" --repo "$T/c"
    expect_text "$T/nowhere" "$T/c"
    expect_status 2 pgassay backup shop --repo "$T/a" --repo "$T/a"
    expect_status 4 pgassay backup shop --repo "$T/a" --repo "$T/b/../a"
    expect_text "the same repository"
    # A database that is not there, beside one that is, into one that is good and one that is not.
    expect_status 4 pgassay backup nobody shop --repo "$T/b" --repo "$T/nowhere"
    expect_text nobody "$T/nowhere"
    expect_equal "$(ids "$T/b" | wc -l)" 1
    expect_status 4 pgassay backup shop --dry-run --repo "$T/a" --repo "$T/nowhere"
    expect_text "$T/a" "$T/nowhere"
}

@test "the name stands for another database in one of them" {
    db_make other
    expect_status 0 pgassay backup other --name shop --repo "$T/b"
    expect_status 4 pgassay backup shop --repo "$T/a" --repo "$T/b"
    expect_text "$T/b" adopt
    expect_equal "$(ids "$T/b" | wc -l)" 1
    comes_back "$T/a"
    expect_status 0 pgassay backup shop --repo "$T/a" --repo "$T/b" --adopt
    comes_back "$T/b"
}

@test "one is full: the other has its backup, and once there is room the next run or a copy completes it" {
    local small=$T/small
    mkdir -p "$small"
    [ "$(id -u)" -eq 0 ] && mount -t tmpfs -o size=2m tmpfs "$small" 2>/dev/null || skip "needs the right to mount"
    init "$small/r"
    local order
    for order in "--repo $small/r --repo $T/a" "--repo $T/a --repo $small/r"; do
        # shellcheck disable=SC2086  # words
        expect_status 4 pgassay backup shop $order
        expect_text "$small/r" 'No space left'
        expect_short 2
        [ -z "$(ids "$small/r")" ]
    done
    comes_back "$T/a"
    expect_status 1 copy "$T/a" "$small/r" shop --backup latest
    expect_text 'No space left'
    [ -z "$(ids "$small/r")" ]
    mount -o remount,size=200m "$small"
    expect_status 0 copy "$T/a" "$small/r" shop --backup latest --json
    # What the failed ones stored counts.
    jq -e '.databases[0].backups[0] | .status == "copied" and .new_chunks < .chunks' <<<"$output"
    expect_status 0 pgassay backup shop --repo "$small/r" --repo "$T/a"
    expect_equal "$(REPO=$small/r last_id shop)" "$(REPO=$T/a last_id shop)"
    comes_back "$small/r"
    whole "$small/r"
    umount "$small"
}

@test "kill -9 at random moments: no repository has half a backup, and the next run is good in both" {
    local n
    for n in $(seq "$(rounds 3 5)"); do
        "$BIN/pgassay-backup" shop --repo "$T/a" --repo "$T/b" --jobs 1 >/dev/null 2>&1 3>&- 4>&- &
        sleep "0.$((RANDOM % 9))"
        kill -9 $! 2>/dev/null || true
        wait $! || true
        whole "$T/a"
        whole "$T/b"
    done
    wait_for postgres "SELECT count(*) = 0 FROM pg_stat_activity WHERE application_name LIKE 'pgassay%'"
    expect_status 0 pgassay backup shop --repo "$T/a" --repo "$T/b"
    comes_back "$T/a"
    comes_back "$T/b"
}

@test "SIGTERM: no repository keeps a run mark" {
    setsid "$BIN/pgassay-backup" shop --repo "$T/a" --repo "$T/b" --jobs 1 >"$T/out" 2>&1 3>&- 4>&- &
    sleep 0.3
    kill -TERM $! 2>/dev/null || true
    local rc=0
    wait $! || rc=$?
    [ $rc -eq 143 ] || [ $rc -eq 0 ] || { echo "status $rc"; cat "$T/out"; return 1; }
    nothing_unfinished "$T/a"
    nothing_unfinished "$T/b"
}

@test "a copy is whole, restores, is proven by a drill, and costs only what is missing" {
    pgassay backup shop --repo "$T/a"
    sleep 1.1
    psql_in shop -c 'CREATE TABLE more AS SELECT 1 AS a'
    pgassay backup shop --repo "$T/a" --note second
    psql_in shop -c 'DROP TABLE more'
    expect_status 0 copy "$T/a" "$T/b" --dry-run --json
    echo "$output" >"$T/json"
    valid_json copy "$T/json"
    [ -z "$(find "$T/b" -mindepth 1 -type d ! -name .tmp)" ]
    expect_status 0 copy "$T/a" "$T/b" --json
    expect_equal "$(jq -c '[.databases[].backups[] | [.new_chunks, .new_bytes]]' <<<"$output")" \
        "$(jq -c '[.databases[].backups[] | [.new_chunks, .new_bytes]]' "$T/json")"
    expect_equal "$(ids "$T/b")" "$(ids "$T/a")"
    whole "$T/b"
    comes_back "$T/b" --backup "$(ids "$T/b" | head -n 1)"
    expect_status 0 pgassay verify drill shop --repo "$T/b"
    label=$(head -n 1 "$T/b/shop/backups/$(ids "$T/b" | tail -n 1)/label.json")
    echo "$label" >"$T/label"
    valid_json label "$T/label"
    jq -e --arg from "$(jq -r .repo_id "$T/a/repo.1.json")" '.copied_from.repo_id == $from and .note == "second"' "$T/label"
    # Again: nothing is sent, and nothing is written.
    find "$T/b" -type f | sort >"$T/before"
    expect_status 0 copy "$T/a" "$T/b"
    expect_equal "$output" ''
    find "$T/b" -type f | sort | diff - "$T/before"
    # Back into a new one, and a backup there goes on from it.
    init "$T/c"
    expect_status 0 copy "$T/b" "$T/c"
    comes_back "$T/c" --backup "$(ids "$T/c" | head -n 1)"
    expect_status 0 pgassay backup shop --repo "$T/c" --json
    jq -e '.backups[0].new_chunks < .backups[0].chunks' <<<"$output"
}

@test "a damaged backup is named and left out, and a bad chunk never arrives" {
    pgassay backup shop --repo "$T/a"
    sleep 1.1
    psql_in shop -c 'UPDATE blob SET i = i + 1000'
    db_digest shop >"$T/shop.digest"
    pgassay backup shop --repo "$T/a"
    local first only
    first=$(ids "$T/a" | head -n 1)
    # A chunk that only the first backup needs.
    only=$(comm -23 <(list_of "$T/a" "$first") <(list_of "$T/a" "$(ids "$T/a" | tail -n 1)") | sort -k2n | tail -n 1 | cut -d' ' -f1)
    only=$T/a/shop/chunks/$only
    chmod u+w "$only"
    printf x | dd of="$only" bs=1 seek=$(($(stat -c %s "$only") / 2)) conv=notrunc status=none
    expect_status 4 copy "$T/a" "$T/b"
    expect_text "$first" "$(basename "$only")"
    expect_equal "$(ids "$T/b")" "$(ids "$T/a" | tail -n 1)"
    whole "$T/b"
    comes_back "$T/b"
    expect_status 1 copy "$T/a" "$T/b" shop --backup "$first"
    expect_status 1 copy "$T/a" "$T/b" nobody
    expect_text nobody
    expect_status 1 copy "$T/nowhere" "$T/b"
    expect_status 2 copy "$T/a"
}
list_of() { zstd -dcq "$1/shop/backups/$2"/chunks*.zst; }

@test "another database under that name is refused; one copy of a database at a time" {
    pgassay backup shop --repo "$T/a"
    db_make other
    pgassay backup other --name shop --repo "$T/b"
    expect_status 1 copy "$T/a" "$T/b" shop
    expect_text 'another database' adopt
    expect_status 0 copy "$T/a" "$T/b" shop --adopt
    init "$T/c"
    # Held by somebody else, as a copy that is still at work would.
    local lock
    lock=$PGASSAY_STATE_DIR/$(jq -r .repo_id "$T/c/repo.1.json")/shop.copy.lock
    expect_status 0 copy "$T/a" "$T/c" --backup latest
    expect_status 1 flock "$lock" "$BIN/pgassay" storage copy "$T/a" "$T/c"
    expect_text 'another copy'
    expect_status 0 copy "$T/a" "$T/c"
}

@test "kill -9 at random moments of a copy: nothing that counts is half there, and the next one completes it" {
    local n
    pgassay backup shop --repo "$T/a"
    sleep 1.1
    pgassay backup shop --repo "$T/a"
    for n in $(seq "$(rounds 4 8)"); do
        "$BIN/pgassay-storage" copy "$T/a" "$T/b" --jobs 1 >/dev/null 2>&1 3>&- 4>&- &
        sleep "0.0$((RANDOM % 90 + 10))"
        kill -9 $! 2>/dev/null || true
        wait $! || true
        whole "$T/b"
    done
    expect_status 0 copy "$T/a" "$T/b"
    expect_equal "$(ids "$T/b")" "$(ids "$T/a")"
    whole "$T/b"
    comes_back "$T/b"
}

@test "a directory and a bucket in one run; the bucket fails in the middle, and a copy completes it" {
    faults
    s3_repo both
    faults 'answer status=403 code=AccessDenied on=PUT key=*/chunks/* skip=2 times=0'
    expect_status 4 pgassay backup shop --repo "$T/a" --repo "$REPO"
    expect_text "$REPO" AccessDenied
    [ "$(hit)" -gt 0 ]
    comes_back "$T/a"
    faults
    expect_status 1 pgassay restore shop --repo "$REPO" --to back
    expect_status 0 copy "$T/a" "$REPO"
    comes_back "$REPO"
    # Of what is there already, labels are read, and nothing is sent.
    faults
    expect_status 0 copy "$T/a" "$REPO"
    expect_equal "$(requests PUT) $(requests GET chunks/) $(requests GET manifest)" '0 0 0'
    [ "$(wc -l <"$T/proxy/log")" -le 16 ] || { cat "$T/proxy/log"; return 1; }
    expect_status 0 pgassay backup shop --repo "$T/a" --repo "$REPO"
    expect_status 0 copy "$REPO" "$T/b"
    comes_back "$T/b"
    whole "$T/b"
}

@test "bytes that are altered on the way do not arrive" {
    faults
    s3_repo altered
    expect_status 0 pgassay backup shop --repo "$REPO"
    faults 'alter at=100 on=GET key=*/chunks/* times=0'
    expect_status 1 copy "$REPO" "$T/b"
    [ "$(hit)" -gt 0 ]
    [ -z "$(ids "$T/b")" ]
    [ -z "$(find "$T/b/shop" -path '*/chunks/*' -type f 2>/dev/null)" ]
    faults
    expect_status 0 copy "$REPO" "$T/b"
    comes_back "$T/b"
}
