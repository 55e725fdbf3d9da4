#!/usr/bin/env bats
# Does each key still open the newest backup, what do drills of encrypted backups tell, and who is asked for a passphrase how often.

load lib
setup_file() {
    e2e_setup
    pg_start main
    db_make shop small.sql
    db_make other small.sql
    printf 'a phrase of four words\n' >"$T/phrase"
    chmod 600 "$T/phrase"
    keygen_locked "$T/ops" "$T/phrase"
    local k
    for k in escrow host; do pgassay storage keygen "$T/$k"; done
    export REPO=$T/sealed
    pgassay storage init "$REPO" --encrypt-to "$T/ops.pub" --encrypt-to "$T/escrow.pub"
    backup shop other
}
teardown_file() { e2e_teardown; }
setup() { export REPO=$T/sealed; }
key_drill() { pgassay verify key-drill --repo "$REPO" "$@"; }
id_of() { jq -r .id "$T/$1.pub"; }

@test "each reader's key, one at a time, opens the newest backup of each database" {
    expect_status 0 key_drill --identity "$T/ops" --passphrase-file "$T/phrase" --identity "$T/escrow" --json
    printf '%s' "$output" >"$T/proven.json"
    valid_json verify "$T/proven.json"
    expect_equal "$(jq -r '.proven[] | .database + " " + .key_name + " " + .backup' "$T/proven.json" | sort)" \
        "$(for db in other shop; do for k in escrow ops; do echo "$db $k $(last_id $db)"; done; done)"
    expect_equal "$(jq '[.proven[] | select(.chunks >= 2 and .bytes > 0)] | length' "$T/proven.json")" 4
    expect_status 0 key_drill shop --identity "$T/escrow" --verbose
    expect_text "opened" "of shop by key $(id_of escrow) (escrow)" 'each key opens what it should'
    expect_equal "$(grep -c '^opened' <<<"$output")" 1
}

@test "a key that is no reader's, or cannot be used, is not proven" {
    expect_status 3 key_drill --identity "$T/host"
    expect_text "not opened by key $(id_of host) (host)" 'NOT OPENED'
    expect_status 2 key_drill
    expect_text 'whose key shall be tried?' '--identity'
    printf 'wrong\n' >"$T/wrong"
    chmod 600 "$T/wrong"
    expect_status 1 key_drill --identity "$T/ops" --passphrase-file "$T/wrong"
    expect_text 'the passphrase is not the right one'
    expect_status 1 key_drill nothing --identity "$T/escrow"
    expect_text 'no backup of "nothing"'
    repo_new plain
    backup shop
    expect_status 3 key_drill --identity "$T/escrow"
    expect_text 'not encrypted' 'no encrypted backup is there to open'
}

@test "a backup that is spoilt is not opened by anybody" {
    cp -r "$REPO" "$T/spoilt"
    export REPO=$T/spoilt
    local f
    f=$(find "$REPO/shop/backups/$(last_id shop)" -name 'manifest*')
    chmod u+w "$f"
    flip "$f" 200
    expect_status 3 key_drill --identity "$T/escrow"
    expect_text "shop/backups/$(last_id shop): not opened by key $(id_of escrow)" 'SHA-256'

}

@test "a drill asks for the passphrase once, however it comes; its record says nothing of what was compared" {
    drill shop --identity "$T/ops" --passphrase-fd 7 7<"$T/phrase"
    drill shop --identity "$T/ops" --passphrase-command "echo asked >>'$T/asked'; cat '$T/phrase'"
    expect_equal "$(wc -l <"$T/asked")" 1
    local record
    record=$(head -n 1 "$(find "$REPO/shop/drills" -type f | sort | tail -n 1)")
    expect_equal "$(jq -r '.equal' <<<"$record")" true
    expect_equal "$(jq -r 'has("rows") or has("tables") or has("bytes") or has("against") or has("host")' <<<"$record")" false
    storage list | grep -q proven
    # Whoever can read the backup can read that, too.
    expect_status 0 storage show shop --identity "$T/escrow"
    expect_text passed
}

@test "in a repository that was encrypted later, what is not is marked so" {
    repo_new later
    backup shop
    expect_status 0 storage keys new-epoch --encrypt-to "$T/escrow.pub"
    backup shop
    expect_status 0 storage list
    expect_equal "$(grep -c 'not encrypted' <<<"$output")" 1
    expect_equal "$(storage list --json | jq -c '[.databases[].backups[] | .encrypted // false]')" '[false,true]'
    drill shop --backup "$(backup_ids shop | head -n 1)"
    drill shop --identity "$T/escrow"
    expect_status 1 restore shop --to nothing
    expect_text 'this host has no key' "escrow ($(id_of escrow))"
}
