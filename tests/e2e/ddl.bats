#!/usr/bin/env bats
# What other sessions do while a backup is taken.

load lib
setup_file() {
    e2e_setup
    pg_start main
}
setup() {
    db_make busy small.sql
    repo_new "$BATS_TEST_NUMBER"
}
teardown() { unhook; }
teardown_file() { e2e_teardown; }

restores_well() {
    db_drop busy_copy
    expect_status 0 restore busy --to busy_copy
}
coordinator_waits() {
    wait_for postgres "SELECT count(*) > 0 FROM pg_stat_activity WHERE application_name LIKE 'pgassay%' AND wait_event_type = 'Lock'"
}

@test "a table made between listing and snapshot is in the backup" {
    session_open lock busy
    session lock 'BEGIN; LOCK TABLE sale IN ACCESS EXCLUSIVE MODE'
    session_idle lock
    start backup busy
    coordinator_waits
    psql_in busy -c "CREATE TABLE appeared AS SELECT 'here' AS t"
    session lock 'COMMIT'
    session_close lock
    finish 0
    restores_well
    expect_status 0 drill busy
    expect_equal "$(psql_in busy_copy -c 'TABLE appeared')" here
}

@test "a table dropped and made anew while its lock is waited for" {
    session_open lock busy
    session lock 'BEGIN; DROP TABLE sale CASCADE; CREATE TABLE sale AS SELECT 7 AS id'
    session_idle lock
    start backup busy
    coordinator_waits
    session lock 'COMMIT'
    session_close lock
    finish 0
    restores_well
    expect_equal "$(psql_in busy_copy -c 'TABLE sale')" 7
}

@test "a table rewritten while its lock is waited for" {
    session_open lock busy
    session lock 'BEGIN; ALTER TABLE sale ADD extra int DEFAULT 3; UPDATE sale SET extra = 4; ALTER TABLE sale ALTER note TYPE varchar; TRUNCATE empty'
    session_idle lock
    start backup busy
    coordinator_waits
    session lock 'COMMIT'
    session_close lock
    finish 0
    restores_well
    db_same busy busy_copy
}

@test "a function replaced before pg_dump reads it: a new snapshot, and a whole backup" {
    psql_in busy -c 'CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT 1 $$'
    hook pg_dump before <<'EOS'
[ $CALL -gt 1 ] || psql -X -d busy -c 'DROP FUNCTION f()' -c "CREATE FUNCTION f() RETURNS text LANGUAGE sql AS 'SELECT now()::text'"
EOS
    expect_status 0 backup busy
    [ "$(hook_calls)" -ge 2 ]
    unhook
    restores_well
    db_same busy busy_copy
}

@test "every kind of DDL that no lock stops is noticed" {
    local ddl n=0 step
    step=$(rounds 3 1)
    psql_in busy -c 'TRUNCATE sale' -c 'CREATE SEQUENCE seq' -c 'CREATE TABLE pt (a int) PARTITION BY LIST (a)' \
        -c 'CREATE DOMAIN dom AS int' -c 'CREATE FUNCTION trg() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$' -c 'CREATE VIEW v2 AS SELECT 1 AS a'
    for ddl in 'CREATE OR REPLACE VIEW v2 AS SELECT 2 AS a' 'DROP VIEW dear' 'CREATE INDEX fresh ON item (name)' 'ALTER SEQUENCE seq INCREMENT 5' \
        'CREATE TABLE pt1 (a int); ALTER TABLE pt ATTACH PARTITION pt1 FOR VALUES IN (1)' 'CREATE TRIGGER tr BEFORE INSERT ON item FOR EACH ROW EXECUTE FUNCTION trg()' \
        'ALTER DOMAIN dom SET NOT NULL' "COMMENT ON TABLE item IS 'other'" 'GRANT SELECT ON item TO pg_monitor' \
        'CREATE TYPE e2 AS ENUM ()' 'CREATE SCHEMA late' 'ALTER TABLE empty ADD FOREIGN KEY (a) REFERENCES item' 'CREATE EXTENSION hstore' \
        'CREATE STATISTICS st ON id, name FROM item' 'CREATE PUBLICATION pub FOR TABLE item'; do
        [ $((n++ % step)) -eq 0 ] || continue
        db_schema busy >"$T/before"
        hook pg_dump before <<EOS
[ \$CALL -gt 1 ] || PGOPTIONS='-c lock_timeout=300ms' psql -X -v ON_ERROR_STOP=1 -d busy -c "$ddl"
EOS
        backup busy || { echo "after: $ddl" >&2; return 1; }
        # pg_dump may have seen it or not; what is stored must be one state, that before or that after.
        unhook
        db_drop busy_copy
        restore busy --to busy_copy
        db_schema busy_copy >"$T/stored"
        db_schema busy | cmp -s - "$T/stored" || cmp -s "$T/before" "$T/stored" ||
            { echo "a mixture, after: $ddl" >&2; return 1; }
    done
}

