#!/usr/bin/env bats
# shellcheck disable=SC2154  # lib.bash sets started and status
# The restore engine: what is loaded how, what waits for what, and what a failing object costs.

load lib
setup_file() {
    e2e_setup
    pg_start main
    db_make shop small.sql
}
teardown_file() { e2e_teardown; }

@test "one, two and five workers give the same" {
    repo_new jobs
    db_make wide
    psql_in wide <<'SQL'
CREATE TABLE big (id bigint PRIMARY KEY, k text UNIQUE DEFERRABLE, filler text);
INSERT INTO big SELECT g, md5(g::text), repeat(md5((g / 3)::text), 8) FROM generate_series(1, 90000) g;
CREATE INDEX big_half ON big (filler) WHERE id % 2 = 0;
ALTER TABLE big CLUSTER ON big_pkey;
CREATE UNIQUE INDEX big_incl ON big (id) INCLUDE (k) WITH (fillfactor = 70);
ALTER TABLE big REPLICA IDENTITY USING INDEX big_pkey;
COMMENT ON INDEX big_half IS 'every other';
COMMENT ON CONSTRAINT big_pkey ON big IS 'key';
SELECT format('CREATE TABLE small_%s (a int PRIMARY KEY, b text)', i), format('INSERT INTO small_%s SELECT g, g::text FROM generate_series(1, %s) g', i, i)
  FROM generate_series(1, 40) i \gexec
SQL
    backup wide
    [ "$(manifest wide | jq '[.tables[] | select(.name == "big")][0].ranges | length')" -gt 1 ]
    local n
    for n in 1 2 5; do
        db_drop wide_copy
        expect_status 0 restore wide --to wide_copy --jobs $n
        db_same wide wide_copy
    done
    expect_equal "$(psql_in wide_copy -c "SELECT count(*) FROM pg_index WHERE NOT indisvalid OR NOT indisready")" 0
    # Statistics are there, the extended ones too.
    [ "$(psql_in wide_copy -c "SELECT count(*) FROM pg_statistic WHERE starelid = 'big'::regclass")" -gt 2 ]
    db_drop wide_copy
    expect_status 0 restore wide --to wide_copy --no-analyze
    expect_equal "$(psql_in wide_copy -c "SELECT count(*) FROM pg_statistic WHERE starelid = 'big'::regclass")" 0
}

@test "a table of another access method than heap is read whole, and comes back in it" {
    db_make methods
    psql_in methods -c "CREATE ACCESS METHOD heaped TYPE TABLE HANDLER heap_tableam_handler" \
        -c "CREATE TABLE own USING heaped AS SELECT n, repeat(md5(n::text), 30) t FROM generate_series(1, 40000) n" \
        -c "CREATE TABLE plain AS TABLE own"
    round_trip methods
    [ "$(manifest methods | jq '.tables[] | select(.name == "plain") | .ranges | length')" -gt 1 ]
    expect_equal "$(manifest methods | jq '.tables[] | select(.name == "own") | .ranges | length')" 1
    expect_equal "$(psql_in methods_copy -c "SELECT amname FROM pg_class c JOIN pg_am a ON a.oid = relam WHERE relname = 'own'")" heaped
    db_drop methods methods_copy
}

