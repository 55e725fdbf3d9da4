#!/usr/bin/env bats
# What does not belong into a repository, or is missing from it; and clocks that are wrong.

load lib
setup_file() {
    e2e_setup
    pg_start main
    db_make shop small.sql
    backup shop
    mv "$REPO" "$T/kept"
}
teardown_file() { e2e_teardown; }
setup() {
    rm -rf "$REPO" "$T/state"
    mkdir -m 700 "$T/state"
    cp -a "$T/kept" "$REPO"
}

# Everything that a night needs.
all_work() {
    expect_status 0 storage list
    expect_status 0 restore shop --list
    expect_status 0 backup shop
    expect_status 0 storage prune
}

@test "a link, a pipe, odd names: said, passed over, and nothing fails for them" {
    ln -s . "$REPO/shop/backups/latest"
    ln -s /etc "$REPO/etc"
    mkfifo "$REPO/shop/chunks/pipe"
    mkdir "$REPO/shop/backups/my copy"
    echo x >"$REPO/shop/backups/my copy/a b"
    all_work
    expect_status 0 storage list
    expect_text warning 'shop/backups/latest' 'passed over'
    [ -p "$REPO/shop/chunks/pipe" ]
    [ -f "$REPO/shop/backups/my copy/a b" ]
}

@test "a backup from the future is not the newest, and stops neither restores nor backups" {
    local d=$REPO/shop/backups/20991231T000000Z-ffff id
    id=$(ls "$REPO/shop/backups")
    mkdir "$d"
    echo x >"$d/label.json"
    expect_status 0 restore shop --list --json
    expect_text "$id" 'from the future'
    expect_status 0 backup shop
    expect_status 0 restore shop --to shop_back
    db_same shop shop_back
    db_drop shop_back
    expect_status 1 storage prune
    expect_text 'from the future' 'nothing was removed' 'storage forget'
    expect_status 2 storage forget shop 20991231T000000Z-ffff
    expect_status 2 storage forget shop "$id" --reason 'a slip'
    expect_text "backup $id is good"
    expect_status 0 storage forget shop 20991231T000000Z-ffff --reason 'nobody took it'
    expect_status 0 storage prune
    expect_status 0 storage list --check
    expect_status 0 pgassay verify chain shop --repo "$REPO"
}

@test "source.json gone or spoilt: all who look say so, the name is still a database, and stands for no other without --adopt" {
    local look check
    chmod u+w "$REPO/shop/source.json"
    flip "$REPO/shop/source.json" 0
    for look in 'cannot be used' 'is gone'; do
        expect_status 0 storage list
        expect_text shop "source.json $look"
        expect_status 0 storage list shop --json
        expect_status 3 storage list --check
        for check in 'verify objects' 'verify chain' 'storage scrub' 'storage prune'; do
            # shellcheck disable=SC2086  # several words
            expect_status 3 pgassay $check shop --repo "$REPO"
            expect_text "source.json $look"
        done
        rm -f "$REPO/shop/source.json"
    done
    expect_status 0 restore shop --to shop_back
    db_drop shop_back
    expect_status 1 backup shop
    expect_text 'source.json is gone' adopt
    expect_status 0 backup shop --adopt
    expect_status 0 storage list --check
}

@test "repo.1.json gone: no hint to make a new one, but where its copy is; and it can be put back" {
    local id
    id=$(ls "$REPO/shop/backups")
    rm "$REPO/repo.1.json"
    expect_status 1 storage list
    expect_text 'has lost its repo.1.json' 'do not make a new one' "shop/backups/$id/repo.json"
    [[ $output != *'storage init'* ]]
    expect_status 0 storage recover
    expect_text "repo.1.json was written from shop/backups/$id/repo.json"
    cmp "$REPO/shop/backups/$id/repo.json" "$REPO/repo.1.json"
    expect_status 0 restore shop --to shop_back
    db_same shop shop_back
    db_drop shop_back
    # Nor is one offered where something else is, or where a bucket was meant.
    expect_status 1 storage list --repo /etc
    expect_text 'is the name right'
    [[ $output != *'storage init'* ]]
    expect_status 1 storage list --repo s3:/b/p
    expect_text 's3://BUCKET/PREFIX'
}

