#!/usr/bin/env bats
# verify history: what was done is there, by whom; what was changed, taken away or put in later does not go unseen.

load lib
setup_file() {
    e2e_setup
    pg_start main
    db_make shop small.sql
}
teardown_file() { e2e_teardown; }

records() { find "$REPO/shop/ledger" -name '*.json' | sort; }
history() { pgassay verify history "${1:-shop}" --repo "$REPO" --json "${@:2}" >"$T/history.json"; }
events() { jq -r '[.databases[].entries[] | "\(.event) \(.verdict)"] | join(", ")' "$T/history.json"; }
# The one that no other names.
newest() {
    local r
    for r in $(records); do grep -qr "$(basename "$r" .json)" "$REPO/shop/ledger" || echo "$r"; done
}
findings() { jq -r '[.findings[] | "\(.class): \(.what)"] | unique | join(", ")' "$T/history.json"; }

@test "drill, restore, scrub, key drill: each is recorded, with what was looked at; a dry run is not" {
    repo_new all
    backup shop
    history
    expect_equal "$(events)" ''
    PGASSAY_RUN_ID=night-7 drill shop
    restore shop --to shop_back --no-analyze
    db_drop shop_back
    restore shop --to shop_back --dry-run
    restore shop --to shop_back --no-analyze --no-record
    expect_status 1 restore shop --to shop_back
    db_drop shop_back
    storage scrub
    history
    valid_json history "$T/history.json"
    expect_equal "$(jq -r '[.databases[0].entries[].run_id] | .[0], (map(. != null) | all)' "$T/history.json")" $'night-7\ntrue'
    expect_equal "$(events)" 'drill equal, restore complete, scrub good'
    expect_equal "$(jq -r '.databases[0].entries[0] | "\(.good) \(.chained) \(.what.different) \(.what.against | startswith("a restore on PostgreSQL"))"' "$T/history.json")" 'true true 0 true'
    expect_equal "$(jq '[.databases[0].entries[0, 1].what.rows] | .[0] == .[1] and .[0] > 0' "$T/history.json")" true
    local r
    for r in $(records); do head -n 1 "$r" >"$T/one.json" && valid_json ledger "$T/one.json"; done
    expect_status 0 pgassay verify history --repo "$REPO"
    expect_text shop 'drill' 'equal' 'recovered in' "to shop_back on" 'objects'
    # What ended before is left out, and is not missed.
    history shop --since "$(date -u -d 'now + 2 seconds' +%Y-%m-%dT%H:%M:%SZ)" && return 1
    sleep 1.1
    expect_status 0 pgassay verify history shop --repo "$REPO" --since "$(date -u +%Y-%m-%dT%H:%M:%SZ)"
    expect_text 'nothing since then; 3 records before'
    history shop --since 1d
    expect_equal "$(events)" 'drill equal, restore complete, scrub good'
    expect_status 2 pgassay verify history --repo "$REPO" --since soon
    expect_text soon
    # A drill of an older program stands in drills/ alone.
    rm -r "$REPO/shop/ledger"
    storage scrub
    PGASSAY_STATE_DIR=$T/elsewhere history && return 1
    rm -r "$REPO/shop/ledger"
    PGASSAY_STATE_DIR=$T/other storage scrub
    PGASSAY_STATE_DIR=$T/other history
    expect_equal "$(events)" 'drill equal, scrub good'
    expect_equal "$(jq -c '[.databases[0].entries[].chained]' "$T/history.json")" '[false,true]'
    expect_equal "$(jq -c '[.databases[0].entries[].run_id != null]' "$T/history.json")" '[false,true]'
}