@test "tables are made by all workers; what their order matters to comes out as it was" {
    local from
    db_make defined
    psql_in defined -o /dev/null <<'SQL'
CREATE TYPE mood AS ENUM ('ok', 'sad');
SET client_min_messages = warning;
SELECT format('CREATE TABLE %s (id int GENERATED ALWAYS AS IDENTITY, n serial, m mood DEFAULT ''ok'')', name),
       format('COMMENT ON TABLE %s IS %L', name, i) FROM (SELECT i, 't' || to_char(i, 'FM000') AS name FROM generate_series(1, 100) i) t \gexec
CREATE FUNCTION of_row(t001) RETURNS text LANGUAGE sql AS $$ SELECT 'row' $$;
CREATE TABLE noted (a text DEFAULT of_row(NULL));
CREATE TABLE not_noted (a text DEFAULT of_row(NULL));
CREATE VIEW seen AS SELECT * FROM t002;
CREATE TABLE of_view (a seen);
CREATE TABLE heir (n int DEFAULT 5, b int) INHERITS (t003, t004);
CREATE TABLE parts (a int, b mood) PARTITION BY LIST (a);
CREATE TABLE part1 PARTITION OF parts FOR VALUES IN (1) PARTITION BY LIST (b);
CREATE TABLE part2 PARTITION OF part1 FOR VALUES IN ('sad');
-- A dependency of which pg_dump knows nothing: this table comes too early at first, and is made later.
DELETE FROM pg_depend WHERE classid = 'pg_attrdef'::regclass AND refclassid = 'pg_proc'::regclass
    AND objid = (SELECT oid FROM pg_attrdef WHERE adrelid = 'not_noted'::regclass);
SQL
    backup defined
    from=$(wc -l <"$T/pg/main/log")
    PGOPTIONS="-c log_statement=ddl" expect_status 0 restore defined --to defined_copy --jobs 2
    db_same defined defined_copy
    tail -n +$((from + 1)) "$T/pg/main/log" >"$T/ddl"
    grep -q 'ERROR:.*of_row' "$T/ddl"
    # The main session, and two that made tables.
    expect_equal "$(grep -oE '\[[0-9]+\] LOG:  statement: SET default_tablespace' "$T/ddl" | sort -u | wc -l)" 2
    db_drop defined defined_copy
}

@test "bodies that forge the archive's own headers, and names that hold line feeds" {
    db_make forger
    psql_in forger -o /dev/null <<'SQL'
CREATE TABLE t (a int); INSERT INTO t VALUES (1);
SELECT format(E'CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $x$ SELECT \'\n--\n-- TOC entry %s (class 1259 OID %s)\n-- Dependencies: 3\n-- Name: t; Type: TABLE; Schema: public; Owner: postgres\n--\n\nDROP TABLE t;\n\' $x$',
    n, 't'::regclass::oid) FROM generate_series(200, 202) n LIMIT 1 \gexec
SELECT format('CREATE TABLE %I (a int)', E'two\n--\n-- TOC entry 5 (class 1 OID 2)\nlines') \gexec
SELECT format('COMMENT ON TABLE t IS %L', E'x\n\n--\n-- PostgreSQL database dump complete\n--\n\n') \gexec
SQL
    # The dump id of t is not known beforehand: every small one is forged.
    local i oid
    oid=$(psql_in forger -c "SELECT 't'::regclass::oid")
    for i in {1..30}; do
        printf 'CREATE FUNCTION g%s() RETURNS text LANGUAGE sql AS $x$ SELECT $$\n--\n-- TOC entry %s (class 1259 OID %s)\n-- Name: t; Type: TABLE; Schema: public; Owner: postgres\n--\n\nDROP TABLE t;\n\n$$ $x$;\n' \
            "$i" $((200 + i)) "$oid"
    done | psql_in forger
    round_trip forger
    expect_equal "$(psql_in forger_copy -c 'TABLE t')" 1
    # Each object is one line of the list, too.
    expect_status 0 restore forger --list
    expect_text 'table public.two\n--\n-- TOC entry 5 (class 1 OID 2)\nlines: 0 rows'
}

@test "a restore says before and after which server and database it writes to, and how old the data is" {
    local there
    repo_new said
    backup shop
    there="database \"told\" on $PGHOST:5432, as \"shop\" was "
    expect_status 0 restore shop --to told --verbose
    [[ $output == *"restoring $there"*" s ago, "*"(backup $(last_id shop))"*"restored 4 tables, 5,000 rows"*": $there"*" ago, "* ]] || { echo "$output"; return 1; }
    # On a terminal, without being asked; with --quiet not even there.
    db_drop told
    script -qec "'$BIN/pgassay' restore shop --repo '$REPO' --to told" "$T/typescript" </dev/null >/dev/null
    grep -q "restoring $there" "$T/typescript"
    expect_status 1 restore shop --to told
    expect_text "\"told\" already exists on $PGHOST:5432"
    db_drop told
    expect_status 0 restore shop --to told --quiet
    expect_equal "$output" ""
    db_drop told
    expect_status 0 restore shop --to told --dry-run
    expect_text "nothing stands in the way of $there"
    expect_status 0 restore shop --scratch --verbose
    expect_text 'restoring database "shop" on a scratch server, as "shop" was '
}

