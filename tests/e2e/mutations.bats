#!/usr/bin/env bats
# Every kind of object removed, spoilt, replaced and forged, in a plain, a signed and an encrypted repository: no tool dies of
# it, no restore gives other rows, no prune takes what counts, and what matters is missed by somebody.

load lib

CONFIGURATIONS='plain signed encrypted'
KINDS='repo keys source label older-label manifest list chunk kept-repo kept-keys tombstone drill pin accept run revoked unlabelled
trash trash-runs condemned scrub'
# older: an older generation stands in the newest one's place; forged: another, or other contents, that nobody has signed.
MUTATIONS='removed emptied halved flipped swapped forged older'
# Without these something is wrong that nobody else can say.
MATTERS=' repo keys source label older-label manifest list chunk '
# Of these the forged one takes the place of another.
OVERWRITES=' older-label manifest list chunk '

setup_file() {
    local c
    e2e_setup
    pg_start main
    db_make shop small.sql
    for c in admin db1 prune drill ops escrow; do pgassay storage keygen "$T/$c"; done
    export PGASSAY_CONFIG=$T/mutations.conf
    for c in $CONFIGURATIONS; do configure $c; done
    in_each history
    db_digest shop >"$T/rows.one"
    psql_in shop -c 'CREATE TABLE later AS SELECT n FROM generate_series(1, 100) n'
    in_each newest
    db_digest shop >"$T/rows.two"
}
teardown_file() { e2e_teardown; }

# As docs/security.md has them: the host that backs up, the one that prunes, the one that restores, and the administrator's machine.
configure() {
    local c=$1 role key trust
    case $c in
    plain)
        for role in plain plain-prune plain-restore plain-admin; do printf '[repo %s]\npath = %s\n' $role "$T/plain"; done ;;
    signed)
        trust=$(printf 'trust-%s\n' "backup = $T/db1.pub" "prune = $T/prune.pub" "drill = $T/drill.pub" "admin = $T/admin.pub")
        for role in :db1 -prune:prune -restore:drill -admin:admin; do
            key=${role#*:}
            printf '[repo signed%s]\npath = %s\nsign-key = %s\n%s\n' "${role%:*}" "$T/signed" "$T/$key" "$trust"
        done ;;
    encrypted)
        printf '[repo encrypted-admin]\npath = %s\nsign-key = %s\ntrust-admin = %s\n' "$T/encrypted" "$T/admin" "$T/admin.pub" ;;
    esac >>"$PGASSAY_CONFIG"
}
configure_encrypted_hosts() {
    local id role
    id=$(jq -r .repo_id <(head -n 1 "$T/encrypted/repo.1.json"))
    for role in encrypted encrypted-prune; do
        printf '[repo %s]\npath = %s\nrepo-id = %s\nencrypt-to = %s, %s\nmust-encrypt = yes\nsign-key = %s\n' \
            $role "$T/encrypted" "$id" "$T/ops.pub" "$T/escrow.pub" "$T/db1"
        printf 'trust-%s\n' "backup = $T/db1.pub" "prune = $T/db1.pub" "drill = $T/drill.pub" "admin = $T/admin.pub"
    done >>"$PGASSAY_CONFIG"
    printf '[repo encrypted-restore]\npath = %s\nrepo-id = %s\nidentity = %s\nsign-key = %s\n' "$T/encrypted" "$id" "$T/ops" "$T/drill" >>"$PGASSAY_CONFIG"
    printf 'trust-%s\n' "backup = $T/db1.pub" "drill = $T/drill.pub" "admin = $T/admin.pub" >>"$PGASSAY_CONFIG"
}

