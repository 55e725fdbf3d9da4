#!/usr/bin/env bats
# Foreign code: a backup's functions run in the scratch server of a restore or a drill, and get at nothing outside of it.

load lib

MARK=outlives-the-drill

setup_file() {
    e2e_setup
    pg_start main
    cc -D_GNU_SOURCE -o "$T/without" "$BATS_TEST_DIRNAME/without.c"
    # For the user who runs the clusters, when we are root: he owns keys, and cannot read our checkout.
    mkdir "$T/bin" "$T/own" "$T/own/tmp"
    cp "$BIN"/pgassay* "$T/bin/"
    mkdir -m 1777 "$T/open"
    (umask 077 && echo 'a passphrase that nobody guesses' >"$T/own/pass")
    keygen_locked "$T/own/ops" "$T/own/pass"
    [ "$(id -u)" -ne 0 ] || chown -R postgres "$T/own"
    cat >"$T/own.conf" <<CONF
[repo own]
path = $T/own/repo
identity = $T/own/ops
passphrase-file = $T/own/pass
CONF
    # Once the database has another name, the function tries what it can and raises what it got.
    psql_in postgres -c 'CREATE ROLE mallory LOGIN' -c 'CREATE DATABASE shop OWNER mallory'
    psql_in shop <<SQL
CREATE FUNCTION tries(i int) RETURNS bool LANGUAGE plpgsql AS \$f\$
DECLARE loot text;
BEGIN
    IF current_database() = 'shop' THEN RETURN true; END IF;
    CREATE TEMPORARY TABLE got (line text);
    COPY got FROM PROGRAM 'exec 2>&1; id -un; id -u; cat $T/own/pass; head -c 300 $T/own/ops; cat /proc/*/environ | tr ''\\0'' '' '' | grep -o SECRETOF.*; touch $T/open/marker; chmod 644 $T/own/pass; touch -d 2001-01-01 $T/own/ops; $SERVER_BIN/psql -X -h $PGHOST -U postgres -d postgres -c "CREATE ROLE stolen"; setsid sh -c "while :; do sleep 1; done" $MARK-$T >/dev/null 2>&1 </dev/null & true' (DELIMITER E'\\x01');
    SELECT string_agg(line, ' / ') INTO loot FROM got;
    RAISE EXCEPTION 'loot as %: %', current_user, loot;
END \$f\$;
CREATE TABLE supers (i int CHECK (public.tries(i)));
INSERT INTO supers VALUES (1);
CREATE TABLE harmless AS SELECT 1 AS i;
CREATE DATABASE plain;
SQL
    psql_in plain -c 'CREATE TABLE t AS SELECT i FROM generate_series(1, 10) i' -c 'ALTER TABLE t OWNER TO mallory'
    own storage init --repo own --encrypt-to "$T/own/ops.pub"
    own backup shop --repo own
    own backup plain --repo own
    own storage init --repo "$T/own/keyless"
    own backup plain --repo "$T/own/keyless"
    : >"$T/empty.conf"
    backup shop
    backup plain
}
teardown_file() { e2e_teardown; }
teardown() { rm -f "$T/open"/*; }

# own VERB ...: as the user who runs the clusters, and owns the keys.
own() { ours "$T/bin/pgassay" "$@"; }
ours() { SECRET=SECRETOFTHEENVIRONMENT as_server env HOME="$T/own" PGASSAY_STATE_DIR="$T/own/state" PGASSAY_CONFIG="$T/own.conf" TMPDIR="$T/own/tmp" "$@"; }

without() { "$T/without" "$@"; }

# Nothing of the loot, and nothing left behind.  What has been tried stands in $output.
got_nothing() {
    expect_text 'loot as postgres' 'ermission denied'
    [[ $output != *'a passphrase that nobody guesses'* ]]
    [[ $output != *'"locked"'* ]]
    [[ $output != *SECRETOF* ]]
    expect_equal "$(psql_in postgres -c "SELECT count(*) FROM pg_roles WHERE rolname = 'stolen'")" 0
    expect_equal "$(stat -c %A "$T/own/pass")" -rw-------
    expect_equal "$(processes_in "$MARK-$T")" ''
    leftovers
    expect_equal "$(ls "$T/own/tmp")" ''
}

# Nor was a file's time changed, which namespaces alone keep them from.
changed_nothing() { [ "$T/own/ops" -nt "$BATS_TEST_DIRNAME/without.c" ]; }

@test "a drill by root: a user of its own, who gets at nothing" {
    [ "$(id -u)" -eq 0 ] || skip "not root"
    expect_status 3 drill shop
    got_nothing
    [[ $output =~ loot\ as\ postgres:\ pgassay-scratch\ /\ 6[01][0-9]{3} ]] || { echo "$output"; return 1; }
    [ ! -e "$T/open/marker" ]
    changed_nothing
}

@test "a drill by the user who owns keys and clusters: kept from them" {
    without 'landlock?' || skip "this kernel has no Landlock"
    expect_status 3 own verify drill shop --repo own
    got_nothing
    [ ! -e "$T/open/marker" ]
    changed_nothing
}

@test "without namespaces, too, nothing survives" {
    without 'landlock?' || skip "this kernel has no Landlock"
    expect_status 3 ours "$T/without" clone3 -- "$T/bin/pgassay" verify drill shop --repo own
    got_nothing
    [ ! -e "$T/open/marker" ]
}

@test "where the kernel cannot confine it, a user with keys or clusters is refused, before anything runs" {
    local why
    expect_status 2 ours "$T/without" landlock -- "$T/bin/pgassay" verify drill shop --repo own
    expect_text 'who may read' "$T/own/ops" Landlock '--scratch-unconfined'
    expect_short
    expect_status 2 ours "$T/without" landlock -- "$T/bin/pgassay" restore shop --repo own --scratch
    expect_text 'who may read' --scratch-unconfined
    # No keys, but the cluster next door.
    expect_status 2 ours PGASSAY_CONFIG="$T/empty.conf" "$T/without" landlock -- "$T/bin/pgassay" verify drill plain --repo "$T/own/keyless"
    expect_text 'who may read the running cluster' global/pg_control
    leftovers
    expect_equal "$(ls "$T/own/tmp")" ''
    # Accepted, on the command line or in the configuration.
    expect_status 0 ours "$T/without" landlock -- "$T/bin/pgassay" verify drill plain --repo own --scratch-unconfined
    (cat "$T/own.conf" && echo) | sed '1i scratch-unconfined = yes' >"$T/accepts.conf"
    expect_status 0 ours PGASSAY_CONFIG="$T/accepts.conf" "$T/without" landlock -- "$T/bin/pgassay" verify drill plain --repo own
}

@test "root names a user who owns keys or clusters: refused, and the way out works" {
    [ "$(id -u)" -eq 0 ] || skip "not root"
    expect_status 2 drill plain --scratch-user postgres
    expect_text 'who may read the running cluster' global/pg_control 'leave --scratch-user out' useradd
    expect_short
    expect_status 2 drill plain --scratch-user root
    expect_text 'refuses to run as root'
    expect_status 2 drill plain --scratch-user no-such-user
    expect_text no-such-user
    expect_status 0 drill plain
    expect_status 0 drill plain --scratch-user daemon
    # Where root may make no namespaces, in most containers, there is no user id without a name.
    expect_status 2 without clone3 -- "$BIN/pgassay" verify drill plain --repo "$REPO"
    expect_text 'mount namespace' useradd pgassay-scratch
    expect_status 0 without clone3 -- "$BIN/pgassay" verify drill plain --repo "$REPO" --scratch-user daemon
    leftovers
}

identifier() { psql -XAt -h "$(jq -r .target.host <<<"$1")" -U postgres -d postgres -c 'SELECT system_identifier FROM pg_control_system()'; }

@test "two at once have nothing in common" {
    [ "$(id -u)" -eq 0 ] || skip "not root"
    local one made
    one=$(restore plain --scratch --keep --json)
    made=$(stat -c %i "$PGASSAY_STATE_DIR"/scratch/*.cluster)
    expect_status 0 restore plain --scratch --keep --json
    [ "$(stat -c %u "$(jq -r .target.host <<<"$one")")" != "$(stat -c %u "$(jq -r .target.host <<<"$output")")" ]
    # The second is made of the cluster that is kept.
    expect_equal "$(stat -c %i "$PGASSAY_STATE_DIR"/scratch/*.cluster)" "$made"
    [ "$(identifier "$one")" != "$(identifier "$output")" ]
    sh -c "$(jq -r .target.remove_command <<<"$one")"
    sh -c "$(jq -r .target.remove_command <<<"$output")"
    leftovers
}

# kept_cluster FILE: this one, with a digest that is right.
kept_cluster() { { printf '%s %s\n' "$(head -c 64 "$T/kept")" "$(sha256sum <"$1" | cut -c1-64)"; cat "$1"; } >"$kept"; }

@test "the cluster that they are made of: damaged, of other programs, unfit or within reach of others, it is not used" {
    local kept once=(restore plain --scratch --verbose)
    expect_status 0 "${once[@]}"
    kept=$(echo "$PGASSAY_STATE_DIR"/scratch/*.cluster)
    cp "$kept" "$T/kept"
    expect_equal "$(stat -c %a "$kept")" 600
    printf 'X' | dd of="$kept" bs=1 seek=100000 conv=notrunc status=none
    expect_status 0 "${once[@]}"
    expect_text "\"$kept\", of which scratch servers are made, is damaged: it is made anew"
    expect_equal "$(tail -n +2 "$kept" | sha256sum | cut -c1-64)" "$(head -1 "$kept" | cut -c66-)"
    # No server starts in it.
    mkdir "$T/unfit"
    tail -n +2 "$T/kept" | zstd -dc | tar -x -C "$T/unfit"
    rm "$T/unfit/data/postgresql.conf"
    tar -c -C "$T/unfit" data | zstd -q >"$T/unfit.tar.zst"
    kept_cluster "$T/unfit.tar.zst"
    expect_status 0 "${once[@]}"
    expect_text "could not start a scratch server" "once more, with a cluster that initdb makes"
    # Now it is another again; nor does one of other programs count.
    sed -i '1s/^......../00000000/' "$kept"
    expect_status 0 "${once[@]}"
    expect_equal "$(head -c 64 "$kept")" "$(head -c 64 "$T/kept")"
    chmod o+w "$PGASSAY_STATE_DIR/scratch"
    kept_cluster "$T/unfit.tar.zst"
    expect_status 0 "${once[@]}"
    [[ $output != *"once more"* ]]
    chmod o-w "$PGASSAY_STATE_DIR/scratch"
    rm "$kept"
    leftovers
}

@test "a kept server is said however quiet, and there is nothing to keep without --keep" {
    local how
    for how in -q ''; do
        # shellcheck disable=SC2086
        expect_status 0 drill plain --keep $how
        expect_text 'scratch server: psql -h ' 'to remove it:'
        expect_equal "$(eval "$(sed -n 's/^scratch server: //p' <<<"$output") -XAt -c 'SELECT count(*) FROM t'")" 10
        sh -c "$(sed -n '/^to remove it:$/ { n; p }' <<<"$output")"
        leftovers
    done
    drill plain --keep --json >"$T/drill.json"
    valid_json verify "$T/drill.json"
    sh -c "$(jq -r .keep_command "$T/drill.json")"
    expect_status 2 restore plain --to x --scratch
    expect_text 'would be gone with the scratch server' --keep
    expect_short
    expect_status 0 restore plain --to other_name --scratch --keep
    expect_text '-d other_name'
    sh -c "$(sed -n '/^to remove it:$/ { n; p }' <<<"$output")"
    leftovers
}

@test "a table's rows are loaded as its owner, who is no superuser and becomes none" {
    psql_in postgres -c 'CREATE DATABASE tenant OWNER mallory'
    PGUSER=mallory psql_in tenant <<SQL
CREATE SCHEMA m;
-- Tries a way to a superuser's rights, and raises what it came to.
CREATE FUNCTION m.climb(what text) RETURNS text LANGUAGE plpgsql AS \$f\$
BEGIN
    EXECUTE what;
    RETURN what || ': DONE as ' || current_user || ' of ' || session_user;
EXCEPTION WHEN OTHERS THEN RETURN what || ': ' || SQLERRM;
END \$f\$;
CREATE FUNCTION m.tries(i int) RETURNS bool LANGUAGE plpgsql AS \$f\$
DECLARE said text := '';
    way text;
BEGIN
    IF current_database() = 'tenant' THEN RETURN true; END IF;
    FOREACH way IN ARRAY ARRAY['COPY (SELECT 1) TO PROGRAM ''true''', 'ALTER ROLE mallory SUPERUSER',
        'RESET ROLE; ALTER ROLE mallory SUPERUSER', 'RESET SESSION AUTHORIZATION; ALTER ROLE mallory SUPERUSER',
        'SET ROLE postgres', 'SET SESSION AUTHORIZATION postgres', 'GRANT pg_execute_server_program TO mallory',
        'COPY (SELECT 1) TO ''/tmp/x''', 'CREATE EXTENSION file_fdw'] LOOP
        said := said || E' // ' || m.climb(way);
    END LOOP;
    RAISE EXCEPTION 'as %: %', current_user, said;
END \$f\$;
CREATE TABLE m.small (i int CHECK (m.tries(i)));
INSERT INTO m.small VALUES (1);
CREATE TABLE m.large (i int, t text, CHECK (i <> 1 OR m.tries(i)));
INSERT INTO m.large SELECT i, repeat('x', 600) FROM generate_series(1, 4000) i;
CREATE DOMAIN m.dom AS int CHECK (m.tries(VALUE));
CREATE TABLE m.of_domain (d m.dom);
INSERT INTO m.of_domain VALUES (1);
-- One that pg_dump adds after the rows, as the function takes the table's type.
CREATE TABLE m.later (i int);
INSERT INTO m.later VALUES (1);
CREATE FUNCTION m.tries(m.later) RETURNS bool LANGUAGE sql AS 'SELECT m.tries((\$1).i)';
ALTER TABLE m.later ADD CONSTRAINT added CHECK (m.tries(later));
SQL
    backup tenant
    expect_status 3 drill tenant
    local object
    for object in m.small m.large m.of_domain 'm.later added'; do expect_text "$object: failed in the restore: as mallory:"; done
    [[ $output =~ "TO PROGRAM 'true': "(permission denied|must be superuser) ]]
    [[ $output =~ "RESET ROLE; ALTER ROLE mallory SUPERUSER: "(permission denied|must be superuser) ]]
    expect_text 'SET ROLE postgres: permission denied'
    # Going back to who has connected is allowed, and is nothing.
    [[ $output != *'PROGRAM '*': DONE'* && $output != *SUPERUSER': DONE'* && $output != *AUTHORIZATION\ postgres': DONE'* && $output != *'ROLE postgres: DONE'* ]]
    [[ $output != *'program TO mallory: DONE'* && $output != */tmp/x*DONE* && $output != *file_fdw:\ DONE* ]]
    leftovers
}

