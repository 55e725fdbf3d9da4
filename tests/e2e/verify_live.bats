#!/usr/bin/env bats
# verify live: a running database against its backup; every change is found and named, and nothing else is.

load lib
load verify_changes
setup_file() {
    e2e_setup
    pg_start main
    psql_in postgres -c "CREATE ROLE verify_owner; CREATE ROLE verify_reader; CREATE ROLE verify_member; CREATE ROLE verify_other; CREATE ROLE verify_gone" \
        -c "GRANT verify_owner, verify_other TO verify_member" \
        -c "ALTER ROLE verify_reader PASSWORD 'of yesterday' VALID UNTIL 'infinity'; ALTER ROLE verify_reader SET work_mem = '8MB'"
    [ "$(server_major)" -lt 15 ] || psql_in postgres -c "GRANT SET ON PARAMETER work_mem TO verify_reader"
    space verify_space
    db_make base verify.sql changes.sql 2>/dev/null
    psql_in base -c "CREATE TABLE side.placed (a int) TABLESPACE verify_space"
    backup base
}
teardown_file() { e2e_teardown; }

live() { pgassay verify live --repo "$REPO" "$@"; }

# Opened anew from the base each time, so that no change hides another.
changed() {
    db_drop mutant
    psql_in postgres -c "CREATE DATABASE mutant TEMPLATE base" -c "COMMENT ON DATABASE mutant IS 'the one'"
    [ $# -eq 0 ] || psql_in mutant -o /dev/null -c "$1"
}

@test "an unchanged database is equal" {
    expect_status 0 live base -d base --full --verbose
    expect_text "verdict          equal" "globals          6 roles"
    expect_status 0 live base -d base --full
    expect_equal "$output" ""
}

@test "a copy under another name is equal, and so is one that differs only in what does not matter" {
    changed
    harmless_changes | sql_of 2 | psql_in mutant -o /dev/null
    another_minor base
    expect_status 0 live base -d mutant --full --verbose
    expect_text "source           PostgreSQL $(server_major).0," "verdict          equal"
    psql_in postgres -c "ALTER SYSTEM RESET ALL" -c "SELECT pg_reload_conf()" -o /dev/null
}

@test "without --full nothing is said about contents" {
    expect_status 0 live base -d base --verbose
    expect_text "contents were NOT compared" "in all but contents"
    changed "UPDATE big SET t = 'x' WHERE id = 1"
    expect_status 0 live base -d mutant
    changed "DELETE FROM big WHERE id = 1"
    expect_status 3 live base -d mutant
    expect_text "number of rows: want 60000, have 59999"
}

@test "each of 168 changes is found by its own check" {
    changed
    verify_changes | sql_of 3 | psql_in mutant -o /dev/null
    run live base -d mutant --full --json
    [ "$status" -eq 3 ]
    echo "$output" >"$T/live.json"
    all_found "$T/live.json"
}

@test "of a backup of definitions, all definitions are compared: extensions, settings, what is new" {
    local id
    psql_in base -c "ALTER DATABASE base SET work_mem = '4MB'"
    backup base --schema-only
    id=$(last_id base)
    expect_status 0 live base -d base --backup "$id"
    # hstore is of an older version than a restore makes, and that is all.
    expect_status 3 drill base --backup "$id"
    expect_equal "$(grep '^  different' <<<"$output")" "  different    extension hstore: version $(psql_in postgres -c "SELECT default_version FROM pg_available_extensions WHERE name = 'hstore'"), was 1.4"
    psql_in base -c "ALTER DATABASE base RESET work_mem"
    changed "ALTER EXTENSION hstore UPDATE; CREATE TABLE side.new (a int); CREATE VIEW side.newer AS SELECT 1"
    expect_status 3 live base -d mutant --backup "$id"
    expect_text "extension hstore: version" "was 1.4" "side.new: not in the backup" "VIEW side.newer: not in the backup" work_mem
    # A selection of tables says nothing of the rest.
    backup base -t big
    expect_status 0 live base -d mutant --backup "$(last_id base)"
}

@test "what a reference restore cannot make is found all the same, and what stands beside definitions" {
    # Without its handler in the dump, this language cannot be restored; the function has today's schema take its trip.
    changed "CREATE LANGUAGE odd HANDLER plpgsql_call_handler;
        CREATE OR REPLACE FUNCTION side.twice(n int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 3 * n'"
    expect_status 3 live base -d mutant --full
    expect_text "odd: cannot be restored"
    [ "$(server_major)" -ge 15 ] || return 0    # SET ACCESS METHOD
    changed "CREATE ACCESS METHOD heaped TYPE TABLE HANDLER heap_tableam_handler; ALTER TABLE big SET ACCESS METHOD heaped"
    expect_status 3 live base -d mutant --full
    expect_text "access method of its own of table big"
}

@test "definitions of many tables whose text a restore changes are equal, and one that differs is found" {
    db_make many
    psql_in many -o /dev/null <<'SQL'
SELECT format('CREATE TABLE t%s (id int GENERATED ALWAYS AS IDENTITY, state varchar(9) CHECK (state IN (''a'', ''b'')))', to_char(i, 'FM000')) FROM generate_series(1, 100) i \gexec
CREATE FUNCTION of_row(t001) RETURNS text LANGUAGE sql AS $$ SELECT 'row' $$;
CREATE TABLE not_noted (a text DEFAULT of_row(NULL), state varchar(9) CHECK (state IN ('a', 'b')));
DELETE FROM pg_depend WHERE classid = 'pg_attrdef'::regclass AND refclassid = 'pg_proc'::regclass
    AND objid = (SELECT oid FROM pg_attrdef WHERE adrelid = 'not_noted'::regclass);
SQL
    backup many
    db_make copied
    pg_dump many | psql_in copied -o /dev/null
    expect_status 0 live many -d copied --jobs 2
    psql_in copied -c "ALTER TABLE t050 DROP CONSTRAINT t050_state_check, ADD CHECK (state IN ('a', 'c'))"
    expect_status 3 live many -d copied --jobs 2
    expect_text 'TABLE public.t050: definition'
    expect_equal "$(grep -c '^  different' <<<"$output")" 1
    db_drop many copied
}

@test "one change is one finding" {
    changed "CREATE OR REPLACE FUNCTION side.twice(n int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 3 * n'"
    expect_status 3 live base -d mutant --full
    expect_equal "$(grep -c '^  different' <<<"$output")" 1
    changed "UPDATE hashed SET n = -1 WHERE n = 5"
    expect_status 3 live base -d mutant --full
    expect_equal "$(grep -c '^  different' <<<"$output")" 1
}

@test "an extension that moved is told once; what is no table, too: JSON names them all" {
    db_make moving
    psql_in moving <<'SQL'
CREATE EXTENSION hstore; CREATE EXTENSION postgres_fdw; CREATE SCHEMA other;
CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host 'a');
SELECT format('CREATE TABLE t%s (id int, h hstore DEFAULT %L)', n, '') FROM generate_series(1, 9) n \gexec
SQL
    backup moving
    psql_in moving -c 'ALTER EXTENSION hstore SET SCHEMA other' -c "ALTER SERVER far OPTIONS (SET host 'b')"
    expect_status 3 live moving -d moving --full
    expect_text 'extension hstore: schema other, was public' 'public.t1: column 2: want h public.hstore, have h other.hstore' \
        '... and 7 more: column: want public, have other' 'more: of extension hstore: missing' '... and 8 more: definition: want public, have other'
    [ "$(wc -l <<<"$output")" -le 35 ]
    expect_equal "$(grep -c 'SERVER far' <<<"$output")" 1
    run live moving -d moving --full --json
    expect_equal "$(jq '[.findings[] | select(.what == "column 2")] | length' <<<"$output")" 9
    db_drop moving
}

@test "the findings as JSON" {
    changed "DELETE FROM big WHERE id = 1; DROP INDEX big_a"
    run live base -d mutant --full --json
    [ "$status" -eq 3 ]
    echo "$output" >"$T/live.json"
    valid_json verify "$T/live.json"
    expect_equal "$(jq -c '[.verb, .equal, .database, .compared.contents]' <<<"$output")" '["live",false,"base",true]'
    expect_equal "$(jq -c '.findings | map([.class, .group, .object, .what, .want, .have]) | sort | .[]' <<<"$output")" \
'["different","rows","public.big","number of rows","60000","59999"]
["different","schema","INDEX public.big_a","missing",null,null]
["note","rows","public.big","1 missing row",null,"id=1"]'
}

@test "a table that cannot be read is named, and the rest is compared" {
    changed "DELETE FROM side.small WHERE id = 1"
    psql_in mutant -c "CREATE ROLE verify_weak LOGIN" \
        -c "GRANT SELECT ON ALL TABLES IN SCHEMA public, side, each TO verify_weak" \
        -c "GRANT USAGE ON SCHEMA side, each TO verify_weak" -c "REVOKE SELECT ON big FROM verify_weak"
    run live base -d mutant -U verify_weak --full
    # pg_dump wants to lock every table: one clear error is right as well.
    [ "$status" -eq 1 ] || [ "$status" -eq 3 ]
    expect_text big
}

@test "a database that is not in the repository, a backup that is not there, a server that is not there" {
    expect_status 1 live nobody -d base
    expect_text nobody
    expect_status 1 live base -d base --backup 20010101T000000Z-0000
    expect_text 20010101T000000Z-0000
    expect_status 1 live base -h "$T/nowhere"
    expect_text "$T/nowhere"
    expect_status 2 live
    expect_status 2 pgassay verify drill base --full
    expect_status 2 pgassay verify nonsense
}

# Of the server, so all that follows finds them, too.
@test "each change is found and named: roles, tablespaces, parameters" {
    local since name sql texts t
    changed
    server_changes | awk -F'|' -v v="$(server_major)" '$1 <= v' >"$T/changes"
    sql_of 3 <"$T/changes" | psql_in mutant -o /dev/null
    expect_status 3 live base -d mutant
    while IFS='|' read -r since name sql texts; do
        while IFS= read -r -d ';' t; do expect_text "$t" || { echo "$name" >&2; return 1; }; done <<<"$texts;"
    done <"$T/changes"
    # A digest is nothing to print, and neither is what it is of.
    expect_equal "$(grep -cE '[0-9a-f]{32}|SCRAM' <<<"$output")" 0
}
