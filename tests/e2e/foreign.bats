#!/usr/bin/env bats
# shellcheck disable=SC2154,SC2016  # lib.bash sets started and status; SQL has $ in it
# Dumps that other tools made: restored as they are, or refused before anything is made.

load lib
setup_file() {
    e2e_setup
    private_postgres
    pg_start main
    db_make shop small.sql
    cd "$T" || return 1
    pg_dump -d shop -f shop.sql
    pg_dump -d shop -Fc -f shop.dump
    pg_dump -d shop -Ft -f shop.tar
    pg_dump -d shop -Fd -f shop.dir
    pgassay restore --file shop.sql --to copy --dry-run --json | jq '[.file.tables, .file.rows]' >holds
}
teardown_file() { e2e_teardown; }
setup() { cd "$T" || return 1; }
teardown() { db_drop copy; }

from()    { pgassay restore --file "$@"; }
again()   { db_drop copy && from "$1" --to copy "${@:2}" && db_same shop copy; }
# reads FILE [MEMBER]: all of it is read, and holds what shop holds.
reads() {
    from "$1" ${2:+--member "$2"} --to copy --dry-run --json >out.json
    expect_equal "$(jq -c '[.file.tables, .file.rows]' out.json)" "$(jq -c . holds)"
}
# refused WHAT FILE TEXT...: with status 1, one line and at most a hint, and nothing is made.
refused() {
    local file=$1
    shift
    expect_status 1 from "$file" --to copy
    expect_text "$file" "$@" && expect_short 3 && nothing
}
# Neither the database nor a half-made one, and nothing in the temporary directory.
nothing() {
    expect_equal "$(psql_in postgres -c "SELECT datname FROM pg_database WHERE datname ~ '^copy'")" ''
    expect_equal "$(ls -A "$TMPDIR")" ''
}

@test "a plain dump comes back as it was, however it is compressed, by whatever name" {
    gzip <shop.sql >a.gz
    bzip2 <shop.sql >a.bz2
    xz <shop.sql >a.xz
    zstd -q <shop.sql >a.zst
    lz4 -q <shop.sql >a.lz4
    { head -n 20 shop.sql | gzip; tail -n +21 shop.sql | gzip; } >a.two
    for f in a.gz a.bz2 a.xz a.zst a.lz4; do reads "$f" || { echo "$f" >&2; false; }; done
    for f in shop.sql a.two; do
        cp "$f" "it is.$f.exe"
        again "it is.$f.exe" || { echo "$f" >&2; false; }
    done
}

@test "pg_dump's archives come back as they were: custom, directory, tar, and these compressed" {
    gzip <shop.tar >b.gz
    xz <shop.dump >b.xz
    for f in b.gz b.xz; do reads "$f" || { echo "$f" >&2; false; }; done
    for f in shop.dump shop.dir shop.tar; do again "$f" || { echo "$f" >&2; false; }; done
    expect_equal "$(ls -A "$TMPDIR")" ''
    cp -r shop.dir ./-x.dir
    db_drop copy
    pgassay restore --file=-x.dir --to copy --dry-run
}

@test "a dump comes from a pipe, and what is not whole is refused as from a file" {
    pg_dump -d shop | gzip | from - --to copy --json >out.json
    db_same shop copy && db_drop copy
    expect_equal "$(jq -r '[.file.path, .file.compression] | @text' out.json)" '["-","gzip"]'
    for f in shop.dump shop.tar; do reads - <"$f" || { echo "$f" >&2; false; }; done
    for f in shop.sql shop.dump; do head -c 3000 "$f" >e.cut && refused - <e.cut 'standard input'; done
    refused - </dev/null '"standard input" is empty'
    expect_status 1 from - --to copy --max-size 10kB <shop.tar
    expect_text 'standard input has more than 10.0 kB' '--max-size'
    mkfifo never && exec 9<>never
    start bash -c 'exec pgassay-restore --file - --to copy <never'
    for ((n = 0; n < 100; n++)); do ! readlink "/proc/$started/fd/"* | grep -q 'tmp/pgassay-.*deleted' || break; sleep 0.1; done
    kill -TERM "$started" && finish 143
    exec 9>&-
    expect_status 2 pgassay backup --file - --name copy --repo "$REPO" <shop.sql
    expect_text 'put what the pipe gives in a file'
    nothing
}

