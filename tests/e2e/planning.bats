#!/usr/bin/env bats
# Planning a query evaluates what indexes and statistics compute: functions of a table's owner, which must not run as whoever
# backs up, and may fail.  pg_dump's COPY is not planned, and so it is no reason to have no backup.

load lib
setup_file() {
    e2e_setup
    mkdir -m 1777 "$T/canary"
    pg_start main "m.canary = '$T/canary'"
}
teardown_file() { e2e_teardown; }

live() { pgassay verify live --repo "$REPO" -d "$@"; }

# Each way in which a table's owner can have a function planned: a table each, some in one pack, one in ranges.
@test "no function of a table's owner runs as the superuser who backs up or compares" {
    psql_in postgres -c 'CREATE ROLE mallory LOGIN' -c 'CREATE DATABASE bait OWNER mallory'
    psql_in bait -o /dev/null <<'SQL'
SET ROLE mallory;
CREATE SCHEMA m;
CREATE FUNCTION m.touch(who text) RETURNS int LANGUAGE plpgsql AS $$
    BEGIN EXECUTE format('COPY (SELECT 1) TO PROGRAM %L', 'cat >' || current_setting('m.canary') || '/' || who); RETURN 1; END $$;
CREATE FUNCTION m.evil(who text) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$
    BEGIN IF (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user) THEN PERFORM m.touch(who); END IF; RETURN 1; END $$;
CREATE FUNCTION m.evil(a int, b int) RETURNS bool LANGUAGE sql IMMUTABLE AS $$ SELECT m.evil('operator') = a + b $$;
CREATE OPERATOR m.=== (LEFTARG = int, RIGHTARG = int, FUNCTION = m.evil);
CREATE TABLE m.predicate AS SELECT i FROM generate_series(1, 10) i;
CREATE INDEX ON m.predicate (i) WHERE i > m.evil('predicate');
CREATE TABLE m.expression AS SELECT i FROM generate_series(1, 10) i;
CREATE INDEX ON m.expression ((i + m.evil('expression')));
CREATE TABLE m.operator AS SELECT i FROM generate_series(1, 10) i;
CREATE INDEX ON m.operator (i) WHERE i > 5 OR 1 OPERATOR(m.===) 1;
CREATE TABLE m.generated (i int, twice int GENERATED ALWAYS AS (2 * i) STORED);
INSERT INTO m.generated SELECT generate_series(1, 10);
CREATE INDEX ON m.generated (i) WHERE i > m.evil('generated');
CREATE TABLE m.big AS SELECT i, repeat('x', 900) AS t FROM generate_series(1, 20000) i;
CREATE INDEX ON m.big (i) WHERE i > m.evil('big');
CREATE TABLE m.excluded (i int, t text, CHECK (i > m.evil('excluded') - 2));
INSERT INTO m.excluded SELECT i, t FROM m.big;
CREATE TABLE m.parent (i int) PARTITION BY RANGE ((i + m.evil('parent')));
CREATE TABLE m.leaf PARTITION OF m.parent FOR VALUES FROM (0) TO (100);
INSERT INTO m.leaf SELECT generate_series(1, 10);
RESET ROLE;
ALTER DATABASE bait SET constraint_exclusion = on;
SQL
    [ "$(server_major)" -lt 14 ] || psql_in bait -c 'SET ROLE mallory' -c 'CREATE TABLE m.statistics AS SELECT i FROM generate_series(1, 10) i' \
        -c "CREATE STATISTICS m.s ON (i + m.evil('statistics')) FROM m.statistics"
    # So it is with a query.
    psql_in bait -c 'SELECT i FROM m.big WHERE i = 1' -c 'SELECT i FROM m.predicate WHERE i = 1' >/dev/null
    expect_equal "$(ls -m "$T/canary")" "big, predicate"
    rm "$T"/canary/*
    expect_status 0 backup bait
    expect_status 0 live bait bait
    expect_status 0 live bait bait --full --verbose
    expect_text 'm.generated: generated columns are not compared'
    expect_equal "$(ls "$T/canary")" ""
    expect_equal "$(manifest bait | jq -c '[.tables[] | select(.name == "big") | .rows, (.ranges | length)]')" "[20000,1]"
    [ "$(manifest bait | jq '.tables[] | select(.name == "excluded") | .ranges | length')" -gt 1 ] || [ "$(server_major)" -lt 14 ]
    restore bait --to bait_copy
    rm -f "$T"/canary/*
    db_same bait bait_copy
    psql_in bait -c 'UPDATE m.big SET i = 0 WHERE i = 1' -c 'DELETE FROM m.predicate WHERE i = 1'
    rm -f "$T"/canary/*
    expect_status 3 live bait bait
    expect_text 'm.predicate: number of rows: want 10, have 9'
    expect_status 3 live bait bait --full
    expect_text 'm.big: contents'
    expect_equal "$(ls "$T/canary")" ""
}

@test "functions of whoever reads are planned as ever" {
    psql_in postgres -c 'CREATE DATABASE own'
    psql_in own -o /dev/null <<'SQL'
CREATE FUNCTION one() RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN 1; END';
CREATE TABLE big AS SELECT i, repeat('x', 900) AS t FROM generate_series(1, 20000) i;
CREATE INDEX ON big (i) WHERE i > one();
SQL
    backup own
    [ "$(manifest own | jq '.tables[0].ranges | length')" -gt 1 ] || [ "$(server_major)" -lt 14 ]
}

# The oracle plans queries.
rows() {
    local t
    for t in pred expr raised nothing fine big; do psql_in "$1" -c "COPY $t TO STDOUT" | sort | md5sum; done
}

@test "what cannot be planned under an empty search_path is backed up, restored and compared" {
    psql_in postgres -c 'CREATE DATABASE unplanned'
    psql_in unplanned -o /dev/null <<'SQL'
CREATE FUNCTION half(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 / 2';
CREATE FUNCTION quarter(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 / 4';
CREATE FUNCTION checked() RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN 1; END';
CREATE TABLE pred AS SELECT i FROM generate_series(1, 10) i;
CREATE INDEX ON pred (i) WHERE public.quarter(i) > 5;
CREATE TABLE expr AS SELECT i FROM generate_series(1, 10) i;
CREATE INDEX ON expr (quarter(i));
CREATE TABLE raised (i int, twice int GENERATED ALWAYS AS (2 * i) STORED, q tsquery);
INSERT INTO raised SELECT generate_series(1, 10);
CREATE INDEX ON raised (i) WHERE i > checked();
CREATE TABLE nothing ();
INSERT INTO nothing SELECT FROM generate_series(1, 5);
CREATE TABLE fine AS SELECT i FROM generate_series(1, 10) i;
CREATE TABLE big AS SELECT i, repeat('x', 900) AS t FROM generate_series(1, 20000) i;
CREATE INDEX ON big (quarter(i));
SQL
    [ "$(server_major)" -lt 14 ] || psql_in unplanned -c 'CREATE TABLE stat AS SELECT i FROM generate_series(1, 10) i' \
        -c "CREATE STATISTICS s ON (quarter(i)) FROM stat"
    # Since 17 no index can be made on functions like these, but they can become so.
    psql_in unplanned <<'SQL'
CREATE OR REPLACE FUNCTION quarter(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT half(half($1))';
CREATE OR REPLACE FUNCTION checked() RETURNS int LANGUAGE plpgsql IMMUTABLE AS
    $$ BEGIN IF current_setting('search_path') = '' THEN RAISE 'not without a path'; END IF; RETURN 1; END $$;
SQL
    backup unplanned
    expect_status 0 live unplanned unplanned
    expect_status 0 live unplanned unplanned --full
    # The indexes cannot be made again either, by any pg_restore: each is named, and all rows are there.
    expect_status 4 restore unplanned --to unplanned_copy
    expect_text 'INDEX public.pred_i_idx: function half(integer) does not exist'
    diff <(rows unplanned) <(rows unplanned_copy)
    expect_status 3 drill unplanned
    expect_text 'INDEX public.pred_i_idx'
    expect_equal "$(grep -cE 'number of rows|: fingerprint|could not be read' <<<"$output")" 0
    # Who may not read a table is told so.
    psql_in unplanned -c 'CREATE ROLE reader LOGIN' -c 'GRANT USAGE ON SCHEMA public TO reader' -c 'GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader' -c 'REVOKE SELECT ON expr FROM reader'
    PGUSER=reader expect_status 1 backup unplanned
    expect_text 'expr' 'permission denied'
    psql_in unplanned -c 'UPDATE pred SET i = 0 WHERE i = 1' -c 'DELETE FROM big WHERE i = 1'
    expect_status 3 live unplanned unplanned
    expect_text 'public.big: number of rows: want 20000, have 19999'
    expect_status 3 live unplanned unplanned --full
    expect_text 'public.pred: contents'
}
