#!/usr/bin/env bats
# The administrator's own checks in a drill: met, missed, or not made, which is never a pass.

load lib
setup_file() {
    e2e_setup
    pg_start main
    db_make shop small.sql
    psql_in shop <<'SQL'
CREATE TABLE events (id int PRIMARY KEY, at timestamptz, day timestamp);
INSERT INTO events SELECT n, now() - n * interval '1 hour', now() - n * interval '1 day' FROM generate_series(2, 9) n;
INSERT INTO events VALUES (1, now() + interval '1 year', 'infinity');
CREATE TABLE never (at date); CREATE SCHEMA old; CREATE TABLE old.item AS SELECT 1 AS id;
CREATE VIEW recent AS SELECT id FROM events WHERE at > now() - interval '5 hours';
CREATE TABLE hidden (who text); ALTER TABLE hidden ENABLE ROW LEVEL SECURITY; INSERT INTO hidden VALUES ('x');
REVOKE ALL ON hidden FROM PUBLIC; REVOKE CONNECT ON DATABASE shop FROM PUBLIC;
CREATE FUNCTION write() RETURNS int LANGUAGE sql AS 'INSERT INTO old.item VALUES (2); SELECT 1';
CREATE FUNCTION program() RETURNS int LANGUAGE plpgsql AS $$BEGIN COPY (SELECT 1) TO PROGRAM 'cat >/dev/null'; RETURN 1; END$$;
SQL
    backup shop
}
teardown_file() { e2e_teardown; }

# check NAME LINE...: one section of the configuration; checks DRILL_OR_LIVE WANTED...: NAME=met|missed|null in its JSON.
check() {
    printf '[check %s]\ndatabase = %s\n' "$1" "${CHECK_DB:-shop}"
    shift
    printf '%s\n' "$@"
}
outcomes() { jq -r '.checks[] | "\(.name)=\(.met)"' "$1"; }

@test "checks that are met: values, orders, rows, times, views, hidden rows, a command" {
    {
        check count 'query = SELECT count(*) FROM' '    public.events' 'expect = 9'
        check order 'query = SELECT max(id) FROM events' 'search-path = public' 'expect = between 1 and 9'
        check rows 'query = SELECT id FROM public.events WHERE id > 9;' 'expect = no rows'
        check view 'query = SELECT count(*) FROM public.recent' 'expect = > 0'
        check policies 'query = SELECT count(*) FROM public.hidden' 'expect = 1'
        check fresh 'newest = events.at' 'not-older = 3h'
        check days 'newest = "public".EVENTS.day' 'not-older = 49h'
        # shellcheck disable=SC2016  # is for the check's shell
        check command 'command = test "$PGDATABASE" = pgassay_drill && test -z "$PGOPTIONS" && psql -XAtc "SELECT count(*) FROM events" "$DATABASE_URL"' 'expect = 9'
        CHECK_DB=another check another 'query = SELECT 1' 'expect = 2'
    } >"$T/pgassay.conf"
    export PGOPTIONS='-c search_path=nowhere'
    drill shop --json >"$T/met.json"
    unset PGOPTIONS
    expect_equal "$(outcomes "$T/met.json" | tr '\n' ' ')" \
        "count=true order=true rows=true view=true policies=true fresh=true days=true command=true "
    valid_json verify "$T/met.json"
    expect_equal "$(jq '.times | has("checks")' "$T/met.json")" true
}

@test "checks that are missed are differences, and the backup is not proven" {
    {
        check count 'query = SELECT count(*) FROM public.events' 'expect = 10'
        check rows 'query = SELECT id, day FROM public.events WHERE id < 3 ORDER BY 1' 'expect = no rows'
        check nothing 'query = SELECT max(id) FROM public.events WHERE id > 9' 'expect = > 0'
        check fresh 'newest = events.at' 'not-older = 90m'
        check empty 'newest = public.never.at' 'not-older = 1h'
        check fails 'command = printf "two\nlines\n\033[31m"; exit 4'
        check prints 'command = echo 41' 'expect = 42'
        CHECK_DB=shpo check misspelt 'query = SELECT 1' 'expect = 2'
        CHECK_DB=later check later 'query = SELECT 1' 'expect = 2'
        printf '[database later]\nconninfo = dbname=later\n'
    } >"$T/pgassay.conf"
    expect_status 3 drill shop --rto 1h
    expect_text "count: is not as expected: want 10, have 9" "rows: is not as expected: want no rows, have 2 rows: id=1, day=infinity; id=2, day=" \
        "nothing: is not as expected: want > 0, have null" "fresh: the newest row is too old: want not older than 1 h 30 min before" \
        "empty: the newest row is too old" "fails: the command's exit status: want 0, have 4: two; lines; \\x1b[31m" \
        "prints: the command's output is not as expected: want 42, have 41" "own checks       0 met, 7 missed" "verdict          DIFFERENT: 7 different, 0 not compared" \
        "within 1 h 0 min: met" "times            server " ", schema " ", rows " ", indexes " ", compare " ", checks "
    expect_text '[check misspelt] is for database "shpo", of which there is neither a backup here nor a section [database shpo]: it is not made'
    [[ $output != *"database later"* ]]
    expect_equal "$(storage list shop --json | jq -c '[.databases[].backups[].proven]')" "[false]"
}

