#!/usr/bin/env bats
# Retention on an S3 store: policy, pins and drill records are objects like others; what is under lock stays.

load lib
load s3
setup_file() {
    e2e_setup
    s3_start test locked:lock
    pg_start main
    db_make shop small.sql
}
teardown_file() { s3_stop; e2e_teardown; }

# Ids of the backups that the repository lists, oldest first.
listed() { storage list --json | jq -r '.databases[0].backups[].backup' | xargs; }

@test "policy, pins, proofs and prune work in a bucket" {
    local one two
    export REPO=s3://test/retention
    storage init "$REPO"
    storage policy --keep-last 1
    expect_equal "$(storage policy --json | jq -c .policy)" '{"keep_last":1}'
    plant shop --at "$(days_ago 1)" && backup shop
    read -r one two <<<"$(listed)"
    storage pin shop "$one" --note "for the audit"
    expect_status 0 drill shop
    expect_equal "$(storage list --json | jq -c '[.databases[0].backups[] | [.proven, .pinned]]')" \
        '[[false,"for the audit"],[true,null]]'
    expect_status 0 storage prune --grace 0
    expect_equal "$(listed)" "$one $two"
    storage unpin shop "$one"
    expect_status 0 storage prune --grace 0
    expect_equal "$(listed)" "$two"
    expect_status 0 storage list --check
    storage accept shop latest --reason "small but right"
    expect_status 1 storage accept shop latest --reason "again"
    expect_text "accepted already"
}

@test "what the store has under lock stays, and cannot be freed" {
    local before
    export REPO=s3://locked/retention
    storage init "$REPO"
    storage policy --keep-last 1
    for _ in 1 2; do plant shop --repo-option object-lock=governance --repo-option object-lock-days=1; done
    before=$(listed)
    expect_status 0 storage prune --dry-run
    expect_text "locked until"
    expect_status 0 storage prune --grace 0
    expect_equal "$(listed)" "$before"
    expect_status 1 storage prune --free 1
    expect_text "cannot be freed"
    expect_equal "$(listed)" "$before"
}
