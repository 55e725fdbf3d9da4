#!/usr/bin/env bats
# verify health and verify xid: each condition, made for real, is exactly its finding; a healthy server has none.

load lib
setup_file() {
    e2e_setup
    # autovacuum shall analyse nothing while a test looks.
    pg_start main autovacuum=on autovacuum_naptime=1h max_prepared_transactions=4 deadlock_timeout=100ms archive_mode=on \
        archive_command=true autovacuum_freeze_max_age=100000
    psql_in postgres -c 'CREATE DATABASE shop'
    psql_in shop -c 'CREATE TABLE item (n int, t text)' -c "INSERT INTO item SELECT i, 'x' FROM generate_series(1, 100) i" -c 'VACUUM ANALYZE'
}
teardown_file() { e2e_teardown; }
setup() { pg_use main; }

# looked VERB STATUS [ARG...]: the report in $T/report.json, which is as its schema says.
looked() {
    local verb=$1 want=$2 rc=0
    shift 2
    pgassay verify "$verb" --json "$@" >"$T/report.json" || rc=$?
    expect_equal "$rc" "$want"
    valid_json health "$T/report.json"
}
# found VERB EXPECTED [ARG...]: exactly these findings, "severity check" each, joined with ", ", and the exit status that follows.
found() {
    local verb=$1 want=$2
    shift 2
    [ "$verb" = xid ] || set -- -d shop --disk-free 0 "$@"
    looked "$verb" "$([ -z "$want" ] && echo 0 || echo 3)" "$@" || return 1
    expect_equal "$(jq -r '[.findings[] | "\(.severity) \(.check)"] | join(", ")' "$T/report.json")" "$want" ||
        { jq -c '.findings[]' "$T/report.json" >&2; return 1; }
    jq -e 'all(.findings[]; (.action | length) > 5)' "$T/report.json" >/dev/null
}
# says TEXT...: in the text of the findings, each of these.
says() {
    local t all
    all=$(jq -r '.findings[] | "\(.object) \(.what): \(.means) \(.action) \(.command)", .detail[]' "$T/report.json")
    for t in "$@"; do [[ $all == *"$t"* ]] || { printf 'no "%s" in:\n%s\n' "$t" "$all" >&2; return 1; }; done
}
pid_of() { psql_in postgres -c "SELECT pid FROM pg_stat_activity WHERE application_name = 'session_$1'"; }

# bats test_tags=versions
@test "a healthy server: status 0, no finding, nothing on stdout but for who asks" {
    found health ''
    jq -e '[.checks[] | select(.status != "ok") | .name] == ["standby"]' "$T/report.json"
    jq -e '.facts.databases | map(.name) | contains(["shop"])' "$T/report.json"
    jq -e '.facts.tables[0] == {schema: "public", name: "item", bytes: 8192}' "$T/report.json"
    expect_status 0 pgassay verify health -d shop --disk-free 0
    expect_equal "$output" ""
    expect_status 0 pgassay verify health -d shop --disk-free 0 --verbose
    expect_text "ok: " "connections" "pg_wal"
    expect_status 0 pgassay verify health -d shop --disk-free 0 --nagios
    expect_text "PGASSAY HEALTH OK - " " | connections=1;21;24;0 " "xid_age="
    found xid ''
    expect_status 0 pgassay verify xid -v
    expect_text "not known: no database of a repository is named"
    # Nothing is named: the database that each server has.
    PGDATABASE='' expect_status 0 env -u PGDATABASE pgassay verify health --disk-free 0
}

