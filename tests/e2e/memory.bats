#!/usr/bin/env bats
# Every verb, with an allocation that fails: status 0 means that what was asked for is there and as it was asked for.
#
# tests/support/preload/failalloc.c fails one allocation of a run.  A first run tells the numbers of those that come from
# a place in the code which none before came from; of these as many as stand below are tried, spread evenly, and
# every one with E2E_LONG=1.

load lib
setup_file() {
    e2e_setup
    cc -std=c17 -D_GNU_SOURCE -O1 -shared -fPIC -o "$T/failalloc.so" "$TOP/tests/support/preload/failalloc.c"
    pg_start main
    db_make shop small.sql
    storage policy --keep-last 3 --keep-monthly 12 >/dev/null
    backup shop
    cp -r "$REPO" "$T/origin"
    cp -r "$T/state" "$T/state.origin"
}
setup()         { [ -z "${E2E_SANITIZED:-}" ] || skip "a sanitizer has allocations of its own"; }
teardown_file() { e2e_teardown; }

# tool VERB [ARG...]: the program itself: the shell that chooses it has a memory of its own.
tool() {
    local verb=$1
    shift
    timeout -k 10 60 "$BIN/pgassay-$verb" "$@"
}
faulty() { # NUMBER VERB [ARG...]
    local n=$1
    shift
    LD_PRELOAD=$T/failalloc.so FAILALLOC_PROGRAM=pgassay-$1 FAILALLOC_AT=$n tool "$@"
}

# Before each try: the repository as it was in the beginning.
origin() {
    rm -rf "$REPO" "$T/to" "$T/state"
    cp -r "$T/origin" "$REPO"
    cp -r "$T/state.origin" "$T/state"
}

# Why it failed: in words, or (status 3) as a finding of the document, of a thing that could not be looked at.
is_said() {
    [ -s "$T/err" ] || { [ "$1" -eq 3 ] && jq -e 'any(.findings[]; .class == "not_compared" and (.what | test("out of memory")))' "$T/out" >/dev/null; }
}

# torture TRIES CHECK VERB [ARG...]: CHECK judges what is there after a run with status 0; "CHECK failed" what is there
# after one that failed.
torture() {
    local tries=$1 check=$2 sites rc n
    shift 2
    origin
    LD_PRELOAD=$T/failalloc.so FAILALLOC_PROGRAM=pgassay-$1 FAILALLOC_SITES=$T/sites tool "$@" >"$T/out" 2>"$T/err"
    "$check" ||  { echo "without a fault: $*" >&2; cat "$T/err" >&2; return 1; }
    sites=$(wc -l <"$T/sites")
    [ "$sites" -gt "$tries" ] || { echo "only $sites places" >&2; return 1; }
    [ -z "${E2E_LONG:-}" ] || tries=$sites
    for n in $(awk -v all="$sites" -v want="$tries" 'int(NR * want / all) > int((NR - 1) * want / all)' "$T/sites"); do
        origin
        rc=0
        faulty "$n" "$@" >"$T/out" 2>"$T/err" || rc=$?
        if [ "$rc" -eq 0 ]; then
            "$check" || { echo "allocation $n: status 0: $*" >&2; cat "$T/err" >&2; return 1; }
        elif [ "$rc" -ge 100 ] || ! is_said "$rc" || [ "$(wc -l <"$T/err")" -gt 4 ] || ! "$check" failed; then
            echo "allocation $n: status $rc: $*" >&2
            cat "$T/err" >&2
            return 1
        fi
    done
}

# What a run without faults says, without times and sizes that differ from run to run.
facts() { jq 'walk(if type == "object" then del(.seconds, .finished, .started, .snapshot, .backup, .id, .run, .run_id, .chunks_sha256, .chunks_size, .chunks_raw_size, .manifest_sha256, .manifest_size, .manifest_raw_sha256, .manifest_raw_size, .new_bytes, .new_chunks, .stored_bytes, .database_bytes, .copied, .digests, .signature, .segments, .prev, .heads) else . end)' ; }

