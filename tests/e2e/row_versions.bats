#!/usr/bin/env bats
# Ranges of tables are not read whose rows are as many and as old as at the last backup, on a server of any version, without WAL summaries; and what is stored is what there
# is, whatever has happened.

load lib

setup_file() {
    e2e_setup
    # Only commits that are waited for write WAL to the disk (see the crash).
    pg_start main max_prepared_transactions=2 wal_writer_delay=10s bgwriter_lru_maxpages=0
    db_make shop
    # Each is a task of its own: more than a megabyte.  "many" has two ranges.
    psql_in shop -o /dev/null <<'SQL'
CREATE TYPE mood AS ENUM ('good', 'bad');
CREATE FUNCTION heap(name text, more text DEFAULT '') RETURNS void LANGUAGE plpgsql AS $$ BEGIN
    EXECUTE format('CREATE TABLE %I WITH (fillfactor = 10) AS SELECT n AS id, repeat(md5(n::text), 26) AS said%s FROM generate_series(1, 140) n', name, more);
END $$;
SELECT heap(unnest('{still,marked,late,nested,prepared,updated,back,exchanged,deleted,truncated,rewritten,widened,renewed,unlogged,uncounted,lost,lied,other,sorted,revived}'::text[]));
SELECT heap('moody', $$, 'good'::mood AS is$$);
ALTER TABLE unlogged SET UNLOGGED;
ALTER TABLE revived SET (fillfactor = 100); -- else a dead row is removed by who passes
ALTER TABLE lied ADD more int DEFAULT 7;
ALTER TABLE other ADD more int DEFAULT 8;
CREATE TABLE toasted (id int PRIMARY KEY, said text);
CREATE TABLE many (id int, said text) WITH (fillfactor = 50);
ALTER TABLE toasted ALTER said SET STORAGE EXTERNAL;
ALTER TABLE many ALTER said SET STORAGE EXTERNAL;
INSERT INTO toasted SELECT n, repeat(md5(n::text), 2000) FROM generate_series(1, 20) n;
INSERT INTO many SELECT n, repeat(md5(n::text), 2000) FROM generate_series(1, 300) n;
CREATE INDEX sorted_id ON sorted (id DESC);
CREATE TABLE small AS SELECT * FROM still LIMIT 9;
SQL
    psql_in shop -c 'VACUUM' -c 'CHECKPOINT' -c 'DELETE FROM revived WHERE id = 3'
}
teardown_file() { e2e_teardown; }

# Below 15 what sessions have counted is seen half a second later, and what has not been counted is no change: a table may then be read for nothing.
counted() { [ "$(server_major)" -ge 15 ] || sleep 0.6; }

# unread [OPTION...]: a backup; how many tables of it were not read at all, and how many ranges.
unread() {
    counted
    expect_status "${want:-0}" backup shop --json "$@" || return 1
    printf '%s\n' "$output" >"$T/out.json"
    jq -c '.backups[0].unread | [.tables, .ranges]' <<<"$output"
}
as_live() { expect_status 0 pgassay verify live shop -d shop --repo "$REPO" --full; }

