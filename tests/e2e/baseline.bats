#!/usr/bin/env bats
# Baselines: what a database was, noted without a backup; a running database compared with one, within what is expected of it.

load lib
setup_file() {
    e2e_setup
    pg_start main autovacuum=on autovacuum_naptime=1h autovacuum_freeze_max_age=100000
    psql_in postgres -c 'CREATE DATABASE base TEMPLATE template0'
    psql_in base <<'SQL'
CREATE TABLE orders (id serial PRIMARY KEY, v text);
INSERT INTO orders (v) SELECT 'x' FROM generate_series(1, 1000);
CREATE TABLE country (c text PRIMARY KEY);
INSERT INTO country VALUES ('at'), ('de');
CREATE TABLE cache (x int);
CREATE TABLE stock (n int);
INSERT INTO stock SELECT i FROM generate_series(1, 100) i;
CREATE TABLE audit (a int);
CREATE SCHEMA web;
CREATE TABLE web.session (s int, d text DEFAULT 'x');
SELECT lo_from_bytea(0, 'large');
SQL
}
teardown_file() { e2e_teardown; }
setup() {
    pg_use main
    repo_new "$BATS_TEST_NUMBER"
    db_drop shop
    psql_in postgres -c 'CREATE DATABASE shop TEMPLATE base'
    cat >"$T/expect.conf" <<INI
[database shop]
conninfo = dbname=shop
[expect shop.orders]
rows = only-grows
[expect shop.public.country]
rows = static
[expect shop.cache]
rows = ignore
reason = it is a cache
[expect shop.stock]
rows = ±5%
INI
}

baseline() { local verb=$1; shift; pgassay verify baseline "$verb" shop --repo "$REPO" "$@"; }
record() { baseline record --config "$T/expect.conf" --json "$@" | jq -r .baseline; }
live() { pgassay verify live shop --repo "$REPO" --config "$T/expect.conf" "$@"; }
# The findings of --json, one a line.
found() { jq -r '.findings[] | select(.class != "note") | "\(.class) \(.object): \(.what)"' <<<"$output"; }

# bats test_tags=versions
@test "a baseline is recorded, listed, shown, found by its name, and removed; backups know nothing of it" {
    local id
    expect_status 1 baseline show
    expect_text 'no baseline of "shop"' "pgassay verify baseline record shop"
    baseline record --config "$T/expect.conf" --name 'before the move' --json >"$T/one.json"
    valid_json baseline-show "$T/one.json"
    jq -e '[.table_list[] | {(.name): .known_by}] | add == {audit: "count", cache: "count", country: "contents", orders: "count", stock: "count", session: "count"}' "$T/one.json"
    jq -e '.rows == 1102 and .large_objects == 1 and .note == "before the move" and .next_xid > 0 and .xid_age > 0' "$T/one.json"
    id=$(jq -r .baseline "$T/one.json")
    head -n 1 "$REPO/shop/baselines/$id/baseline.json" >"$T/stored.json"
    valid_json baseline "$T/stored.json"
    zstd -dcq "$REPO/shop/baselines/$id/manifest.json.zst" >"$T/stored.json"
    valid_json manifest "$T/stored.json"
    expect_status 0 baseline record -d dbname=shop
    expect_equal "$output" ""
    baseline list --json >"$T/list.json"
    valid_json baseline-list "$T/list.json"
    jq -e '.baselines | length == 2' "$T/list.json"
    expect_status 0 baseline list
    expect_text "$id" "before the move" "1,102"
    baseline show 'before the move' --json | jq -e ".baseline == \"$id\""
    expect_status 0 baseline show "$id"
    expect_text "$id (before the move) of shop" "the contents of 1"
    expect_status 2 baseline record --config "$T/expect.conf" --name latest
    # A backup beside them: what is kept, read and copied is that alone.
    backup shop -d dbname=shop
    expect_status 0 storage list shop
    [[ $output != *"$id"* ]]
    expect_status 0 storage scrub
    storage policy --keep-last 1 >/dev/null
    expect_status 0 storage prune
    pgassay storage init "$T/second" -q
    expect_status 0 pgassay storage copy "$REPO" "$T/second" shop
    [ ! -e "$T/second/shop/baselines" ]
    expect_status 0 pgassay verify chain --repo "$REPO"
    expect_status 0 baseline show "$id"
    # Of two with one name none is guessed.
    record --name twice; record --name twice
    expect_status 2 baseline rm twice
    expect_text "2 baselines"
    baseline rm "$id"
    expect_status 1 baseline show "$id"
    expect_text "(twice)"
    expect_equal "$(find "$REPO/shop/baselines" -path "*$id*")" ""
}

