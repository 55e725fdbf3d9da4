#!/usr/bin/env bats
# shellcheck disable=SC2154  # lib.bash sets started and status
# restore --swap and the way back: the restored database takes the running one's name, or nothing has changed.

load lib
# The database of all tests, and what somebody has done to it since the backup.
setup_file() {
    e2e_setup
    pg_start main wal_level=logical max_prepared_transactions=2
    psql_in postgres -c 'CREATE ROLE keeper' -c 'CREATE ROLE app LOGIN' -c 'CREATE ROLE tenant LOGIN CREATEDB'
    db_make shop small.sql
    backup shop
    FIRST=$(last_id shop)
    psql_in postgres -c 'CREATE DATABASE backed_up TEMPLATE shop'
    psql_in shop -c 'INSERT INTO empty VALUES (1)' -c 'DROP TABLE sale CASCADE'
    psql_in postgres -c 'ALTER DATABASE shop OWNER TO keeper' -c "COMMENT ON DATABASE shop IS E'two\nlines'" \
        -c 'ALTER DATABASE shop CONNECTION LIMIT 25' -c "ALTER DATABASE shop SET work_mem = '7MB'" \
        -c "ALTER ROLE app IN DATABASE shop SET work_mem = '9MB'" -c 'REVOKE CONNECT ON DATABASE shop FROM PUBLIC' \
        -c 'GRANT CONNECT ON DATABASE shop TO app'
    LIVE=$(oid shop)
    export FIRST LIVE
}
teardown_file() { e2e_teardown; }
# Nothing touches its contents: only names have to be put right.
teardown() {
    if [ "$(oid shop)" != "$LIVE" ]; then
        db_drop shop
        psql_in postgres -v l="$LIVE" <<<"SELECT format('ALTER DATABASE %I RENAME TO shop', datname) FROM pg_database WHERE oid = :l \gexec"
        psql_in postgres -c "COMMENT ON DATABASE shop IS E'two\nlines'"
    fi
    mapfile -t left < <(psql_in postgres -c "SELECT datname FROM pg_database WHERE datname ~ '^(shop_|other)' ORDER BY 1")
    db_drop "${left[@]}"
}
# Everything about the database that is not in it.
around() {
    psql_in postgres -v d="$1" <<<"SELECT pg_get_userbyid(datdba), datconnlimit, datallowconn, (SELECT array_agg(a::text ORDER BY a::text) FROM unnest(datacl) a), shobj_description(oid, 'pg_database'),
        (SELECT array_agg(format('%s %s', setrole::regrole, setconfig) ORDER BY setrole) FROM pg_db_role_setting WHERE setdatabase = d.oid)
        FROM pg_database d WHERE datname = :'d'"
}
others() { psql_in postgres -c "SELECT datname FROM pg_database WHERE datname ~ '^shop_' ORDER BY 1"; }
# The database that the name in the repository stands for, and where that is written.
binding() { printf '%s\n' "$REPO"/shop/source.*.json | sort -V | tail -1; }
bound()  { head -1 "$(binding)" | jq .database_oid; }
oid()    { psql_in postgres -v d="$1" <<<"SELECT oid FROM pg_database WHERE datname = :'d'"; }