# in_each FUNCTION: for each configuration, all at once.
in_each() {
    local c pid pids=()
    for c in $CONFIGURATIONS; do
        (set -e; REPO=$c PGASSAY_STATE_DIR=$T/state.$c; export REPO PGASSAY_STATE_DIR; "$1" $c) >"$T/$c.log" 2>&1 3>&- 4>&- &
        pids+=($!)
    done
    for pid in "${pids[@]}"; do wait "$pid" || { cat "$T"/*.log >&2; return 1; }; done
}

# A repository with all kinds of objects, and beside it what its hosts remember.
history() {
    local c=$1 id=() n bad trusting=()
    mkdir -m 700 "$PGASSAY_STATE_DIR"
    [ $c = plain ] || trusting=(--repo-option "trust-backup=$T/db1.pub")
    if [ $c = encrypted ]; then
        pgassay storage init encrypted-admin --encrypt-to "$T/ops.pub" --encrypt-to "$T/escrow.pub"
        configure_encrypted_hosts
        pgassay storage keys add --writer "$T/db1.pub" --repo encrypted-admin
    else
        pgassay storage init $c-admin
    fi
    for n in 60 55 50 40 30 20; do id+=("$(plant shop --rows 200 --at "$(days_ago $n)")"); done
    # A chunk that was bad once: the next backup has its contents again.
    bad=$(find "$T/$c/shop/chunks" -type f -printf '%s %p\n' | sort -n | tail -n 1 | cut -d' ' -f2)
    cp -p "$bad" "$T/bad.$c"
    chmod u+w "$bad"
    flip "$bad" 30
    pgassay storage scrub --repo $c || [ $? -eq 3 ]
    mv -f "$T/bad.$c" "$bad"
    id+=("$(plant shop --rows 200 --at "$(days_ago 9)")")
    backup shop
    last_backup $c >"$T/one.$c"
    echo "${id[0]}" >"$T/pinned.$c"
    for n in 0 6; do
        pgassay storage pin shop "${id[$n]}" --note 'for the court' --repo $c
        pgassay storage accept shop "${id[$n]}" --reason 'it is right' --repo $c-admin "${trusting[@]}"
    done
    pgassay storage policy --keep-last 5 --repo $c-admin
    pgassay verify drill shop --repo $c-restore
    # Two runs that died, and a backup whose label nobody has seen.
    mkdir -p "$T/$c/shop/runs"
    for n in 1 2; do : >"$T/$c/shop/runs/000000000000000$n"; touch -d '5 days ago' "$T/$c/shop/runs/000000000000000$n"; done
    cp -r "$PGASSAY_STATE_DIR" "$T/away.$c"
    n=$(PGASSAY_STATE_DIR=$T/away.$c plant shop --rows 200 --at "$(days_ago 5)")
    rm -r "$T/away.$c" "$T/$c/shop/backups/$n/label.json"
    pgassay storage prune --repo $c-prune
}
newest() {
    local c=$1
    backup shop
    last_backup $c >"$T/two.$c"
    pgassay storage list --check --json --repo $c >"$T/list.json.$c"
    good_in "$T/list.json.$c" >"$T/good.$c"
    pgassay storage prune --dry-run --json --repo $c-prune | jq -r '.databases[0].backups[] | select(.stays | not).backup' >"$T/expires.$c"
    mv "$T/$c" "$T/kept.$c"
}
last_backup() { basename "$(dirname "$(ls -d "$T/$1"/shop/backups/*/label.json | tail -n 1)")"; }
good_in() { jq -r '.databases[]?.backups[]? | select(.state == "committed").backup' "$1" | sort; }

# ---- mutations -----------------------------------------------------------------------------------

