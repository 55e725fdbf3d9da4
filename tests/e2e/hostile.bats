#!/usr/bin/env bats
# Names, bodies and comments that look like SQL, of an ordinary owner: every path that runs what pg_restore prints.
# hostile.sql has the objects; should any of it be taken for SQL, its owner is a superuser then.

load lib
setup_file() {
    e2e_setup
    pg_start main
    db_make hostile hostile.sql
    no_canary hostile
    backup hostile
}
teardown_file() { e2e_teardown; }
teardown() { pg_use main; }

# watch_dumps: from now on each pg_dump that a tool runs is preceded by a look at the server that it is to dump: what is
# found there comes into $T/seen.  So a scratch server is seen, too, after it was restored into.
watch_dumps() {
    local d=$T/watched
    rm -rf "$d"
    mkdir "$d"
    ln -s "$T"/pgbin/* "$d/"
    ln -sf "$T/pgbin/.initdb" "$d/.initdb"
    rm "$d/pg_dump"
    : >"$T/seen"
    chmod 666 "$T/seen"
    cat >"$d/pg_dump" <<WRAPPER
#!/bin/bash
case "\$*" in *--version* | -V) exec "$SERVER_BIN/pg_dump" "\$@" ;; esac
for ((i = 1; i < \$#; i++)); do
    if [ "\${!i}" = --dbname ]; then n=\$((i + 1)); db=\${!n}; fi
done
"$SERVER_BIN/psql" -XAt -d "\$db" >>"$T/seen" <<'SQL'
SELECT (SELECT count(*) FROM pg_roles WHERE rolsuper), (SELECT count(*) FROM pg_class WHERE relname = 'canary'),
       (SELECT count(*) > 50 FROM pg_class WHERE relkind = 'r' AND relname LIKE '%mallory%')
SQL
exec "$SERVER_BIN/pg_dump" "\$@"
WRAPPER
    chmod 755 "$d/pg_dump"
    export PGASSAY_PG_BINDIR=$d
}
# saw N: so many dumps, each of a server with one superuser, without a canary, and with all those names.
saw() {
    drills_copy
    expect_equal "$(sort -u "$T/seen")" '1|0|t' && expect_equal "$(wc -l <"$T/seen")" "$1"
}

@test "a restore brings all of it back, and runs none of it" {
    expect_status 0 restore hostile --to copy
    no_canary copy
    db_same hostile copy
    expect_equal "$(psql_in copy -c "SELECT description LIKE '%CREATE TABLE public.canary ();%' FROM pg_shdescription WHERE objoid = (SELECT oid FROM pg_database WHERE datname = 'copy')")" t
    db_drop copy
}

@test "a bundle restores by its own commands, whatever the names are" {
    local in
    pgassay storage export hostile --repo "$REPO" --file "$T/hostile.tar"
    tar -C "$T" -xf "$T/hostile.tar"
    in=$(echo "$T"/hostile-*/)
    plain "$in/RECOVERY.md" "$in/restore.sh"
    bash "$in/restore.sh" copy >"$T/out"
    no_canary copy
    db_same hostile copy
    db_drop copy
    rm -r "$in" "$T/hostile.tar"
}

@test "an entry that fails, because its owner is missing, is run without its owner, and nothing else" {
    pg_start other
    psql_in postgres -c 'CREATE ROLE mallory LOGIN'
    expect_status 4 restore hostile --to copy --role postgres
    no_canary copy
    expect_equal "$(psql_in copy -c "SELECT count(*) FROM pg_class c JOIN pg_roles r ON r.oid = relowner WHERE rolname = 'mallory'")" \
        "$(pg_use main && psql_in hostile -c "SELECT count(*) FROM pg_class c JOIN pg_roles r ON r.oid = relowner WHERE rolname = 'mallory'")"
    expect_equal "$(psql_in copy -c "SELECT count(*) FROM pg_class WHERE oid > 16383 AND relkind IN ('r', 'p')")" \
        "$(pg_use main && psql_in hostile -c "SELECT count(*) FROM pg_class WHERE oid > 16383 AND relkind IN ('r', 'p')")"
    db_drop copy
    # With the roles of the backup everything is there.
    expect_status 0 restore hostile --to copy --globals
    no_canary copy
    expect_equal "$(psql_in postgres -c "SELECT count(*) FROM pg_roles WHERE rolname !~ '^pg_'")" \
        "$(pg_use main && psql_in postgres -c "SELECT count(*) FROM pg_roles WHERE rolname !~ '^pg_'")"
    pg_stop other
}