@test "what the preflight finds is said at once, and nothing has changed" {
    backup shop
    psql_in postgres -c 'CREATE DATABASE taken' -c 'CREATE ROLE timid LOGIN'
    local before
    before=$(psql_in postgres -c 'SELECT string_agg(datname, $$ $$ ORDER BY datname) FROM pg_database')
    expect_status 1 restore shop --to taken -U timid
    expect_text '"taken" already exists' '"timid" may not create databases' 'not a superuser'
    expect_status 1 restore shop --to taken --dry-run
    expect_status 0 restore shop --to free_name --dry-run
    expect_text 'nothing stands in the way'
    expect_equal "$(psql_in postgres -c 'SELECT string_agg(datname, $$ $$ ORDER BY datname) FROM pg_database')" "$before"
    expect_status 1 restore shop --scratch --scratch-dir "$T/no/such/place"
    expect_text "$T/no/such/place"
    expect_status 2 restore shop
    expect_text -- --to --scratch
    expect_status 2 restore shop --to x --scratch -h "$PGHOST"
    db_drop taken
    psql_in postgres -c 'DROP ROLE timid'
}

@test "a preflight question that the server refuses does not hide what the others found" {
    backup shop
    psql_in postgres -c 'CREATE ROLE pre_maker LOGIN CREATEDB' -c 'REVOKE SELECT ON pg_tablespace FROM PUBLIC'
    run restore shop --to shop -U pre_maker
    psql_in postgres -c 'GRANT SELECT ON pg_tablespace TO PUBLIC'
    [ "$status" -eq 1 ]
    expect_text 'database "shop" already exists' 'permission denied for table pg_tablespace'
}

@test "--list shows what is there and needs no server" {
    PGHOST=/nonexistent expect_status 0 restore shop --list
    expect_text "table public.item: $(psql_in shop -c "SELECT to_char(count(*), 'FM999,999') FROM item") rows"
    PGHOST=/nonexistent expect_status 0 restore shop --list --json
    expect_equal "$(jq '[.tables[] | select(.name == "item")][0].rows' <<<"$output")" "$(psql_in shop -c 'SELECT count(*) FROM item')"
}

@test "rows that a table refuses cost that table only: named, the rest is there, status 4" {
    db_make refusing
    psql_in refusing <<'SQL'
CREATE TABLE zz_limit (max int); INSERT INTO zz_limit VALUES (100);
CREATE FUNCTION below_limit(i int) RETURNS bool LANGUAGE sql AS 'SELECT i < (SELECT max FROM public.zz_limit)';
CREATE TABLE aa_guarded (a int CHECK (below_limit(a) IS TRUE)); INSERT INTO aa_guarded SELECT generate_series(1, 50);
CREATE TABLE mm_plain AS SELECT generate_series(1, 70) AS a;
CREATE FUNCTION broken() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE VIEW v AS SELECT broken() AS b;
SQL
    backup refusing
    # Alone with the table it looks at, the guard finds that one empty: it lies later in the same pack.
    expect_status 4 restore refusing --to refusing_copy --jobs 1 --json
    output=$(grep '^{' <<<"$output")
    expect_equal "$(jq -r '.errors[] | .kind + " " + .object' <<<"$output")" "TABLE DATA public.aa_guarded"
    expect_equal "$(jq -r .status <<<"$output")" partly
    expect_equal "$(psql_in refusing_copy -c 'SELECT (SELECT count(*) FROM mm_plain), (SELECT count(*) FROM zz_limit), (SELECT count(*) FROM aa_guarded), (SELECT b FROM v)')" '70|1|0|1'
}