# victim CONFIGURATION KIND: the object that is mutated, below the repository.  other: another of its kind.
victim() {
    local c=$1 two older
    two=shop/backups/$(cat "$T/two.$c") older=shop/backups/$(sed -n 3p "$T/good.$c")
    (cd "$T/kept.$c" && case $2 in
    repo) ls -d repo.*.json ;;
    keys) ls -d keys.*.json ;;
    source) ls -d shop/source*.json ;;
    label) ls -d $two/label.json ;;
    older-label) ls -d $older/label.json ;;
    manifest) ls -d $two/manifest.* ;;
    list) ls -d $two/chunks.zst ;;
    chunk) chunks_of $two/chunks.zst | head -n 1 ;;
    kept-repo) ls -d $two/repo.json ;;
    kept-keys) ls -d $two/keys.json ;;
    run) echo shop/runs/00000000000000aa ;;
    revoked) ls -d shop/runs/*.revoked ;;
    accept) ls -d shop/accepted/* ;;
    *) ls -d shop/$2s/* shop/$2/* ;;
    esac 2>/dev/null) | tail -n 1
}
other() {
    local c=$1 kind=$2 one
    one=shop/backups/$(cat "$T/one.$c")
    case $2 in
    label | older-label | manifest | list | kept-repo | kept-keys) echo "$one/${3##*/}" ;;
    chunk) chunks_of "$T/kept.$c/$one/chunks.zst" | head -n 1 ;;
    source) ;;
    repo | keys) (cd "$T/kept.$c" && printf '%s\n' $kind.* | grep -xvF "$3" | head -n 1) ;;
    *) (cd "$T/kept.$c" && printf '%s\n' "$(dirname "$3")"/* | grep -xvF "$3" | head -n 1) ;;
    esac
}
# The largest first.
chunks_of() { zstd -dcq "$1" | sort -t' ' -k2,2nr | sed 's,^,shop/chunks/,; s/ .*//'; }

# put PATH: stdin in its place, as old as it was.
put() {
    mkdir -p "$(dirname "$at/$1")"
    cat >"$T/new"
    [ ! -e "$at/$1" ] || touch -r "$at/$1" "$T/new"
    mv -f "$T/new" "$at/$1"
}
# The first line, without a signature, changed by sed.
unsigned() { head -n 1 "$at/$1" | sed -E "$2"; }

# mutate CONFIGURATION KIND MUTATION: in $at; fails when there is no such thing.
mutate() {
    local c=$1 kind=$2 what=$3 v o
    v=$(victim $c $kind)
    [ -n "$v" ] || return 1
    [ $kind != run ] || echo '{"format":1,"needs":[],"type":"run","run":"00000000000000aa","host":"elsewhere"}' | put "$v"
    case $what in
    removed) rm "$at/$v" ;;
    emptied) put "$v" </dev/null ;;
    halved) head -c $(($(stat -c %s "$at/$v") / 2)) "$at/$v" >"$T/half" && put "$v" <"$T/half" ;;
    flipped)
        [ -s "$at/$v" ] || return 1
        cp "$at/$v" "$T/flipped" && chmod u+w "$T/flipped" && flip "$T/flipped" $(($(stat -c %s "$at/$v") / 2))
        put "$v" <"$T/flipped" ;;
    swapped) o=$(other $c $kind "$v") && [ -n "$o" ] && ! cmp -s "$at/$o" "$at/$v" && put "$v" <"$T/kept.$c/$o" ;;
    older) older $c $kind "$v" ;;
    forged) forge $c $kind "$v" ;;
    esac
}
older() {
    local c=$1 kind=$2 v=$3 f two
    two=$at/shop/backups/$(cat "$T/two.$c")
    case $kind in
    repo | keys) f=$(cd "$at" && printf '%s\n' $kind.* | tail -n 2 | head -n 1) && [ "$f" != "$v" ] && put "$v" <"$at/$f" ;;
    label) rm -r "$two" && cp -r "$T/kept.$c/shop/backups/$(cat "$T/one.$c")" "$two" ;;
    *) return 1 ;;
    esac
}
forge() {
    local c=$1 kind=$2 v=$3 two run chunk
    two=$(cat "$T/two.$c")
    run=$(head -n 1 "$at/shop/backups/$two/label.json" | jq -r .run)
    case $kind in
    repo) unsigned "$v" 's/"keep_last":5/"keep_last":1/' | put repo.3.json ;;
    keys) unsigned "$v" 's/"n":2/"n":3/; s/"readers":\[[^]]*\]/"readers":[]/' | put keys.1.3.json ;;
    source) unsigned "$v" 's/"database_oid":[0-9]+/"database_oid":99/' | put shop/source.2.json ;;
    label)
        cp -r "$at/shop/backups/$two" "$at/shop/backups/${two%-*}-ffff"
        unsigned "shop/backups/$two/label.json" "s/$two/${two%-*}-ffff/" | put "shop/backups/${two%-*}-ffff/label.json" ;;
    older-label) unsigned "$v" 's/"rows":[0-9]+/"rows":9/' | put "$v" ;;
    manifest) { cat "$T/kept.$c/$v"; echo more; } | put "$v" ;;
    list) zstd -dcq "$T/kept.$c/$v" | head -n 1 | zstd -q | put "$v" ;;
    chunk) [ $c != encrypted ] && zstd -dcq "$T/kept.$c/$v" | tr a b | zstd -q | put "$v" ;;
    kept-repo | kept-keys) unsigned "$v" 's/"tool":"[^"]*"/"tool":"mine"/' | put "$v" ;;
    tombstone) unsigned "$v" "s/\"backup\":\"[^\"]*\"/\"backup\":\"$two\"/; s/\"run\":\"[^\"]*\"/\"run\":\"$run\"/; s/\"label_sha256\":\"[^\"]*\",//" |
        put "shop/tombstones/$two.$run.json" ;;
    revoked) put "shop/runs/$run.revoked" </dev/null ;;
    drill) unsigned "$v" "s/$(cat "$T/one.$c")/$(head -n 1 "$T/expires.$c")/" | put "shop/drills/$(head -n 1 "$T/expires.$c").${v#*.}" ;;
    pin) unsigned "$v" "s/\"backup\":\"[^\"]*\"/\"backup\":\"$(head -n 1 "$T/expires.$c")\"/" |
        put "shop/pins/$(head -n 1 "$T/expires.$c").ffffffff.json" ;;
    accept) unsigned "$v" "s/\"backup\":\"[^\"]*\"/\"backup\":\"$two\"/" | put "shop/accepted/$two.json" ;;
    unlabelled) unsigned "$v" "s/\"backup\":\"[^\"]*\"/\"backup\":\"$two\"/" | put "shop/unlabelled/$two.json"
        touch -d '9 days ago' "$at/shop/unlabelled/$two.json" ;;
    trash | condemned)
        jq -c --argjson n "$(chunks_of "$at/shop/backups/$two/chunks.zst" | sed 's,^shop/chunks/,,' | sort | jq -R . | jq -sc .)" '.names = $n' \
            <(head -n 1 "$at/$v") | put "$(dirname "$v")/20200101T000000Z-0123456789abcdef$([ $kind = condemned ] || echo -0000)"
        touch -d '9 days ago' "$at/$(dirname "$v")"/20200101* ;;
    trash-runs) unsigned "$v" 's/"runs":\[[^]]*\]/"runs":[]/' | put "$v" ;;
    scrub) unsigned "$v" 's/"round":true/"round":false/' | put shop/scrubs/29990101T000000Z-000000-ffff.json ;;
    run) : >"$T/new" && touch -d '9 days ago' "$T/new" && mv "$T/new" "$at/shop/runs/$run" ;;
    esac
}