@test "a dump in a bundle is found by what it is; of several one is named" {
    mkdir in && cp shop.sql in/README && gzip <shop.dump >in/notes.txt && ln -s notes.txt in/latest
    cp -r shop.dir in/d
    tar -cf c.tar -C in d latest
    tar -czf c.tgz -C in latest notes.txt
    (cd in && zip -q ../c.zip README)
    (cd in && cp README 'Größe 表.sql' && zip -q ../u.zip 'Größe 表.sql' && LC_ALL=C.UTF-8 bsdtar -cf ../u.7z --format 7zip 'Größe 表.sql')
    for f in u.zip u.7z; do LC_ALL=C reads "$f" || { echo "$f" >&2; false; }; done
    bsdtar -cf c.7z --format 7zip -C in README
    bsdtar -cf c.tzst --zstd -C in d
    for f in c.tar c.tgz c.zip c.7z; do reads "$f" || { echo "$f" >&2; false; }; done
    again c.tzst
    expect_equal "$(ls -A "$TMPDIR")" ''
    tar -cf both.tar -C in README notes.txt
    expect_status 2 from both.tar --to nowhere
    expect_text 'holds 2 dumps: "README" (plain dump of pg_dump), "notes.txt" (custom archive of pg_dump)' '--member'
    db_drop copy
    reads both.tar notes.txt
    expect_status 1 from both.tar --to nowhere --member else
    expect_text 'none of its 2 files named "else" is a dump'
}

@test "everything that a database may hold, and hostile names, come back by every way" {
    psql_in postgres -f "$FIXTURES/roles.sql"
    db_make all everything.sql
    db_make bad hostile.sql
    pg_dump -d all -f all.sql && pg_dump -d all -Fc -f all.dump
    pg_dump -d bad -C | zstd -q >bad.zst
    # What fires or is there already while a dump is restored, does and is so with psql, too.
    db_make all_of_psql
    psql_in all_of_psql -o /dev/null -f all.sql
    pg_dump -d all -Fd -f all.dir && grep -q blob_ all.dir/blobs.toc && from all.dir --to copy --dry-run
    from all.dump --to copy && db_same all_of_psql copy && db_drop copy
    from bad.zst --to copy && db_same bad copy && no_canary copy
    db_drop all all_of_psql bad
}

@test "a whole cluster is restored into a server of its own, and never into a running one" {
    psql_in postgres -c 'CREATE DATABASE "na me"' -c "CREATE ROLE owner_of_it PASSWORD 'secret'" -c 'ALTER DATABASE "na me" OWNER TO owner_of_it'
    space away
    psql_in "na me" -c 'CREATE TABLE t TABLESPACE away AS SELECT generate_series(1, 10) a'
    pg_dumpall >cluster.sql
    db_rows shop >want
    expect_status 2 from cluster.sql --to copy
    expect_text 'plain dump of pg_dumpall' '--db NAME' '--scratch --keep'
    # One of its databases, and nothing of the others or of the server.
    psql_in postgres -c 'CREATE TABLE of_another AS SELECT 1 a' -c "COMMENT ON DATABASE \"na me\" IS 'the one'" -c "ALTER DATABASE \"na me\" SET work_mem = '7MB'"
    pg_dumpall --clean | sed '/^-- Roles/a CREATE ROLE never;' >more.sql
    from - --db shop --to copy --json <more.sql >out.json
    db_same shop copy && db_drop copy
    expect_equal "$(jq -c '[.file.tables, .file.rows]' out.json) $(jq -r .file.database out.json)" "$(jq -c . holds) shop"
    from more.sql --db 'na me' --to copy
    expect_equal "$(psql_in copy -c "SELECT sum(a), pg_get_userbyid(datdba), shobj_description(d.oid, 'pg_database'), current_setting('work_mem') FROM t, pg_database d WHERE datname = current_database() GROUP BY d.oid, 2")" \
        '55|owner_of_it|the one|7MB'
    db_drop copy
    from more.sql --db postgres --to copy
    expect_equal "$(psql_in copy -c 'SELECT a FROM of_another')$(psql_in postgres -c "SELECT rolname FROM pg_roles WHERE rolname = 'never'")" 1
    psql_in postgres -c 'DROP TABLE of_another'
    db_drop copy
    expect_status 1 from more.sql --db nono --to copy
    expect_text 'it has no database "nono"' 'it has ' '"na me"' '"shop"'
    expect_status 2 from shop.sql --db shop --to copy
    expect_text 'plain dump of pg_dump, of one database'
    expect_status 2 pgassay restore --db shop --to copy
    sed -i '/^-- PostgreSQL database cluster dump complete/d' more.sql
    expect_status 1 from more.sql --db shop --to copy
    expect_text 'it is not whole' && nothing
    from cluster.sql --scratch --keep >kept
    read -r h p < <(sed -n 's/.*psql -h \([^ ]*\) -p \([0-9]*\) .*/\1 \2/p' kept)
    PGHOST=$h PGPORT=$p db_rows shop | diff want -
    expect_equal "$(PGHOST=$h PGPORT=$p psql_in "na me" -c 'SELECT sum(a), pg_get_userbyid(datdba) FROM t, pg_database WHERE datname = current_database() GROUP BY 2')" '55|owner_of_it'
    bash -c "$(tail -n 1 kept)"
    db_drop "na me"
    psql_in postgres -c 'DROP TABLESPACE away' -c 'DROP ROLE owner_of_it'
    nothing
}