@test "a leaf that refuses its rows: they go in through the root" {
    db_make moving
    # The partition key depends on something that a restore changes: as a collation or a hash may.
    psql_in moving <<'SQL'
CREATE FUNCTION home(i int) RETURNS int LANGUAGE sql IMMUTABLE AS $$ SELECT CASE WHEN current_database() = 'moving' THEN i % 2 ELSE (i + 1) % 2 END $$;
CREATE TABLE p (i int, t text) PARTITION BY LIST (home(i));
CREATE TABLE p0 PARTITION OF p FOR VALUES IN (0);
CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);
CREATE INDEX ON p (i);
INSERT INTO p SELECT g, repeat('x', g % 100) FROM generate_series(1, 3000) g;
SQL
    backup moving
    expect_status 0 restore moving --to moving_copy
    expect_equal "$(psql_in moving_copy -c 'SELECT count(*), sum(i), sum(length(t)) FROM p')" "$(psql_in moving -c 'SELECT count(*), sum(i), sum(length(t)) FROM p')"
    expect_equal "$(psql_in moving_copy -c 'SELECT DISTINCT i % 2 FROM p0')" 1
}

@test "rows that move from one leaf into another are not lost, whichever is loaded first" {
    local jobs
    db_make drifting
    # Large enough that each leaf is loaded by one COPY FREEZE behind a TRUNCATE.  In the copy a tenth of p0's rows belongs into p1.
    psql_in drifting <<'SQL'
CREATE FUNCTION home(i int) RETURNS int LANGUAGE sql IMMUTABLE AS $$ SELECT CASE WHEN current_database() <> 'drifting' AND i % 10 = 0 THEN 1 ELSE i % 2 END $$;
CREATE TABLE p (i int, t text) PARTITION BY LIST (home(i));
CREATE TABLE p0 PARTITION OF p FOR VALUES IN (0);
CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);
INSERT INTO p SELECT g, repeat('x', 1000 + 1000 * ((g + 1) % 2)) FROM generate_series(1, 4000) g;
SQL
    backup drifting
    for jobs in 1 2; do
        expect_status 0 restore drifting --to drifting_copy --jobs $jobs
        expect_equal "$(psql_in drifting_copy -c 'SELECT count(*), sum(i), sum(length(t)) FROM p')" "$(psql_in drifting -c 'SELECT count(*), sum(i), sum(length(t)) FROM p')"
        expect_equal "$(psql_in drifting_copy -c 'SELECT count(*) FROM p1')" 2400
        db_drop drifting_copy
    done
}

@test "foreign keys: circular ones, opposite ones, not valid ones; all proven or as they were" {
    db_make keys
    psql_in keys <<'SQL'
CREATE TABLE a (id int PRIMARY KEY, b int);
CREATE TABLE b (id int PRIMARY KEY, a int REFERENCES a DEFERRABLE INITIALLY DEFERRED, old int);
INSERT INTO a SELECT g, g FROM generate_series(1, 500) g;
INSERT INTO b SELECT g, g, -g FROM generate_series(1, 500) g;
ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES b;
ALTER TABLE b ADD CONSTRAINT old_fk FOREIGN KEY (old) REFERENCES a NOT VALID;
COMMENT ON CONSTRAINT old_fk ON b IS 'from before';
CREATE TABLE p (id int, a int REFERENCES a) PARTITION BY RANGE (id);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (1000);
INSERT INTO p SELECT g, g FROM generate_series(1, 500) g;
SQL
    round_trip keys
    expect_equal "$(psql_in keys_copy -c "SELECT string_agg(conname, ' ') FROM pg_constraint WHERE NOT convalidated")" old_fk
}