# bats test_tags=versions
@test "sessions: forgotten, idle in a transaction, long, blocking each other" {
    local i
    for i in {1..11}; do session_open "i$i" shop; done
    wait_for postgres "SELECT count(*) = 11 FROM pg_stat_activity WHERE application_name LIKE 'session\_i%'"
    for i in {1..11}; do session "i$i" 'SELECT 1'; done
    wait_for postgres "SELECT count(*) = 11 FROM pg_stat_activity WHERE application_name LIKE 'session\_i%' AND state = 'idle' AND query = 'SELECT 1;'"
    found health 'warning idle' --idle-after 0s
    says "11 sessions have been idle" "leaks connections" "session_i1"
    found health ''
    for i in {1..9}; do session_close "i$i"; done
    wait_for postgres "SELECT count(*) = 2 FROM pg_stat_activity WHERE application_name LIKE 'session\_i%'"
    found health '' --idle-after 0s

    session i10 'BEGIN; SELECT 1'
    wait_for postgres "SELECT count(*) = 1 FROM pg_stat_activity WHERE state = 'idle in transaction'"
    found health 'critical idle-in-transaction' --idle-after 0s
    says "session $(pid_of i10) (session_i10 as postgres in shop)" "pg_terminate_backend($(pid_of i10))"
    found health ''
    session i10 ROLLBACK

    session i11 'SELECT pg_sleep(600)'
    wait_for postgres "SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
    found health 'warning long-queries' --long-after 0s
    says "pg_cancel_backend($(pid_of i11))" "Timeout PgSleep"
    psql_in postgres -o /dev/null -c "SELECT pg_cancel_backend($(pid_of i11))"
    session_idle i11

    # A waits for nobody, B for A, C for B (and for A).
    session_open third shop
    session i10 'BEGIN; LOCK TABLE item'
    session_idle i10
    wait_for postgres "SELECT count(*) = 1 FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted"
    session i11 'SELECT count(*) FROM item'
    session_waits i11
    session third 'ALTER TABLE item ADD x int'
    session_waits third
    found health 'warning locks' --blocked-after 0s
    says "session $(pid_of i10)" "idle in a transaction, blocks 2 sessions" "AccessShareLock on public.item" "pg_terminate_backend($(pid_of i10))"
    jq -e --arg b "$(pid_of i11)" '.findings[0].detail | length == 2 and (.[0] | contains("session \($b) "))' "$T/report.json"
    expect_status 3 pgassay verify health -d shop --disk-free 0 --blocked-after 0s
    expect_text "warning   locks: session $(pid_of i10)" "          -> "
    expect_status 1 pgassay verify health -d shop --disk-free 0 --blocked-after 0s --nagios
    expect_text "PGASSAY HEALTH WARNING - locks: session" "lock_waits=2;"
    session i10 ROLLBACK
    session_idle i11
    session_idle third
    for i in i10 i11 third; do session_close $i; done
}