@test "a restore without owners and privileges" {
    expect_status 0 restore hostile --to copy --no-owner --no-privileges
    no_canary copy
    expect_equal "$(psql_in copy -c "SELECT count(*) FROM pg_class WHERE oid > 16383 AND relowner <> 10 AND relkind = 'r'")" 0
    db_drop copy
}

@test "one and several workers, from a parallel restore" {
    expect_status 0 restore hostile --to copy --jobs 4
    no_canary copy
    db_same hostile copy
    db_drop copy
}

@test "a scratch server" {
    expect_status 0 restore hostile --scratch --keep
    local host
    host=$(find "$TMPDIR" -name '.s.PGSQL.*' ! -name '*.lock' -printf '%h\n' | head -n 1)
    (
        export PGHOST=$host PGPORT
        PGPORT=$(find "$host" -name '.s.PGSQL.*' ! -name '*.lock' | sed 's/.*SQL\.//')
        no_canary hostile
        # No server has kept where it points to, whatever it is named.
        expect_equal "$(psql_in hostile -c "SELECT count(*), count(srvoptions) FROM pg_foreign_server")" \
            "$(PGHOST=$T/s/main PGPORT=5432 psql_in hostile -c "SELECT count(*), 0 FROM pg_foreign_server")"
        expect_equal "$(psql_in hostile -c "SELECT count(*) FROM pg_user_mapping")" 0
    )
    bash -c "$(tail -n 1 <<<"$output")"
}

@test "a drill, with a reference trip" {
    # Text that is not stable makes the trip necessary.
    db_make trip hostile.sql
    psql_in trip -c "CREATE TABLE public.unstable (v varchar(5) CHECK (v IN ('a', 'b')))"
    backup trip
    watch_dumps
    expect_status 0 drill trip
    saw 2
    no_canary
    db_drop trip
}

@test "a comparison with the living database, each after a trip" {
    db_make lived hostile.sql
    psql_in lived -c "CREATE TABLE public.unstable (v varchar(5))"
    backup lived
    psql_in lived -c "DROP TABLE public.unstable" -c "CREATE TABLE public.unstable (v text)"
    watch_dumps
    expect_status 3 pgassay verify live lived --repo "$REPO" --conninfo lived
    # The first trip is that of the table alone, with what it needs: not all names make it.
    expect_equal "$(grep -c '^1|0|f$' "$T/seen")" 2
    sed -i '/f$/d' "$T/seen"
    saw 3
    expect_text 'public.unstable'
    # That table alone: whatever is named differs in nothing else.
    expect_equal "$(grep -c 'different ' <<<"$output")" "$(grep -c 'different .*unstable' <<<"$output")"
    no_canary lived
    db_drop lived
}

@test "parts of it: schemas that have to be made are made as they are named" {
    db_make parts hostile.sql
    backup parts -t public.parted -t '*.*mallory*'
    # What the tables need, and is no table: servers of foreign ones, functions of triggers.
    expect_status 4 restore parts --backup "$(last_id parts)" --to copy
    expect_equal "$(grep '^pgassay' <<<"$output" | grep -vcE 'warning: (FOREIGN TABLE|TRIGGER) ')" 0
    no_canary copy
    local relations="SELECT nspname, relname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
                      WHERE relkind = 'r' AND relname LIKE '%mallory%' ORDER BY 1, 2"
    expect_equal "$(psql_in copy -c "$relations")" "$(psql_in parts -c "$relations")"
    db_drop copy
    backup parts -n public -n '*mallory*'
    expect_status 4 restore parts --backup "$(last_id parts)" --to copy
    no_canary copy
    db_drop copy parts
}

