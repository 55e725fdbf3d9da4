#!/usr/bin/env bats
# Backups and prunes at once, from separate processes, with kill -9.  STORM_ROUNDS, STORM_SEED: more, or the same again.

load lib
load s3
setup_file() { e2e_setup; pg_start main; }
teardown_file() { s3_stop; e2e_teardown; }

storm() {
    db_make storm
    storage policy --keep-last 2
    timeout -k 10 "${STORM_TIMEOUT:-800}" "$BATS_TEST_DIRNAME/storm" --rounds "$1" ${STORM_ROUNDS:+--restore-all} \
        ${STORM_SEED:+--seed "$STORM_SEED"} >&3 2>&3
}

@test "three backups and two prunes at once, some of them killed, lose nothing" {
    repo_new storm
    storm "${STORM_ROUNDS:-$(rounds 4 8)}"
}

@test "the same on S3 (STORM_S3=1 or E2E_LONG=1)" {
    [ -n "${STORM_S3:-}${E2E_LONG:-}" ] || skip "on request"
    s3_start test
    s3 ls >/dev/null
    export S3CFG=$T/s3cfg
    s3_repo storm
    storm "${STORM_ROUNDS:-$(rounds 4 8)}"
}
