#!/usr/bin/env bats
# Many tables, few locks.

load lib
setup_file() {
    e2e_setup
    pg_start main max_connections=20 max_locks_per_transaction=32
    db_make many
    # 2 x 600 locks do not fit into 32 x 20, the shared memory's slack included; 600 do.
    psql_in many -c 'CREATE PROCEDURE make(n int) LANGUAGE plpgsql AS $$ BEGIN
        FOR i IN 1..n LOOP
            EXECUTE format($q$CREATE TABLE t%1$s AS SELECT %1$s AS i, repeat(md5(%1$s::text), 5) AS t$q$, i);
            IF i % 100 = 0 THEN COMMIT; END IF;
        END LOOP; END $$' -c 'CALL make(600)' -c 'DROP PROCEDURE make'
}
teardown_file() { e2e_teardown; }

@test "locks enough for pg_dump, not for the coordinator as well" {
    expect_status 0 backup many
    db_drop many_copy
    expect_status 0 restore many --to many_copy
    db_same many many_copy
}

@test "a table that somebody keeps locked meanwhile: named after one --lock-timeout, not after three" {
    local before
    before=$(last_id many)
    session_open lock many
    session lock 'BEGIN; LOCK TABLE t1 IN ACCESS EXCLUSIVE MODE'
    session_idle lock
    expect_status 1 backup many --lock-timeout 1 --verbose
    expect_text 'locks are short' 'could not lock table public.t1 within 1000 ms' 'holds an exclusive lock on it' 'raise --lock-timeout'
    [[ $output != *'starting over'* ]]
    session lock 'ROLLBACK'
    session_close lock
    expect_equal "$(last_id many)" "$before"
}

@test "a drill raises the scratch server's own limits" {
    expect_status 0 drill many
}

@test "too many tables even for one session: an error with the setting's name" {
    local n
    for n in $(seq 1 8); do
        psql_in many -c "DO \$\$ BEGIN FOR i IN 1..400 LOOP EXECUTE format('CREATE TABLE u${n}_%s ()', i); END LOOP; END \$\$"
    done
    run backup many
    if [ "$status" -ne 0 ]; then
        expect_equal "$status" 1
        expect_text max_locks_per_transaction
    fi
    db_drop many many_copy
}

@test "2000 tables at default settings" {
    pg_start roomy
    db_make many
    local n
    for n in $(seq 1 10); do
        psql_in many -c "DO \$\$ BEGIN FOR i IN 1..200 LOOP
            EXECUTE format('CREATE TABLE s${n}_%1\$s (id int PRIMARY KEY, t text)', i);
            EXECUTE format('INSERT INTO s${n}_%1\$s VALUES (%1\$s, ''x'')', i);
        END LOOP; END \$\$"
    done
    repo_new roomy
    expect_status 0 backup many
    expect_status 0 restore many --to many_copy
    db_same many many_copy
    # Packed: far fewer chunks than tables.
    [ "$(label many | jq .chunks)" -lt 200 ]
    pg_use main
}
