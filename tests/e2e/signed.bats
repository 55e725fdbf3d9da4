#!/usr/bin/env bats
# Signatures: what a host trusts it uses, what nobody trusted has signed decides nothing, and a forger changes no restore.

load lib
setup_file() {
    e2e_setup
    pg_start main
    db_make shop small.sql
    local k
    for k in admin host drill mallory; do pgassay storage keygen "$T/$k"; done
    cat >"$T/signed.conf" <<INI
[repo signed]
path = $T/signed
sign-key = $T/host
trust-backup = $T/host.pub
trust-prune = $T/host.pub
trust-drill = $T/drill.pub
trust-admin = $T/admin.pub
[repo same]
path = $T/signed
INI
    cp "$T/signed.conf" "$T/kept.conf"
    pgassay storage init signed --config "$T/signed.conf" --repo-option "sign-key=$T/admin"
    cp -r "$T/signed" "$T/empty"
}
teardown_file() { e2e_teardown; }
setup() {
    rm -rf "$T/signed" "$T/state"
    mkdir -m 700 "$T/state"
    cp -r "$T/empty" "$T/signed"
    export PGASSAY_CONFIG=$T/signed.conf REPO=signed
}

as_key() { local k=$1; shift; "$@" --repo-option "sign-key=$T/$k"; }
object() { echo "$T/signed/shop/backups/$(ls "$T/signed/shop/backups" | tail -n 1)/$1"; }
# The file's first line changed by sed, its signature kept.
forge() { chmod u+w "$1" && sed -i "1$2" "$1"; }

@test "what is written is signed, by whom it says, and good to whoever trusts him" {
    expect_status 0 backup shop
    expect_equal "$(wc -l <"$(object label.json)")" 2
    expect_equal "$(sed -n 2p "$(object label.json)" | jq -r .key)" "$(jq -r .id "$T/host.pub")"
    expect_status 0 restore shop --to shop_back
    db_same shop shop_back
    db_drop shop_back
    expect_status 0 as_key drill drill shop
    expect_status 0 storage list
    expect_text proven
    # Unchanged rows are not stored again: what is signed by a trusted key may be reused.
    expect_status 0 backup shop
    [ "$(head -n 1 "$(object label.json)" | jq .new_chunks)" -le 2 ]
}

@test "who may do what: doctor and --print-config say what the keys come to, for a role without any, too" {
    local tool host admin
    host="host ($(jq -r .id "$T/host.pub"))" admin="admin ($(jq -r .id "$T/admin.pub"))"
    for tool in 'storage list' 'storage doctor' 'restore shop --to x' 'backup shop' 'verify objects shop'; do
        # shellcheck disable=SC2086  # a command and its arguments
        expect_status 0 pgassay $tool --repo signed --print-config
        expect_text '; who may do what in signed:' ";   trust-backup: $host, and the administrator" ";   trust-admin: $admin"
    done
    # What stands in comments changes nothing: it can be read again.
    printf '%s\n' "$output" >"$T/again.conf"
    expect_status 0 storage list --config "$T/again.conf"
    expect_status 0 storage doctor --repo-option trust-prune= --repo-option trust-drill=
    expect_text "trust-backup: $host, and the administrator" "trust-prune: the administrator, and this host's own key"
    expect_status 0 storage doctor --repo-option trust-prune= --repo-option sign-key=
    expect_text "trust-prune: the administrator only"
    [[ $output != *"own key"* ]]
    expect_status 0 storage doctor --repo-option trust-prune= --repo-option trust-admin= --repo-option sign-key=
    expect_text "trust-prune: no key: nothing of this kind is trusted" "trust-admin: no key; the repository's own settings are accepted unsigned"
    expect_status 0 pgassay storage doctor --repo same
    expect_text 'no trust- key is set'
    doctor 0 --repo signed
    [[ $(verdict trust) == 'good good good good' ]]
}