@test "pg_dump -C: the database's own properties come along, and no other database is touched" {
    db_make props small.sql
    psql_in postgres -c "ALTER DATABASE props SET work_mem = '7MB'" -c "COMMENT ON DATABASE props IS 'a \"thing\"'" \
        -c 'CREATE ROLE reader_of_it' -c 'GRANT CONNECT ON DATABASE props TO reader_of_it' -c 'ALTER DATABASE props CONNECTION LIMIT 3'
    pg_dump -d props -C --clean -f props.sql
    pg_dump -d props -Fc -f props.dump
    grep -q '^DROP DATABASE props' props.sql
    props() { psql_in postgres -v d="$1" <<<"SELECT datacl, shobj_description(oid, 'pg_database'), setconfig, datcollate, encoding FROM pg_database, pg_db_role_setting WHERE setdatabase = oid AND datname = :'d'"; }
    # From a system with other locales.
    sed "s/LOCALE = 'C'/LOCALE = 'xx_YY.UTF-8'/; s/LC_COLLATE = 'C' LC_CTYPE = 'C'/LC_COLLATE = 'xx_YY' LC_CTYPE = 'xx_YY'/" props.sql >else.sql
    expect_status 0 from else.sql --to copy
    expect_text "the locale of the dump's database is not to be had"
    expect_equal "$(props copy)" "$(props props)"
    db_drop copy
    from props.dump --to copy
    expect_equal "$(props copy)" "$(props props)"
    db_same props copy
    db_drop props copy
    psql_in postgres -c 'DROP ROLE reader_of_it'
}

@test "dumps made with --clean, --inserts, without standard_conforming_strings, by a newer pg_dump" {
    pg_dump -d shop --clean -f clean.sql && again clean.sql
    db_drop copy
    pg_dump -d shop --inserts -Fc -f inserts.dump && reads inserts.dump
    db_make hollow
    psql_in hollow -c 'CREATE TABLE t (a int)' && pg_dump -d hollow --inserts -Fc -f hollow.dump
    from hollow.dump --to copy --dry-run
    db_drop hollow
    db_make old
    psql_in old -c "CREATE TABLE t AS SELECT E'a\\\\b''; DROP TABLE t; --' AS v" -c 'ALTER DATABASE old SET standard_conforming_strings = off'
    pg_dump -d old --inserts -f old.sql
    grep -q 'standard_conforming_strings = off' old.sql
    db_drop copy
    from old.sql --to copy
    expect_equal "$(psql_in copy -c 'SELECT v FROM t')" "a\\b'; DROP TABLE t; --"
    db_drop old
    newer=$("$TOP/scripts/pg-versions" bindir 18 2>/dev/null) || skip "no PostgreSQL 18 here"
    [ "$(server_major)" -lt 17 ] || skip "the server knows transaction_timeout"
    "$newer/pg_dump" -d shop -f newer.sql
    db_drop copy
    expect_status 0 from newer.sql --to copy
    expect_text 'SET transaction_timeout' 'the server does not know this setting'
    db_same shop copy
    # Programs that are in PATH alone are found where the newest are wanted.
    "$newer/pg_dump" -d shop -Fc -f newer.dump
    PGASSAY_PG_BINDIR='' PATH=$PATH:$newer from newer.dump --to other --dry-run
}

