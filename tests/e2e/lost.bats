#!/usr/bin/env bats
# shellcheck disable=SC2154  # lib.bash sets started, status and output
# Connections to the server that a network cuts: what was being loaded is loaded again, neither lost nor twice; and at any other moment
# all of it is there or nothing, and the same command ends it.

load lib
setup_file() {
    e2e_setup
    pg_start main
    db_make shop
    psql_in shop -o /dev/null <<'SQL'
CREATE TABLE orders (id int PRIMARY KEY, customer int, what text UNIQUE);
INSERT INTO orders SELECT i, i % 50, repeat('w' || i, 20) FROM generate_series(1, 20000) i;
CREATE INDEX ON orders (customer);
CREATE TABLE lines (id int REFERENCES orders ON DELETE CASCADE, n serial, what text, PRIMARY KEY (id, n)) PARTITION BY RANGE (id);
CREATE TABLE lines_1 PARTITION OF lines FOR VALUES FROM (1) TO (5000);
CREATE TABLE lines_2 PARTITION OF lines DEFAULT;
INSERT INTO lines (id, what) SELECT 1 + i % 20000, 'w' || i FROM generate_series(1, 30000) i;
CREATE TABLE small AS SELECT i, 's' || i AS s FROM generate_series(1, 100) i;
ALTER TABLE small ADD FOREIGN KEY (i) REFERENCES orders;
CREATE ROLE plain;
ALTER TABLE small OWNER TO plain;
ALTER TABLE small ADD CHECK (i > 0) NOT VALID;
CREATE MATERIALIZED VIEW m AS SELECT count(*) FROM lines;
SELECT lo_from_bytea(0, decode(repeat(md5('x'), 300), 'hex')) FROM generate_series(1, 3);
SQL
    backup shop
    FIRST=$(last_id shop)
    db_digest shop >"$T/shop.was"
    psql_in postgres -c 'CREATE DATABASE live TEMPLATE shop'
    mkdir "$T/cut"
    DIRECT=$PGHOST
    "$TOP/tests/pgproxy" "$PGHOST/.s.PGSQL.5432" "$T/cut" >"$T/cut/out" 2>&1 3>&- 4>&- &
    PROXY=$!
    for ((i = 0; i < 600; i++)); do [ ! -S "$T/cut/.s.PGSQL.5432" ] || break; sleep 0.1; done
    export FIRST DIRECT PROXY
}
teardown_file() {
    ! mountpoint -q "$T/pg/small" || umount -l "$T/pg/small"
    kill "$PROXY" 2>/dev/null || true
    e2e_teardown
}
setup() { rules; }

