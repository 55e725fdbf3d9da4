#!/usr/bin/env bats
# verify status: each condition, made for real, is exactly its finding; where all is well there is none.

load lib
setup_file() { e2e_setup; }
teardown_file() { e2e_teardown; }
setup() { unset PGHOST; }

# found EXPECTED [ARG...]: exactly these findings, "severity check" each, and the exit status that follows; the report is
# in $T/report.json, as its schema says.
found() {
    local want=$1 rc=0
    shift
    pgassay verify status --json "$@" >"$T/report.json" || rc=$?
    expect_equal "$rc" "$([ -z "$want" ] && echo 0 || echo 3)"
    valid_json status "$T/report.json"
    expect_equal "$(jq -r '[.findings[] | "\(.severity) \(.check)"] | join(", ")' "$T/report.json")" "$want" ||
        { jq -c '.findings[]' "$T/report.json" >&2; return 1; }
}
minutes_ago() { date -u -d "now - $1 minutes" +%Y-%m-%dT%H:%M:%SZ; }
says() {
    local t all
    all=$(jq -r '.findings[] | "\(.object) \(.what) \(.means) \(.action) \(.command)"' "$T/report.json")
    for t in "$@"; do [[ $all == *"$t"* ]] || { printf 'no "%s" in:\n%s\n' "$t" "$all" >&2; return 1; }; done
}
here() { found "$1" --repo "$REPO" --proven-within none "${@:2}"; }
newest_chunk() { find "$REPO/$1/chunks" -type f -printf '%T@ %p\n' | sort -n | tail -n 1 | cut -d ' ' -f 2; }

@test "nothing to restore, too old, never proven: each is said, with what to do" {
    repo_new age
    here 'critical repository'
    says 'holds no backup of any database' 'pgassay backup --all'
    plant shop --at "$(days_ago 3)"
    here 'critical backup'
    says 'shop was last backed up 3 d' 'within 1 d 2 h' 'pgassay backup shop'
    here '' --rpo 4d
    here '' --rpo none
    plant shop --at "$(minutes_ago 144)"
    here ''
    expect_equal "$(jq -c '.facts.places[0] | [.db, .good, .newest.partial, .proven, .expires, .xid_age]' "$T/report.json")" '["shop",2,false,null,false,null]'
    found 'warning proof' --repo "$REPO"
    says 'has no backup that a drill has proven' 'pgassay verify drill shop'
    here 'unknown recovery-time' --rto 1h
    # Of a part of a database nobody restores the database.
    plant half --at "$(minutes_ago 144)" --scope 0123456789abcdef
    here 'critical backup'
    says 'half has no backup that could be restored' 'only backups of parts of it'
    expect_status 1 pgassay verify status shpo --repo "$REPO"
    expect_text 'no backup of "shpo"' 'did you mean "shop"'
    expect_status 2 pgassay verify status shop --repo "$REPO" --rpo soon
    expect_text 'rpo "soon" is not a time'
    [ -z "$(pgassay verify status shop --repo "$REPO" --proven-within none)" ] # cron hears nothing
}

