#!/usr/bin/env bats
# Rows of several hundred megabytes.

load lib
# MEGABYTES of each value in the first test; the last one is about a limit, of which nothing can be taken away.
setup_file() {
    e2e_setup
    # Without so much write-ahead log as there are rows.
    pg_start main wal_level=minimal max_wal_senders=0 max_wal_size=128MB checkpoint_timeout=1h
    db_make giant
    MEGABYTES=$(rounds 100 300)
    export MEGABYTES
    psql_in giant -v n=$((MEGABYTES * 250000)) -v lines=$((MEGABYTES * 1000000 / 15)) <<'SQL'
CREATE TABLE bin (id int, b bytea);
ALTER TABLE bin ALTER b SET STORAGE EXTERNAL;
INSERT INTO bin SELECT 1, ('\x' || repeat('00ff5c0a', :n))::bytea;
INSERT INTO bin VALUES (2, '\x01');
CREATE TABLE txt (id int, t text, q tsquery);
ALTER TABLE txt ALTER t SET STORAGE EXTERNAL;
INSERT INTO txt VALUES (1, repeat(E'tab\tback\\slash\n', :lines), NULL), (2, 'x', 'y');
SQL
}
setup() { TOOL_TIMEOUT=200; }
teardown_file() { e2e_teardown; }

# The row is too long for the oracle's row text: its columns one by one.
digest() { psql_in "$1" -c 'SELECT id, length(b), md5(b) FROM bin ORDER BY 1' -c 'SELECT id, length(t), md5(t), q FROM txt ORDER BY 1'; }

@test "a hundred megabytes and more in one value, binary and text" {
    backup giant --compress zstd:1
    restore giant --to giant_copy
    expect_equal "$(digest giant_copy)" "$(digest giant)"
    expect_equal "$(manifest giant | jq -r '.tables | map(.format) | join(" ")')" "binary text"
}

@test "no chunk of it is larger than the ceiling" {
    expect_equal "$(manifest giant | jq '[.chunks[][2]] | max <= 24 * 1048576')" true
}

@test "a value too long for text falls back to binary" {
    [ -n "${E2E_LONG:-}" ] || skip "by night: a value of more than 512 MB"
    db_drop giant_copy
    psql_in giant -c 'TRUNCATE txt' -c 'TRUNCATE bin' -c "INSERT INTO bin SELECT 3, ('\x' || repeat('00ff5c0a', 68000000))::bytea" \
        -c 'UPDATE bin SET b = b || b' -c "INSERT INTO bin VALUES (4, '\x02')"
    expect_equal "$(psql_in giant -c 'SELECT max(length(b)) > 536870912 FROM bin')" t
    run psql_in giant -c 'COPY bin TO STDOUT' -o /dev/null
    [ "$status" -ne 0 ]
    backup giant --compress zstd:1 --copy-format text
    restore giant --to giant_copy
    expect_equal "$(digest giant_copy)" "$(digest giant)"
}

# peak COMMAND...: the most memory that it or a child of it had, in MiB, into $peak.
peak() {
    peak=$(/usr/bin/python3 -c 'import resource, subprocess, sys
if subprocess.call(sys.argv[1:], stdout=sys.stderr) != 0: sys.exit(1)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)' "$@")
}

# docs/postgresql.md, "Memory": 64 MiB without rows, and up to three times the largest row as COPY sends it, a worker.
@test "memory is bounded by three of the largest rows, a worker, however many there are" {
    [ -z "${E2E_SANITIZED:-}" ] || skip "a sanitizer needs memory of its own"
    local n=$((64 * 1048576)) peak
    db_drop giant giant_copy
    db_make rows
    psql_in rows -v n="$n" <<'SQL'
CREATE TABLE bin (id int, b bytea);
ALTER TABLE bin ALTER b SET STORAGE EXTERNAL;
INSERT INTO bin SELECT i, decode(repeat('0' || i, :n), 'hex') FROM generate_series(1, 2) i;
CREATE TABLE txt (id int, t text, q tsquery);
ALTER TABLE txt ALTER t SET STORAGE EXTERNAL;
INSERT INTO txt SELECT i, repeat(i::text, :n) FROM generate_series(1, 2) i;
SQL
    repo_new rows
    peak "$BIN/pgassay-backup" rows --repo "$REPO" --jobs 1 --compress zstd:1
    expect_equal "$(manifest rows | jq -r '.tables | map(.format) | join(" ")')" "binary text"
    [ "$peak" -le $((64 + 3 * 64)) ] || { echo "backup: $peak MiB" >&2; return 1; }
    peak "$BIN/pgassay-verify" live rows -d rows --full --repo "$REPO" --jobs 1
    [ "$peak" -le $((64 + 3 * 64)) ] || { echo "live: $peak MiB" >&2; return 1; }
    # As text, a bytea is twice as long.
    peak "$BIN/pgassay-backup" rows --repo "$REPO" --jobs 1 --compress zstd:1 --copy-format text
    [ "$peak" -le $((64 + 3 * 128)) ] || { echo "text: $peak MiB" >&2; return 1; }
    [ "$peak" -gt 128 ]
}