# bats test_tags=versions
@test "a running database is compared within what is expected of each table" {
    record --name first
    expect_status 0 live --baseline first
    expect_equal "$output" ""
    # As it should go on: rows, and the sequence that belongs to them.
    psql_in shop -c "INSERT INTO orders (v) VALUES ('y'); INSERT INTO cache VALUES (1), (2); INSERT INTO stock VALUES (1), (2), (3), (4), (5)"
    expect_status 0 live --baseline first --json
    echo "$output" >"$T/live.json"
    valid_json verify "$T/live.json"
    jq -e '.baseline_name == "first" and .compared.static_tables == 1 and (.xid_now.xid_databases | length > 0)' <<<"$output"
    jq -e '.findings | map(select(.object == "public.cache")) | .[0].class == "note" and .[0].have == "it is a cache"' <<<"$output"
    expect_status 0 live --baseline first --verbose
    expect_text "(first) of shop" "but for 1 static table" "of 2,147,483,648 transactions" "days left"
    # As it should not.
    psql_in shop -c "DELETE FROM orders WHERE id < 10; UPDATE country SET c = 'xx' WHERE c = 'at'; INSERT INTO stock VALUES (6); INSERT INTO audit VALUES (1)" \
        -c "SELECT setval('orders_id_seq', 5)" -c "DROP TABLE web.session; CREATE TABLE fresh (n int); CREATE INDEX ON orders (v)" \
        -c "ALTER TABLE audit ALTER a SET DEFAULT 7"
    expect_status 3 live --baseline first --json
    expect_equal "$(found | sort)" "$(sort <<'WANT'
different web.session: missing
different public.fresh: not in the baseline
different public.orders: number of rows, which only grows
different public.country: contents (as many rows, other values): fingerprint
different public.stock: number of rows, give or take 5 %
different public.audit: number of rows
different public.orders_id_seq: last value
different TABLE public.audit: definition
different INDEX public.orders_v_idx: not in the baseline
different TABLE public.fresh: not in the baseline
different TABLE web.session: missing
WANT
)" || { found >&2; return 1; }
    # A baseline has no rows of which one could be named.
    [[ $output != *" row:"* && $output != *" rows:"* ]]
    # A backup is compared within the same, and without the configuration exactly.
    backup shop -d dbname=shop
    psql_in shop -c "INSERT INTO orders (v) VALUES ('z')"
    expect_status 0 live
    expect_status 3 pgassay verify live shop --repo "$REPO" -d dbname=shop
    expect_text "public.orders: number of rows: want" "public.orders_id_seq"
}