@test "a clock that is ahead or behind takes no backup, and what it took before is not young" {
    faketime -f +0 "$PGASSAY_PG_BINDIR/pg_dump" --version >/dev/null || skip "this PostgreSQL's programs have an older libc than faketime"
    command -v faketime >/dev/null || skip "faketime is not installed"
    local when
    for when in '+400d' '-400d'; do
        expect_status 1 faketime -f "$when" "$BIN/pgassay-backup" shop --repo "$REPO"
        expect_text "this host's clock is"
        expect_equal "$(ls "$REPO/shop/backups" | wc -l)" 1
    done
    # As an older program left it: a label of 400 days ahead.
    local id
    id=$(ls "$REPO/shop/backups")
    psql_in shop -c 'create table later(i int)'
    expect_status 0 backup shop
    mkdir "$T/future" && cp -a "$REPO/shop/backups/$id/." "$T/future"
    chmod u+w "$T/future/label.json"
    local future
    future=$(date -u -d '+400 days' +%Y%m%dT000000Z)-0001
    sed -i -E "s/\"backup\":\"$id\"/\"backup\":\"$future\"/; s/\"(started|snapshot|finished)\":\"[0-9]{4}/\"\1\":\"$(($(date +%Y) + 2))/g" "$T/future/label.json"
    mv "$T/future" "$REPO/shop/backups/$future"
    # Whoever asks for a check is told by its status; a restore goes on.
    expect_status 3 drill shop
    expect_text "$future is from the future"
    expect_status 3 pgassay verify objects shop --repo "$REPO"
    expect_text "$future" 'is from the future'
    expect_status 0 storage list
    expect_status 3 storage list --check
    expect_status 0 restore shop --to shop_back
    expect_text "$future is from the future"
    expect_equal "$(psql_in shop_back -Atc "select count(*) from pg_tables where tablename = 'later'")" 1
    db_drop shop_back
    expect_status 1 restore shop --backup "$future" --to nothing --max-age 1h
    expect_text 'from the future'
    expect_no_db nothing
    psql_in shop -c 'drop table later'
    # Clocks may differ by some minutes: what is taken afterwards is the latest all the same.
    expect_status 0 faketime -f +4m "$BIN/pgassay-backup" shop --repo "$REPO"
    psql_in shop -c 'create table later(i int)'
    expect_status 0 backup shop
    expect_status 0 restore shop --to shop_back
    expect_equal "$(psql_in shop_back -Atc "select count(*) from pg_tables where tablename = 'later'")" 1
    db_drop shop_back
    psql_in shop -c 'drop table later'
}

@test "a place whose name is not UTF-8: JSON holds it as bytes, and whole" {
    local dir=$T/$'caf\xe9' want
    mkdir "$dir"
    want=$(printf '%s' "$dir/repo" | base64 -w 0)
    pgassay storage init --repo "$dir/repo" --json >"$T/out"
    expect_equal "$(jq -r '.repository.b64' "$T/out")" "$want"
    pgassay storage list --repo "$dir/repo" --json >"$T/out"
    expect_equal "$(jq -r '.repository.b64' "$T/out")" "$want"
    valid_json list "$T/out"
    pgassay storage policy --repo "$dir/repo" --json >"$T/out"
    valid_json policy "$T/out"
    pgassay storage scrub --repo "$dir/repo" --json >"$T/out"
    valid_json scrub "$T/out"
    pgassay storage doctor --repo "$dir/repo" --json >"$T/out"
    valid_json doctor "$T/out"
    pgassay storage keygen "$dir/key" --json >"$T/out"
    expect_equal "$(jq -r '.secret_file.b64' "$T/out")" "$(printf '%s' "$dir/key" | base64 -w 0)"
}