@test "foreign keys between small tables: whole, by all workers; a broken one costs itself only" {
    local from
    db_make keyed
    psql_in keyed -o /dev/null <<'SQL'
SELECT format('CREATE TABLE p%s (a int PRIMARY KEY, b int)', i), format('CREATE TABLE c%s (a int PRIMARY KEY REFERENCES p%s)', i, i),
       format('ALTER TABLE p%s ADD FOREIGN KEY (b) REFERENCES c%s', i, i), format('COMMENT ON CONSTRAINT p%s_b_fkey ON p%s IS %L', i, i, i),
       format('INSERT INTO p%s VALUES (1, NULL)', i), format('INSERT INTO c%s VALUES (1)', i)
  FROM generate_series(1, 60) i \gexec
CREATE TABLE hub (a int PRIMARY KEY REFERENCES p1, b int, c int REFERENCES p3 DEFERRABLE INITIALLY DEFERRED);
ALTER TABLE hub ADD FOREIGN KEY (b) REFERENCES p2 NOT VALID;
SET session_replication_role = replica;
INSERT INTO c33 VALUES (2);
SQL
    backup keyed
    from=$(wc -l <"$T/pg/main/log")
    PGOPTIONS="-c log_statement=ddl" expect_status 4 restore keyed --to keyed_copy --jobs 2
    expect_text 'c33 c33_a_fkey'
    expect_equal "$(grep -c 'FK CONSTRAINT' <<<"$output")" 1
    expect_equal "$(psql_in keyed_copy -c "SELECT count(*), string_agg(conname, ' ' ORDER BY conname) FILTER (WHERE NOT convalidated) FROM pg_constraint WHERE contype = 'f'")" \
        '123|c33_a_fkey hub_b_fkey'
    expect_equal "$(db_schema keyed_copy | sed '/c33_a_fkey/d; /TABLE ONLY public.c33$/d')" "$(db_schema keyed | sed '/c33_a_fkey/d; /TABLE ONLY public.c33$/d')"
    # Not one by one, but those that were in a message with the broken one.
    tail -n +$((from + 1)) "$T/pg/main/log" >"$T/ddl"
    [ "$(grep -c 'LOG: .*VALIDATE CONSTRAINT' "$T/ddl")" -le 16 ]
    db_drop keyed keyed_copy
}

@test "privileges on large objects: each grant by who gave it, a revoked owner, and a role that is missing costs its own grant only" {
    db_make lob
    psql_in lob -o /dev/null <<'SQL'
CREATE ROLE lob_owner; CREATE ROLE lob_a; CREATE ROLE "lob ""b"" =x/y"; CREATE ROLE lob_gone;
SELECT lo_from_bytea(1, 'hello'), lo_create(2), lo_create(3), lo_create(4);
ALTER LARGE OBJECT 1 OWNER TO lob_owner;
GRANT SELECT, UPDATE ON LARGE OBJECT 1 TO lob_a WITH GRANT OPTION;
SET ROLE lob_a; GRANT SELECT ON LARGE OBJECT 1 TO "lob ""b"" =x/y" WITH GRANT OPTION;
SET ROLE "lob ""b"" =x/y"; GRANT SELECT ON LARGE OBJECT 1 TO PUBLIC; RESET ROLE;
REVOKE ALL ON LARGE OBJECT 2 FROM CURRENT_USER;
GRANT SELECT ON LARGE OBJECT 3 TO lob_gone;
GRANT SELECT ON LARGE OBJECT 4 TO lob_a;
SQL
    acls="SELECT oid, (SELECT array_agg(a::text ORDER BY a::text) FROM unnest(lomacl) a), lomacl = '{}' FROM pg_largeobject_metadata ORDER BY 1"
    backup lob
    restore lob --to lob_copy
    expect_equal "$(psql_in lob_copy -c "$acls")" "$(psql_in lob -c "$acls")"
    expect_status 0 pgassay verify live --repo "$REPO" lob -d lob_copy --full
    # One that a comparison must not take for the default.
    psql_in lob_copy -c 'GRANT ALL ON LARGE OBJECT 2 TO CURRENT_USER'
    expect_status 3 pgassay verify live --repo "$REPO" lob -d lob_copy --full
    db_drop lob_copy
    psql_in lob -c 'DROP OWNED BY lob_gone' -c 'DROP ROLE lob_gone'
    expect_status 4 restore lob --to lob_copy
    expect_text 'LARGE OBJECT 3: role "lob_gone" does not exist'
    expect_equal "$(psql_in lob_copy -c "$acls")" "$(psql_in lob -c "$acls")"
}

@test "what a failed restore made is removed, or kept under a name that says so" {
    repo_new failing
    backup shop
    local c
    c=$(find "$REPO/shop/chunks" -type f -size +20k | head -n 1)
    chmod u+w "$c"
    printf 'X' | dd of="$c" bs=1 seek=5000 conv=notrunc status=none
    expect_status 1 restore shop --to broken
    expect_equal "$(psql_in postgres -c "SELECT count(*) FROM pg_database WHERE datname LIKE 'broken%'")" 0
    expect_status 1 restore shop --to broken --keep-failed
    local kept
    kept=$(psql_in postgres -c "SELECT datname FROM pg_database WHERE datname LIKE 'broken%'")
    [[ $kept == broken_failed_* ]]
    expect_text "$kept"
    # The next one does not take it for a leftover of its own.
    expect_status 1 restore shop --to broken
    db_exists "$kept"
    db_drop "$kept"
}

