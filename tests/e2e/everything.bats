#!/usr/bin/env bats
# Everything that pg_dump carries, and what it forgets.

load lib
setup_file() {
    e2e_setup
    private_postgres
    pg_start main
    psql_in postgres -f "$FIXTURES/roles.sql"
    db_make every everything.sql
    psql_in postgres <<'SQL'
ALTER DATABASE every SET work_mem = '7MB';
ALTER DATABASE every CONNECTION LIMIT 17;
ALTER ROLE e2e_reader IN DATABASE every SET search_path = app, "$user";
COMMENT ON DATABASE every IS 'every kind of "thing"';
GRANT CONNECT ON DATABASE every TO e2e_reader;
REVOKE TEMPORARY ON DATABASE every FROM PUBLIC;
ALTER DATABASE every OWNER TO e2e_owner;
SQL
}
teardown_file() { e2e_teardown; }

@test "every kind of object comes back" {
    round_trip every
}

@test "the text format, gzip and one job give the same" {
    repo_new plain
    round_trip every --copy-format text --compress gzip:1 --jobs 1
    repo_new none
    round_trip every --compress none
}

@test "a drill compares all of it and finds nothing" {
    expect_status 0 drill every
}

@test "verify live of the copy finds nothing" {
    expect_status 0 pgassay verify live every --repo "$REPO" -d "$(pg_uri every_copy)" --full
}

@test "database properties come back under the new name" {
    local sql="SELECT pg_get_userbyid(datdba), datconnlimit, (SELECT array_agg(a::text ORDER BY a::text) FROM unnest(datacl) a), shobj_description(oid, 'pg_database'),
        (SELECT string_agg(setrole::regrole || setconfig::text, ' ' ORDER BY setrole) FROM pg_db_role_setting WHERE setdatabase = d.oid)
        FROM pg_database d WHERE datname ="
    expect_equal "$(psql_in postgres -c "$sql 'every_copy'")" "$(psql_in postgres -c "$sql 'every'")"
}

@test "no event trigger fired and no foreign server was asked" {
    expect_equal "$(psql_in every_copy -c 'SELECT count(*) FROM app.log')" 0
}

@test "an index over a function that reads a table was built when that table was full" {
    local sql="SET enable_seqscan = off; SELECT count(*) FROM app.aa_indexed WHERE app.zz_lookup(k) = 'word 7'"
    expect_equal "$(psql_in every_copy -c "$sql")" 1
}

@test "extension configuration: the user's rows, not the shipped ones twice, nothing of internal tables" {
    expect_equal "$(psql_in every_copy -c 'SELECT count(*) FROM e2e_config.setting')" 3
    expect_equal "$(psql_in every_copy -c 'SELECT count(*) FROM e2e_config.users_own')" 2
    expect_equal "$(psql_in every_copy -c 'SELECT count(*) FROM e2e_config.internal')" 10
    expect_equal "$(manifest every | jq -r '.tables[] | select(.name == "setting") | .condition')" "WHERE NOT builtin"
}

@test "extension configuration of which the user removed every shipped row: none comes back" {
    db_make emptied
    psql_in emptied -c 'CREATE SCHEMA e2e_config' -c 'CREATE EXTENSION e2e_config SCHEMA e2e_config' -c 'DELETE FROM e2e_config.defaults'
    backup emptied
    expect_equal "$(manifest emptied | jq -r '.tables[] | select(.name == "defaults") | .rows')" 0
    restore emptied --to emptied_copy
    expect_equal "$(psql_in emptied_copy -c 'SELECT count(*) FROM e2e_config.defaults')" 0
    expect_status 0 drill emptied
    db_drop emptied emptied_copy
}

@test "foreign tables are named as definitions only" {
    manifest every | jq -e '.tables[] | select(.name == "far_table") | .skipped | type == "string"'
}

@test "inherited rows are stored once" {
    expect_equal "$(manifest every | jq -r '.tables[] | select(.name == "parent") | .rows')" 2
}

@test "restore on a server without the roles: all are named, the rest goes on, status 4" {
    pg_start bare
    expect_status 1 restore every --to every
    expect_text e2e_owner e2e_reader "e2e group" --globals
    expect_no_db every
    expect_status 4 restore every --to every --role postgres
    expect_text e2e_owner e2e_reader 'e2e group' --globals
    expect_equal "$(psql_in every -c 'SELECT count(*) FROM app.person')" 3000
    # What cannot do without them is still named.
    expect_status 4 restore every --to owned --no-owner --no-privileges
    expect_text 'USER MAPPING' POLICY
    expect_short 5
    pg_use main
}