@test "what is left behind: a prepared transaction, a slot, an index, a constraint, a table without statistics, a deadlock" {
    psql_in shop -c 'BEGIN' -c 'INSERT INTO item VALUES (0)' -c "PREPARE TRANSACTION 'left behind'"
    found health 'warning prepared' --long-after 0s
    says "prepared transaction left behind of postgres in shop" "ROLLBACK PREPARED 'left behind'"
    found health ''
    psql_in shop -c "ROLLBACK PREPARED 'left behind'"

    psql_in postgres -o /dev/null -c "SELECT pg_create_physical_replication_slot('forgotten', true)"
    found health 'warning slots'
    says "slot forgotten is used by nobody, and holds" "pg_drop_replication_slot('forgotten')"
    # It holds WAL until too much of it is there.
    psql_in postgres -c "ALTER SYSTEM SET max_wal_size = '32MB'" -c 'SELECT pg_reload_conf()' -o /dev/null
    wait_for postgres "SELECT current_setting('max_wal_size') = '32MB'"
    for _ in {1..5}; do psql_in postgres -o /dev/null -c "SELECT pg_logical_emit_message(false, 'x', 'x')" -c 'SELECT pg_switch_wal()'; done
    found health 'warning slots, warning pg-wal'
    says "max_wal_size is 33.6 MB"
    psql_in postgres -c "ALTER SYSTEM SET max_slot_wal_keep_size = '16MB'" -c 'SELECT pg_reload_conf()' -o /dev/null
    psql_in postgres -c CHECKPOINT
    wait_for postgres "SELECT wal_status = 'lost' FROM pg_replication_slots"
    found health 'critical slots'
    says "has lost WAL that it needs"
    psql_in postgres -o /dev/null -c "SELECT pg_drop_replication_slot('forgotten')" -c 'ALTER SYSTEM RESET ALL' -c 'SELECT pg_reload_conf()'

    psql_in shop -c 'CREATE UNIQUE INDEX CONCURRENTLY twice ON item (t)' 2>/dev/null || true
    found health 'warning indexes'
    says "index public.twice of public.item" "keeps nothing unique" "REINDEX INDEX CONCURRENTLY public.twice"
    psql_in shop -c 'DROP INDEX twice'

    psql_in shop -c 'ALTER TABLE item ADD CONSTRAINT positive CHECK (n > 50) NOT VALID'
    found health 'warning constraints'
    says "constraint positive of public.item" "ALTER TABLE public.item VALIDATE CONSTRAINT positive"
    psql_in shop -c 'ALTER TABLE item DROP CONSTRAINT positive'

    psql_in shop -c 'CREATE TABLE fresh AS SELECT generate_series(1, 10000) AS i'
    wait_for shop "SELECT n_live_tup = 10000 FROM pg_stat_user_tables WHERE relname = 'fresh'"
    found health 'warning vacuum'
    says "table public.fresh has 10,000 rows and was never" "VACUUM (ANALYZE) public.fresh"
    psql_in shop -c 'DROP TABLE fresh' -c 'ALTER SYSTEM SET autovacuum = off' -c 'SELECT pg_reload_conf()' -o /dev/null
    wait_for postgres "SELECT current_setting('autovacuum') = 'off'"
    found health 'warning vacuum'
    says "autovacuum is off"
    psql_in shop -c 'ALTER SYSTEM RESET autovacuum' -c "ALTER SYSTEM SET archive_command = 'false'" -c 'SELECT pg_reload_conf()' -o /dev/null
    wait_for postgres "SELECT current_setting('archive_command') = 'false'"
    psql_in postgres -o /dev/null -c "SELECT pg_logical_emit_message(false, 'x', 'x')" -c 'SELECT pg_switch_wal()'
    wait_for postgres 'SELECT failed_count > 0 FROM pg_stat_archiver'
    found health 'critical archiver'
    says "could not be archived"
    expect_status 2 pgassay verify health -d shop --disk-free 0 --nagios
    expect_text "PGASSAY HEALTH CRITICAL - archiver: WAL file 0000"
    psql_in postgres -c 'ALTER SYSTEM RESET archive_command' -c 'SELECT pg_reload_conf()' -o /dev/null
    wait_for postgres 'SELECT last_archived_time > last_failed_time FROM pg_stat_archiver'

    psql_in shop -c 'CREATE TABLE a (i int); INSERT INTO a VALUES (1); CREATE TABLE b AS TABLE a'
    session_open one shop
    session_open two shop
    session one 'BEGIN; UPDATE a SET i = 2'
    session two 'BEGIN; UPDATE b SET i = 2'
    session_idle two
    wait_for postgres "SELECT count(*) = 2 FROM pg_locks WHERE mode = 'RowExclusiveLock' AND granted AND locktype = 'relation'"
    session one 'UPDATE b SET i = 3'
    session_waits one
    session two 'UPDATE a SET i = 3'
    session_idle one
    session_idle two
    session_close one
    session_close two
    wait_for postgres "SELECT deadlocks = 1 FROM pg_stat_database WHERE datname = 'shop'"
    found health 'warning deadlocks'
    says "database shop had 1 deadlock"
    psql_in shop -c 'DROP TABLE a, b' -c 'SELECT pg_stat_reset()' -o /dev/null
    wait_for postgres "SELECT deadlocks = 0 FROM pg_stat_database WHERE datname = 'shop'" # before 15 a process does it
    found health '' --long-after 0s
    looked health 3 -d shop --disk-free 100
    jq -e '.findings | length == 1 and .[0].check == "disk"' "$T/report.json"
}

