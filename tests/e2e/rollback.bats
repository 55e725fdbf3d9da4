#!/usr/bin/env bats
# An old state of a repository put back: a host that has seen more notices, and --max-age needs no memory.

load chain

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
    jq -e --arg n "$newest" '.findings[] | select(.group == "backup" and .want == $n)' <<<"$(sed -n '/^{/,$p' <<<"$output")"
    # The backup that was drilled is as good as any.
    expect_status 0 storage list
    expect_text proven
    expect_status 3 chain
    expect_text "backups/$newest: missing" 'this host saw it' 'number 3 is missing'
    # Whoever names an older one knows it.
    expect_status 0 restore shop --list --backup "$(nth 2)"
    [[ $output != *warning* ]]
    expect_status 0 restore shop --list --at now
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
    expect_equal "$(grep -c -- '-> pgassay backup shop$' <<<"$output")" 1
    expect_status 0 drill shop --max-age 26h
    expect_status 3 pgassay verify live shop --repo "$REPO" -d "$(pg_uri shop)" --max-age 1s
    expect_status 0 pgassay verify live shop --repo "$REPO" -d "$(pg_uri shop)" --max-age 2d
    expect_status 2 restore shop --list --max-age soon
    expect_text 'max-age "soon" is not a time such as 30m'
    expect_status 2 chain --max-age 1h
    # From the configuration it is about the newest; whoever names one has it.
    printf 'max-age = 1s\n%s\n' "$(cat "$T/signed.conf")" >"$T/age.conf"
    expect_status 1 restore shop --list --config "$T/age.conf"
    expect_text "--backup $(nth 1) restores it anyway"
    expect_status 0 restore shop --list --config "$T/age.conf" --backup "$(nth 1)"
    expect_status 0 restore shop --list --config "$T/age.conf" --max-age 1h
    expect_status 0 chain --config "$T/age.conf"
}

@test "an unsigned repository: heads and memory tell what they can" {
    unsigned
    history 2
    keep
    history 1
    expect_equal "$(label_of "$(nth 3)" | jq -c '[.signer, .sequence, .heads[].backup]')" "[null,null,\"$(nth 2)\"]"
    expect_status 0 chain --json
    expect_equal "$(jq -r '[.findings[].class] | join(" ")' <<<"$output")" note
    expect_text 'requires no signature'
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

@test "a memory that is garbage, cannot be read or cannot be written stops nobody" {
    history 1
    local f
    f=$(find "$T/state" -name shop.seen)
    expect_equal "$(stat -c %a "$f")" 600
    expect_equal "$(jq -r .backup "$f")" "$(nth 1)"
    echo '{"format":1' >"$f"
    expect_status 0 restore shop --list
    expect_text 'cannot be read' 'is started anew'
    expect_equal "$(grep -c 'is started anew' <<<"$output")" 1
    [ -f "$f.bad" ]
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
