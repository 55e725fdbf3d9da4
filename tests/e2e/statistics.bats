#!/usr/bin/env bats
# The planner's statistics: a backup has them, and a server >= 18 gets them with the rows; everywhere else, and where they would
# not be the rows', ANALYZE gathers them.

load lib
setup_file() {
    e2e_setup
    pg_start main
}
teardown_file() { e2e_teardown; }

# With so few, ANALYZE of a restore would give others.
analyze() { psql_in "$1" -c 'SET default_statistics_target = 7' -c 'ANALYZE'; }
statistics() { # DB [TABLE]
    psql_in "$1" -c "SELECT to_jsonb(s) FROM pg_stats s WHERE schemaname NOT IN ('pg_catalog', 'information_schema')
        AND tablename ~ '${2:-.}' ORDER BY s.schemaname, s.tablename, s.attname, s.inherited"
}
# Tables whose statistics are in the newest backup, and how finely each table's are told: 8 bounds are the source's.
stored() { manifest "$1" | jq -r '[.tables[] | select(.statistics) | .name] | join(" ")'; }

bounds() { psql_in "$1" -c "SELECT tablename || ' ' || cardinality(histogram_bounds::text::text[]) FROM pg_stats WHERE attname = 't' ORDER BY 1"; }
as_by_analyze() { bounds "$1" | grep -v ' 10[01]$' || true; }