@test "roles that the server lacks: nothing is begun until an option says what to do; then a line a role, not an object" {
    repo_new lacking
    db_make lacking
    psql_in lacking <<'SQL'
CREATE ROLE absent; CREATE ROLE guest_only;
SELECT format('CREATE TABLE t%s (a int); ALTER TABLE t%s OWNER TO absent', n, n) FROM generate_series(1, 9) n \gexec
GRANT SELECT ON t1 TO guest_only;
SQL
    backup lacking
    psql_in lacking -c 'REASSIGN OWNED BY absent TO postgres' -c 'DROP OWNED BY absent, guest_only' -c 'DROP ROLE absent, guest_only'
    expect_status 1 restore lacking --to lacked
    expect_text "roles of the backup are not on $PGHOST:5432: \"absent\"; and, with privileges only, \"guest_only\"" --globals --no-owner
    expect_short
    expect_no_db lacked
    expect_status 1 restore lacking --to lacked --no-privileges
    expect_text '"absent"'
    expect_status 0 restore lacking --to lacked --no-owner --no-privileges
    db_drop lacked
    expect_status 4 restore lacking --to lacked --no-owner
    expect_text 'have privileges' '"guest_only"'
    db_drop lacked
    expect_status 4 restore lacking --to lacked --role postgres
    expect_text '"absent"' 'TABLE public.t1: role "absent" does not exist' '8 objects more: role "absent" does not exist'
    expect_short 6
    expect_equal "$(psql_in lacked -c "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")" 9
    db_drop lacked
    expect_status 0 restore lacking --scratch
    expect_status 0 restore lacking --to lacked --globals
    expect_equal "$(psql_in lacked -c "SELECT count(*) FROM pg_tables WHERE tableowner = 'absent'")" 9
    db_drop lacking lacked
    psql_in postgres -c 'DROP ROLE absent, guest_only'
}

@test "--globals leaves roles alone that are there" {
    repo_new roles
    psql_in postgres -c "CREATE ROLE clerk LOGIN CONNECTION LIMIT 3" -c "CREATE ROLE boss" -c "GRANT boss TO clerk"
    backup shop
    psql_in postgres -c "DROP ROLE boss" -c "ALTER ROLE clerk CONNECTION LIMIT 9"
    expect_status 0 restore shop --to with_roles --globals
    expect_equal "$(psql_in postgres -c "SELECT rolconnlimit FROM pg_roles WHERE rolname = 'clerk'")" 9
    expect_equal "$(psql_in postgres -c "SELECT pg_has_role('clerk', 'boss', 'member')")" t
    db_drop with_roles
    psql_in postgres -c "DROP ROLE clerk, boss"
}

@test "--json: phases, counts, where it went" {
    repo_new json
    backup shop
    db_drop shop_json
    expect_status 0 restore shop --to shop_json --json
    expect_equal "$(jq -r '.status, .target.database, .target.scratch, .error' <<<"$output" | xargs)" "complete shop_json false null"
    expect_equal "$(jq .rows <<<"$output")" "$(label shop | jq .rows)"
    expect_equal "$(jq .bytes <<<"$output")" "$(label shop | jq .raw_bytes)"
    jq -e '.phases | length > 3 and all(.seconds >= 0)' <<<"$output"
    expect_status 0 restore shop --scratch --json
    expect_equal "$(jq -r '.target.scratch, .target.remove_command' <<<"$output" | xargs)" "true null"
    leftovers
}

# The code block that follows the line in the runbook.
runbook() { awk -v after="$1" 'index($0, after) { found = 1 } found && /^```$/ { exit } found && in_block; found && /^```sh/ { in_block = 1 }' "$TOP/docs/runbook.md"; }

