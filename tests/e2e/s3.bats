#!/usr/bin/env bats
# The whole line on a real S3 server: http, TLS, both styles of addresses, rights, an independent client.

load lib
load s3
setup_file() {
    e2e_setup
    s3_start --tls test
    pg_start main
    db_make shop small.sql ranges.sql
    s3_repo first
    backup shop
}
setup()         { export REPO=s3://test/first AWS_ENDPOINT_URL=$S3_ENDPOINT; }
teardown_file() { s3_stop; e2e_teardown; }

@test "backup, list, show, restore, verify, scrub" {
    expect_equal "$(storage list --json | jq -r '.databases[].backups[].state')" committed
    storage show shop --json | jq -e '.rows > 0'
    restore shop --to shop_copy
    db_same shop shop_copy
    db_drop shop_copy
    expect_status 0 pgassay verify objects --repo "$REPO"
    expect_status 0 storage scrub
    expect_status 0 drill shop
    # A table's chunks are not all fetched to look for keys that are gone.
    restore shop --into shop --rows item --apply deleted --json | jq -e '.differences[0] | .deleted == 0 and .changed == 0'
    # Unchanged: of the chunks only the one with pg_dump's archive travels, which holds the time.
    backup shop --json | jq -e '.backups[0] | .new_chunks <= 1 and .new_bytes < 10000'
}

@test "what was written is what another client reads, and a copy of it is a repository" {
    local f name
    mkdir "$T/mirror"
    s3 get -r "$REPO/" "$T/mirror/" >/dev/null
    expect_equal "$(cd "$T/mirror" && find . -type f | sed 's,^\./,first/,' | LC_ALL=C sort)" "$(s3_keys "$REPO/")"
    find "$T/mirror/shop/chunks" -type f | while read -r f; do
        name=$(basename "$f")
        expect_equal "$(sha256sum <"$f" | cut -c1-64)" "$(cut -d- -f2 <<<"$name")"
    done
    [ "$(find "$T/mirror/shop/chunks" -type f | wc -l)" -ge 3 ]
    expect_equal "$(find "$T/mirror/shop/runs" -type f 2>/dev/null)" ""
    expect_status 0 pgassay verify objects --repo "$T/mirror"
    pgassay restore shop --repo "$T/mirror" --to mirrored
    db_same shop mirrored
    db_drop mirrored
}

@test "TLS: with the CA's file, and refused without" {
    export AWS_ENDPOINT_URL=$S3_ENDPOINT_TLS
    expect_status 0 storage list --repo-option ca-file="$S3_CA_FILE"
    AWS_CA_BUNDLE=$S3_CA_FILE expect_status 0 storage list
    AWS_CA_BUNDLE=$S3_CA_FILE expect_status 0 backup shop
    expect_status 1 storage list
    expect_short
    expect_text "certificate"
    expect_status 1 storage list --repo-option ca-file="$T/nowhere.pem"
    expect_text nowhere.pem
}

@test "a key of one's own for the store's encryption: without it, or with another, the hint names the option" {
    local key
    export AWS_ENDPOINT_URL=$S3_ENDPOINT_TLS AWS_CA_BUNDLE=$S3_CA_FILE REPO=s3://test/customer
    for key in key other; do (umask 077 && head -c 32 /dev/urandom >"$T/sse.$key"); done
    expect_status 0 storage init --repo-option sse-customer-key-file="$T/sse.key"
    expect_status 0 backup shop --repo-option sse-customer-key-file="$T/sse.key"
    expect_status 1 storage list
    expect_text repo.1.json 'set sse-customer-key-file'
    expect_status 1 storage list --repo-option sse-customer-key-file="$T/sse.other"
    expect_text 'was it stored with the key in sse-customer-key-file'
}

@test "the bucket in the host's name, over http and TLS" {
    local endpoint
    for endpoint in "http://localhost:${S3_ENDPOINT##*:}" "https://localhost:${S3_ENDPOINT_TLS##*:}"; do
        export AWS_ENDPOINT_URL=$endpoint
        expect_status 0 storage list --repo-option style=host --repo-option ca-file="$S3_CA_FILE"
        expect_text shop
    done
    expect_status 0 backup shop --repo-option style=host --repo-option ca-file="$S3_CA_FILE"
}

@test "everything from the configuration" {
    cat >"$T/s3.conf" <<CONF
repo = far
[repo far]
path = s3://test/first
endpoint = $S3_ENDPOINT
region = us-east-1
style = path
CONF
    unset REPO AWS_ENDPOINT_URL AWS_REGION
    expect_status 0 pgassay storage list --config "$T/s3.conf"
    expect_text shop
    # The environment stands above the file, an option above both.
    AWS_ENDPOINT_URL=http://127.0.0.1:1 expect_status 1 pgassay storage list --config "$T/s3.conf" --repo-option timeout=2
    AWS_ENDPOINT_URL=http://127.0.0.1:1 expect_status 0 pgassay storage list --config "$T/s3.conf" --repo-option endpoint="$S3_ENDPOINT"
    expect_status 2 pgassay storage list --config "$T/s3.conf" --repo-option style=sideways
    expect_text style
}

@test "wrong bucket, wrong secret, no credentials: one line, what to do, status 1" {
    expect_status 1 storage list --repo s3://nosuchbucket/x
    expect_short
    expect_text nosuchbucket
    AWS_SECRET_ACCESS_KEY=wrong expect_status 1 storage list
    expect_short
    [[ $output != *wrong* ]]
    AWS_ACCESS_KEY_ID=AKNOBODY expect_status 1 backup shop
    expect_short
    (unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY; expect_status 1 storage list && expect_short && expect_text credentials)
    expect_status 1 storage list --repo s3://test/nothing-here
    expect_text "storage init"
}

@test "keys that may only read: what reads works, what writes is refused and leaves nothing" {
    local keys before
    keys=$(radosgw-admin -c "$S3_CONF" user create --uid=reader --display-name=reader | jq -r '.keys[0] | "\(.access_key) \(.secret_key)"')
    cat >"$T/policy.json" <<'JSON'
{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": ["arn:aws:iam:::user/reader"]},
 "Action": ["s3:GetObject", "s3:ListBucket"], "Resource": ["arn:aws:s3:::test", "arn:aws:s3:::test/*"]}]}