@test "a host that asks nobody reads it, and its unsigned backup is nothing to those who ask" {
    expect_status 0 backup shop
    expect_status 0 pgassay storage list --repo same
    expect_status 0 pgassay backup shop --repo same
    expect_equal "$(wc -l <"$(object label.json)")" 1
    expect_status 0 storage list
    expect_text untrusted 'it is not signed'
    # The newest is the newest that is trusted; the other is taken by nobody who does not name it.
    expect_status 0 restore shop --to shop_back
    expect_text warning 'is not trusted, and passed over'
    db_drop shop_back
    expect_status 1 restore shop --to nothing --backup "$(ls "$T/signed/shop/backups" | tail -n 1)"
    expect_text 'not trusted'
    expect_no_db nothing
    # Who trusts anybody at all believes nothing that is unsigned, his own backups included.
    expect_status 1 pgassay backup shop --repo same --repo-option "trust-admin=$T/admin.pub"
    expect_text 'no key to sign with'
    expect_status 1 pgassay storage policy --keep-last 2 --repo same --repo-option "trust-admin=$T/admin.pub"
    # It holds up a prune, which removes nothing, and no drill of it proves anything.
    expect_status 1 storage prune
    expect_text 'nothing was removed'
    expect_status 1 as_key drill drill shop --backup "$(ls "$T/signed/shop/backups" | tail -n 1)"
    expect_status 0 as_key drill drill shop --allow-unsigned
    expect_text 'allow-unsigned'
    expect_status 0 pgassay storage list --repo same --json
    expect_equal "$(jq '[.databases[0].backups[] | select(.proven)] | length' <<<"$output")" 0
    expect_status 0 restore shop --to shop_foreign --allow-unsigned
    expect_text warning
    db_drop shop_foreign
    # Whoever asks for a check is told by its status that the newest was passed over.
    expect_status 3 as_key drill drill shop
    expect_text 'is not the newest that stands there' 'is not trusted, and passed over'
}

@test "a host that trusts no pruner believes no tombstone and no revocation but an administrator's" {
    local newest run args
    expect_status 0 backup shop
    expect_status 0 backup shop
    newest=$(ls "$T/signed/shop/backups" | tail -n 1)
    run=$(head -n 1 "$(object label.json)" | jq -r .run)
    # As docs/security.md sets up the host that restores: it has no trust-prune, and no key to sign with.
    args=(--repo same --repo-option "trust-admin=$T/admin.pub" --repo-option "trust-backup=$T/host.pub"
          --repo-option "trust-drill=$T/drill.pub")
    mkdir -p "$T/signed/shop/tombstones" "$T/signed/shop/runs"
    jq -nc --arg b "$newest" --arg r "$run" '{format: 1, needs: [], type: "tombstone", backup: $b, run: $r,
        expired: "2026-01-01T00:00:00Z", by: "abababababababab", tool: "x"}' >"$T/signed/shop/tombstones/$newest.$run.json"
    : >"$T/signed/shop/runs/$run.revoked"
    expect_status 0 pgassay storage list "${args[@]}" --json
    expect_equal "$(jq -r '.databases[0].backups[-1].backup' <<<"$(sed -n '/^{/,$p' <<<"$output")")" "$newest"
    expect_status 0 pgassay restore shop --list "${args[@]}" --json
    expect_text "$newest"
    expect_status 0 pgassay verify objects shop "${args[@]}"
    expect_status 3 pgassay verify chain shop "${args[@]}"
    expect_text 'not trusted'
    # An administrator's tombstone counts, whatever trust-prune says.
    rm "$T/signed/shop/tombstones/"*
    expect_status 0 as_key admin storage prune --config "$T/signed.conf"
}

@test "somebody else's key, one of another role, and none: refused before anything is written" {
    local before
    before=$(cd "$T/signed" && find . | sort)
    expect_status 1 as_key mallory backup shop
    expect_text 'not trusted for backups'
    expect_status 1 as_key drill backup shop
    sed -i '/^sign-key/d' "$T/signed.conf"
    expect_status 1 backup shop
    expect_text 'no key to sign with'
    cp "$T/kept.conf" "$T/signed.conf"
    expect_status 1 storage policy --keep-last 3
    expect_text 'not trusted for administration'
    expect_equal "$(cd "$T/signed" && find . | sort)" "$before"
    expect_status 0 as_key admin storage policy --keep-last 3
    expect_status 0 storage policy --json
    expect_equal "$(jq .policy.keep_last <<<"$output")" 3
}

