#!/usr/bin/env bats
# The cluster's roles are in a backup, or the backup fails, or the server forbids it and everybody says so.

load lib
setup_file() {
    e2e_setup
    pg_start main
    db_make shop small.sql
    psql_in shop -c 'CREATE ROLE outsider LOGIN' -c 'GRANT SELECT ON ALL TABLES IN SCHEMA public TO outsider' -c 'GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO outsider'
    psql_in shop -o /dev/null -c 'DO $$ DECLARE o oid; BEGIN FOR o IN SELECT oid FROM pg_largeobject_metadata LOOP EXECUTE format($q$GRANT SELECT ON LARGE OBJECT %s TO outsider$q$, o); END LOOP; END $$'
}
teardown_file() { e2e_teardown; }
teardown() { unhook; }

# fault: the real pg_dumpall, started by the shell commands on stdin ("$@" is its command line).
fault() {
    hook pg_dumpall before </dev/null
    {
        printf '#!/bin/bash\ncase "$*" in *--version*) exec "%s/pg_dumpall" "$@" ;; esac\nset -- "%s/pg_dumpall" "$@"\n' "$SERVER_BIN" "$SERVER_BIN"
        cat
    } >"$T/hooked/pg_dumpall"
}

# No backup, one line that names the program and the reason.
expect_no_backup() {
    local before
    before=$(backup_ids shop)
    expect_status 1 backup shop
    expect_text 'globals (roles, tablespaces)' "$@"
    expect_short
    expect_equal "$(backup_ids shop)" "$before"
}

@test "a pg_dumpall that is killed fails the backup" {
    fault <<<'"$@" >/dev/null & kill -KILL $!; kill -KILL $$'
    expect_no_backup 'killed by signal 9'
}

@test "a pg_dumpall that cannot be executed fails the backup" {
    fault <<<'ulimit -v 1000; exec "$@"'
    expect_no_backup pg_dumpall
}

@test "a pg_dumpall that runs out of memory fails the backup" {
    # As much as it takes to be loaded, and no more.
    psql_in postgres -o /dev/null <<<"SELECT format('CREATE ROLE crowd%s', n) FROM generate_series(1, 20000) n \gexec"
    fault <<'SH'
for limit in 12000 14000 16000 18000 20000 22000 24000 26000 28000; do
    (ulimit -v $limit && exec "$@") >"$T/hooked/out" 2>"$T/hooked/err" && { cat "$T/hooked/out"; rm "$T/hooked/out" "$T/hooked/err"; exit 0; }
    if grep -q memory "$T/hooked/err"; then cat "$T/hooked/err" >&2; rm "$T/hooked/out" "$T/hooked/err"; exit 1; fi
done
SH
    expect_no_backup memory
    psql_in postgres -o /dev/null <<<"SELECT format('DROP ROLE crowd%s', n) FROM generate_series(1, 20000) n \gexec"
}

@test "a pg_dumpall whose last bytes are lost fails the backup" {
    fault <<<'"$@" | head -c -200; exit 0'
    expect_no_backup 'cut short'
}

@test "a pg_dumpall that the server answers with another error fails the backup" {
    fault <<<'exec "$@" --role=unheard_of'
    expect_no_backup unheard_of
}

@test "a pg_dumpall that is killed fails the backup of a role that may not read the globals, too" {
    psql_in shop -c 'REVOKE SELECT ON pg_catalog.pg_auth_members FROM PUBLIC'
    fault <<<'kill -KILL $$'
    PGUSER=outsider expect_no_backup 'killed by signal 9'
    psql_in shop -c 'GRANT SELECT ON pg_catalog.pg_auth_members TO PUBLIC'
}

# Each of a database's catalogs has its own rights, the cluster's too: what pg_dumpall may read is what may be read here.
@test "globals that the server forbids are passed over, and backup, label, list and show say so" {
    psql_in shop -c 'REVOKE SELECT ON pg_catalog.pg_auth_members FROM PUBLIC'
    PGUSER=outsider expect_status 0 backup shop
    expect_text 'globals (roles, tablespaces) are not in the backup' 'permission denied for' 'memberships are not in the backup'
    expect_equal "$(label shop | jq -c '[.globals, .passwords, (.warnings | length)]')" '[false,false,2]'
    run storage list shop
    expect_text 'good, no globals'
    run storage show shop
    expect_text 'not included' 'permission denied for'
    db_drop copy
    expect_status 0 restore shop --to copy
    db_same shop copy
    psql_in shop -c 'GRANT SELECT ON pg_catalog.pg_auth_members TO PUBLIC'
}

