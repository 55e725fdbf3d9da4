#!/usr/bin/env bats
# Encrypted repositories: who has a key restores, nobody else sees a thing, and nothing that is secret stands anywhere.

load lib

PASSPHRASE='open-sesame-zebra'

setup_file() {
    local k
    e2e_setup
    pg_start main
    db_drop shop
    psql_in postgres -q <<'SQL'
CREATE ROLE zebrarole PASSWORD 'zebrapassword';
CREATE DATABASE shop TEMPLATE template0;
SQL
    psql_in shop <<'SQL'
CREATE TABLE item (id int PRIMARY KEY, name text);
INSERT INTO item SELECT n, 'item ' || n FROM generate_series(1, 3000) n;
CREATE TABLE zebratable (zebracolumn text);
INSERT INTO zebratable SELECT 'zebrarow ' || md5(n::text) FROM generate_series(1, 2000) n;
COMMENT ON TABLE zebratable IS 'zebracomment';
CREATE INDEX ON zebratable (zebracolumn);
SQL
    (umask 077 && printf '%s\n' "$PASSPHRASE" >"$T/pass")
    for k in ops escrow mallory admin host host2; do pgassay storage keygen "$T/$k"; done
    pgassay storage keygen "$T/dear" --key-name locked --passphrase-file "$T/pass"
    cp -p "$T/dear" "$T/locked"
    mv "$T/dear.pub" "$T/locked.pub"
    open_it relock "$T/locked" --passphrase-file "$T/pass"
    pgassay storage init --repo "$T/one" --encrypt-to "$T/ops.pub" --encrypt-to "$T/escrow.pub" --encrypt-to "$T/locked.pub"
    REPO=$T/one backup shop
    cp -r "$T/state" "$T/state.one"
}
teardown_file() { e2e_teardown; }
# Each test has the repository with one backup, on the host that took it.
setup() {
    rm -rf "$T/repo" "$T/state"
    cp -r "$T/one" "$T/repo"
    cp -r "$T/state.one" "$T/state"
    export REPO=$T/repo
}

keys() { pgassay storage keys "$@" --repo "$REPO"; }
second_host() { PGASSAY_STATE_DIR=$T/state2 "$@"; }
open_it() { local verb=$1; shift; "$BATS_TEST_DIRNAME/pgassay_open.py" "$verb" "$@"; }
rows_of() { psql_in "$1" -c "SELECT md5(string_agg(t::text, ',' ORDER BY t::text)) FROM (SELECT i::text AS t FROM item i UNION ALL SELECT z::text FROM zebratable z) x"; }
# Restores with these options, compares the rows, and drops the copy again.
restores() {
    expect_status 0 restore shop --to back "$@"
    expect_equal "$(rows_of back)" "$(rows_of shop)"
    db_drop back
}
# Cheaper: is what stands in the manifest to be read with these options?
opens() {
    expect_status 0 storage show shop --tables "$@"
    expect_text zebratable
}
refuses() { # WORDS [OPTION...]: one clear line, and nothing made
    local words=$1
    shift
    expect_status 1 restore shop --to back "$@"
    expect_short
    expect_text "$words"
    expect_no_db back
}
refuses_to_drill() {
    local words=$1
    shift
    expect_status 1 drill shop "$@"
    expect_text "$words"
    leftovers
}

@test "each reader restores and drills, and nobody else" {
    expect_status 0 restore shop --to back --identity "$T/ops"
    db_same shop back
    db_drop back
    restores --identity "$T/escrow"
    expect_status 0 drill shop --identity "$T/escrow"
    refuses 'this host has no key to read it with'
    refuses 'is not among those who can read it' --identity "$T/mallory"
    refuses_to_drill 'this host has no key to read it with'
    refuses_to_drill 'is not among those who can read it' --identity "$T/mallory"
    refuses 'others may read it' --identity "$T/ops.pub"
    expect_text 'its public half is another file'
    refuses 'No such file' --identity "$T/nobody"
    chmod 644 "$T/mallory"
    refuses 'others may read it' --identity "$T/mallory"
    chmod 600 "$T/mallory"
    expect_status 1 restore shop --to back
    expect_text "--identity FILE, the secret key of one of: ops ($(jq -r .id "$T/ops.pub")), escrow ("
}

