#!/usr/bin/env bats
# Damaged, missing and full storage: never a silent row, always one clear line.

load lib
setup_file() {
    e2e_setup
    pg_start main
    db_make shop small.sql
    backup shop
    export GOOD=$REPO
}
# The repository as it was, for a host that has seen no other.
setup() { REPO=$T/repo.damaged; rm -rf "$REPO" "$T/repo.ro" "$T/state"; cp -r "$GOOD" "$REPO"; db_drop back; }
teardown_file() {
    ! mountpoint -q "$T/small" || umount "$T/small"
    e2e_teardown
}

backup_dir() { echo "$REPO/shop/backups/$(basename "$(ls -d "$REPO"/shop/backups/*)")"; }
largest_chunk() { find "$REPO/shop/chunks" -type f -printf '%s %p\n' | sort -n | tail -n 1 | cut -d' ' -f2; }
smallest_chunk() { find "$REPO/shop/chunks" -type f -printf '%s %p\n' | sort -n | head -n 1 | cut -d' ' -f2; }
writable() { chmod u+w "$1"; }
cut_to() { truncate -s "$2" "$1"; }

# Nothing restored, one clear error; the object is named.
refuses_to_restore() {
    expect_status 1 restore shop --to back
    expect_short
    expect_text "$@"
    expect_no_db back
    expect_status 1 restore shop --scratch
    expect_text "$@"
    leftovers
}
objects_find_it() {
    expect_status 3 pgassay verify objects shop --repo "$REPO"
    expect_text "$@"
}

@test "a chunk with one bit flipped, at the beginning, in the middle, at the end" {
    local c name size at
    for c in "$(largest_chunk)" "$(smallest_chunk)"; do
        writable "$c"
        name=$(basename "$c" | cut -c1-16) size=$(stat -c %s "$c")
        for at in 0 $((size / 2)) $((size - 1)); do
            flip "$c" $at
            refuses_to_restore "$name"
            objects_find_it "$name"
            flip "$c" $at
        done
    done
    expect_status 0 restore shop --to back
}

@test "a chunk truncated, empty, longer, missing" {
    local c name size
    c=$(largest_chunk) name=$(basename "$c" | cut -c1-16) size=$(stat -c %s "$c")
    writable "$c"
    cp "$c" "$T/chunk"
    cut_to "$c" $((size - 1)); refuses_to_restore "$name"; objects_find_it "$name"
    cut_to "$c" 0; refuses_to_restore "$name"; objects_find_it "$name"
    cp "$T/chunk" "$c"; echo more >>"$c"; refuses_to_restore "$name"; objects_find_it "$name"
    rm "$c"; refuses_to_restore "$name"; objects_find_it "$name"
}

@test "two chunks swapped" {
    local a b
    a=$(largest_chunk) b=$(find "$REPO/shop/chunks" -type f | grep -vxF "$a" | head -n 1)
    mv "$a" "$T/a"; mv "$b" "$a"; mv "$T/a" "$b"
    # Which of the two is met first is up to the workers.
    refuses_to_restore chunk
    [[ $output == *"$(basename "$a")"* || $output == *"$(basename "$b")"* ]]
    objects_find_it "$(basename "$a" | cut -c1-16)" "$(basename "$b" | cut -c1-16)"
}

@test "another chunk's bytes recompressed under this name" {
    local a
    a=$(largest_chunk)
    writable "$a"
    zstd -dcq "$a" | tr 'a' 'b' | zstd -q -3 -o "$T/forged" -f
    cat "$T/forged" >"$a"
    refuses_to_restore "$(basename "$a" | cut -c1-16)"
}

@test "label and manifest: truncated, garbage, empty, a flipped bit" {
    local f size
    for f in label.json manifest.json.zst; do
        f=$(backup_dir)/$f
        writable "$f"
        cp "$f" "$T/object"
        size=$(stat -c %s "$f")
        cut_to "$f" $((size / 2)); refuses_to_restore "$(basename "$f" | cut -d. -f1)"
        cut_to "$f" 0; refuses_to_restore "$(basename "$f" | cut -d. -f1)"
        head -c 5000 /dev/urandom >"$f"; refuses_to_restore "$(basename "$f" | cut -d. -f1)"
        cp "$T/object" "$f"; flip "$f" $((size / 2)); run restore shop --to back
        if [ "$status" -eq 0 ]; then
            # A bit in a label's free text (host, note) is no row.
            [[ $f == *label.json ]]
            db_same shop back
            db_drop back
        fi
        cp "$T/object" "$f"
    done
    expect_status 0 restore shop --to back
}

@test "the chunk list damaged or missing is noticed by verify objects" {
    local f
    f=$(backup_dir)/chunks.zst
    writable "$f"
    flip "$f" 20
    run pgassay verify objects shop --repo "$REPO"
    [ "$status" -ne 0 ]
    expect_text chunk
    rm "$f"
    run pgassay verify objects shop --repo "$REPO"
    [ "$status" -ne 0 ]
}

@test "from a future format: refused by name" {
    local l
    l=$(backup_dir)/label.json
    writable "$l"
    cp "$l" "$T/label"
    jq -c '.format = 99' "$T/label" >"$l"
    refuses_to_restore format
    jq -c '.needs = ["time-travel"]' "$T/label" >"$l"
    refuses_to_restore time-travel
    # An unknown key alone is ignored.
    jq -c '.something_new = {"a": 1}' "$T/label" >"$l"
    expect_status 0 restore shop --to back
    writable "$REPO/repo.1.json"
    jq -c '.needs = ["quantum"]' "$GOOD/repo.1.json" >"$REPO/repo.1.json"
    db_drop back
    expect_status 1 restore shop --to back
    expect_text quantum
    expect_status 1 backup shop
}

@test "a damaged newest backup: list says so, latest does not silently hide it, the older one restores" {
    local first
    first=$(last_id shop)
    sleep 1.1
    psql_in shop -c 'CREATE TABLE IF NOT EXISTS newer AS SELECT 1'
    backup shop
    psql_in shop -c 'DROP TABLE newer'
    local l
    l=$REPO/shop/backups/$(last_id shop)/label.json
    writable "$l"
    echo garbage >"$l"
    run storage list shop
    expect_text damaged
    run restore shop --to back
    if [ "$status" -eq 0 ]; then expect_text damaged; fi
    db_drop back
    expect_status 0 restore shop --backup "$first" --to back
    # And a backup over a damaged repository goes on.
    expect_status 0 backup shop
}

@test "a chunk lost is not reused: the next backup writes it anew" {
    rm "$(largest_chunk)"
    expect_status 0 backup shop
    expect_status 0 restore shop --to back
    db_same shop back
    # One whose size changed neither.
    local c
    c=$(largest_chunk)
    writable "$c"
    echo more >>"$c"
    expect_status 0 backup shop
    db_drop back
    expect_status 0 restore shop --to back
}

@test "scrub finds a bad chunk, condemns it, and the next backup writes it anew" {
    local c
    c=$(largest_chunk)
    writable "$c"
    flip "$c" 100
    expect_status 3 storage scrub
    expect_text "$(basename "$c" | cut -c1-16)"
    ls "$REPO"/shop/condemned/* >/dev/null
    [ -f "$c" ]
    expect_status 0 backup shop
    expect_status 0 restore shop --to back
    db_same shop back
}

# bats test_tags=user
@test "a missing repository, an empty directory, a file, a read-only one" {
    expect_status 1 pgassay backup shop --repo "$T/nowhere"
    expect_text "$T/nowhere"
    [ ! -e "$T/nowhere" ]
    mkdir -p "$T/unmounted"
    expect_status 1 pgassay backup shop --repo "$T/unmounted"
    expect_text init
    [ -z "$(ls -A "$T/unmounted")" ]
    expect_status 1 pgassay backup shop --repo "$T/pgassay.conf"
    cp -r "$GOOD" "$T/repo.ro"
    find "$T/repo.ro" -type d -exec chmod 555 {} +
    if [ "$(id -u)" -eq 0 ]; then
        # Root may write anyway, unless the file system is read-only.
        mount --bind "$T/repo.ro" "$T/repo.ro" 2>/dev/null && mount -o remount,bind,ro "$T/repo.ro" || return 0
    fi
    run pgassay backup shop --repo "$T/repo.ro"
    local rc=$status said=$output
    run pgassay storage prune --repo "$T/repo.ro"
    local pruned="$status $output"
    run restore shop --repo "$T/repo.ro" --to back
    ! mountpoint -q "$T/repo.ro" || umount "$T/repo.ro"
    find "$T/repo.ro" -type d -exec chmod 755 {} +
    expect_equal "$rc" 1
    output=$said expect_text runs/
    [[ $said != *warning* ]]
    output=$pruned expect_text "1 pgassay-storage: could not prune \"shop\"; nothing was removed"
    [[ $pruned != *warning* ]]          # of a mark that was never there
    db_same shop back
}

# bats test_tags=user
@test "the repository's disk is full: one clear line, nothing counts, and later it goes on" {
    local small=$T/small kib
    mkdir -p "$small"
    kib=$(du -sk "$GOOD" | cut -f1)
    if [ "$(id -u)" -eq 0 ] && mount -t tmpfs -o size=$((kib / 2))k tmpfs "$small" 2>/dev/null; then
        pgassay storage init --repo "$small/r"
        expect_status 1 pgassay backup shop --repo "$small/r"
        expect_text 'No space left'
        expect_short
        [ -z "$(REPO=$small/r last_id shop)" ]
        mount -o remount,size=200m "$small"
    else
        # Without the right to mount: a limit on the size of files does the same.
        pgassay storage init --repo "$small/r"
        (trap '' XFSZ && ulimit -f 20 && pgassay backup shop --repo "$small/r" >"$T/out" 2>&1) && return 1
        output=$(cat "$T/out")
        expect_text 'File too large'
        [ -z "$(REPO=$small/r last_id shop)" ]
    fi
    expect_status 0 pgassay backup shop --repo "$small/r"
    expect_status 0 pgassay storage scrub --repo "$small/r"
    REPO=$small/r restore shop --to back
    db_same shop back
    ! mountpoint -q "$small" || umount "$small"
}

@test "a limit on the size of files (ulimit -f): one clear line, status 153, and later it goes on" {
    local small=$T/limited
    pgassay storage init --repo "$small"
    expect_status 153 limited 20 "$BIN/pgassay" backup shop --repo "$small"
    # By the write, or by whoever else notices first.
    [[ $output =~ File\ too\ large|larger\ than\ ulimit\ -f ]]
    expect_short
    [ -z "$(REPO=$small last_id shop)" ]
    expect_equal "$(ls "$small/shop/runs")" ''
    expect_status 0 pgassay backup shop --repo "$small"
    expect_status 0 pgassay storage scrub --repo "$small"
}
limited() { (ulimit -f "$1" && shift && "$@"); }

# bats test_tags=user
@test "the scratch directory's disk is full: one clear error, and it is tidy again" {
    local small=$T/small
    drills_initdb       # its words
    db_make wide small.sql ranges.sql
    backup wide
    mkdir -p "$small"
    if [ "$(id -u)" -eq 0 ] && mount -t tmpfs -o size=60m,mode=1777 tmpfs "$small" 2>/dev/null; then
        expect_status 1 restore wide --scratch --scratch-dir "$small"
        expect_text 'the database with its server takes' "but only" "$small"
        run restore wide --scratch --scratch-dir "$small" --no-space-check
        local rc=$status said=$output left
        # Nor where another tool's restore is at work on the server: a drill's, an import's.
        local others=()
        run drill wide --scratch-dir "$small"
        output="$status $output" expect_text 1 'the database takes' "$small" 'name a directory with more room with --scratch-dir'
        mount -o remount,size=64m "$small"
        run drill wide --scratch-dir "$small"
        others+=("$status $output")
        # Half a page less or more: the server's error has no system call's, or one.
        pg_dump -Fc -f "$T/wide.dump" wide
        local room
        for room in 61440k 61444k; do
            mount -o remount,size=$room "$small"
            run storage import --file "$T/wide.dump" --db imported --scratch-dir "$small"
            others+=("$status $output")
        done
        # Not even for an empty server; hardly for its log.
        local drilled=() size
        for size in 10m 64k; do
            mount -o remount,size=$size "$small"
            run drill shop --scratch-dir "$small"
            drilled+=("$status $output")
        done
        left=$(ls -A "$small")
        umount "$small"
        for size in "${drilled[@]}"; do
            output=$size expect_text 1 'No space left' "$small" --scratch-dir
            output=$size expect_short
        done
        [ "$rc" -ne 0 ] || { echo "60 MB were enough?" >&2; return 1; }
        output=$said expect_text "the scratch server's disk is full" "$small" 'with --scratch-dir'
        output=$said expect_short
        for said in "${others[@]}"; do
            output=$said expect_text 1 "the scratch server's disk is full" "$small" 'with --scratch-dir'
        done
        expect_equal "$left" ''
    else
        chmod 555 "$small"
        expect_status 1 restore shop --scratch --scratch-dir "$small"
        expect_text "$small"
        chmod 755 "$small"
    fi
}