@test "rows come back whoever owns them, and whatever he may" {
    psql_in postgres <<'SQL'
CREATE ROLE a NOLOGIN NOINHERIT; CREATE ROLE b LOGIN CONNECTION LIMIT 0; CREATE ROLE "we ird""é" VALID UNTIL '2001-01-01';
CREATE ROLE boss SUPERUSER; CREATE ROLE grp; GRANT grp TO a, b;
ALTER ROLE a SET search_path = 'nowhere'; ALTER ROLE b SET statement_timeout = '1ms'; ALTER ROLE b SET role = 'grp';
CREATE DATABASE owners;
SQL
    psql_in owners <<'SQL'
CREATE EXTENSION hstore;
CREATE SCHEMA of_a AUTHORIZATION a; GRANT USAGE, CREATE ON SCHEMA of_a TO b, grp;
CREATE SCHEMA closed;
-- In a schema of another, with a grant; with none; with its own rights revoked.
CREATE TABLE of_a.of_b AS SELECT i, i::text AS t FROM generate_series(1, 100) i; ALTER TABLE of_a.of_b OWNER TO b;
CREATE TABLE closed.of_b AS SELECT i FROM generate_series(1, 50) i; ALTER TABLE closed.of_b OWNER TO b;
CREATE TABLE of_a.audit AS SELECT i FROM generate_series(1, 30) i; ALTER TABLE of_a.audit OWNER TO a;
REVOKE ALL ON of_a.audit FROM a; REVOKE ALL ON SCHEMA of_a FROM a;
CREATE TABLE "we ird""é" (i serial PRIMARY KEY, g int GENERATED ALWAYS AS (i * 2) STORED); ALTER TABLE "we ird""é" OWNER TO "we ird""é";
INSERT INTO "we ird""é" SELECT FROM generate_series(1, 20);
CREATE TABLE of_boss AS SELECT i FROM generate_series(1, 10) i; ALTER TABLE of_boss OWNER TO boss;
-- Larger than what is packed.
CREATE TABLE closed.large AS SELECT i, repeat(md5(i::text), 20) AS t FROM generate_series(1, 5000) i; ALTER TABLE closed.large OWNER TO a;
-- A CHECK that looks into a table of another owner.
CREATE TABLE kinds (k int PRIMARY KEY); INSERT INTO kinds VALUES (1), (2); ALTER TABLE kinds OWNER TO boss; GRANT SELECT ON kinds TO b;
CREATE FUNCTION is_kind(int) RETURNS bool LANGUAGE sql AS 'SELECT $1 < 3 AND (SELECT count(*) >= 0 FROM public.kinds)';
CREATE TABLE of_kind (k int CHECK (public.is_kind(k))); ALTER TABLE of_kind OWNER TO b; INSERT INTO of_kind VALUES (1), (2);
-- Row security, forced.
CREATE TABLE secured AS SELECT i FROM generate_series(1, 10) i; ALTER TABLE secured OWNER TO a;
ALTER TABLE secured ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; CREATE POLICY few ON secured USING (i < 3);
-- Partitions of several owners; some that rows reach through the root only.
CREATE TYPE colour AS ENUM ('red', 'green', 'blue');
CREATE TABLE part (c colour, i int) PARTITION BY HASH (c); ALTER TABLE part OWNER TO boss;
CREATE TABLE part_0 PARTITION OF part FOR VALUES WITH (MODULUS 2, REMAINDER 0); ALTER TABLE part_0 OWNER TO a;
CREATE TABLE part_1 PARTITION OF part FOR VALUES WITH (MODULUS 2, REMAINDER 1); ALTER TABLE part_1 OWNER TO b;
INSERT INTO part SELECT (ARRAY['red', 'green', 'blue'])[1 + i % 3]::colour, i FROM generate_series(1, 300) i;
CREATE TABLE list (i int) PARTITION BY RANGE (i); ALTER TABLE list OWNER TO grp;
CREATE TABLE list_1 PARTITION OF list FOR VALUES FROM (0) TO (100); ALTER TABLE list_1 OWNER TO a;
INSERT INTO list SELECT i FROM generate_series(0, 99) i;
-- A function that settles down as the role that loads, which must not stay for it.
CREATE SCHEMA of_grp AUTHORIZATION grp;
CREATE FUNCTION of_grp.settles(int) RETURNS bool LANGUAGE plpgsql AS $f$ BEGIN
    IF current_database() <> 'owners' THEN
        EXECUTE 'RESET ROLE';
        EXECUTE format('ALTER ROLE %I PASSWORD $q$known$q$', current_user);
        CREATE TABLE IF NOT EXISTS of_grp.settled ();
    END IF;
    RETURN true;
END $f$;
CREATE TABLE of_grp.settler (i int CHECK (of_grp.settles(i))); INSERT INTO of_grp.settler VALUES (1); ALTER TABLE of_grp.settler OWNER TO grp;
CREATE TABLE kv (h hstore); INSERT INTO kv VALUES ('a=>1'); ALTER TABLE kv OWNER TO b;
CREATE TABLE empty (i int); ALTER TABLE empty OWNER TO b;
CREATE TABLE checked (i int); INSERT INTO checked VALUES (1); ALTER TABLE checked OWNER TO a;
CREATE FUNCTION fine(checked) RETURNS bool LANGUAGE sql AS 'SELECT ($1).i > 0'; ALTER TABLE checked ADD CHECK (fine(checked));
SQL
    backup owners
    expect_status 0 drill owners --verbose
    expect_text 'verdict          equal'
    expect_status 0 restore owners --scratch --keep --verbose
    expect_text 'as its owner lacks a right'
    local reach remove
    reach=$(sed -n 's/^scratch server: //p' <<<"$output") remove=$(sed -n '/^to remove it:$/ { n; p }' <<<"$output")
    expect_equal "$(eval "$reach -XAt -c \"SELECT count(*) FROM pg_roles WHERE rolname LIKE 'pgassay%'\"")" 0
    sh -c "$remove"
    leftovers
}
