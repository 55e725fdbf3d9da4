#!/usr/bin/env bats
# Proving: a drill and a live comparison find what is different, and only that.

load lib
setup_file() {
    e2e_setup
    pg_start main
    db_make shop small.sql
    psql_in shop <<'SQL'
-- Definitions that print differently after one dump and restore.
CREATE TABLE unstable (v varchar(10) CHECK (v IN ('a', 'b')), c char(3) CHECK (c <> 'x'));
CREATE VIEW vague AS SELECT NULL AS n, 'x' AS u, v FROM unstable WHERE v = ANY (ARRAY['a', 'b']::varchar[]);
CREATE RULE r AS ON DELETE TO vague DO INSTEAD DELETE FROM unstable WHERE v = OLD.v AND c = ANY ('{a,b}');
ALTER TABLE item ADD CONSTRAINT dear CHECK (name::varchar <> ALL (ARRAY['p'::varchar, 'q'::varchar]));
CREATE FUNCTION twice(int) RETURNS int LANGUAGE sql AS 'SELECT 2 * $1';
CREATE TABLE gen (a int, b int GENERATED ALWAYS AS (a * 2) STORED);
INSERT INTO gen SELECT generate_series(1, 10);
CREATE SEQUENCE seq;
SQL
    backup shop
}
setup() { db_drop copy; }
teardown_file() { e2e_teardown; }

live() { pgassay verify live shop --repo "$REPO" -d "$(pg_uri copy)" --full "$@"; }

@test "a drill of a good backup: status 0 and a page that says what was compared" {
    expect_status 0 drill shop --verbose
    expect_text rows "recovery time" "verdict          equal"
    expect_status 0 drill shop
    expect_equal "$output" ""
    leftovers
    # It has a name now, which a newer one that nobody has tried does not take from it.
    cp -r "$REPO" "$T/newer"
    export PGASSAY_STATE_DIR=$T/state.newer REPO=$T/newer
    plant shop --at "$(date -u +%Y-%m-%dT%H:%M:%SZ)"
    expect_equal "$(storage show shop proven --json | jq -r .backup)" "$(backup_ids shop | head -n 1)"
    expect_equal "$(restore shop --to proven --proven --dry-run --json | jq -r .backup.id)" "$(backup_ids shop | head -n 1)"
}

@test "its JSON keeps to the schema and names the verdict" {
    drill shop --json >"$T/drill.json"
    jq -e . "$T/drill.json" >/dev/null
    [ ! -f "$TOP/docs/schema/verify.json" ] || valid_json verify "$T/drill.json"
}

@test "the running database is equal, and so is a copy of it" {
    restore shop --to copy
    expect_status 0 live
    expect_status 0 pgassay verify live shop --repo "$REPO" -d "$(pg_uri shop)" --full
}

@test "all differences in a running database are found and named, not only the first" {
    restore shop --to copy
    local wanted=() name change
    while IFS='|' read -r name change; do
        psql_in copy -c "$change" -o /dev/null
        wanted+=("$name")
    done <<'CHANGES'
public.item|UPDATE item SET tags = ARRAY['a', 'NULL', '5'] WHERE id = 5
public.sale|DELETE FROM sale WHERE id = 77
nothing|INSERT INTO nothing DEFAULT VALUES
empty|DROP TABLE empty
extra|CREATE TABLE extra (a int)
sale_id_seq|SELECT nextval('sale_id_seq')
seq|SELECT setval('seq', 1, true)
sale_item_idx|DROP INDEX sale_item_idx
sale_item_fkey|ALTER TABLE sale DROP CONSTRAINT sale_item_fkey
twice|CREATE OR REPLACE FUNCTION twice(int) RETURNS int LANGUAGE sql AS 'SELECT 3 * $1'
dear|CREATE OR REPLACE VIEW dear AS SELECT * FROM item WHERE price > 101
unstable|ALTER TABLE unstable DROP CONSTRAINT unstable_v_check
large object|SELECT lo_put(oid, 3, '\xff') FROM pg_largeobject_metadata
sold|REFRESH MATERIALIZED VIEW sold WITH NO DATA
hstore|CREATE EXTENSION hstore
gen|COMMENT ON COLUMN gen.a IS 'something else'
vague|GRANT SELECT ON vague TO pg_monitor
CHANGES
    expect_status 3 live
    expect_text "${wanted[@]}"
}