@test "what was not really compared is no success: contents of counted tables, sections that match nothing, wrong words" {
    record --name first
    expect_status 3 live --baseline first --full --json
    expect_equal "$(found | cut -d: -f1 | sort | paste -sd,)" \
        "not_compared pg_largeobject,not_compared public.audit,not_compared public.orders,not_compared public.stock,not_compared web.session"
    expect_status 2 live --baseline first --backup latest
    expect_status 2 live --estimate --full
    expect_status 1 live --baseline nosuch
    expect_text 'no baseline of "shop" is called "nosuch"' "(first)"
    printf '[expect shop.oders]\nrows = exact\n' >>"$T/expect.conf"
    expect_status 3 live --baseline first
    expect_text "[expect shop.oders]: matches no table"
    printf '[expect shop.audit]\nrows = some\n' >>"$T/expect.conf"
    expect_status 2 live --baseline first
    expect_text "[expect shop.audit]: rows \"some\" is none of"
    expect_status 2 baseline record --config "$T/expect.conf"
    # Damaged, or of another database under the name.
    printf '%s\n' '{}' >"$T/bad.json"
    chmod u+w "$REPO"/shop/baselines/*/baseline.json
    cp "$T/bad.json" "$(ls "$REPO"/shop/baselines/*/baseline.json)"
    expect_status 0 baseline list
    expect_text "baseline label"
    expect_status 1 baseline record -d dbname=base
    expect_text "not \"base\"" "take a backup first"
}

@test "two are compared with each other: baselines, backups, one of each" {
    record --name first
    backup shop -d dbname=shop
    expect_status 0 baseline diff first latest
    psql_in shop -c "INSERT INTO orders (v) VALUES ('y'); UPDATE country SET c = 'xx' WHERE c = 'at'; UPDATE stock SET n = 0 WHERE n = 1" \
        -c "ALTER TABLE audit ADD b int; CREATE TABLE fresh (n int); DROP TABLE cache; ALTER TABLE web.session ALTER d SET DEFAULT 'z'" -c "ALTER DATABASE shop CONNECTION LIMIT 7"
    sed -i '/cache/,+2d' "$T/expect.conf"
    record --name second
    backup shop -d dbname=shop
    baseline diff first second --json >"$T/diff.json" && return 1
    valid_json baseline-diff "$T/diff.json"
    output=$(cat "$T/diff.json")
    expect_equal "$(found | sort)" "$(sort <<'WANT'
different public.audit: column 2
different public.cache: missing
different public.fresh: new
different public.orders: number of rows
different public.country: contents (as many rows, other values)
different public.orders_id_seq: last value
different TABLE public.audit: definition
different TABLE public.cache: missing
different TABLE public.fresh: new
different TABLE web.session: definition
different database: connection_limit 7, was -1
WANT
)" || { found >&2; jq -c '.findings[]' "$T/diff.json" >&2; return 1; }
    # Backups have read everything.
    expect_status 3 baseline diff latest~1 latest
    expect_text "public.stock: contents" "public.country: contents" "compared         5 tables"
    expect_status 0 baseline show --backup latest~1
    expect_text "backup           2" "the contents of 6"
    baseline show --at "$(date -u +%FT%TZ)" --json >"$T/one.json"
    valid_json baseline-show "$T/one.json"
    jq -e '.backup and ([.table_list[].known_by] | unique == ["contents"])' "$T/one.json"
    expect_status 2 baseline show first --backup latest
    expect_status 3 baseline diff first latest
    expect_text "public.country: contents"
    [[ $output != *"public.stock: contents"* ]]
    expect_status 0 baseline diff second latest
    expect_status 1 baseline diff second nosuch
    expect_text "\"nosuch\" is no baseline"
    # What one of them does not hold is not said to be equal.
    backup shop -d dbname=shop --data-only
    expect_status 0 baseline diff second "$(find "$REPO/shop/backups" -mindepth 1 -maxdepth 1 -printf '%f\n' | sort | tail -n 1)" --verbose
    expect_text "holds no definitions (--data-only): they are not compared" "0 objects"
}

