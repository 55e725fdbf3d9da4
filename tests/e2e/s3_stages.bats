#!/usr/bin/env bats
# What is killed, or loses the network, at any request of a backup, a prune or a copy in S3: nothing half counts, no backup
# loses anything, and the next run ends the work.

load lib
load s3
setup_file() {
    e2e_setup
    s3_start test
    pg_start main
    db_make shop small.sql
    proxy_start
}
setup()         { faults '# none'; }
teardown_file() { s3_stop; e2e_teardown; }

# victim COMMAND...: whose process the proxy may kill.
victim() { sh -c 'echo $$ >"$0"; exec "$@"' "$T/victim" "$@" >/dev/null 2>&1 3>&- 4>&- || true; }

@test "kill -9 at every request of a backup: nothing counts, and the next run goes on from there" {
    local n k kind step
    step=$(rounds 5 1)
    s3_repo killed
    faults '# none'
    backup shop
    n=$(wc -l <"$T/proxy/log")
    s3_repo killed2
    for ((k = 0; k < n; k += step)); do
        kind="kill"
        ((k / step % 2)) || kind=late-kill
        faults "$kind pidfile=$T/victim skip=$k"
        victim "$BIN/pgassay-backup" shop --repo "$REPO" --jobs 1
        # Killed after the label it is a backup.
        [ "$(committed)" -eq 0 ] || break
    done
    [ "$k" -gt 10 ]
    faults '# none'
    expect_status 0 backup shop
    all_good
}

@test "the network goes at every stage of a backup: status 1, nothing counts, the next run goes on" {
    local n k step
    step=$(rounds 12 3)
    s3_repo cut
    faults '# none'
    backup shop
    n=$(wc -l <"$T/proxy/log")
    s3_repo cut2
    for ((k = 0; k < n - 1; k += step)); do
        faults "reset skip=$k times=0"
        run backup shop --repo-option timeout=1
        # Cut off after the label it is a backup; whether it counts may not be known.
        [ "$(committed)" -eq 0 ] || break
        expect_equal "$status" 1
        expect_short 3
    done
    [ "$k" -gt 10 ]
    faults '# none'
    expect_status 0 backup shop
    all_good
}

@test "a prune that is killed or cut off at any request: no backup loses anything, and the next one ends the work" {
    local k n=0 hits=0 step
    step=$(rounds 17 5)
    s3_repo pruned
    backup shop
    direct storage policy --keep-last 1
    for ((k = 6; k < 54; k += step)); do
        n=$((n + 1))
        psql_in shop -c "UPDATE item SET name = 'round $n' WHERE id = $n"
        backup shop
        case $((n % 3)) in
            0) faults "reset skip=$k times=0" ;;
            1) faults "kill pidfile=$T/victim skip=$k" ;;
            2) faults "late-kill pidfile=$T/victim skip=$k" ;;
        esac
        victim "$BIN/pgassay-storage" prune --repo "$REPO" --grace 0s --repo-option timeout=1
        [ "$(hit)" -eq 0 ] || hits=$((hits + 1))
        faults '# none'
        all_good
        # Its mark may stand, but its process is dead: that keeps nobody away.
        [ $((n % 3)) -ne 1 ] || expect_status 0 storage prune --grace 0s
    done
    [ $hits -gt $((n / 2)) ]
    expect_status 0 storage prune --grace 0s
    expect_status 0 storage prune --grace 0s
    expect_equal "$(committed)" 1
    all_good
    expect_rest shop
    restore shop --to pruned
    db_same shop pruned
    db_drop pruned
}

@test "a copy that is killed or cut off at any request: nothing counts, and the next one ends the work" {
    local k step
    step=$(rounds 7 2)
    s3_repo copied
    for ((k = 2; k < 40; k += step)); do
        if ((k / step % 2)); then faults "kill pidfile=$T/victim skip=$k"; else faults "reset skip=$k times=0"; fi
        victim "$BIN/pgassay-storage" copy s3://test/pruned "$REPO" --repo-option timeout=1
        [ "$(committed)" -eq 0 ] || break
    done
    [ $k -gt 20 ]
    faults '# none'
    expect_status 0 pgassay storage copy s3://test/pruned "$REPO"
    expect_equal "$(committed)" 1
    all_good
}

# How many labels the proxy has been asked for.
label_gets() { grep -c "$(printf '\tGET\t.*/label.json')" "$T/proxy/log" || true; }

@test "status looks into databases side by side, and asks for everything once" {
    local db began
    s3_repo many
    for db in one two three four; do plant $db >/dev/null; done
    faults 'delay seconds=1 on=LIST key=*/runs/ times=0'
    began=$EPOCHREALTIME
    pgassay verify status --repo "$REPO" --proven-within none --json >"$T/many.json"
    [ "$(awk -v a="$began" -v b="$EPOCHREALTIME" 'BEGIN {print (b - a < 3.5)}')" = 1 ] # one after another: 4 s
    expect_equal "$(jq -c '[.facts.places[] | [.db, .good]]' "$T/many.json")" '[["four",1],["one",1],["three",1],["two",1]]'
    expect_equal "$(awk -F'\t' '$2 == "LIST" {print $3}' "$T/proxy/log" | sort | uniq -d)" ''
    faults 'answer status=403 code=AccessDenied on=LIST key=*/three/pins/'
    expect_status 1 pgassay verify status --repo "$REPO"
    expect_text '"three"'
}

@test "a host fetches a label once; whom it trusts is asked each time" {
    local day before args=(--repo-option "sign-key=$T/host" --repo-option "trust-backup=$T/host.pub")
    s3_repo labels
    pgassay storage keygen "$T/host"
    pgassay storage keygen "$T/other"
    for day in 5 4 3; do plant shop --at "$(days_ago $day)" "${args[@]}" >/dev/null; done
    rm -rf "$T/state"
    faults '# none'
    expect_status 0 storage list "${args[@]}"
    expect_equal "$(label_gets)" 3
    expect_status 0 storage list "${args[@]}"
    expect_equal "$(label_gets)" 3
    expect_status 0 storage show shop "${args[@]}"    # the one that it shows
    expect_equal "$(label_gets)" 4
    expect_status 0 storage list --check "${args[@]}"
    expect_equal "$(label_gets)" 7
    # Another key is trusted from now on: what is remembered is signed by nobody who counts.
    before=$(label_gets)
    expect_status 1 storage show shop --repo-option "trust-backup=$T/other.pub"
    expect_text "not trusted for backups" "no whole backup"
    expect_equal "$(label_gets)" "$before"
    # Two in each other's place: both are fetched, and are what they are.
    s3 get "s3://test/$(s3_keys "$REPO/shop/backups/" | grep 'label.json$' | head -n 1)" "$T/label" >/dev/null
    s3 put "$T/label" "s3://test/$(s3_keys "$REPO/shop/backups/" | grep 'label.json$' | tail -n 1)" >/dev/null
    before=$(label_gets)
    storage list --json "${args[@]}" >"$T/out" || true
    expect_equal "$(jq -r '[.databases[].backups[].state] | join(" ")' "$T/out")" "committed committed damaged"
    expect_equal "$(($(label_gets) - before))" 1
}
