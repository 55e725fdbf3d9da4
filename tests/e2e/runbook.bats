#!/usr/bin/env bats
# shellcheck disable=SC2154,SC2016  # lib.bash sets started, status and output; backticks are the page's
# docs/runbook.md, as somebody uses it at 03:40: each row of its table with its symptom, what it says to type, and the way back; and its steps.

load lib
setup_file() {
    e2e_setup
    pg_start main
    db_make shop
    psql_in shop -o /dev/null <<'SQL'
CREATE SCHEMA shop;
CREATE TABLE shop.orders (id int PRIMARY KEY, customer int, placed timestamptz, price numeric);
INSERT INTO shop.orders SELECT i, i % 50, timestamptz '2026-01-01 00:00:00+00' + i * interval '1 hour', i / 4.0 FROM generate_series(1, 1000) i;
CREATE TABLE shop.order_lines (id int REFERENCES shop.orders ON DELETE CASCADE, n int, what text, PRIMARY KEY (id, n)) PARTITION BY RANGE (id);
CREATE TABLE shop.order_lines_1 PARTITION OF shop.order_lines FOR VALUES FROM (1) TO (500);
CREATE TABLE shop.order_lines_2 PARTITION OF shop.order_lines DEFAULT;
INSERT INTO shop.order_lines SELECT 1 + i % 1000, i, 'w' || i FROM generate_series(1, 3000) i;
SQL
    PGASSAY_REPO=$REPO pgassay backup shop
    psql_in postgres -c 'CREATE DATABASE good TEMPLATE shop'
    db_digest good >"$T/good"
    # The bare servers of --scratch belong to somebody else than root.
    chmod 755 "$T"
}
teardown_file() { e2e_teardown; }

# The table as lines of symptom, what to type, the way back, how long, with \x1f between them.
table() {
    awk -F ' *[|] *' '/^\| what has happened/ { on = 1; next } on && !/^\|/ { exit } on && !/^\|-/ { print $2 "\x1f" $3 "\x1f" $4 "\x1f" $5 }' "$TOP/docs/runbook.md"
}

# row WORDS: the row whose symptom has them, as $type and $back.
row() {
    local found
    found=$(table | awk -F '\x1f' -v words="$1" 'index($1, words)')
    expect_equal "$(wc -l <<<"$found")" 1
    IFS=$'\x1f' read -r _ type back _ <<<"$found"
}

# The commands in a cell.
commands() { grep -o '`[^`]*`' <<<"$1" | tr -d '`'; }

# The code blocks below a heading, without those of the headings below it.
blocks() { awk -v heading="$1" 'index($0, heading) == 1 { on = 1; next } on && !code && /^#/ { exit } on && /^ *```/ { code = !code; next } on && code' "$TOP/docs/runbook.md"; }

