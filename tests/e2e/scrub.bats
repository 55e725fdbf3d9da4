#!/usr/bin/env bats
# Damage: found a share a night, told by every verb, healed from another repository.

load lib
setup_file() {
    e2e_setup
    pg_start main
    db_make shop small.sql
    # Two repositories, two backups in both.
    export A=$T/repo.a B=$T/repo.b
    pgassay storage init --repo "$A"
    pgassay storage init --repo "$B"
    pgassay backup shop --repo "$A" --repo "$B"
    psql_in shop -c 'CREATE TABLE later AS SELECT g AS n FROM generate_series(1, 1000) g'
    pgassay backup shop --repo "$A" --repo "$B" --whole
    cp -r "$A" "$T/good.a"
}
setup() {
    export REPO=$A
    # The repository as it was, for a host that has seen no other.
    rm -rf "$A" "$T/state" && cp -r "$T/good.a" "$A"
    find "$A" -type f -exec chmod u+w {} +
    FIRST=$(backup_ids shop | head -n 1) LAST=$(last_id shop)
    db_drop back
}
teardown_file() {
    ! mountpoint -q "$T/mnt" || umount "$T/mnt"
    e2e_teardown
}

chunks_of() { zstd -dcq "$REPO/shop/backups/$1/chunks.zst" | cut -d' ' -f1; }
# Chunks that the second backup needs and the first does not; and those that both need.
new_chunk() { comm -13 <(chunks_of "$FIRST") <(chunks_of "$LAST") | head -n 1; }
old_chunk() { comm -12 <(chunks_of "$FIRST") <(chunks_of "$LAST") | head -n 1; }
# The chunk with the rows of a table in the newest backup.
chunk_with() { manifest shop | jq -r --arg t "$1" '.chunks[.tables[] | select(.name == $t).ranges[0][3][0][0]][0]'; }
flip() {
    local byte at
    at=$(($(stat -c %s "$1") / 2))
    byte=$(od -An -tu1 -j "$at" -N1 "$1")
    printf '%b' "\\x$(printf %02x $((byte ^ 4)))" | dd of="$1" bs=1 seek="$at" conv=notrunc status=none
}
damage() { flip "$A/shop/chunks/$1"; }
state_of() { storage list shop --json | jq -r --arg id "$1" '.databases[0].backups[] | select(.backup == $id) | .state'; }

@test "seven nights of a seventh read everything once, and find what is bad" {
    local night found=0 objects=0 since
    damage "$(old_chunk)"
    for night in 1 2 3 4 5 6 7; do
        run storage scrub --share 1/7 --json
        printf '%s' "$output" >"$T/night.json"
        valid_json scrub "$T/night.json"
        found=$((found + $(jq '.databases[0].bad | length' "$T/night.json")))
        objects=$((objects + $(jq '.databases[0].objects' "$T/night.json")))
        since=$(jq -r '.databases[0].since' "$T/night.json")
        # Found once, it is reported every night.
        expect_equal "$status" "$((found > 0 ? 3 : 0))"
        [ "$night" -eq 7 ] || expect_equal "$since" null
    done
    expect_equal "$found" 1
    expect_equal "$objects" "$(find "$A/shop/chunks" -type f | wc -l)"
    [ "$since" != null ]
    valid_json scrubrecord "$(find "$A/shop/scrubs" -type f | head -n 1)"
}

@test "limits by bytes and time read at least one chunk, and wrong ones are refused" {
    storage scrub --max-bytes 1 --json >"$T/one.json"
    expect_equal "$(jq '.databases[0].objects' "$T/one.json")" 1
    expect_equal "$(jq -r '.databases[0].end' "$T/one.json")" bytes
    expect_status 0 storage scrub --max-time 1h --max-bytes 10GB
    expect_equal "$output" ""
    for wrong in '--share 0/7' '--share 8/7' '--share 1' '--max-bytes 0' '--max-bytes much' '--max-time 0' '--max-time 1y'; do
        # shellcheck disable=SC2086  # option and value
        expect_status 2 storage scrub $wrong
        expect_text "${wrong% *}"
    done
}

