#!/usr/bin/env bats
# A backup taken away: the labels and tombstones themselves tell, to whoever asks `verify chain`.

load chain

@test "each label names the one before it and counts its signer's, and the chain is whole" {
    backups 3
    expect_equal "$(label_of "$(nth 1)" | jq -c '[.signer, .sequence, .heads]')" "[\"$(key_id host)\",1,[]]"
    expect_equal "$(label_of "$(nth 3)" | jq -r '[.sequence, .heads[].backup] | join(" ")')" "3 $(nth 2)"
    expect_equal "$(label_of "$(nth 3)" | jq -r '.heads[0].sha256')" "$(label_of "$(nth 2)" | sha256sum | cut -d' ' -f1)"
    label_of "$(nth 3)" >"$T/label.json"
    valid_json label "$T/label.json"
    expect_status 0 chain
    expect_equal "$output" ''
    expect_status 0 chain -v
    expect_text '3 labels' '1 signer' 'nothing is missing'
    expect_status 0 chain shop --json
    expect_equal "$(jq -c '[.equal, .chain.labels, .findings]' <<<"$output")" '[true,3,[]]'
    printf '%s' "$output" >"$T/chain.json"
    valid_json verify "$T/chain.json"
    expect_status 2 chain shop --backup latest
    expect_status 1 chain nothing
}

@test "what a prune expires is not missed, whatever is left" {
    history 4
    admin_policy --keep-last 2
    expect_status 0 storage prune
    expect_equal "$(backup_count)" 2
    expect_status 0 chain
    expect_equal "$output" ''
    local t
    t=$(find "$T/signed/shop/tombstones" -type f | head -n 1)
    head -n 1 "$t" >"$T/tombstone.json"
    valid_json tombstone "$T/tombstone.json"
    expect_equal "$(jq -r .signer "$T/tombstone.json")" "$(key_id host)"
    history 2
    expect_status 0 storage prune
    expect_status 0 chain
    expect_status 0 restore shop --list
    [[ $output != *warning* ]]
    # A host that remembers nothing goes on counting.
    rm -r "$T/state"
    history 1
    expect_equal "$(label_of "$(last)" | jq .sequence)" 7
    expect_status 0 chain
}