@test "policy: it is the old one or the new one, never a part" {
    policy() {
        local now
        now=$(storage policy --json | jq -c .policy)
        case $now in
        '{"keep_daily":7,"keep_last":4,"keep_monthly":13,"keep_weekly":5}') ;;
        '{"keep_last":3,"keep_monthly":12}') [ "${1:-}" = failed ] ;;
        *) echo "policy: $now" >&2; return 1 ;;
        esac
    }
    torture 40 policy storage policy --repo "$REPO" --keep-last 4 --keep-daily 7 --keep-weekly 5 --keep-monthly 13
}

@test "init: a repository or an error" {
    made() { [ "${1:-}" = failed ] || [ "$(tool storage list --repo "$T/to")" = "repository $T/to is empty" ]; }
    torture 25 made storage init --repo "$T/to"
}

@test "backup: the newest backup is there, complete, with all that its label and manifest have to say" {
    label shop | facts >"$T/label.want"
    manifest shop | jq -c '[paths | map(if type == "number" then 0 else . end)] | unique' >"$T/manifest.want"
    whole() {
        [ "${1:-}" = failed ] && return
        [ "$(backup_ids shop | wc -l)" = 2 ] || { echo "no new backup" >&2; return 1; }
        label shop | facts | diff "$T/label.want" - >&2 || return 1
        manifest shop | jq -c '[paths | map(if type == "number" then 0 else . end)] | unique' | diff "$T/manifest.want" - >&2 || return 1
        pgassay verify objects --repo "$REPO" >&2
    }
    torture 30 whole backup --repo "$REPO" --jobs 1 shop
}

@test "copy: the backup is there, complete" {
    # "settings" is the number of the repository's own.
    label shop | facts | jq 'del(.settings)' >"$T/label.want"
    arrived() {
        [ "${1:-}" = failed ] && return
        REPO=$T/to label shop | facts | jq 'del(.copied_from, .settings)' | diff "$T/label.want" - >&2 || return 1
        expect_equal "$(REPO=$T/to label shop | jq -r .run_id)" "$(label shop | jq -r .run_id)" || return 1
        pgassay verify objects --repo "$T/to" >&2
    }
    origin() {
        rm -rf "$REPO" "$T/to" "$T/state"
        cp -r "$T/origin" "$REPO"
        cp -r "$T/state.origin" "$T/state"
        storage init --repo "$T/to"
    }
    torture 30 arrived storage copy "$REPO" "$T/to" shop
}

@test "what is read: with status 0 all of it" {
    export PGASSAY_RUN_ID=morning # stands in each document
    same() { [ "${1:-}" = failed ] || jq 'del(.seconds, .started, .finished)' "$T/out" | diff "$T/want" - >&2; }
    local verb
    for verb in 'storage list' 'storage show' 'storage policy' 'verify objects' 'verify chain'; do
        # shellcheck disable=SC2086  # two words
        set -- $verb --repo "$REPO" --json
        [ "$verb" != 'storage show' ] || set -- "$@" shop
        tool "$@" | jq 'del(.seconds, .started, .finished)' >"$T/want"
        torture 12 same "$@"
    done
}

@test "pin, scrub: with status 0 it was done" {
    pinned() { [ "${1:-}" = failed ] || [ "$(storage list --json | jq '[.. | strings | select(. == "because")] | length')" -ge 1 ]; }
    torture 12 pinned storage pin --repo "$REPO" shop "$(last_id shop)" --note because
    scrubbed() { [ "${1:-}" = failed ] || [ "$(jq '.good' "$T/out")" = true ]; }
    torture 12 scrubbed storage scrub --repo "$REPO" --json
}