@test "a drill whose restore lost rows is a difference" {
    # The archive's own trigger of evil: a rule makes the restored table lose what is loaded afterwards.
    db_make lossy
    psql_in lossy -c 'CREATE TABLE t AS SELECT i FROM generate_series(1, 10) i' -c 'CREATE MATERIALIZED VIEW mv AS SELECT count(*) FROM t'
    backup lossy
    expect_status 0 drill lossy
}

@test "a database that does not restore without an error: said by object, never equal" {
    db_make broken
    psql_in broken <<'SQL'
CREATE TABLE fine AS SELECT 1 AS a;
CREATE FUNCTION needs_table() RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT a FROM fine LIMIT 1';
CREATE TABLE checked (a int CHECK (a > 0));
INSERT INTO checked VALUES (1);
CREATE VIEW over_gone AS SELECT 1 AS one;
SQL
    # A foreign key that its rows break, which no server would have let in.
    psql_in broken -c 'CREATE TABLE p (id int PRIMARY KEY)' -c 'CREATE TABLE c (p int REFERENCES p)' \
        -c 'SET session_replication_role = replica' -c 'INSERT INTO c VALUES (5)'
    backup broken
    db_drop broken_copy
    expect_status 4 restore broken --to broken_copy
    expect_text c_p_fkey
    db_drop broken_copy
    expect_status 4 restore broken --to broken_copy --quiet # which hides warnings, but not what is missing
    expect_text c_p_fkey
    expect_equal "$(psql_in broken_copy -c 'SELECT p FROM c')" 5
    expect_status 3 drill broken
    expect_text c_p_fkey
}

@test "what failed part-way is removed, unless it is to be kept" {
    db_make poison
    psql_in poison -c 'CREATE TABLE t AS SELECT i, repeat(md5(i::text), 30) AS x FROM generate_series(1, 5000) i'
    backup poison
    local chunk
    chunk=$(find "$REPO/poison/chunks" -type f -printf '%s %p\n' | sort -n | tail -n 1 | cut -d' ' -f2)
    # A missing one would be seen before anything is made.
    chmod u+w "$chunk" && flip "$chunk" 100
    db_drop poison_copy
    expect_status 1 restore poison --to poison_copy
    expect_no_db poison_copy
    run restore poison --to poison_copy --keep-failed
    [ "$status" -ne 0 ]
    expect_equal "$(psql_in postgres -c "SELECT count(*) FROM pg_database WHERE datname LIKE 'poison_copy%'")" 1
    flip "$chunk" 100
}

@test "foreign servers are never asked by a drill" {
    db_make remote
    psql_in remote <<SQL
CREATE EXTENSION postgres_fdw;
CREATE SERVER s FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '$PGHOST', port '5432', dbname 'shop');
CREATE USER MAPPING FOR postgres SERVER s OPTIONS (user 'postgres', password_required 'false');
CREATE FOREIGN TABLE far (id int, name text) SERVER s OPTIONS (table_name 'item');
CREATE MATERIALIZED VIEW seen AS SELECT count(*) AS n FROM far;
SQL
    backup remote
    psql_in postgres -c "ALTER SYSTEM SET log_statement = 'all'" -c 'SELECT pg_reload_conf()' -o /dev/null
    wait_for postgres "SELECT current_setting('log_statement') = 'all'"
    local before
    before=$(grep -c 'FROM public.item' "$T/pg/main/log" || true)
    run drill remote
    psql_in postgres -c 'ALTER SYSTEM RESET log_statement' -c 'SELECT pg_reload_conf()' -o /dev/null
    [ "$status" -eq 0 ] || [ "$status" -eq 3 ]
    expect_text seen
    expect_equal "$(grep -c 'FROM public.item' "$T/pg/main/log" || true)" "$before"
}