@test "what the role may not look at is said, and no pass; pg_monitor may look at all" {
    psql_in postgres -c 'CREATE ROLE watcher LOGIN' -c 'REVOKE ALL ON SCHEMA public FROM PUBLIC'
    export PGUSER=watcher
    looked health 3 -d shop --disk-free 0
    jq -e '.status == "unknown" and all(.findings[]; .severity == "unknown" and (.what | startswith("could not be checked: needs ")))' "$T/report.json"
    expect_equal "$(jq -r '[.checks[] | select(.status == "unknown") | .name] | join(" ")' "$T/report.json")" \
        "connections idle idle-in-transaction long-queries locks replication horizon databases pg-wal disk"
    expect_status 3 pgassay verify health -d shop --nagios
    expect_text "PGASSAY HEALTH UNKNOWN - connections: it could not be checked: needs the right"
    expect_status 3 pgassay verify xid -d shop
    expect_text "horizon: it could not be checked" 'GRANT pg_monitor TO "watcher"' "NOT KNOWN"
    expect_status 1 pgassay verify health -d shop --terminate-idle 30min
    expect_text "GRANT pg_monitor"
    PGUSER=postgres psql_in postgres -c 'GRANT pg_monitor TO watcher'
    found health ''
    # A locked catalog keeps one check from being made, not the next.
    PGUSER=postgres session_open lock shop
    session lock 'BEGIN; LOCK TABLE pg_catalog.pg_stat_archiver IN ACCESS EXCLUSIVE MODE'
    wait_for postgres "SELECT count(*) = 1 FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND relation = 'pg_stat_archiver'::regclass"
    found health 'unknown archiver'
    says "a lock is held on what it reads"
    session_close lock
}

@test "--terminate-idle lists, and with --yes ends, whom it names and nobody else" {
    local i
    for i in web job; do
        session_open $i shop
        session $i 'SELECT 1'
    done
    session job 'BEGIN; SELECT 1'
    wait_for postgres "SELECT count(*) = 2 FROM pg_stat_activity WHERE application_name IN ('session_web', 'session_job') AND query LIKE '%SELECT 1;'"
    wait_for postgres "SELECT state = 'idle in transaction' FROM pg_stat_activity WHERE application_name = 'session_job'"
    expect_status 0 pgassay verify health --terminate-idle 0s -v
    expect_text session_web "1 session would be ended: --yes does it"
    expect_status 0 pgassay verify health --terminate-idle 1h --yes -v
    expect_text "no session has been idle for that long"
    pgassay verify health --terminate-idle 0s --in-transaction --json >"$T/idle.json"
    valid_json terminate-idle "$T/idle.json"
    expect_equal "$(jq -r '.sessions[] | "\(.application) \(.outcome)"' "$T/idle.json")" "session_job listed"
    expect_equal "$(pgassay verify health --terminate-idle 0s --application nobody --yes --json | jq -c .sessions)" "[]"
    # May not: said, status 4.
    psql_in postgres -c 'CREATE ROLE idler LOGIN IN ROLE pg_monitor'
    PGUSER=idler expect_status 4 pgassay verify health -d shop --terminate-idle 0s --application session_web --yes
    expect_text "needs pg_signal_backend"
    expect_status 0 pgassay verify health --terminate-idle 0s --application session_web --yes
    expect_text "ended"
    wait_for postgres "SELECT count(*) = 0 FROM pg_stat_activity WHERE application_name = 'session_web'"
    expect_equal "$(psql_in postgres -c "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'session_job'")" 1
    session_close job
    session_close web
    expect_status 2 pgassay verify health --yes
    expect_status 2 pgassay verify health --terminate-idle soon
    expect_text '--terminate-idle "soon" is not a time'
    expect_status 3 pgassay verify health --nagios --json
    expect_text "PGASSAY UNKNOWN - "
}