@test "swap: the backup's contents with the live one's owner, settings and comment; sessions end; undo: as before" {
    local i before aside was
    expect_status 0 backup shop --adopt
    was=$(around shop)
    before=$(oid shop)
    for ((i = 0; i < 15; i++)); do psql -X -q -d shop -c 'SELECT pg_sleep(600)' >/dev/null 2>&1 3>&- 4>&- & done
    wait_for postgres "SELECT count(*) = 15 FROM pg_stat_activity WHERE datname = 'shop' AND query ~ 'pg_sleep'"
    expect_status 0 restore shop --swap --backup "$FIRST" --dry-run
    expect_equal "$(oid shop)$(others)" "$before"

    restore shop --swap --backup "$FIRST" --json >"$T/swap.json"
    valid_json restore "$T/swap.json"
    aside=$(jq -r .set_aside "$T/swap.json")
    expect_equal "$(jq '.outage_seconds > 0' "$T/swap.json")" true
    expect_equal "$(others)" "$aside"
    expect_equal "$(oid "$aside")" "$before"
    db_same backed_up shop
    expect_equal "$(around shop)" "$was"

    expect_equal "$(bound)" "$(oid shop)"
    # The next night's backup goes on under its name; that of another database does not get it.
    expect_status 0 backup shop
    psql_in postgres -c 'CREATE DATABASE shop_other'
    expect_status 1 backup shop_other --name shop
    psql_in postgres -c "DROP DATABASE shop_other"

    expect_status 0 pgassay restore shop --status
    expect_text "$aside: was \"shop\" until" "to go back to \"$aside\": pgassay restore shop --undo"
    pgassay restore shop --status --json >"$T/status.json"
    valid_json restore-status "$T/status.json"
    expect_equal "$(jq -r '.undo, .set_aside[0].backup' "$T/status.json" | paste -sd ' ')" "$aside $FIRST"

    # A repository that is out of reach hinders nobody on his way back, and is named.
    pgassay restore shop --undo --json --repo "$T/away" >"$T/undo.json" 2>"$T/said"
    grep 'the name could not be given to the database that has it now' "$T/said"
    valid_json restore-switch "$T/undo.json"
    expect_equal "$(oid shop)" "$before"
    expect_equal "$(around shop)" "$was"
    expect_equal "$(psql_in shop -c 'SELECT count(*) FROM empty')" 1
    # Nothing is left to go back to; what was undone is listed, not taken by itself, and can be dropped by its name.
    expect_status 1 pgassay restore shop --undo
    expect_text 'no swap has set aside a database "shop"'
    pgassay restore --leftovers --json >"$T/leftovers.json"
    valid_json restore-status "$T/leftovers.json"
    aside=$(jq -r '.set_aside[0].name' "$T/leftovers.json")
    expect_equal "$aside" "$(jq -r .set_aside "$T/undo.json")"
    expect_status 1 pgassay restore --drop-leftover shop
    expect_text 'no switch has set aside' '--leftovers lists what there is'
    # What the name still stands for is not dropped before it stands for the one that has it.
    expect_status 1 pgassay restore --drop-leftover "$aside" --repo "$T/away"
    expect_text "\"$aside\" is not dropped" "$T/away"
    # One that is named badly is not none.
    echo "[repo bad]" >"$T/bad.conf"
    expect_status 2 pgassay restore --drop-leftover "$aside" --repo bad --config "$T/bad.conf"
    expect_text "is not dropped" "has no path"
    expect_equal "$(bound)" "$(oid "$aside")"
    expect_status 0 pgassay restore --drop-leftover "$aside" --json --repo "$REPO"
    echo "$output" >"$T/dropped.json"
    expect_equal "$(bound)" "$before"
    valid_json restore-dropped "$T/dropped.json"
    expect_equal "$(jq -r '.dropped | .name, .was' "$T/dropped.json" | paste -sd ' ')" "$aside shop"
    expect_equal "$(others)" ''
}

@test "a printed command can be pasted into a shell, whatever a name holds" {
    local name=$'other\'; touch canary; $(touch canary)\ntouch canary' line before
    mkdir "$T/pasted"
    cd "$T/pasted"
    restore shop --to "$name" --backup "$FIRST"
    before=$(oid "$name")
    restore shop --to "$name" --swap --backup "$FIRST"
    [ "$(oid "$name")" != "$before" ]
    line=$(pgassay restore "$name" --status | sed -n 's/^to go back to .*: pgassay restore/pgassay restore/p')
    [ -n "$line" ]
    eval "$line"
    expect_equal "$(oid "$name")" "$before"
    # Nor is it --undo, where that would refuse: nobody has the name.
    restore shop --to "$name" --swap --backup "$FIRST"
    db_drop "$name"
    expect_equal "$(pgassay restore "$name" --status --json | jq .undo)" null
    line=$(pgassay restore "$name" --status | sed -n 's/^to go back to .*: pgassay restore/pgassay restore/p')
    eval "$line"
    expect_equal "$(oid "$name")" "$before"
    # A hint is no less a command.
    expect_status 1 pgassay restore "$name" --to other --repo "$T/no;touch canary"
    expect_text 'pgassay storage init' "'$T/no;touch canary'"
    expect_equal "$(ls -A)" ''
    # What looks like an option is none.
    db_drop "$name"
    psql_in postgres -c "ALTER DATABASE \"$(psql_in postgres -c "SELECT datname FROM pg_database WHERE datname LIKE 'other''%'")\" RENAME TO \"--undo\""
    before=$(oid --undo)
    restore shop --to=--undo --swap --backup "$FIRST"
    [ "$(oid --undo)" != "$before" ]
    eval "$(pgassay restore --status -- --undo | sed -n 's/^to go back to .*: pgassay restore/pgassay restore/p')"
    expect_equal "$(oid --undo)" "$before"
    psql_in postgres <<<"SELECT format('DROP DATABASE %I', datname) FROM pg_database WHERE datname LIKE 'other''%' OR datname LIKE '--undo%' \gexec"
}