# What is typed, in a shell as he has it; at most two commands.
types() {
    local command
    [ $# -le 2 ] || { printf '%s\n' 'more than two commands:' "$@" >&2; return 1; }
    for command; do
        echo "\$ $command" >&2
        expect_status 0 bash -eu -o pipefail -c "export PGASSAY_REPO=$REPO DB=shop; exec 3>&- 4>&-; $command"
    done
}

# What went wrong: a bad deploy, which nobody wants to have twice.
accident() {
    psql_in shop -c 'UPDATE shop.orders SET price = 0 WHERE id % 3 = 0' -c 'DELETE FROM shop.orders WHERE customer = 7' -c 'DROP TABLE shop.order_lines'
    db_digest shop >"$T/broken"
}
anew() {
    psql_in postgres -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname ~ '^shop'" -o /dev/null
    psql_in postgres -c "SELECT format('DROP DATABASE %I;', datname) FROM pg_database WHERE datname ~ '^shop'" | psql_in postgres
    psql_in postgres -c 'CREATE DATABASE shop TEMPLATE good'
}
is() { db_digest shop | diff "$T/$1" -; }

@test "the database is there, but wrong; the way back" {
    row 'is there, but wrong'
    anew
    accident
    types "$(commands "$type")"
    is good
    types "$(commands "$back")"
    is broken
}

@test "no room for two copies: in its place; and back by the command that it prints" {
    row 'no room for two copies'
    anew
    # Not the name's any more, but of the same server: its safety backup gets a name of its own.
    accident
    types "$(commands "$type") --verbose"
    is good
    [[ $back = *'prints the command'* ]]
    types "$(sed -n 's/^to go back: //p' <<<"$output")"
    is broken
    blocks '## No room for two copies' | sed "s/ID/latest/" >"$T/replace.sh"
    types "$(head -n 1 "$T/replace.sh")" "$(tail -n 1 "$T/replace.sh")"
    is good
}

@test "the same, but looked at before: the steps, one after the other" {
    local step
    row 'look before you switch'
    [[ $type = 'steps 2 to 4'* ]]
    anew
    pgassay backup shop --repo "$REPO" --adopt
    accident
    for step in '## 1.' '## 2.' '## 3.'; do
        blocks "$step" >"$T/step.sh"
        [ -s "$T/step.sh" ]
        types "$(cat "$T/step.sh")"
    done
    expect_text '2026-02-11 16:00'
    is broken
    types "$(blocks '## 4.')"
    is good
    types "$(commands "$back")"
    is broken
}

@test "the variables that the commands use are those that are set first" {
    sed -n '/^Set these once/,/^No password/p' "$TOP/docs/runbook.md" | sed -n '/^```/,/^```/p' | grep -v '^```' >"$T/once.sh"
    expect_equal "$(bash -eu -c ". '$T/once.sh'; echo \$DB \${PGASSAY_REPO:+repo} \${PGHOST:+host}")" 'shop repo host'
    expect_equal "$({ table; for n in 1 2 3 4; do blocks "## $n."; done; } | grep -o '\$[{A-Za-z_]*' | tr -d '{' | sort -u)" '$DB'
}

@test "the database was dropped; the server is new" {
    row 'was dropped, or the server is new'
    mapfile -t commands < <(commands "$type")
    anew
    db_drop shop
    types "${commands[0]}"
    is good
    pg_start new
    expect_equal "${commands[1]}" '--globals'
    types "${commands[0]} ${commands[1]}"
    is good
    pg_stop new
    pg_use main
}

@test "the server is gone, and there is no other" {
    local remove
    row 'there is no other'
    pg_stop main
    types "$(commands "$type")"
    remove=$(sed -n '/^to remove it:/{n;p}' <<<"$output")
    types "$(sed -n 's/^scratch server: //p' <<<"$output") -XAtqc 'SELECT count(*) FROM shop.orders'"
    expect_equal "$output" 1000
    types "$remove"
    pg_up main
}

@test "only the bucket is left; the key is gone" {
    local identity=/media/safe/escrow
    row 'only the bucket is left'
    anew
    export PGASSAY_STATE_DIR=$T/new_state PGASSAY_CONFIG=$T/new.conf
    : >"$PGASSAY_CONFIG"
    mapfile -t commands < <(commands "${type//s3:\/\/BUCKET\/PREFIX/$REPO}")
    types "unset PGASSAY_REPO; ${commands[0]}"
    types "$(sed -n 's/^scratch server: //p' <<<"$output") -XAtqc 'SELECT count(*) FROM shop.orders'" "$(sed -n '/^to remove it:/{n;p}' <<<"$output")"
    row 'the key is gone'
    for k in ops escrow; do pgassay storage keygen "$T/$k"; done
    pgassay storage init --repo "$T/sealed" --encrypt-to "$T/ops.pub" --encrypt-to "$T/escrow.pub"
    pgassay backup shop --repo "$T/sealed"
    mapfile -t commands < <(commands "${type//$identity/$T/escrow}")
    REPO=$T/sealed types "${commands[0]}"
    db_digest shop_restored | diff "$T/good" -
}

@test "rows of a table were deleted or changed: looked at, kept apart, brought back" {
    local keep
    row 'rows of a table were deleted or changed'
    mapfile -t commands < <(commands "${type//TABLE/shop.orders}")
    expect_equal "${#commands[@]} ${commands[1]} ${commands[2]} ${commands[3]}" '4 --apply deleted changed both'
    anew
    psql_in shop -c 'UPDATE shop.orders SET price = 0 WHERE id % 3 = 0' -c 'DELETE FROM shop.order_lines WHERE id = 8' -c 'DELETE FROM shop.orders WHERE id = 8'
    db_digest shop >"$T/broken"
    types "${commands[0]}"
    expect_text '1 deleted, 333 changed, 0 added since'
    is broken

    # Kept apart, as the way back says.
    [[ $back = *'(#only-rows-are-lost)'* ]]
    keep=$(grep -o '`--into-table [^`]*`' "$TOP/docs/runbook.md" | tr -d '`')
    types "${commands[0]} $keep"
    expect_equal "$(psql_in shop -c 'SELECT count(*) FROM recovered.lost_rows')" 334
    psql_in shop -c 'DROP SCHEMA recovered CASCADE'

    types "${commands[0]}" "${commands[0]} ${commands[1]}"
    expect_text '1 rows inserted'
    types "${commands[0]} --apply changed"
    mapfile -t commands < <(commands "${type//TABLE/shop.order_lines}")
    types "${commands[0]} --apply both"
    is good
}

@test "only rows are lost: the commands of the section, as they stand" {
    anew
    psql_in shop -c 'DELETE FROM shop.orders WHERE customer = 42'
    types "TABLE=shop.orders; $(blocks '### Only rows are lost')"
    expect_equal "$(psql_in shop -c 'SELECT count(*) FROM shop.orders')" 1000
}

@test "a table holds nonsense: its old state beside it, and away again" {
    row 'a table holds nonsense'
    anew
    psql_in shop -c 'UPDATE shop.orders SET price = 0'
    db_digest shop >"$T/broken"
    types "$(commands "${type//TABLE/shop.orders}")"
    expect_equal "$(psql_in shop -c 'SELECT count(*) FROM shop.orders o JOIN recovered.orders r USING (id) WHERE o.price <> r.price')" 1000
    psql_in shop -c "$(commands "$back")"
    is broken
}

@test "a table was dropped: back in its place; or only its rows are gone" {
    row 'a table was dropped'
    anew
    psql_in shop -c 'DROP TABLE shop.order_lines'
    types "$(commands "${type//TABLE/shop.order_lines}")"
    is good
    psql_in shop -c "$(commands "${back//TABLE/shop.order_lines}" | head -n 1)"
    mapfile -t typed < <(blocks '### Only one table is lost')
    types "${typed[0]}; ${typed[1]}"
    is good
    psql_in shop -c 'TRUNCATE shop.order_lines'
    types "${typed[0]}; ${typed[2]}"
    is good
}

@test "a restore was interrupted: --status says what is there, and the same command ends it" {
    local before
    row 'a restore was interrupted'
    anew
    accident
    before=$(psql_in postgres -c "SELECT oid FROM pg_database WHERE datname = 'shop'")
    # Held up in the middle: a lock on the name, at the exchange.
    session_open holder postgres
    session holder 'BEGIN'
    session holder "COMMENT ON DATABASE shop IS 'held'"
    wait_for postgres "SELECT count(*) = 1 FROM pg_locks WHERE classid = 'pg_database'::regclass AND objid = $before AND mode = 'ShareUpdateExclusiveLock' AND granted"
    start "$BIN/pgassay-restore" --repo "$REPO" shop --swap
    wait_for postgres "SELECT count(*) = 1 FROM pg_database WHERE datname ~ '^shop_restoring_'"
    kill -KILL "$started"
    finished
    session_close holder
    wait_for postgres "SELECT count(*) = 0 FROM pg_stat_activity WHERE application_name ~ 'pgassay'"
    types "$(commands "$type")"
    expect_text 'shop_restoring_' 'its restore has died, and has changed nothing else'
    is broken
    expect_equal "$(psql_in postgres -c "SELECT oid FROM pg_database WHERE datname = 'shop'")" "$before"
    types "pgassay restore shop --swap"
    expect_equal "$(psql_in postgres -c "SELECT count(*) FROM pg_database WHERE datname ~ '_restoring_'")" 0
    is good
    # And it prints the command that goes back.
    types "$(commands "$type")"
    types "$(sed -n 's/^to go back to .*: //p' <<<"$output")"
    is broken
}

@test "every row of the table has been walked, and none wants more than two commands" {
    local symptom words type takes left=
    sed -n "s/^    row '\(.*\)'$/\1/p" "$BATS_TEST_FILENAME" >"$T/rows"
    while IFS=$'\x1f' read -r symptom type _ takes; do
        while read -r words; do
            [[ $symptom != *"$words"* ]] || continue 2
        done <"$T/rows"
        left+="$symptom"$'\n'
        [ "$(commands "$type" | grep -c '^pgassay ')" -le 2 ]
        [ -n "$takes" ] || { echo "how long does this take: $symptom" >&2; return 1; }
    done < <(table)
    expect_equal "$left" ''
}