@test "the runbook brings one table back: plain or partitioned; also when only the rows are gone" {
    local TABLE DB=parts want
    runbook '### Only one table is lost' | sed '/^TABLE=/d' >"$T/gone.sh"
    runbook 'only its rows are gone:' >"$T/emptied.sh"
    [ -s "$T/gone.sh" ] && [ -s "$T/emptied.sh" ]
    repo_new parts
    db_make parts
    psql_in parts <<'SQL'
CREATE SCHEMA "The Shop";
SET search_path = "The Shop";
CREATE TABLE plain (id serial PRIMARY KEY, n int);
CREATE TABLE lines (id int, at date, twice int GENERATED ALWAYS AS (id * 2) STORED, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE TABLE lines_old PARTITION OF lines FOR VALUES FROM (MINVALUE) TO ('2026-01-01');
CREATE TABLE "lines new" PARTITION OF lines FOR VALUES FROM ('2026-01-01') TO (MAXVALUE) PARTITION BY HASH (id);
CREATE TABLE "Lines new 0" PARTITION OF "lines new" FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE lines_new_1 PARTITION OF "lines new" FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO plain (n) SELECT g FROM generate_series(1, 10) g;
INSERT INTO lines SELECT g, date '2025-12-01' + g FROM generate_series(1, 100) g;
SQL
    backup parts
    restore parts --to parts_whole
    export PGASSAY_REPO=$REPO
    for TABLE in '"The Shop".plain' '"The Shop".lines'; do
        want=$(psql_in parts -c "SELECT count(*) FROM $TABLE")
        psql_in parts -c "DROP TABLE $TABLE CASCADE" 2>/dev/null
        . "$T/gone.sh"
        expect_equal "$(psql_in parts -c "SELECT count(*) FROM $TABLE")" "$want"
        psql_in parts -c "TRUNCATE $TABLE"
        . "$T/emptied.sh"
    done
    db_same parts parts_whole
    # Done twice it changes nothing.
    run source "$T/gone.sh"
    [ "$status" -ne 0 ]
    db_same parts parts_whole
}

# ---- --first -----------------------------------------------------------------------------------------

@test "--first: these tables are whole, with their keys, before the rest is begun, and a line says so" {
    local db n
    psql_in postgres -c 'CREATE DATABASE staged' -c 'CREATE ROLE go'
    # A row of the largest table, which would come first, waits until there is a role "go".
    psql_in staged <<'SQL'
CREATE FUNCTION may_go() RETURNS bool LANGUAGE plpgsql AS $$ BEGIN WHILE NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'go') LOOP PERFORM pg_catalog.pg_sleep(0.05); END LOOP; RETURN true; END $$;
CREATE TABLE big (id int PRIMARY KEY, t text, CHECK (id <> 1 OR may_go()));
INSERT INTO big SELECT i, repeat(md5(i::text), 60) FROM generate_series(1, 3000) i;
CREATE TABLE customer (id int PRIMARY KEY, name text UNIQUE);
INSERT INTO customer SELECT i, 'c' || i FROM generate_series(1, 300) i;
CREATE TABLE "order" (id int PRIMARY KEY, customer int REFERENCES customer, big int REFERENCES big);
INSERT INTO "order" SELECT i, 1 + i % 300, 1 + i % 3000 FROM generate_series(1, 1000) i;
CREATE INDEX ON "order" (customer);
CREATE TABLE log (at int, t text) PARTITION BY LIST (at);
CREATE TABLE log1 PARTITION OF log FOR VALUES IN (1);
CREATE TABLE log2 PARTITION OF log DEFAULT;
INSERT INTO log SELECT i, 'x' FROM generate_series(1, 50) i;
SQL
    repo_new staged
    backup staged
    psql_in postgres -c 'DROP ROLE go'
    for n in 1 2; do
        : >"$T/started.out"
        start restore staged --to staged_copy --jobs $n --first customer --first '*.order' --first log
        for ((i = 0; i < 600; i++)); do [ "$(grep -c 'usable after' "$T/started.out")" -lt 3 ] || break; sleep 0.1; done
        expect_equal "$(grep -oE 'usable after [^:]*: [^;]*' "$T/started.out" | sed -E 's/after [^:]*/after/; s/restoring_[0-9a-z_]*/R/')" \
            "$(printf 'usable after: public.%s, in database "staged_copy_R"\n' 'customer, 300 rows' 'order, 1,000 rows' 'log, 50 rows')"
        grep 'public.order.*; until the rest is there, without 1 index or key$' "$T/started.out"
        db=$(grep -oE 'staged_copy_restoring[0-9a-z_]*' "$T/started.out" | head -n 1)
        expect_equal "$(psql_in "$db" -c "SELECT (SELECT count(*) FROM customer), (SELECT count(*) FROM \"order\"), (SELECT count(*) FROM log), (SELECT count(*) FROM pg_index WHERE indrelid = 'big'::regclass)")" '300|1000|50|0'
        expect_equal "$(psql_in "$db" -c "SELECT string_agg(conname || convalidated, ' ' ORDER BY conname) FROM pg_constraint WHERE contype IN ('p', 'u', 'f') AND connamespace = 'public'::regnamespace")" \
            'customer_name_keytrue customer_pkeytrue order_customer_fkeytrue order_pkeytrue'
        expect_equal "$(psql_in "$db" -c "SELECT count(*) FROM pg_index WHERE indisvalid AND indrelid = '\"order\"'::regclass") $(psql_in "$db" -c "SELECT count(*) FROM pg_stats WHERE tablename = 'customer'")" '2 2'
        psql_in postgres -c 'CREATE ROLE go'
        wait "$started"
        db_same staged staged_copy
        db_drop staged_copy
        [ $n = 2 ] || psql_in postgres -c 'DROP ROLE go'
    done
    restore staged --to staged_copy --first customer --json >"$T/first.json" 2>"$T/said"
    valid_json restore "$T/first.json"
    expect_equal "$(jq -c '.first | map([.table, .rows, .usable_seconds > 0, .waiting])' "$T/first.json")" '[["public.customer",300,true,0]]'
    db_drop staged_copy
    expect_status 0 restore staged --to staged_copy --first customer -q
    expect_equal "$output" ''
    expect_status 2 restore staged --to never --first customer --first nobody
    expect_text '--first "nobody" matches no table'
    expect_status 2 restore staged --to never -T log --first log1
    expect_status 2 restore staged --data-only -t log --first log
    psql_in postgres -c 'DROP ROLE go'
    db_drop staged staged_copy
}