# A table of each kind of column, with names and values that nobody should take for more than text.
every_kind() {
    db_make "$1"
    psql_in "$1" -o /dev/null <<'SQL'
SET client_min_messages = warning;
CREATE EXTENSION citext;
CREATE TYPE mood AS ENUM ('sad', 'it''s, "so\so"', '{}', 'NULL');
CREATE SCHEMA "s p{a}ce, ""q""";
CREATE TABLE "s p{a}ce, ""q"""."t'; DROP TABLE kinds --" ("col\umn ""1""" text, gone int, n int);
INSERT INTO "s p{a}ce, ""q"""."t'; DROP TABLE kinds --"
    SELECT (ARRAY['NULL', '', '{"a"}', E'a\\b', E'two\nlines\ttab', '''); DROP TABLE kinds; --', '$$', 'é…', ',', '"'])[1 + i % 10], 1, i
      FROM generate_series(1, 9000) i;
ALTER TABLE "s p{a}ce, ""q"""."t'; DROP TABLE kinds --" DROP COLUMN gone;
CREATE TABLE kinds AS SELECT i AS id, CASE WHEN i % 3 > 0 THEN i % 17 END AS few, (i * 7919 % 5000)::numeric(8, 2) AS amount,
    now() + i * interval '1 hour' AS made, i % 4 = 0 AS flag, md5(i::text) AS code, 'Name ' || i % 100 AS name,
    ('w' || i % 50)::citext AS ci, (enum_range(NULL::mood))[1 + i % 4] AS feels, ARRAY['a' || i % 9, 'b,"' || i % 5, NULL] AS tags,
    ARRAY[i % 5, i % 7] AS numbers, ARRAY['sad', '{}']::mood[] AS moods, to_tsvector('simple', 'one two' || i % 20) AS words,
    jsonb_build_object('k', i % 30) AS doc, json_build_object('k', i) AS raw, point(i, i) AS at, int4range(i, i + i % 40) AS span,
    NULL::text AS nothing, (i % 12)::bit(8) AS bits, 'x' AS unwatched, '\x00ff'::bytea AS bytes
    FROM generate_series(1, 4000) i;
ALTER TABLE kinds ADD PRIMARY KEY (id), ALTER unwatched SET STATISTICS 0, ADD twice numeric GENERATED ALWAYS AS (amount * 2) STORED;
CREATE INDEX shouted ON kinds (few, upper(name), (id % 13));
CREATE TABLE sales (id int, region text, made date) PARTITION BY LIST (region);
CREATE TABLE sales_n PARTITION OF sales FOR VALUES IN ('north') PARTITION BY RANGE (made);
CREATE TABLE sales_n1 PARTITION OF sales_n FOR VALUES FROM ('2024-01-01') TO ('2024-07-01');
CREATE TABLE sales_n2 PARTITION OF sales_n FOR VALUES FROM ('2024-07-01') TO ('2025-01-01');
CREATE TABLE sales_s PARTITION OF sales FOR VALUES IN ('south');
INSERT INTO sales SELECT i, CASE WHEN i % 3 = 0 THEN 'south' ELSE 'north' END, date '2024-01-01' + i % 360 FROM generate_series(1, 24000) i;
CREATE TABLE parent AS SELECT i AS id, i % 21 AS k FROM generate_series(1, 8000) i;
CREATE TABLE child () INHERITS (parent);
INSERT INTO child SELECT i, i % 3 FROM generate_series(1, 12000) i;
SQL
    analyze "$1"
}

# bats test_tags=versions
@test "the planner knows after a restore what it knew, of columns of every kind" {
    since 18
    every_kind kinds
    expect_status 0 backup kinds
    expect_status 0 restore kinds --to kinds_copy --verbose
    if grep -i 'gathered\|server:' <<<"$output"; then return 1; fi
    [ "$(statistics kinds | wc -l)" -gt 40 ]
    diff <(statistics kinds) <(statistics kinds_copy)
    expect_equal "$(psql_in kinds_copy -c "SELECT reltuples, relpages = pg_relation_size(oid) / 8192 FROM pg_class WHERE relname ~ '^(kinds|sales|sales_s|child)$' ORDER BY relname")" \
        $'12000|t\n4000|t\n24000|f\n8000|t'
    local q
    for q in "kinds WHERE upper(name) = 'NAME 7' AND few = 3" "kinds WHERE tags @> '{a1}' AND span && int4range(5, 9)" "sales WHERE id < 900" \
        "parent WHERE k = 2" "kinds JOIN sales USING (id) WHERE feels = 'sad' AND sales.made < '2024-02-01'"; do
        psql_in kinds -c "EXPLAIN SELECT * FROM $q" | sed 's/cost=[^ ]*//' >"$T/plan"
        grep -q rows= "$T/plan"
        psql_in kinds_copy -c "EXPLAIN SELECT * FROM $q" | sed 's/cost=[^ ]*//' | diff "$T/plan" -
    done
    wait_for kinds_copy "SELECT n_live_tup = 12000 FROM pg_stat_user_tables WHERE relname = 'child'"
    run pgassay verify health -d kinds_copy --disk-free 0 --verbose
    expect_text autovacuum
    if grep 'never analyzed' <<<"$output"; then return 1; fi
    # A copy of the repository's backup has them as well, and so has what another copy of it is made from.
    storage init --repo "$T/second" >/dev/null
    pgassay storage copy "$REPO" "$T/second" kinds
    expect_status 0 pgassay restore --repo "$T/second" kinds --to kinds_second --jobs 1
    diff <(statistics kinds) <(statistics kinds_second)
    db_drop kinds_copy kinds_second
}

# Each table with why it is not taken over; "whole" and the leaf are.
unfit() {
    db_make "$1"
    psql_in "$1" -o /dev/null <<'SQL'
CREATE DOMAIN small AS int CHECK (VALUE < 100000);
CREATE TYPE pair AS (a int, b int);
CREATE TYPE lengths AS RANGE (subtype = float8);
CREATE TABLE whole AS SELECT i, i % 50 AS k, md5(i::text) AS t FROM generate_series(1, 4500) i;
CREATE TABLE of_domain AS SELECT i::small AS i, k, t FROM whole;
CREATE TABLE of_domains AS SELECT ARRAY[i]::small[] AS i, k, t FROM whole;
CREATE TABLE of_pairs AS SELECT ROW(i, k)::pair AS i, k, t FROM whole;
CREATE TABLE of_lengths AS SELECT lengths(i, i + 1) AS i, k, t FROM whole;
CREATE TABLE of_extended AS TABLE whole;
CREATE STATISTICS related ON i, k FROM of_extended;
CREATE TABLE of_index AS TABLE whole;
CREATE INDEX ON of_index ((i::small));
CREATE TABLE of_stale AS TABLE whole;
CREATE TABLE of_grown AS TABLE whole;
CREATE TABLE of_late AS TABLE whole;
CREATE TABLE of_root (i int, k int, t text) PARTITION BY RANGE (i);
CREATE TABLE root_leaf PARTITION OF of_root FOR VALUES FROM (0) TO (100000);
INSERT INTO of_root TABLE whole;
CREATE TABLE of_few AS SELECT * FROM whole LIMIT 100;
CREATE TABLE of_never AS TABLE whole;
CREATE MATERIALIZED VIEW of_view AS TABLE whole;
SQL
    analyze "$1"
    # What was deleted from the catalog was never there.
    psql_in "$1" -c 'UPDATE of_stale SET k = -1 WHERE i < 1500' -c 'ALTER TABLE of_late ADD later int DEFAULT 3' -c 'INSERT INTO of_grown TABLE whole' \
        -c "DELETE FROM pg_statistic WHERE starelid IN ('of_root'::regclass, 'of_never'::regclass)"
    wait_for "$1" "SELECT pg_stat_get_mod_since_analyze('of_stale'::regclass) > 1000 AND pg_stat_get_mod_since_analyze('of_grown'::regclass) > 1000"
    # As a server has it that has crashed, and a standby.
    psql_in "$1" -o /dev/null -c "SELECT pg_stat_reset_single_table_counters('of_grown'::regclass)"
    wait_for "$1" "SELECT pg_stat_get_mod_since_analyze('of_grown'::regclass) = 0"
    expect_equal "$(bounds "$1" | grep -v ' 8$')" ""
}

# bats test_tags=versions
@test "what is not in the backup, or would not be the rows', is gathered" {
    unfit unfit
    backup unfit
    expect_equal "$(stored unfit)" "of_grown root_leaf whole"
    expect_status 0 restore unfit --to unfit_copy --verbose
    if [ "$(server_major)" -ge 18 ]; then
        expect_text 'table "public"."of_grown" are not the backup'"'"'s, but gathered: they do not fit'
        expect_equal "$(as_by_analyze unfit_copy)" $'root_leaf 8\nwhole 8'
    else
        if grep gathered <<<"$output"; then return 1; fi
        expect_equal "$(as_by_analyze unfit_copy)" ""
    fi
    expect_equal "$(bounds unfit_copy | wc -l)" "$(bounds unfit | wc -l | awk '{print $1 + 2}')"    # of_root and of_never have some now
    expect_equal "$(psql_in unfit_copy -c "SELECT n_distinct FROM pg_stats WHERE tablename = 'of_root' AND attname = 'k' AND inherited")" 50
    # Of a part, or without ANALYZE, as ever.
    expect_status 0 restore unfit -t whole --to unfit_part
    expect_equal "$(bounds unfit_part)" "whole 101"
    expect_status 0 restore unfit --no-analyze --to unfit_bare
    expect_equal "$(statistics unfit_bare '^(whole|of_root)$')" ""
    # A backup of a part may lack what they tell of, and has none.
    backup unfit -T of_few
    expect_equal "$(stored unfit)" ""
    db_drop unfit_copy unfit_part unfit_bare
}

# bats test_tags=versions
@test "statistics that are lost, or make no sense, cost an ANALYZE" {
    since 18
    db_make bad
    psql_in bad -c "CREATE TABLE one AS SELECT i, i % 50 AS k, md5(i::text) AS t FROM generate_series(1, 4500) i" -c 'CREATE TABLE two AS TABLE one'
    analyze bad
    # The numbers of a column get the values of another one, and what is no number.
    psql_in bad <<'SQL'
UPDATE pg_statistic SET (stavalues1, stavalues2) = (SELECT stavalues1, stavalues1 FROM pg_statistic WHERE starelid = 'one'::regclass AND staattnum = 3)
 WHERE starelid = 'one'::regclass AND staattnum = 2;
SQL
    backup bad
    expect_equal "$(stored bad)" "one two"
    expect_status 0 restore bad --to bad_copy --verbose
    expect_text 'statistics of table "public"."one" are not the backup'"'"'s, but gathered: they do not fit'
    expect_equal "$(bounds bad_copy)" $'one 101\ntwo 8'
    expect_equal "$(psql_in bad_copy -c "SELECT n_distinct FROM pg_stats WHERE tablename = 'one' AND attname = 'k'")" 50
    rm "$REPO/bad/chunks/$(manifest bad | jq -r '.chunks as $c | .tables[] | select(.name == "one") | $c[.statistics[0][0]][0]')"
    expect_status 0 restore bad --to bad_lost --verbose
    expect_text 'statistics of table "public"."two" are not the backup'"'"'s, but gathered: chunk'
    expect_equal "$(bounds bad_lost)" $'one 101\ntwo 101'
    db_same bad bad_lost
    # Such a backup is damaged, and gives back all rows when it is asked for.
    expect_status 3 storage scrub
    expect_text "damaged: 1 chunk bad or missing: statistics"
    expect_status 0 restore bad --backup "$(last_id bad)" --to bad_damaged
    db_same bad bad_damaged
    db_drop bad_copy bad_lost bad_damaged
}

@test "what has not changed is not stored again, and the next table to be analyzed changes few chunks" {
    db_make many
    psql_in many <<<"SELECT format('CREATE TABLE t%s AS SELECT i, md5(i::text) AS t FROM generate_series(1, 4500) i', n) FROM generate_series(100, 129) n \gexec"
    analyze many
    backup many
    manifest many >"$T/manifest.json"
    valid_json manifest "$T/manifest.json"
    local chunks='[.chunks as $c | .tables[].statistics | select(.) | $c[.[0][0]][0]] | unique'
    # A chunk begins at tables of some oids.
    expect_equal "$(jq "$chunks | length" "$T/manifest.json")" \
        "$(psql_in many -c "SELECT 1 + count(*) FROM pg_class WHERE relname ~ '^t1' AND relname > 't100' AND (oid::int8 * 2654435761 & 4294967295) >> 27 = 0")"
    backup many
    expect_equal "$(manifest many | jq -c "$chunks")" "$(jq -c "$chunks" "$T/manifest.json")"
    psql_in many -c 'SET default_statistics_target = 8' -c 'ANALYZE t111'
    backup many
    expect_equal "$(manifest many | jq -c "$chunks" | jq --argjson was "$(jq -c "$chunks" "$T/manifest.json")" '. - $was | length')" 1
}