# Placed in a tablespace of its own, two tables in another, and a template.
make_placed() {
    db_drop placed
    [ -d "$T/pg/near.main" ] || { space near && space far; }
    psql_in postgres -c 'CREATE DATABASE placed TABLESPACE near'
    psql_in placed -c 'CREATE TABLE t TABLESPACE far AS SELECT 1 AS a' -c 'CREATE TABLE u AS SELECT 2 AS b' \
        -c 'CREATE INDEX placed_a ON t (a) TABLESPACE far'
    backup placed --adopt
}
# "near: far far", the database's tablespace and those of t, u and the index.
lies() {
    psql_in "$1" -c "SELECT (SELECT spcname FROM pg_tablespace s WHERE s.oid = dattablespace) || ':' || (SELECT string_agg(COALESCE(spcname, '-'), ' ' ORDER BY relname)
        FROM pg_class c LEFT JOIN pg_tablespace s ON s.oid = reltablespace WHERE relname IN ('t', 'u', 'placed_a')) FROM pg_database WHERE datname = current_database()"
}

@test "database and tables come back into their tablespaces, or into others, or into none" {
    make_placed
    db_drop copy
    expect_status 0 restore placed --to copy
    expect_equal "$(lies copy)" 'near:far far -'
    expect_status 0 pgassay verify live placed --repo "$REPO" -d copy --full
    space other
    db_drop copy
    expect_status 0 restore placed --to copy --tablespace-map far=other --tablespace-map near=far
    expect_equal "$(lies copy)" 'far:other other -'
    expect_status 3 pgassay verify live placed --repo "$REPO" -d copy
    expect_text 'database: tablespace far, was near' 'tablespace of its own of t in schema public: tablespace other, was far'
    db_drop copy
    expect_status 0 restore placed --to copy --no-tablespaces
    expect_equal "$(lies copy)" 'pg_default:- - -'
    db_drop copy
    # What is misspelt would otherwise go where it should not.
    expect_status 1 restore placed --to copy --tablespace-map faar=other
    expect_text 'nothing of the backup lies in tablespace "faar"'
    expect_status 1 restore placed --to copy --tablespace-map far=nowhere
    expect_text '"nowhere"'
    expect_status 1 restore placed --to copy --tablespace-map near=nowhere
    expect_text 'tablespace "nowhere" of --tablespace-map'
    expect_no_db copy
    expect_status 2 restore placed --to copy --tablespace-map far
    expect_status 2 restore placed --to copy --tablespace-map far=other --no-tablespaces
    # A name that needs its quotes.
    psql_in postgres -c 'ALTER TABLESPACE other RENAME TO "Ot""h; er"'
    expect_status 0 restore placed --to copy --tablespace-map 'far=Ot"h; er'
    expect_equal "$(lies copy)" 'near:Ot"h; er Ot"h; er -'
    expect_status 0 drill placed
    db_drop placed copy
}

@test "a server without the tablespaces: the database's is said, those of tables stop the restore" {
    make_placed
    pg_start bare
    expect_status 1 restore placed --to copy
    expect_text '"far"' --tablespace-map --no-tablespaces
    space far
    expect_status 0 restore placed --to copy
    expect_text 'tablespace "near", in which the database lay, is not on the target server'
    expect_equal "$(lies copy)" 'pg_default:far far -'
    # On another server that is its own business.
    expect_status 0 pgassay verify live placed --repo "$REPO" -d copy --verbose
    expect_text 'note' 'database: tablespace pg_default, was near' 'tablespace near: missing'
    pg_use main
    db_drop placed
}

