#!/usr/bin/env bats
# shellcheck disable=SC2154  # lib.bash sets started and status
# --rows: what became of rows since the backup, and bringing them back.

load lib
setup_file() {
    e2e_setup
    pg_start main
    db_make shop
    psql_in shop -o /dev/null <<'SQL'
CREATE TYPE mood AS ENUM ('good', 'bad');
CREATE TABLE customer (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL, m mood DEFAULT 'good', note json);
INSERT INTO customer (name, note) SELECT 'c' || i, json_build_object('n', i) FROM generate_series(1, 200) i;
CREATE TABLE orders (customer int REFERENCES customer ON DELETE CASCADE, nr int, price numeric, twice numeric GENERATED ALWAYS AS (price * 2) STORED,
    tags text[], b bytea, t timestamptz DEFAULT '2026-01-02 03:04:05+06', PRIMARY KEY (customer, nr) INCLUDE (price));
INSERT INTO orders (customer, nr, price, tags, b) SELECT 1 + i % 200, i, i / 4.0, tags, b FROM generate_series(1, 1000) i, (VALUES (ARRAY['a''b', NULL, 'c\d'], '\x00ff'::bytea)) v (tags, b);
CREATE TABLE log (a int, b text);
INSERT INTO log SELECT i % 7, 'l' || i % 3 FROM generate_series(1, 100) i;
CREATE TABLE p (a int PRIMARY KEY, b text) PARTITION BY RANGE (a);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (50);
CREATE TABLE p2 PARTITION OF p DEFAULT;
INSERT INTO p SELECT i, 'p' || i FROM generate_series(1, 100) i;
SQL
    backup shop
    db_digest shop >"$T/shop.was"
}
teardown_file() { e2e_teardown; }

# live [SQL...]: what the backup holds, and what became of it since.
live() {
    local s
    db_drop live
    restore shop --to live
    for s; do psql_in live -o /dev/null -c "$s"; done
}
rows() { restore shop --into live --rows "$@"; }
as_before() { db_rows live | grep -v '^sequence' | diff <(db_rows shop | grep -v '^sequence') -; }

@test "rows that were deleted, changed and added are counted and shown" {
    live 'DELETE FROM customer WHERE id <= 3' "UPDATE customer SET name = 'x' WHERE id = 10" "INSERT INTO customer (name) VALUES ('new')"
    expect_status 0 restore shop --into live --rows customer
    expect_text '"public"."customer": 3 deleted, 1 changed, 1 added since' 'deleted  id 1; name c1' 'changed  id 10; name c10, now x' 'added  id 201; name new'
    expect_status 0 restore shop --into live --rows customer --show 1
    expect_text 'and 4 more'
    [[ $output != *changed\ \ id* ]]
    rows orders --json >"$T/out.json"
    valid_json restore "$T/out.json"
    expect_equal "$(jq -c '.differences[0] | [.table, .by_key, .deleted, .changed, .added, (.shown | length), .shown[0].state, .shown[0].live]' "$T/out.json")" \
        '["\"public\".\"orders\"",true,15,0,0,10,"deleted",null]'
    expect_equal "$(jq -r '.differences[0].shown[0].backup | .b + " " + .tags' "$T/out.json")" '\x00ff {a'"'"'b,NULL,"c\\d"}'
}

@test "what is equal is equal, of whatever type; nothing is left behind" {
    live
    rows '*' --json >"$T/out.json"
    expect_equal "$(jq -c '[.differences[] | .deleted + .changed + .added] | add' "$T/out.json")" 0
    expect_equal "$(jq '.differences | length' "$T/out.json")" 4        # partitions with their table
    db_digest live | diff "$T/shop.was" -
}

@test "--apply brings back what was deleted, or changed, or both; several tables in the order of their keys" {
    live 'DELETE FROM customer WHERE id <= 3' "UPDATE customer SET name = 'x', note = NULL WHERE id = 10" 'UPDATE orders SET price = 0, tags = NULL WHERE customer = 10' \
        'DELETE FROM p WHERE a % 10 = 0' "UPDATE p SET b = 'q' WHERE a = 1"
    expect_status 0 restore shop --into live --rows orders --rows customer --apply deleted
    expect_text '"public"."customer": 3 rows inserted, 0 updated' '"public"."orders": 15 rows inserted'
    expect_equal "$(psql_in live -c "SELECT count(*) FROM customer") $(psql_in live -c "SELECT count(*) FROM orders WHERE price = 0")" '200 5'
    restore shop --into live --rows orders --rows customer --apply changed
    restore shop --into live --rows p --apply both
    as_before
    expect_equal "$(psql_in live -c 'SELECT count(*) FROM p1')" 49
    psql_in live -c 'UPDATE orders SET price = 0 WHERE customer = 11'   # which the primary key includes
    restore shop --into live --data-only -t orders --on-conflict update
    as_before
}