@test "DDL each time: three snapshots, then a named warning in the label" {
    psql_in busy -c 'CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT 1 $$'
    hook pg_dump before <<'EOS'
psql -X -d busy -c "CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT $CALL'"
EOS
    run backup busy
    [ "$status" -eq 0 ] || [ "$status" -eq 4 ]
    expect_equal "$(hook_calls)" 3
    label busy | jq -e '.warnings | length > 0'
}

@test "an ALTER TABLE that waits behind our locks does not deadlock the schema dump" {
    session_open lock busy
    session lock 'BEGIN; LOCK TABLE sale IN ACCESS EXCLUSIVE MODE'
    session_idle lock
    start backup busy --lock-timeout 3
    coordinator_waits
    # Tables are locked in the order of their names: item is ours already, and this waits for us.
    session_open alter busy
    session alter 'ALTER TABLE item ADD later int'
    session_waits alter
    session lock 'COMMIT'
    session_close lock
    finish 0
    session_idle alter
    session_close alter
    restores_well
}

@test "an ALTER TABLE that waits behind our locks while rows are read" {
    db_make busy small.sql ranges.sql
    hook pg_dumpall after <<'EOS'
psql -X -d busy -c "SET application_name = 'late_alter'" -c 'ALTER TABLE sale ADD later int' &
for i in {1..600}; do
    [ "$(psql -XAt -d postgres -c "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'late_alter' AND wait_event_type = 'Lock'")" = 1 ] && break
    sleep 0.1
done
EOS
    expect_status 0 backup busy
    unhook
    wait_for busy "SELECT count(*) = 1 FROM pg_attribute WHERE attrelid = 'sale'::regclass AND attname = 'later'"
    restores_well
    expect_equal "$(psql_in busy_copy -c 'SELECT count(*) FROM sale')" 90000
}

# gated DB: its rows are not read before the session "gate" has ended.
gated() {
    psql_in "$1" -c 'CREATE SCHEMA "A"; CREATE TABLE "A".gate AS SELECT 1 AS i' -c "UPDATE pg_extension SET extconfig = ARRAY['\"A\".gate'::regclass::oid],
extcondition = ARRAY['WHERE pg_catalog.pg_advisory_xact_lock_shared(42) IS NOT NULL'] WHERE extname = 'plpgsql'"
}

# bats test_tags=versions
@test "schemas swapped, labels renamed and attributes added while rows are read: a new snapshot; and in the end, an error" {
    local ddl
    db_make busy
    gated busy
    psql_in busy <<'SQL'
CREATE TYPE mood AS ENUM ('good', 'bad');
CREATE TYPE pair AS (a int);
CREATE TABLE moody AS SELECT 'good'::mood AS is FROM generate_series(1, 10);
CREATE TABLE paired AS SELECT ROW(n)::pair AS is FROM generate_series(1, 10) n;
CREATE SCHEMA live;
CREATE SCHEMA staging;
CREATE TABLE live.shop AS SELECT 'former' AS what FROM generate_series(1, 10);
CREATE TABLE staging.shop AS SELECT 'next' AS what FROM generate_series(1, 20);
SQL
    for ddl in 'ALTER SCHEMA live RENAME TO former; ALTER SCHEMA staging RENAME TO live; ALTER SCHEMA former RENAME TO staging' \
        "ALTER TYPE mood RENAME VALUE 'good' TO 'fine'" 'ALTER TYPE pair ADD ATTRIBUTE b int' 'ALTER SCHEMA staging RENAME TO former' \
        "ALTER TYPE mood ADD VALUE 'so so' BEFORE 'bad'; GRANT USAGE ON SCHEMA live TO public; CREATE SCHEMA other; DROP SCHEMA other"; do
        session_open gate busy
        session gate 'SELECT pg_advisory_lock(42)'
        session_idle gate
        hook pg_dumpall after <<EOS
[ \$CALL = 1 ] || exit 0
psql -X -v ON_ERROR_STOP=1 -d busy -c "$ddl"
psql -X -d busy -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'session_gate'"
EOS
        expect_status 0 backup busy
        case $ddl in *ADD\ VALUE*) expect_equal "$(hook_calls)" 1 ;; *) expect_equal "$(hook_calls)" 2 ;; esac
        case $ddl in *TYPE*RENAME* | *ATTRIBUTE* | *former\ RENAME*) restores_well; db_same busy busy_copy ;; esac
        unhook
        session_close gate
    done
    hook pg_dumpall after <<'EOS'
psql -X -d busy -c "ALTER TYPE pair ADD ATTRIBUTE c$CALL int"
EOS
    expect_status 1 backup busy
    expect_text 'schemas or types kept changing while rows were read: type public.pair'
    expect_equal "$(hook_calls)" 3
}