@test "a locked key: its passphrase from a file, a command, a descriptor, the environment, and a wrong one" {
    local wrong=$T/wrong
    (umask 077 && echo close-sesame >"$wrong")
    # 256 MiB and three passes over it, as the tools lock it; what another program has locked with less is as good a lock here.
    restores --identity "$T/dear" --passphrase-file "$T/pass"
    opens --identity "$T/locked" --passphrase-command "cat '$T/pass'"
    opens --identity "$T/locked" --passphrase-fd 5 5< <(cat "$T/pass")
    PGASSAY_PASSPHRASE_FILE=$T/pass opens --identity "$T/locked"
    refuses 'the passphrase is not the right one' --identity "$T/locked" --passphrase-file "$wrong"
    refuses 'no terminal' --identity "$T/locked"
    refuses 'is empty' --identity "$T/locked" --passphrase-fd 5 5</dev/null
    chmod 644 "$wrong"
    refuses 'others may read it' --identity "$T/locked" --passphrase-file "$wrong"
    refuses 'passphrase' --identity "$T/locked" --passphrase-command 'exit 3'
}

@test "key files whose names hold a comma: by option, in the configuration, and in a drill; many of them in one list" {
    local k
    mkdir -p "$T/my keys, old"
    for k in ops escrow admin; do cp -p "$T/$k" "$T/$k.pub" "$T/my keys, old/"; done
    opens --identity "$T/my keys, old/ops"
    restores --identity "$T/my keys, old/escrow"
    expect_status 0 drill shop --identity "$T/my keys, old/ops"
    expect_status 0 pgassay verify key-drill shop --repo "$REPO" --identity "$T/my keys, old/ops" --identity "$T/my keys, old/escrow"
    REPO=$T/repo.comma
    printf '[repo comma]\npath = %s\nencrypt-to = %s\nencrypt-to =\n    %s\nidentity =\n    %s\n    %s\ntrust-admin =\n    %s\nsign-key = %s\n' \
        "$REPO" "$T/ops.pub" "$T/my keys, old/escrow.pub" "$T/my keys, old/ops" "$T/escrow" "$T/my keys, old/admin.pub" "$T/admin" >"$T/comma.conf"
    export PGASSAY_CONFIG=$T/comma.conf
    REPO=comma
    expect_status 0 pgassay storage init --repo comma
    expect_equal "$(pgassay storage keys --repo comma --json | jq -c '.epochs[-1].readers | length')" 2
    expect_status 0 backup shop
    opens
    restores
    expect_status 0 drill shop
    # A line as long as it takes.
    for k in $(seq 60); do cp -p "$T/ops.pub" "$T/one-of-many-keys-with-a-rather-long-name-$k.pub"; done
    printf '[repo comma]\npath = %s\nencrypt-to = %s\n' "$T/repo.comma" "$T/escrow.pub$(printf ", $T/one-of-many-keys-with-a-rather-long-name-%s.pub" $(seq 60))" >"$T/comma.conf"
    expect_status 0 pgassay storage list --repo comma
    export PGASSAY_CONFIG=$T/pgassay.conf
}