@test "a template comes back as one" {
    db_make pattern small.sql
    psql_in postgres -c 'ALTER DATABASE pattern IS_TEMPLATE true'
    backup pattern
    expect_status 0 restore pattern --to pattern_copy
    expect_equal "$(psql_in postgres -c "SELECT datistemplate FROM pg_database WHERE datname = 'pattern_copy'")" t
    expect_status 0 drill pattern
    psql_in postgres -c 'ALTER DATABASE pattern_copy IS_TEMPLATE false' -c 'ALTER DATABASE pattern IS_TEMPLATE false'
    db_drop pattern pattern_copy
}

@test "roles on another server: they are compared where both have them, and the rest is said" {
    psql_in postgres -c "CREATE ROLE elsewhere LOGIN PASSWORD 'one'" -c 'CREATE ROLE only_here' -c 'ALTER ROLE elsewhere CONNECTION LIMIT 5'
    backup shop
    pg_start twin
    expect_status 0 restore shop --to shop --globals
    expect_status 0 pgassay verify live shop --repo "$REPO" -d shop --full
    psql_in postgres -c 'CREATE ROLE only_there SUPERUSER' -c 'DROP ROLE only_here' -c 'ALTER ROLE postgres CONNECTION LIMIT 9'
    expect_status 0 pgassay verify live shop --repo "$REPO" -d shop --verbose
    expect_text 'role only_there: not in the backup' 'role only_here: missing' 'role postgres: connection_limit 9'
    psql_in postgres -c 'ALTER ROLE elsewhere SUPERUSER'
    expect_status 3 pgassay verify live shop --repo "$REPO" -d shop
    expect_text 'role elsewhere: superuser true, was false'
    pg_use main
}

@test "passwords: of a role that may not read them, and of a backup that has none" {
    psql_in shop -c 'GRANT SELECT ON pg_catalog.pg_auth_members TO PUBLIC'
    backup shop
    PGUSER=outsider expect_status 3 pgassay verify live shop --repo "$REPO" -d shop
    expect_text 'passwords: the role may not read pg_authid'
    repo_new weak
    PGUSER=outsider expect_status 0 backup shop
    expect_status 0 pgassay verify live shop --repo "$REPO" -d shop
    PGUSER=outsider expect_status 0 pgassay verify live shop --repo "$REPO" -d shop
}

@test "--globals: privileges on parameters come with the roles that are new" {
    since 15 "privileges on parameters came with 15"
    psql_in postgres -c 'CREATE ROLE tuner; CREATE ROLE known' -c 'GRANT SET, ALTER SYSTEM ON PARAMETER log_statement TO tuner WITH GRANT OPTION' \
        -c 'GRANT SET ON PARAMETER "my.param" TO tuner, known' -c 'GRANT SET ON PARAMETER log_duration TO PUBLIC' \
        -c 'CREATE ROLE later'
    space granted
    psql_in postgres -c 'GRANT CREATE ON TABLESPACE granted TO later, known' -c 'GRANT SET ON PARAMETER log_lock_waits TO known'
    backup shop
    pg_start tuned
    space granted
    psql_in postgres -c 'CREATE ROLE known' -c 'GRANT SET ON PARAMETER "log_lock_waits" TO known'
    expect_status 0 restore shop --to shop --globals
    # What is left to this server is named, if it lacks it.
    expect_text 'left to this server; it lacks:' 'GRANT SET ON PARAMETER "my.param" TO known;' 'GRANT SET ON PARAMETER log_duration TO PUBLIC;' \
        'GRANT ALL ON TABLESPACE granted TO known;'
    [[ $output != *log_lock_waits* ]]
    expect_equal "$(psql_in postgres -c "SELECT has_tablespace_privilege('later', 'granted', 'CREATE'), has_tablespace_privilege('known', 'granted', 'CREATE')")" 't|f'
    psql_in postgres -c 'REVOKE ALL ON PARAMETER log_lock_waits FROM known'
    # Those of who was there already, and everybody's, are this server's business.
    expect_equal "$(psql_in postgres -c "SELECT string_agg(parname || '=' || paracl::text, ' ' ORDER BY parname) FROM pg_parameter_acl")" \
        'log_statement={postgres=sA/postgres,tuner=s*A*/postgres} my.param={postgres=sA/postgres,tuner=s/postgres}'
    pg_use main
}
