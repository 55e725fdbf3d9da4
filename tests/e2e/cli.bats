#!/usr/bin/env bats
# Options, configuration, exit statuses, what is said and what is not.

load lib
setup_file() {
    e2e_setup
    drills_initdb       # as the tools find it
    pg_start main
    db_make shop small.sql
    backup shop
}
setup() { : >"$PGASSAY_CONFIG"; }
teardown_file() { e2e_teardown; }

TOOLS='backup restore verify storage'

@test "every tool answers --help and --version, through the dispatcher too" {
    local t
    for t in $TOOLS; do
        expect_status 0 pgassay "$t" --help
        expect_text "pgassay-$t"
        expect_status 0 "$BIN/pgassay-$t" --version
        [[ $output =~ [0-9]+\.[0-9]+ ]]
    done
    expect_status 0 pgassay --help
    expect_text backup restore verify storage
    expect_status 2 pgassay frobnicate
}

@test "wrong usage is status 2 with one clear line" {
    local args
    while read -r args; do
        # shellcheck disable=SC2086
        expect_status 2 pgassay $args
        expect_short
    done <<ARGS
backup shop --repo $REPO --no-such-option
backup shop --repo $REPO --jobs 0
backup shop --repo $REPO --jobs many
backup shop --repo $REPO --compress lzma
backup shop --repo $REPO --copy-format csv
backup shop --repo $REPO --schema-only --data-only
backup shop
restore shop --repo $REPO
restore --repo $REPO --to a
restore shop --repo $REPO --to a --at yesterday-ish
verify frobnicate --repo $REPO
verify drill
storage frobnicate --repo $REPO
storage copy $REPO $REPO
backup shop --repo $REPO -t x(
backup --repo $REPO --name= shop
ARGS
    expect_status 2 pgassay backup --repo "$REPO" ""
    expect_text "name of a database is empty"
}

@test "an option of another verb is refused before anything is done, not passed over" {
    local args before
    before=$(find "$REPO" -type f | sort)
    while read -r args; do
        # shellcheck disable=SC2086
        expect_status 2 pgassay $args --repo "$REPO"
        expect_text "means nothing to"
        expect_short 2
    done <<ARGS
storage policy --keep-last 1 --dry-run
storage prune --keep-last 1
storage scrub --dry-run
storage show shop --backup latest
storage pin shop latest --note x --dry-run
storage unpin shop latest --note x
storage list --tables
storage init $T/never --keep-last 5
verify drill shop --full
verify live shop --no-record
verify live shop --keep
verify objects shop --full
ARGS
    expect_equal "$(find "$REPO" -type f | sort)" "$before"
    [ ! -e "$T/never" ]
}

@test "what is not there is status 1 and names it" {
    expect_status 1 backup no_such_db
    expect_text no_such_db
    expect_status 1 restore no_such_db --to x
    expect_text no_such_db
    expect_status 1 pgassay backup shop --repo "$REPO" -h /nonexistent
    expect_text /nonexistent
    expect_status 1 drill no_such_db
    expect_status 1 storage show shop 20010101T000000Z-0000
}

@test "a TMPDIR that is not there: each tool names it, and what says where it is" {
    local args
    for args in 'backup shop' 'restore shop --to x' 'verify drill shop' 'storage prune shop'; do
        # shellcheck disable=SC2086
        TMPDIR=/nowhere expect_status 1 pgassay $args --repo "$REPO"
        expect_text /nowhere TMPDIR
        expect_short
    done
}

@test "nothing is said in cron when all is well" {
    local cmd
    for cmd in 'backup shop' 'restore shop --to quiet' 'verify objects shop'; do
        # shellcheck disable=SC2086
        setsid env -u TERM "$BIN/pgassay" $cmd --repo "$REPO" </dev/null >"$T/said" 2>&1
        [ ! -s "$T/said" ] || { echo "$cmd said:"; cat "$T/said"; return 1; }
    done
    db_drop quiet
}

@test "a progress line on a terminal, none with --quiet" {
    script -qec "'$BIN/pgassay' backup shop --repo '$REPO'" "$T/typescript" </dev/null >/dev/null
    [ -s "$T/typescript" ]
    script -qec "'$BIN/pgassay' backup shop --repo '$REPO' --quiet" "$T/typescript" </dev/null >/dev/null
    expect_equal "$(sed '1d;$d' "$T/typescript")" ''
}

@test "one database of several fails: status 4, the others are there" {
    repo_new partly
    expect_status 4 backup shop no_such_db
    expect_text no_such_db
    [ -n "$(last_id shop)" ]
}

@test "--dry-run writes nothing" {
    repo_new dry
    find "$REPO" | sort >"$T/before"
    expect_status 0 backup shop --dry-run
    find "$REPO" | sort | diff "$T/before" -
}

@test "--note stands in the label, list and show know it" {
    backup shop --note "before the \"big\" change"
    expect_equal "$(label shop | jq -r .note)" 'before the "big" change'
    expect_status 0 storage show shop "$(last_id shop)"
    expect_text 'before the "big" change'
}

@test "list and show: JSON by their schemas, and text for people" {
    storage list --json >"$T/list.json"
    valid_json list "$T/list.json"
    storage show shop "$(last_id shop)" --json >"$T/show.json"
    valid_json show "$T/show.json"
    expect_status 0 storage list
    expect_text shop "$(last_id shop)"
}

@test "backup, restore, drill print JSON with --json" {
    local f
    backup shop --json >"$T/backup.json"
    restore shop --to jsoned --json >"$T/restore.json"
    restore shop --list --json >"$T/restore-list.json"
    pgassay verify objects shop --repo "$REPO" --json >"$T/verify.json"
    for f in backup restore restore-list verify; do
        valid_json "$f" "$T/$f.json"
    done
    restore shop --to jsoned --json >"$T/restore.json" && return 1
    valid_json restore "$T/restore.json"
    expect_equal "$(jq -r '.status, .exit_status, .error' "$T/restore.json" | xargs -d '\n')" 'failed 1 database "jsoned" already exists'
    [ "$(jq -r .hint "$T/restore.json")" != null ]
    restore no_such_db --to jsoned --json >"$T/restore.json" && return 1
    valid_json restore "$T/restore.json"
    db_drop jsoned
}

@test "a result that cannot be written is a failure" {
    local args
    while read -r args; do
        # shellcheck disable=SC2086
        expect_status 1 sh -c '"$@" >/dev/full' - pgassay $args --repo "$REPO"
        expect_text "could not write to standard output"
        expect_short
    done <<ARGS
backup shop --json
restore shop --list
restore shop --list --json
storage list
storage show shop --json
verify objects shop --json
verify objects shop --verbose
ARGS
}

@test "configuration: flag before environment before file before default" {
    repo_new fromfile
    repo_new fromenv
    repo_new fromflag
    cat >"$PGASSAY_CONFIG" <<CONF
jobs = 1
[repo nightly]
path = $T/repo.fromfile
[database shop]
repo = nightly
conninfo = $(pg_uri shop)
CONF
    unset REPO
    (unset PGHOST PGPORT PGUSER && pgassay backup shop)
    [ -n "$(REPO=$T/repo.fromfile last_id shop)" ]
    PGASSAY_REPO=$T/repo.fromenv pgassay backup shop
    [ -n "$(REPO=$T/repo.fromenv last_id shop)" ]
    PGASSAY_REPO=$T/repo.fromenv pgassay backup shop --repo "$T/repo.fromflag"
    [ -n "$(REPO=$T/repo.fromflag last_id shop)" ]
    local before
    before=$(REPO=$T/repo.fromfile backup_ids shop | wc -l)
    pgassay backup shop --repo nightly
    expect_equal "$(REPO=$T/repo.fromfile backup_ids shop | wc -l)" $((before + 1))
}

@test "a connection string without a database: the section's own, never the one that is named like the user" {
    repo_new address
    db_make "$PGUSER"_elsewhere
    cat >"$PGASSAY_CONFIG" <<CONF
repo = $REPO
[database shop]
conninfo = host=$PGHOST port=$PGPORT user=$PGUSER
[database other]
conninfo = host=$PGHOST port=$PGPORT user=$PGUSER
dbname = shop
[database elsewhere]
conninfo = host=$PGHOST port=$PGPORT user=$PGUSER dbname=${PGUSER}_elsewhere
CONF
    expect_status 0 env -u PGDATABASE pgassay backup shop other elsewhere
    expect_equal "$(for db in shop other elsewhere; do label "$db" | jq -r .dbname; done | xargs)" "shop shop ${PGUSER}_elsewhere"
    # And with what it is compared: what the backup is of.
    expect_status 0 env -u PGDATABASE pgassay verify live other --verbose
    expect_text 'database "shop"'
    : >"$PGASSAY_CONFIG"
    expect_status 0 env -u PGDATABASE pgassay verify live other --repo "$REPO" --verbose
    expect_text 'database "shop"'
    expect_status 0 env -u PGDATABASE pgassay verify live other --repo "$REPO" -d "host=$PGHOST" --verbose
    expect_text 'database "shop"'
    db_drop "$PGUSER"_elsewhere
}

@test "an unknown key, section or value in the configuration: file and line, status 2" {
    printf 'jobs = 1\n\nfrobs = 3\n' >"$PGASSAY_CONFIG"
    expect_status 2 backup shop
    expect_text "$PGASSAY_CONFIG" 3 frobs
    printf '[shelf x]\npath = /\n' >"$PGASSAY_CONFIG"
    expect_status 2 backup shop
    expect_text shelf
    printf '[repo x]\npath = /x\nsize = 3\n' >"$PGASSAY_CONFIG"
    expect_status 2 backup shop
    expect_text size
    printf 'jobs = lots\n' >"$PGASSAY_CONFIG"
    expect_status 2 backup shop
    expect_text jobs
    expect_status 2 backup shop --config "$T/missing.conf"
    expect_text missing.conf
}

@test "a configuration that somebody else could have written is not believed" {
    printf 'jobs = 3\n' >"$T/theirs.conf"
    chmod 646 "$T/theirs.conf"
    expect_status 2 backup shop --config "$T/theirs.conf"
    expect_text "$T/theirs.conf" 'others may write to it'
    expect_short
    chmod 644 "$T/theirs.conf"
    expect_status 0 backup shop --config "$T/theirs.conf" --dry-run
    # What is handed over as a pipe is the caller's own.
    expect_status 0 backup shop --config <(echo 'jobs = 3') --dry-run
    [ "$(id -u)" -eq 0 ] || skip "only root can give files away"
    chown daemon "$T/theirs.conf"
    expect_status 2 backup shop --config "$T/theirs.conf"
    expect_text 'belongs to user "daemon"' 'chown root'
    expect_short
}

@test "--print-config shows what is in force" {
    printf 'jobs = 3\n[repo nightly]\npath = %s\n' "$REPO" >"$PGASSAY_CONFIG"
    expect_status 0 backup --print-config
    expect_text 'jobs = 3' '[repo nightly]' "$REPO"
}

@test "service files and connection URIs, as psql has them" {
    printf '[shopservice]\nhost=%s\nport=5432\nuser=postgres\ndbname=shop\n' "$PGHOST" >"$T/services"
    repo_new service
    (unset PGHOST PGPORT PGUSER; PGSERVICEFILE=$T/services PGSERVICE=shopservice expect_status 0 pgassay backup --repo "$REPO")
    local uri="postgresql:///shop?host=${PGHOST//\//%2F}&user=postgres"
    (unset PGHOST PGPORT PGUSER; expect_status 0 pgassay backup --repo "$REPO" -d "$uri")
    [ "$(backup_ids shop | wc -l)" -ge 1 ]
}

@test "another database under a name that is taken is refused, until adopted" {
    repo_new adopt
    backup shop
    db_make other
    expect_status 1 backup other --name shop
    expect_text adopt
    expect_status 0 backup other --name shop --adopt
}

@test "odd database names" {
    local db
    for db in 'With Space' 'UPPER' 'ünï' 'a.b%c' "quo\"te'"; do
        psql_in postgres -v db="$db" <<<'CREATE DATABASE :"db"'
        expect_status 0 backup -d "dbname='${db//\'/\\\'}'"
        expect_status 0 storage list "$db"
        expect_status 0 restore "$db" --to "$db copy"
        psql_in postgres -v db="$db copy" <<<'DROP DATABASE :"db"'
        psql_in postgres -v db="$db" <<<'DROP DATABASE :"db"'
    done
}
