#!/usr/bin/env bats
# pgassay storage: init, list, show, scrub; and what is stored is as docs/schema says.

load lib
setup_file() {
    e2e_setup
    pg_start main
    db_make shop small.sql
}
teardown_file() { e2e_teardown; }

largest_chunk() { find "$REPO/shop/chunks" -type f -printf '%s %p\n' | sort -n | tail -n 1 | cut -d' ' -f2; }
damage() { chmod u+w "$1"; printf 'XXXX' | dd of="$1" bs=1 seek=10 conv=notrunc status=none; }

@test "every kind of object is as its schema says" {
    local dir
    backup shop --note 'a note'
    dir=$REPO/shop/backups/$(last_id shop)
    valid_json repo "$REPO/repo.1.json"
    valid_json source "$REPO/shop/source.json"
    valid_json label "$dir/label.json"
    manifest shop >"$T/manifest.json"
    valid_json manifest "$T/manifest.json"
    # The chunk list names exactly the manifest's chunks, sorted.
    zstd -dcq "$dir/chunks.zst" >"$T/chunks"
    jq -r '.chunks[] | "\(.[0]) \(.[1]) \(.[2]) 0"' "$T/manifest.json" | LC_ALL=C sort | diff - "$T/chunks"
    while read -r name size _; do
        expect_equal "$(stat -c %s "$REPO/shop/chunks/$name")" "$size"
        expect_equal "$(sha256sum <"$REPO/shop/chunks/$name" | cut -c1-64)" "$(basename "$name" | cut -d- -f2)"
    done <"$T/chunks"
}

@test "... and every kind of an encrypted repository" {
    local dir id k
    for k in ops escrow; do pgassay storage keygen "$T/$k"; done
    export REPO=$T/repo.sealed
    pgassay storage init "$REPO" --encrypt-to "$T/ops.pub" --encrypt-to "$T/escrow.pub"
    backup shop --note 'a note'
    id=$(last_id shop)
    dir=$REPO/shop/backups/$id
    valid_json repo "$REPO/repo.1.json"
    valid_json keys "$REPO/keys.1.1.json"
    valid_json label "$dir/label.json"
    cmp "$dir/keys.json" "$REPO/keys.1.1.json"
    cmp "$dir/repo.json" "$REPO/repo.1.json"
    # What is hidden must not stand beside it.
    jq -c '.note = "a note"' "$dir/label.json" >"$T/l.json"
    if valid_json label "$T/l.json"; then return 1; fi
    storage keys list --json >"$T/keys.json"
    valid_json keys-list "$T/keys.json"
    expect_equal "$(jq -r '[.epochs[0].readers[].name] | join(" ")' "$T/keys.json")" 'ops escrow'
    # With a key and without one.
    storage list --json >"$T/list.json"
    valid_json list "$T/list.json"
    storage show shop --json >"$T/show.json"
    valid_json show "$T/show.json"
    expect_equal "$(jq 'has("objects") or has("note")' "$T/show.json")" false
    storage show shop --json --identity "$T/ops" >"$T/show.json"
    valid_json show "$T/show.json"
    expect_equal "$(jq -r '"\(.note) \(.objects > 0)"' "$T/show.json")" 'a note true'
    # A second epoch beside the first, and one that is not encrypted beside one that is.
    pgassay storage keys new-epoch --repo "$REPO"
    valid_json repo "$REPO/repo.2.json"
    valid_json keys "$REPO/keys.2.1.json"
    pgassay storage init "$T/repo.turned"
    pgassay storage keys new-epoch --repo "$T/repo.turned" --encrypt-to "$T/ops.pub"
    valid_json repo "$T/repo.turned/repo.2.json"
    pgassay storage keys list --repo "$T/repo.turned" --json >"$T/keys.json"
    valid_json keys-list "$T/keys.json"
    expect_equal "$(jq -c '[.epochs[].encrypted]' "$T/keys.json")" '[false,true]'
}

@test "no run mark, no temporary file stays" {
    backup shop
    [ -z "$(ls -A "$REPO/.tmp")" ]
    [ -z "$(ls -A "$REPO/shop/runs")" ]
}

@test "init refuses what is not empty, and is silent without a terminal" {
    expect_status 0 pgassay storage init "$T/fresh"
    expect_equal "$output" ""
    expect_status 1 pgassay storage init "$T/fresh"
    expect_text "not empty"
    mkdir "$T/used" && touch "$T/used/file with blanks"
    expect_status 1 pgassay storage init "$T/used"
    expect_text "file with blanks"
}