@test "--as sql prints statements that do the same, and change nothing when they run again" {
    live 'DELETE FROM customer WHERE id <= 3' "UPDATE customer SET name = 'x' WHERE id = 10" 'UPDATE orders SET tags = NULL, b = NULL WHERE customer = 10' 'DELETE FROM p WHERE a > 90'
    rows customer --rows orders --rows p --as sql >"$T/back.sql"
    expect_equal "$(psql_in live -c 'SELECT count(*) FROM customer')" 197
    psql_in live -f "$T/back.sql"
    as_before
    psql_in live -f "$T/back.sql"
    as_before
}

@test "--into-table puts the lost rows into a new table" {
    live 'DELETE FROM orders WHERE customer = 5' "UPDATE orders SET price = 1 WHERE customer = 6"
    expect_status 0 restore shop --into live --rows orders --into-table 'recovered."Lost Orders"'
    expect_text '10 rows of the backup are in recovered."Lost Orders"'
    expect_equal "$(psql_in live -c 'SELECT pgassay_state, count(*), sum(price) FROM recovered."Lost Orders" GROUP BY 1 ORDER BY 1')" \
        "$(psql_in shop -c "SELECT CASE customer WHEN 5 THEN 'changed' ELSE 'deleted' END, count(*), sum(price) FROM orders WHERE customer IN (5, 6) GROUP BY customer ORDER BY 1" | sed 's/^changed/x/; s/^deleted/changed/; s/^x/deleted/' | sort)"
    expect_status 1 restore shop --into live --rows orders --into-table 'recovered."Lost Orders"'
    expect_text exists
    expect_status 2 restore shop --into live --rows orders --into-table recovered
    expect_status 2 restore shop --into live --rows '*' --into-table recovered.x
}

@test "without a primary key whole rows are compared, equal ones counted" {
    live "DELETE FROM log WHERE ctid IN (SELECT ctid FROM log WHERE a = 3 LIMIT 5)" "UPDATE log SET b = 'z' WHERE ctid IN (SELECT ctid FROM log WHERE a = 1 LIMIT 2)"
    expect_status 0 restore shop --into live --rows log
    expect_text '(no primary key: whole rows): 7 deleted, 0 changed, 2 added since'
    restore shop --into live --rows log --apply both
    expect_equal "$(psql_in live -c "SELECT count(*) FROM (SELECT * FROM log EXCEPT ALL SELECT * FROM log WHERE b = 'z') l")" 100
    expect_equal "$(psql_in live -c "SELECT a, b, count(*) FROM log WHERE b <> 'z' GROUP BY 1, 2 ORDER BY 1, 2")" "$(psql_in shop -c "SELECT a, b, count(*) FROM log GROUP BY 1, 2 ORDER BY 1, 2")"
}

@test "--where narrows it, on either side" {
    live 'DELETE FROM orders WHERE customer < 100' 'UPDATE orders SET price = -1 WHERE customer = 150'
    expect_status 0 restore shop --into live --rows orders --where 'customer IN (SELECT 42) -- mine'
    expect_text '5 deleted, 0 changed'
    expect_status 0 restore shop --into live --rows orders --where 'price < 0'
    expect_text '0 deleted, 5 changed'
    restore shop --into live --rows orders --where 'customer = 42' --apply both
    expect_equal "$(psql_in live -c 'SELECT count(*) FROM orders WHERE customer < 100')" 5
    expect_status 1 restore shop --into live --rows orders --where 'true); DROP TABLE orders; --'
    expect_status 1 restore shop --into live --rows orders --where 'nothing = 1'
    expect_text '--where "nothing = 1", of table "public"."orders": column "nothing" does not exist'
    expect_equal "$(psql_in live -c 'SELECT count(*) FROM orders WHERE customer < 100')" 5
}

@test "columns that came or went, and types that changed" {
    live 'DELETE FROM customer WHERE id <= 3' 'ALTER TABLE customer ADD since int DEFAULT 9, DROP note, ALTER name TYPE varchar(30)' 'DELETE FROM orders' \
        'ALTER TABLE orders ALTER nr TYPE bigint'
    expect_status 0 restore shop --into live --rows customer --rows orders --apply both
    expect_text 'has no column "note" any more: it is not compared' '3 deleted, 0 changed, 0 added'
    expect_equal "$(psql_in live -c 'SELECT count(*), count(since) FROM customer WHERE since = 9')" '200|200'
    expect_equal "$(psql_in live -c 'SELECT md5(string_agg(orders::text, $$,$$ ORDER BY nr)) FROM orders')" "$(psql_in shop -c 'SELECT md5(string_agg(orders::text, $$,$$ ORDER BY nr)) FROM orders')"
    psql_in live -c 'DROP TABLE log'
    expect_status 1 restore shop --into live --rows log
    expect_text 'has no table "public"."log"'
}

