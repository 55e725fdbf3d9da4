#!/usr/bin/env bats
# pgassay storage doctor on S3 stores that are good, strange or bad.

load lib
load s3
setup_file() {
    e2e_setup
    s3_start test locked:lock
    proxy_start
    export REPO=s3://test/some/where
}
setup()         { faults '# none'; }
teardown_file() { s3_stop; e2e_teardown; }

@test "a good store: everything is tried, nothing stays, settings and policies are printed" {
    local p
    doctor 0 --repo "$REPO"
    for p in reach style put get list head clock write-once pages checksum-sha256 checksum-md5 if-none-match remove rights \
        versioning object-lock latency throughput; do
        expect_equal "$p $(verdict $p)" "$p good"
    done
    expect_equal "$(s3_keys s3://test/)" ""
    jq -e --arg e "endpoint = $PROXY" '.settings | contains([$e, "style = path", "region = us-east-1"])' "$T/doctor.json"
    jq -e '.policies.backup.Statement | tostring | contains("arn:aws:s3:::test/some/where/*/chunks/*")' "$T/doctor.json"
    expect_status 0 pgassay storage doctor --repo "$REPO"
    expect_text "  good  put" "style = path" "IAM policy for a backup-only host" "IAM policy for a prune host"
    expect_status 0 pgassay storage doctor --quiet --repo "$REPO"
    [ "$(requests DELETES)" -ge 1 ]
}

@test "the host style, and advice when only the other style works" {
    AWS_ENDPOINT_URL=http://localhost:${S3_ENDPOINT##*:} doctor 0 --repo "$REPO" --repo-option style=host
    jq -e '.settings | contains(["style = host"])' "$T/doctor.json"
    AWS_ENDPOINT_URL=$S3_ENDPOINT doctor 3 --repo "$REPO" --repo-option style=host --repo-option timeout=3
    expect_equal "$(verdict reach) $(verdict style)" "bad bad"
    jq -e '.findings[] | select(.probe == "style").advice == "set style = path"' "$T/doctor.json"
}

@test "Swift is known by its answers: its listings lag, so that listing-delay is asked for" {
    local header
    for header in X-Trans-Id X-Openstack-Request-Id; do
        faults "header name=$header value=tx0000 on=LIST times=0"
        doctor 3 --repo "$REPO"
        expect_equal "$(verdict listings)" bad
        jq -e '.findings[] | select(.probe == "listings").advice | contains("listing-delay = 300")' "$T/doctor.json"
    done
    doctor 0 --repo "$REPO" --repo-option listing-delay=300
    expect_equal "$(verdict listings)" good
    faults '# none'
    doctor 0 --repo "$REPO"
    expect_equal "$(verdict listings)" ""
}

@test "a bucket with versions and locks: said, and the lock is read back" {
    doctor 0 --repo s3://locked/x
    expect_equal "$(verdict versioning) $(verdict object-lock)" "note good"
    # Said to be locked, but not.
    faults 'header name=x-amz-object-lock-mode on=HEAD times=0'
    doctor 3 --repo s3://locked/x
    expect_equal "$(verdict object-lock)" bad
    faults '# none'
    # A default retention would lock run marks, too.
    s3_put_lock_default
    doctor 3 --repo s3://locked/x
    expect_equal "$(verdict object-lock)" bad
}
s3_put_lock_default() {
    local body='<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule><DefaultRetention><Mode>GOVERNANCE</Mode><Days>1</Days></DefaultRetention></Rule></ObjectLockConfiguration>'
    printf 'user = "%s:%s"\n' "$S3_ACCESS_KEY" "$S3_SECRET_KEY" |
        curl -s --fail -m 20 -K - -X PUT --aws-sigv4 aws:amz:us-east-1:s3 --data-binary "$body" \
            -H "x-amz-content-sha256: $(printf %s "$body" | sha256sum | cut -c1-64)" "$S3_ENDPOINT/locked/?object-lock="
}

@test "what does not work is named, with what to do, and the rest is tried all the same" {
    local fault probe rc
    while IFS='|' read -r fault probe; do
        faults "$fault"
        rc=0
        pgassay storage doctor --json --repo "$REPO" --repo-option timeout=2 >"$T/doctor.json" || rc=$?
        [ $rc -eq 3 ] || { echo "status $rc with: $fault" >&2; return 1; }
        expect_equal "$(verdict "$probe")" bad
        [ "$(hit)" -ge 1 ]
    done <<'FAULTS'
answer status=403 code=AccessDenied on=PUT times=0|put
answer status=403 code=AccessDenied on=LIST times=0|reach
alter at=3 on=GET key=*/a.z times=0|get
list-hide keys=*/b/1 on=LIST times=0|list
list-endless on=LIST key=*doctor-* skip=1 times=0|pages
skew seconds=1200 on=HEAD times=0|clock
answer status=200 body=empty on=PUT key=*/sha256 times=0|checksum-sha256
answer status=200 body=empty on=DELETE,DELETES times=0|remove
answer status=200 body=html times=0|reach
FAULTS
    # None of them left anything that a good run would not see gone.
    faults '# none'
    s3 del -r --force s3://test/ >/dev/null || true
    faults 'answer status=400 code=NotImplemented on=DELETES times=0'
    doctor 0 --repo "$REPO"
    expect_equal "$(verdict bulk-delete)" note
    expect_equal "$(s3_keys s3://test/)" ""
}

@test "rights of a backup host: run marks can be removed, and nothing else" {
    local keys
    keys=$(radosgw-admin -c "$S3_CONF" user create --uid=backup --display-name=backup | jq -r '.keys[0] | "\(.access_key) \(.secret_key)"')
    doctor 0 --repo "$REPO"
    jq '.policies.backup | .Statement[].Principal = {"AWS": ["arn:aws:iam:::user/backup"]}' "$T/doctor.json" >"$T/policy.json"
    s3 setpolicy "$T/policy.json" s3://test
    AWS_ACCESS_KEY_ID=${keys% *} AWS_SECRET_ACCESS_KEY=${keys#* } doctor 0 --repo "$REPO"
    expect_equal "$(verdict put) $(verdict rights)" "good note"
    expect_equal "$(s3_keys s3://test/)" ""
    s3 delpolicy s3://test
}