@test "--settings backup: owner, settings and comment are the backup's" {
    restore shop --swap --backup "$FIRST" --settings backup
    db_same backed_up shop
    expect_equal "$(around shop)" "$(around backed_up)"
}

@test "what would be lost, or keeps a database from being renamed, is said at once, and nothing happens" {
    local before=$LIVE
    psql_in shop -c "SELECT pg_create_logical_replication_slot('feed', 'test_decoding')" -o /dev/null
    psql_in shop -c 'BEGIN' -c 'INSERT INTO empty VALUES (2)' -c "PREPARE TRANSACTION 'half'"
    psql_in shop -c "CREATE SUBSCRIPTION news CONNECTION 'host=/nowhere dbname=x' PUBLICATION p WITH (connect = false)" 2>/dev/null
    psql_in shop -c 'ALTER SUBSCRIPTION news ENABLE'
    psql_in postgres -c 'ALTER DATABASE shop IS_TEMPLATE true'
    expect_status 1 restore shop --swap --backup "$FIRST"
    expect_text 'logical replication slot "feed"' 'prepared transaction "half"' 'subscription "news"' 'is a template' 'SQL: ALTER DATABASE shop IS_TEMPLATE false;' \
        'SQL, in the database: ALTER SUBSCRIPTION news DISABLE;' "ROLLBACK PREPARED 'half';" "SELECT pg_drop_replication_slot('feed');"
    expect_equal "$(oid shop)$(others)" "$before"
    psql_in postgres -c 'ALTER DATABASE shop IS_TEMPLATE false'
    psql_in shop -c 'ALTER SUBSCRIPTION news DISABLE' -c 'ALTER SUBSCRIPTION news SET (slot_name = NONE)' -c 'DROP SUBSCRIPTION news' \
        -c "ROLLBACK PREPARED 'half'" -c "SELECT pg_drop_replication_slot('feed')" -o /dev/null
    backup shop --name part -t item
    backup shop --name gaps --exclude-table-data item
    expect_status 1 restore part --swap --backup "$(last_id part)"
    expect_text 'holds a part of database "shop" only' '--switch-to'
    expect_status 1 restore gaps --swap --backup "$(last_id gaps)"
    expect_text 'table public.item would be empty'
    expect_status 2 restore shop --swap -t item
    PGUSER=app expect_status 1 restore shop --swap --backup "$FIRST"
    expect_text 'is not yours to rename'
    expect_status 1 restore shop --swap --backup "$FIRST" --to nosuch
    expect_text 'there is no database "nosuch" to be swapped' '--to nosuch instead of --swap'
    expect_equal "$(oid shop)$(others)" "$before"
}

@test "a copy that has not the rows of the backup takes nobody's place" {
    local before
    before=$(oid shop)
    db_make other_less
    # A refresh that takes rows away: COPY had them all.
    psql_in other_less -c 'CREATE TABLE t AS SELECT generate_series(1, 9) AS i' \
        -c "CREATE FUNCTION less() RETURNS int LANGUAGE plpgsql AS 'BEGIN DELETE FROM public.t WHERE i = 5; RETURN 1; END'" \
        -c 'CREATE MATERIALIZED VIEW m AS SELECT less()' -c 'INSERT INTO t VALUES (5)'
    backup other_less
    expect_status 1 restore other_less --swap --to shop
    expect_text 'not swapped' 'table public.t has 8 rows in the copy, and had 9 in the backup'
    expect_equal "$(oid shop)$(others)" "$before"
}

