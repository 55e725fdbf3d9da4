#!/usr/bin/env bats
# Deltas: a backup stores the rows that have changed, and is as good as a whole one, whatever has happened since.

load lib

setup_file() {
    e2e_setup
    private_postgres
    drills_copy
    pg_start main
    db_make shop small.sql
    psql_in shop <<'SQL'
CREATE TABLE log (id int PRIMARY KEY, at timestamptz NOT NULL, said text NOT NULL, xml xml);
INSERT INTO log SELECT n, '2026-01-01', repeat(md5(n::text), 4) FROM generate_series(1, 4000) n;
CREATE TABLE seen (id int PRIMARY KEY, said text NOT NULL);
INSERT INTO seen SELECT n, repeat(md5(n::text), 8) FROM generate_series(1, 2000) n;
SQL
}
teardown_file() { e2e_teardown; }

# Here and there: rows of both tables are updated, deleted, inserted.
night() {
    psql_in shop -o /dev/null <<SQL
UPDATE log SET said = 'night $1 ' || said WHERE id % 400 = $1;
UPDATE seen SET said = 'night $1 ' || said WHERE id % 500 = $1;
DELETE FROM log WHERE id = 1000 + $1;
INSERT INTO log SELECT 10000 * $1 + n, '2026-02-01', md5(n::text) FROM generate_series(1, 3) n;
SQL
}
deltas() { zstd -dcq "$REPO/shop/backups/$(last_id shop)"/manifest*.json.zst | jq '.deltas // [] | length'; }
new_bytes() { label shop | jq .new_bytes; }
same_as_shop() { # OPTION...: what is restored
    db_drop back
    pgassay restore --to back --force-incomplete "$@" 2>/dev/null || pgassay restore --to back "$@"
    db_same shop back
}

@test "a night costs the rows that have changed; restore, drill, live, verify, scrub, copy, export and the recipe take it as any other" {
    local first
    repo_new plain
    backup shop
    first=$(new_bytes)
    expect_equal "$(deltas)" 0
    night 1
    backup shop
    [ "$(deltas)" -ge 1 ]
    [ "$(manifest shop | jq -c .needs)" = '["delta"]' ]
    [ $(($(new_bytes) * 4)) -lt "$first" ]
    manifest shop >"$T/manifest.json"
    valid_json manifest "$T/manifest.json"
    restore shop --to back
    db_same shop back
    expect_status 0 drill shop
    expect_status 0 pgassay verify live shop -d shop --repo "$REPO" --full
    expect_status 0 pgassay verify objects shop --repo "$REPO"
    expect_status 0 storage scrub shop
    # Nothing has changed: the same deltas, and nothing but the schema's archive is stored.
    backup shop
    [ "$(deltas)" -ge 1 ]
    expect_equal "$(label shop | jq .new_chunks)" 1
    db_drop back
    restore shop --to back
    db_same shop back
    # A part, and rows that were lost.
    db_drop back
    restore shop --to back -t log
    expect_equal "$(psql_in back -c 'SELECT count(*), sum(hashtext(log::text)) FROM log')" "$(psql_in shop -c 'SELECT count(*), sum(hashtext(log::text)) FROM log')"
    psql_in shop -c 'CREATE TABLE kept AS SELECT * FROM log' -c 'DELETE FROM log WHERE id < 100' -o /dev/null
    expect_status 0 restore shop --rows log --apply deleted
    expect_equal "$(psql_in shop -c 'SELECT count(*) FROM (SELECT id, said FROM kept EXCEPT SELECT id, said FROM log) x')" 0
    psql_in shop -c 'DROP TABLE kept'
    # In another repository, and out of the program's hands.
    pgassay storage init --repo "$T/second"
    pgassay storage copy "$REPO" "$T/second"
    expect_status 0 pgassay verify drill shop --repo "$T/second"
    [ "$(REPO=$T/second deltas)" -ge 1 ]
    pgassay storage init --repo "$T/third"
    pgassay storage copy "$REPO" "$T/third" --whole
    expect_equal "$(REPO=$T/third deltas)" 0
    expect_status 0 pgassay verify drill shop --repo "$T/third"
    storage export shop --file "$T/shop.tar"
    db_drop back
    pgassay restore --file "$T/shop.tar" --to back
    db_same shop back
    awk '/^```sh$/ { on = 1; next } /^```$/ { on = 0 } on' "$TOP/docs/recipe.md" >"$T/recipe.sh"
    db_drop back
    BACKUP=$REPO/shop/backups/$(last_id shop) NEWDB=back bash "$T/recipe.sh"
    db_same shop back
}

