#!/usr/bin/env bats
# The administrator's commands before and after a backup, a restore and a drill.

load lib
setup_file() {
    e2e_setup
    pg_start main
    db_make shop small.sql
    # Writes what it was told, one line a hook.
    cat >"$T/told" <<'SH'
#!/bin/sh
echo "$PGASSAY_HOOK $PGASSAY_DATABASE${PGASSAY_TARGET:+ to $PGASSAY_TARGET} ${PGASSAY_STATUS-none} ${PGASSAY_EXIT_STATUS-none} ${PGASSAY_BACKUP_ID-none} $PGASSAY_RUN_ID: ${PGASSAY_ERROR-no error}" >>"$T/lines"
SH
    chmod 755 "$T/told"
}
teardown_file() { e2e_teardown; }
setup() { : | tee "$T/lines" >"$T/pgassay.conf"; }

lines() { sed -E 's/ [0-9]{8}T[0-9]{6}Z-[0-9a-f]{8}:/ RUN:/; s/ [0-9]{8}T[0-9]{6}Z-[0-9a-f]{4}/ ID/' "$T/lines"; }

@test "hooks run before and after a backup, a restore into a server and a drill, and are told what became of it" {
    local work
    for work in backup restore drill; do printf 'before-%s = %s\nafter-%s = %s\n' $work "$T/told" $work "$T/told"; done >"$T/pgassay.conf"
    PGASSAY_BACKUP_ID=stale PGASSAY_ERROR=stale backup shop
    restore shop --to copy
    drill shop
    # Neither of these is a restore into a server that somebody uses, nor anything at all.
    restore shop --scratch
    restore shop --list >/dev/null
    backup shop --dry-run
    lines | diff - <(cat <<'TEXT'
before-backup shop none none none RUN: no error
after-backup shop good 0 ID RUN: no error
before-restore shop to copy none none none RUN: no error
after-restore shop to copy good 0 ID RUN: no error
before-drill shop none none none RUN: no error
after-drill shop good 0 ID RUN: no error
TEXT
    )
    # One run, one id.
    expect_equal "$(grep -oE '[^ ]*:' "$T/lines" | sort -u | grep -c RUN -v)" 3
}

@test "a failing hook before it stops the run, which says so; the hook after it runs, and knows" {
    printf 'before-backup = echo not now >&2; exit 3\nbefore-restore = false\nbefore-drill = false\n' >"$T/pgassay.conf"
    for work in backup restore drill; do printf 'after-%s = %s\n' $work "$T/told"; done >>"$T/pgassay.conf"
    before=$(storage list shop --json | jq '.backups | length')
    expect_status 1 backup shop
    expect_equal "$output" 'pgassay-backup: hook before-backup of shop: "sh" failed with status 3: not now'
    expect_status 1 restore shop --to another
    [[ $output == *'hook before-restore of shop: "sh" failed with status 1'* ]]
    expect_no_db another
    expect_status 1 drill shop
    [[ $output == *'hook before-drill of shop: "sh" failed with status 1'* ]]
    expect_equal "$(storage list shop --json | jq '.backups | length')" "$before"
    [ "$(lines | grep -c 'failed 1 none RUN: hook before-')" -eq 3 ]
}

@test "a database's own hooks come before those for all; a failing one afterwards makes the run partly done" {
    printf 'before-backup = false\nafter-backup = false\n[database shop]\nbefore-backup =\nafter-backup = exit 7\n' >"$T/pgassay.conf"
    expect_status 4 backup shop
    [[ $output == *'pgassay-backup: hook after-backup of shop: "sh" failed with status 7'* ]]
    expect_status 1 backup postgres
    [[ $output == *'hook before-backup of postgres'* ]]
}

@test "a hook has a time limit, and leaves nothing in its process group; what is no time is refused" {
    printf "before-backup = sleep 600 & echo \$! >%s; wait\nhook-timeout = 1s\n" "$T/sleeper" >"$T/pgassay.conf"
    expect_status 1 backup shop
    [[ $output == *'hook before-backup of shop: "sh" did not end within 1 s and was stopped'* ]]
    expect_equal "$(tr -d '\0' <"/proc/$(cat "$T/sleeper")/cmdline" 2>/dev/null)" '' # a zombie has none
    printf 'before-backup = true\nhook-timeout = soon\n' >"$T/pgassay.conf"
    expect_status 2 backup shop
    [[ $output == *'hook-timeout "soon" is not a time'* ]]
}