@test "--check full: a copy with as many rows, and another value in one of them, takes nobody's place" {
    local before
    before=$(oid shop)
    db_make other_same all-types.sql
    # A refresh that changes a row after COPY had it right.
    psql_in other_same -c 'CREATE TABLE t AS SELECT i, i AS n FROM generate_series(1, 9) AS i' \
        -c "CREATE FUNCTION change() RETURNS int LANGUAGE plpgsql AS 'BEGIN UPDATE public.t SET n = 0 WHERE i = 5; RETURN 1; END'" \
        -c 'CREATE MATERIALIZED VIEW m AS SELECT change()' -c 'UPDATE t SET n = i' -c "SELECT lo_from_bytea(7, 'seven')" -o /dev/null
    backup other_same
    expect_status 1 restore other_same --swap --to shop --check full
    expect_text 'not swapped' 'table public.t has other contents in the copy than in the backup'
    expect_equal "$(oid shop)$(others)" "$before"
    psql_in postgres -c 'CREATE DATABASE other OWNER tenant'
    PGUSER=tenant expect_status 1 restore other_same --swap --to other --check full --dry-run
    expect_text 'only one can compare its large objects'
    psql_in other_same -c 'DROP MATERIALIZED VIEW m'
    backup other_same
    expect_status 0 restore other_same --swap --to shop --check full --json
    db_same other_same shop
    pgassay restore shop --undo
    expect_status 2 restore shop --to other --check full
    expect_status 2 restore shop --swap --check all
    expect_text 'not "all"'
}

@test "what did not come back whole is kept, not switched to; --switch-to takes it all the same" {
    local before kept
    before=$(oid shop)
    db_make other small.sql
    psql_in other -c "CREATE FUNCTION place() RETURNS int IMMUTABLE LANGUAGE plpgsql AS \$\$BEGIN
        IF current_database() ~ 'restoring' THEN RAISE 'not here'; END IF; RETURN 1; END\$\$" -c 'CREATE INDEX choosy ON item ((place()))'
    backup other
    expect_status 1 restore other --swap --to shop
    kept=$(others)
    expect_text 'did not come back as they were' 'choosy' "pgassay restore shop --switch-to $kept"
    expect_equal "$(oid shop)" "$before"
    expect_status 0 pgassay restore shop --status
    expect_text "$kept: restored, but not switched to"
    kept=$(oid "$kept")
    expect_status 0 pgassay restore shop --switch-to "$(others)"
    expect_equal "$(oid shop)" "$kept"
    expect_equal "$(psql_in postgres -c "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = 'shop'")" $'two\nlines'
    expect_status 0 pgassay restore shop --undo
    expect_equal "$(oid shop)" "$before"
}

@test "undo: a store that does not answer costs seconds, not its time limit, and what was not noted is said last" {
    local before
    before=$(oid shop)
    restore shop --swap --backup "$FIRST"
    AWS_ACCESS_KEY_ID=a AWS_SECRET_ACCESS_KEY=b TOOL_TIMEOUT=60 expect_status 0 pgassay restore shop --undo --repo s3://nowhere/x --repo-option endpoint=http://127.0.0.1:9 --repo-option region=x
    expect_equal "$(oid shop)" "$before"
    [[ $output == *'is now "shop", and nobody could connect for'*'warning: the name could not be given to the database that has it now ('*'): the next backup does it'* ]] || { echo "$output"; return 1; }
    db_drop "$(others)"
}

@test "a comment is anybody's: a database that a tenant offers is not gone back to" {
    local name=shop_before_20990101_000000 before
    before=$(oid shop)
    PGUSER=tenant psql_in postgres -c "CREATE DATABASE $name" -c "COMMENT ON DATABASE $name IS 'pgassay-restore: set aside {\"was\":\"shop\",\"since\":4070908800}'"
    expect_status 1 pgassay restore shop --undo
    expect_text "\"$name\" belongs to tenant" "--switch-to $name"
    expect_equal "$(oid shop)" "$before"
}

@test "--drop-old-after: the next restore drops what was set aside, once its time has come" {
    local until
    expect_status 0 backup shop --adopt
    restore shop --swap --backup "$FIRST" --drop-old-after 1d
    expect_equal "$(others | wc -l)" 1
    psql_in shop -c 'INSERT INTO empty VALUES (3)'
    restore shop --swap --backup "$FIRST" --drop-old-after 1s
    expect_equal "$(others | wc -l)" 2
    rm "$(binding)" # as if killed once the names were exchanged
    until=$(pgassay restore --leftovers --json | jq -r '[.set_aside[].drop_after] | min')
    wait_for postgres "SELECT clock_timestamp() >= timestamptz '$until'"
    restore shop --to other
    expect_equal "$(bound)" "$(oid shop)"
    expect_equal "$(others | wc -l)" 1
    expect_status 0 pgassay restore --leftovers
    expect_text 'to be dropped after'
}

