#!/usr/bin/env bats
# shellcheck disable=SC2154  # lib.bash sets started and status
# restore --replace: the database is backed up, dropped, and restored under its name, or nothing has changed, or the same command goes on.

load lib
# The database of all tests, as it was when it was backed up (backed_up), and what somebody has done to it since (since).
setup_file() {
    e2e_setup
    pg_start main wal_level=logical
    psql_in postgres -c 'CREATE ROLE keeper' -c 'CREATE ROLE app LOGIN' -c 'CREATE ROLE tenant LOGIN CREATEDB'
    db_make shop small.sql
    backup shop
    FIRST=$(last_id shop)
    psql_in postgres -c 'CREATE DATABASE backed_up TEMPLATE shop'
    psql_in shop -c 'INSERT INTO empty VALUES (1)' -c 'DROP TABLE sale CASCADE' -c "SELECT lo_from_bytea(77, 'late')" -o /dev/null
    psql_in postgres -c 'ALTER DATABASE shop OWNER TO keeper' -c "COMMENT ON DATABASE shop IS E'two\nlines'" \
        -c 'ALTER DATABASE shop CONNECTION LIMIT 25' -c "ALTER DATABASE shop SET work_mem = '7MB'" \
        -c "ALTER ROLE app IN DATABASE shop SET work_mem = '9MB'" -c 'REVOKE CONNECT ON DATABASE shop FROM PUBLIC' \
        -c 'GRANT CONNECT ON DATABASE shop TO app' -c 'CREATE DATABASE since TEMPLATE shop'
    export FIRST
}
teardown_file() {
    ! mountpoint -q "$T/pg/small" || umount -l "$T/pg/small"
    e2e_teardown
}
# Everything about the database that is not in it.
around() {
    psql_in postgres -v d="$1" <<<"SELECT pg_get_userbyid(datdba), datconnlimit, datallowconn, (SELECT array_agg(a::text ORDER BY a::text) FROM unnest(datacl) a), shobj_description(oid, 'pg_database'),
        (SELECT array_agg(format('%s %s', setrole::regrole, setconfig) ORDER BY setrole) FROM pg_db_role_setting WHERE setdatabase = d.oid)
        FROM pg_database d WHERE datname = :'d'"
}
others() { psql_in postgres -c "SELECT datname FROM pg_database WHERE datname ~ '^shop_' ORDER BY 1"; }
oid()    { psql_in postgres -v d="$1" <<<"SELECT oid FROM pg_database WHERE datname = :'d'"; }

@test "replace: the backup's contents with the live one's owner, settings and comment; what was there is backed up; back again" {
    local was before safety
    was=$(around shop)
    before=$(oid shop)
    expect_status 0 restore shop --replace --backup "$FIRST" --dry-run
    expect_equal "$(oid shop)$(others)" "$before"
    restore shop --replace --backup "$FIRST" --json >"$T/replace.json"
    valid_json restore "$T/replace.json"
    safety=$(jq -r .safety_backup "$T/replace.json")
    expect_equal "$safety" "$(last_id shop)"
    [ "$(oid shop)" != "$before" ]
    expect_equal "$(others)" ''
    db_same backed_up shop
    expect_equal "$(around shop)" "$was"
    # Whoever names none does not mean what has been dropped.
    expect_equal "$(storage list shop | grep -c "^$safety .*good, safety")" 1
    restore shop --replace --dry-run --json 2>/dev/null >"$T/next.json"
    expect_equal "$(jq -r .backup.id "$T/next.json")" "$FIRST"
    expect_status 0 restore shop --to shop_other --at now --dry-run
    expect_text "$FIRST" "safety backup $safety of " "is passed over" "--backup $safety"
    # The next night's backup goes on under the name.
    expect_status 0 backup shop
    restore shop --replace --backup "$safety" --check full
    db_same since shop
    expect_equal "$(around shop)" "$was"
}
# Nothing touches its contents: what somebody has done since, once more.
since_again() {
    local left
    mapfile -t left < <(others)
    db_drop shop "${left[@]}"
    psql_in postgres -c 'CREATE DATABASE shop TEMPLATE since OWNER keeper' -c "COMMENT ON DATABASE shop IS E'two\nlines'" \
        -c 'ALTER DATABASE shop CONNECTION LIMIT 25'
}
oid_is() { expect_equal "$(oid shop)$(others)" "$1"; }