@test "after SIGTERM the hook after it runs, too" {
    printf 'before-backup = kill -TERM $PPID; sleep 60\nafter-backup = %s\n' "$T/told" >"$T/pgassay.conf"
    expect_status 143 backup shop
    expect_equal "$(lines)" 'after-backup shop interrupted 143 none RUN: hook before-backup of shop: interrupted by SIGTERM'
}

@test "SIGUSR1 ends nothing and is answered; --log-format json, of the configuration too, is JSON line by line" {
    printf 'before-backup = kill -USR1 $PPID; sleep 0.2; echo no >&2; exit 1\n' >"$T/pgassay.conf"
    run backup shop
    [ "$status" -eq 1 ]
    [[ $output == 'pgassay-backup: state: nothing that is measured is under way'$'\n'*': no' ]]
    echo 'log-format = json' >>"$T/pgassay.conf"
    PGASSAY_RUN_ID=night-7 run backup shop
    [ "$status" -eq 1 ]
    expect_equal "$(jq -c '[.level, .tool, .run, .phase, .message != null]' <<<"$output")" \
        $'["state","pgassay-backup","night-7",null,false]\n["error","pgassay-backup","night-7",null,true]'
    tail -n 1 <<<"$output" >"$T/line"
    valid_json message "$T/line"
    # What the prune says, too, a program of its own: that there is no policy.
    : >"$T/pgassay.conf"
    expect_status 0 backup shop --prune --log-format json
    expect_equal "$(jq -r .tool <<<"$output" | sort -u)" pgassay-storage
}

# Where there is a journal it gets the message.
@test "--log-to goes to a daemon, or says that there is none; the run is in each session's name; a quoted program speaks text" {
    psql_in postgres -c 'ALTER SYSTEM SET log_connections = on' -c 'SELECT pg_reload_conf()' -o /dev/null
    printf 'log-to = journal\nlog-format = json\nprune = yes\n' >"$T/pgassay.conf"
    PGASSAY_RUN_ID=night-8 expect_status 0 backup shop
    expect_equal "$(label shop | jq -r .run_id)" night-8
    # A document has its own run's, a backup that is shown the one that took it.
    expect_equal "$(PGASSAY_RUN_ID=morning-9 storage list --json | jq -r .run_id)" morning-9
    expect_equal "$(PGASSAY_RUN_ID=morning-9 storage show shop latest --json | jq -r .run_id)" night-8
    pgassay verify status --repo "$REPO" --proven-within none --prometheus "$T/run.prom" || true
    grep -q "^pgassay_backup_info{db=\"shop\",backup=\"$(last_id shop)\",run=\"night-8\",repository=\"[^\"]*\"} 1$" "$T/run.prom"
    if [ -S /run/systemd/journal/socket ]; then
        expect_equal "$output" ''
    else
        expect_equal "$(jq -r '[.tool, .level, .database, .run, .message[:24]] | join(" ")' <<<"$output")" \
            $'pgassay-storage warning shop night-8 log-to journal: "/run/sy\npgassay-storage warning shop night-8 "shop": nothing expires,'
    fi
    for name in 'pgassay-backup' 'pgassay-backup worker' pg_dump pg_dumpall; do
        grep -q "application_name=$name night-8\$" "$T/pg/main/log"
    done
    pg_dump -Fc -f "$T/shop.dump" shop
    printf 'compress = rust\nlog-to = stderr\nlog-format = json\n' >"$T/pgassay.conf"
    expect_status 2 storage import --file "$T/shop.dump"
    jq -r .message <<<"$output" | grep -q 'shop.dump: pgassay-backup: "rust" is not a compression'
    expect_status 2 backup shop --log-to stderr,file
    [[ $output == *'log-to: "file" is not stderr, journal or syslog'* ]]
}

@test "a scratch server knows nothing of hooks, nor of the run's environment" {
    backup shop
    cat >"$T/pgassay.conf" <<CONF
before-drill = echo "\$PGASSAY_HOOK \$PGASSAY_NOTE" >$T/lines
[check environment]
database = shop
command = psql -qXAt -c 'CREATE TEMP TABLE line (of text)' -c "COPY line FROM PROGRAM 'env'" -c "SELECT of FROM line WHERE of LIKE 'PG%'"
expect = no
CONF
    PGASSAY_NOTE=yes expect_status 3 drill shop
    expect_equal "$(cat "$T/lines")" 'before-drill yes'
    expect_text PGSYSCONFDIR
    [[ $output != *PGASSAY_* ]]
}
