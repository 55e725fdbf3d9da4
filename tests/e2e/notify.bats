#!/usr/bin/env bats
# Somebody is told: of failures, recoveries, old backups, drills, damage; once, and when it changes.

load lib
setup_file() {
    e2e_setup
    pg_start main
    db_make shop small.sql
    chmod 600 "$T/pgassay.conf"
    mkdir "$T/web"
    mkfifo "$T/web/stdin"
    "$BATS_TEST_DIRNAME/webhook_server" "$T/web" <"$T/web/stdin" >"$T/web/port" 3>&- 4>&- &
    echo $! >"$T/web/pid"
    sleep 1000 >"$T/web/stdin" 3>&- 4>&- &
    echo $! >"$T/web/holder"
    until [ -s "$T/web/port" ]; do sleep 0.1; done
    WEB=http://127.0.0.1:$(cat "$T/web/port")
    export WEB no_proxy=127.0.0.1
}
teardown_file() {
    kill "$(cat "$T/web/holder")" "$(cat "$T/web/pid")"
    e2e_teardown
}
setup() {
    rm -f "$T/web/posts" "$T/web/answer" "$T/state/notify/told.json"
    touch "$T/web/posts"
    unset "${!PGASSAY_WEBHOOK@}" "${!PGASSAY_PING_@}"
    conf "repo = $REPO" '[notify phone]' "webhook = $WEB/secret-token"
}

conf() { printf '%s\n' "$@" >"$T/pgassay.conf"; }
events() { sed -n 's/^[^ ]* {/{/p' "$T/web/posts" | jq -r '"\(.event) \(.level) \(.database)"'; }
fails() { PGPORT=1 expect_status 1 backup shop; }