JSON
    s3 setpolicy "$T/policy.json" s3://test
    before=$(s3_keys "$REPO/")
    export AWS_ACCESS_KEY_ID=${keys% *} AWS_SECRET_ACCESS_KEY=${keys#* }
    expect_status 0 storage list
    expect_status 0 restore shop --to read_only
    db_drop read_only
    expect_status 0 pgassay verify objects --repo "$REPO"
    expect_status 1 backup shop
    expect_short
    expect_text "AccessDenied"
    expect_equal "$(s3_keys "$REPO/")" "$before"
    # And a stranger sees nothing at all.
    s3 delpolicy s3://test
    expect_status 1 storage list
    expect_short
    expect_text "AccessDenied"
}

# fake OFFSET TOOL ARGUMENT...: a tool whose clock is off.
fake() {
    local offset=$1 tool=$2
    shift 2
    FAKETIME_DONT_FAKE_MONOTONIC=1 timeout 60 faketime -f "$offset" "$BIN/$tool" "$@"
}

@test "a clock 20 minutes off: said once, requests go by the store's, prune removes nothing, doctor names it" {
    local before
    before=$(s3_keys "$REPO/")
    expect_status 0 fake -20m pgassay-storage list --repo "$REPO"
    expect_text "clock is 1200 s behind" shop
    expect_status 1 fake +20m pgassay-storage prune shop --repo "$REPO"
    expect_text "nothing was removed" "clock is 20 min 0 s ahead"
    fake +20m pgassay-storage doctor --repo "$REPO" --json >"$T/doctor.json" || expect_equal "$?" 3
    expect_equal "$(verdict put) $(verdict clock)" "good bad"
    expect_equal "$(s3_keys "$REPO/")" "$before"
}