@test "what is not whole is refused before anything is made: plain, at any place, however compressed" {
    n=$(stat -c %s shop.sql)
    : >e.sql
    refused e.sql 'is empty'
    gzip <e.sql >e.gz
    refused e.gz 'is empty'
    for at in 1 200 $((n / 3)) $((n / 2)) $((n - 90)); do
        head -c "$at" shop.sql >e.sql
        refused e.sql || { echo "$at" >&2; false; }
    done
    xz <e.sql >e.xz
    refused e.xz 'its last line'
    for z in gzip bzip2 xz zstd 'lz4 -q'; do
        $z -c <shop.sql >e.whole
        n=$(stat -c %s e.whole)
        for at in $((n / 2)) $((n - 1)); do
            head -c "$at" e.whole >e.z
            refused e.z || { echo "$z $at" >&2; false; }
        done
    done
    (cat shop.sql; echo 'SELECT 1;') >e.sql
    refused e.sql 'something follows its last line'
    # libarchive does not look at gzip's check sums.
    gzip <shop.sql >e.gz
    flip e.gz $(($(stat -c %s e.gz) - 6))
    refused e.gz 'incorrect data check'
}

@test "what is not whole is refused: archives and bundles" {
    for f in shop.dump shop.tar; do
        n=$(stat -c %s "$f")
        for at in 6 $((n / 2)) $((n - 1600)); do
            head -c "$at" "$f" >e.bin
            refused e.bin || { echo "$f $at" >&2; false; }
        done
        gzip <e.bin >e.gz
        refused e.gz || { echo "$f gz" >&2; false; }
    done
    cp -r shop.dir e.dir
    rm "$(find e.dir -name '*.dat.gz' | sort | head -n 1)"
    refused e.dir
    rm -r e.dir && cp -r shop.dir e.dir
    f=$(find e.dir -name '*.dat.gz' | sort | head -n 1)
    head -c $(($(stat -c %s "$f") - 5)) "$f" >e.cut && mv e.cut "$f"
    refused e.dir 'truncated'
    rm -r e.dir && cp -r shop.dir e.dir
    flip "$f" $(($(stat -c %s "$f") - 6))
    refused e.dir 'incorrect data check'
    rm -r e.dir && cp -r shop.dir e.dir
    # Without its last line the rows of a table would take the next one's for theirs.
    for f in $(find e.dir -name '*.dat.gz' | sort | head -n 1); do gzip -dc "$f" | grep -v '^\\\.$' | gzip >e.cut && mv e.cut "$f"; done
    refused e.dir 'not whole'
    for z in zip tgz 7z; do
        bsdtar -a -cf "e.$z" shop.sql
        n=$(stat -c %s "e.$z")
        head -c $((n / 2)) "e.$z" >"f.$z"
        refused "f.$z" || { echo "$z" >&2; false; }
    done
}

@test "what is no dump is named as what it is" {
    printf 'hello' >e.sql
    refused e.sql 'no dump that is known'
    printf 'CREATE TABLE t (a int);\n' >e.sql
    refused e.sql 'no dump that is known'
    iconv -f UTF-8 -t UTF-16 <shop.sql >e.sql
    refused e.sql 'text in UTF-16' 'iconv'
    printf -- '-- MySQL dump 10.13\n' >e.sql
    refused e.sql 'dump of MySQL'
    printf 'age-encryption.org/v1\n' | gzip >e.sql
    refused e.sql 'encrypted' 'decrypt it first'
    # The first name in a tar is not the table of contents of a directory.
    printf x >"$(printf 'PGDMPaaaaa\003')" && tar -cf e.sql PGDMP*
    for f in e.sql shop.dir/toc.dat; do
        expect_status 2 from "$f" --to copy
        expect_text 'table of contents of a directory archive alone' 'name the directory'
    done
    mkdir empty.dir
    refused empty.dir 'is a directory, but no archive'
    mkfifo fifo
    expect_status 2 from fifo --to copy
    expect_text 'neither a file nor a directory'
    expect_status 1 from not-there --to copy
    expect_text 'could not open "not-there"'
}