# ---- what holds all the same ---------------------------------------------------------------------

# tool COMMAND...: its status in $rc, its stdout in $T/out; it ends by itself.
tool() {
    rc=0
    pgassay "$@" >"$T/out" 2>"$T/err" </dev/null || rc=$?
    printf ' %s %s' "$2" "$rc" >>"$T/judged"
    [ "$rc" -lt 124 ] || wrong "pgassay $* ended with status $rc"
}
# What a case found wrong: all of it is shown at the end.
wrong() {
    { echo "$case: $1"; head -n 5 "$T/err"; } >>"$T/wrong"
}

# Something that nobody has signed, where signatures are asked for?  It must change nothing.
is_forged() { [ "$what" = forged ] && [ "$c" != plain ]; }

judge() { # CONFIGURATION KIND MUTATION
    local c=$1 kind=$2 what=$3 rc noticed=0
    case="$c $kind $what" at=$T/$c
    rm -rf "$at" "$T/state"
    cp -al "$T/kept.$c" "$at"
    cp -r "$T/state.$c" "$T/state"
    mutate $c $kind $what || return 0
    printf '\n%s:' "$case" >>"$T/judged"
    tool storage list --check --json --repo $c
    noticed=$((noticed + rc))
    if is_forged && [[ $OVERWRITES != *" $kind "* ]]; then
        good_in "$T/out" | cmp -s - "$T/good.$c" || wrong "list has others for good: $(good_in "$T/out" | diff - "$T/good.$c" | xargs)"
    fi
    tool verify objects shop --repo $c
    noticed=$((noticed + rc))
    tool verify chain shop --repo $c
    noticed=$((noticed + rc))
    if [[ $MATTERS == *" $kind "* ]] && [ $what != forged ] && [ $noticed -eq 0 ]; then
        # Nobody can tell settings from others where nobody signs them.
        [[ $case == 'plain repo '@(swapped|older) ]] || wrong 'nobody notices'
    fi
    judge_restore $c $kind $what
    judge_prune $c $kind $what
}

