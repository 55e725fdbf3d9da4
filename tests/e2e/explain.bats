#!/usr/bin/env bats
# Which rows of a table differ: missing, extra, changed, by key; in a copy, whose rows lie elsewhere, and in the source.

load lib
setup_file() {
    e2e_setup
    pg_start main
    db_make shop small.sql
    psql_in shop <<'SQL'
CREATE TABLE big (id int PRIMARY KEY, n int, note text);
INSERT INTO big SELECT i, i % 7, repeat(md5(i::text), 18) FROM generate_series(1, 80000) i;
CREATE TABLE pair (a int, b int, v int, PRIMARY KEY (b, a));
INSERT INTO pair SELECT i, -i, i FROM generate_series(1, 50) i;
CREATE TABLE keyless (v text, w int); INSERT INTO keyless VALUES ('x', 1), ('x', 1), ('y', 2), (NULL, 3);
CREATE TABLE code (name text UNIQUE NOT NULL, v tsquery, double text GENERATED ALWAYS AS (name || name) STORED);
INSERT INTO code VALUES ('one', 'a'), ('two', 'b'), (E'tab\there', 'c');
SQL
    backup shop
    restore shop --to copy
    cat >"$T/changes.sql" <<'SQL'
DELETE FROM big WHERE id IN (9, 40000, 79999);
UPDATE big SET n = n + 1 WHERE id IN (100, 20000);
INSERT INTO big VALUES (90000, 1, 'new');
UPDATE pair SET v = 0 WHERE a = 7;
DELETE FROM pair WHERE a = 10;
INSERT INTO keyless VALUES ('x', 1), ('z', 9); DELETE FROM keyless WHERE w = 3;
UPDATE code SET v = 'd' WHERE name LIKE 'tab%';
UPDATE sale SET note = 'changed';
SQL
}
teardown_file() { e2e_teardown; }

look() { # DB [OPTION...]: compared in full; its JSON in $T/live.json
    local db=$1
    shift
    run pgassay verify live shop --repo "$REPO" -d "$(pg_uri "$db")" --full --json "$@"
    printf '%s' "$output" >"$T/live.json"
    [ "$status" -eq 3 ] || { echo "$output" >&2; return 1; }
    valid_json verify "$T/live.json"
}
difference() { jq -c --arg t "$1" '.tables[] | select(.name == $t).difference | '"$2" "$T/live.json"; }
expect_changes() {
    expect_equal "$(difference big '[.key, .missing, .extra, .changed, .complete, .first]')" \
        '[["id"],3,1,2,true,{"changed":["id=100 (n)","id=20000 (n)"],"extra":["id=90000"],"missing":["id=9","id=40000","id=79999"]}]'
    expect_equal "$(difference pair '[.key, .first]')" '[["b","a"],{"changed":["b=-7, a=7 (v)"],"extra":[],"missing":["b=-10, a=10"]}]'
    expect_equal "$(difference keyless '[.key, .first]')" '[[],{"changed":[],"extra":["v=x, w=1","v=z, w=9"],"missing":["v=null, w=3"]}]'
    expect_equal "$(difference code '.first.changed')" '["name=tab\\there (v)"]'
    expect_equal "$(difference sale '[.changed, .missing, .extra, (.first.changed | length)]')" '[3000,0,0,10]'
    expect_equal "$(difference item '.')" null
}

@test "in a restored copy, whose rows lie in other blocks than the backup's" {
    psql_in copy -f "$T/changes.sql"
    look copy
    expect_changes
    expect_equal "$(jq -c '.tables[] | select(.name == "big") | [.want_rows, .have_rows, .equal, .want_fingerprint != .have_fingerprint]' "$T/live.json")" '[80000,79998,false,true]'
    expect_equal "$(jq -c '.tables[] | select(.name == "item") | [.have_rows, .equal, .want_fingerprint == .have_fingerprint]' "$T/live.json")" '[2000,true,true]'
}

@test "in the source, of which only ranges that differ are looked at; as text; --explain" {
    psql_in shop -f "$T/changes.sql"
    look shop
    expect_changes
    expect_status 3 pgassay verify live shop --repo "$REPO" -d "$(pg_uri shop)" --full --explain 2
    expect_text "public.big: 3 missing rows: id=9; id=40000; ..." "public.big: 1 extra row: id=90000" "public.big: 2 changed rows: id=100 (n); id=20000 (n)" \
        "public.pair: 1 missing row: b=-10, a=10"
    look shop --explain 0
    expect_equal "$(difference big .)" null
}
