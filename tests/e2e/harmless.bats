#!/usr/bin/env bats
# Reading a database does not push out of the server's memory what others need there, and big tables are cut at the same
# places all the same.

load lib
setup_file() {
    e2e_setup
    # A table of more than a quarter of this is a big one, for the server's sequential scans.
    pg_start main shared_buffers=16MB
    psql_in postgres -c 'CREATE EXTENSION pg_buffercache' \
        -c "CREATE TABLE hot AS SELECT i, repeat('x', 1000) AS t FROM generate_series(1, 3500) i"
    db_make shop
    psql_in shop -c "CREATE TABLE big AS SELECT i AS id, repeat(md5(i::text), 20) AS t FROM generate_series(1, 60000) i" \
        -c "ALTER TABLE big ADD COLUMN half int GENERATED ALWAYS AS (id / 2) STORED"
}
teardown_file() { e2e_teardown; }

# still_hot COMMAND...: how many in a hundred of another database's pages in memory are still there after it.
still_hot() {
    local before after
    psql_in postgres -o /dev/null -c 'SELECT sum(length(t)) FROM hot'
    before=$(hot_pages)
    [ "$before" -ge 480 ] || { echo "only $before pages to begin with" >&2; return 1; }
    "$@" >&2 || return
    after=$(hot_pages)
    echo $((after * 100 / before))
}
hot_pages() {
    psql_in postgres -Atc "SELECT count(*) FROM pg_buffercache WHERE relfilenode = pg_relation_filenode('hot')
        AND reldatabase = (SELECT oid FROM pg_database WHERE datname = 'postgres')"
}

# bats test_tags=versions
@test "a backup and a comparison leave the cache to others" {
    local left
    left=$(still_hot backup --jobs 2 shop)
    [ "$left" -ge 95 ] || { echo "after a backup: $left %" >&2; false; }
    left=$(still_hot pgassay verify live --full --repo "$REPO" --jobs 2 -d shop shop)
    [ "$left" -ge 95 ] || { echo "after a comparison: $left %" >&2; false; }
    # It was cut, and each row is where it belongs.
    manifest shop | jq -r '.tables[] | select(.name == "big").ranges[] | "\(.[0]) \(.[1])"' >"$T/cut"
    psql_in shop -Atc "SELECT b, count(*) FROM (SELECT (ctid::text::point)[0]::int / 2048 * 2048 AS b FROM big) x GROUP BY b ORDER BY b" |
        tr '|' ' ' | diff - "$T/cut"
    [ "$(wc -l <"$T/cut")" -ge 3 ]
}

# bats test_tags=versions
@test "so do several workers that share a table among them" {
    local left
    # A row a block; of this size the ranges of a table are split.
    psql_in shop -c 'CREATE TABLE wide (id int, t text)' -c 'ALTER TABLE wide ALTER t SET STORAGE PLAIN' \
        -c "INSERT INTO wide SELECT i, repeat('x', 8000) FROM generate_series(1, 36000) i" -c 'VACUUM wide'
    left=$(still_hot backup --jobs 4 shop)
    [ "$left" -ge 95 ] || { echo "after a backup by four: $left %" >&2; false; }
    [ "$(manifest shop | jq '.tables[] | select(.name == "wide").rows')" = 36000 ]
}