@test "objects are verified with and without a key, scrubbed, copied, expired, and then nothing is left" {
    local old c
    expect_status 0 pgassay verify objects shop --repo "$REPO"
    expect_status 0 pgassay verify objects shop --repo "$REPO" --identity "$T/ops"
    expect_status 0 storage scrub shop
    pgassay storage init --repo "$T/mirror"
    expect_status 0 pgassay storage keys import "$REPO" --repo "$T/mirror"
    expect_status 0 pgassay storage copy "$REPO" "$T/mirror" shop
    REPO=$T/mirror restores --identity "$T/ops"
    # What is lost here comes back from there, and nobody opened anything.
    c=$(find "$REPO/shop/chunks" -type f | head -n 1)
    rm -f "$c"
    expect_status 3 pgassay verify objects shop --repo "$REPO"
    expect_status 0 storage scrub shop --repair-from "$T/mirror"
    restores --identity "$T/escrow"
    # One that is encrypted expires like any other.
    old=$(last_id shop)
    psql_in shop -c "CREATE TABLE later AS SELECT md5(n::text) AS t FROM generate_series(1, 100) n"
    expect_status 0 backup shop
    psql_in shop -c "DROP TABLE later"
    expect_status 0 storage policy --keep-last 1
    expect_status 0 storage prune --grace 0
    expect_status 0 storage prune --grace 0
    [ ! -e "$REPO/shop/backups/$old" ]
    expect_equal "$(backup_ids shop | wc -l)" 1
    expect_equal "$(find "$REPO/shop/chunks" -type f | wc -l)" "$(label shop | jq .chunks)"
    expect_status 0 pgassay verify objects shop --repo "$REPO" --identity "$T/ops"
    rm -rf "$T/mirror"
}

@test "keys are listed, added, removed and revoked; who was revoked reads nothing new" {
    local old newest change
    expect_status 0 keys
    expect_text 'reads' ops escrow "$(jq -r .id "$T/locked.pub")"
    expect_status 0 keys list --json
    expect_equal "$(jq -c '[.epochs[] | [.epoch, .current, .encrypted, ([.readers[].name] | sort)]]' <<<"$output")" \
        '[[1,true,true,["escrow","locked","ops"]]]'
    # Only who reads can let somebody read.
    expect_status 1 keys add "$T/mallory.pub"
    expect_text 'no key to read it with'
    expect_status 0 keys add "$T/mallory.pub" --identity "$T/ops"
    opens --identity "$T/mallory"
    expect_status 0 keys remove "$(jq -r .id "$T/locked.pub")"
    expect_status 1 restore shop --to back --identity "$T/locked" --passphrase-file "$T/pass"
    expect_text 'is not among those who can read it'
    expect_status 1 keys remove "$T/locked.pub"
    expect_text 'no reader or writer has key'
    # Who takes the newest key object away makes nobody a reader again: this host has seen a higher one, and changes nothing.
    newest=$(find "$REPO" -maxdepth 1 -name 'keys.1.*' | sort -V | tail -n 1)
    mv "$newest" "$T/taken"
    for change in "add $T/admin.pub --identity $T/ops" "remove $T/mallory.pub" "revoke $T/mallory.pub"; do
        # shellcheck disable=SC2086  # several words
        expect_status 1 keys $change
        expect_text 'this host has seen number' keys.json
    done
    [ ! -e "$newest" ] && [ ! -e "$REPO/keys.2.1.json" ]
    # And whoever looks is told.
    for change in 'storage list --check' 'verify objects' 'verify chain'; do
        # shellcheck disable=SC2086  # several words
        expect_status 3 pgassay $change --repo "$REPO"
        expect_text 'this host has seen number'
    done
    mv "$T/taken" "$newest"
    # So is a host without memory, once there is a backup that was taken under it.
    expect_status 0 backup shop
    mv "$newest" "$T/taken"
    for change in 'storage list --check' 'verify objects' 'verify chain'; do
        # shellcheck disable=SC2086  # several words
        PGASSAY_STATE_DIR=$T/state.new expect_status 3 pgassay $change --repo "$REPO"
        expect_text 'a backup was taken under number'
        rm -rf "$T/state.new"
    done
    mv "$T/taken" "$newest"
    old=$(last_id shop)
    expect_status 0 keys revoke "$T/mallory.pub"
    expect_status 0 backup shop
    expect_equal "$(label shop | jq .epoch)" 2
    expect_equal "$(label shop | jq '.new_chunks == .chunks')" true
    refuses 'is not among those who can read it' --identity "$T/mallory"
    opens --identity "$T/ops"
    restores --identity "$T/ops" --backup "$old"
    expect_status 0 keys new-epoch --encrypt-to "$T/escrow.pub"
    expect_status 0 backup shop
    refuses 'is not among those who can read it' --identity "$T/ops"
    opens --identity "$T/escrow"
    expect_status 0 keys list --json
    expect_equal "$(jq -c '[.epochs[] | [.readers[].name] | sort]' <<<"$output")" '[["escrow","ops"],["escrow","ops"],["escrow"]]'
}