# rules RULE...: what the proxy does from now on.
rules() { [ $# -eq 0 ] || printf '%s\n' "$@" >"$T/rules.new"; [ $# -ne 0 ] || : >"$T/rules.new"; mv "$T/rules.new" "$T/cut/rules"; : >"$T/cut/log"; }
through() { PGHOST=$T/cut "$@"; }
# The rules have all been used.
all_cut() { expect_equal "$(sort "$T/cut/log")" "$(sort <<<"$1")"; }
nothing_left() {
    psql_in postgres -o /dev/null -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name ~ 'pgassay'"
    wait_for postgres "SELECT count(*) = 0 FROM pg_stat_activity WHERE application_name ~ 'pgassay'"
}

@test "rows, large objects, indexes, keys, sequences, views: what a lost connection did is done once" {
    rules 'before 1 w19999w' 'lost 1 COMMIT' 'deaf 1 ADD CONSTRAINT lines_1_pkey' 'lost 1 ADD CONSTRAINT orders_pkey' 'lost 1 lo_put' 'before 1 ANALYZE'
    expect_status 0 through restore shop --to copy --jobs 1
    expect_text 'a connection to the server was lost, and what it did is done again'
    all_cut $'before w19999w\nlost COMMIT\ndeaf ADD CONSTRAINT lines_1_pkey\nlost ADD CONSTRAINT orders_pkey\nlost lo_put\nbefore ANALYZE'
    db_digest copy | diff "$T/shop.was" -
    db_drop copy
    rules 'before 1 COMMIT' 'deaf 1 s99' 'lost 1 lo_create' 'lost 1 VALIDATE' 'deaf 1 lines_id_fkey' 'lost 1 setval' 'before 1 REFRESH'
    through restore shop --to copy --jobs 2 --json >"$T/copy.json"
    all_cut $'before COMMIT\ndeaf s99\nlost lo_create\nlost VALIDATE\ndeaf lines_id_fkey\nlost setval\nbefore REFRESH'
    db_digest copy | diff "$T/shop.was" -
    expect_equal "$(jq -c '[.status, .rows]' "$T/copy.json")" '["complete",50100]'
    db_drop copy
    # Connections that are being made: a worker's, and a loader's, when it is tried out and when it is needed.
    rules "pass 1 set_config('maintenance_work_mem" "before 1 set_config('maintenance_work_mem" $'before 2 user\001pgassay_load_' 'lost 1 ADD CONSTRAINT small_i_check'
    expect_status 0 through restore shop --to copy --jobs 1 --isolated
    expect_text 'a connection to the server could not be made, and is tried again'
    all_cut $'before set_config(\'maintenance_work_mem\nbefore user\001pgassay_load_\nbefore user\001pgassay_load_\nlost ADD CONSTRAINT small_i_check\npass set_config(\'maintenance_work_mem'
    db_digest copy | diff "$T/shop.was" -
    db_drop copy
    rules 'before 1 w29999' 'deaf 1 w19999w'
    psql_in live -q -c 'SET client_min_messages = error; DROP TABLE lines CASCADE'
    through restore shop --into live --put-back -t lines
    through restore shop --into live --into-schema recovered -t orders
    all_cut $'before w29999\ndeaf w19999w'
    expect_equal "$(psql_in live -c "SELECT count(*), md5(string_agg(o::text, ',' ORDER BY id)) FROM recovered.orders o")" "$(psql_in shop -c "SELECT count(*), md5(string_agg(o::text, ',' ORDER BY id)) FROM orders o")"
    expect_equal "$(psql_in live -c 'SELECT count(*) FROM lines')" 30000
    nothing_left
}

@test "connections that waited are made anew before they are needed; a server that has crashed is not gone on with" {
    # Both of them, while the only worker is at rows that a lock holds up.
    local signal
    for signal in USR1 USR2; do # the server hears of it, or does not: then their sessions, and their locks, are ended
        rules 'deaf 1 w19999w'
        start env PGHOST="$T/cut" "$BIN/pgassay-restore" --repo "$REPO" shop --to copy --jobs 1
        for ((i = 0; i < 600; i++)); do [ ! -s "$T/cut/log" ] || break; sleep 0.1; done
        kill "-$signal" "$PROXY"
        finish 0
        db_digest copy | diff "$T/shop.was" -
        db_drop copy
    done
    psql_in shop -c "CREATE FUNCTION slowly(int) RETURNS bool LANGUAGE plpgsql AS 'BEGIN IF current_database() ~ \$\$restoring\$\$ THEN PERFORM pg_sleep(600); END IF; RETURN true; END'" \
        -c 'CREATE TABLE slow (i int CHECK (slowly(i)))' -c 'INSERT INTO slow VALUES (1)'
    backup shop
    start "$BIN/pgassay-restore" --repo "$REPO" shop --to copy --jobs 1
    wait_for postgres "SELECT count(*) = 1 FROM pg_stat_activity WHERE query ~ '^COPY .*slow' AND datname ~ 'restoring'"
    pg_kill main
    pg_up main
    finish 1
    expect_text 'the server has started anew meanwhile'
    expect_no_db copy
    psql_in shop -c 'DROP TABLE slow' -c 'DROP FUNCTION slowly'
    nothing_left
}

# cut MICROSECONDS OPTION...: at some moment of that time; every other one without telling the server.
cut_in() {
    local us=$1
    shift
    start env PGHOST="$T/cut" "$BIN/pgassay-restore" --repo "$REPO" "$@"
    sleep "$(awk -v us="$us" -v r="$RANDOM" 'BEGIN { printf "%.3f", us / 1e6 * r / 32768 }')"
    kill "-USR$((1 + RANDOM % 2))" "$PROXY"
    finished
    echo "status $status: $output" >&2
    PGHOST=$DIRECT nothing_left
}

@test "a network that is cut at any moment of a swap, undo, replace, or part: all of it or nothing, and the same command ends it" {
    local i how us now
    storage list shop >/dev/null
    for i in $(seq 0 299 | if [ -n "${E2E_LONG:-}" ]; then cat; else head -n 6 | shuf -n 3; fi); do # by day three of six
        db_drop live
        mapfile -t now < <(psql_in postgres -c "SELECT datname FROM pg_database WHERE datname ~ '^live_'")
        [ ${#now[@]} -eq 0 ] || db_drop "${now[@]}"
        psql_in postgres -c 'CREATE DATABASE live TEMPLATE shop'
        psql_in live -q -c 'SET client_min_messages = error; DROP TABLE lines, small CASCADE' -c 'DROP MATERIALIZED VIEW IF EXISTS m'
        [ $((i % 6)) -eq 3 ] || psql_in live -c 'DELETE FROM orders WHERE id % 7 = 0'
        db_digest live >"$T/bad"
        case $((i % 6)) in
        0) how=(shop --to live --swap --backup "$FIRST") ;;
        1) how=(live --undo) && restore shop --to live --swap --backup "$FIRST" && db_digest live >"$T/bad" ;;
        2) how=(shop --to live --replace --no-safety-backup --backup "$FIRST") ;;
        3) how=(shop --into live --put-back -t lines --backup "$FIRST") ;;
        4) how=(shop --into live --rows orders --apply both --backup "$FIRST") ;;
        5) how=(shop --into live --data-only -t orders --truncate --backup "$FIRST") ;;
        esac
        us=700000
        cut_in "$us" "${how[@]}"
        if [ $((i % 6)) -eq 2 ]; then
            db_exists live || expect_equal "$(pgassay restore shop --to live --status --json | jq '.replacing | length > 0')" true
            [ "$status" -eq 0 ] || expect_status 0 restore "${how[@]}"
            db_digest live | diff "$T/shop.was" -
        else
            db_digest live >"$T/now"
            cmp -s "$T/now" "$T/bad" && [ "$status" -ne 0 ] && expect_status 0 restore "${how[@]}"
            db_digest live >"$T/now"
            ! cmp -s "$T/now" "$T/bad"
        fi
        expect_equal "$(psql_in postgres -c "SELECT datname FROM pg_database WHERE datname ~ '^live_restoring_'")" ''
    done
}