@test "restore on a server without the roles, with --globals" {
    pg_start bare2
    expect_status 0 restore every --to every --globals
    expect_equal "$(psql_in postgres -c "SELECT count(*) FROM pg_roles WHERE rolname IN ('e2e_owner', 'e2e_reader', 'e2e group')")" 3
    expect_equal "$(psql_in postgres -c "SELECT rolconnlimit FROM pg_roles WHERE rolname ~ 'ddly'")" 7
    db_rows every >"$T/have"
    pg_use main
    db_rows every >"$T/want"
    diff "$T/want" "$T/have"
}

@test "--no-owner --no-privileges --role" {
    db_drop mine
    psql_in postgres -c 'ALTER ROLE e2e_owner SUPERUSER'
    expect_status 0 restore every --to mine --no-owner --no-privileges --role e2e_owner
    psql_in postgres -c 'ALTER ROLE e2e_owner NOSUPERUSER'
    expect_equal "$(psql_in mine -c "SELECT DISTINCT pg_get_userbyid(relowner) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
        WHERE nspname = 'app' AND relkind = 'r'")" e2e_owner
    expect_equal "$(psql_in mine -c "SELECT relacl IS NULL FROM pg_class WHERE oid = 'app.secret'::regclass")" t
}

@test "selection: tables, schemas, exclusions, schema only, data only" {
    repo_new select
    backup every -t 'app.tree' -t 'app.eg*'
    expect_equal "$(manifest every | jq -r '[.tables[].name] | join(" ")')" "egg tree"
    backup every -n app -T 'app.event*'
    manifest every | jq -e '[.tables[].name] | index("person") != null and index("event_2021") == null'
    backup every --exclude-table-data 'app.person'
    manifest every | jq -e '.tables[] | select(.name == "person") | .rows == 0 and (.skipped | type == "string")'
    backup every --schema-only
    expect_equal "$(manifest every | jq '[.tables[].rows] | add // 0')" 0
    backup every --data-only
    # None of these is what plain "latest" means.
    expect_status 1 restore every --to selected
    expect_equal "$(storage list every --json | jq '[.. | objects | select(.scope? != null) | .scope] | unique | length')" 5
}

@test "a table chosen with -t comes back alone" {
    repo_new one
    backup every -t app.tree
    db_drop one_table
    run restore every --backup "$(last_id every)" --to one_table
    expect_equal "$(psql_in one_table -c 'SELECT count(*) FROM app.tree')" "$(psql_in every -c 'SELECT count(*) FROM app.tree')"
}

@test "an extension of another version than the restore gives is a finding" {
    db_make older
    psql_in older -c "CREATE EXTENSION e2e_config VERSION '1.0'" 2>/dev/null || psql_in older -c 'CREATE SCHEMA IF NOT EXISTS e2e_config' -c "CREATE EXTENSION e2e_config VERSION '1.0'"
    backup older
    expect_status 3 drill older
    expect_text e2e_config 1.0 1.1
}

@test "security labels travel; where their provider is missing that is said by name, status 4" {
    db_make labelled small.sql
    psql_in labelled -c "INSERT INTO pg_seclabel VALUES ('item'::regclass, 'pg_class'::regclass, 0, 'dummy', 'top secret')"
    backup labelled
    db_drop labelled_copy
    expect_status 4 restore labelled --to labelled_copy
    expect_text dummy
    expect_equal "$(db_rows labelled_copy | grep -v seclabel)" "$(db_rows labelled)"
}

@test "subscriptions come back without connecting anywhere" {
    db_make subscriber small.sql
    psql_in subscriber -c "CREATE SUBSCRIPTION sub CONNECTION 'host=192.0.2.1 dbname=x' PUBLICATION p WITH (connect = false)" 2>/dev/null
    backup subscriber
    db_drop subscriber_copy
    expect_status 0 restore subscriber --to subscriber_copy
    expect_equal "$(psql_in subscriber_copy -c 'SELECT subname, subenabled FROM pg_subscription WHERE subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())')" 'sub|f'
    run drill subscriber
    [ "$status" -eq 0 ] || [ "$status" -eq 3 ]
    for db in subscriber subscriber_copy; do
        psql_in $db -c 'ALTER SUBSCRIPTION sub SET (slot_name = NONE)' -c 'DROP SUBSCRIPTION sub'
    done
}