@test "bombs end at a limit, which can be raised" {
    { sed '/^-- PostgreSQL database dump complete/,$d' shop.sql; yes '' | head -c 70000000
      sed -n '/^-- PostgreSQL database dump complete/,$p' shop.sql; } >e.sql
    zstd -q -1 -T1 e.sql -o e.zst
    gzip -1 e.sql
    expect_status 1 from e.sql.gz --to copy --max-ratio 100
    expect_text 'more than 100 times its size, as a bomb does' '--max-ratio'
    refused e.zst 'more than 200 times its size'
    expect_status 1 from e.zst --to copy --max-ratio 100000 --max-size 10MB
    expect_text 'unpacks to more than 10.0 MB' '--max-size'
    from e.sql.gz --to copy --max-ratio 100000 --dry-run
    # What an archive compresses itself, is printed by pg_restore.
    db_make bomb
    psql_in bomb -c "CREATE TABLE t AS SELECT repeat('x', 10000) AS v FROM generate_series(1, 7000)"
    pg_dump -d bomb -Fc -f e.dump && pg_dump -d bomb -Fd -f bomb.dir
    for f in e.dump bomb.dir; do
        refused "$f" 'more than 200 times its size' '--max-ratio'
        from "$f" --to copy --max-ratio 2000 --dry-run
    done
    db_drop bomb
    head -c 70000000 /dev/zero >zeros
    bsdtar -cf e.tzst --zstd zeros shop.sql && rm zeros
    refused e.tzst 'times its size'
    zstd -qc shop.sql | gzip >e.twice
    refused e.twice 'compressed more than once'
}

@test "nothing leads out of a bundle or a directory" {
    mkdir -p x/y && cp shop.sql x/
    (cd x/y && tar -cPf ../../e.tar ../shop.sql)
    refused e.tar 'leads out of the bundle'
    tar -cPf e.tar "$T/shop.sql"
    refused e.tar 'leads out of the bundle'
    (cd x && ln -s /etc/passwd l && tar -cf ../e.tar l shop.sql)
    refused e.tar 'link that leads out'
    (cd x && rm l && mkfifo p && tar -cf ../e.tar p shop.sql)
    refused e.tar 'a device, a pipe or a socket'
    for how in link name; do
        rm -rf e.dir && cp -r shop.dir e.dir
        f=$(find e.dir -name '*.dat.gz' -printf '%f\n' | sort | head -n 1)
        case $how in
        link) ln -sf /etc/passwd "e.dir/$f" ;;
        # A file that toc.dat itself names: pg_restore would follow it.
        name) n=${f%.gz} && sed -i "s|$n|../${n:3}|" e.dir/toc.dat ;;
        esac
        refused e.dir || { echo "$how" >&2; false; }
        tar -cf e.tar e.dir
        refused e.tar || { echo "$how in a tar" >&2; false; }
    done
}