@test "what is damaged, taken away, of a wrong size, old at its source, or long not read" {
    repo_new whole
    local n id
    for n in 60 40 3; do plant shop --at "$(days_ago $n)"; done
    id=$(plant shop --at "$(minutes_ago 144)" --xid-age 199)
    here 'warning scrub'
    says 'shop has stored objects that were never read again' 'storage scrub'
    here '' --scrubbed-within 61d
    expect_status 0 storage scrub shop --share 1/2
    here 'warning scrub'
    says 'of what is stored read again within 35 d'
    expect_status 0 storage scrub shop
    here ''
    expect_equal "$(jq -r '.facts.places[0] | "\(.xid_age) \(.scrubbed)"' "$T/report.json")" '199 1'
    # Rows that are gone before the backup: until the new size is accepted.
    id=$(plant shop --at "$(minutes_ago 72)" --rows 2 --xid-age 1000000000)
    here 'warning size, warning xid'
    says 'has 3 rows in backup' 'had up to 2,001 before' "storage accept shop $id" 'an oldest transaction id of age 1,000,000,000'
    expect_status 0 storage accept shop "$id" --reason 'archived'
    here 'warning xid'
    plant shop --at "$(minutes_ago 60)" --rows 2 --xid-age 1600000000
    here 'critical xid'
    id=$(plant shop --at "$(minutes_ago 48)" --rows 2)
    here ''
    # A chunk that is bad, once a scrub has found it.
    n=$(newest_chunk shop)
    chmod u+w "$n" && flip "$n" 20
    expect_status 3 storage scrub shop
    here 'critical damage, critical xid'
    # A run that was given up later is not the newest.
    local void
    void=$(PGASSAY_STATE_DIR=$T/elsewhere plant shop --at "$(minutes_ago 40)" --rows 2)
    : >"$REPO/shop/runs/$(head -n 1 "$REPO/shop/backups/$void/label.json" | jq -r .run).revoked"
    here 'critical damage, critical xid'
    rm -r "$REPO/shop/backups/$void" "$REPO"/shop/runs/*.revoked
    says 'damaged backup' 'the newest among them' 'storage scrub shop'
    flip "$n" 20
    expect_status 0 storage scrub shop
    here ''
    # A label that somebody removed.
    rm -f "$REPO/shop/backups/$id/label.json"
    here 'critical chain, critical xid'
    says 'shop misses a backup' "$id" 'pgassay verify chain shop'
}

@test "several repositories and databases: each by its own targets, and one that cannot be read is not good" {
    repo_new near
    local near=$REPO
    plant shop --at "$(days_ago 2)"
    plant "odd name" --at "$(minutes_ago 144)"
    repo_new far
    plant shop --at "$(minutes_ago 144)"
    cat >"$T/status.conf" <<EOF
repo = near
proven-within = none
[repo near]
path = $near
[repo far]
path = $REPO
[database shop]
repo = near, far
rpo = 3d
[database gone]
repo = far
EOF
    export PGASSAY_CONFIG=$T/status.conf
    found 'critical backup'
    says 'gone in far has no backup that could be restored'
    expect_equal "$(jq -r '[.facts.places[] | .db] | join(", ")' "$T/report.json")" 'odd name, shop, gone, shop'
    found '' shop
    found 'critical backup, warning second-place' shop --rpo 26h
    says 'shop in near was last backed up 2 d'
    found 'critical backup' "odd name" --rpo 1h
    says "pgassay backup 'odd name'"
    mv "$near" "$near.away"
    found 'unknown repository' shop
    says 'near could not be looked at' 'is it mounted?'
    expect_status 1 pgassay verify status "odd name"
    expect_text 'could not open repository'
    mv "$near.away" "$near"
}

@test "what a key would be needed for is said not to be known, and is no finding" {
    export REPO=$T/repo.sealed
    pgassay storage keygen "$T/reader" -q
    pgassay storage init --repo "$REPO" --encrypt-to "$T/reader.pub" -q
    plant shop --at "$(minutes_ago 144)" --xid-age 1700000000
    here ''
    expect_equal "$(jq -r '.facts.places[0] | "\(.xid_age) \(.xid_unknown)"' "$T/report.json" | cut -c 1-51)" 'null it is in the encrypted part of the backup, and'
    expect_equal "$(jq -r '.checks[] | select(.name == "xid") | .status' "$T/report.json")" skipped
    here 'critical xid' --identity "$T/reader"
}

@test "one place alone, a key that nobody has tried, a policy that nobody carries out" {
    repo_new one
    local one=$REPO n
    for n in 40 20 9 8; do plant shop --at "$(days_ago $n)"; done
    storage policy --keep-last 2
    # Given up before a week ago: two.  Today's, which made a third one go, is tonight's prune's business.
    plant shop --at "$(minutes_ago 60)"
    here 'warning policy' --scrubbed-within none
    says 'shop still holds 2 backups that its policy gave up a week ago' 'pgassay storage prune shop'
    expect_equal "$(jq .facts.places[0].overdue "$T/report.json")" 2
    storage prune >/dev/null
    here '' --scrubbed-within none
    # Of a database in two repositories the newest must be in both, or in the other one that is not much older.
    repo_new two
    plant shop --at "$(days_ago 3)"
    both() { found "$1" --repo "$one" --repo "$REPO" --proven-within none --scrubbed-within none "${@:2}"; }
    both 'critical backup, warning second-place'
    says "shop in $one is the only place of its newest backup" "pgassay storage copy $one $REPO shop"
    both '' --rpo 4d
    pgassay storage copy "$one" "$REPO" shop -q
    both ''
    expect_equal "$(jq -r '.checks[] | select(.name == "key-drill") | .status + ": " + .why' "$T/report.json")" 'skipped: no backup is encrypted'
    # A key drill is due when there has been time for one.
    export REPO=$T/repo.keyed
    pgassay storage keygen "$T/escrow" -q
    pgassay storage init --repo "$REPO" --encrypt-to "$T/escrow.pub" -q
    plant shop --at "$(days_ago 120)"
    plant shop --at "$(minutes_ago 60)"
    here 'warning key-drill' --scrubbed-within none
    says 'shop has no key drill on record' 'verify key-drill --identity FILE shop'
    here '' --scrubbed-within none --key-drilled-within 130d
    pgassay verify key-drill shop --repo "$REPO" --identity "$T/escrow" -q
    here '' --scrubbed-within none
}

@test "how the last run on this host ended is said, until there is a newer backup" {
    local other last
    repo_new other
    plant shop --at "$(minutes_ago 60)"
    other=$REPO
    repo_new runs
    plant shop --at "$(minutes_ago 60)"
    last=$PGASSAY_STATE_DIR/$(jq -r '.repo_id // empty' "$REPO"/repo.*.json | head -n 1)/shop.run
    here ''
    expect_equal "$(jq -r '.checks[] | select(.name == "schedule") | .status' "$T/report.json")" skipped
    # No server is there: the run fails, and only this host knows.
    expect_status 1 pgassay backup shop --repo "$REPO" -d 'host=/nonexistent dbname=shop'
    here 'warning schedule'
    says 'shop had its last backup run on this host fail' 'No such file or directory' 'pgassay backup shop'
    PGASSAY_STATE_DIR=$T/another here ''
    # Not of another repository, nor does a dry run count.
    REPO=$other here ''
    expect_status 1 pgassay backup shop --repo "$other" -d 'host=/nonexistent dbname=shop' --dry-run
    REPO=$other here ''
    # One that could not be opened is known by where it is.
    mv "$other" "$other.away"
    expect_status 1 pgassay backup shop --repo "$other" -d 'host=/nonexistent dbname=shop'
    mv "$other.away" "$other"
    REPO=$other here 'warning schedule'
    # Somebody takes one later.
    jq -c --arg t "$(days_ago 1)" '.started = $t' "$last" >"$T/run"
    cp "$T/run" "$last"
    plant shop --at "$(minutes_ago 30)"
    here ''
    # A run of long ago that was good, and none since; noted by an older program, for all repositories.
    repo_new stopped
    plant shop --at "$(days_ago 3)"
    jq -c --arg t "$(days_ago 3)" 'del(.error) | .started = $t | .finished = $t' "${last:?}" | jq -c 'del(.repository)' >"$T/run"
    cp "$T/run" "$PGASSAY_STATE_DIR/runs/shop.json"
    here 'critical backup, warning schedule'
    says 'shop had its last backup run on this host 3 d' 'list-timers'
    rm "$PGASSAY_STATE_DIR/runs/shop.json"
}

@test "of several repositories in the configuration each is to have every database, and what to do names the right one" {
    local a b
    repo_new a
    a=$REPO
    plant shop --at "$(minutes_ago 144)"
    plant elsewhere --at "$(minutes_ago 144)"
    repo_new b
    b=$REPO
    plant other --at "$(minutes_ago 144)"
    printf '%s\n' "repo = a, b" '[repo a]' "path = $a" '[repo b]' "path = $b" '[database elsewhere]' 'repo = a' >"$T/two.conf"
    two() { found "$1" --config "$T/two.conf" "${@:2}"; }
    # One with a section of its own is where that says.
    two 'critical backup, critical backup, warning second-place, warning second-place' --proven-within none
    says 'other in a has no backup that could be restored' 'shop in b has no backup that could be restored' \
        'shop in a is the only place' 'pgassay storage copy a b shop' 'pgassay storage copy b a other'
    expect_equal "$(jq -r '.findings[].command' "$T/report.json" | grep -- backup | sort)" 'pgassay backup other
pgassay backup shop'
    # As if they had been named.
    two 'critical backup, warning second-place' --proven-within none shop
    pgassay storage copy "$a" "$b" shop -q
    two 'warning proof, warning proof' shop
    expect_equal "$(jq -r '.findings[].command' "$T/report.json" | sort)" 'pgassay verify drill shop
pgassay verify drill shop --repo b'
    two 'critical backup, critical backup' --rpo 1h --proven-within none --repo b shop --repo "$a"
    expect_equal "$(jq -r '.findings[].command' "$T/report.json" | sort)" "pgassay backup shop --repo $a
pgassay backup shop --repo b"
}

@test "--nagios and --prometheus: a plugin's line, and a file whose times of success no failure touches" {
    repo_new first
    local first=$REPO file=$T/pgassay.prom before
    plant 'sh"op' --at "$(minutes_ago 144)"
    repo_new second
    plant other --at "$(minutes_ago 288)"
    watched() { pgassay verify status --repo "$first" --repo "$REPO" --proven-within none "$@"; }
    expect_status 0 watched --nagios
    expect_text 'PGASSAY STATUS OK - ' ' | ' '.age='
    expect_equal "$(wc -l <<<"$output")" 1
    expect_status 2 watched --nagios --rpo 1h
    expect_text 'PGASSAY STATUS CRITICAL - backup: ' 'and 1 more' '.age=86' 's;;3600;0'
    expect_status 3 pgassay verify status --repo /nonexistent --nagios
    expect_text 'PGASSAY UNKNOWN - could not open repository'
    expect_status 0 watched --prometheus "$file"
    expect_equal "$(stat -c %a "$file")" 644
    # Text format 0.0.4: HELP, TYPE, and a number for each set of labels.
    expect_equal "$(grep -cvE '^(# (HELP|TYPE) pgassay_[a-z_]+ .*|pgassay_[a-z_]+(\{([a-z]+="([^"\\]|\\["\\n])*",?)+\})? -?[0-9.e+]+)$' "$file")" 0
    expect_equal "$(sort "$file" | uniq -d | wc -l)" 0
    before=$(grep '^pgassay_backup_last_success.*db="sh' "$file")
    [[ $before == *'{db="sh\"op",repository="'*'"} '[0-9]* ]]
    mv "$first" "$first.away"
    expect_status 3 watched --prometheus "$file"
    expect_equal "$(grep '^pgassay_backup_last_success.*db="sh' "$file")" "$before"
    expect_equal "$(grep -c '^pgassay_repository_up{.*} 0$' "$file")" 1
    # Nothing could be read at all: the error is told, and the file knows.
    expect_status 1 pgassay verify status --repo "$first" --prometheus "$file"
    expect_text 'could not open repository'
    expect_equal "$(grep '^pgassay_backup_last_success' "$file")" "$before"
    expect_equal "$(grep '^pgassay_repository_up{' "$file" | cut -d ' ' -f 2)" 0
    expect_equal "$(grep '^pgassay_check_severity{' "$file")" 'pgassay_check_severity{check="repository"} 1'
    mv "$first.away" "$first"
    # Nothing of it is written when it cannot be written whole.
    before=$(sha256sum <"$file")
    mkdir "$T/full" && ln -s /dev/full "$T/full/x.prom"
    expect_status 1 watched --prometheus "$T/full/x.prom"
    expect_status 1 watched --prometheus "$T/nowhere/x.prom"
    expect_text 'nowhere/x.prom'
    expect_equal "$(sha256sum <"$file")" "$before"
    expect_equal "$(find "$T" -maxdepth 1 -name '*.partial' | wc -l)" 0
}

@test "alert rules, dashboard and docs/monitoring.md know the metrics that are written" {
    repo_new metrics
    local m file=$T/metrics.prom
    plant shop --at "$(minutes_ago 60)"
    pgassay verify status --repo "$REPO" --proven-within none --prometheus "$file"
    for m in $(grep -ohE 'pgassay_[a-z_]+' "$TOP"/docs/monitoring/*); do
        grep -q "^# TYPE $m gauge$" "$file" || { echo "$m is not written" >&2; return 1; }
    done
    # Whatever is not good, nor needless, is an alert.
    for m in 1 2 3; do grep -q "expr: pgassay_check_severity == $m$" "$TOP/docs/monitoring/pgassay.rules.yml"; done
    jq -e '.panels | length > 5' "$TOP/docs/monitoring/grafana-dashboard.json" >/dev/null
    for m in $(sed -nE 's/^# TYPE pgassay_([a-z_]+) gauge$/\1/p' "$file"); do
        grep -qE "\`pgassay_$m\`|\`_${m#backups\?_}\`|\`_${m#backup_}\`|\`_${m#backups_}\`|\`pgassay_${m%%_*}_" "$TOP/docs/monitoring.md" ||
            { echo "$m is not in docs/monitoring.md" >&2; return 1; }
    done
}