@test "a record that is changed, taken away, or put in later is a finding, whoever looks" {
    repo_new tamper
    plant shop
    local n r kept
    for n in 1 2 3; do storage scrub shop; done
    history
    expect_equal "$(records | wc -l)" 3
    # Changed.
    r=$(records | sed -n 2p)
    kept=$(cat "$r")
    chmod u+w "$r"
    sed -i 's/"verdict":"good"/"verdict":"fine"/' "$r"
    expect_status 3 history
    expect_equal "$(findings)" 'different: a record was changed'
    printf '%s\n' "$kept" >"$r"
    expect_status 0 history
    # Taken away, seen by a host that knows nothing: the next one names it.
    r=$(records | grep -vF "$(newest)" | tail -n 1)
    mv "$r" "$T/away"
    PGASSAY_STATE_DIR=$T/nowhere expect_status 3 history
    expect_equal "$(findings)" 'different: a record was taken away'
    mv "$T/away" "$r"
    # The newest, which nothing names: this host remembers it, and from its next record on everybody does.
    r=$(newest)
    mv "$r" "$T/away"
    PGASSAY_STATE_DIR=$T/nowhere2 expect_status 0 history
    expect_status 3 history
    storage scrub shop
    PGASSAY_STATE_DIR=$T/nowhere3 expect_status 3 history
    expect_equal "$(findings)" 'different: a record was taken away'
    mv "$T/away" "$r"
    expect_status 0 history
    # All of them.
    mv "$REPO/shop/ledger" "$T/ledger.away"
    expect_status 3 history
    mv "$T/ledger.away" "$REPO/shop/ledger"
    r=$(records | head -n 1)
    # One that names itself right, and came when others had been written already, is not accepted by being named.
    r=$(records | head -n 1)
    line=$(head -n 1 "$r" | jq -c '.verdict = "made up" | .started = "2020-01-01T00:00:00Z" | .finished = .started')
    printf '%s\n' "$line" >"$T/line"
    cp "$T/line" "$REPO/shop/ledger/20200101T000000Z-000000-scrub-$(sha256sum <"$T/line" | cut -d ' ' -f 1).json"
    expect_status 3 history
    storage scrub shop
    expect_status 3 history
    expect_equal "$(findings | cut -c 1-44)" 'different: a record was put there later than'
}

@test "in a signed repository who signed is said, and what nobody trusted has signed is no record" {
    local k
    for k in host mallory; do pgassay storage keygen "$T/$k" -q; done
    repo_new signed
    backup shop --repo-option "sign-key=$T/host"
    storage scrub shop --repo-option "sign-key=$T/host"
    # Whoever is trusted for anything may write history, and nobody else.
    local trust=(--repo-option "trust-backup=$T/host.pub" --repo-option "trust-prune=$T/host.pub" --repo-option "trust-drill=$T/host.pub")
    history shop "${trust[@]}"
    expect_equal "$(jq -r '.databases[0] | "\(.signatures_checked) \(.entries[0].signer)"' "$T/history.json")" "true $(jq -r .id "$T/host.pub")"
    storage scrub shop --repo-option "sign-key=$T/mallory"
    expect_status 3 history shop "${trust[@]}"
    expect_equal "$(findings)" 'not_compared: a record cannot be read, or is not trusted'
    expect_equal "$(events)" 'scrub good'
    # Who could not be believed says so, and goes on.
    expect_status 0 storage scrub shop "${trust[@]}" --repo-option "sign-key=$T/mallory"
    expect_text 'this scrub is not in the history of "shop"' 'not trusted'
}

@test "of an encrypted backup what was looked at is shown to its readers alone; a key drill is recorded" {
    export REPO=$T/repo.sealed
    pgassay storage keygen "$T/reader" -q
    pgassay storage init --repo "$REPO" --encrypt-to "$T/reader.pub" -q
    backup shop
    pgassay verify key-drill shop --repo "$REPO" --identity "$T/reader"
    pgassay verify key-drill shop --repo "$REPO" --identity "$T/reader" --no-record
    storage scrub shop
    history
    expect_equal "$(events)" 'key-drill opened, scrub good'
    expect_equal "$(jq -c '[.databases[0].entries[] | .hidden, .what, .host]' "$T/history.json")" '[true,null,null,true,null,null]'
    expect_equal "$(grep -rl "$(hostname)" "$REPO/shop/ledger" | wc -l)" 0
    history shop --identity "$T/reader"
    valid_json history "$T/history.json"
    expect_equal "$(jq -r '.databases[0].entries[0].what.key_name' "$T/history.json")" reader
    expect_equal "$(jq -c '.databases[0].entries[1] | [.hidden, .what.objects > 0, .host]' "$T/history.json")" "[false,true,\"$(hostname)\"]"
}

# bats test_tags=user
@test "a restore by who may not write to the repository is not worse for it" {
    [ "$(id -u)" -ne 0 ] || [ -n "${E2E_AS_USER:-}" ] || skip 'root may write everywhere'
    repo_new readonly
    backup shop
    chmod -R a-w "$REPO"
    expect_status 0 restore shop --to shop_ro --no-analyze
    expect_equal "$output" ''
    chmod -R u+w "$REPO"
    history
    expect_equal "$(events)" ''
}
