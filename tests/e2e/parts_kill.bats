#!/usr/bin/env bats
# shellcheck disable=SC2154  # lib.bash sets started, status and output
# --into-schema, --data-only and --rows --apply, ended at a random moment: by kill -9, SIGTERM, a server that crashes, or connections that are cut.
# Afterwards all of it is in the live database or nothing, and the same command succeeds.

load lib
setup_file() {
    e2e_setup
    # What was not flushed is lost with the server, not written by chance a moment later.
    pg_start main 'wal_writer_delay = 10s'
    db_make shop
    psql_in shop -o /dev/null <<'SQL'
CREATE TABLE orders (id int PRIMARY KEY, customer int, price numeric, what text);
INSERT INTO orders SELECT i, i % 50, i / 4.0, repeat('w' || i, 20) FROM generate_series(1, 20000) i;
CREATE TABLE lines (id int REFERENCES orders ON DELETE CASCADE, n int, what text, PRIMARY KEY (id, n)) PARTITION BY RANGE (id);
CREATE TABLE lines_1 PARTITION OF lines FOR VALUES FROM (1) TO (5000);
CREATE TABLE lines_2 PARTITION OF lines DEFAULT;
INSERT INTO lines SELECT 1 + i % 20000, i, 'w' || i FROM generate_series(1, 30000) i;
SQL
    backup shop
    psql_in postgres -c 'CREATE DATABASE live TEMPLATE shop'
    content public >"$T/good"
    accident
    content public >"$T/bad"
}
teardown_file() { e2e_teardown; }

# What the tables hold in a schema of the live database; a table that is not there is an error.
content() { psql_in live -c "SELECT (SELECT count(*) || md5(string_agg(o::text, ',' ORDER BY id)) FROM $1.orders o), (SELECT count(*) || md5(string_agg(l::text, ',' ORDER BY id, n)) FROM $1.lines l)"; }
accident() { psql_in live -c 'UPDATE orders SET price = 0 WHERE id % 3 = 0' -c 'DELETE FROM orders WHERE id % 7 = 0'; }

# How many microseconds it takes when nothing happens.
usual() {
    local from=${EPOCHREALTIME/[.,]/}
    "$@" >&2
    echo $((${EPOCHREALTIME/[.,]/} - from))
}
# interrupt HOW MICROSECONDS OPTION...: at some moment of that time.
interrupt() {
    local how=$1 us=$2
    shift 2
    start "$BIN/pgassay-restore" --repo "$REPO" shop --into live --jobs 2 "$@"
    sleep "$(awk -v us="$us" -v r="$RANDOM" 'BEGIN { printf "%.3f", us / 1e6 * r / 32768 }')"
    case $how in
    crash) crash ;;
    cut) psql_in postgres -o /dev/null -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name ~ 'pgassay' AND pid <> pg_backend_pid()" ;;
    *) kill "-$how" "$started" 2>/dev/null || true ;;
    esac
    finished
    echo "$how: status $status: $output" >&2
    wait_for postgres "SELECT count(*) = 0 FROM pg_stat_activity WHERE application_name ~ 'pgassay'"
}
# Four rounds in a row are four ways of ending it.
how() { local ways=(KILL TERM cut crash); echo "${ways[$1 % 4]}"; }
settled() { # good or bad, and good if it said so
    content public >"$T/now"
    cmp -s "$T/now" "$T/good" || { [ "$status" -ne 0 ] && diff "$T/bad" "$T/now"; }
}
# What had no time to be marked, or was marked by a server that forgot it, is known by its name.
nothing_left() { expect_equal "$(psql_in postgres -c "SELECT datname FROM pg_database WHERE datname ~ '_restoring_'")" ''; }

crash() { pg_kill main; pg_up main; }

@test "what was done when it ended is there after a crash of the server" {
    restore shop --into live --into-schema recovered -t orders -t lines >&2
    crash
    content recovered | diff "$T/good" -
    [[ $(psql_in live -c "SELECT obj_description('recovered'::regnamespace, 'pg_namespace')") = 'tables of backup '* ]]
    psql_in live -q -c 'SET client_min_messages = error; DROP SCHEMA recovered CASCADE'
    restore shop --into live --rows orders --rows lines --apply both >&2
    crash
    content public | diff "$T/good" -
    accident
    restore shop --into live --data-only -t orders -t lines --truncate >&2
    crash
    content public | diff "$T/good" -
    accident
}

@test "--rows --apply: all of the rows come back or none, and the same command brings them" {
    local i us
    us=$(usual restore shop --into live --rows orders --rows lines --apply both)
    for ((i = 0; i < $(rounds 4 200); i++)); do
        accident
        interrupt "$(how $i)" "$us" --rows orders --rows lines --apply both
        settled
        restore shop --into live --rows orders --rows lines --apply both >&2
        content public | diff "$T/good" -
    done
    nothing_left
}

@test "--data-only --truncate: the old rows or the new ones, and the same command brings the new ones" {
    local i us
    us=$(usual restore shop --into live --data-only -t orders -t lines --truncate)
    for ((i = 0; i < $(rounds 4 200); i++)); do
        accident
        interrupt "$(how $i)" "$us" --data-only -t orders -t lines --truncate
        settled
        restore shop --into live --data-only -t orders -t lines --truncate >&2
        content public | diff "$T/good" -
    done
    nothing_left
}

@test "--into-schema: the schema is whole, marked as half made or not there; the live tables are as they are; the same command makes it" {
    local i us mark
    accident
    psql_in postgres -c 'CREATE DATABASE live_restoring_0badcafe'
    us=$(usual restore shop --into live --into-schema recovered -t orders -t lines)
    nothing_left
    for ((i = 0; i < $(rounds 4 200); i++)); do
        psql_in live -q -c 'SET client_min_messages = error; DROP SCHEMA recovered CASCADE'
        interrupt "$(how $i)" "$us" --into-schema recovered -t orders -t lines
        content public | diff "$T/bad" -
        mark=$(psql_in live -c "SELECT coalesce(obj_description(to_regnamespace('recovered'), 'pg_namespace'), to_regnamespace('recovered')::text, '')")
        [ "$status" -ne 0 ] || [[ $mark = 'tables of backup '* ]]
        case $mark in
        'tables of backup '*)
            content recovered | diff "$T/good" -
            psql_in live -q -c 'SET client_min_messages = error; DROP SCHEMA recovered CASCADE'
            ;;
        'pgassay-restore: half made' | '') ;;
        *) echo "recovered: $mark" >&2; return 1 ;;
        esac
        restore shop --into live --into-schema recovered -t orders -t lines >&2
        content recovered | diff "$T/good" -
        nothing_left
    done
    content public | diff "$T/bad" -
}