@test "a disk that is full during a part: the live tables are as they were, and the same command ends it when there is room" {
    local small=$T/pg/small how
    mkdir -p "$small"
    [ "$(id -u)" -eq 0 ] && mount -t tmpfs -o size=60m tmpfs "$small" 2>/dev/null || skip 'needs the right to mount'
    chown postgres "$small"
    psql_in postgres -c "CREATE TABLESPACE small LOCATION '$small'"
    psql_in postgres -c 'CREATE DATABASE tight TEMPLATE shop TABLESPACE small'
    psql_in tight -q -c 'SET client_min_messages = error; DROP TABLE lines, small CASCADE' -c 'DELETE FROM orders WHERE id % 2 = 0' -c 'VACUUM FULL orders'
    psql_in postgres -c CHECKPOINT
    for how in '--into-schema recovered -t orders' '--rows orders --apply both' '--data-only -t orders --truncate'; do
        db_digest tight >"$T/tight.was"
        head -c 100000000 /dev/zero >"$small/fill" 2>/dev/null || true
        # shellcheck disable=SC2086  # several words
        expect_status 1 restore shop --into tight --backup "$FIRST" $how
        expect_text 'No space left on device'
        rm "$small/fill"
        db_digest tight | diff "$T/tight.was" -
        # shellcheck disable=SC2086
        expect_status 0 restore shop --into tight --backup "$FIRST" $how
        psql_in postgres -c CHECKPOINT
    done
    expect_equal "$(psql_in tight -c 'SELECT (SELECT count(*) FROM orders), (SELECT count(*) FROM recovered.orders)')" '20000|20000'
    db_drop tight
    psql_in postgres -c 'DROP TABLESPACE small'
    umount "$small"
}
