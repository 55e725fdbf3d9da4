#!/usr/bin/env bats
# An old state of a repository put back, or a backup taken away: who has seen it notices, and the labels themselves tell.

load lib
setup_file() {
    e2e_setup
    pg_start main
    db_make shop small.sql
    local k
    for k in admin host other; do pgassay storage keygen "$T/$k"; done
    cat >"$T/signed.conf" <<INI
[repo signed]
path = $T/signed
sign-key = $T/host
trust-backup = $T/host.pub, $T/other.pub
trust-prune = $T/host.pub
trust-drill = $T/host.pub
trust-admin = $T/admin.pub
INI
    export PGASSAY_CONFIG=$T/signed.conf
}
teardown_file() { e2e_teardown; }

# Each test has a repository and a memory of its own.
setup() {
    rm -rf "$T/signed" "$T/state" "$T/kept"
    pgassay storage init signed --repo-option "sign-key=$T/admin"
    export REPO=signed
}
unsigned() { repo_new plain; }

where() { [ "$REPO" = signed ] && echo "$T/signed" || echo "$REPO"; }
ids() { ls "$(where)/shop/backups"; }
last() { ids | tail -n 1; }
nth() { ids | sed -n "$1p"; }
label_of() { head -n 1 "$(where)/shop/backups/$1/label.json"; }
key_id() { jq -r .id "$T/$1.pub"; }
chain() { pgassay verify chain --repo "$REPO" "$@"; }
backups() { local i; for ((i = 0; i < $1; i++)); do backup shop || return 1; done; }
as_key() { local k=$1; shift; "$@" --repo-option "sign-key=$T/$k"; }
keep() { cp -r "$(where)" "$T/kept"; }
put_back() { rm -rf "$(where)" && cp -r "$T/kept" "$(where)"; }
admin_policy() { as_key admin storage policy "$@"; }

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

@test "an old state put back: restore says so and restores, drill and chain end with 3, and the next backup warns" {
    local newest
    backups 2
    keep
    backups 1
    newest=$(nth 3)
    put_back
    expect_status 0 restore shop --to shop_back
    expect_text warning "the newest backup is $(nth 2)" "has seen $newest" 'no prune says so' 'A backup is missing'
    db_same shop shop_back
    db_drop shop_back
    # It is not forgotten by being told.
    expect_status 0 restore shop --list --json
    expect_text "$newest"
    expect_status 3 drill shop --json
    jq -e --arg n "$newest" '.findings[] | select(.group == "backup" and .want == $n)' <<<"$(sed -n '/^{/p' <<<"$output")"
    # The backup that was drilled is as good as any.
    expect_status 0 storage list
    expect_text proven
    expect_status 3 chain
    expect_text "backups/$newest: missing" 'this host saw it' 'number 3 is missing'
    # Whoever names an older one knows it.
    expect_status 0 restore shop --list --backup "$(nth 2)"
    [[ $output != *warning* ]]
    expect_status 0 restore shop --list --at "$(date -d '+1 minute' '+%F %T')"
    [[ $output != *warning* ]]
    # The number that was lost is not given again.
    expect_status 0 backup shop
    expect_text "has seen $newest" 'verify chain shop'
    expect_equal "$(label_of "$(nth 3)" | jq .sequence)" 4
    # Now a host that has seen nothing of it can tell.
    rm -r "$T/state"
    expect_status 3 chain
    expect_text 'number 3 is missing' "between $(nth 2) and $(nth 3)"
    expect_status 0 restore shop --list
    [[ $output != *warning* ]]
}

@test "what a prune expires is not missed, whatever is left" {
    backups 4
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
    backups 2
    expect_status 0 storage prune
    expect_status 0 chain
    expect_status 0 restore shop --list
    [[ $output != *warning* ]]
    # A host that remembers nothing goes on counting.
    rm -r "$T/state"
    backups 1
    expect_equal "$(label_of "$(last)" | jq .sequence)" 7
    expect_status 0 chain
}
backup_count() { find "$(where)/shop/backups" -name label.json | wc -l; }

