#!/usr/bin/env bats
# Labels that are hidden or lost: nothing is taken for garbage, and everything says so.

load lib
setup_file() {
    e2e_setup
    pg_start main
    db_make shop small.sql
    backup shop
    backup shop
    mv "$REPO" "$T/kept"
}
teardown_file() { e2e_teardown; }
setup() {
    rm -rf "$REPO" "$T/state"
    mkdir -m 700 "$T/state"
    cp -a "$T/kept" "$REPO"
}

newest() { ls "$REPO/shop/backups" | tail -n 1; }
hide() { mv "$REPO/shop/backups/$1/label.json" "$T/hidden.$1"; }
unhide() { mv "$T/hidden.$1" "$REPO/shop/backups/$1/label.json"; }

@test "a label moved away, a prune, and the label back: the backup is whole, on a host that has seen nothing" {
    local id
    id=$(newest)
    hide "$id"
    expect_status 0 storage prune
    head -n 1 "$REPO/shop/unlabelled/$id.json" >"$T/unlabelled.json"
    valid_json unlabelled "$T/unlabelled.json"
    unhide "$id"
    expect_status 0 pgassay verify objects shop --repo "$REPO"
    expect_status 0 restore shop --to shop_back
    db_same shop shop_back
    db_drop shop_back
    expect_status 0 storage prune
    [ ! -e "$REPO/shop/unlabelled/$id.json" ]
}

@test "a host that has seen it stops, and so does every host when another label names it" {
    local id
    id=$(newest)
    expect_status 0 storage list
    hide "$id"
    expect_status 1 storage prune --grace 0s
    expect_text "backup $id has lost its label" 'this host has seen it' 'nothing was removed' 'storage forget shop'
    unhide "$id"
    rm -r "$T/state"
    id=$(ls "$REPO/shop/backups" | head -n 1)
    hide "$id"
    expect_status 1 storage prune --grace 0s
    expect_text "backup $id has lost its label" 'names it'
    expect_status 3 storage list --check
    expect_text "backup $id is missing" 'manifest and chunk list are still there'
    unhide "$id"
    expect_status 0 storage list --check
    # What is really lost is given up, and then nobody misses it.
    rm "$REPO/shop/backups/$id/label.json"
    expect_status 3 storage list --check
    expect_status 0 storage forget shop "$id" --reason 'the disk lost it' --json
    expect_status 0 storage list --check
    expect_status 0 pgassay verify chain shop --repo "$REPO"
    expect_status 0 storage prune
}

@test "all labels gone is damage, not an empty repository" {
    local id
    for id in "$REPO"/shop/backups/*; do hide "${id##*/}"; done
    expect_status 1 storage prune --grace 0s
    expect_text 'no backup is listed, though chunks are stored' 'nothing was removed'
    expect_status 3 storage list --check
    expect_text 'no backup is listed'
    expect_status 3 pgassay verify objects --repo "$REPO"
    expect_status 3 storage scrub
    expect_status 3 storage scrub --json
    sed -n '/^{/,$p' <<<"$output" >"$T/scrub.json"
    valid_json scrub "$T/scrub.json"
    for id in "$REPO"/shop/backups/*; do unhide "${id##*/}"; done
    expect_status 0 pgassay verify objects --repo "$REPO"
    expect_status 0 storage scrub
}