@test "a signer all of whose labels have expired goes on counting, by the tombstones" {
    history 2
    expect_status 0 as_key other backup shop
    admin_policy --keep-last 1
    expect_status 0 storage prune
    expect_equal "$(backup_count)" 1
    expect_status 0 chain
    expect_equal "$output" ''
    rm -r "$T/state"
    history 1
    expect_equal "$(label_of "$(last)" | jq -r '[.signer, .sequence] | join(" ")')" "$(key_id host) 3"
    expect_status 0 chain
    # Tombstones of an older program do not say: what cannot be checked is said, and is no alarm.
    local t
    rm -r "$T/state"
    for t in "$T"/signed/shop/tombstones/*; do
        chmod u+w "$t"
        jq -c 'del(.signer, .sequence, .label_sha256)' <(head -n 1 "$t") >"$T/t" && cat "$T/t" >"$t"
    done
    expect_status 0 pgassay verify chain --json --repo "$T/signed"
    expect_equal "$(jq -r '.findings[].what' <<<"$output" | cut -d, -f1 | tail -n +2)" 'numbers 1 to 2 are missing'
    # Nor does one that nobody trusted has signed bury anything.
    expect_status 3 chain
    expect_text 'not trusted' 'numbers 1 to 2 are missing: at least 2 backups'
}

@test "a label in the middle removed, or unreadable" {
    history 3
    local middle
    middle=$(nth 2)
    rm "$T/signed/shop/backups/$middle/label.json"
    rm -r "$T/state"
    expect_status 3 chain --json
    expect_equal "$(jq -r '[.findings[] | select(.class == "different") | .object] | sort | join(" ")' <<<"$output")" \
        "shop/backups/$middle shop: key $(key_id host)"
    printf '%s' "$output" >"$T/chain.json"
    valid_json verify "$T/chain.json"
    expect_status 3 chain
    expect_text "$middle: missing: it was removed, and no prune says so: $(nth 3) saw it" 'number 2 is missing' 'has no label' BROKEN
    # An unreadable one is neither missing nor proven.
    history 1
    chmod u+w "$T/signed/shop/backups/$(nth 3)/label.json"
    echo '{' >"$T/signed/shop/backups/$(nth 3)/label.json"
    expect_status 3 chain
    expect_text "$(nth 3): its label cannot be read" 'numbers 2 to 3 are missing: at least 1 backup'
}

@test "two signers count for themselves, and a copy belongs to who copies" {
    expect_status 0 backup shop
    expect_status 0 as_key other backup shop
    expect_status 0 backup shop
    expect_status 0 as_key other backup shop
    expect_equal "$(for i in 1 2 3 4; do label_of "$(nth $i)" | jq .sequence; done | xargs)" '1 1 2 2'
    expect_status 0 chain
    local first second
    first=$(nth 1) second=$(nth 2)
    cp -r "$T/signed" "$T/kept"
    rm -r "$T/signed/shop/backups/$second"
    expect_status 3 chain
    expect_text "key $(key_id other): number 1 is missing"
    [[ $output != *"key $(key_id host)"* ]]
    put_back
    # A copy is numbered where it comes to, and names what was there.
    cat >"$T/copy.conf" <<INI
$(cat "$T/signed.conf")
[repo copy]
path = $T/copy
sign-key = $T/other
trust-backup = $T/other.pub
INI
    rm -rf "$T/copy"
    expect_status 0 pgassay storage init copy --config "$T/copy.conf"
    expect_status 0 pgassay storage copy signed copy shop --config "$T/copy.conf"
    expect_equal "$(for i in 1 2 3 4; do head -n 1 "$T/copy/shop/backups/$(nth $i)/label.json" | jq -r '[.signer, .sequence] | join(" ")'; done | xargs)" \
        "$(key_id other) 1 $(key_id other) 2 $(key_id other) 3 $(key_id other) 4"
    expect_equal "$(head -n 1 "$T/copy/shop/backups/$second/label.json" | jq -r '.heads[].backup')" "$first"
    expect_status 0 pgassay verify chain --repo copy --config "$T/copy.conf"
    rm "$T/copy/shop/backups/$second/label.json"
    expect_status 3 pgassay verify chain --repo copy --config "$T/copy.conf"
    expect_text 'number 2 is missing'
}

@test "what another repository still has comes back by a copy, and the chain is whole again" {
    rm -rf "$T/offsite"
    expect_status 0 pgassay storage init "$T/offsite"
    printf '[repo offsite]\npath = %s\n%s\n' "$T/offsite" "$(cat "$T/signed.conf")" >"$T/both.conf"
    export PGASSAY_CONFIG=$T/both.conf
    history 1
    keep
    REPO=signed,offsite backups 1
    local newest
    newest=$(last)
    put_back
    expect_status 3 chain
    expect_status 0 pgassay storage copy offsite signed shop
    expect_equal "$(label_of "$newest" | jq .copied_from.replaces)" true
    expect_status 0 restore shop --list
    [[ $output != *warning* ]]
    expect_status 0 backup shop
    expect_equal "$output" ''
    expect_status 0 chain -v
    expect_text 'number 2 is missing, which cannot be checked' 'nothing is missing'
    export PGASSAY_CONFIG=$T/signed.conf
}

@test "two histories under one key are told" {
    history 1
    keep
    history 1
    local one
    one=$(nth 2)
    cp -r "$T/signed/shop/backups/$one" "$T/one"
    put_back
    rm -r "$T/state"
    history 1
    cp -r "$T/one" "$T/signed/shop/backups/$one"
    rm -r "$T/state"
    expect_status 3 chain
    expect_text 'number 2 was given twice'
}

@test "all of a database removed: this host still knows its name" {
    history 1
    rm -r "$T/signed/shop"
    expect_status 3 chain
    expect_text 'missing' 'number 1 is missing'
}

@test "labels of an older program are accepted without a word, and the first new one names them all" {
    unsigned
    history 2
    local l
    for l in "$REPO"/shop/backups/*/label.json; do
        chmod u+w "$l"
        jq -c 'del(.heads, .signer, .sequence)' "$l" >"$T/l" && cat "$T/l" >"$l"
    done
    rm -r "$T/state"
    expect_status 0 restore shop --list
    [[ $output != *warning* ]]
    expect_status 0 chain --json
    expect_text '2 of 2 labels were written by an older program'
    expect_status 0 backup shop
    expect_equal "$output" ''
    expect_equal "$(label_of "$(nth 3)" | jq -r '[.heads[].backup] | join(" ")')" "$(nth 1) $(nth 2)"
    rm -r "$REPO/shop/backups/$(nth 1)"
    expect_status 3 chain
}