@test "a second host writes by a reader's word, or as a writer whom an administrator named; else not at all" {
    local id
    rm -rf "$T/state2"
    expect_status 1 second_host backup shop
    expect_text 'nothing vouches on this host' 'storage keys trust'
    expect_status 1 second_host keys trust
    expect_text 'no key to read it with'
    expect_status 0 second_host keys trust --identity "$T/ops"
    expect_equal "$(stat -c %a "$T"/state2/*/epochs.json)" 600
    expect_status 0 second_host backup shop
    expect_status 1 second_host restore shop --to back
    opens --identity "$T/ops"
    # Signed: the host's key is given what contents are named with.
    rm -rf "$T/state2" "$T/signed"
    cat >"$T/signed.conf" <<INI
[repo admin]
path = $T/signed
sign-key = $T/admin
trust-admin = $T/admin.pub
encrypt-to = $T/ops.pub
[repo host]
path = $T/signed
sign-key = $T/host2
trust-admin = $T/admin.pub
trust-backup = $T/host2.pub
encrypt-to = $T/ops.pub
INI
    export PGASSAY_CONFIG=$T/signed.conf
    expect_status 0 pgassay storage init admin
    expect_status 1 second_host pgassay backup shop --repo host
    expect_text 'nothing vouches on this host' 'keys add --writer'
    expect_status 0 pgassay storage keys add "$T/host2.pub" --writer --repo admin
    expect_status 0 second_host pgassay backup shop --repo host
    expect_status 1 second_host pgassay restore shop --repo host --to back
    expect_status 1 second_host pgassay restore shop --repo host --to back --identity "$T/host2"
    expect_text 'is not among those who can read it'
    REPO=host restores --identity "$T/ops"
    expect_equal "$(open_it check "$T/signed" shop "$T/ops" --trust "$T/host2.pub" | jq .tables)" 2
    # The administrator's key is a writer's, too: it tells what contents would be called, byte for byte, and opens nothing else.
    expect_status 1 pgassay restore shop --repo host --repo-option sign-key= --to back --identity "$T/admin"
    expect_text 'is not among those who can read it'
    expect_status 1 pgassay storage show shop --tables --repo host --repo-option sign-key= --identity "$T/admin"
    run open_it check "$T/signed" shop "$T/admin"
    [ "$status" -ne 0 ]
    expect_text 'is no reader of epoch 1'
    open_it chunk "$T/signed" shop "$T/ops" 0 >"$T/guess"
    id=$(open_it guess "$T/signed" "$T/admin" "$T/guess")
    [ -n "$(find "$T/signed/shop/chunks" -name "*$id*")" ]
    printf x >>"$T/guess"
    id=$(open_it guess "$T/signed" "$T/admin" "$T/guess")
    [ -z "$(find "$T/signed/shop/chunks" -name "*$id*")" ]
    run open_it guess "$T/signed" "$T/mallory" "$T/guess"
    [ "$status" -ne 0 ]
    # Somebody with the bucket, and no key, adds himself: the object that he writes is passed over.
    sed "1s/\"n\":2/\"n\":3/" "$T/signed/keys.1.2.json" >"$T/signed/keys.1.3.json"
    expect_status 0 second_host pgassay backup shop --repo host
    expect_text 'is passed over'
    export PGASSAY_CONFIG=$T/pgassay.conf
}

