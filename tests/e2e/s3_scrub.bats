#!/usr/bin/env bats
# A bucket that loses and spoils objects: found, told, and healed from a directory.

load lib
load s3
setup_file() {
    e2e_setup
    s3_start test
    pg_start main
    db_make shop small.sql
}
teardown_file() { s3_stop; e2e_teardown; }

@test "what a bucket lost or spoilt is found, and comes back from the other repository" {
    local nas=$T/repo.nas lost bad label
    export REPO=s3://test/scrub
    storage init "$REPO"
    pgassay storage init "$nas"
    pgassay backup shop --repo "$REPO" --repo "$nas"
    s3_keys s3://test/scrub/shop/chunks/ >"$T/keys"
    lost=$(head -n 1 "$T/keys") bad=$(tail -n 1 "$T/keys")
    s3 del "s3://test/$lost" >/dev/null
    s3 get --force "s3://test/$bad" "$T/object" >/dev/null
    printf 'XX' | dd of="$T/object" bs=1 seek=20 conv=notrunc status=none
    s3 put "$T/object" "s3://test/$bad" >/dev/null
    expect_status 3 storage list shop --check
    expect_status 3 storage scrub shop
    expect_text "$(basename "$lost")" missing "$(basename "$bad")" "is bad"
    expect_status 1 restore shop --to back
    expect_text damaged
    expect_status 0 storage scrub shop --repair-from "$nas" --verbose
    expect_text "healed 2 chunks"
    expect_status 0 storage list shop --check
    # The label too, by a copy of the backup.
    label=$(s3_keys s3://test/scrub/shop/backups/ | grep label.json)
    s3 del "s3://test/$label" >/dev/null
    expect_status 0 storage list shop
    expect_text "has no label"
    expect_status 0 storage scrub shop --repair-from "$nas"
    expect_status 0 storage scrub shop
    rm -r "$nas"
    restore shop --to back
    db_same shop back
    # How far scrubs came stands in the bucket.
    [ -n "$(s3_keys s3://test/scrub/shop/scrubs/)" ]
}
