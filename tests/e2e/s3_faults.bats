#!/usr/bin/env bats
# Networks and stores that fail: either the run succeeds all the same, or one line says what is wrong, nothing counts as
# good, and the next run goes on.

load lib
load s3
setup_file() {
    e2e_setup
    s3_start test
    pg_start main
    db_make shop small.sql
    proxy_start
    s3_repo whole
    backup shop
}
setup()         { faults '# none'; }
teardown_file() { s3_stop; e2e_teardown; }

# Past the proxy.
direct() { AWS_ENDPOINT_URL=$S3_ENDPOINT "$@"; }
committed() { direct storage list --json | jq '[.databases[].backups[] | select(.state == "committed")] | length'; }
all_good() { direct expect_status 0 pgassay verify objects --repo "$REPO"; }

@test "what passes by itself: the backup succeeds, and is good" {
    local fault n=0
    s3_repo passing
    while read -r fault; do
        n=$((n + 1))
        faults "$fault"
        expect_status 0 backup shop || { echo "with: $fault" >&2; return 1; }
        expect_equal "$output" ""
        [ "$(hit)" -ge 1 ] || { echo "never happened: $fault" >&2; return 1; }
    done <<'FAULTS'
delay seconds=0.5 on=PUT key=*/chunks/*
reset on=PUT key=*/chunks/*
reset-in-body bytes=10 on=PUT key=*/chunks/*
lost on=PUT key=*/chunks/*
lost on=PUT key=*/runs/*
lost on=PUT key=*/label.json
alter-request at=5 on=PUT key=*/chunks/*
answer status=500 code=InternalError on=PUT key=*/chunks/* times=2
answer status=503 code=SlowDown times=3 skip=2
answer status=503 body=empty on=LIST,HEAD,GET times=2
answer status=503 code=SlowDown retry-after=1 on=PUT key=*/manifest.json.zst
answer status=400 code=RequestTimeout on=PUT key=*/chunks/*
reset-answer bytes=5 on=LIST
truncate bytes=5 on=LIST
truncate bytes=5 on=GET
length by=10 on=LIST
list-short entries=2 on=LIST times=0
FAULTS
    expect_equal "$(committed)" $n
    all_good
}

@test "what does not pass: one line that names it, status 1, no backup, and the next run goes on" {
    local want_status fault want
    s3_repo failing
    while IFS='|' read -r want_status fault want; do
        faults "$fault"
        expect_status "$want_status" backup shop --repo-option timeout=2 --repo-option idle-timeout=1 || { echo "with: $fault" >&2; return 1; }
        expect_short 2
        expect_text "$want"
        [ "$(hit)" -ge 1 ] || { echo "never happened: $fault" >&2; return 1; }
        expect_equal "$(committed)" 0
    done <<'FAULTS'
1|reset on=PUT key=*/chunks/* times=0|shop/chunks/
1|answer status=500 code=InternalError on=PUT key=*/chunks/* times=0|InternalError
1|answer status=403 code=AccessDenied on=PUT key=*/chunks/*|AccessDenied
1|answer status=403 code=AccessDenied on=PUT key=*/label.json|label.json
1|answer status=507 code=QuotaExceeded on=PUT key=*/chunks/* times=0|QuotaExceeded
2|answer status=307 code=TemporaryRedirect location=http://127.0.0.1:1/ on=PUT times=0|Redirect
2|answer status=301 code=PermanentRedirect region=eu-central-1 on=LIST times=0|eu-central-1
1|hang on=PUT key=*/chunks/* times=0|shop/chunks/
1|slow per-second=1 from=head on=GET,LIST times=0|repo.1.json
1|answer status=200 body=garbage on=LIST times=0|well-formed
1|answer status=200 body=html on=LIST times=0|another document
1|answer status=200 body=huge on=LIST times=0|more than
1|list-endless on=LIST key=*/chunks/* times=0|makes no sense
1|list-reverse on=LIST key=*/chunks/* times=0|do not ascend
1|list-twice on=LIST key=*/chunks/* times=0|do not ascend
1|list-overlap entries=2 on=LIST key=*/chunks/* times=0|do not ascend
FAULTS
    faults '# none'
    expect_status 0 backup shop
    expect_equal "$(committed)" 1
    all_good
    # What the failed runs stored was used.
    direct storage show shop --json | jq -e '.new_chunks < .chunks'
}

@test "kill -9 at every request of a backup: nothing counts, and the next run goes on from there" {
    local n k kind
    s3_repo killed
    faults '# none'
    backup shop
    n=$(wc -l <"$T/proxy/log")
    s3_repo killed2
    for ((k = 0; k < n; k++)); do
        kind="kill"
        ((k % 2)) || kind=late-kill
        faults "$kind pidfile=$T/victim skip=$k"
        sh -c 'echo $$ >"$0"; exec "$@"' "$T/victim" "$BIN/pgassay-backup" shop --repo "$REPO" --jobs 1 >/dev/null 2>&1 3>&- 4>&- || true
        # Killed behind the label it is a backup.
        [ "$(committed)" -eq 0 ] || break
    done
    [ "$k" -gt 10 ]
    faults '# none'
    expect_status 0 backup shop
    all_good
}

@test "the network goes at every stage of a backup: status 1, nothing counts, the next run goes on" {
    local n k
    s3_repo cut
    faults '# none'
    backup shop
    n=$(wc -l <"$T/proxy/log")
    s3_repo cut2
    for ((k = 0; k < n - 1; k += 3)); do
        faults "reset skip=$k times=0"
        run backup shop --repo-option timeout=1
        # Cut off behind the label it is a backup; whether it counts may not be known.
        [ "$(committed)" -eq 0 ] || break
        expect_equal "$status" 1
        expect_short 3
    done
    [ "$k" -gt 10 ]
    faults '# none'
    expect_status 0 backup shop
    all_good
}

@test "what the store does not list is not reused, and written anew" {
    REPO=s3://test/whole
    faults 'list-hide keys=*/chunks/*.zst on=LIST times=0'
    expect_status 0 backup shop
    [ "$(hit)" -ge 1 ]
    direct storage show shop --json | jq -e '.new_chunks == .chunks'
    all_good
}

@test "an object that the store lists and does not give: the run says so, and which" {
    REPO=s3://test/whole
    faults 'answer status=404 code=NoSuchKey on=GET,HEAD key=*/chunks/* times=0'
    expect_status 1 restore shop --to lost
    expect_short
    expect_text .zst
    expect_no_db lost
    expect_status 3 pgassay verify objects --repo "$REPO"
}

@test "bytes altered on the way back: once is healed by asking again, always is damage, and never restored" {
    REPO=s3://test/whole
    faults 'alter at=100 on=GET key=*/chunks/*'
    expect_status 0 storage scrub
    faults 'alter at=100 on=GET key=*/chunks/* times=0'
    expect_status 1 restore shop --to altered
    expect_short
    expect_text .zst
    expect_no_db altered
    expect_status 3 pgassay verify objects --repo "$REPO"
    faults 'alter at=10 on=GET key=*/label.json times=0'
    expect_status 1 restore shop --to altered
    expect_no_db altered
    all_good
}