@test "a label that was changed, moved, cut or signed by a forger: each its own words, and never a restored row" {
    local l
    expect_status 0 backup shop
    l=$(object label.json)
    cp "$l" "$T/label"
    forge "$l" 's/"note":null/"note":"x"/; s/"rows":[0-9]*/"rows":1/'
    expect_status 1 restore shop --to nothing
    expect_text 'signature is wrong'
    head -n 1 "$T/label" >"$l"
    expect_status 1 restore shop --to nothing
    expect_text 'not signed'
    { cat "$T/label"; echo '{}'; } >"$l"
    expect_status 1 restore shop --to nothing
    expect_text 'something follows'
    { head -n 1 "$T/label"; sed -n 2p "$T/label" | cut -c1-40; } >"$l"
    expect_status 1 restore shop --to nothing
    expect_text 'signature cannot be read'
    sed "2s/\"key\":\"[0-9a-f]*\"/\"key\":\"$(jq -r .id "$T/mallory.pub")\"/" "$T/label" >"$l"
    expect_status 1 restore shop --to nothing
    expect_text 'not trusted for backups'
    cp "$T/label" "$l"
    expect_status 0 restore shop --to shop_back
    db_drop shop_back
    expect_no_db nothing
}

@test "a forged policy and source are passed over, and a forged tombstone buries nothing" {
    expect_status 0 as_key admin storage policy --keep-last 5
    expect_status 0 backup shop
    sed '1s/"keep_last":5/"keep_last":1/' "$T/signed/repo.2.json" >"$T/signed/repo.3.json"
    if cmp -s "$T/signed/repo.2.json" "$T/signed/repo.3.json"; then return 1; fi
    expect_status 0 storage policy
    expect_text 'passed over'
    expect_equal "$(storage policy --json 2>/dev/null | jq .policy.keep_last)" 5
    rm "$T/signed/repo.3.json"
    head -n 1 "$T/signed/shop/source.json" | jq -c '.database_oid = 99' >"$T/signed/shop/source.2.json"
    expect_status 0 storage list
    expect_text 'source.2.json' 'passed over'
    expect_status 0 backup shop
    expect_status 0 backup shop --adopt
    rm "$T/signed/shop/source.json" && mv "$T/signed/shop/source.2.json" "$T/signed/shop/source.json"
    expect_status 1 backup shop
    expect_text 'source.json' 'not signed'
    rm "$T/signed/shop/source.json"
    expect_status 0 backup shop --adopt
    local id run
    id=$(basename "$(dirname "$(object label.json)")")
    run=$(head -n 1 "$(object label.json)" | jq -r .run)
    mkdir -p "$T/signed/shop/tombstones"
    printf '{"backup":"%s","by":"%s","expired":"2026-01-01T00:00:00Z","format":1,"needs":[],"run":"%s","tool":"x","type":"tombstone"}\n' \
        "$id" "$run" "$run" >"$T/signed/shop/tombstones/$id.$run.json"
    expect_status 0 storage list
    expect_text "$id" 'passed over'
    expect_status 0 storage prune
    [ -e "$(object label.json)" ]
    expect_status 0 restore shop --to shop_back
    db_drop shop_back
}

