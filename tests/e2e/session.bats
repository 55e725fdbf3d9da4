#!/usr/bin/env bats
# Settings of roles and databases that would corrupt or end a backup (session settings on every connection).

load lib
setup_file() {
    e2e_setup
    pg_start main max_prepared_transactions=2
    psql_in postgres -c 'SELECT name FROM pg_settings' >"$T/settings"
    db_make hostile all-types.sql
    psql_in hostile <<'SQL'
-- Functions and operators that lie in wait for an unqualified name.
CREATE SCHEMA evil;
CREATE FUNCTION evil.format_type(oid, int) RETURNS text LANGUAGE sql AS $$ SELECT 'evil'::text $$;
CREATE FUNCTION evil.count(int) RETURNS int LANGUAGE sql AS 'SELECT 0';
CREATE FUNCTION evil.eq(name, name) RETURNS boolean LANGUAGE sql AS 'SELECT false';
CREATE OPERATOR evil.= (LEFTARG = name, RIGHTARG = name, FUNCTION = evil.eq);
CREATE TABLE evil.pg_class AS SELECT 1 AS nothing;
CREATE TABLE big (id int, t text);
INSERT INTO big SELECT i, repeat(md5(i::text), 10) FROM generate_series(1, 60000) i;
SQL
}
teardown_file() { e2e_teardown; }

# Everything that docs/postgresql.md and common sense forbid to trust, on the role and on the database: of it what this
# version knows (15 calls debug_parallel_query force_parallel_mode; 19 has only standard strings).
hostile_settings() {
    local s
    while read -r s; do
        [ "${s%% *}" = standard_conforming_strings ] && [ "$(server_major)" -ge 19 ] && continue
        ! grep -qix "${s%% *}" "$T/settings" || printf 'ALTER %s SET %s;\n' "$1" "$s"
    done <<'SETTINGS'
array_nulls = off
xmloption = document
synchronize_seqscans = on
enable_tidscan = off
extra_float_digits = -15
bytea_output = escape
DateStyle = 'German, DMY'
IntervalStyle = iso_8601
TimeZone = 'Asia/Kathmandu'
client_encoding = 'LATIN1'
lc_monetary = 'C.UTF-8'
search_path = evil, public, pg_catalog
row_security = on
default_transaction_isolation = serializable
default_transaction_deferrable = on
transform_null_equals = on
quote_all_identifiers = on
standard_conforming_strings = off
escape_string_warning = on
force_parallel_mode = on
debug_parallel_query = on
transaction_timeout = 300
max_parallel_workers_per_gather = 4
parallel_setup_cost = 0
min_parallel_table_scan_size = 0
jit_above_cost = 0
statement_timeout = 300
lock_timeout = 100
idle_in_transaction_session_timeout = 300
idle_session_timeout = 300
default_transaction_read_only = on
check_function_bodies = on
xmlbinary = hex
SETTINGS
}
calm() {
    local s options=
    while read -r s; do
        ! grep -qx "${s%=*}" "$T/settings" || options="$options -c $s"
    done <<'SETTINGS'
statement_timeout=0
lock_timeout=0
idle_in_transaction_session_timeout=0
idle_session_timeout=0
transaction_timeout=0
default_transaction_read_only=off
search_path=pg_catalog
jit=off
force_parallel_mode=off
debug_parallel_query=off
SETTINGS
    PGOPTIONS=$options "$@"
}

@test "hostile settings of the database" {
    calm psql_in postgres < <(hostile_settings 'DATABASE hostile')
    calm round_trip hostile
}

@test "hostile settings of the role as well, as text too" {
    calm psql_in postgres < <(hostile_settings 'ROLE postgres')
    repo_new role
    calm backup hostile
    calm db_drop hostile_copy
    # The tools get no help from PGOPTIONS.
    PGOPTIONS='' restore hostile --to hostile_copy
    calm db_same hostile hostile_copy
    repo_new role-text
    PGOPTIONS='' backup hostile --copy-format text
    calm db_drop hostile_copy
    PGOPTIONS='' restore hostile --to hostile_copy
    calm db_same hostile hostile_copy
}

@test "a drill of it finds no difference" {
    REPO=$T/repo.role
    PGOPTIONS='' expect_status 0 drill hostile
}

@test "the settings of the database came back, under the new name" {
    REPO=$T/repo.role
    local sql="SELECT unnest(setconfig) FROM pg_db_role_setting s JOIN pg_database d ON d.oid = setdatabase WHERE setrole = 0 AND datname ="
    calm psql_in postgres -c "$sql 'hostile' ORDER BY 1" >"$T/want"
    calm psql_in postgres -c "$sql 'hostile_copy' ORDER BY 1" >"$T/have"
    [ "$(wc -l <"$T/want")" -gt 20 ]
    diff "$T/want" "$T/have"
}

@test "unchanged tables give unchanged chunks although scans are synchronised" {
    REPO=$T/repo.role
    PGOPTIONS='' backup hostile
    # A scan that stopped in the middle is where a synchronised one would begin.
    PGOPTIONS='-c synchronize_seqscans=on -c statement_timeout=0' psql_in hostile -c 'BEGIN' -c 'DECLARE c CURSOR FOR SELECT * FROM big' -c 'FETCH 30000 FROM c' >/dev/null
    PGOPTIONS='' backup hostile
    expect_equal "$(label hostile | jq '[.new_chunks <= 3, .chunks > 3] | all')" true
}

@test "PGOPTIONS that would spoil the output are overruled" {
    calm psql_in postgres -c 'ALTER ROLE postgres RESET ALL' -c 'ALTER DATABASE hostile RESET ALL'
    repo_new options
    PGOPTIONS='-c array_nulls=off -c DateStyle=German -c bytea_output=escape -c statement_timeout=100 -c extra_float_digits=-10 -c search_path=evil' backup hostile --copy-format text
    db_drop hostile_copy
    PGOPTIONS='-c array_nulls=off -c xmloption=document -c default_transaction_read_only=on -c statement_timeout=100' restore hostile --to hostile_copy
    db_same hostile hostile_copy
}
