#!/usr/bin/env bats
# shellcheck disable=SC2154  # lib.bash sets output and status
# What a restore finds beforehand: each condition made for real gives its one finding, a healthy server none.

load lib
setup_file() {
    e2e_setup
    pg_start main
    db_make shop small.sql
    backup shop
    psql_in postgres -c 'CREATE ROLE maker LOGIN CREATEDB' -c 'CREATE ROLE owning'
    db_make owned
    psql_in owned -c 'CREATE TABLE mine (a int)' -c 'ALTER TABLE mine OWNER TO owning' -c 'GRANT SELECT ON mine TO maker'
    backup owned
}
teardown_file() {
    ! mountpoint -q "$T/pg/small" || umount -l "$T/pg/small"
    e2e_teardown
}

# looks DB [OPTION...]: what a restore of it onto this server would meet, and nothing else: into $T/found.json.
looks() {
    local db=$1
    shift
    restore "$db" --to made --dry-run --json "$@" >"$T/found.json" 2>"$T/said" || true
    valid_json restore "$T/found.json"
    expect_no_db made
}
found() { jq -r "[.preflight[] | select(.text | contains(\"not a superuser\") | not)] | $1" "$T/found.json"; }
# one CLASS TEXT...: there is one finding, of this class, in whose text each of these stands.
one() {
    local class=$1 t
    shift
    expect_equal "$(found 'map(.class) | join(" ")')" "$class" || { found .; cat "$T/said"; return 1; }
    for t; do [[ $(found '.[0].text') == *"$t"* ]] || { printf 'no "%s" in:\n' "$t"; found .; return 1; }; done
    expect_equal "$(jq .exit_status "$T/found.json")" "$([ "$class" = stop ] && echo 1 || echo 0)"
}
none() { expect_equal "$(found 'map(.text) | join("; ")')" ''; }
# The SQL of the finding is run, as it stands, by a superuser.
mend() { PGOPTIONS='-c default_transaction_read_only=off' psql_in postgres -o /dev/null <<<"$(found '.[0].sql')"; }
hints() { [[ $(found '.[0].hint') == *"$1"* ]] || { found .; return 1; }; }

@test "a healthy server: nothing is found" {
    looks shop
    none
    expect_status 0 restore shop --to made --dry-run
    expect_equal "$(wc -l <<<"$output")" 2      # and that no drill has proven it
    expect_text 'nothing stands in the way'
}

@test "chunks that are not in the store: a listing tells, tables and the other repository are named, nothing is begun" {
    local c whole=$REPO
    cp -r "$whole" "$T/repo.holes"
    c=$(find "$T/repo.holes/shop/chunks" -type f -printf '%s %p\n' | sort -n | tail -n 1 | cut -d' ' -f2)
    mv "$c" "$T/chunk"
    export REPO=$T/repo.holes
    looks shop
    one stop public.item 'missing' "$(basename "$c" | cut -c1-16)"
    hints "--repair-from OTHER"
    # A smaller object is none, either; a restore stops as early, and without a server; so does what goes into live tables.
    head -c 100 "$T/chunk" >"$c"
    looks shop
    one stop public.item
    PGHOST=/nowhere expect_status 1 restore shop --to made
    expect_text public.item '-T PATTERN'
    expect_status 1 restore shop --into shop --data-only -t sale --truncate
    expect_text 'bad or missing'
    expect_equal "$(psql_in shop -c 'SELECT count(*) FROM sale')" 3000
    # Bytes are not looked at: a restore meets them, and says the same.
    cp "$T/chunk" "$c"
    flip "$c" 50
    looks shop
    none
    printf '[repo offsite]\npath = %s\n' "$whole" >"$PGASSAY_CONFIG"
    expect_status 1 restore shop --to made
    expect_text 'hint: other repositories: offsite; --repo offsite' "pgassay storage scrub shop --repo $REPO --repair-from offsite"
    expect_status 0 restore shop --to made --repo offsite
    db_drop made
    # Both ways out work; what is condemned is not there either.
    expect_status 3 pgassay storage scrub shop --repo "$REPO"
    looks shop --backup "$(last_id shop)"
    one stop public.item
    hints '--repo offsite'
    expect_status 0 pgassay storage scrub shop --repo "$REPO" --repair-from offsite
    looks shop
    none
    : >"$PGASSAY_CONFIG"
}