@test "a child whose columns stood in another order than its parent's: pg_dump moves them, the rows are compared" {
    db_make moved
    psql_in moved -c 'CREATE TABLE par (a int, b text, g int GENERATED ALWAYS AS (a * 2) STORED)' \
        -c 'CREATE TABLE chi (g int GENERATED ALWAYS AS (a * 2) STORED, x date, b text, a int)' -c 'ALTER TABLE chi INHERIT par' \
        -c "INSERT INTO chi (a, b, x) SELECT i, i::text, date '2020-01-01' + i FROM generate_series(1, 500) i"
    backup moved
    expect_status 0 drill moved --verbose
    expect_text 'public.chi: its columns are in another order' '500 rows'
    restore moved --to moved_copy
    expect_status 0 pgassay verify live --repo "$REPO" moved -d moved_copy --full
    psql_in moved_copy -c "UPDATE chi SET b = 'x' WHERE a = 7"
    expect_status 3 pgassay verify live --repo "$REPO" moved -d moved_copy --full
    expect_text 'public.chi: contents'
    # Moved by somebody else: the definition tells.
    psql_in moved -c 'CREATE TABLE plain (a int, b int)'
    backup moved
    db_drop moved_copy
    restore moved --to moved_copy
    psql_in moved_copy -c 'DROP TABLE plain' -c 'CREATE TABLE plain (b int, a int)'
    expect_status 3 pgassay verify live --repo "$REPO" moved -d moved_copy --full
    expect_text 'TABLE public.plain: definition'
}

@test "tablespaces do not follow into a scratch server" {
    mkdir -p "$T/pg/space"
    [ "$(id -u)" -ne 0 ] || chown postgres "$T/pg/space"
    psql_in postgres -c "CREATE TABLESPACE e2e_space LOCATION '$T/pg/space'"
    db_make spaced
    psql_in spaced -c 'CREATE TABLE t TABLESPACE e2e_space AS SELECT 1 AS a' -c 'CREATE INDEX ON t (a) TABLESPACE e2e_space'
    backup spaced
    expect_status 0 drill spaced
    restore spaced --to copy
    expect_equal "$(psql_in copy -c "SELECT count(*) FROM pg_class JOIN pg_tablespace s ON s.oid = reltablespace WHERE spcname = 'e2e_space'")" 2
    db_drop spaced copy
    psql_in postgres -c 'DROP TABLESPACE e2e_space'
    rm -rf "$T/pg/space"
}

@test "what pg_dump cannot carry is a finding" {
    db_make changed
    psql_in changed -c 'CREATE EXTENSION hstore' -c 'ALTER FUNCTION hstore_in(cstring) COST 77' -c "COMMENT ON FUNCTION pg_catalog.now() IS 'mine'"
    backup changed
    expect_status 3 drill changed
    expect_text hstore_in
}