@test "a list of it has a line for each object" {
    expect_status 0 restore hostile --list --json
    local objects
    objects=$(jq '(.tables | length) + ([.objects[] | select(.kind != "TABLE")] | length) + 2' <<<"$output")
    expect_status 0 restore hostile --list
    expect_equal "$(wc -l <<<"$output")" "$objects"
}

@test "nothing of it is obeyed by a terminal: lists, findings, warnings, notes, errors" {
    local note=$'\u009b2J\u202e\e[31m\u2066' tool
    local evil=$note$'\x9b'    # which is no UTF-8
    restore hostile --list >"$T/list" 2>&1
    storage show hostile --tables >"$T/show" 2>&1
    storage pin hostile latest --note "$note"
    storage list hostile >"$T/names" 2>&1
    storage list "$evil" >"$T/missing" 2>&1 || true
    storage policy --db "$evil" --keep-last 3 >"$T/policy" 2>&1 || true
    restore hostile --to "$evil" >"$T/wrong" 2>&1 || true
    restore "$evil" --to x >"$T/unknown" 2>&1 || true
    pgassay storage list --repo "$T/$evil" >"$T/place" 2>&1 || true
    drill hostile -v >"$T/drill" 2>&1
    pg_start bare
    restore hostile --to x -v >"$T/warnings" 2>&1 || true
    pg_stop bare
    for tool in list show names missing policy wrong unknown place drill warnings; do
        [ -s "$T/$tool" ] || { echo "$tool said nothing" >&2; return 1; }
        plain "$T/$tool"
    done
    # Shown, not dropped; and JSON is exact.
    grep -qF 't\u009b2J;ALTER ROLE' "$T/list"
    grep -qF '\u202e\x1b[31m' "$T/missing"
    storage list hostile --json | jq -e --arg n "$note" '[.. | strings | select(. == $n)] | length > 0'
}

@test "a database whose name has line ends comes back with all that is its own" {
    [ "$(server_major)" -lt 19 ] || skip 'such names are refused from 19 on'
    local name=$'two\nlines\\"' quoted=$'two\nlines\\""'
    psql_in postgres -c "CREATE DATABASE \"$quoted\" TEMPLATE template0 OWNER mallory"
    psql_in "dbname='two
lines\\\\\"'" -f "$FIXTURES/hostile.sql" -o /dev/null
    psql_in postgres -c "ALTER DATABASE \"$quoted\" CONNECTION LIMIT 7" -c "REVOKE ALL ON DATABASE \"$quoted\" FROM PUBLIC" \
        -c "GRANT CONNECT ON DATABASE \"$quoted\" TO \"begin\" WITH GRANT OPTION" -c "GRANT ALL ON DATABASE \"$quoted\" TO \"TO\""
    backup "$name"
    expect_status 0 restore "$name" --to back
    no_canary back
    local properties="SELECT datdba::regrole, datconnlimit, (SELECT string_agg(a::text, ' ' ORDER BY a::text) FROM unnest(datacl) a),
                             shobj_description(d.oid, 'pg_database'),
                             (SELECT string_agg(setrole::text || setconfig::text, E'\n' ORDER BY setrole) FROM pg_db_role_setting WHERE setdatabase = d.oid)
                        FROM pg_database d WHERE datname = :'d'"
    diff <(psql_in postgres -v d=back <<<"$properties") <(psql_in postgres -v d="$name" <<<"$properties")
    # Under its own name, beside the source on another server; and in a drill.
    expect_status 0 drill "$name"
    psql_in postgres -c "DROP DATABASE \"$quoted\"" -c 'DROP DATABASE back'
    expect_status 0 restore "$name" --to "$name"
    db_exists "$name"
    psql_in postgres -c "DROP DATABASE \"$quoted\""
}