@test "what keeps a database from being dropped, or would be lost, is said at once, and nothing happens" {
    local before
    since_again
    before=$(oid shop)
    psql_in shop -c "SELECT pg_create_logical_replication_slot('feed', 'test_decoding')" -o /dev/null
    psql_in shop -c "CREATE SUBSCRIPTION news CONNECTION 'host=/nowhere dbname=x' PUBLICATION p WITH (connect = false)" 2>/dev/null
    psql_in postgres -c 'ALTER DATABASE shop IS_TEMPLATE true'
    expect_status 1 restore shop --replace --backup "$FIRST"
    expect_text 'logical replication slot "feed"' 'subscription "news" keeps the database from being dropped' 'is a template' 'DROP SUBSCRIPTION'
    psql_in postgres -c 'ALTER DATABASE shop IS_TEMPLATE false'
    psql_in shop -c 'ALTER SUBSCRIPTION news SET (slot_name = NONE)' -c 'DROP SUBSCRIPTION news' -c "SELECT pg_drop_replication_slot('feed')" -o /dev/null
    expect_status 1 restore shop --replace --to nosuch
    expect_text 'there is no database "nosuch" to be replaced' '--to nosuch instead of --replace'
    PGUSER=app expect_status 1 restore shop --replace
    expect_status 2 restore shop --replace --swap
    expect_status 2 restore shop --replace -t item
    expect_status 2 restore shop --replace --keep-failed
    expect_status 2 restore shop --swap --no-safety-backup
    expect_status 2 restore shop --replace --as-of yesterday
    expect_text 'no safety backup can be written'
    # What a restore of that name holds as long as it lives.
    session_open lock postgres
    session lock "SELECT pg_advisory_lock(hashtextextended('pgassay-restore shop', 0))"
    wait_for postgres "SELECT count(*) = 1 FROM pg_locks WHERE locktype = 'advisory' AND granted"
    expect_status 1 restore shop --replace --backup "$FIRST"
    expect_text 'another restore of database "shop" is under way'
    session_close lock
    oid_is "$before"
}

@test "nobody writes to a database while it is backed up to be dropped: who waits is ended, not forgotten" {
    local before
    before=$(oid shop)
    # One that has written already and has not ended, and one that comes while the backup runs.
    session_open early shop
    session early 'BEGIN'
    session early 'INSERT INTO empty VALUES (41)'
    session_idle early
    hook pg_dump before <<'SH'
psql -X -d shop -c 'INSERT INTO empty VALUES (42)' && echo written &
SH
    restore shop --replace --backup "$FIRST" --json >"$T/replace.json"
    unhook
    wait_for postgres "SELECT count(*) = 0 FROM pg_stat_activity WHERE datname = 'shop'"
    session_close early
    expect_equal "$(grep -c written "$T/hooked/log")" 0
    db_same backed_up shop
    restore "$(jq -r .safety_database "$T/replace.json")" --replace --to shop --backup "$(jq -r .safety_backup "$T/replace.json")"
    db_same since shop
    [ "$(oid shop)" != "$before" ]
    # Definitions are not held by locks: changes are noticed.
    before=$(oid shop)
    hook pg_dump after <<'SH'
psql -X -q -d shop -c "CREATE OR REPLACE FUNCTION late() RETURNS int LANGUAGE sql AS 'SELECT $CALL'"
SH
    expect_status 1 restore shop --replace --backup "$FIRST"
    unhook
    expect_text 'definitions changed while the safety backup was taken' 'late()'
    psql_in shop -c 'DROP FUNCTION late()'
    oid_is "$before"
}