@test "no connection: which branch of the decision tree it is" {
    # what it says | connection | options
    refused() {
        looked health 3 --timeout 5 -d "$2" || return 1
        expect_equal "$(jq -r '.findings[] | "\(.severity) \(.check)"' "$T/report.json")" "critical connection"
        says "$1"
    }
    psql_in postgres -c "CREATE ROLE keyed LOGIN PASSWORD 'right'" -c 'CREATE ROLE outside LOGIN'
    { echo 'local all keyed scram-sha-256'; echo 'local all outside reject'; cat "$T/pg/main/pg_hba.conf"; } >"$T/hba"
    as_server tee "$T/pg/main/pg_hba.conf" <"$T/hba" >/dev/null
    psql_in postgres -c 'SELECT pg_reload_conf()' -c 'REVOKE CONNECT ON DATABASE shop FROM PUBLIC' -o /dev/null
    refused "is down: there is no socket" "host=$T/nowhere"
    refused "is down: nobody listens there" "host=127.0.0.1 port=1"
    refused "has no such database" "dbname=shoppe"
    refused "may not connect to the database" "dbname=shop user=outsider$(psql_in postgres -c 'CREATE ROLE outsider LOGIN')"
    refused "refuses the password: authentication" "dbname=postgres user=keyed password=wrong"
    refused "wants a password" "dbname=postgres user=keyed"
    refused "does not let this role in" "dbname=postgres user=outside"
    expect_status 2 pgassay verify health --nagios -d 'dbname=shoppe'
    expect_text 'PGASSAY HEALTH CRITICAL - connection: the server is up, but has no such database'
    # What hangs does not hang us.
    kill -STOP "$(head -n 1 "$T/pg/main/postmaster.pid")"
    looked health 3 --timeout 1 || { kill -CONT "$(head -n 1 "$T/pg/main/postmaster.pid")"; return 1; }
    kill -CONT "$(head -n 1 "$T/pg/main/postmaster.pid")"
    says "takes the connection and does not answer: it hangs"
    psql_in postgres -c 'GRANT CONNECT ON DATABASE shop TO PUBLIC'
}

@test "few connections, little cache, a page that is not as it was written" {
    local i file
    pg_start tight max_connections=10 shared_buffers=1MB autovacuum_max_workers=1 autovacuum_freeze_max_age=2000000000
    pg_stop tight
    as_server "$SERVER_BIN/pg_checksums" --enable -D "$T/pg/tight" -N >/dev/null 2>&1 || [ "$(server_major)" -ge 18 ]
    pg_up tight
    psql_in postgres -c 'CREATE DATABASE shop'
    psql_in shop -c 'ALTER SYSTEM SET autovacuum = on' -c 'SELECT pg_reload_conf()' -o /dev/null
    wait_for shop "SELECT current_setting('autovacuum') = 'on'"
    for i in {1..5}; do session_open "c$i" shop; done
    wait_for postgres "SELECT count(*) = 5 FROM pg_stat_activity WHERE application_name LIKE 'session%'"
    found health 'warning connections'
    says "86 % of the connections are taken: 6 of 7" "most by session_c1 as postgres"
    session_open c6 shop
    wait_for postgres "SELECT count(*) = 6 FROM pg_stat_activity WHERE application_name LIKE 'session%'"
    found health 'critical connections'
    psql_in postgres -c 'CREATE ROLE app LOGIN'
    session_open c7 shop
    wait_for postgres "SELECT count(*) = 7 FROM pg_stat_activity WHERE application_name LIKE 'session%'"
    looked health 3 -U app
    says "has no connection left for this role" "the pool is full"
    for i in {1..7}; do session_close "c$i"; done
    wait_for postgres "SELECT count(*) = 0 FROM pg_stat_activity WHERE application_name LIKE 'session%'"
    found health ''

    psql_in shop -c "CREATE TABLE wide AS SELECT i, repeat('x', 1000) AS t FROM generate_series(1, 9000) i" -c 'VACUUM ANALYZE wide'
    psql_in shop -c "DO \$\$ BEGIN FOR i IN 1..100 LOOP PERFORM count(*) FROM wide; END LOOP; END \$\$"
    wait_for postgres "SELECT sum(blks_read) > 100000 FROM pg_stat_database"
    found health 'warning cache'
    psql_in shop -c 'SELECT pg_stat_reset()' -o /dev/null

    file=$T/pg/tight/$(psql_in shop -c "SELECT pg_relation_filepath('wide')")
    psql_in shop -c CHECKPOINT
    as_server dd if=/dev/zero of="$file" bs=1 seek=4000 count=100 conv=notrunc status=none
    expect_status 1 psql_in shop -c 'SELECT count(*) FROM wide'
    wait_for postgres "SELECT checksum_failures > 0 FROM pg_stat_database WHERE datname = 'shop'"
    found health 'critical checksums'
    says "database shop" "pages were not as they were written"
    psql_in shop -c 'DROP TABLE wide'
    pg_stop tight
}