@test "what a trigger keeps back, what another key forbids, policies and a conflict leave everything as it was" {
    live 'DELETE FROM orders WHERE customer < 10' \
        "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN IF new.customer = 5 THEN RETURN NULL; END IF; RETURN new; END'" \
        'CREATE TRIGGER t BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION no()'
    expect_status 1 restore shop --into live --rows orders --apply deleted
    expect_text 'nothing was changed' '40 of 45 rows were inserted: a trigger'
    expect_equal "$(psql_in live -c 'SELECT count(*) FROM orders')" 955
    restore shop --into live --rows orders --apply deleted --disable-triggers
    as_before
    live 'DELETE FROM customer WHERE id = 1' 'CREATE UNIQUE INDEX ON customer (name)' "INSERT INTO customer (name) VALUES ('c1')"
    expect_status 1 restore shop --into live --rows customer --apply deleted
    expect_text 'nothing was changed' 'duplicate key'
    live 'DELETE FROM log WHERE a = 1' 'ALTER TABLE log ENABLE ROW LEVEL SECURITY' 'CREATE POLICY q ON log USING (a > 3)'
    psql_in postgres -c 'DROP ROLE IF EXISTS joe' -c 'CREATE ROLE joe LOGIN'
    psql_in live -c 'GRANT ALL ON log TO joe'
    expect_status 1 restore shop --into live --rows log -U joe
    expect_text 'row-level security' "connect as the table's owner, as a superuser or a role with BYPASSRLS"
    psql_in live -c 'REVOKE ALL ON log FROM joe' -c 'DROP ROLE joe'
}

@test "what triggers have made of rows on their way is said; so is what to do about keys" {
    live "UPDATE p SET b = 'q' WHERE a < 3" 'DELETE FROM log WHERE a = 1' 'DELETE FROM customer WHERE id = 7' \
        "CREATE FUNCTION mark() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN new.b := new.b || ''!''; RETURN new; END'" \
        'CREATE TRIGGER t BEFORE UPDATE ON p1 FOR EACH ROW EXECUTE FUNCTION mark()' 'CREATE TRIGGER u BEFORE INSERT ON log FOR EACH ROW EXECUTE FUNCTION mark()' \
        'CREATE TRIGGER v AFTER INSERT ON orders FOR EACH ROW EXECUTE FUNCTION mark()'
    expect_status 1 restore shop --into live --rows orders --apply deleted
    expect_text 'foreign key constraint' '--rows once more, for the table that it refers to (it refers to table "customer")'
    expect_status 0 restore shop --into live --rows p --rows log --rows orders --rows customer --apply both
    expect_text 'table "public"."p": 2 of 2 rows that were brought back are not as they were: its triggers (t) have changed them; --disable-triggers' \
        'table "public"."log": its triggers (u) may have changed rows'
    [[ $output != *\(v\)* ]]
    expect_status 1 restore shop --into live --data-only -t customer
    expect_text 'rows are there already: --on-conflict nothing leaves them'
    expect_status 1 restore shop --into live --data-only -t customer --truncate
    expect_text '-t once more, for each table that refers to it'
    expect_status 0 restore shop --into live --data-only -t p --on-conflict update
    expect_text 'table "public"."p": its triggers (t) may have changed rows'
    expect_status 0 restore shop --into live --rows p --apply changed --disable-triggers
    [[ $output != *triggers* ]]
    expect_equal "$(psql_in live -c 'SELECT a, b FROM p ORDER BY a')" "$(psql_in shop -c 'SELECT a, b FROM p ORDER BY a')"
}

@test "killed in the middle: nothing was changed, and the same command does it" {
    live 'DELETE FROM orders WHERE customer < 10' "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(600); RETURN new; END'" \
        'CREATE TRIGGER t BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION slow()'
    local how
    for how in TERM KILL; do
        start "$BIN/pgassay-restore" --repo "$REPO" shop --into live --rows orders --apply deleted
        wait_for postgres "SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = 'live' AND query LIKE 'INSERT%' AND state = 'active'"
        kill -$how "$started"
        wait "$started" || true
        psql_in postgres -o /dev/null -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'live'"
        wait_for postgres "SELECT count(*) = 0 FROM pg_stat_activity WHERE datname = 'live'"
        expect_equal "$(psql_in live -c 'SELECT count(*) FROM orders')" 955
    done
    psql_in live -c 'DROP TRIGGER t ON orders' -c 'DROP FUNCTION slow()'
    restore shop --into live --rows orders --apply deleted
    db_digest live | diff "$T/shop.was" -
}