@test "many nights: pruned between them, with a state directory that is lost, full, rolled back, and another host's" {
    local n
    repo_new many
    for n in 2 3 4 5 6 7 8; do
        night "$n"
        case $n in
        3) storage policy --keep-last 1 && storage prune shop ;;
        4) rm -f "$T"/state/*/shop.rows ;;
        5) cp -r "$T/state" "$T/state.old" ;;
        6) rm -rf "$T/state" && mv "$T/state.old" "$T/state" ;;
        7) export PGASSAY_STATE_DIR=$T/state.host2 ;;
        8) export PGASSAY_STATE_DIR=$T/state ;;
        esac
        backup shop
        case $n in
        2 | 4 | 7) expect_equal "$(deltas)" 0 ;;
        3 | 5) [ "$(deltas)" -ge 1 ] ;;
        esac
        case $n in
        3 | 6 | 8)
            db_drop back
            restore shop --to back
            db_same shop back
            ;;
        esac
    done
    storage prune shop
    expect_status 0 drill shop
    backup shop --whole
    expect_equal "$(deltas)" 0
    backup shop --delta-state 0
    # No room for it: the backup is good, and the next one whole.
    mkdir "$T/full"
    mount -t tmpfs -o size=64k none "$T/full" 2>/dev/null || skip "no tmpfs can be mounted"
    night 12
    PGASSAY_STATE_DIR=$T/full expect_status 0 backup shop --verbose
    expect_text 'No space left on device; what changes is stored whole next time'
    umount "$T/full"
    expect_status 0 drill shop
}

@test "a base that is damaged: named with its table; what is backed up next does without it, and another repository heals it" {
    local base good
    repo_new base
    backup shop
    good=$T/repo.base.good
    pgassay storage init --repo "$good"
    pgassay storage copy "$REPO" "$good"
    night 13
    backup shop
    [ "$(deltas)" -ge 1 ]
    base=$(manifest shop | jq -r '.chunks[.deltas[0][2][0][0]][0]')
    flip "$REPO/shop/chunks/$base" 200
    expect_status 1 restore shop --to broken
    expect_text "$base" # the chunk is named
    expect_no_db broken
    expect_status 3 storage scrub shop
    expect_text "$base"
    night 14
    backup shop
    expect_status 0 drill shop
    expect_status 0 storage scrub shop --repair-from "$good"
    expect_status 0 storage list shop --check
    rm -rf "$good"
    expect_status 0 drill shop --backup "$(backup_ids shop | sed -n 2p)" # the one with the base
    # A copy made whole has no such chunk as the new rows and their list are: it takes the backup's place.
    night 9
    backup shop
    [ "$(deltas)" -ge 1 ]
    pgassay storage init --repo "$good"
    pgassay storage copy "$REPO" "$good" --whole
    flip "$REPO/shop/chunks/$(manifest shop | jq -r '.chunks[.deltas[0][2][-1][0]][0]')" 50
    expect_status 3 storage scrub shop
    expect_status 0 storage scrub shop --repair-from "$good"
    expect_text 'brought back 1 backup'
    expect_status 0 storage list shop --check
    rm -rf "$good"
    expect_status 0 drill shop
}

@test "a delta that does not add up although its chunks are good: objects says so, and a drill; the next whole backup does without it" {
    local dir sha
    repo_new wrong
    backup shop
    night 11
    backup shop
    # What a faulty writer would have left: the manifest says of the newest rows what they are not.
    dir=$REPO/shop/backups/$(last_id shop)
    sha=$(manifest shop | jq -r '.deltas[0][1]')
    zstd -dcq "$dir"/manifest*.zst | sed "s/$sha/$(rev <<<"$sha")/" >"$T/manifest.json"
    zstd -qf "$T/manifest.json" -o "$dir"/manifest*.zst
    jq -c --arg s "$(sha256sum <"$dir"/manifest*.zst | cut -d ' ' -f 1)" --arg r "$(sha256sum <"$T/manifest.json" | cut -d ' ' -f 1)" \
        --argjson n "$(stat -c %s "$dir"/manifest*.zst)" '.manifest_sha256 = $s | .manifest_raw_sha256 = $r | .manifest_size = $n' "$dir/label.json" >"$T/label"
    cat "$T/label" >"$dir/label.json"
    rm -f "$PGASSAY_STATE_DIR"/*/shop.seen* # this host remembers the label
    expect_status 0 storage scrub shop
    expect_status 3 pgassay verify objects shop --repo "$REPO" --json
    printf '%s\n' "$output" >"$T/objects.json"
    valid_json verify "$T/objects.json"
    jq -e '.stored.deltas >= 1 and ([.findings[] | select(.group == "chunks")] | length == 1)' "$T/objects.json"
    expect_status 3 drill shop
    expect_text 'cannot be put together' 'the SHA-256 differs'
    backup shop --whole
    expect_status 0 pgassay verify objects shop --repo "$REPO"
}