# wind_on XID: the next transaction id will be about that.  At the beginning of a page of pg_xact none of its files is missed.  Nobody
# may have a transaction prepared: pg_subtrans would have to reach back to it.
wind_on() {
    pg_stop tight 2>/dev/null || true
    as_server "$SERVER_BIN/pg_resetwal" -x $(($1 / 32768 * 32768 + 32768)) -D "$T/pg/tight" >/dev/null
    pg_up tight
}

@test "xid: a database is looked into whatever its backups are called" {
    repo_new till
    pgassay backup shop --name till --repo "$REPO" -q
    looked xid 0 till --repo "$REPO" -d postgres
    jq -e '[.facts.xid_tables[].database] | unique == ["shop"]' "$T/report.json"
    looked xid 0 till --repo "$REPO"
    jq -e '[.facts.xid_tables[].database] | unique == ["shop"]' "$T/report.json"
    printf '[database till]\nconninfo = host=%s dbname=shop\n' "$PGHOST" >"$T/till.conf"
    looked xid 0 till --config "$T/till.conf"
    jq -e '[.facts.xid_tables[].database] | unique == ["shop"]' "$T/report.json"
}

@test "of a database that is named the last backup and the last proof are looked at, too, where a repository is known" {
    found health '' shop
    repo_new kept
    found health 'critical backup' shop --repo "$REPO"
    says 'shop has no backup that could be restored'
    plant shop --at "$(date -u -d '2 hours ago' +%Y-%m-%dT%H:%M:%SZ)"
    found health 'warning proof' shop --repo "$REPO"
    says 'has no backup that a drill has proven' "pgassay verify drill shop --repo $REPO"
    found health '' shop --repo "$REPO" --proven-within none
    jq -e '[.checks[] | select(.name == "backup" or .name == "proof") | .status] == ["ok", "ok"]' "$T/report.json"
    jq -e '.metrics[] | select(.name == "shop.age") | .value >= 7200 and .critical == 93600' "$T/report.json"
    printf 'repo = %s\nproven-within = none\n[database shop]\nrpo = 1h\n' "$REPO" >"$T/kept.conf"
    found health 'critical backup' shop --config "$T/kept.conf"
    found health '' --config "$T/kept.conf"
    # Not known is not good; nor is it when the server is down as well.
    found health 'unknown backup' shop --repo "$T/nowhere"
    expect_status 2 pgassay verify health shop -d 'host=/nonexistent dbname=shop' --nagios --config "$T/kept.conf"
    expect_text 'CRITICAL connection: ' 'CRITICAL backup: shop was last backed up 2 h'
    expect_status 2 pgassay verify health -d shop --repo "$REPO"
    expect_text '--repo needs the name of a database'
}