@test "two restores of one name: the second is refused" {
    # What a restore of that name holds as long as it lives.
    session_open lock postgres
    session lock "SELECT pg_advisory_lock(hashtextextended('pgassay-restore shop', 0))"
    wait_for postgres "SELECT count(*) = 1 FROM pg_locks WHERE locktype = 'advisory' AND granted"
    expect_status 1 restore shop --swap --backup "$FIRST"
    expect_text 'another restore of database "shop" is under way'
    session_close lock
    expect_equal "$(others)" ''
}

@test "--switch-to takes nothing that is not whole, or has the name; what restores has no meaning beside it" {
    # What a restore leaves that is killed, and what one is at.
    psql_in postgres -c 'CREATE DATABASE shop_restoring_00000001' -c "COMMENT ON DATABASE shop_restoring_00000001 IS 'pgassay-restore: half made, process 1 at 1 on elsewhere'" \
        -c 'CREATE DATABASE other' -c 'ALTER DATABASE other IS_TEMPLATE true'
    expect_status 1 pgassay restore shop --switch-to shop_restoring_00000001
    expect_text 'is half made'
    expect_status 1 pgassay restore shop --switch-to other
    expect_text 'database "other" is a template'
    expect_status 1 pgassay restore shop --switch-to postgres
    expect_text 'cannot be renamed'
    expect_status 2 pgassay restore shop --switch-to shop
    expect_text 'it has that name'
    # As newer servers leave one whose drop was interrupted.
    psql_in postgres -c 'CREATE DATABASE other_half' -c "UPDATE pg_database SET datconnlimit = -2 WHERE datname = 'other_half'"
    expect_status 1 pgassay restore shop --switch-to other_half
    expect_text 'database "other_half" is there in part only' 'DROP DATABASE "other_half"'
    db_drop other_half
    expect_status 2 pgassay restore shop --undo --dry-run
    expect_text '--dry-run is for a restore'
    expect_status 2 restore shop --to other2 --drop-old-after 7d
    expect_text '--drop-old-after belongs to'
    expect_equal "$(oid shop)" "$LIVE"
    psql_in postgres -c 'ALTER DATABASE other IS_TEMPLATE false'
}

@test "a comment that could not be kept is said beforehand" {
    DB_OPTIONS="ENCODING SQL_ASCII LC_COLLATE 'C' LC_CTYPE 'C'" db_make other
    psql_in other -c "SET client_encoding = SQL_ASCII; COMMENT ON DATABASE other IS E'b\\344ckerei'"
    expect_status 1 restore shop --swap --to other --backup "$FIRST" --dry-run
    expect_text 'the comment on database "other" is not valid in the encoding of database "postgres"'
}

@test "nobody is put out while somebody else holds the lock on the name, and he is named" {
    psql_in postgres -c 'CREATE DATABASE other'
    session_open guest shop
    session guest 'SELECT 1'
    session_idle guest
    session_open holder postgres
    session holder 'BEGIN'
    session holder "COMMENT ON DATABASE shop IS 'held'"
    wait_for postgres "SELECT count(*) = 1 FROM pg_locks WHERE classid = 'pg_database'::regclass AND objid = $LIVE AND mode = 'ShareUpdateExclusiveLock'"
    expect_status 1 pgassay restore shop --switch-to other
    expect_text 'lock timeout' '(session_holder)'
    session_idle guest
    session_close holder
    session_close guest
    expect_equal "$(oid shop)" "$LIVE"
}

# A superuser's session, which a plain owner may not end, holds the exchange up at its second step.
held_up() {
    psql_in postgres -c 'CREATE DATABASE other OWNER tenant'
    session_open guest other
    session guest 'SELECT 1'
    session_idle guest
    PGUSER=tenant start "$BIN/pgassay-restore" --repo "$REPO" shop --swap --to other --backup "$FIRST" "$@"
    wait_for postgres "SELECT count(*) = 1 FROM pg_locks WHERE classid = 'pg_database'::regclass AND mode = 'AccessExclusiveLock' AND granted AND objid = (SELECT oid FROM pg_database WHERE datname = 'other')"
}