@test "a signer all of whose labels have expired goes on counting, by the tombstones" {
    backups 2
    expect_status 0 as_key other backup shop
    admin_policy --keep-last 1
    expect_status 0 storage prune
    expect_equal "$(backup_count)" 1
    expect_status 0 chain
    expect_equal "$output" ''
    rm -r "$T/state"
    backups 1
    expect_equal "$(label_of "$(last)" | jq -r '[.signer, .sequence] | join(" ")')" "$(key_id host) 3"
    expect_status 0 chain
    # Tombstones of an older program do not say: what cannot be checked is said, and is no alarm.
    local t
    rm -r "$T/state"
    for t in "$T"/signed/shop/tombstones/*; do
        chmod u+w "$t"
        jq -c 'del(.signer, .sequence, .label_sha256)' <(head -n 1 "$t") >"$T/t" && cat "$T/t" >"$t"
    done
    expect_status 0 chain --json --repo-option "trust-prune="
    expect_equal "$(jq -r '.findings[].what' <<<"$output" | cut -c 1-34)" 'number 1 to 2 cannot be checked: a'
    # Nor does one that nobody trusted has signed bury anything.
    expect_status 3 chain
    expect_text 'not trusted' 'number 1 to 2 is missing'
}

@test "a label in the middle removed, or unreadable" {
    backups 3
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
    backups 1
    chmod u+w "$T/signed/shop/backups/$(nth 3)/label.json"
    echo '{' >"$T/signed/shop/backups/$(nth 3)/label.json"
    expect_status 3 chain
    expect_text "$(nth 3): its label cannot be read" 'number 2 is missing'
}

@test "max-age: an old backup is refused before anything is made, and is a finding" {
    backups 1
    sleep 2
    expect_status 1 restore shop --to nothing --max-age 1s
    expect_text 'max-age is 1s' 'without --max-age'
    expect_no_db nothing
    expect_status 0 restore shop --to shop_back --max-age 1h
    db_drop shop_back
    expect_status 3 drill shop --max-age 1s
    expect_text 'is older than max-age allows: want 1s'
    expect_status 0 drill shop --max-age 26h
    expect_status 3 pgassay verify live shop --repo "$REPO" -d "$(pg_uri shop)" --max-age 1s
    expect_status 0 pgassay verify live shop --repo "$REPO" -d "$(pg_uri shop)" --max-age 2d
    expect_status 2 restore shop --list --max-age soon
    expect_text 'max-age "soon" is not a time such as 30m'
    expect_status 2 chain --max-age 1h
    # From the configuration it is about the newest; whoever names one has it.
    printf 'max-age = 1s\n%s\n' "$(cat "$T/signed.conf")" >"$T/age.conf"
    expect_status 1 restore shop --list --config "$T/age.conf"
    expect_text "--backup $(nth 1) restores it all the same"
    expect_status 0 restore shop --list --config "$T/age.conf" --backup "$(nth 1)"
    expect_status 0 restore shop --list --config "$T/age.conf" --max-age 1h
    expect_status 0 chain --config "$T/age.conf"
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

@test "two histories under one key are told" {
    backups 1
    keep
    backups 1
    local one
    one=$(nth 2)
    cp -r "$T/signed/shop/backups/$one" "$T/one"
    put_back
    rm -r "$T/state"
    backups 1
    cp -r "$T/one" "$T/signed/shop/backups/$one"
    rm -r "$T/state"
    expect_status 3 chain
    expect_text 'number 2 was given twice'
}

@test "an unsigned repository: heads and memory tell what they can" {
    unsigned
    backups 2
    keep
    backups 1
    expect_equal "$(label_of "$(nth 3)" | jq -c '[.signer, .sequence, .heads[].backup]')" "[null,null,\"$(nth 2)\"]"
    expect_status 0 chain --json
    expect_equal "$(jq -r '[.findings[].class] | join(" ")' <<<"$output")" note
    expect_text 'asks for nobody'
    local newest
    newest=$(nth 3)
    put_back
    expect_status 0 restore shop --list
    expect_text warning "has seen $newest"
    expect_status 3 chain
    expect_text "$newest: missing"
    # What the labels name does not need a memory.
    rm -r "$T/state" "$REPO/shop/backups/$(nth 1)"
    expect_status 3 chain
    expect_text 'missing' "$(nth 1) saw it"
}

@test "all of a database removed: this host still knows its name" {
    backups 1
    rm -r "$T/signed/shop"
    expect_status 3 chain
    expect_text 'missing' 'number 1 is missing'
}

@test "labels of an older program are accepted without a word, and the first new one names them all" {
    unsigned
    backups 2
    local l
    for l in "$REPO"/shop/backups/*/label.json; do
        chmod u+w "$l"
        jq -Sc 'del(.heads, .signer, .sequence)' "$l" >"$T/l" && cat "$T/l" >"$l"
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

@test "a memory that is garbage, cannot be read or cannot be written stops nobody" {
    backups 1
    local f
    f=$(find "$T/state" -name shop.seen)
    expect_equal "$(stat -c %a "$f")" 600
    expect_equal "$(jq -r .backup "$f")" "$(nth 1)"
    echo '{"format":1' >"$f"
    expect_status 0 restore shop --list
    expect_text 'cannot be read' 'begins anew'
    expect_status 0 restore shop --list
    [[ $output != *warning* ]]
    expect_equal "$(jq -r .backup "$f")" "$(nth 1)"
    rm -r "$T/state"
    echo 'not a directory' >"$T/state"
    expect_status 0 restore shop --list
    [[ $output != *warning* ]]
    expect_status 0 chain
    rm "$T/state"
}
