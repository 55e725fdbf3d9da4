#!/usr/bin/env bats
# --rows after random changes: what it finds is what psql, comm and join find in both databases.

load lib

# Three ranges of 16 MiB, with two rows in a block; rows without a key, many of them equal; a partition whose columns stand in another order; a key of two columns
# in which one value has many spellings, not the first ones, beside what is computed and what was dropped; rows that are kept as text.
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
CREATE COLLATION folded (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE TABLE spelt (note text, b text COLLATE folded, gone int, twice int GENERATED ALWAYS AS (length(note)) STORED, n numeric, PRIMARY KEY (n, b));
ALTER TABLE spelt DROP gone;
INSERT INTO spelt (note, b, n) SELECT 'n' || i, 'b' || i % 5, i FROM generate_series(1, 4500) i;
INSERT INTO spelt (note, b, n) SELECT 'twin ' || i, 'b' || i, 5000 FROM generate_series(1, 2) i;
CREATE TYPE mood AS ENUM ('good', 'bad');
CREATE TABLE words (id int PRIMARY KEY, moods mood[]);
INSERT INTO words SELECT i, '{good,NULL}' FROM generate_series(1, 100) i;
ANALYZE;
SQL
    # A partition that computes a part of its key by itself, and so has it not in its rows.
    [ "$(server_major)" -ge 16 ] || psql_in shop -o /dev/null <<'SQL'
CREATE TABLE own (a int, k int, c int, PRIMARY KEY (a, k)) PARTITION BY LIST (a);
CREATE TABLE own1 (a int NOT NULL, c int, k int GENERATED ALWAYS AS (c * 2) STORED NOT NULL);
ALTER TABLE own ATTACH PARTITION own1 FOR VALUES IN (1);
INSERT INTO own (a, c) SELECT 1, i FROM generate_series(1, 10) i;
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

# expect_as_whole TABLE [all]: what --apply deleted finds by keys is what comparing whole rows finds, but for changed ones. Of each table the first 50 rows that were
# deleted are compared, or all rows.
expect_as_whole() {
    local show=50 states='["deleted"]' found
    [ -z "${2:-}" ] || { show=100000; states='["deleted", "added"]'; }
    found=".differences[0] | [.deleted, .added, [.shown[] | select(.state | IN(${states}[]))]]"
    restore shop --into live --rows "$1" --apply deleted --dry-run --show $show --json --verbose >"$T/keys.json" 2>"$T/keys.log" || { cat "$T/keys.log" >&2; return 1; }
    restore shop --into live --rows "$1" --where true --show $show --json >"$T/whole.json"
    jq "$found" "$T/whole.json" >"$T/whole"
    jq "$found" "$T/keys.json" | diff "$T/whole" - || { cat "$T/keys.log" >&2; return 1; }
    if grep 'in their keys' "$T/keys.log"; then
        expect_equal "$(jq '.differences[0].changed' "$T/keys.json")" null
    else
        grep 'much of it differs' "$T/keys.log"
        expect_equal "$(jq '.differences[0].changed' "$T/keys.json")" "$(jq '.differences[0].changed' "$T/whole.json")"
    fi
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
change_spelt() {
    local from=$((RANDOM % 4500)) some
    some="n BETWEEN $from AND $((from + RANDOM % 200))"
    case $((RANDOM % 7)) in
    0) echo "DELETE FROM spelt WHERE $some" ;;
    1) echo "UPDATE spelt SET n = n * 1.00 WHERE $some" ;;                                      # spelt otherwise
    2) echo "UPDATE spelt SET b = upper(b) WHERE $some" ;;
    3) echo "UPDATE spelt SET n = n + 100000 WHERE $some" ;;
    4) echo "WITH gone AS (DELETE FROM spelt WHERE $some RETURNING n, b) INSERT INTO spelt (n, b, note) SELECT n, b, 'other' FROM gone WHERE n % 3 > 0" ;;
    5) echo "UPDATE spelt SET n = 200000 - n WHERE $some OR n > 190000" ;;
    6) echo "UPDATE spelt SET note = 'x' WHERE $some" ;;
    esac
}

@test "random changes: deleted, changed and added are counted as comparing both databases does, and what was deleted is found by its key alone" {
    local i k sql
    for ((i = 0; i < $(rounds 1 60); i++)); do
        live
        for ((k = 0; k < RANDOM % 4 + 1; k++)); do
            for sql in "$(change big id note)" "$(change log a b)" "$(change p a b)" "$(change_spelt)"; do
                echo "$sql" >&2
                psql_in live -o /dev/null -c "$sql"
            done
        done
        expect_found big id
        expect_found log a
        expect_found p a
        expect_as_whole big
        expect_as_whole p all
        expect_as_whole spelt all
        restore shop --into live --rows big --rows p --rows spelt --apply deleted >&2
        restore shop --into live --rows spelt --json | jq -e --slurpfile before "$T/whole.json" '[.differences[0] | .deleted, .changed, .added] == [0, ($before[0].differences[0] | .changed, .added)]'
        expect_found p a
        restore shop --into live --rows big --rows p --apply both >&2
        expect_equal "$(psql_in live -c "SELECT md5(string_agg(p::text, ',' ORDER BY a)) FROM p WHERE a <= 2000")" "$(psql_in shop -c "SELECT md5(string_agg(p::text, ',' ORDER BY a)) FROM p")"
        expect_equal "$(psql_in live -c "SELECT md5(string_agg(big::text, ',' ORDER BY id)) FROM big WHERE id <= 9000")" "$(psql_in shop -c "SELECT md5(string_agg(big::text, ',' ORDER BY id)) FROM big")"
    done
}