@test "only chunks of the part are looked for" {
    local c
    cp -r "$REPO" "$T/repo.part"
    export REPO=$T/repo.part
    psql_in postgres -c 'CREATE DATABASE two'
    psql_in two -c 'CREATE TABLE a AS SELECT i FROM generate_series(1, 10) i' -c "CREATE TABLE big AS SELECT i, repeat(md5(i::text), 100) FROM generate_series(1, 9000) i"
    backup two
    c=$(manifest two | jq -r '.chunks[(.tables[] | select(.name == "big").ranges[0][3][0][0])][0]')
    rm "$REPO/two/chunks/$c"
    looks two
    one stop public.big
    looks two -t a
    none
}

@test "roles: one finding for all of a role's objects; the SQL makes them" {
    psql_in postgres -c 'ALTER ROLE owning RENAME TO aside'
    looks owned
    one stop owning
    hints --globals
    mend
    looks owned
    psql_in postgres -c 'DROP ROLE owning' -c 'ALTER ROLE aside RENAME TO owning'
    none
}

@test "tablespaces" {
    space quick
    psql_in owned -c 'CREATE TABLE placed (a int) TABLESPACE quick'
    backup owned
    psql_in postgres -c 'ALTER TABLESPACE quick RENAME TO slow'
    looks owned
    one stop '"quick"'
    hints --tablespace-map
    looks owned --tablespace-map quick=slow
    none
    psql_in postgres -c 'ALTER TABLESPACE slow RENAME TO quick'
}

@test "extensions: versions that differ, and what is available" {
    psql_in postgres -c 'CREATE DATABASE extended'
    psql_in extended -c 'CREATE EXTENSION pg_trgm'
    backup extended
    looks extended
    none
    psql_in extended -c "UPDATE pg_extension SET extversion = '0.1' WHERE extname = 'pg_trgm'"
    backup extended
    looks extended
    one note '"pg_trgm" was version 0.1' '(available: 1.3, 1.4'
    expect_status 0 restore extended --to made --dry-run
    expect_text 'note: extension "pg_trgm"'
    psql_in extended -c "UPDATE pg_extension SET extversion = '99.1' WHERE extname = 'pg_trgm'"
    backup extended
    looks extended
    one warning '99.1'
}

@test "an extension and a locale that this server does not have" {
    local bin=$SERVER_BIN path=$PATH
    mkdir "$T/locales"
    cp -r /usr/lib/locale/C.utf8 "$T/locales/xx_XX.utf8" || skip "no C.utf8 to copy"
    private_postgres
    LOCPATH=$T/locales pg_start other
    psql_in postgres -c "CREATE DATABASE far TEMPLATE template0 LC_COLLATE 'xx_XX.utf8' LC_CTYPE 'xx_XX.utf8'" -c 'CREATE DATABASE plugged'
    psql_in plugged -c 'CREATE EXTENSION e2e_config'
    backup far
    backup plugged
    looks far
    none
    pg_kill other
    export SERVER_BIN=$bin
    copying_bindir
    pg_use main
    looks far
    one stop 'xx_XX.utf8'
    hints locale-gen
    looks plugged
    one warning '"e2e_config"'
    hints 'e2e_config 1.'
    # What lacks something takes no other's place.
    psql_in postgres -c 'CREATE DATABASE plugged'
    restore plugged --swap --dry-run --json >"$T/found.json" 2>"$T/said" || true
    one stop '"e2e_config"'
    hints --switch-to
}

@test "another version of the collation is a note: a restore makes all indexes anew" {
    since 15 "databases with a provider came with 15"
    psql_in postgres -c "CREATE DATABASE sorted TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'de'"
    backup sorted
    looks sorted
    none
    psql_in postgres -c "UPDATE pg_database SET datcollversion = '1.2' WHERE datname = 'sorted'"
    backup sorted
    looks sorted
    one note 'version 1.2' '"de" (icu)'
}