@test "big tables are estimated when that is asked for, and named" {
    psql_in shop -c "CREATE TABLE huge AS SELECT i, repeat('x', 200) AS t FROM generate_series(1, 40000) i" -c 'ANALYZE huge' \
        -c "CREATE TABLE unseen AS TABLE huge"
    record --name exact
    record --name rough --estimate
    baseline show rough --json | jq -e '.estimated == 1 and ([.table_list[] | select(.known_by == "estimate").name] == ["huge"])'
    expect_status 0 baseline show rough
    expect_text "estimated        public.huge"
    expect_status 0 live --baseline exact --estimate --json
    jq -e '.compared.estimates and ([.findings[] | select(.group == "rows" and (.what | test("estimated"))).object] == ["public.huge"])' <<<"$output"
    expect_status 0 live --baseline rough
    # An eleventh more is more than an estimate may be off; whoever says exact has it counted.
    psql_in shop -c "INSERT INTO huge SELECT i, repeat('x', 200) FROM generate_series(1, 500) i"
    expect_status 0 live --baseline exact --estimate
    expect_status 3 live --baseline exact
    printf '[expect shop.huge]\nrows = exact\n' >>"$T/expect.conf"
    expect_status 3 live --baseline exact --estimate
    expect_text "public.huge: number of rows: want 40000, have 40500"
    sed -i '/huge/,+1d' "$T/expect.conf"
    psql_in shop -c "INSERT INTO huge SELECT i, repeat('x', 200) FROM generate_series(1, 5000) i"
    expect_status 3 live --baseline exact --estimate
    expect_text "public.huge: number of rows (estimated): want 40000"
    # No definitions, and it says so; tables and columns all the same.
    psql_in shop -c "TRUNCATE huge; INSERT INTO huge SELECT i, repeat('x', 200) FROM generate_series(1, 40000) i" -c "CREATE INDEX ON huge (i)"
    expect_status 0 live --baseline exact --estimate --verbose
    expect_text "definitions beyond tables and columns were NOT compared"
    psql_in shop -c "ALTER TABLE audit ADD b int"
    expect_status 3 live --baseline exact --estimate
    expect_text "public.audit: column 2"
}