@test "encrypted: a host that cannot read makes deltas, no delta reaches over epochs, a second implementation reads them" {
    local k
    for k in ops host; do pgassay storage keygen "$T/$k"; done
    export REPO=$T/sealed PGASSAY_STATE_DIR=$T/state.sealed
    pgassay storage init --repo "$REPO" --encrypt-to "$T/ops.pub"
    backup shop
    night 15
    backup shop
    label shop | jq -e '.new_chunks <= 4'
    /usr/bin/python3 "$TOP/tests/e2e/pgassay_open.py" check "$REPO" shop "$T/ops"
    /usr/bin/python3 "$TOP/tests/e2e/pgassay_open.py" rows "$REPO" shop "$T/ops" public.log >"$T/rows"
    expect_equal "$(wc -l <"$T/rows")" "$(psql_in shop -c 'SELECT count(*) FROM log')"
    night 16
    storage keys new-epoch --encrypt-to "$T/ops.pub"
    backup shop
    label shop | jq -e '.new_chunks == .chunks'
    night 17
    backup shop
    label shop | jq -e '.new_chunks <= 4'
    db_drop back
    restore shop --to back --identity "$T/ops"
    db_same shop back
    expect_status 0 drill shop --identity "$T/ops"
}

@test "columns come and go, text becomes binary, into two repositories, one of them new" {
    repo_new shape
    backup shop
    psql_in shop -c 'ALTER TABLE seen ADD more int DEFAULT 7' -c 'ALTER TABLE log DROP xml' # log was text
    night 18
    backup shop
    db_drop back
    restore shop --to back
    db_same shop back
    night 19
    pgassay storage init --repo "$T/late"
    backup shop --repo "$T/late"
    db_drop back
    restore shop --to back
    db_same shop back
    night 20
    backup shop --repo "$T/late"
    [ "$(deltas)" -ge 1 ]
    [ "$(REPO=$T/late deltas)" -ge 1 ]
    db_drop back
    pgassay restore shop --repo "$T/late" --to back
    db_same shop back
}

@test "killed at any moment: the next backup is whole" {
    local n rounds
    rounds=$(rounds 3 60)
    repo_new killed
    backup shop
    for ((n = 0; n < rounds; n++)); do
        night $((21 + n % 300))
        "$BIN/pgassay-backup" shop --repo "$REPO" --jobs 2 >"$T/killed.out" 2>&1 3>&- 4>&- &
        sleep "0.$((RANDOM % 4))$((RANDOM % 10))"
        kill -9 $! 2>/dev/null || true
        wait $! 2>/dev/null || true
    done
    backup shop
    db_drop back
    restore shop --to back
    db_same shop back
    expect_status 0 pgassay verify objects shop --repo "$REPO"
}
