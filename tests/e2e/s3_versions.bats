#!/usr/bin/env bats
# Buckets that keep versions: Object Lock, earlier states, and what is left after somebody removed everything.

load lib
load s3
setup_file() {
    e2e_setup
    s3_start kept:lock plain
    pg_start main
    db_make shop small.sql
    printf '[repo locked]\npath = s3://kept/locked\nobject-lock = governance\nobject-lock-days = 10\n' >"$PGASSAY_CONFIG"
    radosgw-admin -c "$S3_CONF" user create --uid=host --display-name=host --access-key=AKhost --secret=secrethost >/dev/null 2>&1
}
teardown_file() { s3_stop; e2e_teardown; }

new_repo() { export REPO=$1; pgassay storage init --repo "$REPO"; }
ids() { storage list --json | jq -r '.databases[].backups[].backup'; }
newest() { ids | tail -n 1; }
# The chunk list of a backup of shop.
chunk_list() { s3 get --force "$1/shop/backups/$2/chunks.zst" "$T/list.zst" >/dev/null && zstd -dcq "$T/list.zst"; }
# The store's clock has whole seconds: what comes next is later than this.
moment() { sleep 1.2; date -u +%Y-%m-%dT%H:%M:%SZ; sleep 1.2; }
as_host() { AWS_ACCESS_KEY_ID=AKhost AWS_SECRET_ACCESS_KEY=secrethost "$@"; }
# may HOST: the second user gets what doctor prints for such a host, and nothing else.
may() {
    [ -f "$T/doctor.json" ] || pgassay storage doctor --repo "$REPO" --json >"$T/doctor.json"
    jq --arg h "$1" '.policies[$h] | .Statement[].Principal = {"AWS": ["arn:aws:iam:::user/host"]}' "$T/doctor.json" >"$T/policy.json"
    s3 setpolicy "$T/policy.json" s3://kept
}

@test "what a backup needs is locked; prune says so, leaves it, and is content" {
    local first until
    new_repo locked
    plant shop
    first=$(newest)
    until=$(chunk_list s3://kept/locked "$first" | cut -d' ' -f4 | sort -u)
    [ "$until" -ge $(($(date +%s) + 10 * 86400)) ] && [ $((until % (30 * 86400))) -eq 0 ]
    plant shop
    expect_equal "$(chunk_list s3://kept/locked "$(newest)" | cut -d' ' -f4 | sort -u)" "$until"
    storage policy --keep-last 1
    storage prune --json >"$T/prune.json"
    valid_json prune "$T/prune.json"
    jq -e --arg id "$first" '.databases[].backups | all(.stays) and (.[] | select(.backup == $id).reasons == ["locked"])' "$T/prune.json"
    expect_equal "$(ids | wc -l)" 2
    expect_equal "$(s3_keys s3://kept/locked/shop/runs/)" ""
    expect_status 0 storage scrub
}

@test "list, show, restore and verify see an earlier state" {
    local moment first
    new_repo s3://kept/past
    backup shop
    first=$(newest)
    db_digest shop >"$T/want"
    moment=$(moment)
    psql_in shop -c "CREATE TABLE later AS SELECT 1 AS n"
    backup shop
    s3 del "s3://kept/past/shop/backups/$first/label.json"
    expect_equal "$(ids | wc -l)" 1
    expect_equal "$(storage list --as-of "$moment" --json | jq -r '.databases[].backups[].backup')" "$first"
    storage show shop --as-of "$moment" --json | jq -e --arg id "$first" '.backup == $id'
    restore shop --as-of "$moment" --to old
    db_digest old | diff "$T/want" -
    db_drop old
    expect_status 0 pgassay verify objects shop --repo "$REPO" --as-of "$moment"
    # The past as a repository to copy from.
    printf '[repo past]\npath = %s\nas-of = %s\n' "$REPO" "$moment" >>"$PGASSAY_CONFIG"
    pgassay storage init --repo "$T/saved"
    expect_status 0 pgassay storage copy past "$T/saved"
    expect_status 0 pgassay verify objects --repo "$T/saved"
    expect_equal "$(pgassay storage list --repo "$T/saved" --json | jq -r '.databases[].backups[].backup')" "$first"
    expect_status 2 storage pin shop "$first" --note x --as-of "$moment"
    expect_text "means nothing to pin"
    expect_status 2 pgassay storage pin shop "$first" --note x --repo past
    expect_text "cannot be written to"
    expect_status 2 storage list --as-of tomorrow-ish
    psql_in shop -c "DROP TABLE later"
}

@test "a bucket that never kept versions has no earlier state to show: an error, not what is there today" {
    new_repo s3://plain/today
    plant shop
    expect_status 2 storage list --as-of 2026-01-01
    expect_text "versioning was never turned on"
    expect_status 2 storage list --as-of "$(date -u +%Y-%m-%dT%H:%M:%SZ)"
    expect_status 2 storage undelete --since "$(days_ago 1)"
    expect_text "versioning was never turned on"
    expect_status 0 storage list
}

@test "after somebody removed everything, all of it comes back" {
    local moment want
    new_repo s3://kept/gone
    backup shop
    want=$(storage list --json | jq 'del(.run_id)')
    moment=$(moment)
    s3 del -r -f s3://kept/gone/
    expect_status 1 storage list
    expect_text "is not a repository"
    expect_status 2 storage undelete
    expect_text "--since is missing"
    storage undelete --since "$moment" --dry-run --json >"$T/undelete.json"
    valid_json undelete "$T/undelete.json"
    jq -e '.dry_run and .objects > 4 and (.databases[].backups | length == 1)' "$T/undelete.json"
    expect_status 1 storage list
    storage undelete --since "$moment" --json >"$T/undelete.json"
    valid_json undelete "$T/undelete.json"
    expect_equal "$(storage list --json | jq 'del(.run_id)')" "$want"
    restore shop --to again
    db_same shop again
    db_drop again
    expect_equal "$(storage undelete --since "$moment" --json | jq .objects)" 0
}

@test "the policies that doctor prints are enough for each host, and not more" {
    new_repo s3://kept/rights
    backup shop
    may restore
    as_host expect_status 0 restore shop --list
    as_host expect_status 0 storage list --as-of "$(moment)"
    as_host expect_status 1 backup shop
    expect_text "AccessDenied"
    may backup
    as_host expect_status 0 backup shop --repo-option object-lock=governance --repo-option object-lock-days=1
    storage policy --keep-last 1
    as_host expect_status 1 storage prune
    may prune
    as_host expect_status 0 storage prune
    expect_equal "$(as_host ids | wc -l)" 1        # what the other user wrote is its own here
    as_host expect_status 1 backup shop
}
