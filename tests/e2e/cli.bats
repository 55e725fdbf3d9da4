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
verify chain --backup latest
verify chain --max-age 1h
storage keygen $T/never
storage keys list --writer
storage keys new-epoch --identity x
storage prune --as-of 2020-01-01
ARGS
    expect_equal "$(find "$REPO" -type f | sort)" "$before"
    [ ! -e "$T/never" ]
}

@test "what was misspelt: a command, an option, a key, a section, a database, a backup; and what was meant" {
    local line near ID
    ID=$(last_id shop)
    # Its last letters swapped, or one of them another.
    near=$(sed -E 's/.*(....)$/\1/; s/(.)(.)$/\2\1/' <<<"$ID")
    [ "$near" != "${ID: -4}" ] || near=${near%?}$([ "${near: -1}" = 0 ] && echo 1 || echo 0)
    printf '[repo nightly]\npath = %s\n' "$REPO" >"$T/names.conf"
    while IFS='|' read -r want args text; do
        # shellcheck disable=SC2086
        expect_status "$want" pgassay $args
        expect_text "$text"
        expect_short 2
    done <<ARGS
2|storage prnue --repo $REPO|unknown command "prnue" (did you mean "prune"?)
2|storage keys ad x --repo $REPO|unknown command "keys ad" (did you mean "keys add"?)
2|verify dril shop --repo $REPO|unknown command "dril" (did you mean "drill"?)
2|storage frobnicate|unknown command "frobnicate"
2|storage|which command?
2|verify --repo $REPO|which command?
2|storage prune --dry-rnu|--dry-rnu is not an option (did you mean "--dry-run"?)
2|restore shop --globls|--globls is not an option (did you mean "--globals"?)
2|storage list --repo $REPO --repo-option regoin=x|unknown key "regoin" (did you mean "region"?)
1|storage list shpo --repo $REPO|no backup of "shpo" in repository "$REPO" (did you mean "shop"?)
1|storage show shpo --repo $REPO|(did you mean "shop"?)
1|restore shpo --repo $REPO --to x|(did you mean "shop"?)
1|verify drill shpo --repo $REPO|(did you mean "shop"?)
1|verify objects shpo --repo $REPO|(did you mean "shop"?)
1|verify chain shpo --repo $REPO|(did you mean "shop"?)
2|drill shop|did you mean "pgassay verify drill"?
2|dril shop|did you mean "pgassay verify drill"?
2|bakcup shop|did you mean "pgassay backup"?
2|frobnicate|see pgassay --help
2|backup shop --lock-timout 5|--lock-timout is not an option (did you mean "--lock-timeout"?)
2|verify drill shop --slef-test|--slef-test is not an option (did you mean "--self-test"?)
1|backup shpo --repo $REPO|database "shpo" does not exist (did you mean "shop"?)
1|verify live shpo --repo $REPO|(did you mean "shop"?)
1|restore shop --to x --repo $REPO --backup ${ID%????}${near}|no backup "${ID%????}${near}" (did you mean "$ID"?)
1|verify drill shop --repo $REPO --backup ${ID%????}${near}|(did you mean "$ID"?)
1|storage show shop ${ID%????}${near} --repo $REPO|(did you mean "$ID"?)
1|storage list --config $T/names.conf --repo nihgtly|(did you mean "nightly"?)
ARGS
    printf '[repo x]\npath = /x\ntrust-bakcup = y\n' >"$PGASSAY_CONFIG"
    expect_status 2 storage list
    expect_text "$PGASSAY_CONFIG:3: unknown key \"trust-bakcup\" (did you mean \"trust-backup\"?)"
    expect_short 2
    printf '[databse x]\n' >"$PGASSAY_CONFIG"
    for line in 'backup x' 'restore x --to y' 'storage list' 'verify status'; do
        # shellcheck disable=SC2086
        expect_status 2 pgassay $line
        expect_text "$PGASSAY_CONFIG:1: unknown kind of section \"databse\" (did you mean \"database\"?)"
    done
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

@test "list fits 80 columns, notes below; times are local and --at takes them, ids say that they are UTC" {
    local id at
    export TZ=Asia/Kolkata      # 5:30 ahead
    repo_new wide
    id=$(plant wide --at "$(date -d '3 days ago' +%F) 02:15:40" --rows 2000 --note "a note that is a good deal longer than what a line holds")
    plant wide --at "$(date -d yesterday +%F) 02:15:40" --rows 2000
    expect_status 0 storage list wide
    expect_text 'backup (UTC)' 'yesterday 02:15' "$(date -d '3 days ago' +%F) 02:15" '    a note that is a good deal longer'
    [ "$(wc -L <<<"${output/a note*line holds/}")" -le 80 ]
    expect_equal "$(restore wide --list --json --at "$(date -d '3 days ago' +%F) 02:15" | jq -r .backup.id)" "$id"
    expect_equal "$(restore wide --list --json --at 'yesterday 02:14' | jq -r .backup.id)" "$id"
    expect_equal "$(restore wide --list --json --at 'yesterday 02:15' | jq -r .backup.id)" "$(last_id wide)"
    expect_equal "$(restore wide --list --json --at "${id%-*}" | jq -r .backup.id)" "$id"
    expect_equal "$(restore wide --list --json --at '50 hours ago' | jq -r .backup.id)" "$id"
}

@test "--at that is still to come, or before the first backup, is an error that says so" {
    repo_new moments
    plant shop --at "$(days_ago 3)" >"$T/id"
    expect_status 2 restore shop --list --at "$(date -d tomorrow +%F)"
    expect_text '--at: ' 'is still to come'
    expect_status 2 pgassay verify objects shop --repo "$REPO" --at "$(date -d '+1 hour' '+%F %T')"
    expect_text 'is still to come'
    expect_status 1 restore shop --list --at "$(days_ago 4)"
    expect_text 'no whole backup is as old as' 'the oldest is of' "$(<"$T/id")"
}

@test "a backup is named by the end or beginning of its id, if no other has it, and by latest~1" {
    local a b c
    repo_new named
    a=$(plant shop --at 2026-01-01T02:00:00Z)
    b=$(plant shop --at 2026-01-02T02:00:00Z)
    c=$(plant shop --at 2026-02-02T02:00:00Z)
    plant shop --at 2026-02-03T02:00:00Z --scope 0123456789abcdef
    meant() { storage show shop "$1" --json | jq -r .backup; }
    expect_equal "$(meant "$a")" "$a"
    expect_equal "$(meant 20260102)" "$b"
    expect_equal "$(meant "${b#*T}")" "$b"
    expect_equal "$(meant latest) $(meant latest~0) $(meant latest~1) $(meant latest~2)" "$c $c $b $a"
    expect_equal "$(meant "$c~1") $(meant "${c#*T}~2") $(meant "20260102~1")" "$b $a $a"
    expect_status 1 storage show shop "$b~2"
    expect_text "no backup \"$b~2\"" '1 whole one is before it'
    expect_status 2 storage show shop 202601~1
    expect_status 2 storage show shop 202601
    expect_text "may be backup $a or $b"
    expect_status 1 storage show shop latest~3
    expect_text 'no backup "latest~3"' '3 whole ones are there'
    expect_status 1 storage show shop 202
    expect_text 'no backup "202"'
    expect_status 1 storage show shop latest~
    expect_status 1 storage show shop proven
    expect_text 'no backup is proven' 'verify drill'
    # The same words everywhere; but what is removed for good is named in full.
    expect_status 0 storage pin shop latest~1 --note x
    expect_status 0 storage unpin shop "${b#*T}"
    expect_status 0 pgassay verify objects shop --repo "$REPO" --backup 20260101
    expect_equal "$(restore shop --list --json --backup latest~2 | jq -r .backup.id)" "$a"
    expect_status 2 storage forget shop 20260101 --reason x
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
    expect_equal "$(jq -r '.status, .exit_status, .error' "$T/restore.json" | xargs -d '\n')" "failed 1 database \"jsoned\" already exists on $PGHOST:5432"
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

@test "so it is with --help, --version and the like, and with a standard output that is closed" {
    local t args
    for t in $TOOLS; do
        for args in --help --version '--completion bash' '--completion plain' "--print-config --repo $REPO"; do
            # shellcheck disable=SC2086
            expect_status 1 sh -c '"$@" >/dev/full' - "$BIN/pgassay-$t" $args
            # Of more than a buffer's worth the first write that fails is not the last.
            expect_equal "${output%: No space left on device}" "pgassay-$t: could not write to standard output"
            # shellcheck disable=SC2086
            expect_status 1 sh -c '"$@" >&-' - "$BIN/pgassay-$t" $args
            expect_equal "${output%: Bad file descriptor}" "pgassay-$t: could not write to standard output"
            # shellcheck disable=SC2086
            expect_status 1 sh -c '"$@" <&- >&- 2>&-' - "$BIN/pgassay-$t" $args
        done
    done
    expect_status 1 sh -c '"$@" <&- >&- 2>&-' - "$BIN/pgassay-storage" list --repo "$REPO"
    expect_status 1 sh -c '"$@" >/dev/full' - "$BIN/pgassay-storage" list --names --repo "$REPO"
    expect_equal "$output" 'pgassay-storage: could not write to standard output: No space left on device'
    # What is wrong with the request stays what is said.
    expect_status 2 sh -c '"$@" >&-' - "$BIN/pgassay-storage" frobnicate
}

@test "with every standard descriptor closed, what prints nothing works, and nothing is written into the repository's files" {
    repo_new closed
    # The result could not be written: the backup is there all the same.
    expect_status 1 sh -c '"$@" <&- >&- 2>&-' - "$BIN/pgassay-backup" shop --repo "$REPO" --json
    [ -n "$(last_id shop)" ]
    expect_status 0 sh -c '"$@" <&- >&- 2>&-' - "$BIN/pgassay-backup" shop --repo "$REPO"
    expect_status 0 sh -c '"$@" <&- >&- 2>&-' - "$BIN/pgassay-restore" shop --repo "$REPO" --to closed
    db_same shop closed
    db_drop closed
    expect_status 0 sh -c '"$@" <&- >&- 2>&-' - "$BIN/pgassay-verify" drill shop --repo "$REPO"
    expect_status 0 storage list --check
    expect_status 0 pgassay verify objects --repo "$REPO"
}

@test "list --names: databases and ids of backups, one a line" {
    repo_new names
    backup shop
    backup shop --name 'with space'
    backup shop
    expect_equal "$(storage list --names)" "$(printf 'shop\nwith space')"
    expect_equal "$(storage list shop --names)" "$(backup_ids shop)"
    expect_status 1 storage list shpo --names
    expect_text 'did you mean "shop"?'
    expect_status 2 storage list --names --json
}

@test "completion offers databases and ids of backups of the repository that the line names" {
    local offered
    repo_new offered
    backup shop
    backup shop --name 'with space'
    offered() {
        bash -c '. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _pgassay 2>/dev/null
            printf "%s\n" "${COMPREPLY[@]}"' _ "$TOP/scripts/pgassay-completion.bash" pgassay "$@"
    }
    [ -f "$TOP/scripts/pgassay-completion.bash" ] || skip "not in the checkout"
    expect_equal "$(offered storage list --repo = "$REPO" '')" "$(printf 'shop\nwith\\ space')"
    expect_equal "$(offered restore --repo "$REPO" sh)" shop
    expect_equal "$(offered storage show --repo "$REPO" shop '')" "$(last_id shop)"
    expect_equal "$(offered verify drill shop --repo "$REPO" --backup = '')" "$(last_id shop)"
    # Where nothing answers, nothing is offered, and nothing is said.
    expect_equal "$(offered storage list --repo /nowhere '' 2>&1)" ''
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
    expect_status 0 pgassay backup --print-config
    expect_text "jobs = 3 ; $PGASSAY_CONFIG:1" '[repo nightly]' "path = $REPO ; $PGASSAY_CONFIG:3" 'repo is not set'
    expect_status 0 pgassay backup --print-config --repo nightly
    expect_text 'repo = nightly ; command line'
    PGASSAY_REPO=/a,nightly expect_status 0 pgassay storage prune --print-config
    expect_text 'repo = /a ; PGASSAY_REPO' 'repo = nightly ; PGASSAY_REPO'
    printf 'repo = /a\n[database shop]\nrepo = /b,/c\nexclude-table-data = x\nexclude-table-data = y,z\n' >"$PGASSAY_CONFIG"
    expect_status 0 pgassay restore shop --print-config
    expect_text "repo = /b ; $PGASSAY_CONFIG:3" "repo = /c ; $PGASSAY_CONFIG:3"
    expect_status 0 pgassay restore other --print-config
    expect_text "repo = /a ; $PGASSAY_CONFIG:1"
    expect_status 0 pgassay backup shop --print-config
    expect_text "exclude-table-data = x ; $PGASSAY_CONFIG:4" "    y,z ; $PGASSAY_CONFIG:5"
    # And what it says of the server it is for: commands of one tool differ in what they take.
    expect_status 0 pgassay verify live shop --print-config --lock-timeout 7
    expect_text 'lock-timeout = 7 ; command line'
}

@test "a repository and a pattern whose names hold a comma" {
    psql_in shop <<<'CREATE TABLE public."a,b"(i int); INSERT INTO "a,b" VALUES (1); CREATE TABLE public.c(i int); INSERT INTO c VALUES (1)'
    export REPO="$T/repo, with comma"
    pgassay storage init --repo "$REPO"
    printf 'repo =\n    %s\nexclude-table-data = public."a,b"\n' "$REPO" >"$PGASSAY_CONFIG"
    unset REPO
    expect_status 0 pgassay backup shop
    expect_equal "$(pgassay storage list --names)" shop
    expect_equal "$(pgassay storage list --names --repo "$T/repo, with comma")" shop
    pgassay storage show shop "$(pgassay storage list shop --names)" --json --tables >"$T/show.json"
    expect_equal "$(jq -r '.table_list[] | select(.name == "a,b" or .name == "c") | [.name, .rows] | join(" ")' "$T/show.json" | sort | xargs)" 'a,b 0 c 1'
    # Tools that are run by others get it whole.
    expect_status 0 pgassay storage policy --keep-last 5
    expect_status 0 pgassay backup shop --prune
    expect_status 0 pgassay verify drill shop --backup "$(pgassay storage list shop --names | head -n 1)"
    psql_in shop <<<'DROP TABLE "a,b", c'
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