judge_restore() {
    local c=$1 kind=$2 what=$3 rc
    tool restore shop --list --json --repo $c-restore
    if is_forged && [[ $OVERWRITES != *" $kind "* ]]; then
        grep -qF "$(cat "$T/two.$c")" "$T/out" || wrong 'the newest backup is not found, or another'
    fi
    case $kind in
    manifest | list | chunk)
        restores $c two --backup "$(cat "$T/two.$c")"
        if [ $what = swapped ] && [ $kind != list ]; then drills $c; fi ;;
    label | repo | keys) restores $c 'two one' ;;
    esac
}
drills() {
    local c=$1 rc
    tool verify drill shop --repo $c-restore
    [ $rc -ne 0 ] || wrong 'a drill of it ends well'
}
restores() { # CONFIGURATION POSSIBLE [OPTION...]
    local c=$1 possible=$2 p rc
    shift 2
    tool restore shop --to back --repo $c-restore "$@"
    if [ $rc -ne 0 ]; then
        ! db_exists back || wrong 'a restore that failed left a database'
        return 0
    fi
    db_digest back >"$T/rows.back"
    db_drop back
    for p in $possible; do
        if cmp -s "$T/rows.back" "$T/rows.$p"; then
            [ $p = two ] || [ -s "$T/err" ] || wrong 'an older backup came, without a word'
            return 0
        fi
    done
    wrong 'other rows came back'
}

judge_prune() {
    local c=$1 kind=$2 what=$3 rc id gone=() f
    tool storage prune --dry-run --repo $c-prune
    tool storage prune --grace 0s --repo $c-prune
    while read -r id; do
        [ -e "$at/shop/backups/$id/label.json" ] || gone+=("$id")
    done <"$T/good.$c"
    case "$what $kind" in
    'removed label' | 'removed older-label') f=$(victim $c $kind) && gone=("${gone[@]/$(basename "$(dirname "$f")")}") ;;
    'removed pin') gone=("${gone[@]/$(cat "$T/pinned.$c")}") ;;
    esac
    # Whoever can write to a repository without signatures decides what it says.
    if [ "$c $what" != 'plain forged' ]; then
        for id in "${gone[@]}"; do
            [ -z "$id" ] || grep -qxF "$id" "$T/expires.$c" || wrong "backup $id was removed"
        done
    fi
    [ $rc -eq 0 ] || return 0
    # A pin that cannot be believed keeps its backup all the same, and is named.
    if is_forged && [ $kind != pin ] && [ "${gone[*]}" != "$(xargs <"$T/expires.$c")" ]; then
        wrong "not those were removed that expire: ${gone[*]}"
    fi
    # What was mutated is put right again: everything that was not removed is whole.
    put_right $c $kind "$what"
    rm -rf "$T/state"
    mkdir -m 700 "$T/state"
    tool verify objects shop --repo $c
    [ $rc -eq 0 ] || wrong "after a prune: $(head -n 3 "$T/out" | cut -c1-200)"
}
put_right() {
    local c=$1 kind=$2 v
    v=$(victim $c $kind)
    [ -d "$(dirname "$at/$v")" ] || return 0
    case $kind in
    label | manifest | list | older-label) rm -r "${at:?}/$(dirname "$v")" && cp -r "$T/kept.$c/$(dirname "$v")" "$at/$(dirname "$v")" ;;
    repo | keys | source | chunk | kept-*) rm -f "$at/$v" && cp -p "$T/kept.$c/$v" "$at/$v" ;;
    esac
    rm -rf "$at/repo.3.json" "$at/keys.1.3.json" "$at/shop/source.2.json" "$at"/shop/backups/*-ffff
}

@test "each kind of object, mutated in each way: no tool dies, no other rows come, nothing that counts goes, and somebody notices" {
    local c k m i=0 by
    by=$(rounds 12 1) # by day every twelfth
    export PGASSAY_STATE_DIR=$T/state
    : >"$T/judged"
    : >"$T/wrong"
    for c in $CONFIGURATIONS; do
        for k in $KINDS; do
            for m in $MUTATIONS; do
                i=$((i + 1))
                [ $((i % by)) -ne 0 ] || judge $c $k $m
            done
        done
    done
    [ ! -s "$T/wrong" ] || { cat "$T/wrong" >&2; return 1; }
    [ "$(wc -l <"$T/judged")" -ge 20 ]
}