# All that --beyond can bring back, and rows that are only right with it.
make_beyond() {
    db_make beyond
    psql_in beyond <<'SQL'
CREATE SCHEMA app;
CREATE EXTENSION earthdistance SCHEMA app CASCADE;
CREATE EXTENSION hstore SCHEMA app;
SET search_path = app;
ALTER TEXT SEARCH CONFIGURATION english ALTER MAPPING FOR asciiword, word WITH simple;
ALTER TEXT SEARCH CONFIGURATION german DROP MAPPING FOR email, "float";
ALTER TEXT SEARCH DICTIONARY french_stem (stopwords = 'german');
ALTER TEXT SEARCH DICTIONARY simple (accept = true, stopwords = 'english');
CREATE FUNCTION own(cube) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT true';
ALTER DOMAIN earth ADD CONSTRAINT "it's; ""mine"" %s" CHECK (own(value) AND 'it''s' <> 'x');
ALTER OPERATOR = (hstore, hstore) SET (RESTRICT = neqsel);
ALTER OPERATOR pg_catalog.= (int, int) SET (RESTRICT = none);
CREATE FUNCTION "c;m'p"(hstore, int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1';
ALTER OPERATOR FAMILY btree_hstore_ops USING btree ADD FUNCTION 1 (hstore, int) "c;m'p"(hstore, int);
ALTER FUNCTION pg_catalog.repeat(text, int) COST 7;
ALTER FUNCTION akeys(hstore) COST 7;
DROP TEXT SEARCH CONFIGURATION tamil;
DROP TEXT SEARCH DICTIONARY tamil_stem;
CREATE OR REPLACE VIEW information_schema.information_schema_catalog_name AS SELECT 'x'::information_schema.sql_identifier AS catalog_name;
SET allow_system_table_mods = on;
UPDATE pg_cast SET castcontext = 'i' WHERE castsource = 'int8'::regtype AND casttarget = 'int4'::regtype;
CREATE TABLE t (a text, v tsvector GENERATED ALWAYS AS (to_tsvector('english', a)) STORED, e earth);
INSERT INTO t VALUES ('the running dogs', DEFAULT, ll_to_earth(1, 2));
CREATE INDEX ON t USING gin (v);
DROP SCHEMA public;
-- By the age of this view it is judged what is younger than initdb: the others are found all the same.
CREATE OR REPLACE VIEW information_schema.user_mappings AS SELECT authorization_identifier, foreign_server_catalog, foreign_server_name
    FROM information_schema._pg_user_mappings WHERE foreign_server_name <> 'x';
SQL
}

@test "what pg_dump does not carry: said by a backup and a restore in a line, found by a drill, brought back by --beyond" {
    make_beyond
    expect_status 0 backup beyond
    expect_text '14 changes that pg_dump does not carry: cast (bigint AS integer)' 'and 10 more; restore --beyond brings back 14 of them'
    expect_short 1
    label beyond | jq -e '.warnings | length == 1'
    expect_status 3 drill beyond
    expect_text 'change of text search configuration pg_catalog.english' 'change of schema public: state there, was dropped' 'of extension earthdistance: missing' 'removal of text search dictionary pg_catalog.tamil_stem: missing'
    db_drop copy
    expect_status 0 restore beyond --to copy
    # With what the source has removed, which only a new database shows.
    expect_text '16 changes that pg_dump does not carry are not restored: cast (bigint AS integer)' '--beyond brings back 16 of them'
    expect_equal "$(psql_in copy -c 'SELECT v FROM app.t')" "'dog':3 'run':2"
    expect_status 0 drill beyond --beyond
    db_drop copy
    expect_status 0 restore beyond --to copy --beyond
    [[ $output != *"not restored"* ]]
    expect_equal "$(psql_in copy -c 'SELECT v FROM app.t')" "'dogs':3 'running':2"
    expect_status 0 pgassay verify live beyond --repo "$REPO" -d copy --full
    db_drop copy
    expect_status 2 restore beyond -t t --data-only --beyond
    # Who is no superuser is told what he may not change.
    psql_in postgres -c 'CREATE ROLE beyonder LOGIN CREATEDB'
    PGUSER=beyonder expect_status 4 restore beyond --to copy --beyond --no-owner --no-privileges
    expect_text 'cast (bigint AS integer): permission denied' 'not restored'
    db_drop copy beyond
}

@test "catalogs that contradict themselves: no SQL brings that back, and it is said" {
    db_make odd
    psql_in odd -c 'CREATE TABLE k (a int PRIMARY KEY); CREATE TABLE r (a int REFERENCES k, b int DEFAULT 1) PARTITION BY LIST (a); CREATE TABLE r1 PARTITION OF r FOR VALUES IN (1)' \
        -c 'CREATE TABLE self (a int PRIMARY KEY, p int REFERENCES self)'
    backup odd
    expect_status 0 drill odd
    psql_in odd -c "SET allow_system_table_mods = on; DELETE FROM pg_trigger WHERE tgrelid IN ('r1'::regclass, 'self'::regclass); UPDATE pg_index SET indisunique = false WHERE indexrelid = 'k_pkey'::regclass"
    expect_status 0 backup odd
    expect_text '3 changes that pg_dump does not carry: foreign key without its triggers' 'on public.r1' 'on public.self' 'index with flags off public.k_pkey'
    [[ $output != *--beyond* ]]
    expect_status 3 drill odd --beyond
    expect_text 'index with flags off public.k_pkey: missing'
    db_drop odd
}

@test "a touch is no change, and an extension that was updated or moved has changed nothing" {
    db_make plain
    psql_in plain -c 'CREATE SCHEMA app' -c "CREATE EXTENSION hstore VERSION '1.4'" -c 'CREATE EXTENSION btree_gist' -c 'CREATE EXTENSION earthdistance CASCADE' -c 'ALTER EXTENSION hstore UPDATE' \
        -c 'ALTER EXTENSION hstore SET SCHEMA app' -c 'GRANT EXECUTE ON FUNCTION pg_catalog.repeat(text, int) TO PUBLIC' \
        2>/dev/null
    expect_status 0 backup plain
    expect_equal "$output" ''
    expect_status 0 drill plain
    db_drop plain
}