@test "settings that were taken away: nothing is removed or changed under older ones, and they come back signed as they were" {
    local id at other=$T/other.state
    expect_status 0 backup shop
    expect_status 0 as_key admin storage policy --keep-last 1
    expect_status 0 as_key admin storage policy --keep-last 30
    expect_status 0 backup shop
    expect_equal "$(head -n 1 "$(object label.json)" | jq .settings)" 3
    id=$(basename "$(dirname "$(object label.json)")")
    cp -r "$T/signed" "$T/whole"
    # The host that has seen them, and one that has seen nothing, to which a label tells it; removed, or spoilt.
    for at in "$T/state" "$other"; do
        rm -rf "$T/signed" "$other"
        mkdir -m 700 "$other"
        cp -r "$T/whole" "$T/signed"
        rm "$T/signed/repo.3.json"
        [ "$at" = "$other" ] || echo '{}' >"$T/signed/repo.3.json"
        PGASSAY_STATE_DIR=$at expect_status 1 storage prune
        expect_text repo.3.json 'nothing was removed' 'storage recover'
        PGASSAY_STATE_DIR=$at expect_status 3 storage list --check
        expect_text repo.3.json
        PGASSAY_STATE_DIR=$at expect_status 3 pgassay verify chain --repo signed
        expect_text 'older settings are in force'
        PGASSAY_STATE_DIR=$at expect_status 3 pgassay verify objects --repo signed
        expect_text 'older settings are in force'
        expect_equal "$(ls "$T/signed/shop/backups" | wc -l)" 2
    done
    expect_status 0 storage list
    expect_text warning repo.3.json
    expect_status 0 restore shop --to shop_back
    db_same shop shop_back
    db_drop shop_back
    expect_status 1 as_key admin storage policy --keep-last 2
    expect_status 3 drill shop
    # Back from the copy beside the backup, whose signature holds for this name: by anybody.
    expect_status 0 storage recover --dry-run
    expect_text "repo.3.json would be written from shop/backups/$id/repo.json"
    [ ! -e "$T/signed/repo.3.json" ]
    storage recover --json >"$T/recover.json"
    valid_json recover "$T/recover.json"
    cmp "$T/whole/repo.3.json" "$T/signed/repo.3.json"
    expect_status 0 storage list --check
    expect_status 0 storage prune
    expect_equal "$(storage policy --json | jq .policy.keep_last)" 30
    # All gone: the first two have no copy of the second, whose place only the administrator can fill.
    rm "$T/signed"/repo.*.json
    expect_status 1 storage list
    expect_text 'storage recover'
    expect_status 1 storage recover
    expect_text 'there is no copy of "repo.2.json"' sign-key
    expect_equal "$(find "$T/signed" -maxdepth 1 -name 'repo.*')" ""
    expect_status 0 as_key admin storage recover
    expect_equal "$(find "$T/signed" -maxdepth 1 -name 'repo.*' | wc -l)" 3
    cmp "$T/whole/repo.1.json" "$T/signed/repo.1.json"
    expect_equal "$(storage policy --json | jq .policy.keep_last)" 30
    expect_status 0 storage list --check
    # Something else in the newest's place is not overwritten.
    echo '{}' >"$T/empty.repo" && rm "$T/signed/repo.3.json" && cp "$T/empty.repo" "$T/signed/repo.3.json"
    expect_status 1 as_key admin storage recover
    expect_text 'not to be trusted'
    expect_equal "$(cat "$T/signed/repo.3.json")" '{}'
}

@test "copies are signed by who copies, and believed by who trusts him" {
    expect_status 0 backup shop
    cat >"$T/copy.conf" <<INI
$(cat "$T/kept.conf")
[repo copy]
path = $T/copy
sign-key = $T/mallory
trust-backup = $T/mallory.pub
INI
    export PGASSAY_CONFIG=$T/copy.conf
    expect_status 0 pgassay storage init copy
    expect_status 0 pgassay storage copy signed copy shop
    expect_status 0 pgassay restore shop --repo copy --to shop_back
    db_same shop shop_back
    db_drop shop_back
    expect_status 1 pgassay restore shop --repo copy --repo-option "trust-backup=$T/host.pub" --to nothing
    expect_text 'not trusted'
}

@test "secret key files: a passphrase, their mode, and no secret in any output" {
    printf 'open sesame\n' >"$T/pass"
    chmod 600 "$T/pass"
    rm -f "$T/locked" "$T/locked.pub"
    expect_status 0 pgassay storage keygen "$T/locked" --passphrase-file "$T/pass" --key-name 'the host' --json
    expect_equal "$(jq -r .name <<<"$output")" 'the host'
    expect_equal "$(stat -c %a "$T/locked")" 600
    expect_status 1 pgassay storage keygen "$T/locked"
    expect_text 'File exists'
    export PGASSAY_PASSPHRASE_FILE=$T/pass
    expect_status 0 as_key locked backup shop -v --repo-option "trust-backup=$T/locked.pub"
    [[ $output != *sesame* ]]
    printf 'close sesame\n' >"$T/pass"
    expect_status 1 as_key locked backup shop --repo-option "trust-backup=$T/locked.pub"
    expect_text 'not the right one'
    unset PGASSAY_PASSPHRASE_FILE
    expect_status 1 as_key locked backup shop --repo-option "trust-backup=$T/locked.pub" </dev/null
    expect_text 'no terminal'
    chmod 644 "$T/mallory"
    expect_status 1 as_key mallory backup shop
    expect_text 'others may read it' 'chmod 600'
    chmod 600 "$T/mallory"
    if grep -rqF "$(jq -r .secret "$T/host")" "$T/signed" "$PGASSAY_STATE_DIR"; then return 1; fi
}
