#!/usr/bin/env bats
# What one version of PostgreSQL does and another does not.

load lib
setup_file() {
    e2e_setup
    pg_start main
}
teardown_file() { e2e_teardown; }

# What login event triggers wrote: one row a connection, with the program's name.
logins() { PGOPTIONS='-c event_triggers=off' psql_in "$1" -c 'SELECT count(*) FROM seen'; }

watched() { # DB: a database that writes down who connects, also in sessions that replicate
    db_make "$1" small.sql
    psql_in "$1" <<'SQL'
CREATE TABLE seen (who text DEFAULT current_setting('application_name'), usr name DEFAULT session_user);
GRANT INSERT ON seen TO PUBLIC;
CREATE FUNCTION see() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.seen DEFAULT VALUES; END $$;
CREATE EVENT TRIGGER seeing ON login EXECUTE FUNCTION see();
ALTER EVENT TRIGGER seeing ENABLE ALWAYS;
SQL
}

@test "login event triggers: nothing of ours fires them" {
    since 17
    watched gate
    expect_equal "$(logins gate)" 0
    psql_in gate -c 'SELECT 1' -o /dev/null
    expect_equal "$(logins gate)" 1    # it is live
    expect_status 0 backup gate --jobs 2
    expect_equal "$(logins gate)" 1
    expect_status 0 pgassay verify live --repo "$REPO" gate -d gate --full
    expect_equal "$(logins gate)" 1
    expect_status 0 restore gate --to gate_copy
    expect_equal "$(logins gate_copy)" 1
    expect_status 0 drill gate
    # The options that the user gave stand as well, and the server's log has no complaint.
    PGOPTIONS='-c work_mem=7MB' expect_status 0 backup gate
    expect_equal "$(logins gate)" 1
    if grep event_triggers "$T/pg/main/log"; then return 1; fi
}

@test "login event triggers: a role that may not turn them off backs up all the same; GRANT SET helps" {
    since 17
    watched gate2
    psql_in postgres -c 'CREATE ROLE watchman LOGIN IN ROLE pg_read_all_data'
    psql_in gate2 <<<"SELECT format('GRANT SELECT ON LARGE OBJECT %s TO watchman', oid) FROM pg_largeobject_metadata \gexec"
    PGUSER=watchman expect_status 0 backup gate2
    expect_text "event triggers"
    [ "$(PGOPTIONS='-c event_triggers=off' psql_in gate2 -c "SELECT count(*) FROM seen WHERE usr = 'watchman'")" -gt 0 ]
    psql_in postgres -c 'GRANT SET ON PARAMETER event_triggers TO watchman'
    local before
    before=$(logins gate2)
    PGUSER=watchman expect_status 0 backup gate2
    expect_equal "$(logins gate2)" "$before"
}

@test "servers before 17 are asked for nothing that they do not know, where only their own programs are" {
    [ "$(server_major)" -lt 17 ] || skip "PostgreSQL $(server_major)"
    db_make plain small.sql
    PGASSAY_PG_BINDIR=$SERVER_BIN expect_status 0 backup plain
    if grep event_triggers "$T/pg/main/log"; then return 1; fi
}

@test "nothing waits for a scratch server's statistics, which below 15 have a collector that cannot connect to itself" {
    db_make waits small.sql
    expect_status 0 backup waits
    drill waits --keep --json >"$T/waits.json"
    # It would have written that they are stale, after ten seconds.
    local log
    log=$(jq -r .keep_command "$T/waits.json" | sed 's/^rm -rf -- //')/log
    expect_equal "$(grep -c 'stale statistics' "$log")" 0
    [ -s "$log" ]
    sh -c "$(jq -r .keep_command "$T/waits.json")"
}