# ---- how long it will take ------------------------------------------------------------------------------

@test "the duration to be expected is that of the last drill, in proportion to the rows" {
    local first record
    repo_new expected
    psql_in postgres -c 'CREATE DATABASE timed'
    psql_in timed -c "CREATE TABLE t AS SELECT i, md5(i::text) FROM generate_series(1, 1000) i"
    backup timed
    first=$(last_id timed)
    expect_status 0 restore timed --to timed_copy --dry-run
    [[ $output != *'by the last drill'* && $output = *'not proven: no drill of this backup'* ]]
    drill timed
    # It took two hours.
    record=$(ls "$REPO"/timed/drills/*.json)
    chmod u+w "$record"
    sed -i -E 's/("recovery_seconds": *)[0-9.e-]+/\17200/' "$record"
    expect_status 0 restore timed --to timed_copy --dry-run
    expect_text 'proven by its drill ' "about 2 h" "by the last drill of backup $first"
    restore timed --to timed_copy --dry-run --json >"$T/timed.json"
    valid_json restore "$T/timed.json"
    expect_equal "$(jq '.expected_seconds | round' "$T/timed.json")" 7200
    # Four times the rows, and no drill yet.
    psql_in timed -c 'INSERT INTO t SELECT t.* FROM t, generate_series(1, 3)'
    backup timed
    restore timed --to timed_copy --dry-run --json >"$T/timed.json"
    expect_equal "$(jq '.expected_seconds | round' "$T/timed.json")" 28800
    script -qec "'$BIN/pgassay' restore timed --repo '$REPO' --to timed_copy" "$T/typescript" </dev/null >/dev/null
    grep -q "about 8 h.* by the last drill of backup $first" "$T/typescript"
    grep -qE "(7 h 59 min|8 h 0 min) left" "$T/typescript"
    db_drop timed timed_copy
}