@test "read only by default: the server, a role, the database itself; the SQL mends it, and a restore writes all the same" {
    PGOPTIONS='' psql_in postgres -c 'ALTER ROLE postgres SET default_transaction_read_only = on'
    looks owned -t mine
    one warning 'role "postgres"'
    expect_status 0 restore owned --to made -t mine
    PGOPTIONS='-c default_transaction_read_only=off' db_drop made
    mend
    looks owned -t mine
    none
    psql_in postgres -c 'ALTER SYSTEM SET default_transaction_read_only = on' -c 'SELECT pg_reload_conf()' -o /dev/null
    PGOPTIONS='' wait_for postgres "SELECT current_setting('default_transaction_read_only') = 'on'"
    looks owned -t mine
    one warning 'on for the server'
    mend
    wait_for postgres "SELECT current_setting('default_transaction_read_only') = 'off'"
    psql_in postgres -c 'ALTER SYSTEM RESET default_transaction_read_only' -c 'CREATE DATABASE frozen' -c 'ALTER DATABASE frozen SET default_transaction_read_only = on'
    backup frozen
    looks frozen
    one warning '"made" comes back'
    expect_equal "$(found '.[0].sql')" 'ALTER DATABASE "made" RESET default_transaction_read_only;'
}

@test "connections: the server's and a role's" {
    looks shop --jobs 40
    one stop '41 more connections' max_connections
    hints '--jobs '
    looks shop --jobs "$(found '.[0].hint' | grep -oE '[0-9]+')"
    none
    psql_in postgres -c 'ALTER ROLE maker CONNECTION LIMIT 3'
    looks shop --jobs 4 -U maker --no-space-check
    one stop 'role "maker"' 'has 2 left'
    hints '--jobs 1 '
    mend
    looks shop --jobs 4 -U maker --no-space-check
    none
}

@test "locks: more tables at a time than the server has room for" {
    psql_in postgres -c 'CREATE DATABASE many'
    psql_in many -o /dev/null <<<"SELECT format('CREATE TABLE t%s (a int)', i) FROM generate_series(1, 90) i \gexec"
    backup many
    looks many --jobs 26
    one warning max_locks_per_transaction 'room for 1920' 'up to 2340'
    looks many --jobs 20
    none
}

@test "WAL that somebody keeps is a note with its size" {
    psql_in postgres -o /dev/null -c "SELECT pg_create_physical_replication_slot('keeps')"
    looks shop
    psql_in postgres -o /dev/null -c "SELECT pg_drop_replication_slot('keeps')"
    one note ' of WAL will be written' 'kept for 1 replication slot'
}

@test "room: what the database took, against what is free where it will lie; said as not known where it cannot be" {
    local f
    psql_in postgres -c 'CREATE DATABASE huge'
    f=$T/pg/main/base/$(psql_in postgres -c "SELECT oid FROM pg_database WHERE datname = 'huge'")/990000
    as_server truncate -s 8T "$f"
    backup huge
    as_server rm "$f"
    looks huge
    one stop '8.8 TB' "$T/pg/main"
    hints --no-space-check
    looks huge --no-space-check
    none
    expect_status 1 restore huge --scratch
    expect_text 'but only' "$T/tmp"
    # Who may not see the directory, or sees another one.
    looks shop -U maker
    one note 'is not known: the database takes about'
}

@test "room: what the sort for the largest index takes in temporary files, beside the database or in temp_tablespaces" {
    local small=$T/pg/small f
    mkdir -p "$small"
    [ "$(id -u)" -eq 0 ] && mount -t tmpfs -o size=420m tmpfs "$small" 2>/dev/null || skip 'needs the right to mount'
    chown postgres "$small"
    psql_in postgres -c "CREATE TABLESPACE small LOCATION '$small'"
    DB_OPTIONS='TABLESPACE small' db_make wide
    psql_in wide -c 'CREATE TABLE t (i int PRIMARY KEY, x text)' -c 'INSERT INTO t VALUES (1)' -c CHECKPOINT
    # Rows out of line, and an index, of 160 MB each, though there is nothing in them.
    psql_in wide -c "SELECT pg_relation_filepath(c) FROM unnest(ARRAY[(SELECT reltoastrelid FROM pg_class WHERE relname = 't'), 't_pkey'::regclass]) c" >"$T/files"
    while read -r f; do as_server truncate -s 160M "$T/pg/main/$f"; done <"$T/files"
    backup wide
    db_drop wide
    looks wide
    one warning 'the database takes 34' 'the sort for its largest index up to about 16' "are free in" "$small"
    mount -o remount,size=300m "$small"
    looks wide
    one stop 'the database takes 34' 'the sort for its largest index'
    mount -o remount,size=600m "$small"
    looks wide
    none
    # Elsewhere, where there is none, or none of that name.
    mount -o remount,size=100m "$small"
    PGOPTIONS='-c temp_tablespaces=small' looks wide --tablespace-map small=pg_default
    one warning 'the sort for the largest index takes up to about 16' 'temp_tablespaces' "$small"
    PGOPTIONS='-c temp_tablespaces=nosuch' looks wide --tablespace-map small=pg_default
    none
    looks wide --tablespace-map small=pg_default -U maker
    one note 'is not known: the database takes about 34' 'the sort for its largest index'
    psql_in postgres -c 'DROP TABLESPACE small'
    umount "$small"
}