@test "commands for psql are not run, whatever they hide in" {
    local i=0 line
    while IFS= read -r line; do
        i=$((i + 1))
        { sed '/^-- PostgreSQL database dump complete/,$d' shop.sql; printf "$line\n"
          sed -n '/^-- PostgreSQL database dump complete/,$p' shop.sql; } >e.sql
        refused e.sql || { echo "$line" >&2; false; }
        [ ! -e "$T/canary" ]
    done <<LINES
\\\\! touch $T/canary
SELECT 1 \\\\g |touch $T/canary
SELECT 1; \\\\copy (SELECT 1) to program 'touch $T/canary'
\\\\i $T/shop.sql
\\\\o |touch $T/canary
\\\\set x \`touch $T/canary\`
\\\\unrestrict nokey
\\\\connect shop
\\\\connect postgres
\\\\connect "dbname=postgres"
COPY (SELECT 1) TO PROGRAM 'touch $T/canary';
COPY app.customer FROM PROGRAM 'touch $T/canary';
COPY app.customer FROM PROGRAM 'touch $T/canary' WHERE stdin IS DISTINCT FROM stdin;\\n\\\\.
DROP TABLE x; ALTER SYSTEM SET work_mem = '1MB';
CREATE ROLE evil SUPERUSER;
ALTER USER postgres PASSWORD 'x';
GRANT pg_read_all_data TO PUBLIC;
CREATE TABLESPACE x LOCATION '/tmp';
ALTER DATABASE shop RENAME TO postgres; ALTER DATABASE postgres RENAME TO gone;
LINES
    while IFS= read -r line; do
        { sed '/^-- PostgreSQL database dump complete/,$d' shop.sql; echo "$line"
          sed -n '/^-- PostgreSQL database dump complete/,$p' shop.sql; } >e.sql
        refused e.sql 'it is about' || { echo "$line" >&2; false; }
    done <<LINES
GRANT ALL ON DATABASE shop, postgres TO PUBLIC;
SECURITY LABEL FOR p ON ROLE postgres IS 'x';
SECURITY LABEL FOR 'p' ON TABLESPACE pg_default IS 'x';
LINES
    sed "s/^SET client_encoding = .*/SET client_encoding = 'SJIS';/" shop.sql >e.sql
    refused e.sql 'parts of characters' 'iconv'
    # However it comes about.
    while IFS= read -r line; do
        { sed '/^-- PostgreSQL database dump complete/,$d' shop.sql; echo "$line"
          sed -n '/^-- PostgreSQL database dump complete/,$p' shop.sql; } >e.sql
        refused e.sql 'parts of characters' 'iconv' || { echo "$line" >&2; false; }
    done <<'LINES'
SELECT pg_catalog.set_config('client_encoding', 'SJIS', false);
DO $$ BEGIN PERFORM set_config('CLIENT_' || 'ENCODING', 'gb18030', false); END $$;
LINES
    # In quotes they are text.
    db_make text
    psql_in text <<'SQL'
SET check_function_bodies = off;
CREATE TABLE t (v text DEFAULT E'\n\\! touch canary\n');
INSERT INTO t VALUES (E'\\.'), (E'\n\\! touch canary\n'), ('\.'), (E'\\N');
CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $_$
\! touch canary
SELECT '$$; \connect postgres'
$_$;
COMMENT ON TABLE t IS $$
\.
\! touch canary
-- PostgreSQL database dump complete
$$;
SQL
    pg_dump -d text -f text.sql
    from text.sql --to copy && db_same text copy
    [ ! -e canary ]
    db_drop text
}

@test "roles that are missing are said beforehand; -O and -x do without; a scratch server makes them" {
    db_make owned
    psql_in owned -c 'CREATE ROLE ann' -c 'CREATE ROLE "bo b"' -c 'CREATE TABLE t AS SELECT 1 a' -c 'ALTER TABLE t OWNER TO ann' -c 'GRANT SELECT ON t TO "bo b"' \
        -c 'ALTER DEFAULT PRIVILEGES FOR ROLE ann GRANT SELECT ON TABLES TO "bo b"'
    pg_dump -d owned -f owned.sql && pg_dump -d owned -Fc -f owned.dump
    db_drop owned
    psql_in postgres -c 'DROP ROLE ann, "bo b"'
    for f in owned.sql owned.dump; do
        expect_status 1 from "$f" --to copy
        expect_text 'roles of the dump that the server does not have' '"ann"' '"bo b"' '-O'
        nothing
    done
    from owned.dump --to copy -O -x --no-analyze
    expect_equal "$(psql_in copy -c "SELECT tableowner FROM pg_tables WHERE tablename = 't'")" postgres
    db_drop copy
    expect_status 0 from owned.dump --scratch -v
    expect_text 'on a scratch server'
    nothing
    { sed '/^CREATE TABLE/,$d' owned.sql; echo 'SET default_tablespace = away;'; sed -n '/^CREATE TABLE/,$p' owned.sql; } >away.sql
    expect_status 1 from away.sql --to copy -O -x
    expect_text 'tablespaces of the dump that the server does not have: "away"' '--no-tablespaces'
    from away.sql --to copy -O -x --no-tablespaces --dry-run
    # As another role, with its rights.
    psql_in postgres -c 'CREATE ROLE weak CREATEDB'
    from owned.sql --to copy -O -x --role weak --no-analyze
    expect_equal "$(psql_in copy -c "SELECT tableowner FROM pg_tables WHERE tablename = 't'")" weak
    db_drop copy
    psql_in postgres -c 'DROP ROLE weak'
}

@test "a statement that fails, SIGTERM and an existing database leave nothing" {
    (sed '/^-- PostgreSQL database dump complete/,$d' shop.sql; echo "SELECT 1 / 0, 'secret';"; sed -n '/^-- PostgreSQL database dump complete/,$p' shop.sql) >e.sql
    refused e.sql 'division by zero' 'SELECT 1 / 0'
    [[ $output != *secret* ]]
    (sed '/^-- PostgreSQL database dump complete/,$d' shop.sql; echo 'BEGIN; CREATE TABLE public.t ();'; sed -n '/^-- PostgreSQL database dump complete/,$p' shop.sql) >e.sql
    refused e.sql 'ends within a transaction'
    (sed '/^-- PostgreSQL database dump complete/,$d' shop.sql; echo 'SELECT pg_sleep(100);'; sed -n '/^-- PostgreSQL database dump complete/,$p' shop.sql) | gzip >e.gz
    bsdtar -cf e.tar --zstd shop.dir
    for f in e.gz e.tar; do
        [ "$f" = e.gz ] || hook pg_restore before <<<'case $CALL in [3-9]*) touch "'"$T"'/reached"; sleep 100 ;; esac'
        start "$BIN/pgassay-restore" --file "$f" --to copy
        if [ "$f" = e.gz ]; then
            wait_for postgres "SELECT count(*) = 1 FROM pg_stat_activity WHERE query ~ '^SELECT pg_sleep'"
        else
            for ((n = 0; n < 200; n++)); do [ ! -e reached ] || break; sleep 0.1; done
        fi
        kill -TERM "$started"
        finish 143
        unhook
        nothing
    done
    cp -r shop.dir live.dir
    hook pg_restore after <<<'[ $CALL != 2 ] || touch "'"$T"'/live.dir/toc.dat"'
    refused live.dir 'has changed while it was read'
    unhook
    db_make copy
    expect_status 1 from shop.sql --to copy
    expect_text 'database "copy" exists'
    expect_equal "$(psql_in copy -c 'SELECT count(*) FROM pg_class WHERE relnamespace = 2200')" 0
}

@test "--dry-run and --json say what the file is and what is in it" {
    gzip <shop.sql >e.gz
    for f in e.gz shop.dir; do
        from "$f" --to copy --dry-run --json >out.json
        valid_json restore out.json
        expect_equal "$(jq -r '[.status, .dry_run, .backup, .file.tables] | @text' out.json)" \
            "[\"complete\",true,null,$(psql_in shop -c "SELECT count(*) FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace::regnamespace::text !~ '^(pg_|information_schema)'")]"
    done
    expect_equal "$(jq -r '[.file.kind, .file.database] | @text' out.json)" '["directory","shop"]'
    expect_status 0 from e.gz --to copy --dry-run
    expect_text 'it is whole, and nothing stands in the way' 'plain dump of pg_dump "e.gz"'
    expect_status 1 from e.gz --to shop --dry-run
    nothing
}

@test "--list says what a file holds, and needs no server" {
    PGHOST=/nowhere from shop.dump --list --json >out.json
    valid_json restore-list out.json
    expect_equal "$(jq -c '[.file.tables, .file.rows]' out.json)" "$(jq -c . holds)"
    expect_equal "$(jq '.file.server_version_num / 10000 | floor' out.json)" "$(server_major)"
    expect_status 0 from shop.sql --list
    expect_text 'plain dump of pg_dump "shop.sql"' 'it is whole'
}

@test "options of backups do not go with a file" {
    expect_status 2 pgassay restore shop --file shop.sql --to copy
    for o in --repo=x --backup=latest --swap '-t x' --rows=x; do
        # shellcheck disable=SC2086
        expect_status 2 from shop.sql --to copy $o
    done
    expect_status 2 from shop.sql --swap
    expect_text '--to NEWDB' '--switch-to NEWDB'
    expect_status 2 from shop.dump --to copy -j 2
    expect_text 'storage import'
    expect_status 2 from shop.sql
    expect_text 'nothing says where to restore'
    expect_status 2 pgassay restore --member x --to copy
    expect_status 2 from shop.sql --to copy --max-size much
}
