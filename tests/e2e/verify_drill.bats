#!/usr/bin/env bats
# verify drill and objects: what a restore got wrong and what rotted in the repository is found and named.

load lib
load verify_changes
setup_file() {
    e2e_setup
    pg_start main
    psql_in postgres -c "CREATE ROLE verify_owner; CREATE ROLE verify_reader"
    db_make base verify.sql changes.sql 2>/dev/null
    psql_in base -c "ALTER EXTENSION hstore UPDATE"
    backup base
}
teardown_file() { e2e_teardown; }

objects() { pgassay verify objects --repo "$REPO" "$@"; }

# A verify whose pgassay-restore does its work, and then what SQL says to the copy.
tampering_tools() {
    mkdir -p "$T/tampering"
    cp "$BIN/pgassay-verify" "$T/tampering/"
    cat >"$T/tampering/pgassay-restore" <<SH
#!/bin/sh
"$BIN/pgassay-restore" "\$@" || exit
while [ \$# -gt 0 ]; do
    case \$1 in --host) h=\$2 ;; --port) p=\$2 ;; --username) u=\$2 ;; --to) d=\$2 ;; esac
    shift
done
exec psql -X -q -o /dev/null -v ON_ERROR_STOP=1 -h "\$h" -p "\$p" -U "\$u" -d "\$d" -f "$T/tampering/sql" >&2
SH
    chmod 755 "$T/tampering/pgassay-restore"
}

@test "a drill of a database whose definitions print differently after a restore is equal" {
    expect_status 0 drill base --verbose
    expect_text "source           PostgreSQL " ", from repository $REPO" "looked at        " " on $(hostname)" \
        "verdict          equal" "recovery time" "by fingerprint" \
        "globals          roles, tablespaces and parameters were NOT compared"
    [[ $output != *"has settled"* ]]
}

