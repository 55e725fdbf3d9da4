#!/usr/bin/env bats
# Which part of a database a backup is of, and what the label says about it.

load lib
setup_file() {
    e2e_setup
    pg_start main
    db_make shop small.sql
    psql_in shop -c 'CREATE SCHEMA "Odd Schema"' -c 'CREATE TABLE "Odd Schema"."Odd Table" (a int)' \
        -c 'INSERT INTO "Odd Schema"."Odd Table" VALUES (1), (2)' -c 'CREATE TABLE plain (a int)' -c 'INSERT INTO plain VALUES (7)' \
        -c 'CREATE TABLE "Odd Schema".plain (a int)' -c "SELECT lo_from_bytea(0, 'large')" -c 'CREATE SEQUENCE loose'
}
teardown_file() { e2e_teardown; }

scope() { label shop | jq -r .scope; }
tables() { manifest shop | jq -r '.tables[] | .schema + "." + .name' | sort | paste -sd ' '; }

@test "a whole database is scope full, without a selection" {
    backup shop
    expect_equal "$(scope)" full
    expect_equal "$(label shop | jq '.selection // "none"' -r)" none
}

@test "the same selection is the same scope, in whatever order; another one is another" {
    local first
    backup shop -t plain -t '"Odd Schema".*'
    first=$(scope)
    [[ $first =~ ^[0-9a-f]{16}$ ]]
    backup shop -t '"Odd Schema".*' -t plain
    expect_equal "$(scope)" "$first"
    backup shop -t plain
    [ "$(scope)" != "$first" ]
    expect_equal "$(label shop | jq -r .selection)" "--table 'plain'"
}

@test "a pattern without schema means what the search path shows, quotes keep capitals" {
    backup shop -t plain
    expect_equal "$(tables)" public.plain
    backup shop -t '*.plain'
    expect_equal "$(tables)" 'Odd Schema.plain public.plain'
    backup shop -n '"Odd Schema"' -T '*.plain'
    expect_equal "$(tables)" 'Odd Schema.Odd Table'
    expect_status 2 backup shop -n 'Odd Schema'
    expect_text 'nothing in database "shop" matches "Odd Schema"'
}

@test "-t of a partitioned table without its partitions: a backup of no rows, which is said" {
    db_make parted
    psql_in parted -c 'CREATE TABLE p (a int) PARTITION BY LIST (a)' -c 'CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1)' \
        -c 'CREATE TABLE p2 PARTITION OF p DEFAULT' -c 'CREATE TABLE unparted (a int) PARTITION BY LIST (a)'
    expect_status 0 backup parted -t p
    expect_text 'table public.p is partitioned, and the selection has none of its partitions'
    expect_status 0 backup parted -t p -t p1
    expect_equal "$output" ""
    expect_status 0 backup parted -t unparted
    expect_equal "$output" ""
    expect_status 0 backup parted -t p --schema-only
    expect_equal "$output" ""
}

@test "large objects come with everything, and not with a part" {
    backup shop
    [ "$(manifest shop | jq .large_objects.count)" -gt 0 ]
    backup shop -T plain
    [ "$(manifest shop | jq .large_objects.count)" -gt 0 ]
    backup shop -t plain
    expect_equal "$(manifest shop | jq .large_objects.count)" 0
    expect_equal "$(manifest shop | jq '[.sequences[] | select(.name == "loose")] | length')" 0
}

@test "a drill of a part is equal: schema public alone, which every new database has, schemas left out, definitions" {
    local args n=0
    db_make part
    psql_in part -c "CREATE TABLE t (v varchar(5) CHECK (v IN ('a', 'b')))" -c "INSERT INTO t VALUES ('a')" -c 'CREATE SCHEMA other' \
        -c 'CREATE TABLE other.u AS SELECT 1 i' -c 'CREATE TABLE plain (i int)' -c 'CREATE VIEW v AS SELECT * FROM t'
    for args in '-n public -T plain' '-N other' '-t t -t v' '-n public -s' '-N public -s'; do
        [ $((n++)) -lt "$(rounds 3 5)" ] || break
        # shellcheck disable=SC2086  # several words
        backup part $args
        expect_status 0 drill part --backup "$(last_id part)"
    done
    psql_in part -c "COMMENT ON SCHEMA public IS 'ours'" -c 'GRANT CREATE ON SCHEMA public TO PUBLIC' -c 'ALTER SCHEMA public OWNER TO CURRENT_USER'
    backup part -n public -s
    expect_status 0 drill part --backup "$(last_id part)"
    expect_status 0 pgassay verify live part -d dbname=part --repo "$REPO" --backup "$(last_id part)"
    psql_in part -c "COMMENT ON SCHEMA public IS 'theirs'"
    expect_status 3 pgassay verify live part -d dbname=part --repo "$REPO" --backup "$(last_id part)"
    expect_text 'COMMENT SCHEMA public'
}