@test "a table that somebody keeps locked: an error naming it" {
    session_open lock busy
    session lock 'BEGIN; LOCK TABLE sale IN ACCESS EXCLUSIVE MODE'
    session_idle lock
    expect_status 1 backup busy --lock-timeout 1 --verbose
    expect_text sale lock
    [[ $output != *'starting over'* ]]
    session lock 'ROLLBACK'
    session_close lock
    [ -z "$(last_id busy)" ]
}

@test "two tables that are locked in turn: --lock-timeout is for both together" {
    local table
    for table in item sale; do
        session_open "$table" busy
        session "$table" "BEGIN; LOCK TABLE $table IN ACCESS EXCLUSIVE MODE"
        session_idle "$table"
    done
    start backup busy --lock-timeout 2
    coordinator_waits
    sleep 1.4
    session item 'ROLLBACK'
    session_idle item
    # It has waited for longer than that in all, and for neither as long.
    sleep 1.4
    session sale 'ROLLBACK'
    finished
    session_close item
    session_close sale
    expect_equal "$status" 1
    expect_text 'could not lock' 'within 2000 ms'
}

@test "a schema archive that has other tables than the list: an error naming one, and no backup" {
    mkdir -p "$T/liars"
    ln -s "$SERVER_BIN"/* "$T/liars/"
    rm "$T/liars/pg_dump"
    db_make listed
    psql_in listed -c 'CREATE TABLE told (i int); CREATE TABLE untold (i int)'
    printf '#!/bin/sh\ncase $* in *--version*) exec "%s/pg_dump" "$@" ;; esac\nexec "%s/pg_dump" -T public.untold "$@"\n' "$SERVER_BIN" "$SERVER_BIN" >"$T/liars/pg_dump"
    chmod 755 "$T/liars/pg_dump"
    expect_status 1 backup listed --pg-bindir "$T/liars"
    expect_text 'table public.untold is not in pg_dump'"'"'s schema archive, but in the table list'
    [ -z "$(last_id listed)" ]
    db_drop listed
}

@test "sequences are read after the snapshot: no value is given out twice" {
    hook pg_dump before <<'EOS'
psql -X -d busy -c "INSERT INTO sale (item, note) SELECT 1, 'late' FROM generate_series(1, 500)"
EOS
    backup busy
    unhook
    restores_well
    expect_equal "$(psql_in busy_copy -c 'SELECT nextval($$sale_id_seq$$) > (SELECT max(id) FROM sale)')" t
}

@test "a refresh during the backup is no difference" {
    hook pg_dumpall after <<'EOS'
psql -X -d busy -c "INSERT INTO sale (item, note) VALUES (1, 'late')" -c 'REFRESH MATERIALIZED VIEW sold'
EOS
    backup busy
    unhook
    restores_well
    expect_status 0 drill busy
    expect_equal "$(psql_in busy_copy -c 'SELECT sum(n) FROM sold')" 3000
}

@test "tables truncated, vacuumed full and clustered by others wait, and the rows are the snapshot's" {
    db_make busy small.sql ranges.sql
    hook pg_dumpall after <<'EOS'
psql -X -d busy -c 'VACUUM FULL sale' &
psql -X -d busy -c 'TRUNCATE empty' &
psql -X -d busy -c 'DELETE FROM sale WHERE id % 2 = 0; UPDATE item SET price = 0' &
sleep 0.5
EOS
    backup busy
    unhook
    restores_well
    expect_equal "$(psql_in busy_copy -c 'SELECT count(*) FROM sale') $(psql_in busy_copy -c 'SELECT count(*) FROM item WHERE price = 0')" "90000 0"
}

@test "money moved about by others: each backup shows one moment" {
    psql_in busy -c 'CREATE TABLE a AS SELECT i, 100 AS n FROM generate_series(1, 3000) i' -c 'CREATE TABLE b AS SELECT i, 100 AS n FROM generate_series(1, 40000) i'
    touch "$T/going"
    while [ -e "$T/going" ]; do
        psql_in busy -c 'BEGIN; UPDATE a SET n = n - 1 WHERE i <= 100; UPDATE b SET n = n + 1 WHERE i <= 100; COMMIT' \
            -c 'CREATE TABLE temp_ddl (i int)' -c 'DROP TABLE temp_ddl' || true
        sleep 0.2
    done >/dev/null 2>&1 3>&- &
    local mover=$! n
    for n in 1 2 3; do
        run backup busy
        [ "$status" -eq 0 ] || { rm "$T/going"; wait $mover; echo "$output" >&2; return 1; }
    done
    rm "$T/going"
    wait $mover
    for n in $(backup_ids busy); do
        db_drop busy_copy
        restore busy --backup "$n" --to busy_copy
        expect_equal "$(psql_in busy_copy -c 'SELECT (SELECT sum(n) FROM a) + (SELECT sum(n) FROM b)')" 4300000
    done
}