@test "--amcheck: a row that an index does not know is found, and nothing else would find it" {
    since 14 "pg_amcheck came with 14"
    # The definitions are as they were: no trip is made for what one has settled.
    expect_status 0 drill base --amcheck --verbose
    expect_text "an earlier reference restore has settled the definitions whose text differs"
    # What is damaged settles nothing.
    trips=$(echo "$PGASSAY_STATE_DIR"/*/base.trips)
    tr 0-9a-f 1-9a-f0 <"$trips" >"$T/trips" && cat "$T/trips" >"$trips"
    tampering_tools
    cat >"$T/tampering/sql" <<'SQL'
UPDATE pg_index SET indisready = false WHERE indexrelid = 'big_a'::regclass;
WITH gone AS (DELETE FROM big WHERE id = 31415 RETURNING *) INSERT INTO big SELECT * FROM gone;
UPDATE pg_index SET indisready = true WHERE indexrelid = 'big_a'::regclass;
SQL
    expect_status 0 timeout 120 "$T/tampering/pgassay-verify" drill base --repo "$REPO" --verbose
    [[ $output != *"has settled"* ]]
    [ "$(wc -l <"$trips")" = 2 ]
    expect_status 3 timeout 120 "$T/tampering/pgassay-verify" drill base --repo "$REPO" --amcheck
    expect_text 'big_a' 'lacks matching index tuple' 'verdict          DIFFERENT'
    # The server's HINT comes with it, and is no finding.
    [[ $output != *HINT* ]]
    expect_text 'NOT PROVEN: 1 different' || expect_text '1 different'
    expect_status 2 pgassay verify objects base --repo "$REPO" --amcheck
    leftovers
}

@test "each of 168 faults of a restore is found by its own check" {
    tampering_tools
    verify_changes | sql_of 3 >"$T/tampering/sql"
    run timeout 120 "$T/tampering/pgassay-verify" drill base --repo "$REPO" --json
    [ "$status" -eq 3 ]
    echo "$output" >"$T/drill.json"
    all_found "$T/drill.json"
    leftovers
}

@test "a restore that differs only in what does not matter is equal" {
    tampering_tools
    harmless_changes | sql_of 2 >"$T/tampering/sql"
    another_minor base
    expect_status 0 timeout 120 "$T/tampering/pgassay-verify" drill base --repo "$REPO"
}

@test "what pg_dump does not carry over: the version of an extension" {
    db_make old verify.sql
    backup old
    expect_status 3 drill old
    expect_text "extension hstore: version"
    expect_equal "$(grep -c '^  different' <<<"$output")" 1
}

@test "--self-test: the copy is damaged in many ways, and the drill notices each by its own check" {
    drill base --self-test --json >"$T/self.json"
    valid_json verify "$T/self.json"
    jq -c '.self_test | .not_applicable, [.damages[] | select(.noticed | not)]' "$T/self.json"
    expect_equal "$(jq -c '[.equal, .self_test.made == .self_test.noticed, .self_test.made >= 40]' "$T/self.json")" '[true,true,true]'
    expect_equal "$(jq -r '[.self_test.damages[].check] | unique | join(", ")' "$T/self.json")" \
        'beyond pg_dump, database, extensions, large objects, materialized views, rows, schema, sequences, tables'
    local record
    record=$(ls "$REPO"/base/drills/* | tail -n 1)
    valid_json drill "$record"
    expect_equal "$(jq -c '[.equal, .self_test.damages, .self_test.noticed]' "$record")" "$(jq -c '[.equal, .self_test.made, .self_test.noticed]' "$T/self.json")"
}

@test "--self-test: where every name needs its quotes, and there is one of a kind" {
    db_make names
    psql_in names <<'SQL'
CREATE SCHEMA "Sch ""ema";
SET search_path = "Sch ""ema";
CREATE TYPE "Ty""pe; x" AS ENUM ('a');
CREATE SEQUENCE "Seq ""1";
CREATE FUNCTION "Fun ""c"("a b" int) RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN 1; END';
CREATE FUNCTION "Trig""ger f"() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TABLE "Of ""x; --" ("Key ""1" int PRIMARY KEY, "a b" text DEFAULT 'x', "c""d" text, "select" int CHECK ("select" > 0));
CREATE TABLE "user" ("Of ""k" int CONSTRAINT "F""k" REFERENCES "Of ""x; --", v text);
CREATE TABLE "line
end" (a int);
CREATE TABLE "Root ""p" (a int) PARTITION BY LIST (a);
CREATE TABLE "Part ""1" PARTITION OF "Root ""p" FOR VALUES IN (1);
CREATE TABLE "Part ""2" PARTITION OF "Root ""p" FOR VALUES IN (2);
CREATE INDEX "I""dx" ON "Of ""x; --" ("a b");
CREATE INDEX "I""dx 2" ON "user" (v);
CREATE INDEX "I""dx 3" ON "user" ("Of ""k");
CREATE TRIGGER "T""r" BEFORE INSERT ON "Of ""x; --" FOR EACH ROW EXECUTE FUNCTION "Trig""ger f"();
CREATE TRIGGER "T""r 2" BEFORE INSERT ON "user" FOR EACH ROW EXECUTE FUNCTION "Trig""ger f"();
CREATE POLICY "P""ol" ON "Of ""x; --" USING (true);
CREATE VIEW "Vi""ew" AS SELECT * FROM "user";
CREATE MATERIALIZED VIEW "M""at" AS SELECT 1 AS a;
GRANT SELECT ON "Of ""x; --", "user" TO verify_reader;
COMMENT ON TABLE "user" IS 'one';
INSERT INTO "Of ""x; --" SELECT i, i, -i, i FROM generate_series(1, 9) i;
INSERT INTO "user" SELECT i, i FROM generate_series(1, 9) i;
INSERT INTO "Root ""p" SELECT 1 + i % 2 FROM generate_series(1, 9) i;
SQL
    backup names
    drill names --self-test --json --no-record >"$T/self.json" || jq -c '.self_test.damages[] | select(.noticed | not)' "$T/self.json"
    expect_equal "$(jq -c '[.equal, .self_test.made == .self_test.noticed, .self_test.made >= 35]' "$T/self.json")" '[true,true,true]'
}

@test "--self-test: where a check is blind, the drill fails and says to what" {
    # This pg_dump has seen the copy once, and prints the same ever after.
    mkdir "$T/blind"
    cp -P "$T/pgbin"/* "$T/blind/"
    rm "$T/blind/pg_dump"
    cat >"$T/blind/pg_dump" <<SH
#!/bin/sh
case "\$*" in *pgassay_drill*) ;; *) exec "$SERVER_BIN/pg_dump" "\$@" ;; esac
[ -s "$T/blind/seen" ] || "$SERVER_BIN/pg_dump" "\$@" >"$T/blind/seen" || exit
cat "$T/blind/seen"
SH
    chmod 755 "$T/blind/pg_dump"
    PGASSAY_PG_BINDIR=$T/blind expect_status 3 drill base --self-test
    expect_text ": a trigger disabled: the drill does not notice it" "were NOT noticed" "verdict          DIFFERENT"
    [[ $output != *"a row removed"* ]]
    expect_equal "$(jq -c '[.equal, .self_test.damages > .self_test.noticed]' "$(ls "$REPO"/base/drills/* | tail -n 1)")" '[false,true]'
    leftovers
}

@test "its JSON keeps to the schema" {
    drill base --json >"$T/drill.json"
    valid_json verify "$T/drill.json"
    objects base --json >"$T/objects.json"
    valid_json verify "$T/objects.json"
}

@test "a damaged chunk: objects names it and the backup, a drill says that the backup cannot be restored" {
    local chunk
    chunk=$(find "$REPO/base/chunks" -type f -printf '%s %p\n' | sort -n | tail -n 1 | cut -d' ' -f2)
    cp -p "$chunk" "$T/good"
    chmod u+w "$chunk"
    printf '\xff' | dd of="$chunk" bs=1 seek=1000 conv=notrunc status=none
    expect_status 3 objects base
    expect_text "$(basename "$chunk")" "needed by $(last_id base)"
    expect_status 3 drill base
    expect_text "$(basename "$chunk")" "cannot be restored"
    leftovers
    rm -f "$chunk"
    expect_status 3 objects
    expect_text "$(basename "$chunk")" missing
    cp -p "$T/good" "$chunk"
    expect_status 0 objects
}

@test "a bad object is read once and named for every backup that uses it" {
    repo_new twice
    backup base
    backup base
    local chunk
    chunk=$(find "$REPO/base/chunks" -type f -printf '%s %p\n' | sort -n | tail -n 1 | cut -d' ' -f2)
    rm -f "$chunk"
    expect_status 3 objects
    expect_equal "$(grep -c '^  different' <<<"$output")" 1
    local id
    for id in $(backup_ids base); do expect_text "$id"; done
}

@test "a kept scratch server can be reached, nothing of a self-test is on it, and the command shown removes it" {
    expect_status 0 drill base --keep --self-test --json
    local remove reach
    remove=$(jq -r .keep_command <<<"$output")
    reach=$(jq -r .reach_command <<<"$output")
    [ -n "$remove" ]
    [ "$(jq .self_test.made <<<"$output")" -ge 40 ]
    expect_equal "$(sh -c "$reach -XAt -c 'SELECT datname FROM pg_database WHERE NOT datistemplate ORDER BY 1'" | xargs)" "pgassay_drill pgassay_drill_reference postgres"
    db_rows base >"$T/rows"
    PGHOST=$(sed -E "s/.*-h '?([^' ]+)'?.*/\1/" <<<"$reach") db_rows pgassay_drill | diff - "$T/rows"
    sh -c "$remove"
    leftovers
}

# ---- a named server --------------------------------------------------------------------------------

# What is on the spare server.
on_spare() {
    PGHOST=$T/s/spare psql_in postgres -c "SELECT datname FROM pg_database WHERE NOT datistemplate UNION ALL SELECT rolname FROM pg_roles WHERE rolname !~ '^pg_' ORDER BY 1" | xargs
}

@test "--server: on a server that the configuration marks, of which nothing else is touched and on which nothing stays" {
    pg_start spare
    psql_in postgres -c "CREATE DATABASE mine" -c "CREATE ROLE verify_owner CONNECTION LIMIT 7" -c "CREATE DATABASE pgassay_drill_left"
    pg_use main
    psql_in postgres -c "CREATE ROLE of_backup; GRANT verify_reader TO of_backup WITH ADMIN OPTION"
    printf '[server %s]\nconninfo = host=%s port=5432 user=postgres dbname=postgres\n%s\n' spare "$T/s/spare" 'scratch = yes' \
        source "$T/s/main" 'scratch = yes' unmarked "$T/s/other" 'scratch = no' >>"$PGASSAY_CONFIG"
    printf '[server default]\nconninfo = user=postgres\nscratch = yes\n' >>"$PGASSAY_CONFIG"
    backup base
    expect_status 0 drill base --server spare --self-test --verbose
    expect_text "verdict          equal" "of which each was noticed"
    expect_equal "$(on_spare)" "mine postgres postgres verify_owner"
    # A difference, and an interruption.
    db_exists old || { db_make old verify.sql; backup old; }
    expect_status 3 drill old --self-test --server "host=$T/s/spare port=5432 user=postgres"
    expect_text "self-test" "was not made, as something is wrong already"
    expect_equal "$(on_spare)" "mine postgres postgres verify_owner"
    start "$BIN/pgassay-verify" drill base --repo "$REPO" --server spare
    PGHOST=$T/s/spare wait_for postgres "SELECT count(*) > 0 FROM pg_database WHERE datname ~ '^pgassay_drill'"
    # shellcheck disable=SC2154  # set by start
    kill -INT "$started"
    finish 130
    expect_equal "$(on_spare)" "mine postgres postgres verify_owner"
    expect_equal "$(PGHOST=$T/s/spare psql_in postgres -c "SELECT rolconnlimit FROM pg_roles WHERE rolname = 'verify_owner'")" 7
}

@test "--server: not the source, none that is not marked, not two drills at once" {
    expect_status 2 drill base --server source
    expect_text "it is the server that the backup came from"
    expect_status 2 drill base --server unmarked
    expect_text "[server unmarked] is not marked scratch = yes"
    expect_status 2 drill base --server "host=$T/s/other port=5432"
    expect_text "[server unmarked] is not marked"
    # What is not said is libpq's own port.
    PGPORT=5433 expect_status 2 drill base --server "host=$T/s/other user=postgres"
    expect_text "[server unmarked] is not marked"
    expect_status 2 drill base --server "host=$T/s/spare port=5433"
    expect_text "the configuration has no such [server NAME]"
    # PGHOST is not where a server without a host is.
    PGHOST=$T/s/spare expect_status 1 drill base --server default
    [[ $output != *"$T/s/spare"* ]]
    expect_status 2 drill base --server spare --keep
    expect_status 2 drill base --server spare --major 99
    expect_text "it is PostgreSQL $(server_major), not 99"
    PGHOST=$T/s/spare session_open holder postgres
    session holder "SELECT pg_advisory_lock(hashtext('pgassay_drill'))"
    PGHOST=$T/s/spare session_idle holder
    expect_status 1 drill base --server spare
    expect_text "another drill is using it"
    session_close holder
    expect_equal "$(on_spare)" "mine postgres postgres verify_owner"
}

@test "--server: one that asks for a password, where a drill that was killed has left roles: they go, and nobody else's" {
    start "$BIN/pgassay-verify" drill base --repo "$REPO" --server spare
    PGHOST=$T/s/spare wait_for postgres "SELECT count(*) > 0 FROM pg_roles WHERE rolname ~ '^(of_backup|verify_)' AND rolname <> 'verify_owner'"
    kill -KILL "$started"
    finish 137
    # Who drops the comment keeps the role; what somebody has made of one is not dropped with it.
    PGHOST=$T/s/spare psql_in mine -c "CREATE ROLE someones" -c "CREATE ROLE kept; COMMENT ON ROLE kept IS 'pgassay: made for a copy, and dropped with it'" -c "CREATE TABLE t (i int); ALTER TABLE t OWNER TO kept"
    PGHOST=$T/s/spare psql_in postgres -c "SET password_encryption = 'scram-sha-256'" -c "ALTER ROLE postgres PASSWORD 'secret'" -c "CREATE ROLE pgassay_drill_reader"
    sed -i 's/trust$/scram-sha-256/' "$T/pg/spare/pg_hba.conf"
    as_server "$SERVER_BIN/pg_ctl" -D "$T/pg/spare" reload >/dev/null
    chmod 600 "$PGASSAY_CONFIG"
    printf '[server asks]\nconninfo = host=%s port=5432 user=postgres password=secret sslmode=disable\nscratch = yes\n' "$T/s/spare" >>"$PGASSAY_CONFIG"
    printf '[check %s]\ndatabase = base\n%s\nexpect = > 1000\n' query 'query = SELECT count(*) FROM public.big' \
        command 'command = test "$PGSSLMODE" = disable && psql -XAtwc "SELECT count(*) FROM big"' >>"$PGASSAY_CONFIG"
    local amcheck=--amcheck
    [ "$(server_major)" -ge 14 ] || amcheck=
    # shellcheck disable=SC2086  # none, or one
    expect_status 0 timeout 60 pgassay verify drill base --repo "$REPO" --server asks --verbose $amcheck
    expect_text "own checks       2 met, 0 missed" "at $T/s/spare:5432" "verdict          equal" 'role "kept", made by a drill, is left there'
    expect_equal "$(PGPASSWORD=secret on_spare)" "kept mine postgres postgres someones verify_owner"
}
