#!/usr/bin/env bats
# docs/security.md, word for word: its configurations and its commands, on the machines that it describes.

load lib

PAGE=$TOP/docs/security.md
HOSTS='admin backup restore'

setup_file() {
    local h k
    e2e_setup
    pg_start main
    db_make shop small.sql
    export REPO=nightly
    for h in $HOSTS; do mkdir -p "$T/$h/etc/pgassay" "$T/$h/home/admin/keys"; mkdir -m 700 "$T/$h/state"; done
    (umask 077 && echo open-sesame >"$T/restore/etc/pgassay/ops.passphrase")
    pgassay storage keygen "$T/backup/etc/pgassay/db1"
    pgassay storage keygen "$T/restore/etc/pgassay/drill"
    pgassay storage keygen --passphrase-file "$T/restore/etc/pgassay/ops.passphrase" "$T/restore/etc/pgassay/ops"
    for k in admin escrow; do pgassay storage keygen "$T/admin/home/admin/keys/$k"; done
    for h in $HOSTS; do
        for k in "$T"/*/etc/pgassay/*.pub "$T"/*/home/admin/keys/*.pub; do
            cp -n "$k" "$T/$h/etc/pgassay"
            cp -n "$k" "$T/$h/home/admin/keys"
        done
    done
}
teardown_file() { e2e_teardown; }

# The block of the page that begins with this comment, with this test's places for the page's.
page_config() { # WORDS HOST
    awk -v words="$1" '/^ *```/ { on = 0 } index($0, words) { on = 1 } on' "$PAGE" | sed -e "s,s3://backups/db1,$T/$kind," \
        -e "s,/etc/pgassay/,$T/$2/etc/pgassay/,g" -e "s,/home/admin/keys,$T/$2/home/admin/keys,g" \
        -e "s,^\(repo-id *= \).*,\1$(cat "$T/$kind.id" 2>/dev/null)," >"$T/$2/$kind.conf"
    [ -s "$T/$2/$kind.conf" ]
}
on() { local h=$1; shift; PGASSAY_CONFIG=$T/$h/$kind.conf PGASSAY_STATE_DIR=$T/$h/state "$@"; }
its_id() { jq -r .repo_id <(head -n 1 "$T/$kind/repo.1.json") >"$T/$kind.id"; }

# What each of them does; the administrator decides.
everybody_works() {
    local id h want verb
    expect_status 0 on backup backup shop
    expect_status 0 on backup backup shop
    id=$(ls "$T/$kind/shop/backups" | head -n 1)
    expect_status 0 on admin storage pin shop "$id" --note 'before the migration'
    expect_status 0 on admin storage pin shop latest --note 'the newest'
    expect_status 0 on admin storage unpin shop latest
    expect_status 0 on admin storage accept shop latest --reason 'moved the logs'
    expect_status 0 on admin storage policy --keep-last 1
    expect_status 0 on restore drill shop
    expect_status 0 on restore restore shop --to shop_back
    db_same shop shop_back
    db_drop shop_back
    expect_status 0 on "$1" storage prune --grace 0s --json
    expect_equal "$(ls "$T/$kind/shop/backups" | wc -l)" 2
    expect_status 0 on admin storage unpin shop "$id"
    expect_status 0 on "$1" storage prune --grace 0s
    expect_equal "$(ls "$T/$kind/shop/backups" | wc -l)" 1 || { echo "$output" >&2; return 1; }
    for h in $HOSTS; do
        # A restore host trusts no pruner where the page gives it none: what expired is missing to it.
        want=0
        if [ "$h $2" = 'restore no-pruner' ]; then want=3; fi
        expect_status $want on "$h" storage list --check
        expect_text proven
        for verb in objects chain; do expect_status $want on "$h" pgassay verify $verb --repo nightly; done
    done
    expect_status 0 on restore storage list
}

@test "an encrypted repository as the page sets it up: everybody can do what he is there for" {
    kind=encrypted
    page_config "# the administrator's" admin
    expect_status 0 on admin pgassay storage init --repo nightly --encrypt-to "$T/admin/home/admin/keys/ops.pub" \
        --encrypt-to "$T/admin/home/admin/keys/escrow.pub"
    its_id
    page_config "# the backup host's" backup
    page_config "# the restore host's" restore
    expect_status 0 on admin storage keys add --writer "$T/admin/home/admin/keys/db1.pub"
    expect_status 0 on admin storage keys list
    expect_text ops escrow db1
    everybody_works backup no-pruner
    expect_status 0 on restore pgassay verify key-drill --repo nightly --identity "$T/restore/etc/pgassay/ops"
    expect_status 0 on restore pgassay verify key-drill --repo nightly --identity "$T/admin/home/admin/keys/escrow"
    expect_status 0 on admin storage keys revoke "$T/admin/home/admin/keys/db1.pub"
}

@test "a signed repository as the page sets it up: everybody can do what he is there for" {
    local h
    kind=signed
    for h in $HOSTS; do
        page_config '[repo nightly]                                   # on every host' "$h"
        sed -i -e '/^$/,$d' -e 's/^    //' -e 's/#.*//' "$T/$h/signed.conf"
    done
    # "sign-key is its own"; the host that prunes is the one that backs up.
    cp -n "$T/backup/etc/pgassay/db1" "$T/backup/etc/pgassay/prune"
    for h in $HOSTS; do cp "$T/backup/etc/pgassay/db1.pub" "$T/$h/etc/pgassay/prune.pub"; done
    sed -i "s,^sign-key.*,sign-key = $T/admin/home/admin/keys/admin," "$T/admin/signed.conf"
    sed -i "s,^sign-key.*,sign-key = $T/restore/etc/pgassay/drill," "$T/restore/signed.conf"
    expect_status 0 on admin pgassay storage init --repo nightly
    everybody_works backup pruner
}

@test "a pin that nobody trusted has signed: its backup stays, every prune names it, and unpin removes it" {
    local id
    kind=signed
    expect_status 0 on backup backup shop
    id=$(ls "$T/$kind/shop/backups" | tail -n 1)
    expect_status 0 on backup backup shop
    mkdir -p "$T/$kind/shop/pins"
    printf '{"backup":"%s","created":"2026-01-01T00:00:00Z","format":1,"needs":[],"note":"mine","tool":"x","type":"pin"}\n' \
        "$id" >"$T/$kind/shop/pins/$id.ffffffff.json"
    expect_status 0 on backup storage prune --grace 0s
    expect_text "pins/$id" 'counts as pinned'
    [ -e "$T/$kind/shop/backups/$id" ]
    expect_status 0 on admin storage unpin shop "$id"
    expect_status 0 on backup storage prune --grace 0s
    [ ! -e "$T/$kind/shop/backups/$id" ]
}
