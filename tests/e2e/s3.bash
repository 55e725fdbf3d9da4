# s3.bash - a private S3 server, and between it and the tools a proxy that makes things go wrong.  After `load lib`.
#
#     setup_file()    { e2e_setup; s3_start test; proxy_start; }
#     teardown_file() { s3_stop; e2e_teardown; }
# shellcheck shell=bash disable=SC2034,SC2154  # bats reads and sets variables

# s3_start [--tls] BUCKET[:lock]...: the server, and the AWS tools' variables for it.
s3_start() {
    local tls=()
    [ "$1" != --tls ] || { tls=(--tls); shift; }
    "$TOP/scripts/s3-private" start "${tls[@]}" --while $$ "$T/s3" "$@" >/dev/null || return 1
    set -a
    # shellcheck disable=SC1091  # made just now
    . "$T/s3/env"
    set +a
    export AWS_ACCESS_KEY_ID=$S3_ACCESS_KEY AWS_SECRET_ACCESS_KEY=$S3_SECRET_KEY AWS_REGION=$S3_REGION
    export AWS_ENDPOINT_URL=$S3_ENDPOINT AWS_EC2_METADATA_DISABLED=true
}

s3_stop() {
    [ -z "${PROXY_PID:-}" ] || kill "$PROXY_PID" || true
    [ ! -d "$T/s3" ] || "$TOP/scripts/s3-private" stop "$T/s3"
}

# s3_repo NAME: a new repository in the bucket, made past the proxy, becomes $REPO.
s3_repo() {
    export REPO=s3://test/$1
    AWS_ENDPOINT_URL=$S3_ENDPOINT pgassay storage init --repo "$REPO"
}

# An independent client: s3 COMMAND...
s3() {
    [ -f "$T/s3cfg" ] || cat >"$T/s3cfg" <<CONF
[default]
access_key = $S3_ACCESS_KEY
secret_key = $S3_SECRET_KEY
host_base = ${S3_ENDPOINT#http://}
host_bucket = ${S3_ENDPOINT#http://}
use_https = False
CONF
    timeout 60 s3cmd --no-progress -c "$T/s3cfg" "$@"
}
# Keys below an s3:// prefix, relative to the bucket.
s3_keys() { s3 ls -r "$1" | sed -E 's,^.* s3://[^/]+/,,' | LC_ALL=C sort; }

# ---- the proxy (tests/s3proxy says what it can do) -----------------------------------------------

proxy_start() {
    local n
    mkdir "$T/proxy"
    "$TOP/tests/s3proxy" "${S3_ENDPOINT#http://}" "$T/proxy" >"$T/proxy/out" 2>&1 3>&- 4>&- &
    export PROXY_PID=$!
    for ((n = 0; n < 200; n++)); do
        [ ! -s "$T/proxy/port" ] || break
        sleep 0.05
    done
    PROXY=http://127.0.0.1:$(cat "$T/proxy/port")
    export PROXY AWS_ENDPOINT_URL=$PROXY
}

# faults LINE...: from now on; the log begins anew.
faults() {
    printf '%s\n' "$@" >"$T/proxy/faults"
    : >"$T/proxy/log"
}
# How many requests of this operation (and key) came; how many were hit by a fault.
requests() { awk -F'\t' -v op="$1" -v key="${2:-.}" '$2 == op && $3 ~ key' "$T/proxy/log" | wc -l; }
hit() { awk -F'\t' '$7 != "-"' "$T/proxy/log" | wc -l; }

# Past the proxy.
direct() { AWS_ENDPOINT_URL=$S3_ENDPOINT "$@"; }
committed() { direct storage list --json | jq '[.databases[].backups[] | select(.state == "committed")] | length'; }
all_good() { direct expect_status 0 pgassay verify objects --repo "$REPO"; }
# expect_rest DB: the objects below <db>/chunks/ are those that the one backup there needs.
expect_rest() {
    local id
    id=$(direct storage list "$1" --json | jq -r '.databases[].backups[].backup')
    s3 get "$REPO/$1/backups/$id/chunks.zst" "$T/rest.zst" --force >/dev/null
    expect_equal "$(s3_keys "$REPO/$1/chunks/" | sed 's,^.*/chunks/,,')" "$(zstd -dcq "$T/rest.zst" | cut -d' ' -f1)"
}