@test "xid: over a billion, over 1.6 billion; the worst tables, TOAST among them; days left by what backups say" {
    pg_up tight
    psql_in shop -c "CREATE TABLE big (t text) WITH (autovacuum_enabled = off, toast.autovacuum_enabled = off)" \
        -c "INSERT INTO big SELECT string_agg(md5(i::text), '') FROM generate_series(1, 1000) i"
    found xid '' shop
    wind_on 1100000000
    found xid 'warning xid, warning xid, warning xid, warning xid, warning tables of shop, warning tables of shop, warning tables of shop, warning tables of shop, warning tables of shop' shop
    says "database template0 is 1,100," "51 % of the way to wraparound and 55 % of autovacuum_freeze_max_age: at 100 % the server takes no more writes" \
        "only autovacuum can freeze it"
    looked health 3 -d shop --disk-free 0
    jq -e '[.findings[] | select(.check == "xid")] | length == 4' "$T/report.json"
    # Who names no database gets the tables of each that is too old.
    looked xid 3
    jq -e '[.facts.xid_tables[].database] | unique == ["postgres", "shop", "template1"]' "$T/report.json"
    # What it says helps.
    psql_in shop <<<"SELECT format('VACUUM (FREEZE) %s', oid::regclass) FROM pg_class WHERE relkind IN ('r', 'm') AND relname <> 'big' \gexec"
    looked xid 3 shop
    expect_equal "$(jq -r '.findings[] | select(.check == "tables of shop") | .object' "$T/report.json" | sort)" \
        "$(printf '%s\n' 'table public.big (its TOAST table) of shop' 'table public.big of shop')"
    psql_in shop -c 'VACUUM (FREEZE) public.big'
    looked xid 3 shop
    jq -e 'all(.findings[]; .check == "xid" and .object != "database shop")' "$T/report.json"

    # The rate: from a backup of 30 days ago, not from one that is a moment old, nor from another server's.
    expect_status 3 pgassay verify xid shop --repo "$REPO"
    expect_text "days left" 'not known: no backup or baseline of "shop" that is an hour old'
    plant shop --at "$(days_ago 40)" --xmax 900000000
    plant shop --at "$(days_ago 31)" --xmax 1069000000
    plant shop --at "$(days_ago 2)" --xmax 1099000000
    plant shop --xmax 1100000000
    looked xid 3 shop --repo "$REPO"
    jq -e '.facts.rate | .per_day > 990000 and .per_day < 1010000 and .days_left > 1030 and .days_left < 1060' "$T/report.json"
    expect_status 3 pgassay verify xid shop --repo "$REPO"
    expect_text "if nothing were frozen, at 1,0" "transactions a day (since backup"
    expect_status 1 pgassay verify xid nosuch --repo "$T/nowhere"
    expect_status 2 pgassay verify xid --repo "$REPO"
    repo_new other
    PGHOST='' plant shop --at "$(days_ago 31)" --xmax 1
    expect_status 3 pgassay verify xid shop --repo "$REPO"
    expect_text "of this server"

    wind_on 1700000000
    looked xid 3 shop
    jq -e '.status == "critical" and ([.findings[] | select(.severity == "critical") | .check] | unique == ["xid"])' "$T/report.json"
    expect_status 2 pgassay verify xid shop --nagios
    expect_text "PGASSAY XID CRITICAL - xid: database " "xid_age=1700"
    pg_stop tight
}