@test "rows left out are said so, table by table" {
    printf 'exclude-table-data = plain\nprune = yes\n' >"$PGASSAY_CONFIG"
    backup shop --complete --json >"$T/complete.json"
    expect_equal "$(label shop | jq -r .scope)" full
    expect_equal "$(manifest shop | jq -r '.tables[] | select(.schema == "public" and .name == "plain") | .skipped')" null
    expect_equal "$(jq '[.. | objects | .prune_status // empty] | length' "$T/complete.json")" 0
    expect_status 2 backup shop --complete --exclude-table-data plain
    : >"$PGASSAY_CONFIG"
    backup shop --exclude-table-data 'plain'
    expect_equal "$(manifest shop | jq -r '.tables[] | select(.schema == "public" and .name == "plain") | .skipped')" --exclude-table-data
    backup shop --schema-only
    expect_equal "$(label shop | jq .rows)" 0
    expect_equal "$(manifest shop | jq -r '[.tables[] | select(.kind == "r") | .skipped] | unique[]')" --schema-only
    backup shop --data-only
    expect_equal "$(manifest shop | jq '.archive | length')" 0
    [ "$(label shop | jq .rows)" -gt 0 ]
}

@test "rows alone: backup says that no restore makes a database of them, list what they are, and restore how to go on" {
    local id args
    expect_status 0 backup shop --data-only
    expect_text '--data-only: this backup holds no definitions, and pgassay restore can make no database of it' docs/recipe.md
    id=$(last_id shop)
    for args in '--to nowhere' '--to nowhere -t plain' --scratch; do
        # shellcheck disable=SC2086  # several words
        expect_status 1 restore shop --backup "$id" $args
        expect_text 'holds rows only (--data-only)' docs/recipe.md
    done
    expect_no_db nowhere
}

@test "list and show tell a part from the whole, and which part it is" {
    repo_new parts
    backup shop
    backup shop -t plain --note 'before the move'
    storage list shop --json >"$T/list.json"
    valid_json list "$T/list.json"
    expect_equal "$(jq -c '.databases[0].backups | map([.partial, .selection])' "$T/list.json")" "[[false,null],[true,\"--table 'plain'\"]]"
    run storage list shop
    expect_text "--table 'plain'; before the move"
    storage show shop "$(last_id shop)" --json >"$T/show.json"
    valid_json show "$T/show.json"
    expect_equal "$(jq .partial "$T/show.json")" true
}

@test "exclusions that leave no table are an error, unless rows are not asked for" {
    local args
    psql_in shop -c 'CREATE SCHEMA bare'
    set -f
    for args in '-T *.*' '-N *' '-t plain -T plain' '-n public -T *' '-T *.* --dry-run' '-T *.* --data-only'; do
        # shellcheck disable=SC2086  # several words
        expect_status 2 backup shop $args
        expect_text 'leaves no table of database "shop"' 'schema-only'
    done
    set +f
    expect_status 0 backup shop -T '*.*' --schema-only
    expect_status 0 backup shop -n bare
    expect_status 0 backup shop -n bare -N nothing_like_it
    db_make tableless
    expect_status 0 backup tableless -T '*.*'
    psql_in shop -c 'DROP SCHEMA bare'
}

@test "options that contradict each other are status 2" {
    local args
    for args in '--schema-only --data-only' '-t plain -n public' '--all shop' '--copy-format xml' '--name x shop postgres' '-t a.b.c'; do
        # shellcheck disable=SC2086  # several words
        expect_status 2 pgassay backup --repo "$REPO" -d shop $args
    done
}

@test "a database with '=' and quotes in its name, by --all and by connection string" {
    psql_in postgres -c "CREATE DATABASE \"a=b 'c' \"\"d\"\"\""
    expect_status 0 backup --all
    [ -z "$(label "a%3db%20%27c%27%20%22d%22" | jq -r '.warnings[]')" ]
    expect_status 0 pgassay backup --repo "$REPO" -d "dbname='a=b \\'c\\' \"d\"'" --name odd
    expect_equal "$(label odd | jq -r .dbname)" "a=b 'c' \"d\""
}

@test "PGCLIENTENCODING and a role's short timeouts do not reach pg_dump" {
    psql_in postgres -c 'CREATE ROLE hasty LOGIN SUPERUSER' -c "ALTER ROLE hasty SET statement_timeout = '1ms'" \
        -c "ALTER ROLE hasty SET lock_timeout = '1ms'" -c 'ALTER ROLE hasty SET quote_all_identifiers = on'
    psql_in shop -c "COMMENT ON TABLE plain IS 'grün'"
    PGCLIENTENCODING=LATIN1 expect_status 0 backup shop -U hasty
    db_drop shop_copy
    restore shop --to shop_copy
    db_same shop shop_copy
}