@test "pg_dump with an older libpq gets no options that it does not know" {
    db_make older small.sql
    # What a libpq of the future would list beside ours, pg_dump must not see: only what was given is passed on.
    mkdir -p "$T/strict"
    ln -sf "$SERVER_BIN"/* "$T/strict/"
    rm "$T/strict/pg_dump"
    cat >"$T/strict/pg_dump" <<SH
#!/bin/bash
printf '%s\n' "\$@" >>"$T/strict.args"
exec "$SERVER_BIN/pg_dump" "\$@"
SH
    chmod 755 "$T/strict/pg_dump"
    PGASSAY_PG_BINDIR=$T/strict expect_status 0 backup -d "host=$PGHOST dbname=older sslmode=disable application_name=mine"
    grep -q "sslmode='disable'" "$T/strict.args"
    grep -q "application_name='mine'" "$T/strict.args"
    if grep -oE "sslsni|sslcompression|gssencmode|ssl_min_protocol_version|target_session_attrs|channel_binding" "$T/strict.args"; then return 1; fi
    # The environment reaches pg_dump, too: what is said against it must be passed on, default or not.
    PGSSLMODE=require PGASSAY_PG_BINDIR=$T/strict expect_status 0 backup -d "host=$PGHOST dbname=older sslmode=prefer"
    grep -q "sslmode='prefer'" "$T/strict.args"
}

# ---- whose extensions ------------------------------------------------------------------------------

@test "an extension comes back as its maker's, a trusted one and a superuser's" {
    psql_in postgres -c 'CREATE ROLE shopkeeper LOGIN' -c 'CREATE ROLE dba LOGIN SUPERUSER' -c 'CREATE DATABASE owned OWNER shopkeeper'
    PGUSER=shopkeeper psql_in owned -c 'CREATE SCHEMA ext' -c 'CREATE EXTENSION hstore SCHEMA ext' -c 'CREATE EXTENSION citext SCHEMA ext' \
        -c 'CREATE TABLE t (h ext.hstore, c ext.citext)' -c "INSERT INTO t VALUES ('a=>1', 'A')"
    PGUSER=dba psql_in owned -c 'CREATE EXTENSION pg_stat_statements' -c 'CREATE EXTENSION pageinspect'
    psql_in owned -c 'CREATE EXTENSION ltree'
    backup owned
    expect_status 0 drill owned
    expect_status 0 restore owned --to owned_copy
    local sql="SELECT extname, extowner::regrole FROM pg_extension ORDER BY 1"
    expect_equal "$(psql_in owned_copy -c "$sql")" "$(psql_in owned -c "$sql")"
    expect_equal "$(psql_in owned_copy -c "SELECT extowner::regrole FROM pg_extension WHERE extname = 'hstore'")" shopkeeper
    PGUSER=shopkeeper psql_in owned_copy -c 'DROP EXTENSION hstore CASCADE'
    expect_equal "$(psql_in postgres -c "SELECT d.datacl IS NULL OR d.datacl @> acldefault('d', datdba) AND d.datacl <@ acldefault('d', datdba) FROM pg_database d WHERE datname = 'owned_copy'")" t
    # Whose role is not there, or may not, or is not wanted: it is made all the same.
    expect_status 0 restore owned --to owned_mine --no-owner
    expect_equal "$(psql_in owned_mine -c 'SELECT DISTINCT extowner::regrole FROM pg_extension')" postgres
    psql_in postgres -c 'ALTER ROLE dba NOSUPERUSER'
    expect_status 0 restore owned --to owned_now
    expect_equal "$(psql_in owned_now -c "SELECT extowner::regrole FROM pg_extension WHERE extname = 'pageinspect'")" postgres
}

# ---- names -------------------------------------------------------------------------------------------

@test "a database whose name holds line ends is backed up, restored and drilled" {
    [ "$(server_major)" -lt 19 ] || skip "PostgreSQL $(server_major) has no such names"
    local db=$'new\nline\rand; "more"' quoted=$'"new\nline\rand; ""more"""'
    psql_in postgres -c "CREATE DATABASE $quoted" -c "ALTER DATABASE $quoted SET work_mem = '9MB'" -c "COMMENT ON DATABASE $quoted IS 'odd'" \
        -c "ALTER DATABASE $quoted CONNECTION LIMIT 9"
    psql_in "$db" -c 'CREATE TABLE t AS SELECT generate_series(1, 10) AS i'
    expect_status 0 backup "$db"
    expect_status 0 drill "$db"
    expect_status 0 restore "$db" --to plain_copy
    db_same "$db" plain_copy
    expect_equal "$(psql_in plain_copy -c 'SHOW work_mem')" 9MB
    expect_status 0 restore "$db" --to "$db"$'\n2'
    db_same "$db" "$db"$'\n2'
}

# ---- a newer server ---------------------------------------------------------------------------------

# newer MAJOR: where its programs are, if that is newer than what is tested.
newer() {
    newer=$("$TOP/scripts/pg-versions" bindir "$1") || skip "PostgreSQL $1 is not here: run scripts/deps --matrix $1"
    [ "$(server_major)" -lt "$1" ] || skip "PostgreSQL $(server_major)"
}

@test "an upgrade is rehearsed: what the newer version brings is said, and is no difference" {
    psql_in postgres -f "$FIXTURES/roles.sql"
    db_make upgraded all-types.sql
    psql_in upgraded <<'SQL'
CREATE EXTENSION hstore; CREATE EXTENSION citext; CREATE EXTENSION btree_gist; CREATE EXTENSION postgres_fdw; CREATE EXTENSION pg_trgm;
CREATE EXTENSION pg_stat_statements; CREATE EXTENSION ltree; CREATE EXTENSION tablefunc; CREATE EXTENSION isn; CREATE EXTENSION pgcrypto;
CREATE TABLE words (h hstore, c citext PRIMARY KEY); INSERT INTO words VALUES ('a=>1', 'Word');
CREATE INDEX ON words USING gin (c gin_trgm_ops);
GRANT EXECUTE ON FUNCTION pg_catalog.abs(int) TO PUBLIC;
SQL
    newer 18
    backup upgraded
    expect_status 0 drill upgraded --major 18 --pg-bindir "$newer" --self-test --verbose
    expect_text "extension citext: version" "PostgreSQL 18 brings it" "was taken on PostgreSQL $(server_major) and restored on 18, as --major asks" \
        "of which each was noticed"
}

@test "an upgrade is rehearsed: what somebody changed in an extension is a difference all the same" {
    db_make changed
    psql_in changed -c 'CREATE EXTENSION unaccent' -c 'ALTER FUNCTION unaccent(text) COST 77'
    backup changed
    newer 18
    expect_status 3 drill changed --major 18 --pg-bindir "$newer"
    expect_text "of extension unaccent: its definition differs"
    # That version, not just any that is not older.
    expect_status 1 drill changed --major 17 --pg-bindir "$newer"
    expect_text "no server of PostgreSQL 17 is here; the nearest is 18"
    expect_status 1 drill changed --major 99
    expect_text "version 99"
}

@test "a GRANT and its REVOKE on a built-in function are nothing that is missing" {
    db_make granted small.sql
    psql_in granted -c 'GRANT EXECUTE ON FUNCTION pg_catalog.pg_ls_waldir() TO PUBLIC' -c 'REVOKE EXECUTE ON FUNCTION pg_catalog.pg_ls_waldir() FROM PUBLIC' \
        -c 'REVOKE EXECUTE ON FUNCTION pg_catalog.abs(int) FROM PUBLIC' -c 'GRANT EXECUTE ON FUNCTION pg_catalog.abs(int) TO PUBLIC'
    expect_status 0 backup granted
    [[ $output != *"does not carry"* ]]
    expect_status 0 drill granted
    psql_in granted -c 'ALTER FUNCTION pg_catalog.abs(int) COST 33'
    backup granted
    expect_status 3 drill granted
    expect_text "abs(integer)"
}