@test "a session that may not be ended is named; a connection that is lost: what was restored is kept, and told from a half-made one" {
    local kept
    held_up --no-owner
    finish 1
    expect_text '(session_guest)' 'database "other" is as it was; what was restored is kept as "other_restoring_'
    kept=$(psql_in postgres -c "SELECT datname FROM pg_database WHERE datname ~ '^other_'")
    session_close guest
    db_drop other "$kept"

    held_up --no-owner
    psql_in postgres -c "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE classid = 'pg_database'::regclass AND mode = 'AccessExclusiveLock'" -o /dev/null
    finish 1
    expect_text 'database "other" is as it was; what was restored is kept as "other_restoring_'
    PGUSER=tenant expect_status 0 pgassay restore other --status
    expect_text 'restored, but not switched to'
    session_close guest
    kept=$(psql_in postgres -c "SELECT datname FROM pg_database WHERE datname ~ '^other_'")
    PGUSER=tenant expect_status 0 pgassay restore other --switch-to "$kept"
    expect_equal "$(psql_in other -c 'SELECT count(*) FROM item')" 2000
    PGUSER=tenant expect_status 0 pgassay restore other --undo

    # Whose settings another may not give to a database is known before anything is loaded.
    psql_in postgres -c "ALTER ROLE app IN DATABASE other SET work_mem = '9MB'"
    PGUSER=tenant expect_status 1 restore shop --swap --to other --backup "$FIRST" --no-owner
    expect_text 'what takes the place of database "other" cannot get its owner, privileges and settings: permission denied' '--settings backup'
    expect_equal "$(psql_in postgres -c "SELECT count(*) FROM pg_database WHERE datname ~ '_restoring_'")" 0
}

# After kill -9: one whole database has the name, the one that had it or the restored one; --status says where the other is.
settled() {
    wait_for postgres "SELECT count(*) = 0 FROM pg_stat_activity WHERE application_name ~ 'pgassay'"
    pgassay restore shop --status --json >"$T/status.json"
    now=$(psql_in shop -c "SELECT oid FROM pg_database WHERE datname = 'shop' AND (SELECT count(*) FROM item) = 2000
        AND (SELECT bool_and(datallowconn) FROM pg_database WHERE datname ~ '^shop' AND datname !~ 'restoring')
        AND ((SELECT count(*) FROM empty) = 1) = (oid = $LIVE)")
    [ -n "$now" ] || { psql_in postgres -c '\l' >&2; return 1; }
    expect_equal "$(jq .exists "$T/status.json")" true
    [ "$now" = "$LIVE" ] || expect_equal "$(oid "$(jq -r '.undo // .set_aside[0].name' "$T/status.json")")" "$LIVE"
}

@test "kill -9 at any moment of a swap: the old database or the new one is under the name, and the same command ends it" {
    local i now
    for ((i = 0; i < $(rounds 8 100); i++)); do
        start "$BIN/pgassay-restore" --repo "$REPO" shop --swap --backup "$FIRST"
        sleep "0.$((RANDOM % 8))$((RANDOM % 10))"
        kill -KILL "$started" 2>/dev/null || true
        finished
        settled
        [ "$now" = "$LIVE" ] || pgassay restore shop --undo
        expect_equal "$(oid shop)" "$LIVE"
    done
    expect_status 0 restore shop --swap --backup "$FIRST"
    db_same backed_up shop
    expect_equal "$(psql_in postgres -c "SELECT count(*) FROM pg_database WHERE datname ~ '_restoring_'")" 0
}

@test "kill -9, SIGTERM and a server that crashes at any moment of the way back, and of the way forward" {
    local i signal now way
    restore shop --swap --backup "$FIRST"
    settled
    for ((i = 0; i < $(rounds 45 400); i++)); do
        signal=KILL
        [ $((i % 3)) -ne 0 ] || signal=TERM
        way=(--undo)
        [ "$now" != "$LIVE" ] || way=(--switch-to "$(jq -r '.set_aside[0].name' "$T/status.json")")
        start "$BIN/pgassay-restore" shop "${way[@]}"
        sleep "0.0$((RANDOM % 10))"
        if [ $((i % 15)) -eq 14 ]; then
            pg_kill main
            pg_up main
        else
            kill "-$signal" "$started" 2>/dev/null || true
        fi
        finished
        settled
    done
}
