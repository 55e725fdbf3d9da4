#!/usr/bin/env bats
# What stays and what goes: policy, prune, pins, proven backups, the shrink alarm, emergencies, backup --prune.

load lib
setup_file() {
    e2e_setup
    pg_start main
    psql_in postgres -c "CREATE DATABASE shop TEMPLATE template0"
    psql_in shop -c "CREATE TABLE item AS SELECT n, md5(n::text) AS t FROM generate_series(1, 2000) n"
}
teardown_file() {
    mountpoint -q "$T/full" && umount "$T/full"
    e2e_teardown
}

prune() { storage prune "$@"; }

# backdate DAYS [DB]: the last backup of DB (shop) becomes one of so long ago; prints its new id.  Only its label and its
# directory tell when it was; and this host has seen no other.
backdate() {
    local id at to db=${2:-shop} dir
    dir=$REPO/$db/backups
    id=$(last_id "$db")
    at=$(date -u -d "now - $1 days" +%Y-%m-%dT%H:%M:%SZ)
    to=$(date -u -d "$at" +%Y%m%dT%H%M%SZ)-${id##*-}
    mv "$dir/$id" "$dir/$to"
    jq -c --arg at "$at" --arg id "$to" '.backup = $id | .started = $at | .snapshot = $at | .finished = $at' \
        "$dir/$to/label.json" >"$T/label" && rm -f "$dir/$to/label.json" && cp "$T/label" "$dir/$to/label.json"
    rm -f "$T"/state/*/"$db".seen
    echo "$to"
}

# night DAYS: a backup of so many days ago, with a row of its own; real_night: one that can be restored, too.
night() { plant shop --at "$(days_ago "$1")"; }
real_night() {
    psql_in shop -c "INSERT INTO item VALUES ($1, 'of the night')"
    backup shop --whole
    backdate "$1"
}

ids() { backup_ids shop | xargs; }
whole() { expect_status 0 storage list --check; expect_status 0 pgassay verify objects --repo "$REPO"; }

@test "the policy lies in the repository, and each rule comes back as it was set" {
    local rule value n=2 args=()
    repo_new policy
    expect_status 0 storage policy
    expect_text "no rule: nothing expires"
    for rule in keep-{last,hourly,daily,weekly,monthly,yearly}; do args+=("--$rule" $((n++))); done
    for rule in keep-within{,-hourly,-daily,-weekly,-monthly,-yearly}; do args+=("--$rule" "1y$((n++))d"); done
    expect_status 0 storage policy "${args[@]}" --min-keep 3 --shrink-share 0.25
    expect_equal "$output" ""
    storage policy --json >"$T/policy.json"
    valid_json policy "$T/policy.json"
    valid_json repo "$REPO/repo.2.json"
    n=2
    for rule in keep_{last,hourly,daily,weekly,monthly,yearly}; do
        expect_equal "$(jq ".policy.$rule" "$T/policy.json")" $((n++))
    done
    for rule in keep_within{,_hourly,_daily,_weekly,_monthly,_yearly}; do
        expect_equal "$(jq -r ".policy.$rule" "$T/policy.json")" "1y$((n++))d"
    done
    expect_equal "$(jq -c '[.policy.min_keep, .policy.shrink_share]' "$T/policy.json")" "[3,0.25]"
    # Setting one leaves the others; --clear forgets them.
    storage policy --keep-last unlimited
    expect_equal "$(storage policy --json | jq -c '[.policy.keep_last, .policy.keep_yearly]')" '["unlimited",7]'
    storage policy --clear --keep-daily 7
    expect_equal "$(storage policy --json | jq -c .policy)" '{"keep_daily":7}'
    # A database overrides single rules, and may do so before its first backup.
    expect_status 0 storage policy shop --keep-weekly 4
    expect_text '"shop"' "anyway"
    expect_status 2 storage policy --keep-daily often
    expect_text keep-daily
    expect_status 2 storage policy --keep-within 7w
    expect_text "7w"
    expect_equal "$(jq -c '[.policy, .database_policies]' "$REPO/repo.5.json")" '[{"keep_daily":7},{"shop":{"keep_weekly":4}}]'
    backup shop
    expect_status 0 restore shop --to fine
    db_drop fine
}

@test "no policy: nothing expires, and that is said" {
    local before
    repo_new none
    night 400 && night 1
    before=$(ids)
    expect_status 0 prune
    expect_text "no policy" "storage policy --keep-daily"
    expect_equal "$(ids)" "$before"
}

@test "prune keeps what the rules say, tells why, and what stays restores" {
    local old mid new partial
    repo_new rules
    storage policy --keep-last 2
    partial=$(plant shop --at "$(days_ago 50)" --scope 0123456789abcdef)
    old=$(night 30) && mid=$(night 2) && new=$(real_night 1)
    expect_status 0 prune --dry-run
    expect_text "$old" "no rule keeps it" "would go" "keep-last 2" "newest"
    expect_equal "$(ids)" "$partial $old $mid $new"
    expect_status 0 prune --grace 0
    expect_equal "$output" ""
    expect_equal "$(ids)" "$partial $mid $new"
    [ -n "$(ls "$REPO"/shop/tombstones/"$old"*)" ]
    whole
    expect_status 0 restore shop --to back
    db_same shop back
    db_drop back
    # A second night: nothing to say, nothing to do.
    expect_status 0 prune --grace 0
    expect_equal "$(ids)" "$partial $mid $new"
}

@test "its JSON keeps to the schema, with a reason for each" {
    local old new
    repo_new json
    storage policy --keep-daily 1
    old=$(night 3) && new=$(night 1)
    prune --json --dry-run --grace 0 >"$T/dry.json"
    valid_json prune "$T/dry.json"
    prune --json --grace 0 >"$T/prune.json"
    valid_json prune "$T/prune.json"
    expect_equal "$(jq -c '[.databases[0].backups[] | .stays, .reasons]' "$T/prune.json")" \
        '[false,["expired"],true,["keep-daily","min-keep","newest"]]'
    expect_equal "$(jq -r '.databases[0].expired[]' "$T/prune.json")" "$old"
    expect_equal "$(jq -c '[.databases[0].trashed, .databases[0].expired]' "$T/dry.json")" \
        "$(jq -c '[.databases[0].trashed, .databases[0].expired]' "$T/prune.json")"
    expect_equal "$(ids)" "$new"
}

@test "the newest proven backup, and pinned ones, are never removed" {
    local pinned proven two new
    repo_new proven
    storage policy --keep-last 1
    pinned=$(night 40) && proven=$(real_night 30)
    expect_status 0 drill shop
    for record in "$REPO"/shop/drills/*; do valid_json drill "$record"; done
    # A drill that is not to be recorded proves nothing.
    two=$(real_night 20)
    expect_status 0 drill shop --no-record
    new=$(real_night 1)
    storage pin shop "$pinned" --note "for the audit"
    valid_json pin "$REPO"/shop/pins/*
    expect_status 2 storage pin shop "$two"
    expect_status 0 storage list
    expect_text "proven" "pinned: for the audit"
    storage list --json >"$T/list.json"
    valid_json list "$T/list.json"
    expect_equal "$(jq -c '[.databases[0].backups[].proven]' "$T/list.json")" "[false,true,false,false]"
    storage show shop "$proven" --json >"$T/show.json"
    valid_json show "$T/show.json"
    expect_status 0 storage show shop "$proven"
    expect_text "drill           passed"
    expect_status 0 prune --grace 0
    expect_equal "$(ids)" "$pinned $proven $new"
    storage unpin shop "$pinned"
    expect_status 1 storage unpin shop "$pinned"
    expect_text "not pinned"
    expect_status 0 drill shop
    expect_status 0 prune --grace 0
    expect_equal "$(ids)" "$new"
    whole
}

@test "a drill that found differences proves nothing, and takes the proof away" {
    repo_new disproved
    backup shop
    expect_status 0 drill shop
    expect_equal "$(storage list --json | jq '.databases[0].backups[0].proven')" true
    chmod -R u+w "$REPO/shop/drills"
    jq -c '.equal = false | .different = 1' "$REPO"/shop/drills/* >"$T/worse"
    cp "$T/worse" "$REPO/shop/drills/$(last_id shop).29991231T235959Z-00000000.json"
    expect_equal "$(storage list --json | jq -c '.databases[0].backups[0] | [.proven, .drill.equal]')" "[false,false]"
    expect_status 0 storage list
    expect_text "drill failed"
}

@test "a repository that cannot be written is drilled all the same" {
    [ "$(id -u)" -eq 0 ] || skip "needs another user"
    repo_new readonly
    backup shop
    touch "$REPO/shop/drills"       # where the directory would be
    expect_status 0 drill shop --json
    expect_text "not recorded" '"recorded": false'
}

@test "a backup that shrank keeps all before it until it is accepted" {
    local big small
    repo_new shrink
    storage policy --keep-last 1
    big=$(night 3)
    small=$(plant shop --at "$(days_ago 2)" --rows 0 --scope 0123456789abcdef)
    expect_status 0 prune --grace 0
    expect_equal "$(ids)" "$big $small"     # another scope: nothing to compare with
    small=$(plant shop --at "$(days_ago 1)" --rows 0)
    expect_status 3 prune --grace 0
    expect_text "$small looks wrong" "rows" "storage accept shop $small"
    [ "$(ids | wc -w)" -eq 3 ]
    expect_status 3 prune --json
    expect_equal "$(sed -n '/^{/,$p' <<<"$output" | jq -r '.databases[0].alarms[0].since')" "$small"
    expect_status 2 storage accept shop latest
    expect_status 0 storage accept shop latest --reason "the shop was emptied"
    valid_json accept "$REPO/shop/accepted/$small.json"
    expect_status 1 storage accept shop latest --reason "again"
    expect_status 0 prune --grace 0
    [ "$(ids | wc -w)" -eq 2 ]
    expect_text ""
    expect_status 0 storage list
    expect_text "accepted: the shop was emptied"
}

@test "what cannot be read stops the prune of its database, not of the others" {
    local bad good
    repo_new unreadable
    storage policy --keep-last 1
    bad=$(night 9) && night 2 && good=$(night 1)
    plant other && plant other
    chmod -R u+w "$REPO/shop/backups/$bad" && rm -f "$REPO/shop/backups/$bad/chunks.zst"
    expect_status 4 prune
    expect_text "$bad" "--drop-damaged" '"shop"'
    [ "$(ids | wc -w)" -eq 3 ]
    expect_equal "$(backup_ids other | wc -l)" 1
    expect_status 1 prune shop
    expect_status 0 prune shop --drop-damaged --grace 0
    expect_equal "$(ids)" "$good"
    whole
}

@test "an emergency removes the oldest that nothing protects, or nothing" {
    local a b c
    repo_new full
    storage policy --keep-daily 30 --min-keep 2
    a=$(night 4) && b=$(night 3) && c=$(night 2)
    expect_status 2 prune --free much
    expect_status 1 prune --free 1T
    expect_text "cannot be freed" "nothing was removed"
    expect_equal "$(ids)" "$a $b $c"
    expect_status 0 prune --free 1 --dry-run
    expect_text "to free space"
    expect_equal "$(ids)" "$a $b $c"
    prune --free 1 --json >"$T/free.json"
    valid_json prune "$T/free.json"
    expect_equal "$(ids)" "$b $c"
    [ "$(jq '.databases[0].swept.bytes' "$T/free.json")" -ge 1 ]
    # Of several databases the oldest backup goes, whosever it is.
    local days
    for days in 9 1 0; do plant twin --at "$(days_ago $days)"; done
    storage policy twin --min-keep 1
    expect_equal "$(prune --free 1 --json --dry-run | jq -c '[.databases[] | {db, gone: [.backups[] | select(.stays | not).backup]}]')" \
        "[{\"db\":\"shop\",\"gone\":[]},{\"db\":\"twin\",\"gone\":[\"$(backup_ids twin | head -n 1)\"]}]"
    expect_equal "$(jq .free.planned "$T/free.json")" "$(jq '.databases[0].swept.bytes' "$T/free.json")"
    whole
}

@test "a full disk: a prune that cannot write says what to do, and with a little room makes more" {
    local mnt=$T/full before free
    [ "$(id -u)" -eq 0 ] && mkdir -p "$mnt" && mount -t tmpfs -o size=2m tmpfs "$mnt" 2>/dev/null || skip "cannot mount"
    export REPO=$mnt/r
    storage init "$REPO"
    real_night 4 && real_night 3 && real_night 2
    before=$(ids)
    dd if=/dev/zero of="$mnt/junk" bs=4096 status=none 2>/dev/null || true
    expect_status 1 prune --free 1
    expect_text "No space left" "make a megabyte of room"
    expect_equal "$(ids)" "$before"
    truncate -s -500k "$mnt/junk"
    free=$(df --output=avail "$mnt" | tail -n 1)
    expect_status 0 prune --free 40k
    [ "$(ids | wc -w)" -lt 3 ] && [ "$(df --output=avail "$mnt" | tail -n 1)" -gt "$free" ]
    whole
    umount "$mnt"
}

@test "backup --prune removes only after success" {
    local old before
    repo_new nightly
    storage policy --keep-last 2
    old=$(night 9) && night 8 && before=$(ids)
    expect_status 1 backup nosuchdatabase --name shop --prune
    expect_equal "$(ids)" "$before"
    expect_status 0 backup shop --prune --json
    valid_json backup <(printf '%s' "$output") || { printf '%s' "$output" >"$T/b.json"; valid_json backup "$T/b.json"; }
    expect_equal "$(jq '.backups[0].repositories[0].prune_status' <<<"$output")" 0
    [ "$(ids | wc -w)" -eq 2 ]
    [[ $(ids) != *$old* ]]
    # What goes wrong in it is told, and leaves the backup where it is.
    chmod -R u+w "$REPO/shop/backups" && rm -f "$REPO/shop/backups/$(ids | cut -d' ' -f1)/chunks.zst"
    printf '[database shop]\nprune = yes\n' >"$T/prune.conf"
    expect_status 4 backup shop --config "$T/prune.conf"
    expect_text "is stored, but pruning" "status 1" "--drop-damaged"
    [ "$(ids | wc -w)" -eq 3 ]
}

@test "a database whose name looks like an option prunes nothing but itself" {
    repo_new odd
    psql_in postgres -c 'CREATE DATABASE "--json" TEMPLATE template0'
    storage policy --keep-last 1
    night 9 && night 8
    backup --prune -- --json
    [ "$(ids | wc -w)" -eq 2 ]
    backup --prune -- --json
    [ "$(storage list --json -- --json | jq '.databases[0].backups | length')" -eq 1 ]
    expect_status 0 drill -- --json
}

@test "a label of a time at which the store did not receive it is a finding, and pushes no good backup out" {
    local good forged ahead newest day
    repo_new forged
    day=$(date -u -d '10 days ago' +%F)
    touch -d '60 days ago' "$REPO/repo.1.json"
    good=$(plant shop --at "${day}T02:00:00Z")
    touch -d '10 days ago' "$REPO/shop/backups/$good/label.json"
    forged=$(plant shop --at "${day}T22:00:00Z")
    newest=$(plant shop --at "$(date -u -d '3 hours ago' +%FT%TZ)")
    whole_but() { expect_status 3 storage list --check; expect_text "$@"; expect_status 3 pgassay verify chain --repo "$REPO"; expect_text "$@"; }
    whole_but "$forged" "was stored on"
    storage list --json >"$T/list.json"
    valid_json list "$T/list.json"
    jq -e --arg id "$forged" '[.databases[].backups[] | select(.doubt != null).backup] == [$id]' "$T/list.json"
    # The forged one is the last of its day.
    storage policy --keep-daily 30
    expect_status 0 prune
    expect_equal "$(ids)" "$good $forged $newest"
    storage policy --keep-daily 30 --keep-last 2
    expect_status 0 storage forget shop "$forged" --reason "who took it?"
    expect_status 2 storage forget shop "$good" --reason "none"
    expect_status 0 storage list --check
    # One of a time that was still to come when it was stored is not the newest.
    ahead=$(plant shop)
    touch -d '2 days ago' "$REPO/shop/backups/$ahead/label.json"
    whole_but "$ahead" "was stored on"
    expect_equal "$(storage show shop --json | jq -r .backup)" "$newest"
    # A copy is stored whenever somebody copies; a repository that was moved file by file is older than it is in its place.
    REPO=$T/copied pgassay storage init --repo "$T/copied"
    touch -d '60 days ago' "$T/copied/repo.1.json"
    expect_status 0 pgassay storage copy "$REPO" "$T/copied"
    REPO=$T/copied expect_status 0 storage list --check
    cp -r "$REPO" "$T/moved"
    REPO=$T/moved expect_status 0 storage list --check
}