@test "checks that could not be made are no pass: unknown names, writing, programs, too long, no number" {
    {
        check name 'query = SELECT count(*) FROM nowhere' 'expect = 0'
        check two 'query = SELECT 1; SELECT 2' 'expect = 1'
        check commit 'query = COMMIT' 'expect = no rows'
        check writes 'query = SELECT public.write()' 'expect = 1'
        check program 'query = SELECT public.program()' 'expect = 1'
        check files "query = SELECT pg_read_file('/etc/passwd')" 'expect = not null'
        check slow 'query = SELECT pg_sleep(600)' 'expect = no rows' 'timeout = 1s'
        check words "query = SELECT 'many'" 'expect = > 0'
        check several 'query = SELECT id FROM public.events' 'expect = 1'
        check which 'newest = item.id' 'not-older = 1h'
        check time 'newest = public.item.name' 'not-older = 1h'
        check hangs "command = echo \$\$ >$T/pid; sleep 600 & sleep 600" 'timeout = 1s'
        check none 'command = /no/such/program'
        check much 'command = yes | head -c 100000' 'expect = y'
    } >"$T/pgassay.conf"
    expect_status 3 drill shop
    expect_text "name: could not be made: tables are found by schema and name, or in search-path" "two: could not be made" "commit: could not be made" \
        "writes: could not be made: cannot execute INSERT in a read-only transaction" "program: could not be made" "files: could not be made: permission denied" \
        "slow: could not be made: it did not end within 1 s" 'words: could not be made: "many" is not a number' "several: could not be made: one value is expected" \
        'which: could not be made: several schemas have a table "item"' "time: could not be made" "hangs: could not be made" "none: could not be made: the command could not be run" \
        "much: could not be made: the command printed too much" "verdict          NOT PROVEN: 0 different, 14 not compared"
    # Nothing of its process group is left, but for what init has not yet waited for.
    expect_equal "$(pgrep -g "$(cat "$T/pid")" -r D,R,S,T)" ""
}

@test "targets that are missed fail the drill; the backup is proven, and the record says it" {
    printf 'rto = 1s\nrpo = 1h\n' >"$T/pgassay.conf"
    expect_status 0 drill shop --rto none
    # A function that a generated column calls takes its time on the scratch server.
    psql_in shop -c "CREATE FUNCTION slow(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS \$\$BEGIN IF current_database() <> 'shop' THEN PERFORM pg_sleep(1.1); END IF; RETURN 1; END\$\$" \
        -c "CREATE TABLE waits (a int, b int GENERATED ALWAYS AS (slow(a)) STORED); INSERT INTO waits VALUES (1)"
    backup shop
    expect_status 2 drill shop --rpo soon
    drill shop --json >"$T/late.json" || expect_equal "$?" 3
    expect_equal "$(jq -c '[.targets[] | {(.name): .met}] | add' "$T/late.json")" '{"rpo":true,"rto":false}'
    valid_json verify "$T/late.json"
    run cat "$(find "$REPO/shop/drills" -name "$(last_id shop)*" | sort | tail -n 1)"
    head -n 1 <<<"$output" >"$T/record.json"
    valid_json drill "$T/record.json"
    expect_equal "$(jq -c '[.equal, .targets[0].met, (.times | keys | length > 3)]' "$T/record.json")" '[true,false,true]'
}

@test "what means nothing is said before anything is begun" {
    local section text
    while IFS='|' read -r section text; do
        printf '[check x]\n%b\n' "$section" >"$T/pgassay.conf"
        expect_status 2 drill shop
        expect_text "[check x]: $text"
        leftovers
    done <<'BAD'
query = SELECT 1\nexpect = 1|database is missing
database = shop\nexpect = 1|it needs one of query, newest and command
database = shop\nquery = SELECT 1\ncommand = true|it needs one of query, newest and command
database = shop\nquery = SELECT 1|expect is missing
database = another\nquery = SELECT 1\nexpect = > many|expect: "many" is not a number
database = shop\nnewest = events\nnot-older = 1h|"events" is not a column
database = shop\nnewest = a.b|not-older is missing
database = shop\nquery = SELECT 1\nexpect = 1\ntimeout = soon|timeout "soon" is not a time
database = shop\ncommand = true\nlive = yes|a command is never run on a live database
database = shop\ncommand = true\nsearch-path = public|search-path is for a query
BAD
    chmod 666 "$T/pgassay.conf"
    expect_status 2 drill shop
    expect_text "others may write to it"
    chmod 644 "$T/pgassay.conf"
}

@test "live: only what is marked for it, read-only, no view by a superuser, and it is as of now" {
    {
        check drill 'query = SELECT 1' 'expect = 2'
        check count 'query = SELECT count(*) FROM public.events' 'expect = 9' 'live = yes'
        check fresh 'newest = events.at' 'not-older = 1d' 'live = yes'
        check writes 'query = SELECT public.write()' 'expect = 1' 'live = yes'
        check view 'query = SELECT count(*) FROM public.recent' 'expect = > 0' 'live = yes'
    } >"$T/pgassay.conf"
    run pgassay verify live shop --repo "$REPO" -d "$(pg_uri shop)" --json
    printf '%s' "$output" >"$T/live.json"
    expect_equal "$(outcomes "$T/live.json" | tr '\n' ' ')" "count=true fresh=true writes=null view=null "
    [ "$status" -eq 3 ]
    valid_json verify "$T/live.json"
}