# bats test_tags=versions
@test "tables with as many rows as old as then are not read; what has changed, in whatever way, is" {
    local s
    # Under way at both of the backups.
    for s in late nested; do session_open $s shop; done
    session late "BEGIN; UPDATE late SET said = 'late' WHERE id = 7"
    session nested "BEGIN; SAVEPOINT a; UPDATE nested SET said = 'nested' WHERE id = 7; SAVEPOINT b; DELETE FROM nested WHERE id = 8; INSERT INTO nested VALUES (8, 'again'); RELEASE a"
    for s in late nested; do session_idle $s; done
    psql_in shop -c "BEGIN; UPDATE prepared SET said = 'prepared' WHERE id = 7; PREPARE TRANSACTION 'p'"
    expect_equal "$(unread)" '[0,0]'
    # All but the unlogged one and the small one.
    expect_equal "$(unread)" '[22,23]'
    expect_equal "$(jq -r '.backups[0].unread.source' "$T/out.json")" row_versions
    valid_json backup "$T/out.json"
    psql_in shop -c 'SELECT pg_stat_reset()' -o /dev/null
    for s in late nested; do session $s COMMIT; session_close $s; done
    psql_in shop -o /dev/null <<'SQL'
COMMIT PREPARED 'p';
SELECT id FROM marked FOR UPDATE;
VACUUM (FREEZE) marked;
UPDATE updated SET said = 'changed' WHERE id = 3;
UPDATE back SET said = said || '.' WHERE id = 3;
UPDATE back SET said = left(said, -1) WHERE id = 3;
BEGIN; DELETE FROM exchanged WHERE id = 3; INSERT INTO exchanged VALUES (3, 'other'); COMMIT;
DELETE FROM deleted WHERE id = 3;
BEGIN; TRUNCATE truncated; INSERT INTO truncated SELECT n, repeat(md5(n::text), 26) FROM generate_series(1, 140) n; COMMIT;
VACUUM FULL rewritten;
CLUSTER sorted USING sorted_id;
UPDATE toasted SET said = repeat('x', 9000) WHERE id = 3;
ALTER TABLE widened ADD COLUMN more int DEFAULT 7;
ALTER TABLE renewed DROP COLUMN said;
ALTER TABLE renewed ADD said text DEFAULT 'none of its rows holds this';
UPDATE unlogged SET said = 'changed' WHERE id = 3;
SET track_counts = off;
BEGIN; UPDATE still SET said = 'never'; DELETE FROM still; ROLLBACK;
UPDATE uncounted SET said = 'changed' WHERE id = 3;
INSERT INTO many VALUES (301, 'appended');
DELETE FROM revived WHERE id = 4;
SQL
    # A row that was dead is there again, and another one is not: as many, and none of a new transaction.
    [ "$(psql_in shop -c "SELECT count(*) FROM pg_available_extensions WHERE name = 'pg_surgery'")" = 0 ] ||
        psql_in shop -o /dev/null -c 'CREATE EXTENSION pg_surgery' -c "SELECT heap_force_freeze('revived', ARRAY['(2,1)'::tid])" -c 'DROP EXTENSION pg_surgery'
    # Left: still, marked, lost, lied, other, moody, and the first range of many.
    expect_equal "$(unread)" '[6,7]'
    restore shop --to back
    db_same shop back
    psql_in shop -c 'DROP TABLE revived'    # whose old row is taken for a new one from now on
}

# bats test_tags=versions
@test "what the server has counted of changes says whether to look, and a look in vain is not repeated at once" {
    counted
    expect_status 0 backup shop
    psql_in shop -o /dev/null -c "ALTER SYSTEM SET log_statement = 'all'" -c 'SELECT pg_reload_conf()' -c "UPDATE many SET id = id WHERE id IN (1, 299)" -c "UPDATE still SET id = id WHERE id = 1"
    looks() { : | as_server tee "$T/pg/main/log" >/dev/null; unread; grep -c 'width_bucket.*"public"."many"' "$T/pg/main/log"; }
    # All but two; many was looked at.
    expect_equal "$(looks | paste -s)" '[19,19]	1'
    psql_in shop -o /dev/null -c "UPDATE many SET id = id WHERE id IN (1, 299)"
    expect_equal "$(looks | paste -s)" '[20,20]	0'
    # A few changes are worth a look.
    psql_in shop -o /dev/null -c "UPDATE many SET id = id WHERE id = 299"
    expect_equal "$(looks | paste -s)" '[20,21]	1'
    as_live
}

