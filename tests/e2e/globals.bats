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
}