@test "one key is what the live collation says is one; text is converted where the live database has another encoding" {
    local t definitions="CREATE COLLATION folded (provider = icu, locale = 'und-u-ks-level2', deterministic = false); CREATE TABLE bread (name text COLLATE folded PRIMARY KEY, price int);
        CREATE TABLE maker (id int PRIMARY KEY, name text); CREATE TABLE lines (id int PRIMARY KEY, note json, names varchar(20)[])"
    DB_OPTIONS="ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'" db_make latin
    psql_in latin -o /dev/null -c "$definitions" -c "INSERT INTO bread SELECT 'br' || chr(246) || 'tchen ' || i, i FROM generate_series(1, 9) i" \
        -c "INSERT INTO maker SELECT i, 'b' || chr(228) || 'cker ' || i FROM generate_series(1, 9) i" -c "INSERT INTO lines SELECT id, to_json(name), ARRAY[name, NULL] FROM maker"
    backup latin
    psql_in latin -c "UPDATE bread SET name = 'B' || substr(name, 2), price = 30 WHERE price = 3" -c 'DELETE FROM bread WHERE price = 4'
    expect_status 0 restore latin --into latin --rows bread --apply both
    expect_text '1 deleted, 1 changed, 0 added'
    # Equal and spelt otherwise is another row; a trigger that waits for the key is only called for such.
    psql_in latin -c "UPDATE bread SET name = upper(name) WHERE price = 5" -c 'UPDATE bread SET price = 70 WHERE price = 7' \
        -c "CREATE FUNCTION seen() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO public.maker VALUES (new.price, \$\$key\$\$); RETURN new; END'" \
        -c 'CREATE TRIGGER t BEFORE UPDATE OF name ON bread FOR EACH ROW EXECUTE FUNCTION seen()' -c 'TRUNCATE maker'
    expect_status 0 restore latin --into latin --rows bread --as sql
    expect_equal "$(grep -c ^UPDATE <<<"$output") $(grep -c 'SET "name"' <<<"$output")" '2 1'
    expect_status 0 restore latin --into latin --rows bread --apply changed
    expect_text '0 deleted, 2 changed, 0 added' ', now ' '0 rows inserted, 2 updated'
    expect_equal "$(psql_in latin -c 'SELECT * FROM maker')" '5|key'
    psql_in latin -c 'DROP FUNCTION seen CASCADE' -c 'TRUNCATE maker' -c "INSERT INTO maker SELECT i, 'b' || chr(228) || 'cker ' || i FROM generate_series(1, 9) i" 2>/dev/null
    DB_OPTIONS="ENCODING 'UTF8'" db_make utf
    psql_in utf -c "$definitions"
    psql_in latin -c "UPDATE bread SET name = 'b' || substr(name, 2)"
    restore latin --into utf --data-only -t bread -t maker -t lines
    for t in bread maker lines; do
        expect_equal "$(PGCLIENTENCODING=UTF8 psql_in utf -c "SELECT * FROM $t ORDER BY 1")" "$(PGCLIENTENCODING=UTF8 psql_in latin -c "SELECT * FROM $t ORDER BY 1")"
    done
    backup utf
    restore utf --into latin --data-only -t lines --truncate    # any bytes are LATIN1
    expect_equal "$(PGCLIENTENCODING=UTF8 psql_in latin -c 'SELECT * FROM lines ORDER BY 1')" "$(PGCLIENTENCODING=UTF8 psql_in utf -c 'SELECT * FROM lines ORDER BY 1')"
    psql_in utf -c 'DELETE FROM maker WHERE id = 4' -c 'UPDATE lines SET names = NULL WHERE id = 5'
    expect_status 0 restore latin --into utf --rows maker --rows lines --apply both
    expect_text '"maker": 1 rows inserted, 0 updated' '"lines": 0 rows inserted, 1 updated'
    expect_status 1 restore latin --into utf --into-schema old -t maker
    expect_text 'text is in LATIN1, and database "utf" in UTF8' '--to'
}

@test "options that do not go together are status 2" {
    live
    local args
    for args in '--where a=1' '--rows log --as json' '--rows log --apply all' '--rows log --apply both --as sql' '--rows log -t log' '--rows log --truncate' \
        '--rows log --data-only' '--rows nothing' '--rows log --to x' '--apply both'; do
        # shellcheck disable=SC2086  # several words
        expect_status 2 restore shop --into live $args
    done
    expect_status 0 restore shop --into live --rows log --apply both --dry-run
}
