#!/usr/bin/env bats
# --rows after random changes: what it finds is what psql, comm and join find in both databases.

load lib

# Three ranges of 16 MiB, with two rows in a block; rows without a key, many of them equal; a partition whose columns stand in another order.
setup_file() {
    e2e_setup
    pg_start main
    db_make shop
    psql_in shop -o /dev/null <<'SQL'
CREATE TABLE big (id int PRIMARY KEY, n int, note text, fill text);
ALTER TABLE big ALTER fill SET STORAGE PLAIN;
INSERT INTO big SELECT i, i % 7, 'n' || i, repeat('x', 3900) FROM generate_series(1, 9000) i;
CREATE TABLE log (a int, b text);
INSERT INTO log SELECT i % 50, 'l' || i % 3 FROM generate_series(1, 3000) i;
CREATE TABLE p (a int PRIMARY KEY, b text) PARTITION BY RANGE (a);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (MINVALUE) TO (1000);
CREATE TABLE p2 (b text, a int NOT NULL);
ALTER TABLE p ATTACH PARTITION p2 FOR VALUES FROM (1000) TO (MAXVALUE);
INSERT INTO p SELECT i, 'p' || i FROM generate_series(1, 2000) i;
ANALYZE;
SQL
    backup shop
}
teardown_file() { e2e_teardown; }

# The same blocks, which a restored database does not have.
live() { db_drop live; psql_in postgres -c 'CREATE DATABASE live TEMPLATE shop'; }

dump() { psql_in "$1" -c "SELECT $3, md5(($2.*)::text) FROM $2" | LC_ALL=C sort -t '|' -k 1,1 -k 2; }
lines() { wc -l | tr -d ' '; }

# expect_found TABLE KEY: the three numbers.
expect_found() {
    local deleted changed added key
    if [ "$1" = log ]; then key='a || b'; else key=$2; fi
    dump shop "$1" "$key" >"$T/was"
    dump live "$1" "$key" >"$T/is"
    if [ "$1" = log ]; then
        deleted=$(LC_ALL=C comm -23 "$T/was" "$T/is" | lines) changed=0 added=$(LC_ALL=C comm -13 "$T/was" "$T/is" | lines)
    else
        deleted=$(LC_ALL=C join -t '|' -v 1 "$T/was" "$T/is" | lines)
        added=$(LC_ALL=C join -t '|' -v 2 "$T/was" "$T/is" | lines)
        changed=$(LC_ALL=C join -t '|' "$T/was" "$T/is" | awk -F '|' '$2 != $3' | lines)
    fi
    restore shop --into live --rows "$1" --json --verbose >"$T/found.json" 2>"$T/found.log" || { cat "$T/found.log" >&2; return 1; }
    expect_equal "$(jq -c '.differences[0] | [.deleted, .changed, .added]' "$T/found.json")" "[$deleted,$changed,$added]" || { cat "$T/found.log" >&2; return 1; }
}

# One random change of the table, as SQL.
change() {
    local t=$1 key=$2 note=$3 from=$((RANDOM % 9000))
    case $((RANDOM % 10)) in
    0) echo "DELETE FROM $t WHERE $key BETWEEN $from AND $((from + RANDOM % 500))" ;;
    1) echo "DELETE FROM $t WHERE hashint4($key) % $((RANDOM % 90 + 10)) = 0" ;;
    2) echo "UPDATE $t SET $note = $note || 'x' WHERE $key % $((RANDOM % 300 + 30)) = 1" ;;
    3) echo "UPDATE $t SET $note = $note WHERE $key % $((RANDOM % 50 + 5)) = 2" ;;             # moved, not changed
    4) echo "INSERT INTO $t ($key, $note) SELECT 20000 + (SELECT count(*) FROM $t) + i, 'new' FROM generate_series(1, $((RANDOM % 300))) i" ;;
    5) echo "VACUUM $t" ;;
    6) echo "UPDATE $t SET $key = $key + 100000 WHERE $key % 97 = 3 AND $key < 90000" ;;
    7) echo "WITH gone AS (DELETE FROM $t WHERE $key % 61 = 4 RETURNING *) INSERT INTO $t SELECT * FROM gone" ;;
    8) echo "VACUUM FULL $t" ;;
    9) echo "DELETE FROM $t WHERE $key < $((RANDOM % 3000))" ;;
    esac
}

@test "random changes of three tables: deleted, changed and added are counted as comparing both databases does" {
    local i k sql
    for ((i = 0; i < $(rounds 1 60); i++)); do
        live
        for ((k = 0; k < RANDOM % 4 + 1; k++)); do
            for sql in "$(change big id note)" "$(change log a b)" "$(change p a b)"; do
                echo "$sql" >&2
                psql_in live -o /dev/null -c "$sql"
            done
        done
        expect_found big id
        expect_found log a
        expect_found p a
        restore shop --into live --rows big --rows p --apply both >&2
        expect_equal "$(psql_in live -c "SELECT md5(string_agg(p::text, ',' ORDER BY a)) FROM p WHERE a <= 2000")" "$(psql_in shop -c "SELECT md5(string_agg(p::text, ',' ORDER BY a)) FROM p")"
        expect_equal "$(psql_in live -c "SELECT md5(string_agg(big::text, ',' ORDER BY id)) FROM big WHERE id <= 9000")" "$(psql_in shop -c "SELECT md5(string_agg(big::text, ',' ORDER BY id)) FROM big")"
    done
}

@test "only the ranges that differ are looked at; a table that was written anew is compared row by row" {
    since 14 'reading a range of blocks'
    live
    psql_in live -c 'DELETE FROM big WHERE id BETWEEN 5000 AND 5009' -c "INSERT INTO big SELECT 20000 + i, 0, 'new', repeat('y', 3900) FROM generate_series(1, 5000) i"
    expect_found big id
    grep 'table "public"."big": [34] of [45] ranges differ' "$T/found.log"
    psql_in live -c 'DELETE FROM big WHERE id < 3000' -c 'VACUUM FULL big'
    expect_found big id
    grep 'much of it differs' "$T/found.log"
    psql_in live -c 'TRUNCATE big'
    expect_found big id
}

@test "partitions that came and went, and a table that is partitioned no more" {
    live
    psql_in live -c 'ALTER TABLE p DETACH PARTITION p1' -c 'CREATE TABLE p3 (b text, a int NOT NULL)' -c "INSERT INTO p3 SELECT 'p' || i, i FROM generate_series(1, 900) i" \
        -c 'ALTER TABLE p ATTACH PARTITION p3 FOR VALUES FROM (MINVALUE) TO (1000)'
    expect_found p a
    psql_in live -c 'DROP TABLE p3'
    expect_found p a
    live
    restore shop --into live --data-only -t p --truncate
    expect_found p a
    expect_equal "$(jq -c '.differences[0] | [.deleted, .changed, .added]' "$T/found.json")" '[0,0,0]'
    psql_in live -c 'DROP TABLE p' -c "CREATE TABLE p AS SELECT i AS a, 'p' || i AS b FROM generate_series(1, 1500) i" -c 'ALTER TABLE p ADD PRIMARY KEY (a)' -c 'CREATE TABLE child () INHERITS (p)' \
        -c "INSERT INTO child VALUES (1999, 'p1999')"
    expect_found p a
}