# The tools, with one of them in a wrapper: the shell commands on stdin, then the tool.
wrapped() {
    rm -rf "$T/wrapped"
    mkdir "$T/wrapped"
    cp "$BIN"/pgassay* "$T/wrapped/"
    mv "$T/wrapped/$1" "$T/wrapped/real-$1"
    { echo '#!/bin/bash'; cat; printf 'exec "%s" "$@"\n' "$T/wrapped/real-$1"; } >"$T/wrapped/$1"
    chmod 755 "$T/wrapped/$1"
}

@test "without a safety backup that is whole nothing is dropped; --no-safety-backup does without" {
    local before at
    before=$(oid shop)
    psql_in shop -c "INSERT INTO empty VALUES (7)"
    # A chunk of it is damaged on its way.
    wrapped pgassay-verify <<SH
f=\$(find "$REPO"/*/chunks -type f -newer "$T/wrapped" | head -n 1)
printf X | dd of="\$f" bs=1 seek=20 conv=notrunc status=none
echo "\$f" >"$T/damaged"
SH
    expect_status 1 "$T/wrapped/pgassay-restore" --repo "$REPO" shop --replace --backup "$FIRST"
    expect_text 'safety backup of database "shop"' 'verify objects' '--no-safety-backup'
    oid_is "$before"
    rm "$(cat "$T/damaged")"
    # One that cannot be written.
    wrapped pgassay-backup <<<'exit 1'
    expect_status 1 "$T/wrapped/pgassay-restore" --repo "$REPO" shop --replace --backup "$FIRST"
    oid_is "$before"
    # The backup itself: two bytes of its largest chunk, which is as long as ever, and of all of its copies.
    cp -a "$REPO/shop/chunks" "$T/whole"
    at=$(find "$REPO/shop/chunks" -type f ! -newer "$REPO/shop/backups/$FIRST/label.json" -printf '%s %p\n' | sort -n | tail -n 1 | cut -d ' ' -f 2-)
    for at in "${at%-*}"-*; do
        printf '\377\376' | dd of="$at" bs=1 seek="$(($(stat -c %s "$at") / 2))" conv=notrunc status=none
    done
    expect_status 1 restore shop --replace --no-safety-backup --backup "$FIRST"
    expect_text "backup $FIRST of shop, which is to be restored" 'nothing has changed'
    oid_is "$before"
    rm -r "$REPO/shop/chunks"
    mv "$T/whole" "$REPO/shop/chunks"
    at=$(last_id shop)
    restore shop --replace --no-safety-backup --backup "$FIRST" --json >"$T/replace.json"
    valid_json restore "$T/replace.json"
    expect_equal "$(jq .safety_backup "$T/replace.json") $(last_id shop)" "null $at"
    db_same backed_up shop
}

# Waits until the replace is so far: a condition on the databases.
comes_to() { wait_for postgres "SELECT count(*) > 0 FROM pg_database d WHERE $1"; }
killed() {
    kill "-$1" "$started" 2>/dev/null || true
    finished
    # But for one that does not notice that nobody listens any more.
    wait_for postgres "SELECT count(*) = 0 FROM pg_stat_activity WHERE application_name ~ 'pgassay' AND query !~ '^COPY'"
}
status_of() {
    pgassay restore shop --status --json >"$T/status.json"
    valid_json restore-status "$T/status.json"
    jq -r ".replacing[0] | $1" "$T/status.json"
}

@test "killed before the drop: nothing has changed; afterwards: --status has the command to go on, and the one to go back" {
    local before safety session
    since_again
    before=$(oid shop)
    export PGASSAY_REPO=$REPO
    hook pg_dump before <<<'sleep 60'
    start "$BIN/pgassay-restore" shop --replace --backup "$FIRST"
    comes_to "shobj_description(d.oid, 'pg_database') LIKE 'pgassay-restore: replacing%' AND EXISTS (SELECT FROM pg_stat_activity a WHERE a.datname = 'shop' AND application_name ~ '^pgassay-backup ')"
    killed TERM
    expect_equal "$status" 143
    unhook
    oid_is "$before"
    # Killed, and the intention remains: it counts no more when the name is still another one's, not even if backups came in between.
    hook pg_dump before <<<'sleep 60'
    start "$BIN/pgassay-restore" shop --replace --backup "$FIRST"
    comes_to "shobj_description(d.oid, 'pg_database') LIKE 'pgassay-restore: replacing%' AND EXISTS (SELECT FROM pg_stat_activity a WHERE a.datname = 'shop' AND application_name ~ '^pgassay-backup ')"
    killed KILL
    unhook
    # Nor is another name's meant by one that names none.
    psql_in postgres -c "CREATE DATABASE shop_test_restoring_0000beef" -c "COMMENT ON DATABASE shop_test_restoring_0000beef IS 'pgassay-restore: replacing {\"of\":\"shop_test\",\"oid\":1,\"aside\":\"a\",\"db\":\"shop\",\"backup\":\"$FIRST\",\"live\":{\"owner\":\"keeper\"},\"since\":4070908800}'"
    backup shop --adopt --note "before it was replaced by $FIRST"
    expect_status 0 pgassay restore shop --replace --dry-run
    expect_text "safety backup $(last_id shop) of " 'is passed over' 'it begins anew'
    expect_equal "$(oid shop)" "$before"
    backup shop
    pgassay restore shop --replace --dry-run --json >"$T/replace.json"
    expect_equal "$(jq -r .backup.id "$T/replace.json") $(oid shop)" "$(last_id shop) $before"
    since_again

    # A session that is not ended so soon: the table's rows are on their way.
    db_make slow
    psql_in slow -c "CREATE FUNCTION slowly(int) RETURNS bool LANGUAGE plpgsql AS 'BEGIN IF current_database() ~ \$\$restoring\$\$ THEN PERFORM pg_sleep(30); END IF; RETURN true; END'" \
        -c 'CREATE TABLE t (i int CHECK (slowly(i)))' -c 'INSERT INTO t VALUES (1)'
    backup slow
    start "$BIN/pgassay-restore" slow --replace --to shop
    comes_to "d.datname ~ '^shop_restoring' AND EXISTS (SELECT FROM pg_stat_activity a WHERE a.datid = d.oid AND query ~ '^COPY')"
    # Killed while its session does not notice, as one that is at a statement: that is said, and what to do.
    session=$(psql_in postgres -c "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = 'postgres')" | sort -u)
    expect_equal "$(status_of '.at_work, .tool, .server_process' | paste -sd ' ')" "true running $session"
    kill -STOP "$session"
    kill -KILL "$started"
    expect_equal "$(status_of '.at_work, .tool, .server_process' | paste -sd ' ')" "true ended $session"
    expect_status 0 pgassay restore shop --status
    expect_text "which has ended), but its session is still at work: server process $session" "first wait for that session, or end it: SELECT pg_terminate_backend($session)" 'to go on: pgassay'
    expect_status 1 pgassay restore slow --replace --to shop
    expect_text "another restore of database \"shop\" is under way on this server (server process $session)" "if it was killed"
    kill -CONT "$session"
    killed KILL
    expect_no_db shop
    expect_equal "$(status_of '.stage, .replaces, .database' | paste -sd ' ')" 'restoring shop slow'
    safety=$(status_of .safety_backup)
    # The name "shop" stands for another database in the repository.
    expect_equal "$(status_of .safety_database)" shop_replaced
    pgassay verify objects shop_replaced --backup "$safety"
    storage list shop_replaced --json | jq -e --arg b "$safety" '.databases[].backups[] | select(.backup == $b) | .pinned' >/dev/null
    expect_equal "$(status_of .go_on)" 'pgassay restore slow --replace --to shop'
    # Other ways to the name say that there is one.
    expect_status 1 restore shop --swap --backup "$FIRST"
    expect_text "there is no database \"shop\": it was being replaced by backup $(last_id slow), and that was interrupted" \
        'to go on: pgassay restore slow --replace --to shop; pgassay restore shop --status names the way back'
    expect_status 1 pgassay restore shop --undo
    expect_text 'that was interrupted' 'to go on: pgassay restore slow'
    expect_status 0 restore shop --to shop --dry-run
    expect_text 'that was interrupted' 'to go on: pgassay restore slow'
    # Nobody else's restore removes it, nor takes the name of one that is at work.
    restore shop --to shop_copy
    db_drop shop_copy
    expect_equal "$(status_of .safety_backup)" "$safety"
    # A record that a tenant has written is not believed.
    PGUSER=tenant psql_in postgres -c 'CREATE DATABASE shop_restoring_0000beef' -c "COMMENT ON DATABASE shop_restoring_0000beef IS 'pgassay-restore: replacing {\"of\":\"shop\",\"oid\":1,\"aside\":\"a\",\"db\":\"shop\",\"backup\":\"$FIRST\",\"live\":{\"owner\":\"tenant\"},\"since\":4070908800}'"
    # Back; no second safety backup is taken of what is half made.
    pgassay restore shop --status --json >"$T/status.json"
    expect_equal "$(jq -c '[.replacing[].believed] | sort' "$T/status.json")" '[false,true]'
    expect_status 0 bash -c "$(jq -r '[.replacing[] | select(.believed)][0].go_back' "$T/status.json")"
    expect_text 'does not belong to who restores'
    expect_equal "$(last_id shop_replaced)" "$safety"
    # Nor is it taken where there are no others.
    expect_status 1 restore shop_replaced --replace --to shop
    expect_text 'only safety backups' "--backup $safety"
    db_drop shop_restoring_0000beef slow
    expect_equal "$(others)" ''
    db_same since shop
}

@test "a database that is set aside is the way back; one whose drop was broken off is not" {
    psql_in postgres -c 'CREATE DATABASE gone_aside' -c 'CREATE DATABASE gone_restoring_0000beef'
    intention() {
        psql_in postgres -c "COMMENT ON DATABASE gone_restoring_0000beef IS 'pgassay-restore: replacing {\"of\":\"gone\",\"oid\":$(oid gone_aside),\"aside\":\"gone_aside\",\"db\":\"shop\",\"backup\":\"$FIRST\",\"safety_db\":\"gone\",\"safety\":\"$FIRST\"$1,\"live\":{\"owner\":\"keeper\"},\"since\":1}'"
        pgassay restore shop --to gone --status --json | jq -r '.replacing[0] | .stage + ": " + .go_back'
    }
    expect_equal "$(intention '')" 'set aside: pgassay restore gone --switch-to gone_aside'
    expect_equal "$(intention ',"dropping":true')" "set aside: pgassay restore gone --replace --backup $FIRST"
    psql_in postgres -c "UPDATE pg_database SET datconnlimit = -2 WHERE datname = 'gone_aside'"
    expect_equal "$(intention '')" "set aside: pgassay restore gone --replace --backup $FIRST"
    db_drop gone_aside gone_restoring_0000beef
}

@test "all is restored, and only the name is missing: the same command gives it, and loads nothing again" {
    local before
    psql_in postgres -c 'CREATE DATABASE other OWNER tenant'
    # A plain owner's: a superuser's session in the database that is to get the name may not be ended.
    PGUSER=tenant start "$BIN/pgassay-restore" --repo "$REPO" shop --replace --to other --backup "$FIRST" --no-owner --settings live
    (
        wait_for postgres "SELECT count(*) = 1 FROM pg_database WHERE datname ~ '^other_restoring'"
        PGAPPNAME=guest psql -X -q -d "$(psql_in postgres -c "SELECT datname FROM pg_database WHERE datname ~ '^other_restoring'")" -c 'SELECT pg_sleep(600)'
    ) >"$T/guest" 2>&1 3>&- 4>&- &
    finish 1
    expect_text 'there is no database "other" until this is done; to go on: pgassay restore shop --replace --to other' 'guest'
    expect_no_db other
    expect_equal "$(pgassay restore shop --to other --status --json | jq -r '.replacing[0].stage')" whole
    psql_in postgres -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'guest'" -o /dev/null
    PGUSER=tenant restore shop --replace --to other --no-owner --json >"$T/replace.json" 2>"$T/said"
    grep "goes on with backup $FIRST" "$T/said"
    expect_equal "$(jq -c '[.rows, ([.phases[].name] | index("rows, indexes"))]' "$T/replace.json")" '[0,null]'
    expect_equal "$(psql_in other -c 'SELECT count(*) FROM item') $(psql_in postgres -c "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'other'")" '2000 tenant'
    # Large objects are locked by superusers only.
    expect_equal "$(psql_in other -c 'SELECT count(*) > 0 FROM pg_largeobject_metadata')" t
    before=$(oid other)
    PGUSER=tenant expect_status 1 restore shop --replace --to other --no-owner --backup "$FIRST"
    expect_text 'holds large objects' 'as a superuser, or --no-safety-backup'
    oid_is "$(oid shop)"
    expect_equal "$(oid other)" "$before"
    db_drop other
}

# What stays as it is has the same file.
files() { psql_in "$1" -c "SELECT relname, pg_relation_filenode(oid) FROM pg_class WHERE relname ~ '^(one|two|three|one_.*)\$' ORDER BY 1"; }

struck() { # and its sessions end, which would not notice while they wait
    kill -KILL "$started"
    finished
    psql_in postgres -o /dev/null -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name ~ 'pgassay'"
    wait_for postgres "SELECT count(*) = 0 FROM pg_stat_activity WHERE application_name ~ 'pgassay'"
}

@test "killed while it loads, or after that: the same command goes on with the tables that are as in the backup, and the others are loaded again" {
    local gate half before after i
    db_make many
    psql_in many -o /dev/null <<'SQL'
CREATE FUNCTION waits(what text) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN
    WHILE current_database() ~ 'restoring' AND (pg_stat_file('gate_' || what, true)).size IS NOT NULL LOOP PERFORM pg_sleep(0.05); END LOOP; RETURN true; END $$;
CREATE TABLE one (id int PRIMARY KEY, x text UNIQUE, y int);
INSERT INTO one SELECT i, md5(i::text), i % 9 FROM generate_series(1, 40000) i;
CREATE INDEX one_y ON one (y);
ALTER TABLE one CLUSTER ON one_y;
CREATE TABLE two AS TABLE one;
ALTER TABLE two ADD EXCLUDE (id WITH =);
CREATE UNLOGGED TABLE three AS TABLE one;
CREATE TABLE last (id int REFERENCES one, x int CHECK (waits('rows')));
INSERT INTO last VALUES (1, 1);
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
CREATE TRIGGER t BEFORE INSERT ON one FOR EACH ROW EXECUTE FUNCTION f();
CREATE MATERIALIZED VIEW m AS SELECT waits('view') FROM last;
CREATE UNIQUE INDEX ON m (waits);
CREATE PUBLICATION p FOR TABLE one;
CREATE FUNCTION refuse() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN IF current_database() ~ $$restoring$$ THEN RAISE $$%$$, tg_tag; END IF; END';
CREATE EVENT TRIGGER guard ON ddl_command_start EXECUTE FUNCTION refuse();
SELECT lo_from_bytea(0, decode(repeat(md5('x'), 300), 'hex')) FROM generate_series(1, 3);
SQL
    gate=$(psql_in postgres -c 'SHOW data_directory')/gate
    backup many
    db_digest many >"$T/many.was"
    touch "${gate}_rows" "${gate}_view"
    start "$BIN/pgassay-restore" --repo "$REPO" many --replace --no-safety-backup --jobs 1
    wait_for postgres "SELECT count(*) = 1 FROM pg_stat_activity WHERE query ~ '^COPY .*last' AND datname ~ 'restoring'"
    struck
    half=$(psql_in postgres -c "SELECT datname FROM pg_database WHERE datname ~ '^many_restoring'")
    # A row that is another one, and as many: not what is in the backup.
    psql_in "$half" -c 'UPDATE two SET y = 100 WHERE id = 7' -c 'DROP INDEX one_y'
    before=$(files "$half")
    rm "${gate}_rows"
    start "$BIN/pgassay-restore" --repo "$REPO" many --replace --jobs 2
    wait_for postgres "SELECT count(*) = 1 FROM pg_stat_activity WHERE query ~ '^REFRESH' AND datname = '$half'"
    struck
    after=$(files "$half")
    expect_equal "$(diff <(grep -v one_y <<<"$before") <(grep -v one_y <<<"$after") | grep -o '[<>] [a-z]*' | sort | paste -sd ' ')" '< two > two'
    rm "${gate}_view"
    # As if it had come farther; and its connections are not better than those of the first one.
    psql_in "$half" -c 'CREATE EVENT TRIGGER guard ON ddl_command_start EXECUTE FUNCTION refuse()'
    mkdir "$T/cut"
    echo 'lost 1 REFRESH' >"$T/cut/rules"
    "$TOP/tests/pgproxy" "$PGHOST/.s.PGSQL.5432" "$T/cut" >"$T/cut/out" 2>&1 3>&- 4>&- &
    for ((i = 0; i < 600; i++)); do [ ! -S "$T/cut/.s.PGSQL.5432" ] || break; sleep 0.1; done
    PGHOST=$T/cut restore many --replace --json >"$T/replace.json" 2>"$T/said"
    kill $!
    expect_equal "$(<"$T/cut/log")" 'lost REFRESH'
    valid_json restore "$T/replace.json"
    grep '4 tables of 4 were loaded' "$T/said"
    expect_equal "$(jq -c '[.status, ([.phases[].name] | index("rows, indexes"))]' "$T/replace.json")" '["complete",null]'
    expect_equal "$(files many)" "$after"
    db_digest many | diff "$T/many.was" -
    # Unlogged rows are lost with the server: then the mark that all is loaded says too much, and all is loaded anew.
    touch "${gate}_view"
    start "$BIN/pgassay-restore" --repo "$REPO" many --replace --no-safety-backup
    wait_for postgres "SELECT count(*) = 1 FROM pg_stat_activity WHERE query ~ '^REFRESH' AND datname ~ 'restoring'"
    pg_kill main
    finished
    rm "${gate}_view"
    pg_up main
    expect_status 0 restore many --replace
    expect_text 'all is loaded anew' '"three" has lost rows'
    db_digest many | diff "$T/many.was" -
    # Nor is it gone on with when something else is asked for.
    touch "${gate}_view"
    start "$BIN/pgassay-restore" --repo "$REPO" many --replace --no-safety-backup
    wait_for postgres "SELECT count(*) = 1 FROM pg_stat_activity WHERE query ~ '^REFRESH' AND datname ~ 'restoring'"
    struck
    rm "${gate}_view"
    expect_status 0 restore many --replace --no-owner
    [[ $output != *'were loaded'* ]]
    db_digest many | diff "$T/many.was" -
    expect_equal "$(psql_in postgres -c "SELECT datname FROM pg_database WHERE datname ~ '^many_restoring'")" ''
    # Nor where rows were refused: what is told of them would not be told again.
    psql_in many -c "CREATE TABLE bad (i int CHECK (current_database() !~ 'restoring'))" -c 'INSERT INTO bad VALUES (1)'
    backup many
    touch "${gate}_view"
    start "$BIN/pgassay-restore" --repo "$REPO" many --replace --no-safety-backup
    wait_for postgres "SELECT count(*) = 1 FROM pg_stat_activity WHERE query ~ '^REFRESH' AND datname ~ 'restoring'"
    struck
    half=$(psql_in postgres -c "SELECT datname FROM pg_database WHERE datname ~ '^many_restoring'")
    expect_equal "$(psql_in postgres -v d="$half" <<<"SELECT shobj_description(oid, 'pg_database') ~ 'replacing .*\"stage\" *: *\"load' FROM pg_database WHERE datname = :'d'")" f
    rm "${gate}_view"
    db_drop "$half"
}

@test "a disk that is full ends a replace, and the same command ends it when there is room" {
    local id small=$T/pg/small
    mkdir -p "$small"
    [ "$(id -u)" -eq 0 ] && mount -t tmpfs -o size=48m tmpfs "$small" 2>/dev/null || skip 'needs the right to mount'
    chown postgres "$small"
    psql_in postgres -c "CREATE TABLESPACE small LOCATION '$small'"
    DB_OPTIONS='TABLESPACE small' db_make big
    # 26 MB: too much for what is left of room afterwards, which is enough for two databases that are nearly empty.
    psql_in big -c "CREATE TABLE t AS SELECT i, md5(i::text) AS x FROM generate_series(1, 400000) i"
    backup big
    id=$(last_id big)
    psql_in big -c 'CREATE TABLE u AS SELECT 1 AS i' -c 'DROP TABLE t' -c CHECKPOINT
    hook pg_dump after <<<"head -c 30000000 /dev/zero >$small/fill"
    expect_status 1 restore big --replace --backup "$id"
    unhook
    expect_text 'the database takes'
    expect_equal "$(psql_in big -c 'SELECT * FROM u')" 1
    rm "$small/fill"
    mount -o remount,size=26m "$small"
    expect_status 1 restore big --replace --backup "$id"
    expect_text 'the database takes' 'are free, or will be'
    expect_status 1 restore big --replace --backup "$id" --no-space-check
    expect_text 'No space left on device' 'to go on: pgassay restore big --replace' "to go back to what it was: pgassay restore big --replace --backup $(last_id big)"
    expect_no_db big
    mount -o remount,size=100m "$small"
    expect_status 0 restore big --replace
    expect_equal "$(psql_in big -c 'SELECT count(*), sum(i) FROM t') $(psql_in postgres -c "SELECT count(*) FROM pg_database WHERE datname ~ '^big_'")" '400000|80000200000 0'
    db_drop big
    psql_in postgres -c 'DROP TABLESPACE small'
    umount "$small"
}

# After kill -9: a whole database has the name, the one that was there or the restored one; or none has it, and --status has the
# command, and a safety backup that is whole.
settled() {
    local safety
    wait_for postgres "SELECT count(*) = 0 FROM pg_stat_activity WHERE application_name ~ 'pgassay'"
    go_on=(restore shop --replace --backup "$FIRST")
    if db_exists shop; then
        expect_equal "$(psql_in shop -c 'SELECT count(*) FROM item') $(around shop)" "2000 $was"
        return
    fi
    pgassay restore shop --status --json >"$T/status.json"
    valid_json restore-status "$T/status.json"
    safety=$(jq -r '.replacing[0] | "\(.safety_database) --backup \(.safety_backup)"' "$T/status.json")
    # shellcheck disable=SC2086
    pgassay verify objects $safety
    read -ra go_on <<<"$(jq -r '.replacing[0].go_on | ltrimstr("pgassay ")' "$T/status.json")"
}

@test "kill -9, SIGTERM and a server that crashes at any moment of a replace: the old database, the new one, or the command that ends it" {
    local i go_on was
    since_again
    was=$(around shop)
    export PGASSAY_REPO=$REPO
    settled
    for ((i = 0; i < $(rounds 5 100); i++)); do
        start "$BIN/pgassay-restore" "${go_on[@]:1}"
        sleep "$((RANDOM % 3)).$((RANDOM % 10))"
        if [ $((i % 4)) -eq 3 ]; then
            pg_kill main
            pg_up main
        elif [ $((i % 4)) -eq 1 ]; then
            kill -TERM "$started" 2>/dev/null || true
        else
            kill -KILL "$started" 2>/dev/null || true
        fi
        finished
        settled
    done
    expect_status 0 pgassay "${go_on[@]}"
    db_same backed_up shop
    expect_equal "$(around shop)$(others)" "$was"
}