@test "restore: all of it, or no database of that name" {
    local left
    db_digest shop >"$T/shop.want"
    # One that failed in its last lines, when it had its name already, is whole, too.
    back() {
        local rc=0
        if db_exists back; then
            db_digest back | diff "$T/shop.want" - >&2 || rc=1
        elif [ "${1:-}" != failed ]; then
            echo "no database" >&2
            rc=1
        fi
        # What was being made may be left, by a name that says so; the next restore takes it away.
        psql_in postgres -Atc "SELECT datname FROM pg_database WHERE datname LIKE 'back%'" >"$T/left"
        while read -r left; do db_drop "$left"; done <"$T/left"
        return $rc
    }
    torture 5 back restore --repo "$REPO" --jobs 2 -q shop --to back
}

@test "drill: equal means that all was compared" {
    tool verify drill --repo "$REPO" --json shop | jq '.compared' >"$T/want"
    equal() { [ "${1:-}" = failed ] || jq 'if .equal then .compared else "not equal" end' "$T/out" | diff "$T/want" - >&2; }
    torture 3 equal verify drill --repo "$REPO" --json shop
}

@test "prune: what should stay is whole, with status 0 it is all that stays" {
    local i
    origin
    for i in 4 3 2 1; do plant shelf --at "$(days_ago $i)" >/dev/null; done
    storage policy --keep-last 2 >/dev/null
    rm -rf "$T/many" "$T/state.many"
    cp -r "$REPO" "$T/many"
    cp -r "$T/state" "$T/state.many"
    storage prune --grace 0 shelf
    backup_ids shelf >"$T/want"
    [ "$(wc -l <"$T/want")" -lt 4 ]
    origin() {
        rm -rf "$REPO" "$T/state"
        cp -r "$T/many" "$REPO"
        cp -r "$T/state.many" "$T/state"
    }
    kept() {
        if [ "${1:-}" = failed ]; then
            [ -z "$(backup_ids shelf | grep -vxFf - "$T/want")" ] || { echo "one is gone that should stay" >&2; return 1; }
        else
            backup_ids shelf | diff "$T/want" - >&2 || return 1
            [ -z "$(find "$REPO/shelf/runs" -name '*.prune')" ] || { echo "its mark stayed" >&2; return 1; }
        fi
        pgassay verify objects --repo "$REPO" >&2
    }
    torture 8 kept storage prune --repo "$REPO" --grace 0 shelf
}

@test "keys: who may read is as it was, or as it was to be" {
    local k want half=none
    for k in one two three; do pgassay storage keygen "$T/$k"; done
    pgassay storage init --repo "$T/keys" --encrypt-to "$T/one.pub" --encrypt-to "$T/two.pub"
    rm -rf "$T/state.keys"
    cp -r "$T/state" "$T/state.keys"
    readers() { pgassay storage keys list --repo "$REPO" --json | jq -c '[.epochs[] | [.readers[].name] | sort]'; }
    origin() {
        rm -rf "$REPO" "$T/state" "$T/four" "$T/four.pub"
        cp -r "$T/keys" "$REPO"
        cp -r "$T/state.keys" "$T/state"
    }
    # The readers are those that are wanted; after a failure, as in the beginning, or half way.
    now() {
        local have
        have=$(readers) || return 1
        [ "$have" = "$want" ] || { [ "${1:-}" = failed ] && [[ $have == '[["one","two"]]' || $have == "$half" ]]; } || { echo "readers: $have" >&2; return 1; }
    }
    want='[["one","three","two"]]'
    torture 5 now storage keys add --repo "$REPO" --identity "$T/one" "$T/three.pub"
    want='[["one"]]'
    torture 5 now storage keys remove --repo "$REPO" "$T/two.pub"
    # First a new epoch that he does not read, then his copy of the old one's key: the same command goes on.
    want='[["one"],["one"]]' half='[["one","two"],["one"]]'
    torture 5 now storage keys revoke --repo "$REPO" "$T/two.pub"
    pair() { [ "${1:-}" = failed ] || tool storage init --repo "$T/to" --encrypt-to "$T/four.pub" --repo-option "sign-key=$T/four"; rm -rf "$T/to"; }
    torture 4 pair storage keygen "$T/four"
}