@test "encryption is turned on for a repository with plain backups, which stay readable and are marked" {
    repo_new plain
    expect_status 0 backup shop
    local old id
    old=$(last_id shop)
    expect_status 1 backup shop --repo-option must-encrypt=yes
    expect_text 'is not encrypted, and this host must encrypt' 'keys new-epoch'
    expect_status 0 keys new-epoch --encrypt-to "$T/ops.pub"
    expect_status 0 backup shop --repo-option must-encrypt=yes --repo-option "encrypt-to=$T/ops.pub"
    id=$(last_id shop)
    expect_equal "$(label shop | jq -c '[.encrypted, .epoch, .new_chunks == .chunks]')" '[true,2,true]'
    expect_equal "$(storage list --json | jq -c '[.databases[].backups[].encrypted]')" '[null,true]'
    expect_status 0 storage show shop "$id"
    expect_text 'no key here that reads it'
    expect_status 0 storage show shop "$id" --identity "$T/ops"
    expect_text 'epoch 2' zebratable
    restores --backup "$old"
    restores --identity "$T/ops"
    # And off again it goes only in front of everybody's eyes.
    rm -f "$REPO/repo.2.json"
    expect_status 1 backup shop
    expect_text 'this host has known epoch 2'
}

@test "another program, written from the format alone, reads what we write, and we what it writes" {
    expect_equal "$(open_it vectors "$TOP/tests/vectors/seal.json")" 7
    expect_status 0 backup shop --copy-format text --compress gzip:1 --note 'an own note'
    psql_in shop -c "INSERT INTO item VALUES (5000, 'one more')"
    expect_status 0 backup shop --copy-format text --compress none
    expect_status 0 open_it check "$REPO" shop "$T/dear" --passphrase-file "$T/pass"
    expect_equal "$(wc -l <<<"$output")" 3
    expect_equal "$(jq -rs '.[1].hidden.note' <<<"$output")" 'an own note'
    open_it rows "$REPO" shop "$T/ops" public.item | sort >"$T/rows.have"
    psql_in shop -c 'COPY item TO STDOUT' | sort >"$T/rows.want"
    cmp "$T/rows.have" "$T/rows.want"
    expect_status 1 open_it check "$REPO" shop "$T/mallory"
    # The other way round: everything sealed anew, by that program.
    find "$REPO/shop/chunks" -type f | sort >"$T/before"
    open_it reseal "$REPO" shop "$T/escrow"
    find "$REPO/shop/chunks" -type f | sort >"$T/after"
    expect_equal "$(comm -12 "$T/before" "$T/after" | wc -l)" 0
    # On a host that has not seen the labels that were there before.
    rm -rf "$T/state"
    expect_status 0 pgassay verify objects shop --repo "$REPO" --identity "$T/ops"
    restores --identity "$T/ops"
    expect_status 0 drill shop --identity "$T/escrow"
    # Their chunks are as good as ours: nothing is stored again.
    expect_status 0 keys trust --identity "$T/ops"
    expect_status 0 backup shop --copy-format text
    expect_equal "$(label shop | jq '.new_chunks <= 2')" true
}

# Each of these words, one a line.
planted() { printf '%s\n' "$@" >"$T/words"; }
nowhere_in() { # FILE...: none of the words in any byte, nor in a name
    if grep -raqF -f "$T/words" "$@"; then
        grep -raoF -f "$T/words" "$@" | head -n 3 >&2
        return 1
    fi
    if find "$@" | grep -qF -f "$T/words"; then return 1; fi
}

