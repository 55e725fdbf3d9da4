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

@test "what passes by itself: the backup succeeds, and is good" {
    local fault n=0 k=0 step
    step=$(rounds 2 1)
    s3_repo passing
    while read -r fault; do
        [ $((k++ % step)) -eq 0 ] || continue
        n=$((n + 1))
        psql_in shop -c "COMMENT ON TABLE item IS 'backup $n'"     # something to store, also twice within a second
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
answer status=200 body=html on=PUT key=*/chunks/*
answer status=200 body=html on=PUT key=*/label.json times=2
answer status=200 body=empty on=PUT key=*/manifest.json.zst
answer status=200 body=html on=GET,HEAD
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
    local want_status fault want limit k=0 step
    step=$(rounds 2 1)
    s3_repo failing
    while IFS='|' read -r want_status fault want; do
        [ $((k++ % step)) -eq 0 ] || continue
        psql_in shop -c "COMMENT ON TABLE item IS '$RANDOM'"       # something to store, whatever the last run got through
        faults "$fault"
        # What never ends is given up soon; what is wrong at once has time to arrive on a busy machine.
        case $fault in *status=200*) limit=30 ;; *) limit=1 ;; esac
        expect_status "$want_status" backup shop --repo-option timeout=$limit --repo-option idle-timeout=$limit --repo-option listing-max=20000 || { echo "with: $fault" >&2; return 1; }
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
1|answer status=200 body=garbage on=LIST times=0|is not XML
1|answer status=200 body=html on=LIST times=0|another document
1|answer status=200 body=huge on=LIST times=0|more than
1|answer status=200 body=html on=PUT key=*/chunks/* times=0|is not one of an S3 store
1|answer status=200 body=html on=PUT key=*/label.json times=0|is not one of an S3 store
1|answer status=200 body=empty on=PUT key=*/label.json times=0|is not one of an S3 store
1|answer status=200 body=empty etag=x on=PUT key=*/chunks/*|is not there, although
1|answer status=200 body=empty etag=x on=PUT key=*/chunks.zst|is not there, although
1|answer status=200 body=empty etag=x on=PUT key=*/label.json|is not there, although
1|answer status=200 body=html on=GET,HEAD times=0|is not one of an S3 store
1|list-endless on=LIST key=*/chunks/* times=0|makes no sense
1|list-new entries=900 on=LIST key=*/chunks/* times=0|names more than 20000 objects
1|list-reverse on=LIST key=*/chunks/* times=0|failing/shop/chunks/1/": the listing makes no sense: keys do not ascend
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

@test "whoever waits for a store that is tried again is told what for, once" {
    local tool n
    s3_repo waiting
    faults 'answer status=503 code=SlowDown retry-after=100 on=PUT key=*/chunks/* times=0'
    "$BIN/pgassay-backup" shop --repo "$REPO" 2>"$T/told" 3>&- 4>&- &
    tool=$!
    for ((n = 0; n < 600; n++)); do [ ! -s "$T/told" ] || break; sleep 0.1; done
    kill -TERM "$tool"
    wait "$tool" || expect_equal $? 143
    grep -q 'warning: 127.0.0.1:.*SlowDown.*; tried 1 time in .*, and again until timeout (15 min 0 s)' "$T/told"
    expect_equal "$(grep -c SlowDown "$T/told")" 1
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

@test "what could not be read is not called damaged" {
    REPO=s3://test/whole
    faults 'answer status=403 code=AccessDenied on=GET key=*/chunks/*'
    expect_status 3 pgassay verify objects --repo "$REPO"
    expect_text 'not compared' AccessDenied 'NOT PROVEN: 0 different, 1 not compared'
    # A store that cannot be reached: one line, not one for each object.
    faults 'answer status=500 code=InternalError on=GET key=*/chunks/* times=0'
    expect_status 1 pgassay verify objects --repo "$REPO" --repo-option timeout=1
    expect_text 'could not read chunk' InternalError
    expect_short
    faults 'answer status=500 code=InternalError on=GET key=*/manifest.json.zst times=0'
    expect_status 1 pgassay verify objects --repo "$REPO" --repo-option timeout=1
    expect_text 'manifest of backup' InternalError
    expect_short
    all_good
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

@test "a bulk delete of which the store refuses keys, or says yes and means no: prune says so, and goes on next time" {
    s3_repo refused
    backup shop
    psql_in shop -c "UPDATE item SET name = 'other'"
    backup shop --whole
    direct storage policy --keep-last 1
    faults 'errors code=AccessDenied keys=*/chunks/* on=DELETES times=0' 'answer status=403 code=AccessDenied on=DELETE key=*/chunks/* times=0'
    # Taken for locked: it stays in the trash.
    storage prune --grace 0s --json | jq -e '.databases[0] | .locked.objects > 0 and (.trash | length) == 1'
    all_good
    faults 'errors code=none keys=none on=DELETES'
    expect_status 0 storage prune --grace 0s
    expect_equal "$(hit)" 1
    all_good
    faults 'answer status=200 code=InternalError on=DELETES times=0'
    expect_status 1 storage prune --grace 0s --repo-option timeout=1
    expect_short
    expect_text InternalError
    all_good
    faults '# none'
    expect_status 0 storage prune --grace 0s
    expect_status 0 storage prune --grace 0s
    expect_rest shop
}

@test "a scrub that is cut off condemns nothing" {
    REPO=s3://test/whole
    faults 'reset on=GET key=*/chunks/* skip=1 times=0'
    expect_status 1 storage scrub --repo-option timeout=1
    expect_short
    expect_equal "$(s3_keys "$REPO/shop/condemned/")" ""
}

@test "credentials that expire in the middle of a run are fetched anew" {
    local server
    radosgw-admin -c "$S3_CONF" key create --uid=test --key-type=s3 --access-key=SECONDKEY --secret-key=second >/dev/null
    cat >"$T/credentials.py" <<'PYTHON'
import http.server, json, os
given = 0
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        global given
        given += 1
        keys = (os.environ["S3_ACCESS_KEY"], os.environ["S3_SECRET_KEY"]) if given == 1 else ("SECONDKEY", "second")
        body = json.dumps({"AccessKeyId": keys[0], "SecretAccessKey": keys[1], "Expiration": "2100-01-01T00:00:00Z"}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *args): pass
server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
PYTHON
    timeout 60 /usr/bin/python3 "$T/credentials.py" >"$T/credentials.port" 3>&- 4>&- &
    server=$!
    while [ ! -s "$T/credentials.port" ]; do sleep 0.05; done
    s3_repo expired
    faults "answer status=400 code=ExpiredToken auth=*$S3_ACCESS_KEY* skip=12 times=0"
    (
        unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY
        export AWS_CONTAINER_CREDENTIALS_FULL_URI
        AWS_CONTAINER_CREDENTIALS_FULL_URI=http://127.0.0.1:$(cat "$T/credentials.port")/
        expect_status 0 backup shop
    )
    kill $server
    [ "$(hit)" -ge 1 ]
    expect_equal "$(committed)" 1
    all_good
    # Static ones do not get better by asking again.
    faults "answer status=400 code=ExpiredToken skip=12 times=0"
    expect_status 1 backup shop
    expect_short
    expect_text expired
}
