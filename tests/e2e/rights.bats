#!/usr/bin/env bats
# Roles with little rights, and row security.

load lib
setup_file() {
    e2e_setup
    pg_start main
    db_make shop small.sql
    psql_in shop <<'SQL'
SELECT :SERVER_VERSION_NUM >= 140000 AS since14 \gset
CREATE ROLE little LOGIN; CREATE ROLE reader LOGIN; CREATE ROLE boss LOGIN BYPASSRLS;
\if :since14
GRANT pg_read_all_data TO reader, boss;
\else
GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader, boss; GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO reader, boss;
ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO reader, boss;
ALTER DEFAULT PRIVILEGES GRANT SELECT ON SEQUENCES TO reader, boss;
\endif
CREATE ROLE maker LOGIN CREATEDB;
GRANT SELECT ON item TO little;
SELECT format('GRANT SELECT ON LARGE OBJECT %s TO reader, boss', oid) FROM pg_largeobject_metadata \gexec
SQL
}
teardown_file() { e2e_teardown; }
as() { local u=$1; shift; PGUSER=$u "$@"; }

@test "a table that the role may not read stops the backup, by name" {
    expect_status 1 as little backup shop
    expect_text permission
    expect_short
    [ -z "$(last_id shop)" ]
}

@test "a role that may read all makes a full backup" {
    expect_status 0 as reader backup shop
    db_drop shop_copy
    restore shop --to shop_copy
    db_same shop shop_copy
}

@test "large objects without superuser: read through their functions, holes and all" {
    db_make blobs
    psql_in blobs -c "SELECT lo_from_bytea(5001, 'x')" -c "SELECT lo_from_bytea(0, decode(repeat('00ff5c27', n * 700), 'hex')) FROM generate_series(0, 5) n" -c "SELECT lo_put(lo_create(0), 9000, '\x01')" -o /dev/null
    psql_in blobs -c 'DO $$ DECLARE o oid; BEGIN FOR o IN SELECT oid FROM pg_largeobject_metadata LOOP EXECUTE format($q$GRANT SELECT ON LARGE OBJECT %s TO reader$q$, o); END LOOP; END $$'
    psql_in blobs -c 'REVOKE SELECT ON LARGE OBJECT 5001 FROM reader'
    expect_status 1 as reader backup blobs
    expect_text 'permission denied for large object 5001' 'GRANT SELECT ON LARGE OBJECT'
    [[ $output != *'GRANT pg_read_all_data'* ]]
    psql_in blobs -c 'GRANT SELECT ON LARGE OBJECT 5001 TO reader'
    as reader backup blobs
    expect_equal "$(manifest blobs | jq .large_objects.by_function)" true
    db_drop blobs_copy
    restore blobs --to blobs_copy
    db_same blobs blobs_copy
}

@test "row security never makes a backup partial without a word" {
    psql_in shop -c 'CREATE TABLE private AS SELECT i AS n FROM generate_series(1, 10) i' -c 'ALTER TABLE private ENABLE ROW LEVEL SECURITY' \
        -c 'CREATE POLICY few ON private USING (n < 3)' -c 'ALTER TABLE private OWNER TO maker'
    repo_new rls
    expect_status 1 as reader backup shop
    expect_text private
    expect_status 0 as boss backup shop
    expect_equal "$(manifest shop | jq '.tables[] | select(.name == "private") | .rows')" 10
    # Forced on the owner: neither does the owner see everything.
    db_make own
    psql_in own -c 'ALTER SCHEMA public OWNER TO maker'
    as maker psql_in own -c 'CREATE TABLE mine AS SELECT 1 AS n' -c 'ALTER TABLE mine ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY'
    expect_status 1 as maker backup own
    expect_text mine
    # A table of many blocks is noticed earlier, when its ranges are planned.
    as maker psql_in own -c 'CREATE TABLE much (t text) WITH (fillfactor = 10)' -c 'ALTER TABLE much ENABLE ROW LEVEL SECURITY' \
        -c "INSERT INTO much SELECT repeat('x', 1000) FROM generate_series(1, 2100)" -c 'GRANT SELECT ON much TO reader'
    expect_status 1 as reader backup own -t much
    expect_text much
    expect_text BYPASSRLS
    psql_in own -c 'DROP TABLE much'
    psql_in own -c 'ALTER TABLE mine NO FORCE ROW LEVEL SECURITY'
    expect_status 0 as maker backup own
}

@test "an owner without other rights backs up and restores what is his" {
    repo_new own
    as maker backup own
    # The globals are there without passwords, and the label says so.
    expect_equal "$(label own | jq -c '[.globals, .passwords]')" '[true,false]'
    db_drop own_copy
    expect_status 0 as maker restore own --to own_copy --no-owner
    expect_equal "$(psql_in own_copy -c 'TABLE mine')" 1
}

@test "a role that may not create databases is told so before anything changes" {
    REPO=$T/repo.own
    expect_status 1 as little restore own --to own_copy2
    expect_text 'permission denied'
    expect_no_db own_copy2
}

@test "a password is asked of nobody and shown to nobody" {
    psql_in postgres -c "SET password_encryption = 'scram-sha-256'" -c "ALTER ROLE reader PASSWORD 'hunter2secret'"
    sed -i '1i local all reader scram-sha-256' "$T/pg/main/pg_hba.conf"
    psql_in postgres -c 'SELECT pg_reload_conf()' -o /dev/null
    local n
    for ((n = 0; n < 600; n++)); do as reader psql_in postgres -w -c '' 2>/dev/null || break; sleep 0.1; done
    repo_new password
    expect_status 1 as reader backup shop </dev/null
    expect_text password "pgpass (mode 0600"
    PGPASSWORD=wrong-secret expect_status 1 as reader backup shop
    [[ $output != *wrong-secret* ]]
    psql_in shop -c 'DROP TABLE private'
    PGPASSWORD=hunter2secret expect_status 0 as reader backup shop -v
    [[ $output != *hunter2secret* ]]
    printf '*:*:*:reader:hunter2secret\n' >"$HOME/.pgpass"
    chmod 600 "$HOME/.pgpass"
    expect_status 0 as reader backup shop
    rm "$HOME/.pgpass"
    expect_status 0 backup -d "host=$PGHOST user=reader password=hunter2secret dbname=shop" -v
    [[ $output != *hunter2secret* ]]
    run grep -rla hunter2secret "$REPO"
    expect_equal "$output" ''
}