@test "a failed backup is told once, and its end once; the exit status is the backup's" {
    backup shop
    fails
    fails
    expect_equal "$(events)" 'backup-failed failed shop'
    sed 's/^[^ ]* //' "$T/web/posts" >"$T/one.json"
    valid_json notification "$T/one.json"
    expect_equal "$(cut -d ' ' -f 1 "$T/web/posts")" /secret-token
    [[ $(jq -r .text "$T/one.json") == *'connection to server'* ]]
    pgassay notify | grep -q 'failed backup of shop'
    pgassay notify --json | jq -e '.conditions[0].told == ["phone"]'
    # Nor by the status of the next morning, which tells what else there is.
    cp "$T/state/notify/told.json" "$T/told"
    PGASSAY_CONFIG=$T/pgassay.conf expect_status 3 pgassay verify status --notify
    expect_text 'had its last backup run on this host fail'
    expect_equal "$(grep -o '"condition":"status[^"]*"' "$T/web/posts")" '"condition":"status/proof"'
    sed -i '/"condition":"status/d' "$T/web/posts"
    mv "$T/told" "$T/state/notify/told.json"
    backup shop
    backup shop
    expect_equal "$(events)" $'backup-failed failed shop\nbackup-recovered good shop'
    sed -n '$s/^[^ ]* //p' "$T/web/posts" | jq -e '.text | startswith("it was: ")' >/dev/null
    expect_equal "$(pgassay notify)" 'nothing stands that anybody was told of'
    # A dry run is none, and nobody is told twice that all is well.
    PGPORT=1 expect_status 1 backup shop --dry-run
    expect_equal "$(wc -l <"$T/web/posts")" 2
}

@test "what cannot be told is a warning without the address, and is told the next night" {
    echo 500 >"$T/web/answer"
    printf 'notify-timeout = 2s\n' | cat - "$T/pgassay.conf" >"$T/c" && cat "$T/c" >"$T/pgassay.conf"
    fails
    expect_text 'warning: notify "phone" could not be told: 127.0.0.1' 'status 500'
    [[ $output != *secret-token* ]]
    [ "$(wc -l <"$T/web/posts")" -gt 1 ] # tried again
    # A server that never answers holds nothing up for longer.
    echo hang >"$T/web/answer"
    fails
    expect_text 'warning: notify "phone" could not be told'
    rm "$T/web/answer" "$T/web/posts"
    fails
    expect_equal "$(events)" 'backup-failed failed shop'
    pgassay notify --print-config >"$T/printed"
    expect_equal "$(grep -c secret-token "$T/printed")" 0
    grep -q 'webhook is hidden' "$T/printed"
}

@test "a dead man's switch hears of beginning and end; one of other databases hears nothing" {
    conf "repo = $REPO" '[ping nightly]' "url = $WEB/ping/abc?x=1" '[ping other]' "url = $WEB/other" 'database = other' \
        '[ping scrubs]' "url = $WEB/scrubs" 'job = scrub' 'start = none'
    backup shop
    fails
    storage scrub shop
    expect_equal "$(cut -d ' ' -f 1 "$T/web/posts" | tr '\n' ' ')" \
        '/ping/abc/start?x=1 /ping/abc?x=1 /ping/abc/start?x=1 /ping/abc/fail?x=1 /scrubs '
    grep -q '/ping/abc/fail?x=1 ".*connection to server' "$T/web/posts"
    # From the environment, as a container has it.
    conf "repo = $REPO"
    (umask 077 && echo "$WEB/env" >"$T/ping.url")
    PGASSAY_PING_URL_FILE=$T/ping.url PGASSAY_WEBHOOK=$WEB/hook PGASSAY_WEBHOOK_SHAPE=slack fails
    expect_equal "$(tail -n 3 "$T/web/posts" | cut -d ' ' -f 1 | sort | tr '\n' ' ')" '/env/fail /env/start /hook '
}

@test "mail, a command and Slack: names and errors from outside are text, and nothing more" {
    local bad=$'a\nBcc: x@example.org\n<!channel> & \xc3\xa4'
    printf '#!/bin/sh\nprintf "%%s\\n" "$@" >%s/args; cat >%s/mail\n' "$T" "$T" >"$T/sendmail"
    chmod 755 "$T/sendmail"
    # shellcheck disable=SC2016  # is for the command's shell
    conf "repo = $REPO" '[notify slack]' "webhook-file = $T/slack.url" 'shape = slack' \
        '[notify mail]' 'mail = dba@example.org, boss@example.org' 'mail-from = pgassay@db1' "sendmail = $T/sendmail" \
        '[notify command]' "command = cat >$T/command.json; printf '%s' \"\$PGASSAY_EVENT\" >$T/event" \
        '[notify quiet]' "webhook = $WEB/quiet" 'events = damage'
    (umask 077 && echo "$WEB/slack" >"$T/slack.url")
    PGPORT=1 expect_status 1 backup "$bad"
    expect_equal "$(cut -d ' ' -f 1 "$T/web/posts")" /slack
    sed 's/^[^ ]* //' "$T/web/posts" | jq -r .text >"$T/text"
    grep -qF '&lt;!channel&gt; &amp;' "$T/text"
    expect_equal "$(grep -c '^Bcc' "$T/text")" 0
    expect_equal "$(paste -sd ' ' "$T/args")" '-t -i'
    expect_equal "$(sed '/^$/q' "$T/mail" | grep -c '^Bcc')" 0
    grep -qx 'To: dba@example.org,' "$T/mail"
    grep -qx ' boss@example.org' "$T/mail"
    [[ $(sed -n '/^Subject/,/^Auto/p' "$T/mail" | grep -oE '[A-Za-z0-9+/=]{8,}\?=' | sed 's/?=$//' | while read -r w; do base64 -d <<<"$w"; done) == 'pgassay a\nBcc: x@example.org\n<!channel> & ä: backup failed' ]]
    valid_json notification "$T/command.json"
    expect_equal "$(jq -r .database "$T/command.json")" "$bad"
    expect_equal "$(cat "$T/event")" backup-failed
}

@test "a name and an error that are no UTF-8 are told once, too, and to a ping as text" {
    PGPORT=1 expect_status 1 backup $'\xff'
    PGPORT=1 expect_status 1 backup $'\xff'
    expect_equal "$(wc -l <"$T/web/posts")" 1
    conf "repo = $REPO" "before-backup = printf '\\377\\n' >&2; exit 1" '[ping nightly]' "url = $WEB/ping" 'start = none'
    expect_status 1 backup shop
    grep -qF '/ping/fail "hook before-backup of shop: \"sh\" failed with status 1: \\xff"' "$T/web/posts"
}

@test "a failed drill, damage that a scrub finds, and old backups are told, and that they are over" {
    backup shop
    printf '[ping drills]\nurl = %s/drills\njob = drill\n' "$WEB" >>"$T/pgassay.conf"
    printf '[check never]\ndatabase = shop\nquery = SELECT 1\nexpect = 2\n' >>"$T/pgassay.conf"
    expect_status 3 drill shop
    sed -i '/^\[check/,$d' "$T/pgassay.conf"
    drill shop
    expect_equal "$(events)" $'drill-failed failed shop\ndrill-recovered good shop'
    expect_equal "$(grep -o '^/drills[^ ]*' "$T/web/posts" | tr '\n' ' ')" '/drills/start /drills/fail /drills/start /drills '
    : >"$T/web/posts"
    sleep 1.1 # the backup is older than a second now, however fast drills are
    # Without --notify somebody looks, and nobody is told.
    PGASSAY_CONFIG=$T/pgassay.conf expect_status 3 pgassay verify status --rpo 1s
    expect_status 3 pgassay verify status --rpo 1s --notify
    expect_status 3 pgassay verify status --rpo 1s --notify
    pgassay verify status --notify --quiet || true
    expect_equal "$(jq -Rr 'ltrimstr("/secret-token ") | fromjson | select(.condition == "status/backup") | .event, .level' "$T/web/posts" | tr '\n' ' ')" \
        'status-failed critical status-recovered good '
    : >"$T/web/posts"
    chunk=$(find "$REPO/shop/chunks" -type f | sort | head -n 1)
    cp "$chunk" "$T/kept"
    printf x | dd of="$chunk" bs=1 seek=40 conv=notrunc status=none
    expect_status 3 storage scrub shop
    expect_equal "$(events)" 'damage-failed critical shop'
}

@test "pgassay notify --test says of each whether it was sent, and whose configuration is wrong" {
    conf 'notify-timeout = 1s' '[notify phone]' "webhook = $WEB/x" '[notify lost]' 'webhook = http://127.0.0.1:1/x'
    expect_status 1 pgassay notify --test
    expect_text 'phone: sent' 'notify "lost": 127.0.0.1:1: '
    pgassay notify --test phone --json | jq -e '.channels == [{channel: "phone", good: true, error: null}]'
    expect_equal "$(events | sort -u)" 'test test null'
    expect_status 2 pgassay notify --test nobody
    expect_text 'there is no [notify nobody]'
    conf '[notify x]' 'mail = a@b' 'command = true'
    expect_status 2 pgassay notify --test
    expect_text '[notify x]: needs one of webhook, webhook-file, mail and command'
    conf '[notify x]' 'webhook = ftp://secret-host/'
    expect_status 2 pgassay notify --test
    expect_text '[notify x]: the address is no http:// or https:// URL'
    [[ $output != *secret-host* ]]
    conf '[notify x]' 'webhook = http://me:sec/ret@127.0.0.1/'
    expect_status 2 pgassay notify --test
    [[ $output != *sec* ]]
    # A backup is taken all the same, and says that nobody hears of it.
    expect_status 0 backup shop
    expect_text 'warning: nobody is told of this run: '
}