@test "definitions that a server of another version refuses, in both directions" {
    local new old
    new=$("$TOP/scripts/pg-versions" bindir 18) && old=$("$TOP/scripts/pg-versions" bindir 13) || skip "PostgreSQL 13 and 18 are not here: run scripts/deps --matrix"
    [ "$(server_major)" = 15 ] || skip "PostgreSQL $(server_major)"
    local bin=$SERVER_BIN
    export SERVER_BIN=$new
    copying_bindir
    pg_start new
    psql_in postgres -c 'CREATE DATABASE modern' -c 'ALTER DATABASE modern SET transaction_timeout = 0'
    psql_in modern -c 'CREATE TABLE virtual (a int, b int GENERATED ALWAYS AS (a + length($$it)''s$$)) VIRTUAL, c int GENERATED ALWAYS AS (a * 2) STORED)' \
        -c 'CREATE TABLE fine (a int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, c int GENERATED ALWAYS AS (2 * (3)) STORED)'
    backup modern
    pg_kill new
    export SERVER_BIN=$bin
    copying_bindir
    pg_use main
    looks modern --pg-bindir "$new"
    expect_equal "$(found 'map(.class) | join(" ")')" 'warning warning warning'
    [[ $(found '.[0].text') == *'from PostgreSQL 18, the target is the older 15'* ]]
    [[ $(found '.[1].text') == *'does not take a virtual generated column: "TABLE public.virtual" will'* ]]
    [[ $(found '.[2].text') == *'"transaction_timeout"'* ]]
    expect_status 4 restore modern --to made --pg-bindir "$new"
    expect_text 'TABLE public.virtual'
    db_drop made
    export SERVER_BIN=$old
    copying_bindir
    pg_start old
    psql_in postgres -c 'CREATE DATABASE ancient'
    psql_in ancient -c 'CREATE OPERATOR !!! (LEFTARG = int8, FUNCTION = numeric_fac)' -c 'CREATE UNLOGGED TABLE parted (a int) PARTITION BY LIST (a)' \
        -c 'CREATE AGGREGATE gather(anyelement) (SFUNC = array_append, STYPE = anyarray, INITCOND = $${}$$)'
    backup ancient
    pg_kill old
    export SERVER_BIN=$bin
    copying_bindir
    pg_use main
    looks ancient
    expect_equal "$(found 'map(.class) | join(" ")')" 'warning warning'
    [[ $(found '.[0].text') == *'a postfix operator: "OPERATOR public.!!!"'* ]]
    [[ $(found '.[1].text') == *'"AGGREGATE public.gather(anyelement)"'* ]]
}

@test "all at once, in one run, each with what to do; nothing has changed" {
    local before
    cp -r "$REPO" "$T/repo.all"
    export REPO=$T/repo.all
    psql_in owned -c 'INSERT INTO mine VALUES (1)'
    backup owned
    rm "$REPO/owned/chunks/$(manifest owned | jq -r '.chunks[(.tables[] | select(.name == "mine").ranges[0][3][0][0])][0]')"
    psql_in postgres -c 'ALTER ROLE owning RENAME TO aside' -c 'CREATE ROLE timid LOGIN CONNECTION LIMIT 2'
    before=$(psql_in postgres -c 'SELECT array_agg(datname ORDER BY 1) FROM pg_database')
    expect_status 1 restore owned --to shop -U timid
    expect_text 'public.mine' 'already exists' 'may not create databases' 'ALTER ROLE "timid" CREATEDB;' 'role "timid" (CONNECTION LIMIT)' '"owning"' 'CREATE ROLE "owning"'
    expect_equal "$(psql_in postgres -c 'SELECT array_agg(datname ORDER BY 1) FROM pg_database')" "$before"
    psql_in postgres -c 'ALTER ROLE aside RENAME TO owning' -c 'DROP ROLE timid'
}