@test "planted secrets stand nowhere in the repository, in no output, no command line, no environment and no state" {
    local secrets=() k i found=0 tool
    ln -sfn "$PGHOST" "$T/zebrahost"
    expect_status 0 backup shop -v --note zebranote -h "$T/zebrahost" --exclude-table-data 'zebrapattern*'
    planted zebra
    nowhere_in "$REPO"
    expect_equal "$(storage show shop "$(last_id shop)" --identity "$T/ops" --json | jq -r .note)" zebranote

    # What no tool says, however much it is asked to: rows, passphrases, keys.
    for k in ops escrow admin host; do secrets+=("$(jq -r .secret "$T/$k" | cut -c1-64)" "$(jq -r .secret "$T/$k" | cut -c65-128)"); done
    secrets+=("$(jq -r '.epochs[0].naming' "$T"/state/*/epochs.json | cut -c1-64)" "$(jq -r '.epochs[0].naming' "$T"/state/*/epochs.json | cut -c65-96)")
    secrets+=("$(/usr/bin/python3 -c "
import sys
sys.path.insert(0, '$BATS_TEST_DIRNAME')
import pgassay_open as o
from pathlib import Path
import json
key, secret = o.load_secret('$T/ops')
e = json.loads(o.first_line(Path('$REPO/repo.1.json')))['epochs'][0]
print(o.Epoch(Path('$REPO'), 1, e['public'], key, secret).secret.hex())")")
    planted zebrarow zebrapassword "$PASSPHRASE" "${secrets[@]}"
    expect_equal "$(grep -c . "$T/words")" 14
    mkdir -p "$T/said"
    i=0
    local pass=(--identity "$T/locked" --passphrase-file "$T/pass") open=(--identity "$T/ops")
    for tool in "backup shop" "restore shop --to back ${pass[*]}" "verify drill shop ${open[*]}" "verify objects shop ${open[*]}" \
        "storage list ${open[*]}" "storage show shop --tables ${pass[*]}" "storage keys list --json" "storage scrub shop" \
        "storage keys add $T/mallory.pub ${open[*]}" "storage keys new-epoch" "restore shop --to other" "storage prune"; do
        # shellcheck disable=SC2086  # words
        pgassay $tool --verbose --repo "$REPO" >"$T/said/$i" 2>&1 || found=$((found + 1))
        i=$((i + 1))
    done
    expect_equal "$found" 1     # the restore without a key
    db_drop back
    nowhere_in "$T/said"
    nowhere_in "$REPO"

    # The state directory: what contents are named with is in one file, which nobody else may read; nothing else is there.
    expect_equal "$(stat -c %a "$T"/state/*/epochs.json | sort -u)" 600
    find "$T/state" -type f ! -name epochs.json -exec cat {} + >"$T/said/state"
    nowhere_in "$T/said"
    planted zebrarow zebrapassword "$PASSPHRASE" "${secrets[@]:0:8}" "${secrets[10]}"
    nowhere_in "$T/state"
}

not_in_proc() {
    if cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | grep -aqF -f "$T/words"; then return 1; fi
}

@test "while it runs, a tool's passphrase is in no command line and no environment, and it leaves no core" {
    local pid n=0 as=()
    planted "$PASSPHRASE"
    mkfifo -m 600 "$T/hold"
    cp "$(command -v pgassay-storage)" "$T/tool"
    cp "$T/locked" "$T/held"
    chmod 755 "$T/tool"
    # As an ordinary user: what is not dumpable belongs to root, in the eyes of the kernel.
    if [ "$(id -u)" -eq 0 ]; then
        chown nobody "$T/held" "$T/hold"
        as=(setpriv --reuid=nobody --clear-groups)
    fi
    start "${as[@]}" "$T/tool" list --repo "$REPO" --identity "$T/held" --passphrase-command "cat '$T/hold'" --verbose
    # shellcheck disable=SC2154  # start sets it
    pid=$started
    while [ $n -lt 1200 ] && ! grep -q '^Max core file size *0 *0' "/proc/$pid/limits"; do
        sleep 0.05
        n=$((n + 1))
    done
    grep -q '^Max core file size *0 *0' "/proc/$pid/limits"
    expect_equal "$(stat -c %u "/proc/$pid/mem")" 0
    not_in_proc
    cat "$T/pass" >"$T/hold"
    not_in_proc
    finish 0
    [[ $output != *"$PASSPHRASE"* ]]
}

@test "restore --replace: the safety backup is encrypted, and checked, by a reader whose key has a passphrase" {
    expect_status 0 restore shop --replace --identity "$T/locked" --passphrase-file "$T/pass" --json
    expect_equal "$(backup_ids shop | wc -l)" 2
    expect_equal "$(psql_in shop -c 'SELECT (SELECT count(*) FROM item), (SELECT count(*) FROM zebratable)')" '3000|2000'
    pgassay verify objects shop --repo "$REPO" --backup "$(last_id shop)"
    # Who can read it knows it for one.
    restore shop --replace --identity "$T/locked" --passphrase-file "$T/pass" --dry-run --json >"$T/next.json" 2>/dev/null
    expect_equal "$(jq -r .backup.id "$T/next.json")" "$(backup_ids shop | head -1)"
    expect_equal "$(grep -rla zebrarow "$REPO")" ''
}
