#!/usr/bin/env bats
# Where keys come from, with a real S3 server behind: what each source does in detail is in tests/unit/test_aws_credentials.c.

load lib
load s3
setup_file() {
    e2e_setup
    s3_start test
    proxy_start
    mkfifo "$T/hold"
    python3 -W ignore "$TOP/tests/unit/credentials_server.py" <"$T/hold" >"$T/port" 3>&- 4>&- &
    exec 9>"$T/hold"        # the server ends when this is closed
    for _ in {1..100}; do [ ! -s "$T/port" ] || break; sleep 0.05; done
    CREDS=http://127.0.0.1:$(cat "$T/port")
    export CREDS
    s3_repo first
    export KEY=$AWS_ACCESS_KEY_ID SECRET=$AWS_SECRET_ACCESS_KEY
    unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY
}
setup()         { faults '# none'; export REPO=s3://test/first; }
teardown_file() { exec 9>&-; s3_stop; e2e_teardown; }

# What the credentials server answered so often.
count() { curl -s -m 10 "$CREDS/count/$1"; }

@test "secrets in files, a profile, a program, a container: each is enough, and none is said as such" {
    expect_status 1 storage list
    expect_text "no credentials found; tried the environment (AWS_ACCESS_KEY_ID is not set)" "the instance (AWS_EC2_METADATA_DISABLED is true)"
    (umask 077 && echo "$KEY" >"$T/key" && echo "$SECRET" >"$T/secret")
    AWS_ACCESS_KEY_ID_FILE=$T/key AWS_SECRET_ACCESS_KEY_FILE=$T/secret expect_status 0 storage list
    mkdir -p "$HOME/.aws"
    printf '[backup]\naws_access_key_id = %s\naws_secret_access_key = %s\n' "$KEY" "$SECRET" >"$HOME/.aws/credentials"
    expect_status 1 storage list
    AWS_PROFILE=backup expect_status 0 storage list
    expect_status 0 storage list --repo-option profile=backup
    printf '[profile program]\ncredential_process = printf '\''{"AccessKeyId":"%%s","SecretAccessKey":"%%s"}'\'' %s %s\n' "$KEY" "$SECRET" \
        >"$HOME/.aws/config"
    AWS_PROFILE=program expect_status 0 storage list
    AWS_CONTAINER_CREDENTIALS_FULL_URI=$CREDS/real/x expect_status 0 storage list
    AWS_CONTAINER_CREDENTIALS_FULL_URI=$CREDS/good/x expect_status 1 storage list       # keys that the store does not know
    expect_short
    [[ $output != *se/cr+et* ]]
}

@test "credentials that the store calls expired in the middle of a run are fetched anew, once" {
    local before
    before=$(count real)
    faults 'answer status=400 code=ExpiredToken skip=2 times=1'
    AWS_CONTAINER_CREDENTIALS_FULL_URI=$CREDS/real/x expect_status 0 pgassay storage init --repo s3://test/second
    expect_equal "$(hit)" 1
    expect_equal "$(count real)" $((before + 3))        # init opens the storage twice
    faults 'answer status=400 code=ExpiredToken skip=1 times=0'
    AWS_CONTAINER_CREDENTIALS_FULL_URI=$CREDS/real/x expect_status 1 pgassay storage init --repo s3://test/third
    expect_text ExpiredToken
    expect_short
}