# bats test_tags=versions
@test "several large tables are looked at by several sessions" {
    db_make large
    # A row a block: three ranges each.
    psql_in large -o /dev/null <<'SQL'
CREATE FUNCTION heap(name text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN
    EXECUTE format('CREATE TABLE %I WITH (fillfactor = 10) AS SELECT n AS id, repeat(md5(n::text), 26) AS said FROM generate_series(1, 4500) n', name);
END $$;
SELECT heap(unnest('{a,b,c}'::text[]));
SQL
    counted
    expect_status 0 backup large
    psql_in large -o /dev/null -c 'SET track_counts = off' -c "UPDATE b SET said = 'one' WHERE id = 3000" -c "ALTER SYSTEM SET log_statement = 'all'" -c 'SELECT pg_reload_conf()'
    : | as_server tee "$T/pg/main/log" >/dev/null
    expect_status 0 backup large --jobs 2 --json
    expect_equal "$(jq -c '.backups[0].unread | [.tables, .ranges]' <<<"$output")" '[2,8]'
    expect_equal "$(sed -n 's/.*\[\([0-9]*\)\].*NOWAIT; SELECT 0.*age(xmin).*/\1/p' "$T/pg/main/log" | sort -u | wc -l)" 2
    # Range by range only where something has changed, after all.
    expect_equal "$(sed -n 's/.*\(width_bucket\|SELECT 0\).*age(xmin).*FROM ONLY "public"."\(.\)".*/\1 \2/p' "$T/pg/main/log" | sort | paste -s -d ,)" 'SELECT 0 a,SELECT 0 b,SELECT 0 c,width_bucket b'
    expect_status 0 pgassay verify live large -d large --repo "$REPO" --full
    db_drop large
}

# bats test_tags=versions
@test "in doubt all is read: an enum's labels, another start of the server; and when asked for" {
    counted
    expect_status 0 backup shop
    psql_in shop -c "ALTER TYPE mood RENAME VALUE 'good' TO 'fine'"
    expect_equal "$(unread)" '[0,0]'
    expect_equal "$(unread --read-all)" '[0,0]'
    expect_equal "$(unread --read-all-every 1)" '[0,0]'
    expect_equal "$(unread)" '[0,0]'
    expect_equal "$(unread | tr -d '[]' | cut -d, -f1)" 21
    pg_stop main
    pg_up main
    expect_equal "$(unread)" '[0,0]'
}

# bats test_tags=versions
@test "a commit that a crash took back, after a backup that had it, is not taken for one: nobody knows how that backup's own transactions ended" {
    local walwriter
    counted
    expect_status 0 backup shop
    walwriter=$(psql_in shop -c "SELECT pid FROM pg_stat_activity WHERE backend_type = 'walwriter'")
    # WAL stays in memory, and goes with the process, after which the server starts again without its postmaster.
    kill -STOP "$walwriter"
    psql_in shop -c "SET synchronous_commit = off" -c "UPDATE lost SET said = 'soon lost' WHERE id = 3"
    unread >"$T/unread"
    kill -KILL "$walwriter"
    wait_for postgres "SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'walwriter' AND pid <> $walwriter"
    expect_equal "$(psql_in shop -c "SELECT count(*) FROM lost WHERE said = 'soon lost'")" 0
    # Others get the ids that went with it.
    psql_in shop -c 'DO $$ BEGIN FOR n IN 1..100 LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END $$'
    expect_equal "$(unread)" '[0,0]'
    as_live
}

# bats test_tags=versions
@test "a database made anew under the oid of the last one, of a template with the same files, is read" {
    since 15 'no database is made under a given oid'
    db_make one
    psql_in one -c "CREATE TABLE t WITH (fillfactor = 10) AS SELECT n AS id, repeat(md5(n::text), 26) AS said FROM generate_series(1, 140) n"
    psql_in postgres -c 'CREATE DATABASE two TEMPLATE one'
    psql_in two -c "UPDATE t SET said = 'of the other' WHERE id = 3"
    expect_status 0 backup one
    psql_in postgres -c "SELECT 'CREATE DATABASE one TEMPLATE two OID ' || oid FROM pg_database WHERE datname = 'one'" >"$T/anew.sql"
    psql_in postgres -c 'DROP DATABASE one' -f "$T/anew.sql"
    expect_status 0 backup one --json
    expect_equal "$(jq '.backups[0].unread.ranges' <<<"$output")" 0
    restore one --to two_copy
    db_same two two_copy
    db_drop one two two_copy
}

# bats test_tags=versions
@test "transaction ids are used only where it is of use, and few" {
    next() { psql_in postgres -c 'SELECT pg_snapshot_xmax(pg_current_snapshot())'; }
    local before
    db_make little
    psql_in little -c 'CREATE TABLE small AS SELECT n FROM generate_series(1, 9) n'
    before=$(next)
    expect_status 0 backup little
    expect_equal "$(next)" "$before"
    expect_status 0 backup shop --read-all-every 1
    expect_equal "$(next)" "$before"
    counted
    expect_status 0 backup shop
    expect_equal $(($(next) - before)) 32
}

# bats test_tags=versions
@test "a change that no row's version shows is found by reading all, and is an alarm from then on" {
    counted
    expect_status 0 backup shop
    # What rows have that are older than the column.
    psql_in shop -c "UPDATE pg_attribute a SET attmissingval = b.attmissingval FROM pg_attribute b WHERE a.attrelid = 'lied'::regclass AND b.attrelid = 'other'::regclass AND a.attname = 'more' AND b.attname = 'more'"
    unread >"$T/unread"
    expect_equal "$(jq -c '.[0] > 10' "$T/unread")" true
    expect_status 3 pgassay verify live shop -d shop --repo "$REPO" --full
    expect_equal "$(want=3 unread --read-all-every 2)" '[0,0]'
    expect_equal "$(jq -c '.backups[0] | .unread.differs, (.warnings[] | select(test("lied")))' "$T/out.json" | cut -c 1-80)" '["public.lied"]
"table public.lied: its rows have changed where row versions say that nothing ha'
    expect_equal "$(jq -r .error "$PGASSAY_STATE_DIR/$(head -n 1 "$REPO/repo.1.json" | jq -r .repo_id)/shop.run")" 'rows have changed where row versions say that nothing has'
    as_live
    expect_equal "$(unread)" '[0,0]'
}