@test "encrypted and signed: hidden from who cannot read, believed of who may write" {
    local k id file
    for k in ops host mallory admin; do pgassay storage keygen "$T/$k" -q; done
    pgassay storage init "$T/sealed" -q --encrypt-to "$T/ops.pub" --repo-option "sign-key=$T/admin" --repo-option "trust-admin=$T/admin.pub"
    export REPO=$T/sealed
    cat >>"$T/expect.conf" <<INI
[repo sealed]
path = $T/sealed
sign-key = $T/host
trust-backup = $T/host.pub
trust-admin = $T/admin.pub
INI
    REPO=sealed
    pgassay storage keys trust --config "$T/expect.conf" --repo sealed --identity "$T/ops" >/dev/null
    id=$(record --name zebraname)
    ! grep -rq -e zebraname -e country "$T/sealed/shop" || return 1
    ls "$T/sealed/shop/baselines/$id/manifest.json.zst.enc"
    head -n 1 "$T/sealed/shop/baselines/$id/baseline.json" >"$T/stored.json"
    valid_json baseline "$T/stored.json"
    # Without a key it is there, and has no name.
    expect_status 0 baseline list --config "$T/expect.conf"
    expect_text "$id"
    [[ $output != *zebraname* ]]
    expect_status 0 baseline show --config "$T/expect.conf"
    expect_text "no key to read it"
    expect_status 1 live --baseline "$id"
    expect_status 1 live --baseline zebraname
    expect_text "there is $id; names are encrypted, and shown with --identity"
    expect_status 0 live --baseline zebraname --identity "$T/ops"
    # Nobody else's, and not another's label.
    baseline record --config "$T/expect.conf" --name forged --repo-option "sign-key=$T/mallory" && return 1
    file=$T/sealed/shop/baselines/$id/baseline.json
    chmod u+w "$file"
    sed -i '1s/"rows":1102/"rows":1103/' "$file"
    expect_status 1 live --baseline "$id" --identity "$T/ops"
    expect_text "signature"
    expect_status 0 baseline list --config "$T/expect.conf"
    expect_text "$id" "signature"
    # The newest is not quietly another one when it is spoilt.
    sed -i '1s/"rows":1103/"rows":1102/' "$file"
    record --name zebrasister
    sed -i '1s/"rows":1102/"rows":1103/' "$file"
    expect_status 0 live --baseline latest --identity "$T/ops"
    [[ $output != *"passed over"* ]]
    sed -i '1s/"rows":1103/"rows":1102/' "$file"
    file=$(ls "$T"/sealed/shop/baselines/*/baseline.json | tail -n 1)
    chmod u+w "$file"
    sed -i '1s/"rows":1102/"rows":1103/' "$file"
    expect_status 0 live --baseline latest --identity "$T/ops"
    expect_text "is passed over: " "signature"
}

@test "live --amcheck finds damage at the source, and says when it could not look" {
    since 14
    record --name first
    expect_status 3 live --baseline first --amcheck
    expect_text "not compared" "CREATE EXTENSION amcheck"
    psql_in shop -c 'CREATE EXTENSION amcheck' -c "CREATE FUNCTION f(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT \$1'" -c 'CREATE INDEX stock_f ON stock (f(n))'
    record --name with
    expect_status 0 live --baseline with --amcheck
    # Rows that the index does not have.
    psql_in shop -c "CREATE OR REPLACE FUNCTION f(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT \$1 + 1'"
    expect_status 3 live --baseline with --amcheck
    expect_text "amcheck" "stock_f" "damaged"
}

# A baseline of so many days ago, at which the server had used up only a share of its XIDs: in a repository without signatures labels
# can be changed.
backdate() { # ID DAYS NEXT_XID
    local dir=$REPO/shop/baselines at new
    at=$(date -u -d "now - $2 days" +%Y-%m-%dT%H:%M:%SZ)
    new=$(date -u -d "now - $2 days" +%Y%m%dT%H%M%SZ)-${1##*-}
    mv "$dir/$1" "$dir/$new"
    chmod u+w "$dir/$new/baseline.json"
    sed -i "s/$1/$new/; s/\"snapshot\":\"[^\"]*\"/\"snapshot\":\"$at\"/; s/\"next_xid\":[0-9]*/\"next_xid\":$3/" "$dir/$new/baseline.json"
    echo "$new"
}

@test "days left go by baselines, too, and live says how old the server's XIDs are" {
    local next old
    next=$(psql_in shop -c 'SELECT pg_snapshot_xmax(pg_current_snapshot())')
    record --name today
    old=$(backdate "$(record)" 40 $((next - 400)))
    backdate "$(record)" 8 $((next - 240)) >/dev/null
    pgassay verify xid shop --config "$T/expect.conf" --repo "$REPO" --json >"$T/xid.json"
    valid_json health "$T/xid.json"
    jq -e ".facts.rate | .since == \"$old\" and .since_kind == \"baseline\" and .per_day > 9 and .per_day < 11 and .recent_per_day > 25 and (.trend | length) == 2" "$T/xid.json"
    expect_status 0 live --baseline today --verbose
    expect_text "since baseline $old" "transactions a day over the last 7 days, fewer before that"
    # Old ones are a difference.
    pg_stop main
    as_server "$SERVER_BIN/pg_resetwal" -x $(((next / 32768 + 40) * 32768)) -D "$T/pg/main" >/dev/null
    pg_up main
    expect_status 3 live --baseline today
    expect_text "XID age" "database shop: is 1,3" "1310 % of autovacuum_freeze_max_age" "-> "
    live --baseline today --json >"$T/live.json" || [ $? -eq 3 ]
    valid_json verify "$T/live.json"
    jq -e '[.findings[] | select(.group == "XID age" and .class == "different").advice | length > 0] | . != [] and all' "$T/live.json"
    # The oldest is named, not the first.
    psql_in base -c 'VACUUM (FREEZE)'
    expect_status 3 pgassay verify xid
    expect_text "(database postgres)"
}
