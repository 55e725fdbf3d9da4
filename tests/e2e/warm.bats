#!/usr/bin/env bats
# Warm drills: the copy is kept, what has changed is loaded again, and everything is compared as ever.  All of it in an
# encrypted repository.

load lib
setup_file() {
    e2e_setup
    pg_start main
    pgassay storage keygen "$T/ops"
    export REPO=$T/sealed W=$T/kept
    pgassay storage init --repo "$REPO" --encrypt-to "$T/ops.pub"
    db_make shop small.sql
    psql_in shop -o /dev/null <<'SQL'
-- Several ranges; and what reads, or fires on, what is loaded.
CREATE TABLE log (id bigint PRIMARY KEY, item int NOT NULL REFERENCES item, what text NOT NULL);
COMMENT ON CONSTRAINT log_item_fkey ON log IS 'each is about one';
INSERT INTO log SELECT i, 1 + i % 2000, repeat(md5(i::text), 8) FROM generate_series(1, 120000) i;
CREATE TABLE tally (n bigint);
INSERT INTO tally VALUES (0);
CREATE FUNCTION count_it() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN UPDATE tally SET n = n + 1; RETURN NULL; END';
CREATE TRIGGER counts AFTER INSERT OR DELETE ON sale FOR EACH ROW EXECUTE FUNCTION count_it();
CREATE FUNCTION times(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT count(*)::int FROM public.item WHERE id = $1';
CREATE INDEX late ON sale (times(item));
CREATE TABLE part (id int, region text) PARTITION BY LIST (region);
CREATE TABLE part_a PARTITION OF part FOR VALUES IN ('a');
CREATE TABLE part_b PARTITION OF part FOR VALUES IN ('b');
INSERT INTO part SELECT i, CASE WHEN i % 2 = 0 THEN 'a' ELSE 'b' END FROM generate_series(1, 100) i;
SQL
    backup shop
    db_make tiny
    # Rows of which a day will come when they are not accepted any more.
    psql_in tiny -c 'CREATE TABLE t AS SELECT generate_series(1, 10) AS i' -c 'CREATE DOMAIN due AS date CHECK (VALUE >= current_date)' \
        -c "CREATE TABLE bill (id int CHECK (id > 0), days due[]); INSERT INTO bill VALUES (1, ARRAY[current_date + 2]::due[])"
    backup tiny
}
teardown_file() { e2e_teardown; }

# warm STATUS DB KIND [OPTION...]: a drill that keeps its copy, which must be of this kind; its document is $T/warm.json.
warm() {
    local want=$1 db=$2 kind=$3 rc=0
    shift 3
    drill "$db" --warm "$W" --identity "$T/ops" --json "$@" >"$T/warm.json" 2>"$T/warm.err" || rc=$?
    [ "$rc" -eq "$want" ] || { echo "status $rc, wanted $want" >&2; cat "$T/warm.err" "$T/warm.json" >&2; return 1; }
    [ "$kind" = "$(jq -r 'if .copy.warm then "warm" else "cold" end' "$T/warm.json")" ] || { jq .copy "$T/warm.json" >&2; return 1; }
    ls -d "$W"/pgassay-?????? 2>/dev/null && return 1
    return 0
}
# The drill made its copy anew, for a reason with this in it.
because() { [[ $(jq -r .copy.why "$T/warm.json") == *"$1"* ]] || { jq .copy "$T/warm.json" >&2; return 1; }; }
# The kept cluster's own server, for a statement.
in_kept() {
    [ "$(id -u)" -ne 0 ] || chown -R postgres "$W/data"
    as_server "$SERVER_BIN/postgres" --single -D "$W/data" pgassay_drill >"$T/single" 2>&1 <<<"$1" || { cat "$T/single" >&2; return 1; }
}

@test "the first drill is cold, the next loads what has changed and proves all of it" {
    warm 0 shop cold
    because "nothing was kept"
    valid_json verify "$T/warm.json"
    expect_equal "$(stat -c %a "$W/pgassay-warm.json" "$W/rows.json" | sort -u)" 600
    # Rows added and gone, which a trigger counts; an item that both is new and is referred to; a partition, a large object,
    # a sequence.
    psql_in shop -o /dev/null <<'SQL'
INSERT INTO item (id, name) VALUES (2001, 'new');
INSERT INTO log SELECT i, 2001, 'new' FROM generate_series(120001, 120100) i;
DELETE FROM sale WHERE id < 100;
INSERT INTO part VALUES (1000, 'a');
SELECT lo_from_bytea(0, decode(md5('another'), 'hex'));
SELECT nextval('sale_id_seq');
REFRESH MATERIALIZED VIEW sold;
SQL
    backup shop
    warm 0 shop warm
    valid_json verify "$T/warm.json"
    # Not the ranges of the log that were there, nor the empty tables.
    expect_equal "$(jq '.copy.rows > 100 and .copy.rows < .compared.rows / 2' "$T/warm.json")" true
    expect_status 0 pgassay verify history shop --repo "$REPO" --identity "$T/ops"
    expect_text "warm, "
    pgassay verify history shop --repo "$REPO" --identity "$T/ops" --json | grep -F "$(jq -r .copy.text "$T/warm.json")"
}

@test "rows that were changed in the kept copy are no proof: it is made anew, and that is compared" {
    in_kept "UPDATE item SET name = 'forged' WHERE id = 5"
    warm 0 shop cold
    because "the kept copy differed: rows public.item"
}

@test "a changed definition is named, and the copy made anew" {
    psql_in shop -c "COMMENT ON TABLE part IS 'in two'"
    backup shop
    warm 0 shop cold
    because "definitions have changed: COMMENT public.TABLE part"
}

@test "rows that break a foreign key are found by a warm drill as by a cold one" {
    psql_in shop -c "SET session_replication_role = replica" -c "DELETE FROM item WHERE id = 2001"
    backup shop
    warm 3 shop cold
    because log_item_fkey
    jq -e '.findings[] | select(.object | test("log_item_fkey"))' "$T/warm.json" >/dev/null
    [ ! -e "$W/data" ]
}

@test "kill -9 in the middle, another database, damage, and every N-th: made anew" {
    warm 0 tiny cold
    because "the last drill did not end, or did not pass"
    # As if eight more had been warm.
    jq -c '.warm_drills = 8' "$W/pgassay-warm.json" >"$T/state.json" && cat "$T/state.json" >"$W/pgassay-warm.json"
    setsid "$BIN/pgassay-verify" drill tiny --repo "$REPO" --identity "$T/ops" --warm "$W" >/dev/null 2>&1 3>&- 4>&- &
    while [ -e "$W/data" ]; do sleep 0.02; done
    kill -9 $!
    wait $! || true
    # The server that it has left may be half removed.
    mkdir -p "$W/pgassay-killed/.removed-7/.removed-3"
    warm 0 tiny cold
    because "the last drill did not end, or did not pass"
    jq -c '.warm_drills = 8' "$W/pgassay-warm.json" >"$T/state.json" && cat "$T/state.json" >"$W/pgassay-warm.json"
    warm 0 tiny warm
    # What the clock may forbid is loaded again.
    expect_equal "$(jq -c '[.copy.tables, .copy.rows]' "$T/warm.json")" "[1,1]"
    warm 0 tiny cold
    because "one drill in 10 is"
    # What a check or amcheck finds may be the kept copy's fault, too.
    printf '[check never]\ndatabase = tiny\nquery = SELECT 1\nexpect = 2\n' >"$T/never.conf"
    PGASSAY_CONFIG=$T/never.conf warm 3 tiny cold
    because "the kept copy differed: check"
    warm 0 tiny cold
    # Indexes are in the order of the collations that were there.
    sed -i 's/"server":"[0-9.]*/&1/' "$W/rows.json"
    warm 0 tiny cold
    because "the server, its collations or its extensions have changed"
    [ -n "${E2E_LONG:-}" ] || return 0
    echo '{' >"$W/pgassay-warm.json"
    warm 0 tiny cold --cold-every 1
    because "what is noted of the kept copy is damaged"
    jq -c '.database = "shop"' "$W/pgassay-warm.json" >"$T/state.json" && cat "$T/state.json" >"$W/pgassay-warm.json"
    warm 0 tiny cold
    because "the kept copy is of database shop"
}

@test "a directory that is not ours is refused, and left as it is; and one that is in use" {
    mkdir "$T/home2" && echo precious >"$T/home2/notes"
    expect_status 2 drill tiny --warm "$T/home2" --identity "$T/ops"
    expect_text "home2\" is no directory of a drill's: it holds \"notes\"" "nothing in it was touched"
    expect_short
    expect_equal "$(ls -A "$T/home2")" notes
    # With our file in it, too; and what has but the name of a server.
    mkdir "$W/pgassay-backup" && echo precious >"$W/pgassay-backup/notes"
    expect_status 2 drill tiny --warm "$W" --identity "$T/ops"
    expect_text "it holds \"pgassay-backup\""
    rm -r "$W/pgassay-backup"
    cp "$W/pgassay-warm.json" "$T/home2/"
    expect_status 2 drill tiny --warm "$T/home2" --identity "$T/ops"
    mkdir -m 777 "$T/open" && chmod 777 "$T/open"
    expect_status 1 drill tiny --warm "$T/open" --identity "$T/ops"
    expect_text "can be written to by others"
    expect_equal "$(ls -A "$T/open")" ""
    expect_status 1 flock "$W" "$BIN/pgassay" verify drill tiny --repo "$REPO" --warm "$W" --identity "$T/ops"
    expect_text "another drill is using"
    expect_status 2 drill tiny --warm "$W" --identity "$T/ops" --self-test
}