@test "a standby: paused, behind, without its primary; and what the primary says of it" {
    as_server "$SERVER_BIN/pg_basebackup" -D "$T/pg/standby" -h "$PGHOST" -p 5432 -U postgres -R -c fast -X stream
    printf '%s\n' "unix_socket_directories = '$T/s/standby'" 'hot_standby_feedback = on' 'wal_receiver_status_interval = 1s' |
        as_server tee -a "$T/pg/standby/postgresql.conf" >/dev/null
    pg_up standby
    wait_for postgres "SELECT count(*) = 1 FROM pg_stat_wal_receiver WHERE status = 'streaming'"
    found health ''
    jq -e '.facts.standby and ([.checks[] | select(.status == "skipped") | .name] == [])' "$T/report.json"
    pg_use main
    found health ''
    psql_in postgres -c "ALTER SYSTEM SET synchronous_standby_names = 'another'" -c 'SELECT pg_reload_conf()' -o /dev/null
    wait_for postgres "SELECT current_setting('synchronous_standby_names') = 'another'"
    found health 'critical replication'
    says "names standbys, and none of them is connected: every commit waits for ever"
    psql_in postgres -c 'ALTER SYSTEM RESET synchronous_standby_names' -c 'SELECT pg_reload_conf()' -o /dev/null

    pg_use standby
    psql_in postgres -c 'SELECT pg_wal_replay_pause()' -o /dev/null
    found health 'warning recovery'
    pg_use main
    psql_in shop -c 'INSERT INTO item VALUES (7)'
    wait_for postgres "SELECT pg_wal_lsn_diff(sent_lsn, replay_lsn) > 0 FROM pg_stat_replication"
    psql_in shop -c 'INSERT INTO item VALUES (8)'
    # Five seconds behind is behind.
    wait_for postgres "SELECT replay_lag > '5 s' FROM pg_stat_replication"
    looked health 3 -d shop --disk-free 0
    jq -e '.findings | length == 1 and .[0].check == "replication"' "$T/report.json"
    says "standby walreceiver at this machine is behind by"
    pg_use standby
    looked health 3 -d shop --disk-free 0
    jq -e '[.findings[].check] | sort == ["recovery", "standby"]' "$T/report.json"
    says "the standby is behind by"
    psql_in postgres -c 'SELECT pg_wal_replay_resume()' -o /dev/null
    wait_for shop "SELECT count(*) = 2 FROM item WHERE n IN (7, 8) AND t IS NULL"
    found health ''
}

# burn N: so many transaction ids.
burn() {
    psql_in postgres -c "DO \$\$ BEGIN CREATE TEMP TABLE burnt (i int); FOR i IN 1..$1 LOOP BEGIN INSERT INTO burnt VALUES (i); EXCEPTION WHEN division_by_zero THEN END; END LOOP; END \$\$"
}

@test "what holds the horizon back is named: session, slot, prepared transaction, a standby's query; and autovacuum that is behind" {
    psql_in shop -c 'BEGIN' -c 'INSERT INTO item VALUES (9)' -c "PREPARE TRANSACTION 'old one'"
    psql_in shop -o /dev/null -c "SELECT pg_create_physical_replication_slot('keeper')"
    psql_in shop -c 'SELECT 1' -o /dev/null
    pg_use standby
    session_open there shop
    session there 'BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM item'
    pg_use main
    session_open here shop
    session here 'BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM item'
    wait_for postgres "SELECT count(*) = 1 FROM pg_stat_activity WHERE application_name = 'session_here' AND state = 'idle in transaction'"
    wait_for postgres "SELECT backend_xmin IS NOT NULL FROM pg_stat_replication"
    found xid '' -d shop
    burn 55000
    found xid 'warning horizon, warning horizon, warning horizon' shop
    says "session $(pid_of here) (session_here as postgres in shop) holds the horizon back by 55," "pg_terminate_backend($(pid_of here))" \
        "prepared transaction old one in shop" "ROLLBACK PREPARED 'old one'" "the feedback of standby walreceiver" "hot_standby_feedback"
    jq -e '[.facts.horizon[].kind] | sort == ["prepared", "session", "standby"]' "$T/report.json"
    # Nothing can freeze what is newer: from 110 % of autovacuum_freeze_max_age on the database is one.
    burn 56000
    looked xid 3 shop
    jq -e '[.findings[] | select(.check == "xid" and .object == "database shop")] | length == 1' "$T/report.json"
    says "111 % of autovacuum_freeze_max_age: autovacuum is behind, or is held back" "VACUUM (FREEZE, VERBOSE)"
    expect_status 1 pgassay verify xid shop --nagios
    expect_text "PGASSAY XID WARNING - " "xid_age=111"
    session_close here
    session_close there
    psql_in shop -c "ROLLBACK PREPARED 'old one'" -o /dev/null
    psql_in postgres -o /dev/null -c "SELECT pg_drop_replication_slot('keeper')"
    pg_kill standby
}