@test "list, show, restore and drill tell of the damage, and name the newest good backup" {
    damage "$(chunk_with later)"
    expect_status 3 storage scrub shop
    expect_text "$LAST is damaged" condemned public.later
    expect_equal "$(state_of "$LAST")" damaged
    expect_equal "$(state_of "$FIRST")" committed
    expect_status 0 storage show shop "$LAST"
    expect_text damaged
    storage show shop "$LAST" --json >"$T/show.json" 2>/dev/null
    valid_json show "$T/show.json"
    expect_equal "$(jq -r .state "$T/show.json")" damaged
    # Nothing older without having been asked for.
    expect_status 1 restore shop --to back
    expect_text "$LAST" damaged "$FIRST"
    expect_short
    expect_no_db back
    expect_status 1 drill shop
    expect_text damaged
    expect_status 0 restore shop --backup "$FIRST" --to back
    # The next backup stores it anew: nothing is lost any more, in the damaged backup neither.
    backup shop
    expect_equal "$(state_of "$LAST")" committed
    db_drop back
    restore shop --backup "$LAST" --to back
    db_same shop back
}

@test "list --check sees what is missing or has the wrong size, before any scrub" {
    rm "$A/shop/chunks/$(old_chunk)"
    truncate -s -1 "$A/shop/chunks/$(new_chunk)"
    expect_status 0 storage list shop
    expect_status 3 storage list shop --check
    expect_text damaged
    storage list shop --check --json >"$T/list.json" || [ $? -eq 3 ]
    valid_json list "$T/list.json"
    expect_equal "$(jq -r '[.databases[0].backups[].lost_chunks] | join(" ")' "$T/list.json")" "1 2"
}

@test "what is lost comes back from the other repository, beside what is bad" {
    local bad
    bad=$(old_chunk)
    damage "$bad"
    rm "$A/shop/chunks/$(new_chunk)"
    flip "$A/shop/backups/$FIRST/chunks.zst"
    rm "$A/shop/backups/$LAST/manifest.json.zst"
    expect_status 3 storage scrub shop
    expect_status 0 storage scrub shop --repair-from "$B" --verbose
    expect_text "healed 2 chunks"
    expect_status 0 storage list shop --check
    cmp "$T/good.a/shop/backups/$FIRST/chunks.zst" "$A/shop/backups/$FIRST/chunks.zst"
    [ -f "$A/shop/chunks/$bad" ]
    expect_status 0 storage scrub shop
    # From this repository alone.
    mv "$B" "$B.away"
    restore shop --to back
    mv "$B.away" "$B"
    db_same shop back
    expect_status 0 pgassay verify drill shop --repo "$A"
    storage scrub shop --json >"$T/scrub.json"
    valid_json scrub "$T/scrub.json"
}

@test "what the other repository lacks stays lost, and is said" {
    damage "$(old_chunk)"
    pgassay storage init --repo "$T/repo.empty"
    expect_status 3 storage scrub shop --repair-from "$T/repo.empty" --json
    printf '%s' "$output" >"$T/scrub.json"
    valid_json scrub "$T/scrub.json"
    expect_equal "$(jq '.databases[0].repair.lost' "$T/scrub.json")" 1
    expect_status 2 storage scrub shop --repair-from "$A"
}

@test "an unmounted repository: every verb refuses, and nothing is written beneath the mount point" {
    local verb
    mkdir -p "$T/mnt"
    if [ "$(id -u)" -eq 0 ] && mount -t tmpfs -o size=100m tmpfs "$T/mnt" 2>/dev/null; then
        pgassay storage init --repo "$T/mnt"
        pgassay backup shop --repo "$T/mnt"
        umount "$T/mnt"
    fi
    export REPO=$T/mnt
    for verb in 'storage list' 'storage list --check' 'storage scrub' 'storage show shop' 'storage prune' \
        'verify objects' 'verify drill shop' 'backup shop' 'restore shop --to back'; do
        # shellcheck disable=SC2086  # a verb and its arguments
        expect_status 1 pgassay $verb --repo "$T/mnt"
        expect_text "$T/mnt" "is it mounted?"
        expect_short
        [ -z "$(ls -A "$T/mnt")" ]
    done
    expect_status 1 pgassay storage scrub shop --repo "$A" --repair-from "$T/mnt"
    expect_text "is it mounted?"
    # Of several the others go on.
    expect_status 4 pgassay backup shop --repo "$T/mnt" --repo "$A"
    expect_text "is it mounted?"
    expect_equal "$(find "$A/shop/backups" -name label.json | wc -l)" 3
    [ -z "$(ls -A "$T/mnt")" ]
}