@test "only the ranges that differ are looked at; a table that was written anew is compared row by row" {
    since 14 'reading a range of blocks'
    local chunk
    live
    psql_in live -c 'DELETE FROM big WHERE id BETWEEN 5000 AND 5009' -c "INSERT INTO big SELECT 20000 + i, 0, 'new', repeat('y', 3900) FROM generate_series(1, 5000) i"
    expect_found big id
    grep 'table "public"."big": [34] of [45] ranges differ' "$T/found.log"
    # A bad chunk is not in the way, if only comparing keys would need it.
    chunk=$REPO/shop/chunks/$(manifest shop | jq -r '.chunks[(.tables[] | select(.name == "big")).ranges[0][3][0][0]][0]')
    cp "$chunk" "$T/aside"
    flip "$chunk" 40
    expect_status 0 restore shop --into live --rows big --apply deleted --verbose
    cp "$T/aside" "$chunk"
    expect_text "$(basename "$chunk" | cut -c1-16)" 'comparing whole rows, and reading only what differs' '10 deleted, 0 changed, 5000 added since' '10 rows inserted'
    psql_in live -c 'DELETE FROM big WHERE id < 3000' -c 'VACUUM FULL big'
    expect_found big id
    grep 'much of it differs' "$T/found.log"
    psql_in live -c 'TRUNCATE big'
    expect_found big id
    expect_as_whole big
    grep 'much of it differs' "$T/keys.log"
}

@test "of what was deleted keys are compared: moved, written anew, in another spelling; changed rows are not counted" {
    live
    psql_in live -c "UPDATE spelt SET note = 'y' WHERE n BETWEEN 30 AND 39"
    expect_status 0 restore shop --into live --rows spelt --apply deleted --verbose
    expect_text '"public"."spelt": 0 of 1 ranges differ in their keys' '"public"."spelt": 0 deleted, 0 added'
    psql_in live -c 'DELETE FROM spelt WHERE n BETWEEN 40 AND 49' -c 'UPDATE spelt SET n = n * 1.00 WHERE n BETWEEN 10 AND 19' -c 'UPDATE spelt SET b = upper(b) WHERE n BETWEEN 20 AND 29' \
        -c 'UPDATE spelt SET n = n + 100000 WHERE n BETWEEN 60 AND 64' \
        -c "WITH gone AS (DELETE FROM spelt WHERE n BETWEEN 50 AND 59 RETURNING n, b) INSERT INTO spelt (n, b, note) SELECT n, b, 'other' FROM gone WHERE n > 51"
    expect_as_whole spelt all
    expect_equal "$(jq -c '.differences[0] | [.deleted, .changed, .added, (.shown | map(.live.note) | unique)]' "$T/keys.json")" '[17,null,5,[null,"n60","n61","n62","n63","n64"]]'
    valid_json restore "$T/keys.json"
    expect_status 0 restore shop --into live --rows spelt --apply deleted --where 'n = 41'
    expect_text '1 deleted, 0 changed, 0 added since' '1 rows inserted'
    expect_status 0 restore shop --into live --rows spelt --apply deleted --show 21
    expect_text '"public"."spelt": 16 deleted, 5 added since; changed rows were not looked for: leave --apply out to see them' 'added  ' 'note n60; b b0' '16 rows inserted'
    expect_status 0 restore shop --into live --rows spelt
    expect_text '0 deleted, 38 changed, 5 added since'
}

@test "another key since, no key, and rows that are kept as text" {
    live
    psql_in live -c "DELETE FROM spelt WHERE note = 'twin 2'" -c 'ALTER TABLE spelt DROP CONSTRAINT spelt_pkey, ADD PRIMARY KEY (n)' -c 'DELETE FROM words WHERE id = 5' -c 'DELETE FROM log WHERE ctid IN (SELECT ctid FROM log LIMIT 1)'
    expect_status 0 restore shop --into live --rows spelt --rows words --rows log --apply deleted
    expect_text '"spelt": 0 deleted, 0 added since; changed' '"words": 1 deleted, 0 changed, 0 added since' '"log" (no primary key: whole rows): 1 deleted, 0 changed' '"words": 1 rows inserted'
    [ "$(server_major)" -ge 16 ] || restore shop --into live --rows own --apply deleted --dry-run --json | jq -e '.differences[0].changed != null'
}

@test "partitions that came and went, and a table that is partitioned no more" {
    live
    psql_in live -c 'ALTER TABLE p DETACH PARTITION p1' -c 'CREATE TABLE p3 (b text, a int NOT NULL)' -c "INSERT INTO p3 SELECT 'p' || i, i FROM generate_series(1, 900) i" \
        -c 'ALTER TABLE p ATTACH PARTITION p3 FOR VALUES FROM (MINVALUE) TO (1000)'
    expect_found p a
    expect_as_whole p all
    psql_in live -c 'DROP TABLE p3'
    expect_found p a
    expect_as_whole p all
    live
    restore shop --into live --data-only -t p --truncate
    expect_found p a
    expect_equal "$(jq -c '.differences[0] | [.deleted, .changed, .added]' "$T/found.json")" '[0,0,0]'
    psql_in live -c 'DROP TABLE p' -c "CREATE TABLE p AS SELECT i AS a, 'p' || i AS b FROM generate_series(1, 1500) i" -c 'ALTER TABLE p ADD PRIMARY KEY (a)' -c 'CREATE TABLE child () INHERITS (p)' \
        -c "INSERT INTO child VALUES (1999, 'p1999')"
    expect_found p a
}