@test "what is no repository says how to make one" {
    mkdir "$T/empty"
    expect_status 1 pgassay storage list --repo "$T/empty"
    expect_text "not a repository" "storage init"
    expect_status 1 pgassay storage list --repo "$T/nowhere"
    expect_text "$T/nowhere"
    expect_equal "$(ls -A "$T/empty")" ""
    expect_status 2 pgassay storage list
    expect_status 2 pgassay storage frobnicate
    expect_status 2 pgassay storage show --repo "$REPO"
}

@test "list and show know damaged and void backups" {
    local one two run
    repo_new states
    one=$(plant shop) && two=$(plant shop)
    chmod u+w "$REPO/shop/backups/$one/label.json" && truncate -s 100 "$REPO/shop/backups/$one/label.json"
    run=$(jq -r .run "$REPO/shop/backups/$two/label.json")
    touch "$REPO/shop/runs/$run.revoked"
    storage list --json >"$T/list.json"
    valid_json list "$T/list.json"
    expect_equal "$(jq -r '[.databases[0].backups[].state] | join(" ")' "$T/list.json")" "damaged void"
    expect_status 0 storage list
    expect_text "damaged" "void" "cut short" "revoked"
    expect_status 1 storage show shop
    expect_text "no whole backup"
    expect_status 1 storage show shop "$one"
    expect_text "damaged"
    expect_status 1 restore shop --to back
}

@test "names match exactly" {
    repo_new exact
    backup shop
    expect_status 1 storage show sho
    expect_text '"shop"'
    expect_status 1 storage list shop2
    expect_status 1 storage show shop "$(last_id shop | cut -c1-3)"
}

@test "show --tables has every table, in text and JSON" {
    backup shop
    storage show shop --tables --json >"$T/show.json"
    valid_json show "$T/show.json"
    expect_equal "$(jq '.table_list | length' "$T/show.json")" "$(manifest shop | jq '.tables | length')"
    expect_equal "$(jq '[.table_list[].rows] | add' "$T/show.json")" "$(jq .rows "$T/show.json")"
    expect_status 0 storage show shop --tables
    expect_text "$(jq -r '.table_list[0] | "\(.schema).\(.name)"' "$T/show.json")"
}

@test "scrub finds, names and condemns a bad chunk, and the next backup heals it" {
    local bad id
    repo_new scrub
    backup shop && id=$(last_id shop)
    expect_status 0 storage scrub
    expect_equal "$output" ""
    bad=$(largest_chunk)
    damage "$bad"
    expect_status 3 storage scrub
    expect_text "$(basename "$bad")" "$id" "condemned 1"
    storage scrub --json >"$T/scrub.json" || [ $? -eq 3 ]
    valid_json scrub "$T/scrub.json"
    expect_equal "$(jq '.databases[0].bad | length' "$T/scrub.json")" 1
    expect_equal "$(jq .databases[0].condemned "$T/scrub.json")" 0
    expect_equal "$(find "$REPO/shop/condemned" -type f | wc -l)" 1
    backup shop
    [ "$(label shop | jq .new_bytes)" -ge "$(stat -c %s "$bad")" ]
    expect_status 0 storage scrub
    db_drop healed
    restore shop --backup "$id" --to healed
    db_same shop healed
    db_drop healed
}

@test "scrub finds missing chunks, chunk lists and manifests" {
    local id
    repo_new gone
    backup shop && id=$(last_id shop)
    rm -f "$(largest_chunk)"
    expect_status 3 storage scrub shop
    expect_text "missing" "$id"
    rm -f "$REPO/shop/backups/$id/manifest.json.zst"
    expect_status 3 storage scrub shop
    expect_text "backup $id is damaged" "manifest"
}

@test "between two databases, list, prune and policy print an empty line" {
    repo_new pair
    plant shop >/dev/null
    plant other >/dev/null
    storage policy shop --keep-last 3 >/dev/null
    storage policy other --keep-last 2 >/dev/null
    for verb in list 'prune --dry-run' policy; do
        # shellcheck disable=SC2086  # several words
        expect_status 0 storage $verb
        [ "$(grep -c '^$' <<<"$output")" -ge 1 ]
        [[ $output != *'\n'* ]]
    done
}
